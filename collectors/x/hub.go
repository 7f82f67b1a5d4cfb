package x

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

// App is what X's events are asked for with: the app, not one of its accounts.
type App struct {
	BaseURL     string // as Config.BaseURL
	BearerToken collectors.Secret
	// Callback is the address at which X calls Hub.ServeHTTP, https without a
	// port; empty for a stream in its place. ConsumerSecret is the app's, with
	// which X signs its calls.
	Callback       string
	ConsumerSecret collectors.Secret
}

// Hub hears of what happens to the accounts that an app reads, over one stream
// for all of them, of which X allows an app two, or by X's calls to a webhook.
// It is safe for concurrent use.
type Hub struct {
	app      *Collector // of no account; its errors and its requests are those of one
	callback string     // "" for the stream
	calls    chan struct{}

	mu      sync.Mutex
	members map[*member]struct{}
	line    *line               // nil while none is open
	taken   [][sha256.Size]byte // sums of the calls that X made, newest last
	// warned is when a call that X did not sign was logged, unwarned how many
	// were not since.
	warned   time.Time
	unwarned int

	// subscribing is held while subscriptions are looked at and made.
	subscribing chan struct{}
	known       map[subscribed]subscription // that there are, as looked at last
	hook        string                      // where events go, "" for the stream alone
	looked      time.Time
}

// member is an account that is listened for.
type member struct {
	user int64
	hear func(*event)
}

// line is one open stream, or the wait for calls in its place. It ends when
// nobody is on it any more.
type line struct {
	cancel context.CancelFunc
	users  int
	done   chan struct{} // closed when it has ended
	err    error         // why, once done is closed
}

// NewHub returns the hub of an app. Its error names the field at fault.
func NewHub(app App, deps collectors.Deps) (*Hub, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("x: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if app.BearerToken == "" {
		return nil, errors.New("x: bearer_token: empty; X tells of activity to the app's bearer token only")
	}
	if err := app.checkCallback(); err != nil {
		return nil, fmt.Errorf("x: %w", err)
	}
	app.BaseURL = cmp.Or(app.BaseURL, DefaultBaseURL)
	if err := checkBaseURL(app.BaseURL); err != nil {
		return nil, fmt.Errorf("x: base_url: %w", err)
	}
	base, err := url.Parse(app.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("x: base_url: %w", err)
	}
	cfg := Config{BaseURL: app.BaseURL, BearerToken: app.BearerToken, ConsumerSecret: app.ConsumerSecret}
	c := &Collector{cfg: cfg, deps: deps, base: base, auth: newAuth(&cfg, deps.HTTP), scrubber: newScrubber(&cfg)}
	return &Hub{
		app: c, callback: app.Callback, calls: make(chan struct{}, maxCalls),
		members: map[*member]struct{}{}, subscribing: make(chan struct{}, 1),
	}, nil
}

// checkCallback holds the callback to what X calls (x-api/webhooks).
func (a *App) checkCallback() error {
	if a.Callback == "" {
		return nil
	}
	u, err := url.Parse(a.Callback)
	switch {
	case err != nil, u.Scheme != "https", u.Host == "", u.Port() != "", len(a.Callback) > 200:
		return fmt.Errorf("callback: %q; want https without a port, of at most 200 characters, which is what X calls", a.Callback)
	case a.ConsumerSecret == "":
		return errors.New("consumer_secret: empty; X signs its calls with the app's")
	}
	return nil
}

// attend subscribes to an account's events and calls hear for each, until ctx
// or the stream ends; it returns why. Ctx is that of a Watch. It leaves no
// goroutine behind.
func (h *Hub) attend(ctx context.Context, user int64, hear func(*event)) error {
	if err := h.subscribe(ctx, user); err != nil {
		return err
	}
	m := &member{user, hear}
	l := h.join(ctx, m)
	defer h.leave(l, m)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.done:
		return l.err
	}
}

// join puts an account on the open stream, or opens one.
func (h *Hub) join(ctx context.Context, m *member) *line {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members[m] = struct{}{}
	if h.line == nil {
		// It outlives the Watch that opens it, as long as others are on it.
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		l := &line{cancel: cancel, done: make(chan struct{})}
		h.line = l
		go func() {
			defer close(l.done)
			defer cancel()
			l.err = h.wait(ctx)
			h.forget(l)
		}()
	}
	h.line.users++
	return h.line
}

