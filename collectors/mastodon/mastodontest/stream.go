package mastodontest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// thump is how often a stream without news says that it is there.
const thump = 15 * time.Second

// stream is one open stream.
type stream struct {
	who    *login
	events chan string
	broken chan struct{} // closed by BreakStreams
}

// SetStreaming sets what the server says of where it streams, such as
// "wss://streaming.social.example". Empty is what it says at first.
func (s *Server) SetStreaming(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streaming = address
}

// BreakStreams ends all open streams.
func (s *Server) BreakStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		close(st.broken)
	}
	clear(s.streams)
}

// Streams returns how many streams are open.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// open makes a stream for who asks; nil and a refusal otherwise. Streams have
// no rate limit.
func (s *Server) open(r *http.Request) (*stream, *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	known, given := s.opts.Tokens[token]
	who := &login{token: known, account: s.byName(known.User)}
	switch {
	case s.opts.NoStreams:
		return nil, &reply{status: http.StatusNotFound, html: "<!DOCTYPE html><title>The page you are looking for isn't here.</title>"}
	case r.Header.Get("Authorization") == "":
		return nil, failure(http.StatusUnauthorized, "Missing access token")
	case !given || who.account == nil:
		return nil, failure(http.StatusUnauthorized, "Invalid access token")
	case !s.allows(known, Streaming):
		return nil, failure(http.StatusUnauthorized, "Access token does not have the required scopes")
	}
	st := &stream{who: who, events: make(chan string, 1000), broken: make(chan struct{})}
	s.streams[st] = struct{}{}
	return st, nil
}

// serveStream answers with events until the client goes away.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	st, refused := s.open(r)
	if st == nil {
		refused.write(w)
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.streams, st)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	alive := time.NewTicker(thump)
	defer alive.Stop()
	next := ":)\n\n"
	for {
		if _, err := w.Write([]byte(next)); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-st.broken:
			return
		case next = <-st.events:
		case <-alive.C:
			next = ":thump\n"
		}
	}
}

// stream tells all streams of a status that may see it.
func (s *Server) stream(event string, of *status) {
	for st := range s.streams {
		if !s.shows(of, st.who) {
			continue
		}
		data := of.id
		if event != "delete" {
			data = string(s.statusObject(of, st.who))
		}
		st.tell(event, data)
	}
}

func (s *Server) streamNotification(to *account, n *notification) {
	for st := range s.streams {
		if st.who.is(to) {
			st.tell("notification", string(s.notificationObject(n, st.who)))
		}
	}
}

// tell drops what a client that does not read leaves no room for.
func (st *stream) tell(event, data string) {
	select {
	case st.events <- fmt.Sprintf("event: %s\ndata: %s\n\n", event, data):
	default:
	}
}
