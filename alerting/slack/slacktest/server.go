package slacktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tokens and the channel that a Server knows.
const (
	BotToken = "xoxb-1-test"
	AppToken = "xapp-1-test"
	Channel  = "C0123456789"
	Team     = "T0123456789"
	App      = "A0123456789"
)

// Message is a message as the server keeps it.
type Message struct {
	Channel   string
	TS        string
	Thread    string // ts of the first message; "" for one itself
	Broadcast bool
	Text      string
	Blocks    []Block
	Edits     int
	Form      map[string]string // of the newest request, without token and blocks
}

// Whisper is a message that one person saw.
type Whisper struct{ Channel, User, Thread, Text string }

// failure is what a method answers instead of success.
type failure struct {
	status int
	header map[string]string
	body   string
}

// Server is a Slack workspace with one channel.
type Server struct {
	URL string // of the Web API, with a / at its end

	http *httptest.Server
	hub  hub

	mu       sync.Mutex
	every    time.Duration
	posted   time.Time
	clock    int
	messages []*Message
	whispers []Whisper
	failures map[string][]failure // by method, in order
	calls    map[string]int
}

// New starts a server that lives as long as the test. Every is the shortest
// time between two messages in the channel, as Slack's second; 0: any.
func New(tb testing.TB, every time.Duration) *Server {
	tb.Helper()
	s := &Server{every: every, failures: map[string][]failure{}, calls: map[string]int{}}
	s.hub.changed = make(chan struct{})
	mux := http.NewServeMux()
	for method, handle := range map[string]func(form) any{
		"auth.test": s.authTest, "chat.postMessage": s.postMessage, "chat.update": s.updateMessage,
		"chat.postEphemeral": s.postEphemeral, "apps.connections.open": s.openConnection,
	} {
		mux.HandleFunc("POST /api/"+method, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, method, handle) })
	}
	mux.HandleFunc("GET /link/", s.hub.serve)
	s.http = httptest.NewServer(mux)
	s.URL = s.http.URL + "/api/"
	tb.Cleanup(func() {
		s.hub.close()
		s.http.Close()
	})
	return s
}

// Fail makes the next call of a method answer {"ok":false,"error":name}.
func (s *Server) Fail(method, name string) {
	s.FailWith(method, http.StatusOK, nil, fmt.Sprintf(`{"ok":false,"error":%q}`, name))
}

// FailWith makes the next call of a method answer this.
func (s *Server) FailWith(method string, status int, header map[string]string, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[method] = append(s.failures[method], failure{status, header, body})
}

// Messages returns the channel, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.messages {
		out = append(out, *m)
	}
	return out
}

// Whispers returns what single people were told.
func (s *Server) Whispers() []Whisper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Whisper(nil), s.whispers...)
}

// Delete takes a message out of the channel, as its members can.
func (s *Server) Delete(ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.messages {
		if m.TS == ts {
			s.messages = append(s.messages[:i], s.messages[i+1:]...)
			return
		}
	}
}

// Calls returns how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// form is the arguments of one call; token is also that of the header.
type form map[string]string

// refused is an answer with ok false.
func refused(name string, why ...string) any {
	answer := map[string]any{"ok": false, "error": name}
	if len(why) > 0 {
		answer["response_metadata"] = map[string]any{"messages": why}
	}
	return answer
}

// later is the answer to a call that came too soon.
type later struct{}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, method string, handle func(form) any) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f := form{}
	for name := range r.PostForm {
		f[name] = r.PostForm.Get(name)
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		f["token"] = bearer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	if queue := s.failures[method]; len(queue) > 0 {
		s.failures[method] = queue[1:]
		for name, value := range queue[0].header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(queue[0].status)
		_, _ = w.Write([]byte(queue[0].body))
		return
	}
	answer := handle(f)
	if _, ok := answer.(later); ok {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		answer = refused("ratelimited")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}
