package blueskytest

import (
	"net/http"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/gorilla/websocket"
)

// commit gives the repository a new revision and tells the streams.
func (s *Server) commit(a *account, action, collection, key string) {
	since := a.rev
	a.rev = s.tid()
	link := cbor.Tag{Number: 42, Content: append([]byte{0, 1, 0x71, 0x12, 0x20}, make([]byte, 32)...)}
	op := map[string]any{"action": action, "path": collection + "/" + key, "cid": link}
	if action == "delete" {
		op["cid"] = nil
	}
	s.send("#commit", map[string]any{
		"rebase": false, "tooBig": false, "repo": a.did, "commit": link, "rev": a.rev, "since": since,
		"blocks": []byte("not a real CAR file"), "ops": []any{op}, "blobs": []any{},
	})
}

// send gives a frame to every stream. One that is too slow is cut off.
func (s *Server) send(kind string, body map[string]any) {
	s.seq++
	body["seq"], body["time"] = s.seq, s.now().UTC().Format(time.RFC3339)
	frame := Frame(map[string]any{"op": 1, "t": kind}, body)
	for out := range s.streams {
		select {
		case out <- frame:
		default:
			close(out)
			delete(s.streams, out)
		}
	}
}

// Frame returns a frame of the event stream.
func Frame(header, body map[string]any) []byte {
	var frame []byte
	for _, part := range []map[string]any{header, body} {
		data, err := cbor.Marshal(part)
		if err != nil {
			panic(err) // of the types above it cannot be
		}
		frame = append(frame, data...)
	}
	return frame
}

// Streams returns how many connections listen.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// SendRaw gives bytes to every stream as they are, and CloseStreams breaks all
// of them.
func (s *Server) SendRaw(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for out := range s.streams {
		out <- frame
	}
}

// CloseStreams ends every stream, as a server that restarts does.
func (s *Server) CloseStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for out := range s.streams {
		close(out)
		delete(s.streams, out)
	}
}

// stream serves com.atproto.sync.subscribeRepos from now on: the collector asks
// for no backlog.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	out := make(chan []byte, 100)
	s.mu.Lock()
	s.streams[out] = struct{}{}
	s.mu.Unlock()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, _, err := conn.ReadMessage(); err != nil { // pings are answered on the way
				return
			}
		}
	}()
	serve(conn, out, gone)
	_ = conn.Close()
	<-gone
	s.mu.Lock()
	delete(s.streams, out)
	s.mu.Unlock()
}

func serve(conn *websocket.Conn, out <-chan []byte, gone <-chan struct{}) {
	for {
		select {
		case <-gone:
			return
		case frame, open := <-out:
			if !open || conn.WriteMessage(websocket.BinaryMessage, frame) != nil {
				return
			}
		}
	}
}
