// Package linkedintest is a fake of LinkedIn's Community Management API in its
// documented wire format, with one organisation: the finders of posts, roles and
// comments with paging by start and count, single posts, the organisation, its
// followers, errors with their codes, calls counted by the day (UTC) for each
// endpoint and for all, and the OAuth endpoints. The documentation that it
// follows is named in package linkedin, as is what a collector makes of it.
package linkedintest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The only organisation.
const (
	Number = "2414183"
	URN    = "urn:li:organization:" + Number
	Vanity = "acme"
)

// Options of a Server.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Token is an access token that is taken; empty takes none but those that the
	// token endpoint made.
	Token string
	// ClientID, ClientSecret and Refresh are what the token endpoint takes.
	ClientID, ClientSecret, Refresh string
	// Version is the only one that is served, "202609" when empty.
	Version string
	// Calls and EndpointCalls bound the calls of a day, of all endpoints together
	// and of each; 0: no bound.
	Calls, EndpointCalls int
	// Scopes are what the token may do.
	Scopes []string
	// Shuffle swaps neighbours within every page of posts and comments.
	Shuffle bool
	// Ascending has the oldest comments come first.
	Ascending bool
	// NoTotal leaves the total out of every page.
	NoTotal bool
}

// Object is a JSON object.
type Object = map[string]any

// Post is one of the organisation's.
type Post struct {
	Text     string    // in LinkedIn's little format
	At       time.Time // publishedAt; zero is now
	Visible  time.Time // from when answers hold it
	Reshares string    // URN of the post that it shares
	State    string    // "PUBLISHED" where empty
	Content  Object
	Landing  string // contentLandingPage
	UGC      bool   // a ugcPost, not a share
	Twice    bool   // it is on its page two times
	Broken   bool   // it has a text for a time
	urn      string
	modified time.Time
	edited   bool
	gone     bool
	omitted  bool
	ghost    bool
}

// Comment is one under a post.
type Comment struct {
	Text   string
	Actor  string    // URN; a person's where empty
	Agent  string    // who acted for an organisation
	Parent string    // URN of the comment that is answered
	At     time.Time // zero is now
	urn    string
	id     string
}

// Role is one that somebody has, or asks for.
type Role struct{ Member, Role, State string }

// Fault is a refusal of the calls of an endpoint.
type Fault struct {
	Endpoint string // "posts", "posts/{urn}", "oauth"; empty for all
	Status   int
	Code     string
	Service  int
	Message  string
	Body     string // in place of an error, with Status
	Header   map[string]string
}

// Server is a fake LinkedIn, safe for concurrent use.
type Server struct {
	opts Options

	mu        sync.Mutex
	seq       int64
	posts     []*Post
	comments  map[string][]*Comment
	roles     []Role
	org       Object
	followers int
	access    map[string]time.Time
	refresh   bool // the refresh token is good
	rotated   string
	faults    []*Fault
	day       string
	used      map[string]int
	over      int
	leaks     int
	requests  []string
}

// New returns a page without posts, whose only administrator is Jane.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Version = cmp.Or(opts.Version, "202609")
	return &Server{
		opts: opts, comments: map[string][]*Comment{}, followers: 1204, access: map[string]time.Time{}, refresh: opts.Refresh != "", used: map[string]int{},
		roles: []Role{{"urn:li:person:jane", "ADMINISTRATOR", "APPROVED"}},
		org: Object{
			"id": 2414183, "$URN": URN, "localizedName": "Acme & Co", "vanityName": Vanity,
			"name":                 Object{"localized": Object{"en_US": "Acme & Co"}, "preferredLocale": Object{"country": "US", "language": "en"}},
			"description":          Object{"localized": Object{"en_US": "Anvils since 1920"}, "preferredLocale": Object{"country": "US", "language": "en"}},
			"website":              Object{"localized": Object{"en_US": "https://acme.example/"}, "preferredLocale": Object{"country": "US", "language": "en"}},
			"localizedDescription": "Anvils since 1920", "localizedWebsite": "https://acme.example/",
			"logoV2":       Object{"original": "urn:li:digitalmediaAsset:logo1", "cropped": "urn:li:digitalmediaAsset:logo1c"},
			"coverPhotoV2": Object{"original": "urn:li:digitalmediaAsset:cover1"},
			"industries":   []string{"urn:li:industry:53"}, "localizedSpecialties": []string{"Anvils", "Rockets"}, "alternativeNames": []string{},
			"locations": []Object{{
				"locationType": "HEADQUARTERS", "address": Object{"line1": "1 Road", "city": "Berlin", "country": "DE", "postalCode": "10115"},
				"phoneNumber1": Object{"number": "+49 30 5550100"},
			}},
			"organizationType": "PUBLIC_COMPANY", "organizationStatus": "OPERATING", "staffCountRange": "SIZE_51_TO_200", "foundedOn": Object{"year": 1920},
		},
	}
}

// next returns a number that grows with time, as LinkedIn's ids do.
func (s *Server) next(at time.Time) string {
	s.seq++
	return fmt.Sprint(at.UnixMilli()<<22>>1 | s.seq&(1<<21-1))
}

// Post publishes a post and returns its URN.
func (s *Server) Post(p Post) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.At.IsZero() {
		p.At = s.opts.Now()
	}
	kind := "share"
	if p.UGC {
		kind = "ugcPost"
	}
	p.At = p.At.Truncate(time.Millisecond)
	p.urn, p.modified = "urn:li:"+kind+":"+s.next(p.At), p.At
	s.posts = append(s.posts, &p)
	return p.urn
}

