package mastodon

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	api "github.com/mattn/go-mastodon"

	"github.com/picketd/picket/collectors"
)

// exchange carries one poll's requests from go-mastodon to the server and the
// answers back. It is the http.RoundTripper under go-mastodon's client, not
// safe for concurrent use. Against the letter of http.RoundTripper it returns
// an error for every answer that is no success: go-mastodon would wait and
// repeat itself on a 429, and drop what the others say.
type exchange struct {
	c *Collector
	// read reads the next answer's body into answer, and returns what
	// go-mastodon gets in its place.
	read   func(*body) (string, error)
	answer answer
}

// body is an answer of the server, read whole.
type body struct {
	endpoint string // "GET /api/v1/accounts/1/statuses", for errors
	status   int
	header   http.Header
	bytes    []byte
	date     time.Time
}

// RoundTrip implements http.RoundTripper for go-mastodon.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	e.answer = answer{}
	b, err := e.send(req)
	if err != nil {
		return nil, err
	}
	links := strings.Join(b.header.Values("Link"), ", ")
	e.answer.endpoint, e.answer.status, e.answer.date, e.answer.linked = b.endpoint, b.status, b.date, links != ""
	if b.status != http.StatusOK {
		return nil, e.c.fault(b)
	}
	if err := checkForm(b); err != nil {
		return nil, err
	}
	stub, err := e.read(b)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}, "Link": {links}},
		Body:          io.NopCloser(strings.NewReader(stub)),
		ContentLength: int64(len(stub)),
		Request:       req,
	}, nil
}

// next returns the id below which the next page lies: what the Link header
// says, else, where a server sends none, the lowest id of a full page.
func (e *exchange) next(pg *api.Pagination, limit int) string {
	if e.answer.linked {
		return string(pg.MaxID)
	}
	if e.answer.count >= limit {
		return e.answer.lowest
	}
	return ""
}

// send makes the request with the collector's client, so that its budget,
// time-outs and limits hold, and reads the answer to its end.
func (e *exchange) send(req *http.Request) (*body, error) {
	endpoint := req.Method + " " + req.URL.Path
	out := req.Clone(req.Context())
	out.Header = http.Header{"Accept": {"application/json"}}
	if token := e.c.cfg.Token; token != "" {
		out.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	resp, err := e.c.deps.HTTP.Do(out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, e.c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %s: %w",
			endpoint, resp.StatusCode, collectors.Extent(len(data), resp.ContentLength), e.c.bare(err))
	}
	b := &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		b.date = t.UTC()
	}
	return b, nil
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }
