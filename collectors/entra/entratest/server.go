package entratest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// What the fake's application is registered as.
const (
	Tenant       = "acme.onmicrosoft.example"
	ClientID     = "11111111-2222-3333-4444-555555555555"
	ClientSecret = "Abc8Q~fake-secret-of-the-fake-tenant_0123"
)

// Options of a Server.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Limit is how many requests are taken in ten seconds, 5 when 0.
	Limit int
	// Shuffle changes the order of events within a page, by a seed; 0 does not.
	Shuffle uint64
	// Token is how long an access token lives, an hour when 0.
	Token time.Duration
	// Unlicensed refuses sign-ins, as in a tenant without P1.
	Unlicensed bool
	// LinkHost is the host of links in place of the request's.
	LinkHost string
}

// SignIn is a sign-in to be logged.
type SignIn struct {
	User   string // userPrincipalName
	UserID string // made of User when empty
	Code   int    // status.errorCode
	Reason string // status.failureReason
	App    string
	IP     string
	Risk   string // riskLevelDuringSignIn, "none" when empty

	Country, State, City string
	Lat, Lon             float64
	Device, System       string

	// When it happened and from when answers hold it; zero is now.
	Time, Visible time.Time
	// Twice makes it appear two times on its page.
	Twice bool
	// Raw is the event as it is answered; "%TIME%" and "%ID%" in it become the
	// time and the id.
	Raw string
}

// Audit is an event of the directory's audit log.
type Audit struct {
	Activity string // activityDisplayName
	Category string
	By       string // userPrincipalName of who did it, empty for an app
	ByApp    string
	IP       string
	User     string // userPrincipalName of whom it is done to
	App      string // display name of a service principal it is about
	Result   string // "success" when empty
	Reason   string
	// Modified is the first target's property that changed, and its new value.
	Modified, Value string

	Time, Visible time.Time
	Twice         bool
	Raw           string
}

// logged is an event in a log.
type logged struct {
	log           string // "signIns", "directoryAudits"
	time, visible time.Time
	twice         bool
	seq           int64
	body          json.RawMessage
}

// Server is a fake tenant. All methods are safe for concurrent use.
type Server struct {
	opts Options
	now  func() time.Time

	mu       sync.Mutex
	seq      int64
	log      []*logged
	dice     *rand.Rand
	tokens   map[string]time.Time // access tokens and their ends
	faults   []*Fault
	spent    []time.Time // requests of the last ten seconds
	over     int
	licensed bool
	requests []Request
}

// Request is one request that was answered.
type Request struct {
	Time   time.Time
	Method string
	URL    string
	Status int // 0 when the client went away first
}

// New returns a fake tenant without events.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Limit, opts.Token = cmp.Or(opts.Limit, 5), cmp.Or(opts.Token, time.Hour)
	return &Server{
		opts: opts, now: opts.Now, tokens: map[string]time.Time{}, licensed: !opts.Unlicensed,
		dice: rand.New(rand.NewPCG(opts.Shuffle, 1)),
	}
}

// SignIn logs a sign-in and returns its id.
func (s *Server) SignIn(e SignIn) string {
	return s.add("signIns", e.Time, e.Visible, e.Twice, e.Raw, e.wire)
}

// Audit logs an audit and returns its id.
func (s *Server) Audit(e Audit) string {
	return s.add("directoryAudits", e.Time, e.Visible, e.Twice, e.Raw, e.wire)
}

func (s *Server) add(log string, at, visible time.Time, twice bool, raw string, wire func(id, at string) json.RawMessage) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if at.IsZero() {
		at = now
	}
	if visible.IsZero() {
		visible = now
	}
	s.seq++
	id := fmt.Sprintf("66ea54eb-6301-4ee5-be62-%012d", s.seq)
	text := at.UTC().Format("2006-01-02T15:04:05.0000000Z")
	l := &logged{log: log, time: at, visible: visible, twice: twice, seq: s.seq}
	if raw != "" {
		l.body = bytes.ReplaceAll(bytes.ReplaceAll([]byte(raw), []byte("%TIME%"), []byte(text)), []byte("%ID%"), []byte(id))
	} else {
		l.body = wire(id, text)
	}
	s.log = append(s.log, l)
	return id
}

// License gives the tenant a licence for sign-ins.
func (s *Server) License() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.licensed = true
}

// Revoke ends all access tokens.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Requests returns the requests that were answered, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Over returns how many requests were above the documented limit.
func (s *Server) Over() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	w.Header().Set("Request-Id", "0b1c2d3e-0000-0000-0000-000000000001")
	f := s.nextFault(r)
	if f != nil && f.early() {
		s.record(r, 0)
		f.misbehave(w, r)
		return
	}
	s.mu.Lock()
	a := s.respond(r)
	s.mu.Unlock()
	s.record(r, a.status)
	if f != nil {
		f.spoil(w, a)
		return
	}
	a.write(w)
}

func (s *Server) record(r *http.Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{s.now(), r.Method, r.URL.RequestURI(), status})
}

// spend counts a request against the last ten seconds; false when nothing was
// left. The caller holds the lock.
func (s *Server) spend() bool {
	now := s.now()
	s.spent = append(slices.DeleteFunc(s.spent, func(t time.Time) bool { return now.Sub(t) >= 10*time.Second }), now)
	if len(s.spent) <= s.opts.Limit {
		return true
	}
	s.over++
	return false
}
