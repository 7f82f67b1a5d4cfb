package slacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// hub is the connections of Socket Mode.
type hub struct {
	mu      sync.Mutex
	tickets map[string]bool
	made    int
	conns   []*websocket.Conn
	acks    []string
	closed  bool
	changed chan struct{} // closed and made anew at each change
	serving sync.WaitGroup
}

func (h *hub) ticket() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made++
	t := fmt.Sprintf("ticket-%d", h.made)
	if h.tickets == nil {
		h.tickets = map[string]bool{}
	}
	h.tickets[t] = true
	return t
}

// serve is one connection: a hello, then what Picket acknowledges.
func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	known := h.tickets[ticket] && !h.closed
	delete(h.tickets, ticket) // a URL is good for one connection
	if known {
		h.serving.Add(1)
	}
	h.mu.Unlock()
	if !known {
		http.Error(w, "unknown ticket", http.StatusForbidden)
		return
	}
	defer h.serving.Done()
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	h.change(func() {
		if h.closed {
			_ = conn.Close()
			return
		}
		h.conns = append(h.conns, conn)
		_ = conn.WriteMessage(websocket.PingMessage, []byte("Ping from slacktest"))
		_ = conn.WriteJSON(map[string]any{
			"type": "hello", "num_connections": len(h.conns), "connection_info": map[string]any{"app_id": App},
			"debug_info": map[string]any{"host": "slacktest", "build_number": 1, "approximate_connection_time": 18060},
		})
	})
	for {
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
		}
		if err := conn.ReadJSON(&ack); err != nil {
			break
		}
		h.change(func() { h.acks = append(h.acks, ack.EnvelopeID) })
	}
	h.change(func() { h.conns = slices.DeleteFunc(h.conns, func(c *websocket.Conn) bool { return c == conn }) })
}

func (h *hub) change(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *hub) close() {
	h.change(func() {
		h.closed = true
		for _, c := range h.conns {
			_ = c.Close()
		}
	})
	h.serving.Wait()
}

// until waits until ok, which is called with the hub locked.
func (h *hub) until(ctx context.Context, ok func() bool) error {
	for {
		h.mu.Lock()
		done, changed := ok(), h.changed
		h.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Connected waits for so many connections since the beginning, one of which is
// open.
func (s *Server) Connected(ctx context.Context, n int) error {
	return s.hub.until(ctx, func() bool { return s.hub.made >= n && len(s.hub.conns) > 0 })
}

// Acknowledged waits until an envelope has been acknowledged so many times.
func (s *Server) Acknowledged(ctx context.Context, envelope string, times int) error {
	return s.hub.until(ctx, func() bool {
		n := 0
		for _, a := range s.hub.acks {
			if a == envelope {
				n++
			}
		}
		return n >= times
	})
}

// Disconnect sends a disconnect with a reason, such as "refresh_requested", and
// closes all connections.
func (s *Server) Disconnect(reason string) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	for _, c := range s.hub.conns {
		_ = c.WriteJSON(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "slacktest"}})
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	}
	s.hub.conns = nil
}

// Click is somebody who presses a button.
type Click struct {
	Envelope string // its id
	User     string
	Name     string
	Message  Message
	Action   Element
	TS       string // of the click
}

// Press sends a click to the newest connection, as Slack does: in an envelope
// with a payload of type block_actions.
func (s *Server) Press(c Click) error {
	payload := map[string]any{
		"type": "block_actions", "api_app_id": App, "token": "verification", "trigger_id": "1.2.3",
		"team":      map[string]any{"id": Team, "domain": "test"},
		"user":      map[string]any{"id": c.User, "username": c.Name, "name": c.Name, "team_id": Team},
		"channel":   map[string]any{"id": c.Message.Channel, "name": "alerts"},
		"container": map[string]any{"type": "message", "message_ts": c.Message.TS, "channel_id": c.Message.Channel, "is_ephemeral": false},
		"message":   map[string]any{"type": "message", "ts": c.Message.TS, "text": c.Message.Text},
		"actions": []any{map[string]any{
			"type": "button", "block_id": "picket_actions", "action_id": c.Action.ActionID, "value": c.Action.Value,
			"text": c.Action.Text, "action_ts": c.TS,
		}},
	}
	return s.Send(map[string]any{"envelope_id": c.Envelope, "type": "interactive", "accepts_response_payload": false, "payload": payload})
}

// Send sends anything to the newest connection.
func (s *Server) Send(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if len(s.hub.conns) == 0 {
		return errors.New("nobody is connected")
	}
	return s.hub.conns[len(s.hub.conns)-1].WriteMessage(websocket.TextMessage, data)
}
