package xtest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (s *Server) v1(r *http.Request) *reply {
	q := r.URL.Query()
	switch Endpoint(r.URL.Path) {
	case "statuses/user_timeline":
		u := s.userOf(q.Get("user_id"), q.Get("screen_name"))
		if u == nil {
			return errorV1(http.StatusNotFound, 34, "Sorry, that page does not exist.")
		}
		if u.suspended || u.profile.Protected && authKind(r) != "oauth1" {
			return &reply{status: http.StatusUnauthorized, body: object{"request": r.URL.Path, "error": "Not authorized."}}
		}
		posts, _ := s.page(u.posts, s.opts.Keep, queryV1(q.Get, 20, 200))
		return ok(s.statuses(q.Get, posts))
	case "statuses/mentions_timeline":
		if s.opts.OAuth1 == nil || authKind(r) != "oauth1" {
			return errorV1(http.StatusForbidden, 220, "Your credentials do not allow access to this resource.")
		}
		posts, _ := s.page(s.byHandle(s.opts.OAuth1.User).mentions, s.opts.KeepMentions, queryV1(q.Get, 20, 200))
		return ok(s.statuses(q.Get, posts))
	case "users/show":
		return s.showUser(s.userOf(q.Get("user_id"), q.Get("screen_name")))
	case "account/verify_credentials":
		if s.opts.OAuth1 == nil || authKind(r) != "oauth1" {
			return errorV1(http.StatusForbidden, 220, "Your credentials do not allow access to this resource.")
		}
		return s.showUser(s.byHandle(s.opts.OAuth1.User))
	case "statuses/lookup":
		var found []*post
		for id := range strings.SplitSeq(q.Get("id"), ",") {
			p := s.seen(number(id))
			if p != nil && !s.byID(p.author).suspended && !s.byID(p.author).profile.Protected {
				found = append(found, p)
			}
		}
		return ok(s.statuses(q.Get, found))
	case "statuses/show":
		p := s.seen(number(q.Get("id")))
		switch {
		case p == nil:
			return errorV1(http.StatusNotFound, 144, "No status found with that ID.")
		case s.byID(p.author).suspended:
			return errorV1(http.StatusForbidden, 63, "User has been suspended.")
		case s.byID(p.author).profile.Protected:
			return errorV1(http.StatusForbidden, 179, "Sorry, you are not authorized to see this status.")
		}
		return ok(s.statusObject(q.Get, p))
	}
	return errorV1(http.StatusNotFound, 34, "Sorry, that page does not exist.")
}

func queryV1(get func(string) string, standard, most int) query {
	q := query{since: number(get("since_id")), max: standard}
	if n := number(get("count")); n > 0 {
		q.max = min(most, int(n))
	}
	if n := number(get("max_id")); n > 0 {
		q.until = n + 1 // max_id is inclusive
	}
	return q
}

func (s *Server) userOf(id, handle string) *account {
	if id != "" {
		return s.byID(number(id))
	}
	return s.byHandle(handle)
}

func (s *Server) showUser(u *account) *reply {
	switch {
	case u == nil:
		return errorV1(http.StatusNotFound, 50, "User not found.")
	case u.suspended:
		return errorV1(http.StatusForbidden, 63, "User has been suspended.")
	}
	return ok(s.userObjectV1(u))
}

func (s *Server) userObjectV1(u *account) object {
	p := u.profile
	out := object{
		"id": u.id, "id_str": strconv.FormatInt(u.id, 10), "name": p.Name, "screen_name": p.Handle,
		"description": p.Description, "location": p.Location, "url": nil,
		"protected": p.Protected, "verified": p.Verified, "created_at": u.made.UTC().Format(time.RubyDate),
		"followers_count": p.Followers, "friends_count": p.Following, "listed_count": p.Listed, "statuses_count": len(u.posts),
		"profile_image_url_https": p.Picture, "profile_banner_url": p.Banner,
		"entities": object{"description": object{"urls": []object{}}},
	}
	if p.Link != "" {
		out["url"] = shorten(p.Link)
		out["entities"] = object{
			"description": object{"urls": []object{}},
			"url":         object{"urls": []object{{"url": shorten(p.Link), "expanded_url": p.Link, "indices": [2]int{0, 23}}}},
		}
	}
	return out
}

