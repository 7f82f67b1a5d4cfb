// Package reddittest is a fake of Reddit's Data API in its documented wire format,
// with one account: lists that are paged by after and end after 1,000 items, items
// by name, the profile, the inbox, logs of moderators, the token endpoint, scopes,
// and the limit of requests with its headers. It follows what package reddit names
// as its documentation. What a collector makes of it belongs in package reddit.
package reddittest

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ClientID is the id of the only app.
const ClientID = "p-jcoLKBynTLew"

// Window is how long a grant of requests lasts, and Granted how many it has: 100
// a minute.
const (
	Window  = 10 * time.Minute
	Granted = 1000
)

// Options of a Server.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Name is the account's, "acme" when empty.
	Name string
	// Secret is the app's, Refresh and Password what access tokens are given for.
	Secret, Refresh, Password string
	// Scope is what a grant by Refresh may, "history identity read modlog
	// privatemessages" when empty.
	Scope string
	// Owner is whose the grant is, the account's when empty.
	Owner string
	// Granted is how many requests a Window has, Granted when 0.
	Granted int
	// Shuffle changes the order within a page, by a seed; 0 does not.
	Shuffle uint64
}

// Server is a fake Reddit. All methods are safe for concurrent use.
type Server struct {
	opts Options

	mu       sync.Mutex
	seq      int
	things   map[string]*Thing
	lists    map[string][]*Thing // by kind, newest first
	inbox    []*Note             // newest first
	logs     map[string][]Action // by subreddit, newest first
	closed   map[string]bool     // subreddits whose log is refused
	profile  object
	gone     bool
	access   map[string]grant
	revoked  bool
	rotated  string // the refresh token that is given in place of the one before
	faults   []*Fault
	window   int64
	used     int
	over     int
	leaks    int
	marked   int
	strange  []string // User-Agents of another form
	requests []string
	dice     *rand.Rand
}

type object = map[string]any

type grant struct {
	ends  time.Time
	scope []string
}

// New returns a fake account without items.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Name = cmp.Or(opts.Name, "acme")
	opts.Owner = cmp.Or(opts.Owner, opts.Name)
	opts.Granted = cmp.Or(opts.Granted, Granted)
	opts.Scope = cmp.Or(opts.Scope, "history identity read modlog privatemessages")
	return &Server{
		opts: opts, things: map[string]*Thing{}, lists: map[string][]*Thing{}, logs: map[string][]Action{}, closed: map[string]bool{}, access: map[string]grant{},
		dice: rand.New(rand.NewPCG(opts.Shuffle, 1)),
		profile: object{
			"id": "9x1a", "name": opts.Name, "created_utc": 1335859200.0, "total_karma": 15300, "link_karma": 12000, "comment_karma": 3300,
			"is_employee": false, "is_mod": true, "verified": true, "has_verified_email": true, "snoovatar_img": "",
			"icon_img": "https://styles.redditmedia.example/t5_9x/styles/profileIcon_a1.jpg?width=256&s=5d41402a",
			"subreddit": object{
				"display_name": "u_" + opts.Name, "title": "Acme", "public_description": "Anvils since 1920. https://acme.example/",
				"banner_img": "https://styles.redditmedia.example/t5_9x/styles/profileBanner_b1.png?width=1280&s=7d793037", "subscribers": 4200, "over_18": false,
			},
		},
	}
}

// Over returns how many requests came above the limit.
func (s *Server) Over() int { s.mu.Lock(); defer s.mu.Unlock(); return s.over }

// Leaks returns how many requests had a secret in their address.
func (s *Server) Leaks() int { s.mu.Lock(); defer s.mu.Unlock(); return s.leaks }

// Marked returns how many requests marked messages as read.
func (s *Server) Marked() int { s.mu.Lock(); defer s.mu.Unlock(); return s.marked }

// Strange returns the User-Agents that have not the form that Reddit documents.
func (s *Server) Strange() []string { s.mu.Lock(); defer s.mu.Unlock(); return slices.Clone(s.strange) }

// Requests returns method, path and query of all requests.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Revoke has no grant and no access token taken any more.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
	clear(s.access)
}

// Expire has no access token taken any more that was given until now.
func (s *Server) Expire() { s.mu.Lock(); defer s.mu.Unlock(); clear(s.access) }

// Rotate has the next refresh be answered with another refresh token, after which
// the one before is not taken any more.
func (s *Server) Rotate(refresh string) { s.mu.Lock(); defer s.mu.Unlock(); s.rotated = refresh }

// Change sets a member of the profile: "icon_img", "subreddit.title".
func (s *Server) Change(name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.profile
	if outer, inner, ok := strings.Cut(name, "."); ok {
		at, _ = at[outer].(object)
		name = inner
	}
	at[name] = value
}

