package mastodontest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reply is one answer before it is written.
type reply struct {
	status int
	header map[string]string
	body   any
	html   string // in place of body
}

type object = map[string]any

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

func failure(status int, message string) *reply {
	return &reply{status: status, body: object{"error": message}}
}

func (a *reply) bytes() []byte {
	if a.html != "" {
		return []byte(a.html)
	}
	if list, ok := a.body.([]json.RawMessage); ok {
		return slices.Concat([]byte("["), bytes.Join(toBytes(list), []byte(",")), []byte("]"))
	}
	b, err := json.Marshal(a.body)
	if err != nil {
		return []byte(`{"error":"mastodontest cannot encode its answer"}`)
	}
	return b
}

func toBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, item := range list {
		out[i] = item
	}
	return out
}

func (a *reply) head(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if a.html != "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
}

func (a *reply) write(w http.ResponseWriter) {
	a.head(w)
	body := a.bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away is its own affair
}

func datetime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// home is the URL of an account's page.
func (s *Server) home(a *account) string {
	user, host, remote := strings.Cut(a.profile.Name, "@")
	if !remote {
		host = s.opts.Host
	}
	return "https://" + host + "/@" + user
}

func (s *Server) accountObject(a *account) object {
	p := a.profile
	user, _, _ := strings.Cut(p.Name, "@")
	o := object{
		"id": a.id, "username": user, "acct": p.Name, "display_name": p.DisplayName,
		"locked": p.Locked, "bot": p.Bot, "discoverable": true, "group": false, "indexable": true,
		"created_at": datetime(a.made.UTC().Truncate(24 * time.Hour)),
		"note":       s.markUp(p.Note), "url": s.home(a), "uri": s.home(a),
		"avatar": p.Avatar, "avatar_static": p.Avatar, "header": p.Header, "header_static": p.Header,
		"followers_count": p.Followers, "following_count": p.Following, "statuses_count": s.countOf(a),
		"last_status_at": nil, "hide_collections": false, "emojis": []any{}, "roles": []any{}, "fields": []any{},
	}
	fields := []any{}
	for _, f := range p.Fields {
		value := strings.TrimSuffix(strings.TrimPrefix(s.markUp(f.Value), "<p>"), "</p>")
		fields = append(fields, object{"name": f.Name, "value": value, "verified_at": nil})
	}
	o["fields"] = fields
	if to := s.byName(p.MovedTo); to != nil && p.MovedTo != "" {
		o["moved"] = object{"id": to.id, "username": to.profile.Name, "acct": to.profile.Name, "url": s.home(to)}
	}
	if a.suspended {
		o["suspended"] = true
		for _, name := range []string{"display_name", "note"} {
			o[name] = ""
		}
		for _, name := range []string{"followers_count", "following_count", "statuses_count"} {
			o[name] = 0
		}
		o["fields"] = []any{}
	}
	return o
}

func (s *Server) authorObject(a *account) object {
	if s.opts.Brief {
		return object{"id": a.id, "username": a.profile.Name, "acct": a.profile.Name}
	}
	return s.accountObject(a)
}

func (s *Server) countOf(a *account) int {
	n := 0
	for _, st := range a.statuses {
		if !st.deleted && st.Visibility != "direct" {
			n++
		}
	}
	return n
}

// statusObject returns a status as JSON. It is kept while it looks the same but
// for the counts of its author, which lag behind as those of a true server's
// cache do.
func (s *Server) statusObject(st *status, who *login) json.RawMessage {
	key := look{s.epoch, who.is(st.author)}
	if b, ok := st.encoded[key]; ok {
		return b
	}
	st.encoded = map[look]json.RawMessage{key: ok(s.statusMembers(st, who)).bytes()}
	return st.encoded[key]
}

