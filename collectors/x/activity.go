package x

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Values of Config.Activity: how X tells at once of what happens to accounts.
const (
	ActivityStream  = "stream"  // Picket keeps a connection to X open
	ActivityWebhook = "webhook" // X calls Picket
)

// eventTypes are the events of an account that bring its next poll forward.
// Each needs a subscription, of which a self-serve app may have 1,500. All are
// public, so that the app's bearer token subscribes to them; events of mentions
// and messages need a token of OAuth 2.0 that the account granted, so those
// wait for the poll.
func eventTypes() []string {
	return []string{
		eventPost, eventDeletion,
		eventProfile + "bio", eventProfile + "profile_picture", eventProfile + "banner_picture", eventProfile + "screenname",
		eventProfile + "handle", eventProfile + "geo", eventProfile + "url", eventProfile + "verified_badge",
	}
}

// Event types (x-api/activity/introduction).
const (
	eventPost     = "post.create"
	eventDeletion = "post.delete"
	eventProfile  = "profile.update."
)

// event is one event of an account, as far as it says what to read.
type event struct {
	kind string
	user int64 // whose it is
	post int64 // that was deleted; 0 in other events
}

// costs reports whether X charges for the event (x-api/getting-started/pricing:
// 0.005 dollars for a post and for a change of the profile, and nothing for a
// deletion).
func (e *event) costs() bool { return e.kind != eventDeletion }

// message is a line of a stream, or the body of a call to a webhook
// (x-api/activity/event-payloads).
type message struct {
	Data *struct {
		Kind   string `json:"event_type"`
		Filter struct {
			User string `json:"user_id"`
		} `json:"filter"`
		Payload json.RawMessage `json:"payload"`
	} `json:"data"`
	problem // a stream that is refused after it began

	ConnectionIssue string `json:"connection_issue"`
	Errors          []struct {
		problem
		DisconnectType string `json:"disconnect_type"`
	} `json:"errors"`
}

// event returns the event that a message tells of, nil for none that matters
// here: X may add kinds and fields at any time, and polls read all.
func (m *message) event() *event {
	if m.Data == nil {
		return nil
	}
	e := &event{kind: m.Data.Kind, user: parseID(m.Data.Filter.User)}
	switch {
	case e.user == 0:
		return nil
	case e.kind == eventDeletion:
		var deleted struct {
			ID     string `json:"id"`
			Author string `json:"author_id"`
		}
		if json.Unmarshal(m.Data.Payload, &deleted) == nil && parseID(deleted.Author) == e.user {
			e.post = parseID(deleted.ID)
		}
		return e
	case e.kind == eventPost, strings.HasPrefix(e.kind, eventProfile):
		return e
	}
	return nil
}

// end returns why X ends the stream, nil where a message does not say so.
func (m *message) end() *problem {
	if m.ConnectionIssue != "" {
		return &m.problem
	}
	for i := range m.Errors {
		if m.Errors[i].DisconnectType != "" {
			return &m.Errors[i].problem
		}
	}
	return nil
}

const (
	// maxLine bounds a line of a stream, in bytes: a post with its author is a
	// few thousand.
	maxLine = 1 << 20
	// silence is how long a stream may say nothing before it counts as dead. X
	// sends an empty line every 20 s at least.
	silence = time.Minute
)

// errSilent says that a stream is taken for dead.
var errSilent = fmt.Errorf("nothing came for %s, not even a sign of life", silence)

// listen reads the app's stream until it ends, and says why.
func (h *Hub) listen(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := h.read(ctx, cancel)
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

func (h *Hub) read(ctx context.Context, cancel context.CancelCauseFunc) error {
	resp, endpoint, err := h.send(ctx, "GET", "2/activity/stream", nil, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if kind := resp.Header.Get("Content-Type"); !strings.Contains(kind, "json") {
		return &collectors.Malformed{Field: endpoint + " answer", Err: fmt.Errorf("it is %q; want lines of JSON", h.app.words(kind))}
	}
	dead := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer dead.Stop()
	return readLines(resp.Body, func(line []byte) error {
		dead.Reset(silence)
		return h.take(line, endpoint)
	})
}

// readLines hands on the lines of a stream, without their ends, until it ends or
// one is refused. Its error is never nil.
func readLines(r io.Reader, take func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := take(bytes.TrimSpace(lines.Bytes())); err != nil {
			return err
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return &collectors.Malformed{Field: "line of the stream", Err: fmt.Errorf("it is longer than %d bytes", maxLine)}
	case err != nil:
		return err
	}
	return io.ErrUnexpectedEOF
}

// take reads one line of the stream.
func (h *Hub) take(line []byte, endpoint string) error {
	var m message
	if len(line) == 0 || json.Unmarshal(line, &m) != nil {
		return nil //nolint:nilerr // a sign of life, or nothing that is known here: polls read all
	}
	if p := m.end(); p != nil {
		return h.ended(p, endpoint)
	}
	if e := m.event(); e != nil {
		h.deliver(e)
	}
	return nil
}

// ended is X's word that the stream is over.
func (h *Hub) ended(p *problem, endpoint string) error {
	return h.crowded(&APIError{
		Endpoint: endpoint, Status: 200, Type: h.app.words(p.kind()), Title: h.app.words(p.Title), Detail: h.app.words(p.Detail),
	})
}