// with does something to a post.
func (s *Server) with(urn string, do func(*Post)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.posts, func(p *Post) bool { return p.urn == urn })
	if i < 0 {
		panic("linkedintest: no post " + urn)
	}
	do(s.posts[i])
}

// Edit changes a post's words.
func (s *Server) Edit(urn, words string) {
	s.with(urn, func(p *Post) { p.Text, p.edited, p.modified = words, true, s.opts.Now().Truncate(time.Millisecond) })
}

// Touch changes something of a post that nobody sees.
func (s *Server) Touch(urn string) {
	s.with(urn, func(p *Post) { p.modified = s.opts.Now().Truncate(time.Millisecond) })
}

// Delete deletes a post.
func (s *Server) Delete(urn string) { s.with(urn, func(p *Post) { p.gone = true }) }

// Omit leaves a post out of all pages, as a cache that is behind does, or ends
// that; by its URN it is found.
func (s *Server) Omit(urn string, on bool) { s.with(urn, func(p *Post) { p.omitted = on }) }

// Haunt deletes a post that pages still hold, as a cache does.
func (s *Server) Haunt(urn string) { s.with(urn, func(p *Post) { p.ghost = true }) }

// Comment adds a comment and returns its URN.
func (s *Server) Comment(post string, c Comment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.At.IsZero() {
		c.At = s.opts.Now()
	}
	c.At = c.At.Truncate(time.Millisecond)
	c.Actor = cmp.Or(c.Actor, "urn:li:person:fan")
	c.id = s.next(c.At)
	c.urn = "urn:li:comment:(urn:li:activity:" + post[strings.LastIndexByte(post, ':')+1:] + "," + c.id + ")"
	s.comments[post] = append(s.comments[post], &c)
	return c.urn
}

// SetRoles replaces all who have a role.
func (s *Server) SetRoles(all ...Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roles = all
}

// Change sets members of the organisation.
func (s *Server) Change(o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.org, o)
}

// Revoke has no access token taken any more that was made before, and with
// refresh none made.
func (s *Server) Revoke(refresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.access)
	s.opts.Token = ""
	s.refresh = s.refresh && !refresh
}

// Rotate has the next refresh be answered with another refresh token, after which
// the one before is not taken any more.
func (s *Server) Rotate(refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotated = refresh
}

// Retire has another version served in place of the one before.
func (s *Server) Retire(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Version = version
}

// AddFault makes calls fail.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// Heal takes all faults away.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns the endpoints that were called, oldest first.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count returns how often an endpoint was called.
func (s *Server) Count(endpoint string) int {
	n := 0
	for _, r := range s.Requests() {
		if r == endpoint {
			n++
		}
	}
	return n
}

// Used returns the calls of the day.
func (s *Server) Used() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used[""]
}

// Over returns how many calls came beyond the bounds of their day.
func (s *Server) Over() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// Leaks returns how many requests had a secret in their address.
func (s *Server) Leaks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaks
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	for _, secret := range []string{s.opts.Token, s.opts.Refresh, s.opts.ClientSecret} {
		if secret != "" && strings.Contains(r.URL.String(), secret) {
			s.leaks++
		}
	}
	endpoint, key := split(r)
	s.requests = append(s.requests, endpoint)
	if f := s.fault(endpoint); f != nil {
		f.write(w)
		return
	}
	if endpoint == "oauth" {
		s.oauth(w, r, now)
		return
	}
	if a := s.refuse(r, endpoint, now); a != nil {
		a.write(w)
		return
	}
	s.answer(w, r, endpoint, key, now)
}

// refuse returns what stands against a call, nil for nothing.
func (s *Server) refuse(r *http.Request, endpoint string, now time.Time) *Fault {
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	ends, made := s.access[bearer]
	switch {
	case bearer == "":
		return &Fault{Status: 401, Code: "EMPTY_ACCESS_TOKEN", Service: 65604, Message: "Empty oauth2 access token"}
	case made && !now.Before(ends):
		return &Fault{Status: 401, Code: "EXPIRED_ACCESS_TOKEN", Service: 65602, Message: "The token used in the request has expired"}
	case !made && (s.opts.Token == "" || bearer != s.opts.Token):
		return &Fault{Status: 401, Code: "REVOKED_ACCESS_TOKEN", Service: 65601, Message: "The token used in the request has been revoked by the user"}
	case r.Header.Get("Linkedin-Version") == "":
		return &Fault{Status: 400, Code: "VERSION_MISSING", Message: "A version must be present. Please specify a version by adding the LinkedIn-Version header."}
	case r.Header.Get("Linkedin-Version") != s.opts.Version:
		return &Fault{Status: 426, Code: "NONEXISTENT_VERSION", Message: "Requested version " + r.Header.Get("Linkedin-Version") + "01 is not active"}
	case r.Header.Get("X-Restli-Protocol-Version") != "2.0.0":
		return &Fault{Status: 400, Code: "ILLEGAL_ARGUMENT", Message: "Syntax exception in path variables"}
	}
	return s.spend(endpoint, now)
}

// spend counts a call.
func (s *Server) spend(endpoint string, now time.Time) *Fault {
	if day := now.UTC().Format(time.DateOnly); day != s.day {
		s.day = day
		clear(s.used)
	}
	s.used[""]++
	s.used[endpoint]++
	if s.opts.Calls > 0 && s.used[""] > s.opts.Calls || s.opts.EndpointCalls > 0 && s.used[endpoint] > s.opts.EndpointCalls {
		s.over++
		return DayLimit()
	}
	return nil
}

// fault returns the first that fits.
func (s *Server) fault(endpoint string) *Fault {
	for _, f := range s.faults {
		if f.Endpoint == "" || f.Endpoint == endpoint {
			return f
		}
	}
	return nil
}
