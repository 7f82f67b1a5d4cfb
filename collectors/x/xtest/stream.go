package xtest

import (
	"net/http"
	"time"
)

const (
	// keepAlive is how often a stream without news sends a line without text
	// (x-api/fundamentals/consuming-streaming-data).
	keepAlive = 20 * time.Second
	// maxStreams is how many an app may have open (x-api/fundamentals/rate-limits).
	maxStreams = 2
)

// OperationalDisconnect is what X says before it ends a stream
// (x-api/fundamentals/handling-disconnections).
const OperationalDisconnect = `{"errors":[{"title":"operational-disconnect","disconnect_type":"UpstreamOperationalDisconnect",` +
	`"detail":"This stream has been disconnected upstream for operational reasons.","type":"https://api.x.com/2/problems/operational-disconnect"}]}`

// stream is one open stream of activity.
type stream struct {
	lines chan string
	end   chan struct{} // closed by EndStreams
}

// Streams returns how many streams of activity are open.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// Say sends a line to all open streams, whatever it is.
func (s *Server) Say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toStreams(line)
}

// EndStreams ends all open streams, after what was said to them.
func (s *Server) EndStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		close(st.end)
	}
	clear(s.streams)
}

// toStreams drops what a client that does not read leaves no room for. The
// caller holds the lock.
func (s *Server) toStreams(line string) {
	for st := range s.streams {
		select {
		case st.lines <- line:
		default:
		}
	}
}

// openStream makes a stream for who asks, or says why not.
func (s *Server) openStream(r *http.Request) (*stream, *reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal := s.authorize(r, false); refusal != nil {
		return nil, refusal
	}
	if authKind(r) != "bearer" {
		return nil, s.activity(r)
	}
	header, ok := s.spend(r)
	var refusal *reply
	switch {
	case !ok:
		refusal = errorV1(http.StatusTooManyRequests, 88, "Rate limit exceeded")
	case len(s.streams) >= maxStreams:
		refusal = problem(http.StatusTooManyRequests, "ConnectionException", "streaming-connection",
			"This stream is currently at the maximum allowed connection limit.")
		refusal.body.(object)["connection_issue"] = "TooManyConnections" //nolint:forcetypeassert // problem makes an object
	default:
		st := &stream{lines: make(chan string, 1000), end: make(chan struct{})}
		s.streams[st] = struct{}{}
		return st, &reply{header: header}
	}
	refusal.header = header
	return nil, refusal
}

// serveStream answers with events until the client goes away. As developers
// report of X, the answer begins with its first line.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	st, a := s.openStream(r)
	if st == nil {
		a.send(w)
		return
	}
	a.head(w)
	defer func() {
		s.mu.Lock()
		delete(s.streams, st)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	begun := false
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		var line string
		select {
		case <-r.Context().Done():
			return
		case line = <-st.lines:
		case <-alive.C:
		case <-st.end:
			if len(st.lines) == 0 {
				return
			}
			line = <-st.lines
		}
		if !begun {
			w.WriteHeader(http.StatusOK)
			begun = true
		}
		if _, err := w.Write([]byte(line + "\r\n")); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
	}
}
