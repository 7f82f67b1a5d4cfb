package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/collectors"
)

const (
	// silence is how long a stream may say nothing before it counts as dead.
	// Mastodon's sends a comment every 15 s; a proxy in between that lost the
	// connection sends none.
	silence = 90 * time.Second
	// mentionGap is the least time between two hints for mentions, so that a
	// public storm does not use up the requests that the account itself needs.
	mentionGap = 30 * time.Second
	// maxInstance bounds what the server says of itself, in bytes.
	maxInstance = 1 << 20
	// untilInstance is how long that may take.
	untilInstance = 30 * time.Second
)

// Streamer is a Collector that also listens to the server's stream of what
// happens to the token's account, so that a poll need not wait for its turn. It
// implements collectors.Watcher: what is heard only brings the next poll
// forward, and is read by it.
type Streamer struct {
	*Collector
	own atomic.Pointer[own] // nil before a poll
	// changed says that the stream told of an edit or a deletion, so that the
	// next poll reads the watched statuses again, whenever that is due.
	changed atomic.Bool
}

// own is what the last poll knew of the account, by which the stream's events
// are told from those of others.
type own struct {
	user  string
	posts map[string]bool // ids of the watched ones
}

// NewStreamer is New, for an account whose stream is heard too. The stream is
// opened for a token only: that of the account, or of one that follows it.
func NewStreamer(cfg Config, deps collectors.Deps) (*Streamer, error) {
	if cfg.Token == "" {
		return nil, errors.New("mastodon: stream: the server opens it for a token only; give the credential one, or switch stream off")
	}
	c, err := New(cfg, deps)
	if err != nil {
		return nil, err
	}
	return &Streamer{Collector: c}, nil
}

// Poll implements collectors.Collector.
func (s *Streamer) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	changed := s.changed.Swap(false)
	if changed {
		cursor = unswept(cursor)
	}
	page, err := s.Collector.Poll(ctx, cursor)
	if err != nil {
		if changed {
			s.changed.Store(true)
		}
		return page, err
	}
	st, err := decodeState(page.Cursor)
	if err != nil {
		return page, err
	}
	now := &own{user: st.User, posts: make(map[string]bool, len(st.Watch))}
	for _, w := range st.Watch {
		now.posts[w.ID] = true
	}
	s.own.Store(now)
	return page, nil
}

// unswept returns a cursor by which the watched statuses are due to be read
// again, and one that cannot be read as it is, for Poll to tell.
func unswept(cursor json.RawMessage) json.RawMessage {
	st, err := decodeState(cursor)
	if err != nil {
		return cursor
	}
	st.Swept = 0
	due, err := collectors.EncodeCursor(st)
	if err != nil {
		return cursor
	}
	return due
}

// Watch implements collectors.Watcher. Its errors are those of Poll.
func (s *Streamer) Watch(ctx context.Context, hint func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := s.listen(ctx, cancel, hint)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return fmt.Errorf("mastodon: stream of %s: %w", s.cfg.Account, s.bare(err))
	}
	return nil
}

func (s *Streamer) listen(ctx context.Context, cancel context.CancelCauseFunc, hint func()) error {
	base, err := s.streaming(ctx)
	if err != nil {
		return err
	}
	resp, endpoint, err := s.get(ctx, base.JoinPath("/api/v1/streaming/user"), "text/event-stream")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return s.refusal(resp, endpoint)
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != "text/event-stream" {
		return &collectors.Malformed{Field: endpoint + " answer", Err: fmt.Errorf("it is %q; want text/event-stream", s.words(resp.Header.Get("Content-Type")))}
	}
	dead := time.AfterFunc(silence, func() {
		cancel(fmt.Errorf("mastodon: stream of %s: nothing came for %s, not even a sign of life", s.cfg.Account, silence))
	})
	defer dead.Stop()
	h := &hinter{s: s, hint: hint}
	return readEvents(resp.Body, func() { dead.Reset(silence) }, h.hear)
}

