package xtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// noteLength is from how many characters on a text is a note.
const noteLength = 280

// dialect is one of the two vocabularies of API v2.
type dialect struct {
	fields                         string // parameter
	note, referenced, versions     string // fields
	expandPosts, includePosts      string
	repostCount, accountPostsCount string
}

func tweetDialect() dialect {
	return dialect{
		fields: "tweet.fields", note: "note_tweet", referenced: "referenced_tweets", versions: "edit_history_tweet_ids",
		expandPosts: "referenced_tweets.id", includePosts: "tweets",
		repostCount: "retweet_count", accountPostsCount: "tweet_count",
	}
}

func postDialect() dialect {
	return dialect{
		fields: "post.fields", note: "note_post", referenced: "referenced_posts", versions: "edit_history_post_ids",
		expandPosts: "referenced_posts", includePosts: "posts",
		repostCount: "repost_count", accountPostsCount: "post_count",
	}
}

// known are the names that a parameter takes.
func (d dialect) known() map[string][]string {
	fields := "attachments,created_at,entities,id,lang,public_metrics,source,text," + d.note
	expansions := "attachments.media_keys,author_id,in_reply_to_user_id," + d.expandPosts
	if d.fields == "tweet.fields" {
		fields += ",author_id,edit_history_tweet_ids,in_reply_to_user_id,referenced_tweets"
	}
	return map[string][]string{
		d.fields:       strings.Split(fields, ","),
		"expansions":   strings.Split(expansions, ","),
		"media.fields": {"media_key", "preview_image_url", "type", "url"},
		"user.fields": {
			"created_at", "description", "entities", "id", "location", "name", "profile_banner_url",
			"profile_image_url", "protected", "public_metrics", "url", "username", "verified",
		},
		"max_results": nil, "since_id": nil, "until_id": nil, "pagination_token": nil, "ids": nil,
	}
}

// asked is a request of API v2 with its parameters checked.
type asked struct {
	dialect
	q      url.Values
	fields map[string]bool
	expand map[string]bool
}

func (s *Server) ask(r *http.Request) (*asked, *reply) {
	q := r.URL.Query()
	d := tweetDialect()
	if q.Has("post.fields") || s.opts.FieldsParam == "post.fields" {
		d = postDialect()
	}
	known := d.known()
	for _, name := range sortedKeys(q) {
		values, ok := known[name]
		wrong := !ok || s.opts.FieldsParam != "" && strings.HasSuffix(name, "t.fields") && name != s.opts.FieldsParam
		for v := range strings.SplitSeq(q.Get(name), ",") {
			wrong = wrong || values != nil && !slices.Contains(values, v)
		}
		if wrong {
			a := problem(http.StatusBadRequest, "Invalid Request", "invalid-request", "One or more parameters to your request was invalid.")
			a.body.(object)["errors"] = []object{{ //nolint:forcetypeassert // problem makes an object
				"parameters": object{name: []string{q.Get(name)}},
				"message":    fmt.Sprintf("The query parameter [%s] is not one of [%s]", name, strings.Join(sortedKeys(known), ",")),
			}}
			return nil, a
		}
	}
	return &asked{dialect: d, q: q, fields: set(q.Get(d.fields)), expand: set(q.Get("expansions"))}, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func set(list string) map[string]bool {
	out := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		out[name] = true
	}
	return out
}

func (s *Server) v2(r *http.Request) *reply {
	a, refusal := s.ask(r)
	if refusal != nil {
		return refusal
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/2/"), "/")
	switch endpoint := Endpoint(r.URL.Path); endpoint {
	case "tweets":
		return s.lookupV2(a)
	case "users/me":
		if s.opts.OAuth1 == nil || authKind(r) != "oauth1" {
			return problem(http.StatusForbidden, "Unsupported Authentication", "unsupported-authentication",
				"Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.")
		}
		return s.userV2(a, s.byHandle(s.opts.OAuth1.User), "id", "me")
	case "users/by/username":
		return s.userV2(a, s.byHandle(parts[3]), "username", parts[3])
	case "users":
		return s.userV2(a, s.byPath(parts), "id", parts[1])
	case "users/tweets":
		return s.timelineV2(a, r, s.byPath(parts), parts[1], false)
	case "users/mentions":
		return s.timelineV2(a, r, s.byPath(parts), parts[1], true)
	}
	return &reply{status: http.StatusNotFound, body: nil}
}

func (s *Server) byPath(parts []string) *account {
	if len(parts) < 2 {
		return nil
	}
	id, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return nil
	}
	return s.byID(id)
}

func refused(parameter, value, kind, resource, title, detail string) object {
	return object{
		"value": value, "detail": detail, "title": title, "resource_type": resource, "parameter": parameter,
		"resource_id": value, "type": problemType + kind,
	}
}

