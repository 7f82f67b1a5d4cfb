package x

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The endpoints of API v1.1 that the collector calls through go-twitter.
const (
	callTimeline = "statuses/user_timeline"
	callMentions = "statuses/mentions_timeline"
	callLookup   = "statuses/lookup"
	callStatus   = "statuses/show"
	callUser     = "users/show"
	callSelf     = "account/verify_credentials"
)

// userFields are asked for with every user. The names are the same in both
// vocabularies.
const userFields = "created_at,description,entities,id,location,name,profile_banner_url," +
	"profile_image_url,protected,public_metrics,url,username,verified"

// words are the names that API v2 has for what is asked of a post.
type words struct {
	fields     string
	expansions string // on the account's own timeline
	author     string // besides, where others are the authors
}

// vocabulary returns the words of a Config.FieldsParam. In the new vocabulary
// the author and the referenced posts are no fields but come with expansions.
func vocabulary(fieldsParam string) words {
	if fieldsParam == FieldsPost {
		return words{
			fields:     "attachments,created_at,entities,id,lang,note_post,public_metrics,source,text",
			expansions: "attachments.media_keys,in_reply_to_user_id,referenced_posts",
			author:     "author_id",
		}
	}
	return words{
		fields: "attachments,author_id,created_at,edit_history_tweet_ids,entities,id,in_reply_to_user_id," +
			"lang,note_tweet,public_metrics,referenced_tweets,source,text",
		expansions: "attachments.media_keys,referenced_tweets.id",
		author:     "author_id",
	}
}

// endpointOf returns the v1.1 endpoint of a go-twitter request,
// "statuses/user_timeline".
func endpointOf(req *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/1.1/"), ".json")
}

// request returns what is sent to X for a request of go-twitter.
func (e *exchange) request(req *http.Request) (*http.Request, error) {
	path, query := strings.TrimPrefix(req.URL.Path, "/"), req.URL.Query()
	var err error
	if e.c.cfg.API == APIv2 {
		path, query, err = e.toV2(endpointOf(req), query)
		if err != nil {
			return nil, err
		}
	} else if call := endpointOf(req); call != callUser && call != callSelf {
		// Without it v1.1 does not tell versions of a post apart
		// (developer.x.com, x-api/v1/edit-tweets, a page without a date).
		query.Set("include_ext_edit_control", "true")
	}
	target := e.c.base.JoinPath(path)
	target.RawQuery = query.Encode()
	out, err := http.NewRequestWithContext(e.ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	out.Header.Set("Accept", "application/json")
	return out, nil
}

// toV2 returns the path and query of API v2 for a call of v1.1.
func (e *exchange) toV2(call string, q url.Values) (string, url.Values, error) {
	switch call {
	case callTimeline:
		return e.timelineV2("tweets", q)
	case callMentions:
		return e.timelineV2("mentions", q)
	case callLookup:
		// Only existence is asked for: default fields, no expansions.
		return "2/tweets", url.Values{"ids": {q.Get("id")}}, nil
	case callUser:
		out := url.Values{"user.fields": {userFields}}
		if id := q.Get("user_id"); id != "" {
			return "2/users/" + url.PathEscape(id), out, nil
		}
		return "2/users/by/username/" + url.PathEscape(q.Get("screen_name")), out, nil
	case callSelf:
		return "2/users/me", url.Values{"user.fields": {userFields}}, nil
	}
	return "", nil, fmt.Errorf("%s: no translation to API v2 is known for it", call)
}

// Bounds of max_results (openapi.json 2.167).
const minPage, maxPage = 5, 100

func (e *exchange) timelineV2(what string, q url.Values) (string, url.Values, error) {
	w := vocabulary(e.c.cfg.FieldsParam)
	out := url.Values{
		e.c.cfg.FieldsParam: {w.fields},
		"expansions":        {w.expansions},
		"media.fields":      {"media_key,preview_image_url,type,url"},
	}
	if what == "mentions" {
		out.Set("expansions", w.expansions+","+w.author)
		out.Set("user.fields", "id,name,username")
	}
	count, err := strconv.Atoi(q.Get("count"))
	if err != nil {
		return "", nil, fmt.Errorf("%s: count %q; want a number", what, q.Get("count"))
	}
	out.Set("max_results", strconv.Itoa(min(maxPage, max(minPage, count))))
	if since := q.Get("since_id"); since != "" {
		out.Set("since_id", since)
	}
	if e.token != "" {
		out.Set("pagination_token", e.token)
		e.token = ""
	}
	if last := q.Get("max_id"); last != "" {
		id := parseID(last)
		if id == 0 || id+1 < 0 {
			return "", nil, fmt.Errorf("%s: max_id %q; want a post's id", what, last)
		}
		out.Set("until_id", formatID(id+1)) // max_id is inclusive, until_id exclusive
	}
	user := e.user
	if id := q.Get("user_id"); id != "" {
		user = parseID(id)
	}
	if user == 0 {
		return "", nil, fmt.Errorf("%s: user_id is not known yet", what)
	}
	return "2/users/" + formatID(user) + "/" + what, out, nil
}