func (s *Server) statuses(get func(string) string, posts []*post) []object {
	out := make([]object, len(posts))
	for i, p := range posts {
		out[i] = s.statusObject(get, p)
	}
	return out
}

func (s *Server) statusObject(get func(string) string, p *post) object {
	r := s.render(p)
	author := s.byID(p.author)
	out := object{
		"id": p.id, "id_str": strconv.FormatInt(p.id, 10), "created_at": p.made.Format(time.RubyDate),
		"lang": p.Lang, "source": p.Source, "truncated": false,
		"retweet_count": 0, "favorite_count": 0,
		"user": object{"id": author.id, "id_str": strconv.FormatInt(author.id, 10)},
	}
	if get("trim_user") != "true" {
		out["user"] = s.userObjectV1(author)
	}
	if to := s.posts[number(p.ReplyTo)]; to != nil {
		out["in_reply_to_status_id"], out["in_reply_to_status_id_str"] = to.id, p.ReplyTo
		out["in_reply_to_user_id"], out["in_reply_to_screen_name"] = to.author, s.byID(to.author).profile.Handle
	}
	if p.QuoteOf != "" {
		out["quoted_status_id"], out["is_quote_status"] = number(p.QuoteOf), true
	}
	if original := s.posts[number(p.RepostOf)]; original != nil {
		out["retweeted_status"] = s.statusObject(get, original)
		r.text = "RT @" + s.byID(original.author).profile.Handle + ": " + s.render(original).text
		r = r.cut(140)
	}
	out["entities"], out["extended_entities"] = s.entitiesV1(p, r)
	if get("tweet_mode") == "extended" {
		out["full_text"], out["display_text_range"] = r.text, [2]int{0, len([]rune(r.text))}
	} else {
		out["text"] = r.cut(140).text
	}
	if get("include_ext_edit_control") == "true" {
		out["ext_edit_control"] = editControl(p)
	}
	if p.Broken {
		out["id"] = object{"broken": true}
	}
	return out
}

func editControl(p *post) object {
	initial := object{"edit_tweet_ids": texts(p.versions), "editable_until_msecs": "0", "edits_remaining": "5"}
	if p.id == p.first {
		return object{"initial": initial}
	}
	return object{"edit": object{"initial_tweet_id": strconv.FormatInt(p.first, 10), "edit_control_initial": initial}}
}

func (s *Server) entitiesV1(p *post, r rendered) (entities, extended object) {
	out := map[string][]object{"urls": {}, "user_mentions": {}, "hashtags": {}}
	var media []object
	for _, e := range r.entities {
		indices := [2]int{e.start, e.end}
		switch e.kind {
		case "mention":
			m := object{"screen_name": e.value, "indices": indices}
			if a := s.byHandle(e.value); a != nil {
				m["id"] = a.id
			}
			out["user_mentions"] = append(out["user_mentions"], m)
		case "hashtag":
			out["hashtags"] = append(out["hashtags"], object{"text": e.value, "indices": indices})
		case "url":
			out["urls"] = append(out["urls"], object{"url": e.short, "expanded_url": e.value, "indices": indices})
		case "media":
			i := len(media)
			id := p.mediaBase + int64(i)
			media = append(media, object{
				"id": id, "id_str": strconv.FormatInt(id, 10), "type": p.Media[i].Type, "url": e.short,
				"expanded_url": e.value, "media_url_https": p.Media[i].URL, "indices": indices,
			})
		}
	}
	entities = object{}
	for name, list := range out {
		entities[name] = list
	}
	extended = object{}
	if len(media) > 0 {
		entities["media"], extended["media"] = media[:1], media
	}
	return entities, extended
}
