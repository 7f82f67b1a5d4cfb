// Package youtubetest is a fake of the YouTube Data API v3 in its documented wire
// format, with one channel: paging by pageToken, units of quota by the day in
// California, errors with reasons, and Google's token endpoint. What a collector
// makes of it belongs in package youtube.
package youtubetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ids of the only channel.
const (
	ChannelID = "UCacmeacmeacmeacmeacme01"
	UploadsID = "UUacmeacmeacmeacmeacme01"
	Handle    = "acme"
)

// Options of a Server.
type Options struct {
	// Now is the server's clock, time.Now when nil.
	Now func() time.Time
	// Key is the only API key that is taken; empty takes none.
	Key string
	// Refresh is the only refresh token that is taken; who has it is the owner
	// and sees private videos. Rotate has every use give another; those before
	// stay good.
	Refresh string
	Rotate  bool
	// Units is the quota of a day, 10,000 when 0.
	Units int
	// Shuffle changes the order within a page of uploads, by a seed; 0 does not.
	Shuffle uint64
}

// Video is one of the channel's.
type Video struct {
	ID, Title, Description string
	Tags                   []string
	Lang, Privacy          string // privacy "public" where empty
	Live                   string // "live", "upcoming"; "none" where empty
	Started                time.Time
	At                     time.Time // publishedAt; zero is now
	// Visible is from when answers hold it.
	Visible time.Time
	// Twice has it on its page two times; Broken gives it a time that is a number.
	Twice, Broken bool
}

// Comment is one under a video.
type Comment struct {
	ID, Text, Video string
	Author          string // channel id
	Name            string
	At              time.Time
	Replies         []Comment
}

// Server is a fake YouTube. All methods are safe for concurrent use.
type Server struct {
	opts Options

	mu       sync.Mutex
	seq      int
	videos   []*Video // in the order of their upload
	comments []Comment
	channel  map[string]any // parts of the channel
	closed   bool
	refresh  map[string]bool // those that are good
	access   map[string]time.Time
	faults   []*Fault
	day      string
	used     int
	over     int
	leaks    int
	requests []string
	dice     *rand.Rand
}

// New returns a fake channel without videos.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Units = cmp.Or(opts.Units, 10_000)
	s := &Server{opts: opts, refresh: map[string]bool{opts.Refresh: opts.Refresh != ""}, access: map[string]time.Time{}, dice: rand.New(rand.NewPCG(opts.Shuffle, 1))}
	s.channel = map[string]any{
		"kind": "youtube#channel", "etag": "c1", "id": ChannelID,
		"snippet": map[string]any{
			"title": "Acme", "description": "Anvils since 1920. https://acme.example/", "customUrl": "@" + Handle,
			"publishedAt": "2012-05-01T08:00:00Z", "country": "DE",
			"thumbnails": map[string]any{"default": map[string]any{"url": "https://yt3.example/ytc/picture1=s88-c-k-c0x00ffffff-no-rj", "width": 88, "height": 88}},
		},
		"contentDetails": map[string]any{"relatedPlaylists": map[string]any{"likes": "", "uploads": UploadsID}},
		"statistics":     map[string]any{"viewCount": "123456", "subscriberCount": "15300", "hiddenSubscriberCount": false, "videoCount": "42"},
		"status":         map[string]any{"privacyStatus": "public", "isLinked": true, "longUploadsStatus": "longUploadsUnspecified"},
		"brandingSettings": map[string]any{
			"channel": map[string]any{"title": "Acme", "keywords": "anvils rockets", "unsubscribedTrailer": "trailer0001", "country": "DE"},
			"image":   map[string]any{"bannerExternalUrl": "https://yt3.example/banner1"},
		},
	}
	return s
}

// Upload adds a video and returns its id.
func (s *Server) Upload(v Video) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	if v.ID == "" {
		v.ID = fmt.Sprintf("vid%08d", s.seq)
	}
	if v.At.IsZero() {
		v.At = s.opts.Now()
	}
	v.At = v.At.UTC().Truncate(time.Second)
	s.videos = append(s.videos, &v)
	return v.ID
}

// Edit changes a video.
func (s *Server) Edit(id string, change func(*Video)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.videos {
		if v.ID == id {
			change(v)
		}
	}
}

// Delete removes a video.
func (s *Server) Delete(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.videos = slices.DeleteFunc(s.videos, func(v *Video) bool { return v.ID == id })
}

