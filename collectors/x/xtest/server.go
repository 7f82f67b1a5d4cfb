package xtest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a Server. The zero value is a server of API v2 with both
// vocabularies that takes any bearer token and has X's limits.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Bearer is the only bearer token that is taken; empty takes any.
	Bearer string
	// OAuth1, when set, is the only OAuth 1.0a credential that is taken, and
	// signatures are verified. When nil, any well-formed header is taken.
	OAuth1 *OAuth1
	// V1 serves API v1.1. Without it those paths answer 403 with code 453, as
	// they do to ordinary credentials today.
	V1 bool
	// FieldsParam, "tweet.fields" or "post.fields", is the only vocabulary
	// that is understood; empty understands both.
	FieldsParam string
	// Limits is how many requests an endpoint takes in 15 minutes, by the
	// names of Endpoint; others have X's documented numbers.
	Limits map[string]int
	// PageSize caps a page below what was asked for, 0 does not.
	PageSize int
	// Keep and KeepMentions are how many posts a timeline goes back, X's 3,200
	// and 800 when 0.
	Keep, KeepMentions int
	// Hooks sends challenges and events to webhooks, signed with the consumer
	// secret of OAuth1; without it none is reached.
	Hooks *http.Client
	// NoDate leaves the Date header out.
	NoDate bool
}

// OAuth1 is an OAuth 1.0a credential and the handle of the account it is of.
type OAuth1 struct {
	ConsumerKey, ConsumerSecret, AccessToken, AccessSecret string
	User                                                   string
	// Access is what x-access-level says beside answers to it, "read-write";
	// without it the header is left out.
	Access string
}

// Server is a fake X. All methods are safe for concurrent use.
type Server struct {
	opts   Options
	now    func() time.Time
	tokens *regexp.Regexp

	mu       sync.Mutex
	seq      int64
	accounts map[int64]*account
	handles  map[string]*account // by lower-case handle
	posts    map[int64]*post
	faults   []*Fault
	windows  map[string]*window
	counts   map[string]int
	recent   []Request

	messages      []*message // newest first
	subscriptions []Subscription
	streams       map[*stream]struct{}
	webhooks      []Webhook
	calls         []Call
	calling       sync.WaitGroup
}

