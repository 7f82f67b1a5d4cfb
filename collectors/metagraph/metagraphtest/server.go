package metagraphtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what kind of server it is.
type Options struct {
	Now       func() time.Time // time.Now by default
	Token     string           // the only one that is accepted
	PageToken string           // where not empty, edges answer to this one only
	AppSecret string           // not empty: each request needs the proof of it
	Version   string           // the only one that is served, "v27.0" by default
	// Calls bounds the requests in any hour; 0: no bound. Usage of it is told in
	// percent.
	Calls int
	// Case is the type of the business use case: "pages" or "instagram".
	Case string
	// Scopes are what debug_token says of the token.
	Scopes []string
	// Expires is when it says that the token does, zero for never.
	Expires time.Time
	// Shuffle swaps neighbours of every page.
	Shuffle bool
	// Forgetful refuses the cursor of an item that was deleted since.
	Forgetful bool
}

// Object is a JSON object.
type Object = map[string]any

// Item is one entry of an edge.
type Item struct {
	ID     string
	At     time.Time // its place in the edge, newest first
	Fields Object
	Twice  bool      // comes twice in its page
	Broken bool      // its id is no id
	Until  time.Time // when it vanishes by itself, zero for never

	seq     int
	gone    bool
	omitted bool
	ghost   bool
}

// Fault is a refusal of a request whose path ends as Path says.
type Fault struct {
	Path          string // "/published_posts"; empty for all
	Status        int
	Code, Subcode int
	Message       string
	Transient     bool
	Body          string // in place of an error, with Status
	Header        map[string]string
	Times         int // 0: until Heal
}

// Request is one that came.
type Request struct {
	Path  string // without the version
	Query map[string][]string
}

// Server is a fake Graph API, safe for concurrent use.
type Server struct {
	opts Options

	mu       sync.Mutex
	seq      int
	nodes    map[string]Object
	aliases  map[string]string
	edges    map[string][]*Item // by "node/edge"
	faults   []*Fault
	recent   []Request
	times    []time.Time // of requests in the last hour
	exceeded int
	leaks    int
}

// New returns an empty server.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Version == "" {
		opts.Version = "v27.0"
	}
	return &Server{opts: opts, nodes: map[string]Object{}, aliases: map[string]string{}, edges: map[string][]*Item{}}
}

// Now is the server's clock.
func (s *Server) Now() time.Time { return s.opts.Now() }

// SetNode makes or replaces a node, which may also be asked for by other names.
func (s *Server) SetNode(id string, fields Object, aliases ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes[id] = maps.Clone(fields)
	for _, a := range aliases {
		s.aliases[a] = id
	}
}

// SetPageToken replaces the Page's token; the one before is valid no more.
func (s *Server) SetPageToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.PageToken = token
}

// Change sets fields of a node or of an item; nil takes one away.
func (s *Server) Change(id string, fields Object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := s.nodes[id]
	if it := s.item(id); it != nil {
		target = it.Fields
	}
	if target == nil {
		return fmt.Errorf("metagraphtest: no object %q", id)
	}
	for name, value := range fields {
		if value == nil {
			delete(target, name)
		} else {
			target[name] = value
		}
	}
	return nil
}

// Add adds an item to an edge, now where it has no time. A later item of the
// same time stands above.
func (s *Server) Add(node, edge string, it Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	it.seq = s.seq
	if it.At.IsZero() {
		it.At = s.opts.Now()
	}
	it.Fields = maps.Clone(it.Fields)
	key := node + "/" + edge
	s.edges[key] = append(s.edges[key], &it)
	slices.SortStableFunc(s.edges[key], func(a, b *Item) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return b.seq - a.seq
	})
}

// Delete deletes an item.
func (s *Server) Delete(id string) error {
	return s.with(id, func(it *Item) { it.gone = true })
}

// Haunt deletes an item that its edge still shows, as a cache does, or ends that.
func (s *Server) Haunt(id string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.edges {
		for _, it := range list {
			if it.ID == id {
				it.gone, it.ghost = true, on
				return nil
			}
		}
	}
	return fmt.Errorf("metagraphtest: no item %q", id)
}

// Omit leaves an item out of its edge, as a cache that is behind does, or puts
// it back. By its id it is found.
func (s *Server) Omit(id string, on bool) error {
	return s.with(id, func(it *Item) { it.omitted = on })
}

func (s *Server) with(id string, do func(*Item)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.item(id)
	if it == nil {
		return fmt.Errorf("metagraphtest: no item %q", id)
	}
	do(it)
	return nil
}