func noUser(parameter, value string) *reply {
	return ok(object{"errors": []object{refused(parameter, value, "resource-not-found", "user", "Not Found Error",
		fmt.Sprintf("Could not find user with %s: [%s].", parameter, value))}})
}

func (s *Server) userV2(a *asked, u *account, parameter, value string) *reply {
	switch {
	case u == nil:
		return noUser(parameter, value)
	case u.suspended:
		return ok(object{"errors": []object{refused(parameter, value, "resource-not-found", "user", "Forbidden",
			fmt.Sprintf("User has been suspended: [%s].", value))}})
	}
	return ok(object{"data": s.userObject(a, u)})
}

func (s *Server) userObject(a *asked, u *account) object {
	p := u.profile
	all := object{
		"id": strconv.FormatInt(u.id, 10), "name": p.Name, "username": p.Handle,
		"created_at": u.made.UTC().Format(time.RFC3339), "protected": p.Protected, "verified": p.Verified,
		"description": p.Description, "location": p.Location, "profile_image_url": p.Picture, "profile_banner_url": p.Banner,
		"public_metrics": object{
			"followers_count": p.Followers, "following_count": p.Following, a.accountPostsCount: len(u.posts), "listed_count": p.Listed,
		},
	}
	if p.Link != "" {
		all["url"] = shorten(p.Link)
		all["entities"] = object{"url": object{"urls": []object{{
			"start": 0, "end": 23, "url": shorten(p.Link), "expanded_url": p.Link,
		}}}}
	}
	fields := set(a.q.Get("user.fields"))
	out := object{}
	for name, value := range all {
		if value != "" && (fields[name] || name == "id" || name == "name" || name == "username") {
			out[name] = value
		}
	}
	return out
}

func (s *Server) timelineV2(a *asked, r *http.Request, u *account, value string, mentions bool) *reply {
	switch {
	case u == nil:
		return noUser("id", value)
	case u.suspended || u.profile.Protected && authKind(r) != "oauth1":
		return ok(object{"errors": []object{refused("id", value, "not-authorized-for-resource", "user", "Authorization Error",
			fmt.Sprintf("Sorry, you are not authorized to see the user with id: [%s].", value))}})
	}
	q := query{since: number(a.q.Get("since_id")), until: number(a.q.Get("until_id")), max: 10}
	if n := a.q.Get("max_results"); n != "" {
		q.max = int(number(n))
		if q.max < 5 || q.max > 100 {
			return problem(http.StatusBadRequest, "Invalid Request", "invalid-request",
				fmt.Sprintf("The `max_results` query parameter value [%s] is not between 5 and 100", n))
		}
	}
	if token := a.q.Get("pagination_token"); token != "" {
		q.until = number(strings.TrimPrefix(token, tokenPrefix))
	}
	ids, keep := u.posts, s.opts.Keep
	if mentions {
		ids, keep = u.mentions, s.opts.KeepMentions
	}
	posts, more := s.page(ids, keep, q)
	meta := object{"result_count": len(posts)}
	out := object{"meta": meta}
	if len(posts) > 0 {
		oldest := posts[len(posts)-1].id
		meta["newest_id"], meta["oldest_id"] = strconv.FormatInt(posts[0].id, 10), strconv.FormatInt(oldest, 10)
		if more {
			meta["next_token"] = tokenPrefix + strconv.FormatInt(oldest, 10)
		}
		out["data"] = s.postObjects(a, posts)
		if includes := s.includes(a, posts); len(includes) > 0 {
			out["includes"] = includes
		}
	}
	return ok(out)
}

// tokenPrefix begins a pagination token, which is opaque to clients.
const tokenPrefix = "7140dibdnow9c7"

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (s *Server) lookupV2(a *asked) *reply {
	ids := strings.Split(a.q.Get("ids"), ",")
	if len(ids) > 100 {
		return problem(http.StatusBadRequest, "Invalid Request", "invalid-request",
			fmt.Sprintf("size must be between 1 and 100: ids has %d", len(ids)))
	}
	var found []*post
	var errs []object
	for _, id := range ids {
		p := s.seen(number(id))
		if p == nil {
			errs = append(errs, refused("ids", id, "resource-not-found", "tweet", "Not Found Error",
				fmt.Sprintf("Could not find tweet with ids: [%s].", id)))
			continue
		}
		if u := s.byID(p.author); u.suspended || u.profile.Protected {
			errs = append(errs, refused("ids", id, "not-authorized-for-resource", "tweet", "Authorization Error",
				fmt.Sprintf("Sorry, you are not authorized to see the Tweet with ids: [%s].", id)))
			continue
		}
		found = append(found, p)
	}
	out := object{}
	if len(found) > 0 {
		out["data"] = s.postObjects(a, found)
	}
	if len(errs) > 0 {
		out["errors"] = errs
	}
	return ok(out)
}

