package bluesky

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"code.dny.dev/ssrf"
	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/websocket"

	"github.com/picketd/picket/collectors"
)

// streams are this process's connections, one a server.
//
//nolint:gochecknoglobals // what accounts share that know nothing of each other
var streams = &hub{open: map[string]*stream{}}

type hub struct {
	mu   sync.Mutex
	open map[string]*stream
}

// stream is one connection to a server's events, for as long as anybody
// listens.
type stream struct {
	hub       *hub
	server    string
	cancel    context.CancelFunc
	done      chan struct{} // closed when it has ended
	err       error         // why, readable after done
	listeners map[*listener]struct{}
}

type listener struct {
	did  string
	call func(event)
}

// seat is one listener's place at a stream.
type seat struct {
	*stream
	listener *listener
}

// join adds a listener to the server's stream and opens that where none is.
// Discovered says that nobody wrote the server's address down, so that only
// public ones are dialled.
func (h *hub) join(server string, discovered bool, l *listener) *seat {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := fmt.Sprintf("%s discovered=%t", server, discovered)
	s := h.open[key]
	if s == nil {
		ctx, cancel := context.WithCancel(context.Background())
		s = &stream{hub: h, server: key, cancel: cancel, done: make(chan struct{}), listeners: map[*listener]struct{}{}}
		h.open[key] = s
		go s.run(ctx, server, discovered)
	}
	s.listeners[l] = struct{}{}
	return &seat{stream: s, listener: l}
}

// leave ends listening, and the stream with its last listener; it has ended
// then when leave returns.
func (s *seat) leave() {
	s.hub.mu.Lock()
	delete(s.listeners, s.listener)
	last := len(s.listeners) == 0
	if last && s.hub.open[s.server] == s.stream {
		delete(s.hub.open, s.server)
	}
	s.hub.mu.Unlock()
	if last {
		s.cancel()
		<-s.done
	}
}

func (s *stream) run(ctx context.Context, server string, discovered bool) {
	err := listen(ctx, server, discovered, s.tell)
	s.hub.mu.Lock()
	if s.hub.open[s.server] == s {
		delete(s.hub.open, s.server) // who comes now opens another
	}
	s.hub.mu.Unlock()
	s.err = err
	s.cancel()
	close(s.done)
}

// tell calls the listeners of the account that an event is about.
func (s *stream) tell(e event) {
	s.hub.mu.Lock()
	var calls []func(event)
	for l := range s.listeners {
		if l.did == e.did {
			calls = append(calls, l.call)
		}
	}
	s.hub.mu.Unlock()
	for _, call := range calls {
		call(e)
	}
}

const (
	streamPath = "/xrpc/com.atproto.sync.subscribeRepos"
	// maxFrame bounds one event; the specification bounds a commit's blocks to
	// 2 MB.
	maxFrame = 5 << 20
	dialTime = 30 * time.Second
	// pingEvery and quiet find out that a connection is dead: a server answers
	// pings even when no account of it does anything.
	pingEvery = 30 * time.Second
	quiet     = 2*pingEvery + 15*time.Second
)

// listen reads a server's stream until ctx ends or it breaks, and returns why.
func listen(ctx context.Context, server string, discovered bool, tell func(event)) error {
	target := "ws" + strings.TrimPrefix(server, "http") + streamPath
	conn, resp, err := dialer(server, discovered).DialContext(ctx, target, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		if resp != nil {
			return fmt.Errorf("bluesky: event stream of %s: status %d: %w", server, resp.StatusCode, err)
		}
		return fmt.Errorf("bluesky: event stream of %s: %w", server, err)
	}
	var keeper sync.WaitGroup
	ended := make(chan struct{})
	keeper.Go(func() { keep(ctx, conn, ended) })
	err = read(conn, tell)
	close(ended)
	keeper.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("bluesky: event stream of %s: %w", server, err)
}

func dialer(server string, discovered bool) *websocket.Dialer {
	d := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: dialTime}
	if !discovered {
		return d
	}
	if req, err := http.NewRequest(http.MethodGet, server, http.NoBody); err == nil { //nolint:noctx // never sent
		if proxy, err := http.ProxyFromEnvironment(req); err == nil && proxy != nil {
			return d // it dials, and has rules of its own
		}
	}
	d.NetDialContext = (&net.Dialer{Timeout: dialTime, Control: ssrf.New(ssrf.WithAnyPort()).Safe}).DialContext
	return d
}

// keep pings the server until ctx ends or the stream does, and closes the
// connection.
func keep(ctx context.Context, conn *websocket.Conn, ended <-chan struct{}) {
	defer func() { _ = conn.Close() }()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-tick.C:
			if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(dialTime)) != nil {
				return
			}
		}
	}
}

// read tells the events of a connection until it breaks.
func read(conn *websocket.Conn, tell func(event)) error {
	conn.SetReadLimit(maxFrame)
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(quiet)) }
	conn.SetPongHandler(func(string) error { return alive() })
	for {
		if err := alive(); err != nil {
			return err
		}
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if kind != websocket.BinaryMessage {
			return errors.New("a text frame came; want binary ones")
		}
		e, err := readFrame(data)
		if err != nil {
			return err
		}
		if e.did != "" {
			tell(e)
		}
	}
}

// event is what is read of one frame: whom it is about, and which kind it is.
type event struct{ did, kind string }

// kindIdentity is the kind of event after which handle, server and key are read
// anew; the others, #commit, #sync and #account, need no telling apart.
const kindIdentity = "#identity"

// readFrame reads one frame: a header and a body in CBOR, one behind the other.
// Of a kind that has neither repo nor did, such as #info, it is an event of
// nobody.
func readFrame(data []byte) (event, error) {
	mode, err := cbor.DecOptions{FieldNameMatching: cbor.FieldNameMatchingCaseSensitive}.DecMode()
	if err != nil {
		return event{}, err
	}
	var header struct {
		Op   int    `cbor:"op"`
		Kind string `cbor:"t"`
	}
	rest, err := mode.UnmarshalFirst(data, &header)
	if err != nil {
		return event{}, fmt.Errorf("header of a frame of %d bytes: %w", len(data), err)
	}
	var body struct {
		Repo    string `cbor:"repo"`
		DID     string `cbor:"did"`
		Error   string `cbor:"error"`
		Message string `cbor:"message"`
	}
	if err := mode.Unmarshal(rest, &body); err != nil {
		return event{}, fmt.Errorf("body of a frame %q: %w", collectors.Clip(header.Kind, 40), err)
	}
	switch header.Op {
	case 1:
		return event{did: or(body.Repo, body.DID), kind: header.Kind}, nil
	case -1:
		return event{}, fmt.Errorf("the server ends it: %s: %s", collectors.Clip(body.Error, maxWords), collectors.Clip(body.Message, maxWords))
	}
	return event{}, fmt.Errorf("frame of operation %d; want 1 or -1", header.Op)
}
