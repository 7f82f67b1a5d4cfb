package xtest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Message is a direct message to be sent.
type Message struct {
	Text string // as its author writes it, see Post.Text
	// At is when it was sent; zero is now. A time in the past is a message that
	// X delivers late.
	At time.Time
	// Broken makes its id an object in answers.
	Broken bool
}

// message is one that was sent.
type message struct {
	Message
	id, from, to int64
}

// Message sends a direct message from one account to another, and returns its
// id.
func (s *Server) Message(from, to string, m Message) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b := s.byHandle(from), s.byHandle(to)
	if a == nil || b == nil {
		return "", fmt.Errorf("xtest: no account %q or %q", from, to)
	}
	if m.At.IsZero() {
		m.At = s.now()
	}
	sent := &message{m, s.newID(m.At), a.id, b.id}
	s.messages = append(s.messages, sent)
	slices.SortFunc(s.messages, func(a, b *message) int { return cmp.Compare(b.id, a.id) })
	return strconv.FormatInt(sent.id, 10), nil
}

// messagesKept is how far back X shows messages
// (x-api/direct-messages/lookup/introduction).
const messagesKept = 30 * 24 * time.Hour

// readMessages answers GET /2/dm_events (x-api/direct-messages/lookup and
// openapi.json 2.167). The caller holds the lock.
func (s *Server) readMessages(r *http.Request) *reply {
	invalid := func(name, value string) *reply {
		return problem(http.StatusBadRequest, "Invalid Request", "invalid-request", fmt.Sprintf("The query parameter [%s] has a wrong value [%s]", name, value))
	}
	own := s.opts.OAuth1
	switch {
	case authKind(r) != "oauth1" || own == nil:
		return problem(http.StatusForbidden, "Unsupported Authentication", "unsupported-authentication",
			"Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].")
	case own.Access != "" && own.Access != "read-write-directmessages":
		return problem(http.StatusForbidden, "Forbidden", "oauth1-permissions",
			"Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.")
	}
	q := r.URL.Query()
	size, from := 100, 0
	for name := range q {
		value := q.Get(name)
		switch name {
		case "max_results":
			if size = int(number(value)); size < 1 || size > 100 {
				return invalid(name, value)
			}
		case "pagination_token":
			if !strings.HasPrefix(value, tokenPrefix) {
				return invalid(name, value)
			}
			from = slices.IndexFunc(s.messages, func(m *message) bool { return m.id == number(strings.TrimPrefix(value, tokenPrefix)) })
		case "event_types", "expansions", "user.fields":
			if value != map[string]string{"event_types": "MessageCreate", "expansions": "sender_id", "user.fields": "id"}[name] {
				return invalid(name, value)
			}
		case "dm_event.fields":
			for field := range strings.SplitSeq(value, ",") {
				known := "attachments,created_at,dm_conversation_id,entities,event_type,id,text"
				if s.opts.FieldsParam != "post.fields" {
					known += ",participant_ids,referenced_tweets,sender_id"
				}
				if !slices.Contains(strings.Split(known, ","), field) {
					return invalid(name, field)
				}
			}
		default:
			return invalid(name, value)
		}
	}
	return s.messagesPage(s.byHandle(own.User), set(q.Get("dm_event.fields")), set(q.Get("expansions")), max(0, from), size)
}

// messagesPage returns messages of an account, the newest first.
func (s *Server) messagesPage(of *account, fields, expand map[string]bool, from, size int) *reply {
	if n := s.opts.PageSize; n > 0 {
		size = min(size, n)
	}
	meta := object{}
	var data, users []object
	for _, m := range s.messages[from:] {
		if m.from != of.id && m.to != of.id || s.now().Sub(m.At) > messagesKept {
			continue
		}
		if len(data) == size {
			meta["next_token"] = tokenPrefix + strconv.FormatInt(m.id, 10)
			break
		}
		data = append(data, s.messageObject(m, fields, expand))
		user := object{"id": strconv.FormatInt(m.from, 10), "name": s.byID(m.from).profile.Name, "username": s.byID(m.from).profile.Handle}
		if expand["sender_id"] && !slices.ContainsFunc(users, func(o object) bool { return o["id"] == user["id"] }) {
			users = append(users, user)
		}
	}
	meta["result_count"] = len(data)
	out := object{"meta": meta}
	if len(data) > 0 {
		out["data"] = data
	}
	if len(users) > 0 {
		out["includes"] = object{"users": users}
	}
	return ok(out)
}

func (s *Server) messageObject(m *message, fields, expand map[string]bool) object {
	shown := s.render(&post{Post: Post{Text: m.Text}})
	all := object{
		"created_at": m.At.UTC().Format("2006-01-02T15:04:05.000Z"), "sender_id": strconv.FormatInt(m.from, 10),
		"dm_conversation_id": fmt.Sprintf("%d-%d", min(m.from, m.to), max(m.from, m.to)),
	}
	if entities := entitiesV2(s, shown); len(entities) > 0 {
		all["entities"] = entities
	}
	out := object{"id": strconv.FormatInt(m.id, 10), "event_type": "MessageCreate", "text": shown.text}
	for name, value := range all {
		if fields[name] || expand[name] {
			out[name] = value
		}
	}
	if m.Broken {
		out["id"] = object{"broken": true}
	}
	return out
}