// item returns an item that was not deleted.
func (s *Server) item(id string) *Item {
	for _, list := range s.edges {
		for _, it := range list {
			if it.ID == id && s.there(it) {
				return it
			}
		}
	}
	return nil
}

// there reports whether an item is neither deleted nor at its end.
func (s *Server) there(it *Item) bool {
	return !it.gone && (it.Until.IsZero() || s.opts.Now().Before(it.Until))
}

// AddFault makes requests fail.
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

// Requests returns all requests, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.recent)
}

// Count returns how many requests had a path that ends like that.
func (s *Server) Count(path string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, path) {
			n++
		}
	}
	return n
}

// Exceeded returns how many requests came beyond Calls in an hour.
func (s *Server) Exceeded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exceeded
}

// Leaks returns how many requests had the access token in their URL, the one to
// debug_token excepted.
func (s *Server) Leaks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leaks
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a := s.answer(r)
	s.mu.Unlock()
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	a.write(w)
}

func (s *Server) answer(r *http.Request) *reply {
	version, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	s.recent = append(s.recent, Request{Path: "/" + path, Query: query})
	if query.Has("access_token") || path != "debug_token" && s.opts.Token != "" && strings.Contains(r.URL.RawQuery, s.opts.Token) ||
		s.opts.PageToken != "" && strings.Contains(r.URL.RawQuery, s.opts.PageToken) {
		s.leaks++
	}
	if a := s.injected("/" + path); a != nil {
		return a
	}
	used, over := s.spend()
	if over {
		return s.tooMany()
	}
	a := s.route(r, version, path)
	s.tell(a, used)
	return a
}

func (s *Server) route(r *http.Request, version, path string) *reply {
	query := r.URL.Query()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.Method != http.MethodGet:
		return failure(http.StatusBadRequest, 100, 0, "Unsupported "+strings.ToLower(r.Method)+" request.")
	case version != s.opts.Version:
		return failure(http.StatusBadRequest, 2635, 0, "You are calling a deprecated version of the API. Please update to the latest version: "+s.opts.Version+".")
	case token == "" || token != s.opts.Token && token != s.opts.PageToken:
		return failure(http.StatusBadRequest, 190, 0, "Invalid OAuth access token - Cannot parse access token")
	case s.opts.AppSecret != "" && query.Get("appsecret_proof") == "":
		return failure(http.StatusBadRequest, 100, 0, "API calls from the server require an appsecret_proof argument")
	case s.opts.AppSecret != "" && query.Get("appsecret_proof") != s.proof(token):
		return failure(http.StatusBadRequest, 100, 0, "Invalid appsecret_proof provided in the API argument")
	case path == "debug_token":
		return s.debugToken(query.Get("input_token"))
	}
	id, edge, isEdge := strings.Cut(path, "/")
	if to, ok := s.aliases[id]; ok {
		id = to
	}
	if isEdge && s.opts.PageToken != "" && token != s.opts.PageToken {
		return failure(http.StatusBadRequest, 190, 2069032, "User access token is not supported. A Page access token is required for this call for the new Pages experience.")
	}
	if isEdge {
		return s.edge(r, id, edge)
	}
	return s.node(id, query.Get("fields"))
}

func (s *Server) proof(token string) string {
	mac := hmac.New(sha256.New, []byte(s.opts.AppSecret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// injected returns the answer of the first fault that fits.
func (s *Server) injected(path string) *reply {
	for i, f := range s.faults {
		if !strings.HasSuffix(path, f.Path) {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		if f.Body != "" {
			return &reply{status: f.Status, raw: f.Body, header: f.Header}
		}
		a := failure(f.Status, f.Code, f.Subcode, f.Message)
		a.body["error"].(Object)["is_transient"] = f.Transient
		maps.Copy(a.header, f.Header)
		return a
	}
	return nil
}

// spend counts a request, and reports what share of the limit is used with it,
// and whether it was one too many.
func (s *Server) spend() (percent int, over bool) {
	if s.opts.Calls == 0 {
		return 0, false
	}
	now := s.opts.Now()
	s.times = slices.DeleteFunc(s.times, func(t time.Time) bool { return !t.After(now.Add(-time.Hour)) })
	if len(s.times) >= s.opts.Calls {
		s.exceeded++
		return 100, true
	}
	s.times = append(s.times, now)
	return 100 * len(s.times) / s.opts.Calls, false
}
