package githubtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options of a Server. The zero value takes any token for the organisation
// acme and the enterprise acme-corp, and has GitHub's limit.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Token is the only token that is taken; empty takes any.
	Token string
	// Scopes is what a classic token may do, sent with each answer; "-" leaves
	// the header out, as for fine-grained tokens. Empty is "read:audit_log".
	Scopes string
	// Expires is when the token ends, not told when zero.
	Expires time.Time
	// Limit is how many requests are taken in an hour, 1,750 when 0.
	Limit int
	// Shuffle changes the order of events within a page, by a seed; 0 does not.
	Shuffle uint64
	// ByDay lets created take the day alone, whatever time is given.
	ByDay bool
	// LinkHost is the host of links in place of the request's.
	LinkHost string
	// NoDate leaves the Date header out.
	NoDate bool
	// Prefix stands before the API's paths, "/api/v3" on a server of one's own.
	Prefix string
}

// Event is an event to be logged. In JSON all names are lower case with _
// between words, times are RFC 3339.
type Event struct {
	ID     string `json:"id"` // _document_id, made when empty; "-" leaves it out
	Action string `json:"action"`
	Actor  string `json:"actor"`
	User   string `json:"user"`

	IP        string `json:"ip"`
	Country   string `json:"country"`
	UserAgent string `json:"user_agent"`
	// More are members beside those, as they are written.
	More map[string]any `json:"more"`

	// Created is when it happened, Visible from when answers hold it. Zero is
	// now for both.
	Created time.Time `json:"created"`
	Visible time.Time `json:"visible"`
	// Twice makes it appear two times on its page.
	Twice bool `json:"twice"`
	// Raw is the event as it is answered, in place of all but the times.
	Raw json.RawMessage `json:"raw"`
}

// logged is an event in the log.
type logged struct {
	Event
	seq  int64
	body json.RawMessage
}

// Server is a fake GitHub. All methods are safe for concurrent use.
type Server struct {
	opts Options
	now  func() time.Time

	mu       sync.Mutex
	seq      int64
	log      []*logged // by (created, seq)
	dice     *rand.Rand
	faults   []*Fault
	window   time.Time
	used     int
	over     int
	requests []Request
	count    int
}

// Request is one request that was answered.
type Request struct {
	Time   time.Time `json:"time"`
	URL    string    `json:"url"`
	Status int       `json:"status"` // 0 when the client went away first
}

// maxRequests bounds what Requests remembers.
const maxRequests = 4000

// New returns a server with an empty log.
func New(opts Options) *Server {
	s := &Server{opts: opts, now: opts.Now, dice: rand.New(rand.NewPCG(opts.Shuffle, 1))}
	if s.now == nil {
		s.now = time.Now
	}
	s.opts.Limit = cmp.Or(s.opts.Limit, 1750)
	s.opts.Scopes = cmp.Or(s.opts.Scopes, "read:audit_log")
	return s
}

// Add logs an event and returns its id.
func (s *Server) Add(e Event) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	now := s.now().UTC()
	if e.ID == "" {
		e.ID = fmt.Sprintf("Doc%018d", s.seq)
	}
	if e.Created.IsZero() {
		e.Created = now
	}
	if e.Visible.IsZero() {
		e.Visible = now
	}
	l := &logged{Event: e, seq: s.seq, body: e.Raw}
	if l.body == nil {
		l.body = e.wire()
	}
	i, _ := slices.BinarySearchFunc(s.log, l, compareLogged)
	s.log = slices.Insert(s.log, i, l)
	return e.ID
}

func compareLogged(a, b *logged) int {
	return cmp.Or(cmp.Compare(a.Created.UnixMilli(), b.Created.UnixMilli()), cmp.Compare(a.seq, b.seq))
}

// Requests returns the newest requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count returns how many requests there were.
func (s *Server) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// Over returns how many requests were beyond the limit of their hour.
func (s *Server) Over() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isAdmin(r) {
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
	s.count++
	s.requests = append(s.requests, Request{Time: s.now(), URL: r.URL.RequestURI(), Status: status})
	if n := len(s.requests); n > maxRequests {
		s.requests = slices.Clone(s.requests[n-maxRequests/2:])
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
	w.Header().Set("X-Github-Request-Id", "8A1C:2F0B:51:7E:6A2B")
	f := s.nextFault()
	if f != nil && f.early() {
		s.misbehave(w, r, f)
		return
	}
	s.mu.Lock()
	a := s.respond(r)
	s.mu.Unlock()
	if f != nil {
		f.spoil(w, a)
		return
	}
	a.write(w)
}
