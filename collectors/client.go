package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ClientOptions configure the HTTP client of a credential.
type ClientOptions struct {
	// Base sends the requests; nil means a transport of its own with Go's
	// defaults and HTTP(S)_PROXY honoured.
	Base http.RoundTripper
	// Timeout bounds one request with its answer's body, 30 s by default.
	Timeout time.Duration
	// MaxBody bounds an answer's body in bytes, 10 MiB by default.
	MaxBody int64
	// MaxWait is how long a request waits for its budget before it is refused,
	// 10 s by default: longer than the windows of a few requests that some
	// networks have, since a refused poll starts anew.
	MaxWait time.Duration
	// UserAgent is sent where a request has none.
	UserAgent string
}

const maxRedirects = 5

// NewClient returns the client through which a collector sends every request.
// It counts each against b before it is sent; a request that b does not allow
// is not sent, and its error matches *RateLimited. It never follows a redirect
// to another host or scheme, since credentials would go with it.
// All this holds for the client's Transport too, for libraries that build a
// client of their own around it. A nil b bounds nothing.
func NewClient(b *Budget, opts ClientOptions) *http.Client {
	if opts.Base == nil {
		opts.Base = newTransport()
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.MaxBody <= 0 {
		opts.MaxBody = 10 << 20
	}
	if opts.MaxWait <= 0 {
		opts.MaxWait = 10 * time.Second
	}
	if b == nil {
		b = NewBudget("", BudgetOptions{})
	}
	return &http.Client{Transport: &transport{budget: b, opts: opts}}
}

func newTransport() http.RoundTripper {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 16 // one host gets all of a credential's requests
		return t
	}
	return http.DefaultTransport
}

type transport struct {
	budget *Budget
	opts   ClientOptions
}

// RoundTrip sends one request within the budget.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := checkRedirect(req); err != nil {
		closeBody(req)
		return nil, err
	}
	claim, err := t.budget.acquire(req, t.opts.MaxWait)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	if isStream(req.Context()) {
		return t.stream(req, claim)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.opts.Timeout,
		fmt.Errorf("no complete answer within %s: %w", t.opts.Timeout, context.DeadlineExceeded))
	resp, err := t.opts.Base.RoundTrip(t.signed(req, ctx))
	t.budget.settle(claim, resp)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && req.Context().Err() == nil {
			err = context.Cause(ctx)
		}
		cancel()
		return nil, err
	}
	resp.Body = &cappedBody{body: resp.Body, left: t.opts.MaxBody, limit: t.opts.MaxBody, done: cancel}
	return resp, nil
}

// signed returns the request under another context, with who sends it.
func (t *transport) signed(req *http.Request, ctx context.Context) *http.Request { //nolint:revive // the request's context is what it is about
	sent := req.WithContext(ctx)
	if t.opts.UserAgent != "" && req.Header.Get("User-Agent") == "" {
		sent.Header = req.Header.Clone()
		if sent.Header == nil {
			sent.Header = http.Header{}
		}
		sent.Header.Set("User-Agent", t.opts.UserAgent)
	}
	return sent
}

// stream sends a request of a Watcher, whose answer is read for as long as it
// comes: the time-out is for its beginning. Its body stays what Base made it,
// since that of a protocol upgrade is written to, too.
func (t *transport) stream(req *http.Request, claim *claim) (*http.Response, error) {
	late := fmt.Errorf("no answer within %s: %w", t.opts.Timeout, context.DeadlineExceeded)
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(t.opts.Timeout, func() { cancel(late) })
	resp, err := t.opts.Base.RoundTrip(t.signed(req, ctx))
	timer.Stop()
	t.budget.settle(claim, resp)
	if err != nil {
		if errors.Is(context.Cause(ctx), late) {
			err = late
		}
		cancel(nil)
		return nil, err
	}
	return resp, nil // ctx ends with the Watch that it is of
}

// CloseIdleConnections closes what Base keeps open; http.Client calls it.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.opts.Base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// checkRedirect refuses a redirect that would carry credentials elsewhere. It
// looks at the request rather than being the client's CheckRedirect, which
// libraries replace.
func checkRedirect(req *http.Request) error {
	hops := 0
	for via := req.Response; via != nil && via.Request != nil; via = via.Request.Response {
		hops++
	}
	if hops == 0 {
		return nil
	}
	from := req.Response.Request.URL
	switch {
	case hops > maxRedirects:
		return fmt.Errorf("more than %d redirects; check base_url", maxRedirects)
	case req.URL.Host != from.Host:
		return fmt.Errorf("%s redirects to another host, %s; credentials are not sent there: if it is right, make it the base_url", from.Host, req.URL.Host)
	case req.URL.Scheme != from.Scheme:
		return fmt.Errorf("%s redirects from %s to %s; make that the base_url if it is right", from.Host, from.Scheme, req.URL.Scheme)
	}
	return nil
}

// cappedBody fails a read beyond limit bytes, so that an endless answer cannot
// fill the memory.
type cappedBody struct {
	body        io.ReadCloser
	left, limit int64
	done        context.CancelFunc
}

func (b *cappedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more than fits shows that there is more
	}
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.tooLarge()
	}
	return n, err
}

func (b *cappedBody) tooLarge() error {
	return &TooLarge{Limit: b.limit}
}

func (b *cappedBody) Close() error {
	err := b.body.Close()
	b.done()
	return err
}