func (s *Server) statusMembers(st *status, who *login) object {
	now := st.current()
	page := s.home(st.author) + "/" + st.id
	o := object{
		"id": st.id, "created_at": datetime(st.made), "in_reply_to_id": nil, "in_reply_to_account_id": nil,
		"sensitive": now.warning != "", "spoiler_text": now.warning, "visibility": st.Visibility, "language": orNull(st.Lang),
		"uri": page, "url": page, "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "quotes_count": 0,
		"content": s.contentOf(st, now), "reblog": nil, "account": s.authorObject(st.author),
		"media_attachments": st.mediaObjects(), "mentions": s.mentionObjects(now.text), "tags": s.tagObjects(now.text),
		"emojis": []any{}, "card": nil, "poll": nil, "quote": nil,
	}
	if to := s.statuses[st.ReplyTo]; to != nil {
		o["in_reply_to_id"], o["in_reply_to_account_id"] = to.id, to.author.id
	}
	if of := s.statuses[st.QuoteOf]; of != nil {
		o["quote"] = object{"state": "accepted", "quoted_status": s.statusObject(of, who)}
	}
	if of := s.statuses[st.BoostOf]; of != nil {
		boosted := s.statusMembers(of, who)
		o["reblog"], o["content"], o["visibility"] = boosted, boosted["content"], boosted["visibility"]
	}
	if st.App != "" && (who.is(st.author) || st.author.profile.ShowsApp) {
		o["application"] = object{"name": st.App, "website": nil}
	}
	if !s.opts.Before35 {
		o["edited_at"] = nil
		if len(st.versions) > 1 {
			o["edited_at"] = datetime(now.at)
		}
	}
	if s.opts.Brief {
		maps.DeleteFunc(o, func(name string, v any) bool {
			list, isList := v.([]any)
			return v == nil || v == "" || v == 0 || v == false || isList && len(list) == 0 || name == "uri" || name == "url"
		})
	}
	if st.Broken {
		o["id"] = object{"not": "an id"}
	}
	return o
}

func (s *Server) contentOf(st *status, e edition) string {
	if st.HTML != "" {
		return st.HTML
	}
	content := s.markUp(e.text)
	if of := s.statuses[st.QuoteOf]; of != nil {
		page := s.home(of.author) + "/" + of.id
		content = `<p class="quote-inline">RE: ` + link(page) + `</p>` + content
	}
	return content
}

func (s *Server) historyOf(st *status) []any {
	out := []any{}
	for _, e := range st.versions {
		out = append(out, object{
			"content": s.contentOf(st, e), "spoiler_text": e.warning, "sensitive": e.warning != "", "created_at": datetime(e.at),
			"account": s.accountObject(st.author), "media_attachments": st.mediaObjects(), "emojis": []any{},
		})
	}
	return out
}

func (st *status) mediaObjects() []any {
	out := []any{}
	for i, m := range st.Media {
		out = append(out, object{
			"id": strconv.FormatInt(st.mediaID+int64(i), 10), "type": m.Type, "url": m.URL, "preview_url": m.URL,
			"remote_url": nil, "text_url": nil, "description": nil, "blurhash": nil,
			"meta": object{"original": object{"width": 640, "height": 480, "size": "640x480", "aspect": 4. / 3}},
		})
	}
	return out
}

func (s *Server) mentionObjects(text string) []any {
	out := []any{}
	for _, name := range s.namesIn(text) {
		if a := s.byName(name); a != nil {
			user, _, _ := strings.Cut(a.profile.Name, "@")
			out = append(out, object{"id": a.id, "username": user, "acct": a.profile.Name, "url": s.home(a)})
		}
	}
	return out
}

func (s *Server) tagObjects(text string) []any {
	out := []any{}
	for _, name := range s.tagsIn(text) {
		out = append(out, object{"name": strings.ToLower(name), "url": s.tagURL(name)})
	}
	return out
}

func (s *Server) tagURL(name string) string {
	return "https://" + s.opts.Host + "/tags/" + strings.ToLower(name)
}

func (s *Server) notificationObject(n *notification, who *login) json.RawMessage {
	o := object{
		"id": n.id, "type": n.kind, "created_at": datetime(n.made), "group_key": "ungrouped-" + n.id,
		"account": s.accountObject(n.from),
	}
	if st := s.statuses[n.of.id]; st != nil {
		o["status"] = s.statusObject(st, who)
	}
	return ok(o).bytes()
}
