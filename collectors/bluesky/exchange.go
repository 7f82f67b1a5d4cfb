package bluesky

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
)

// exchange carries one poll's requests from indigo to the servers and the
// answers back. It is the http.RoundTripper under indigo's clients, not safe
// for concurrent use. Against the letter of http.RoundTripper it returns an
// error for a 429, whose headers indigo drops, and for an answer with status
// 200 that is not whole.
type exchange struct {
	c    *Collector
	date time.Time // of the last answer, zero if the server did not say
}

// agent is what indigo calls itself by default; Picket's own name is sent.
const agent = "indigo-sdk"

// RoundTrip implements http.RoundTripper for indigo.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	if out.Header.Get("User-Agent") == agent {
		out.Header.Del("User-Agent")
	}
	resp, err := e.c.deps.HTTP.Do(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("answer with status %d breaks off after %d bytes: %w", resp.StatusCode, len(data), err)
	}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		e.date = t.UTC()
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, e.c.limited(req, resp, data)
	}
	resp.Body, resp.Request = io.NopCloser(bytes.NewReader(data)), req
	return resp, nil
}

func (c *Collector) limited(req *http.Request, resp *http.Response, data []byte) error {
	var said atclient.ErrorBody
	_ = json.Unmarshal(data, &said) // words only; the status says enough
	return &collectors.RateLimited{
		Until: collectors.RetryAt(resp, c.deps.Now()),
		Err: &APIError{
			Endpoint: endpointOf(req), Status: resp.StatusCode,
			Name: c.words(said.Name), Message: c.words(said.Message),
		},
	}
}

func endpointOf(req *http.Request) string {
	return strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, "/"), "xrpc/")
}

// errNotWhole says that an answer with status 200 is no whole JSON; it is
// retried.
var errNotWhole = errors.New("answer is not whole JSON")

// client returns indigo's client of one server.
func (r *round) client(host string, auth atclient.AuthMethod) *atclient.APIClient {
	return &atclient.APIClient{Client: &http.Client{Transport: r.ex}, Host: host, Auth: auth}
}

// get asks a server and reads its answer into out. What is whole JSON but not
// of the documented form is a *collectors.Malformed.
func (r *round) get(ctx context.Context, from *atclient.APIClient, endpoint string, params map[string]any, out any) error {
	var raw json.RawMessage
	err := from.Get(ctx, syntax.NSID(endpoint), params, &raw)
	return r.take(endpoint, raw, err, out)
}

// post is get for calls that change something.
func (r *round) post(ctx context.Context, to *atclient.APIClient, endpoint string, body, out any) error {
	var raw json.RawMessage
	err := to.Post(ctx, syntax.NSID(endpoint), body, &raw)
	return r.take(endpoint, raw, err, out)
}

func (r *round) take(endpoint string, raw json.RawMessage, err error, out any) error {
	if t := r.ex.date; !t.IsZero() && strings.HasPrefix(endpoint, "com.atproto.") {
		r.page.ServerTime = t
	}
	_, syntaxErr := errors.AsType[*json.SyntaxError](err)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || syntaxErr {
		err = fmt.Errorf("%w: %w", errNotWhole, err)
	}
	if err != nil {
		return r.c.fault(endpoint, err)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return &collectors.Malformed{Field: endpoint + " answer", Err: err}
	}
	return nil
}
