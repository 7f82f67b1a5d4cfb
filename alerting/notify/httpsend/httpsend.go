package httpsend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/picketd/picket/alerting/notify"
)

const (
	// DefaultTimeout is how long one request may take with its answer.
	DefaultTimeout = 15 * time.Second
	// MaxAnswer bounds the body of an answer in bytes.
	MaxAnswer = 64 << 10
)

// Options are what a Client is made of.
type Options struct {
	// HTTP sends the requests; nil: a client of its own with Go's defaults, which
	// honours HTTPS_PROXY. Its CheckRedirect is not used.
	HTTP *http.Client
	// Timeout bounds one request with its answer, default DefaultTimeout.
	Timeout time.Duration
	// Secrets are taken out of what errors quote.
	Secrets []notify.Secret
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	http    http.Client
	timeout time.Duration
	secrets []notify.Secret
}

// New returns a client.
func New(o Options) *Client {
	c := &Client{timeout: o.Timeout, secrets: o.Secrets}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if o.HTTP != nil {
		c.http = *o.HTTP
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// Answer is what a receiver answered, whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxAnswer
}

// OK reports whether the status is a success.
func (a *Answer) OK() bool { return a.Status/100 == 2 }

// CheckURL says what is wrong with a receiver's URL, nil if nothing is. Field
// is the setting that holds it. It does not quote the URL, which may be a
// secret.
func CheckURL(field, raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return fmt.Errorf("%s: missing; give the receiver's http or https URL", field)
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return fmt.Errorf("%s: not an absolute http or https URL such as https://receiver.example/path", field)
	case u.Fragment != "":
		return fmt.Errorf("%s: has a fragment, the part from #, which is sent to no receiver; leave it out", field)
	}
	return nil
}

// Post sends body and returns the whole answer, whatever its status. An error
// means that there was none.
func (c *Client) Post(ctx context.Context, to string, header http.Header, body []byte) (*Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no whole answer within %s", c.timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, notify.Permanent(errors.New("the receiver's URL cannot be used"))
	}
	if header != nil {
		req.Header = header.Clone()
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "picket")
	}
	answer, err := c.send(req)
	if err == nil {
		return answer, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return nil, fmt.Errorf("%s: %w", req.URL.Host, c.bare(err))
}

func (c *Client) send(req *http.Request) (*Answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("the answer, status %d, breaks off: %w", resp.StatusCode, err)
	}
	if len(body) > MaxAnswer {
		return nil, fmt.Errorf("the answer, status %d, is longer than %d bytes", resp.StatusCode, MaxAnswer)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// bare returns err without the URL that net/http puts in front, and without
// secrets.
func (c *Client) bare(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return errors.New(c.quote(err.Error()))
}