// Suspend has Reddit show nothing of the account but that it is suspended.
func (s *Server) Suspend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.profile = object{"name": s.opts.Name, "is_suspended": true, "total_karma": 0}
	s.gone = true
}

// agentForm is <platform>:<app ID>:<version string> (by /u/<reddit username>).
var agentForm = regexp.MustCompile(`^[\w-]+:[\w.-]+:[\w.+-]+ \(by /u/[\w-]+\)$`)

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+r.URL.RawQuery))
	for _, secret := range []string{s.opts.Secret, s.opts.Refresh, s.opts.Password} {
		if secret != "" && strings.Contains(r.URL.String(), secret) {
			s.leaks++
		}
	}
	if agent := r.Header.Get("User-Agent"); !agentForm.MatchString(agent) {
		s.strange = append(s.strange, agent)
	}
	if f := s.fault(r); f != nil {
		f.write(w)
		return
	}
	if r.Method == http.MethodPost {
		s.token(w, r, now)
		return
	}
	if !s.spend(w, now) {
		writeStatus(w, http.StatusTooManyRequests, nil)
		return
	}
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := s.access[bearer]
	if !ok || !now.Before(g.ends) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="reddit", error="invalid_token"`)
		writeStatus(w, http.StatusUnauthorized, nil)
		return
	}
	s.answer(w, r, g)
}

// spend counts a request in its window and tells what is left.
func (s *Server) spend(w http.ResponseWriter, now time.Time) bool {
	n := now.Unix() / int64(Window/time.Second)
	if n != s.window {
		s.window, s.used = n, 0
	}
	s.used++
	over := s.used > s.opts.Granted
	if over {
		s.over++
	}
	end := time.Unix((n+1)*int64(Window/time.Second), 0)
	writeLimit(w, min(s.used, s.opts.Granted), s.opts.Granted, end.Sub(now))
	return !over
}

func writeLimit(w http.ResponseWriter, used, granted int, reset time.Duration) {
	w.Header().Set("X-Ratelimit-Used", strconv.Itoa(used))
	w.Header().Set("X-Ratelimit-Remaining", fmt.Sprintf("%.1f", float64(granted-used)))
	w.Header().Set("X-Ratelimit-Reset", strconv.Itoa(int(reset/time.Second)))
}

// WriteLimited answers a client that has used up what was granted.
func WriteLimited(w http.ResponseWriter, reset time.Duration) {
	writeLimit(w, Granted, Granted, reset)
	writeStatus(w, http.StatusTooManyRequests, nil)
}

// WriteRefused answers a client whose grant is not good any more.
func WriteRefused(w http.ResponseWriter, r *http.Request) {
	status := http.StatusUnauthorized
	if r.Method == http.MethodPost {
		status = http.StatusBadRequest
	}
	writeStatus(w, status, nil)
}

// writeStatus writes an error as the API does.
func writeStatus(w http.ResponseWriter, status int, more object) {
	out := object{"message": http.StatusText(status), "error": status}
	maps.Copy(out, more)
	writeJSON(w, status, out)
}

// token answers the token endpoint. A refused password comes with status 200.
func (s *Server) token(w http.ResponseWriter, r *http.Request, now time.Time) {
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != s.opts.Secret {
		w.Header().Set("WWW-Authenticate", `Basic realm="reddit"`)
		writeStatus(w, http.StatusUnauthorized, nil)
		return
	}
	scope := s.opts.Scope
	switch r.FormValue("grant_type") {
	case "refresh_token":
		if s.opts.Refresh == "" || s.revoked || r.FormValue("refresh_token") != s.opts.Refresh {
			writeStatus(w, http.StatusBadRequest, nil)
			return
		}
		s.opts.Refresh = cmp.Or(s.rotated, s.opts.Refresh)
	case "password":
		if s.opts.Password == "" || s.revoked || r.FormValue("password") != s.opts.Password || !strings.EqualFold(r.FormValue("username"), s.opts.Name) {
			writeJSON(w, http.StatusOK, object{"error": "invalid_grant"})
			return
		}
		scope = cmp.Or(r.FormValue("scope"), "*")
	default:
		writeJSON(w, http.StatusOK, object{"error": "unsupported_grant_type"})
		return
	}
	s.seq++
	access := fmt.Sprintf("eyJfake.access-%06d", s.seq)
	s.access[access] = grant{ends: now.Add(24 * time.Hour), scope: strings.Fields(scope)}
	out := object{"access_token": access, "token_type": "bearer", "expires_in": 86400, "scope": scope}
	if s.rotated != "" {
		out["refresh_token"] = s.rotated
	}
	writeJSON(w, http.StatusOK, out)
}