func (s *Server) postObjects(a *asked, posts []*post) []object {
	out := make([]object, len(posts))
	for i, p := range posts {
		out[i] = s.postObject(a, p)
	}
	return out
}

func (s *Server) postObject(a *asked, p *post) object {
	full := s.render(p)
	shown := full.cut(noteLength)
	id := strconv.FormatInt(p.id, 10)
	var refs []object
	ref := func(kind, id string) {
		if id != "" {
			refs = append(refs, object{"type": kind, "id": id})
		}
	}
	ref("replied_to", p.ReplyTo)
	ref("quoted", p.QuoteOf)
	ref("retweeted", p.RepostOf)
	if original := s.posts[number(p.RepostOf)]; original != nil {
		whole := s.render(original)
		whole.text = "RT @" + s.byID(original.author).profile.Handle + ": " + whole.text
		whole.entities = nil
		shown = whole.cut(140)
		full = shown
	}
	all := object{
		"author_id": strconv.FormatInt(p.author, 10), "created_at": p.made.Format("2006-01-02T15:04:05.000Z"),
		"lang": p.Lang, "source": p.Source,
		"public_metrics": object{a.repostCount: 0, "reply_count": 0, "like_count": 0, "quote_count": 0, "bookmark_count": 0, "impression_count": 0},
		"entities":       entitiesV2(s, shown),
	}
	if utf8.RuneCountInString(full.text) > noteLength {
		all[a.note] = object{"text": full.text, "entities": entitiesV2(s, full)}
	}
	if len(p.Media) > 0 {
		keys := make([]string, len(p.Media))
		for i := range p.Media {
			keys[i] = p.mediaKey(i)
		}
		all["attachments"] = object{"media_keys": keys}
	}
	if to := s.posts[number(p.ReplyTo)]; to != nil {
		all["in_reply_to_user_id"] = strconv.FormatInt(to.author, 10)
	}
	out := object{"id": id, "text": shown.text, a.versions: texts(p.versions)}
	for name, value := range all {
		if value != "" && (a.fields[name] || a.expand[name]) {
			out[name] = value
		}
	}
	if len(refs) > 0 && (a.fields[a.referenced] || a.expand[a.expandPosts]) {
		out[a.referenced] = refs
	}
	if p.Broken {
		out["id"] = object{"broken": true}
	}
	return out
}

func texts(ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = strconv.FormatInt(id, 10)
	}
	return out
}

func entitiesV2(s *Server, r rendered) object {
	out := map[string][]object{}
	for _, e := range r.entities {
		o := object{"start": e.start, "end": e.end}
		switch e.kind {
		case "mention":
			o["username"] = e.value
			if a := s.byHandle(e.value); a != nil {
				o["id"] = strconv.FormatInt(a.id, 10)
			}
			out["mentions"] = append(out["mentions"], o)
		case "hashtag":
			o["tag"] = e.value
			out["hashtags"] = append(out["hashtags"], o)
		default:
			o["url"], o["expanded_url"], o["display_url"] = e.short, e.value, strings.TrimPrefix(e.value, "https://")
			if e.mediaKey != "" {
				o["media_key"] = e.mediaKey
			}
			out["urls"] = append(out["urls"], o)
		}
	}
	all := object{}
	for name, list := range out {
		all[name] = list
	}
	return all
}

// includes returns what the expansions bring beside posts. A referenced post
// that cannot be seen is left out, as X does.
func (s *Server) includes(a *asked, posts []*post) object {
	var referenced, users, media []object
	add := func(list *[]object, key string, o object) {
		if !slices.ContainsFunc(*list, func(known object) bool { return known[key] == o[key] }) {
			*list = append(*list, o)
		}
	}
	for _, p := range posts {
		for _, id := range []string{p.ReplyTo, p.QuoteOf, p.RepostOf} {
			if q := s.seen(number(id)); q != nil && a.expand[a.expandPosts] {
				add(&referenced, "id", s.postObject(a, q))
			}
		}
		if a.expand["author_id"] {
			add(&users, "id", s.userObject(a, s.byID(p.author)))
		}
		if a.expand["attachments.media_keys"] {
			for i, m := range p.Media {
				o := object{"media_key": p.mediaKey(i), "type": m.Type}
				if m.Type == "photo" {
					o["url"] = m.URL
				} else {
					o["preview_image_url"] = m.URL
				}
				add(&media, "media_key", o)
			}
		}
	}
	out := object{}
	for name, list := range map[string][]object{a.includePosts: referenced, "users": users, "media": media} {
		if len(list) > 0 {
			out[name] = list
		}
	}
	return out
}