// wait hears of events until ctx ends or that cannot go on, and says why.
func (h *Hub) wait(ctx context.Context) error {
	if h.callback != "" {
		return h.tend(ctx)
	}
	return h.listen(ctx)
}

// leave takes an account off its stream. Who leaves last waits for its end.
func (h *Hub) leave(l *line, m *member) {
	h.mu.Lock()
	delete(h.members, m)
	l.users--
	last := l.users == 0
	if last && h.line == l {
		h.line = nil
	}
	h.mu.Unlock()
	if last {
		l.cancel()
		<-l.done
	}
}

// forget has the next account open another stream.
func (h *Hub) forget(l *line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.line == l {
		h.line = nil
	}
}

// deliver tells an event to the accounts that it is of.
func (h *Hub) deliver(e *event) {
	h.mu.Lock()
	var hear []func(*event)
	for m := range h.members {
		if m.user == e.user {
			hear = append(hear, m.hear)
		}
	}
	h.mu.Unlock()
	for _, tell := range hear {
		tell(e)
	}
}

const (
	// maxAnswer bounds an answer about subscriptions, in bytes.
	maxAnswer = 1 << 20
	// untilAnswer is how long one may take. That of the stream begins with its
	// first line, which is an empty one after 20 s where nothing happens.
	untilAnswer = 30 * time.Second
)

// send makes a request whose answer is a success, and is not read yet.
func (h *Hub) send(ctx context.Context, method, path string, query url.Values, content any) (*http.Response, string, error) {
	target := h.app.base.JoinPath(path)
	target.RawQuery = query.Encode()
	var payload io.Reader = http.NoBody
	if content != nil {
		data, err := json.Marshal(content)
		if err != nil {
			return nil, "", fmt.Errorf("%s %s: %w", method, path, err)
		}
		payload = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), payload)
	if err != nil {
		return nil, "", fmt.Errorf("%s %s: %w", method, path, err)
	}
	endpoint := method + " " + req.URL.Path
	req.Header.Set("Accept", "application/json")
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.app.auth.RoundTrip(req)
	if err != nil {
		return nil, endpoint, fmt.Errorf("%s: %w", endpoint, h.app.bare(err))
	}
	if resp.StatusCode/100 == 2 {
		return resp, endpoint, nil
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, endpoint, fmt.Errorf("%s: answer with status %d: %w", endpoint, resp.StatusCode, h.app.bare(err))
	}
	b := &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}
	return nil, endpoint, h.refused(b)
}

// ask makes a request and reads its answer.
func (h *Hub) ask(ctx context.Context, method, path string, query url.Values, send, into any) error {
	ctx, cancel := context.WithTimeout(ctx, untilAnswer)
	defer cancel()
	resp, endpoint, err := h.send(ctx, method, path, query, send)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: answer breaks off after %d bytes: %w", endpoint, len(data), h.app.bare(err))
	}
	b := &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}
	if err := checkForm(b); err != nil {
		return err
	}
	var refused struct {
		Data   json.RawMessage `json:"data"`
		Errors []problem       `json:"errors"`
	}
	if err := json.Unmarshal(data, &refused); err != nil {
		return unreadable(b, err)
	}
	if len(refused.Data) == 0 && len(refused.Errors) > 0 {
		return h.app.refusal(b, &refused.Errors[0])
	}
	if err := json.Unmarshal(data, into); err != nil {
		return unreadable(b, err)
	}
	return nil
}

const mendActivity = "see at console.x.com that the app may use the X Activity API and has room for 10 subscriptions an account " +
	"(self-serve apps have 1,500), or look for a newer Picket"

// refused turns an answer that is no success into the error that says what to
// do.
func (h *Hub) refused(b *body) error {
	err := h.app.fault(b)
	if e, ok := errors.AsType[*APIError](err); ok && e.Type == "streaming-connection" {
		return h.crowded(e)
	}
	if no, ok := errors.AsType[*collectors.Forbidden](err); ok && (no.Mend == mendRequest || no.Mend == mendRefused || no.Mend == mendNotFound) {
		no.Mend = mendActivity
	}
	return err
}

// crowded says of the refusal of one more stream when to try again; X's own
// headers are about requests. Other ends of a stream it leaves as they are.
func (h *Hub) crowded(e *APIError) error {
	if e.Type != "streaming-connection" {
		return e
	}
	return &collectors.RateLimited{
		Until: h.app.deps.Now().Add(time.Minute),
		Err:   fmt.Errorf("%w; another daemon or program has the app's streams, of which X allows two: end it, or give Picket an app of its own", e),
	}
}
