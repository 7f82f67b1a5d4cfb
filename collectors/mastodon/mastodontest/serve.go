package mastodontest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Names of endpoints, whatever ids are in their paths, as Endpoint returns
// them and Fault and Count take them.
const (
	Lookup        = "accounts/lookup"
	Self          = "accounts/verify_credentials"
	App           = "apps/verify_credentials"
	Account       = "accounts/:id"
	Statuses      = "accounts/:id/statuses"
	One           = "statuses/:id"
	Several       = "statuses"
	History       = "statuses/:id/history"
	Notifications = "notifications"
	Instance      = "api/v2/instance"
	Streaming     = "streaming/user"
	Tokens        = "tokens"
	OAuthTokens   = "api/oauth_tokens"
)

// Endpoint names what a path asks for; see the constants.
func Endpoint(path string) string {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(path, apiPrefix), "/"), "/")
	if len(parts) > 1 && (parts[0] == "accounts" || parts[0] == "statuses") && parts[1] != "lookup" && parts[1] != "verify_credentials" {
		parts[1] = ":id"
	}
	return strings.Join(parts, "/")
}

const apiPrefix = "/api/v1/"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, adminPrefix) {
		s.admin(w, r)
		return
	}
	rec := &recorder{ResponseWriter: w, record: func(status int) { s.record(r, status) }}
	s.serve(rec, r)
	rec.once.Do(func() { s.record(r, 0) }) // the client went away
}

func (s *Server) record(r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	endpoint := Endpoint(r.URL.Path)
	s.counts[endpoint]++
	s.recent = append(s.recent, Request{
		Time: s.now(), Endpoint: endpoint, URL: r.URL.RequestURI(), Login: r.Header.Get("Authorization") != "", Status: status,
	})
	if n := len(s.recent); n > maxRequests {
		s.recent = slices.Clone(s.recent[n-maxRequests/2:])
	}
}

// recorder reports the status before the client can see it, so that whoever
// has an answer finds its request counted.
type recorder struct {
	http.ResponseWriter
	record func(status int)
	once   sync.Once
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.once.Do(func() { r.record(status) })
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	if s.opts.NoDate {
		w.Header()["Date"] = nil // net/http then sends none
	}
	f := s.nextFault(Endpoint(r.URL.Path))
	if f != nil && f.early() {
		s.misbehave(w, r, f)
		return
	}
	if Endpoint(r.URL.Path) == Streaming {
		s.serveStream(w, r)
		return
	}
	a := s.respond(r)
	if f != nil {
		f.spoil(w, a)
		return
	}
	a.write(w)
}

// respond checks limit and credential, and answers.
func (s *Server) respond(r *http.Request) *reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	header, ok := s.spend(r)
	var a *reply
	if ok {
		a = s.authorized(r)
	} else {
		a = failure(http.StatusTooManyRequests, "Too many requests")
	}
	if a.header == nil {
		a.header = map[string]string{}
	}
	maps.Copy(a.header, header)
	return a
}

// window counts the requests of one token or address.
type window struct {
	reset time.Time
	used  int
}

const windowLength = 5 * time.Minute

// spend counts a request and returns the headers that tell of it; false when
// nothing was left.
func (s *Server) spend(r *http.Request) (map[string]string, bool) {
	who := r.Header.Get("Authorization")
	now := s.now()
	w := s.windows[who]
	if w == nil || !now.Before(w.reset) {
		w = &window{reset: now.UTC().Truncate(windowLength).Add(windowLength)}
		s.windows[who] = w
	}
	w.used++
	return limitHeaders(s.opts.Limit, s.opts.Limit-w.used, w.reset), w.used <= s.opts.Limit
}

func limitHeaders(limit, left int, reset time.Time) map[string]string {
	return map[string]string{
		"X-RateLimit-Limit":     strconv.Itoa(limit),
		"X-RateLimit-Remaining": strconv.Itoa(max(0, left)),
		"X-RateLimit-Reset":     reset.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
}
