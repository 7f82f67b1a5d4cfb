package oktatest

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

// Options of a Server. The zero value takes any SSWS token and has Okta's
// limits.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Token is the only token that is taken; empty takes any.
	Token string
	// Limit is how many requests are taken in a minute, 120 when 0.
	Limit int
	// PageSize caps a page below what was asked for, 0 does not. A capped page
	// is short though more follows.
	PageSize int
	// Shuffle changes the order of events within a page, by a seed; 0 does not.
	Shuffle uint64
	// LinkHost is the host of links in place of the request's, as behind a proxy
	// that is not told of.
	LinkHost string
	// NoDate leaves the Date header out.
	NoDate bool
}

// Event is an event to be logged. In JSON all names are lower case with _
// between words, times are RFC 3339.
type Event struct {
	UUID string `json:"uuid"` // made when empty
	Type string `json:"type"` // "user.session.start"
	// Message is displayMessage, Legacy legacyEventType; made of Type when empty.
	Message string `json:"message"`
	Legacy  string `json:"legacy"`
	// Result is SUCCESS when empty, "-" leaves the outcome out.
	Result string `json:"result"`
	Reason string `json:"reason"`
	// Actor is the actor's login; ActorType is User when empty. ActorName and
	// ActorID are made of Actor when empty.
	Actor     string `json:"actor"`
	ActorType string `json:"actor_type"`
	ActorName string `json:"actor_name"`
	ActorID   string `json:"actor_id"`
	// User is the login of a user it is done to, App an application's name,
	// Token a token's. Targets are others, by type: "PolicyRule": "Sign-on".
	User    string            `json:"user"`
	App     string            `json:"app"`
	Token   string            `json:"token"`
	Targets map[string]string `json:"targets"`
	// Debug are members of debugContext.debugData beside the request's.
	Debug map[string]string `json:"debug"`

	IP        string   `json:"ip"`
	UserAgent string   `json:"user_agent"`
	Device    string   `json:"device"`
	Country   string   `json:"country"`
	State     string   `json:"state"`
	City      string   `json:"city"`
	Lat       *float64 `json:"lat"`
	Lon       *float64 `json:"lon"`
	ASN       int      `json:"asn"`
	ASOrg     string   `json:"as_org"`
	Proxy     *bool    `json:"proxy"`
	Session   string   `json:"session"` // authenticationContext.externalSessionId
	Padding   int      `json:"padding"` // bytes of debug data

	// Published is when it happened, Stored when Okta stored it and Visible from
	// when answers hold it. Zero is now for Published and Visible, and the later
	// of Published and now for Stored.
	Published time.Time `json:"published"`
	Stored    time.Time `json:"stored"`
	Visible   time.Time `json:"visible"`
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

// Server is a fake organisation. All methods are safe for concurrent use.
type Server struct {
	opts Options
	now  func() time.Time

	mu       sync.Mutex
	seq      int64
	log      []*logged // by (stored, seq)
	dice     *rand.Rand
	faults   []*Fault
	window   time.Time
	used     int
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
const maxRequests = 2000

// New returns a server with an empty log.
func New(opts Options) *Server {
	s := &Server{opts: opts, now: opts.Now, dice: rand.New(rand.NewPCG(opts.Shuffle, 1))}
	if s.now == nil {
		s.now = time.Now
	}
	if s.opts.Limit == 0 {
		s.opts.Limit = 120
	}
	return s
}

// Add logs an event and returns its uuid.
func (s *Server) Add(e Event) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	now := s.now().UTC()
	if e.UUID == "" {
		e.UUID = fmt.Sprintf("%08x-0000-4000-8000-%012x", s.seq, s.seq)
	}
	if e.Published.IsZero() {
		e.Published = now
	}
	if e.Stored.IsZero() {
		e.Stored = now
		if e.Published.After(now) {
			e.Stored = e.Published
		}
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
	return e.UUID
}

func compareLogged(a, b *logged) int {
	return cmp.Or(cmp.Compare(a.Stored.UnixMilli(), b.Stored.UnixMilli()), cmp.Compare(a.seq, b.seq))
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
