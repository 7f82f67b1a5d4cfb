package googleworkspacetest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	mrand "math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Options of a Server.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Key is the service account's key, see NewKey. It is needed.
	Key *rsa.PrivateKey
	// Admin is the only user that may be acted for; empty takes any.
	Admin string
	// Limit is how many requests are taken in a minute, 2,400 when 0, and Filtered
	// how many of them may filter, 250 when 0.
	Limit, Filtered int
	// Shuffle changes the order of records within a page, by a seed; 0 does not.
	Shuffle uint64
	// Token is how long an access token lives, an hour when 0.
	Token time.Duration
}

// NewKey makes the key of a service account. It takes a while.
func NewKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// Email is the service account's name.
const Email = "picket@acme-picket.iam.gserviceaccount.example"

// ServiceAccount returns the JSON key as the Google Cloud console writes it, for
// a token endpoint at tokenURI.
func ServiceAccount(key *rsa.PrivateKey, tokenURI string) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "{}"
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return string(marshal(object{
		"type": "service_account", "project_id": "acme-picket", "private_key_id": "6a7f3c",
		"private_key": string(block), "client_email": Email, "client_id": "100000000000000000042",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": tokenURI,
	}))
}

// Event is a record to be logged.
type Event struct {
	App   string // "login", "token", "admin", "user_accounts"
	Name  string // "login_success"
	Type  string // "login"; may be empty
	Actor string // address
	IP    string

	// Parameters are the event's: texts, lists of texts and truths.
	Parameters map[string]any
	// Status is the event's eventStatus, left out when empty.
	Status string
	// Region, Subdivision and ASN make the networkInfo.
	Region, Subdivision string
	ASN                 int
	// And are further events of the same record.
	And []Event

	// Time is when it happened, Visible from when answers hold it; zero is now.
	Time, Visible time.Time
	// Twice makes it appear two times on its page.
	Twice bool
	// Raw is the record as it is answered, in place of all but App, Name and the
	// times. "%TIME%" and "%N%" in it become the time and a number.
	Raw string
}

// logged is a record in the log.
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
	log      []*logged
	dice     *mrand.Rand
	tokens   map[string]time.Time // access tokens and their ends
	faults   []*Fault
	spent    []time.Time // requests of the last minute
	filtered []time.Time
	over     int
	requests []Request
}

// Request is one request that was answered.
type Request struct {
	Time   time.Time
	Method string
	URL    string
	Status int // 0 when the client went away first
}

// New returns a fake organisation without events.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Limit, opts.Filtered = cmp.Or(opts.Limit, 2400), cmp.Or(opts.Filtered, 250)
	opts.Token = cmp.Or(opts.Token, time.Hour)
	return &Server{
		opts: opts, now: opts.Now, tokens: map[string]time.Time{},
		dice: mrand.New(mrand.NewPCG(opts.Shuffle, 1)),
	}
}

// Add logs a record and returns its uniqueQualifier and its time as answered.
func (s *Server) Add(e Event) (qualifier, at string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if e.Time.IsZero() {
		e.Time = now
	}
	if e.Visible.IsZero() {
		e.Visible = now
	}
	s.seq++
	l := &logged{Event: e, seq: s.seq}
	qualifier, at = strconv.FormatInt(-7_000_000_000_000_000_000+s.seq, 10), e.Time.UTC().Format("2006-01-02T15:04:05.000Z")
	if l.Raw != "" {
		raw := bytes.ReplaceAll([]byte(l.Raw), []byte("%TIME%"), []byte(at))
		l.body = bytes.ReplaceAll(raw, []byte("%N%"), []byte(qualifier))
	} else {
		l.body = e.wire(qualifier, at)
	}
	s.log = append(s.log, l)
	return qualifier, at
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

// Over returns how many requests were above a documented limit.
func (s *Server) Over() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
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

// spend counts a request against the last minute; false when nothing was left.
// The caller holds the lock.
func (s *Server) spend(filters bool) bool {
	now := s.now()
	gone := func(t time.Time) bool { return now.Sub(t) >= time.Minute }
	s.spent = append(slices.DeleteFunc(s.spent, gone), now)
	if filters {
		s.filtered = append(slices.DeleteFunc(s.filtered, gone), now)
	}
	if len(s.spent) <= s.opts.Limit && (!filters || len(s.filtered) <= s.opts.Filtered) {
		return true
	}
	s.over++
	return false
}

// String names the server's log, for failed tests.
func (s *Server) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d records, %d requests", len(s.log), len(s.requests))
}
