package xtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// reply is one answer before it is written.
type reply struct {
	status int
	header map[string]string
	body   any
}

type object = map[string]any

func (a *reply) bytes() []byte {
	if a.body == nil {
		return nil
	}
	b, err := json.Marshal(a.body)
	if err != nil {
		return []byte(`{"title":"xtest cannot encode its answer"}`)
	}
	return b
}

func (a *reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	body := a.bytes()
	if len(body) == 0 {
		w.Header().Del("Content-Type")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that went away is its own affair
}

func (a *reply) head(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
}

// send writes the answer with its header.
func (a *reply) send(w http.ResponseWriter) {
	a.head(w)
	a.write(w)
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

// errorV1 is an error of v1.1; v2 uses the same form for 429.
func errorV1(status, code int, message string) *reply {
	return &reply{status: status, body: object{"errors": []object{{"code": code, "message": message}}}}
}

// problemType is the prefix of v2's problem types.
const problemType = "https://api.x.com/2/problems/"

func problem(status int, title, kind, detail string) *reply {
	if kind != "about:blank" {
		kind = problemType + kind
	}
	return &reply{status: status, body: object{"title": title, "type": kind, "detail": detail, "status": status}}
}

// window counts the requests of one endpoint.
type window struct {
	reset time.Time
	used  int
}

const windowLength = 15 * time.Minute

// limits are the documented requests per 15 minutes with an app's token and
// with a user's. Those of v1.1 are X's last published ones.
func limits(endpoint string) (app, user int) {
	switch endpoint {
	case "tweets":
		return 3500, 5000
	case "users/tweets":
		return 10000, 900
	case "users/mentions":
		return 450, 300
	case "users", "users/by/username":
		return 300, 900
	case "users/me": // an app's token is refused there by itself
		return 75, 75
	case "statuses/user_timeline":
		return 1500, 900
	case "statuses/mentions_timeline", "account/verify_credentials":
		return 75, 75
	case "statuses/lookup":
		return 300, 900
	case "dm_events":
		return 15, 15
	case "activity/stream":
		return 450, 450
	case "webhooks", "POST webhooks", "PUT webhooks", "DELETE webhooks":
		return 450, 450
	case "activity/subscriptions", "POST activity/subscriptions", "PUT activity/subscriptions", "DELETE activity/subscriptions":
		return 500, 500
	}
	return 900, 900
}

// spend counts a request against its endpoint's window and returns the headers
// that tell of it; false when nothing was left.
func (s *Server) spend(r *http.Request) (map[string]string, bool) {
	name := endpoint(r)
	limit, user := limits(name)
	if authKind(r) == "oauth1" {
		limit = user
	}
	if own, ok := s.opts.Limits[name]; ok {
		limit = own
	}
	now := s.now()
	w := s.windows[name]
	if w == nil || !now.Before(w.reset) {
		w = &window{reset: now.Add(windowLength).Truncate(time.Second)}
		s.windows[name] = w
	}
	w.used++
	header := map[string]string{
		"x-rate-limit-limit":     strconv.Itoa(limit),
		"x-rate-limit-remaining": strconv.Itoa(max(0, limit-w.used)),
		"x-rate-limit-reset":     strconv.FormatInt(w.reset.Unix(), 10),
	}
	return header, w.used <= limit
}

// query is what a timeline is asked for, in either version.
type query struct {
	since, until int64 // both exclusive
	max          int
}

// page returns the newest posts of ids, which ascend, that fit q, and whether
// older ones are left. The keep newest visible posts are all there is.
func (s *Server) page(ids []int64, keep int, q query) (out []*post, more bool) {
	now := s.now()
	size := q.max
	if n := s.opts.PageSize; n > 0 {
		size = min(size, n)
	}
	for _, id := range slices.Backward(ids) {
		p := s.posts[id]
		if p.deleted || p.replaced || p.VisibleAt.After(now) {
			continue
		}
		if keep--; keep < 0 {
			return out, false
		}
		if id <= q.since {
			return out, false
		}
		if q.until != 0 && id >= q.until {
			continue
		}
		if len(out) >= size {
			return out, true
		}
		out = append(out, p)
		if p.Twice {
			out = append(out, p)
		}
	}
	return out, false
}

// seen returns a post that a look-up by id shows.
func (s *Server) seen(id int64) *post {
	p := s.posts[id]
	if p == nil || p.deleted || p.VisibleAt.After(s.now()) {
		return nil
	}
	return p
}