// Profile is what an account shows of itself. In JSON all names are lower case.
type Profile struct {
	Handle      string `json:"handle"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Link        string `json:"link"`
	Picture     string `json:"picture"`
	Banner      string `json:"banner"`
	Location    string `json:"location"`
	Protected   bool   `json:"protected"`
	Verified    bool   `json:"verified"`
	Followers   int    `json:"followers"`
	Following   int    `json:"following"`
	Listed      int    `json:"listed"`
}

// Post is a post to be made. In JSON all names are lower case with _ between
// words, times are RFC 3339.
type Post struct {
	// Text as its author writes it: links, @handles and #tags become entities,
	// more than 280 characters a note.
	Text   string `json:"text"`
	Lang   string `json:"lang"`
	Source string `json:"source"` // X has sent none since December 2022
	// ReplyTo, QuoteOf and RepostOf are ids. A repost needs no text.
	ReplyTo  string  `json:"reply_to"`
	QuoteOf  string  `json:"quote_of"`
	RepostOf string  `json:"repost_of"`
	Media    []Media `json:"media"`
	// At is when it was made; zero is now. A time in the past is an item that
	// X delivers late.
	At time.Time `json:"at"`
	// VisibleAt is from when answers hold it; zero is at once.
	VisibleAt time.Time `json:"visible_at"`
	// Twice makes it appear two times on its page.
	Twice bool `json:"twice"`
	// Broken makes its id an object in answers.
	Broken bool `json:"broken"`
}

// Media is an attachment. Type is "photo", "video" or "animated_gif".
type Media struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

type account struct {
	id        int64
	made      time.Time
	profile   Profile
	suspended bool
	posts     []int64 // ascending
	mentions  []int64 // others' posts that name it, ascending
}

type post struct {
	Post
	id, author int64
	first      int64 // id of the first version
	versions   []int64
	made       time.Time
	deleted    bool
	replaced   bool // there is a newer version
	mediaBase  int64
}

// Request is one request that was answered.
type Request struct {
	Time     time.Time `json:"time"`
	Endpoint string    `json:"endpoint"` // see Endpoint
	URL      string    `json:"url"`
	Auth     string    `json:"auth"`   // "bearer", "oauth1" or ""
	Status   int       `json:"status"` // 0 when the client went away first
}

// maxRequests bounds what Requests remembers.
const maxRequests = 2000

// New returns a server without accounts.
func New(opts Options) *Server {
	s := &Server{
		opts: opts, now: opts.Now, tokens: regexp.MustCompile(tokenForm),
		accounts: map[int64]*account{}, handles: map[string]*account{},
		posts: map[int64]*post{}, windows: map[string]*window{}, counts: map[string]int{},
		streams: map[*stream]struct{}{},
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.opts.Keep == 0 {
		s.opts.Keep = 3200
	}
	if s.opts.KeepMentions == 0 {
		s.opts.KeepMentions = 800
	}
	return s
}

// AddAccount makes an account and returns its id.
func (s *Server) AddAccount(p Profile) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strconv.FormatInt(s.addAccount(p).id, 10)
}

func (s *Server) addAccount(p Profile) *account {
	if p.Name == "" {
		p.Name = p.Handle
	}
	a := &account{id: 1000 + int64(len(s.accounts)), made: s.now().Add(-365 * 24 * time.Hour), profile: p}
	s.accounts[a.id] = a
	s.handles[strings.ToLower(p.Handle)] = a
	return a
}

// SetProfile changes the profile of an account, its handle too.
func (s *Server) SetProfile(handle string, change func(p *Profile)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byHandle(handle)
	if a == nil {
		return fmt.Errorf("xtest: no account %q", handle)
	}
	delete(s.handles, strings.ToLower(handle))
	before := a.profile
	change(&a.profile)
	s.handles[strings.ToLower(a.profile.Handle)] = a
	s.tellProfile(a, before)
	return nil
}

// Suspend makes an account suspended, or gives it back.
func (s *Server) Suspend(handle string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byHandle(handle)
	if a == nil {
		return fmt.Errorf("xtest: no account %q", handle)
	}
	a.suspended = on
	return nil
}

// Post makes a post of an account, which is created if there is none of that
// handle, and returns its id. A post of another account that names @handle is
// a mention of that account.
func (s *Server) Post(handle string, p Post) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byHandle(handle)
	if a == nil {
		a = s.addAccount(Profile{Handle: handle})
	}
	q := s.add(a, p)
	s.tellPost("post.create", q)
	return strconv.FormatInt(q.id, 10)
}

func (s *Server) add(a *account, p Post) *post {
	if p.At.IsZero() {
		p.At = s.now()
	}
	p.At = p.At.UTC()
	q := &post{Post: p, id: s.newID(p.At), author: a.id, made: p.At}
	q.first, q.versions = q.id, []int64{q.id}
	if len(p.Media) > 0 {
		q.mediaBase = s.newID(p.At)
	}
	s.posts[q.id] = q
	insert(&a.posts, q.id)
	for _, handle := range s.mentioned(p.Text) {
		if other := s.byHandle(handle); other != nil && other != a {
			insert(&other.mentions, q.id)
		}
	}
	return q
}

// insert keeps ids ascending and single.
func insert(ids *[]int64, id int64) {
	if i, ok := slices.BinarySearch(*ids, id); !ok {
		*ids = slices.Insert(*ids, i, id)
	}
}

// newID makes a snowflake: milliseconds since 2010-11-04T01:42:54.657Z above
// 22 bits that tell posts of one millisecond apart.
func (s *Server) newID(t time.Time) int64 {
	s.seq = (s.seq + 1) & (1<<22 - 1)
	return (t.UnixMilli()-1288834974657)<<22 | s.seq
}

// Edit makes a new version of a post and returns its id.
func (s *Server) Edit(id, text string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.alive(id)
	if err != nil {
		return "", err
	}
	p := old.Post
	p.Text, p.At, p.VisibleAt = text, time.Time{}, time.Time{}
	q := s.add(s.byID(old.author), p)
	q.first, q.mediaBase = old.first, old.mediaBase
	q.versions = append(slices.Clone(old.versions), q.id)
	for _, v := range old.versions {
		s.posts[v].versions, s.posts[v].replaced = q.versions, true
	}
	return strconv.FormatInt(q.id, 10), nil
}

// Delete deletes a post with all its versions.
func (s *Server) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.alive(id)
	if err != nil {
		return err
	}
	for _, v := range p.versions {
		s.posts[v].deleted = true
	}
	s.tellPost("post.delete", p)
	return nil
}

// Requests returns the newest requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recent)
}

// Count returns how many requests an endpoint has had, all endpoints for "".
func (s *Server) Count(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if endpoint != "" {
		return s.counts[endpoint]
	}
	n := 0
	for _, c := range s.counts {
		n += c
	}
	return n
}

func (s *Server) alive(id string) (*post, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("xtest: post id %q; want digits", id)
	}
	p := s.posts[n]
	if p == nil || p.deleted {
		return nil, fmt.Errorf("xtest: no post %s", id)
	}
	return p, nil
}

func (s *Server) byHandle(handle string) *account { return s.handles[strings.ToLower(handle)] }

func (s *Server) byID(id int64) *account { return s.accounts[id] }

// Endpoint names what a request asks for, whatever ids are in its path:
// "users/tweets", "users/mentions", "users", "users/by/username", "users/me",
// "tweets", "dm_events", "webhooks", "activity/stream" and "activity/subscriptions" of API v2, and for v1.1 the path without version and .json.
func Endpoint(path string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.Trim(strings.TrimSuffix(path, ".json"), "/"), "/") {
		if _, err := strconv.ParseInt(part, 10, 64); err == nil || part == "1.1" {
			continue
		}
		parts = append(parts, part)
	}
	if len(parts) == 4 && parts[1] == "by" {
		parts = parts[:3]
	}
	return strings.Join(parts, "/")
}

// endpoint names what a request asks for as Count and Fault do: what writes has
// its method before the path, "POST activity/subscriptions".
func endpoint(r *http.Request) string {
	if r.Method == http.MethodGet {
		return Endpoint(r.URL.Path)
	}
	return r.Method + " " + Endpoint(r.URL.Path)
}

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
	name := endpoint(r)
	s.counts[name]++
	s.recent = append(s.recent, Request{
		Time: s.now(), Endpoint: name, URL: r.URL.RequestURI(), Auth: authKind(r), Status: status,
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
	f := s.nextFault(endpoint(r))
	switch {
	case f != nil && f.early():
		s.misbehave(w, r, f)
		return
	case r.Method == http.MethodGet && Endpoint(r.URL.Path) == "activity/stream":
		s.serveStream(w, r)
		return
	case isWebhooks(Endpoint(r.URL.Path)):
		s.manageWebhooks(r).send(w)
		return
	}
	v1 := strings.HasPrefix(r.URL.Path, "/1.1/")
	s.mu.Lock()
	a := s.respond(r, v1)
	s.mu.Unlock()
	if f != nil {
		a.head(w)
		f.spoil(w, a)
		return
	}
	a.send(w)
}

// respond checks credential, access and limit, and answers. The caller holds
// the lock.
func (s *Server) respond(r *http.Request, v1 bool) *reply {
	if refusal := s.authorize(r, v1); refusal != nil {
		return refusal
	}
	if v1 && !s.opts.V1 {
		return errorV1(http.StatusForbidden, 453, "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints (e.g. media post, oauth) only. If you need access to this endpoint, you may need a different access level. You can learn more here: https://developer.x.com/en/portal/product")
	}
	header, ok := s.spend(r)
	if !ok {
		limited := errorV1(http.StatusTooManyRequests, 88, "Rate limit exceeded")
		limited.header = header
		return limited
	}
	var a *reply
	switch {
	case v1:
		a = s.v1(r)
	case isActivity(Endpoint(r.URL.Path)):
		a = s.activity(r)
	case Endpoint(r.URL.Path) == "dm_events":
		a = s.readMessages(r)
	default:
		a = s.v2(r)
	}
	if s.opts.OAuth1 != nil && s.opts.OAuth1.Access != "" && authKind(r) == "oauth1" {
		header["x-access-level"] = s.opts.OAuth1.Access
	}
	a.header = header
	return a
}