// Comment adds a comment and returns its id.
func (s *Server) Comment(c Comment) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	if c.ID == "" {
		c.ID = fmt.Sprintf("Ugx%08d", s.seq)
	}
	if c.At.IsZero() {
		c.At = s.opts.Now()
	}
	c.At = c.At.UTC().Truncate(time.Second)
	s.comments = append(s.comments, c)
	return c.ID
}

// Change sets a member of a part of the channel: "snippet", "title".
func (s *Server) Change(part, name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := s.channel[part].(map[string]any)
	if inner, rest, ok := strings.Cut(name, "."); ok {
		at, _ = at[inner].(map[string]any)
		name = rest
	}
	at[name] = value
}

// Close has the channel vanish.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Revoke has no refresh token and no access token taken any more.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.refresh)
	clear(s.access)
}

// Used returns the units of the day.
func (s *Server) Used() int { s.mu.Lock(); defer s.mu.Unlock(); return s.used }

// Over returns how many requests came above the quota.
func (s *Server) Over() int { s.mu.Lock(); defer s.mu.Unlock(); return s.over }

// Leaks returns how many requests had a secret in their address.
func (s *Server) Leaks() int { s.mu.Lock(); defer s.mu.Unlock(); return s.leaks }

// Requests returns method, resource and query of all requests.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	_, resource, _ := strings.Cut(r.URL.Path, "/youtube/v3/")
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+resource+" "+r.URL.RawQuery))
	for _, secret := range []string{s.opts.Key, s.opts.Refresh} {
		if secret != "" && strings.Contains(r.URL.String(), secret) {
			s.leaks++
		}
	}
	if f := s.fault(cmp.Or(resource, "token"), r); f != nil {
		f.write(w)
		return
	}
	if r.Method == http.MethodPost {
		s.token(w, r, now)
		return
	}
	owner, ok := s.allowed(r, now)
	if !ok {
		WriteError(w, http.StatusUnauthorized, "authError", "Invalid Credentials")
		return
	}
	if !s.spend(now) {
		WriteError(w, http.StatusForbidden, "quotaExceeded", "The request cannot be completed because you have exceeded your <a href=\"/youtube/v3/getting-started#quota\">quota</a>.")
		return
	}
	s.answer(w, r, resource, owner, now)
}

// spend counts a unit.
func (s *Server) spend(now time.Time) bool {
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		panic(err)
	}
	if day := now.In(loc).Format(time.DateOnly); day != s.day {
		s.day, s.used = day, 0
	}
	s.used++
	if s.used > s.opts.Units {
		s.over++
		return false
	}
	return true
}

func (s *Server) allowed(r *http.Request, now time.Time) (owner, ok bool) {
	if bearer, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); is {
		ends, known := s.access[bearer]
		return true, known && now.Before(ends)
	}
	return false, s.opts.Key != "" && r.Header.Get("X-Goog-Api-Key") == s.opts.Key
}

// token answers the token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request, now time.Time) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.FormValue("grant_type") != "refresh_token" || !s.refresh[r.FormValue("refresh_token")] {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`))
		return
	}
	s.seq++
	access := fmt.Sprintf("ya29.access%06d", s.seq)
	s.access[access] = now.Add(time.Hour)
	out := map[string]any{"access_token": access, "expires_in": 3599, "token_type": "Bearer", "scope": "https://www.googleapis.com/auth/youtube.readonly"}
	if s.opts.Rotate {
		another := fmt.Sprintf("1//refresh%06d", s.seq)
		s.refresh[another] = true
		out["refresh_token"] = another
	}
	_ = json.NewEncoder(w).Encode(out)
}

// page cuts a page out of n items by pageToken and maxResults.
func page(r *http.Request, n, usual, most int) (from, to int, next string, ok bool) {
	size := usual
	if text := r.FormValue("maxResults"); text != "" {
		size, _ = strconv.Atoi(text)
	}
	if token := r.FormValue("pageToken"); token != "" {
		at, found := strings.CutPrefix(token, "CAoQ")
		from, _ = strconv.Atoi(at)
		if !found || from < 1 {
			return 0, 0, "", false
		}
	}
	from = min(from, n)
	to = min(n, from+min(size, most))
	if to < n {
		next = "CAoQ" + strconv.Itoa(to)
	}
	return from, to, next, true
}