// streaming returns where the server streams: what it says of itself, which can
// be another host, or where it says nothing, where all else is.
func (s *Streamer) streaming(ctx context.Context) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, untilInstance)
	defer cancel()
	resp, endpoint, err := s.get(ctx, s.base.JoinPath("/api/v2/instance"), "application/json")
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound: // before Mastodon 4.0
		return s.base, nil
	default:
		return nil, s.refusal(resp, endpoint)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxInstance))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, err)
	}
	said, err := decodeInstance(data)
	switch {
	case err != nil:
		return nil, &collectors.Malformed{Field: endpoint + " answer", Err: err}
	case said == nil:
		return s.base, nil
	}
	return said, nil
}

// decodeInstance reads where a server streams from what it says of itself, nil
// where it does not say. The address is for web sockets; events are at the same
// place over HTTP.
func decodeInstance(data []byte) (*url.URL, error) {
	var said struct {
		Configuration struct {
			URLs struct {
				Streaming string `json:"streaming"`
			} `json:"urls"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, err
	}
	address := said.Configuration.URLs.Streaming
	if address == "" {
		return nil, nil //nolint:nilnil // it does not say
	}
	if rest, ok := strings.CutPrefix(address, "ws"); ok {
		address = "http" + rest
	}
	u, err := parseServer(address)
	if err != nil {
		return nil, fmt.Errorf("configuration.urls.streaming: %w", err)
	}
	return u, nil
}

// get sends a request whose answer is not read here.
func (s *Streamer) get(ctx context.Context, target *url.URL, accept string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, "", err
	}
	endpoint := req.Method + " " + req.URL.Path
	req.Header = http.Header{"Accept": {accept}, "Authorization": {"Bearer " + s.cfg.Token.Reveal()}}
	resp, err := s.deps.HTTP.Do(req)
	if err != nil {
		return nil, endpoint, fmt.Errorf("%s: %w", endpoint, s.bare(err))
	}
	return resp, endpoint, nil
}

// refusal reads an answer that is no success.
func (s *Streamer) refusal(resp *http.Response, endpoint string) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDetail*4))
	if err != nil {
		return fmt.Errorf("%s: answer with status %d: %w", endpoint, resp.StatusCode, err)
	}
	return s.fault(&body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data})
}

// hinter turns the events of one stream into hints.
type hinter struct {
	s     *Streamer
	hint  func()
	after time.Time // no hint for a mention before
}

func (h *hinter) hear(event string, data []byte) {
	known := h.s.own.Load()
	if known == nil {
		return
	}
	switch concerns(known, event, data) {
	case concernsNew:
		h.hint()
	case concernsOld:
		h.s.changed.Store(true)
		h.hint()
	case concernsMention:
		now := h.s.deps.Now()
		if h.s.cfg.Mentions && !now.Before(h.after) {
			h.after = now.Add(mentionGap)
			h.hint()
		}
	case concernsNothing:
	}
}

// concern says what of a poll an event is about.
type concern int

const (
	concernsNothing concern = iota
	concernsNew             // a status of the account
	concernsOld             // an edit or a deletion of one
	concernsMention
)

// Names of events (methods/streaming, events).
const (
	eventPost         = "update"
	eventEdit         = "status.update"
	eventDeletion     = "delete"
	eventNotification = "notification"
)

// concerns tells the account's own events from those of others that come with
// its home timeline. What cannot be read concerns nothing: polls read all.
func concerns(known *own, event string, data []byte) concern {
	switch event {
	case eventPost, eventEdit:
		var st struct {
			Account struct {
				ID string `json:"id"`
			} `json:"account"`
		}
		if json.Unmarshal(data, &st) == nil && st.Account.ID != "" && st.Account.ID == known.user {
			if event == eventEdit {
				return concernsOld
			}
			return concernsNew
		}
	case eventDeletion:
		if known.posts[string(bytes.TrimSpace(data))] {
			return concernsOld
		}
	case eventNotification:
		var n struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(data, &n) == nil && (n.Type == typeMention || n.Type == typeQuote) {
			return concernsMention
		}
	}
	return concernsNothing
}
