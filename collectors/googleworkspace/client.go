package googleworkspace

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

	"golang.org/x/oauth2"
	reports "google.golang.org/api/admin/reports/v1"
	"google.golang.org/api/option"

	"github.com/picketd/picket/collectors"
)

// Scope is the only right that is asked for.
const Scope = reports.AdminReportsAuditReadonlyScope

// tokenSpare is how long before its end a token is not used any more.
const tokenSpare = 5 * time.Minute

// body is an answer, read whole.
type body struct {
	endpoint string // "GET login activities", for errors
	token    bool   // of the token endpoint
	status   int
	header   http.Header
	bytes    []byte
}

// exchange carries the library's requests to Google and keeps the answers. It is
// the http.RoundTripper under it, and against the letter of that returns an error
// for every answer that is no success: the library would put its own words around
// it. It is not safe for concurrent use.
type exchange struct {
	c    *Collector
	body *body // the answer, nil on error
	err  error
}

// RoundTrip implements http.RoundTripper for the library.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	e.body, e.err = nil, nil
	b, err := e.c.send(req)
	if err == nil && b.status != http.StatusOK {
		err = e.c.fault(b)
	}
	if err != nil {
		e.err = err
		return nil, err
	}
	e.body = b
	read := b.bytes
	if !b.token {
		read = []byte("{}") // the events are read one by one, so that a bad one spoils no other
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(read)),
		ContentLength: int64(len(read)),
		Request:       req,
	}, nil
}

// done returns what went wrong in a call of the library.
func (e *exchange) done(err error) error {
	if e.err != nil {
		return e.err
	}
	return err
}

// send makes the request with the collector's client, so that its budget,
// time-outs and limits hold, and reads the answer to its end.
func (c *Collector) send(req *http.Request) (*body, error) {
	b := &body{endpoint: c.endpoint(req), token: req.Method == http.MethodPost}
	resp, err := c.http.Do(req.Clone(req.Context()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %d bytes: %w",
			b.endpoint, resp.StatusCode, len(data), c.bare(err))
	}
	b.status, b.header, b.bytes = resp.StatusCode, resp.Header, data
	return b, nil
}

// endpoint names a request for people.
func (c *Collector) endpoint(req *http.Request) string {
	if req.Method == http.MethodPost {
		return "POST " + req.URL.Host + req.URL.Path
	}
	_, app, _ := strings.Cut(req.URL.Path, "/applications/")
	return "GET activities of " + app
}

// authorize returns an access token, a new one where the last has ended. The
// library signs the assertion; the token is kept by this process only, since the
// key makes another at any time.
func (c *Collector) authorize(ctx context.Context) (string, error) {
	now := c.deps.Now()
	if c.token != "" && now.Before(c.tokenEnds.Add(-tokenSpare)) {
		return c.token.Reveal(), nil
	}
	ex := &exchange{c: c}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: ex})
	got, err := c.jwt.TokenSource(ctx).Token()
	if err := ex.done(err); err != nil {
		return "", c.shorten(err)
	}
	var told struct {
		ExpiresIn int64 `json:"expires_in"`
	}
	if err := json.Unmarshal(ex.body.bytes, &told); err != nil || got.AccessToken == "" {
		return "", &collectors.Malformed{Field: "access_token", Err: fmt.Errorf("%s: answer without one", ex.body.endpoint)}
	}
	c.token = collectors.Secret(got.AccessToken)
	c.scrubber = collectors.NewScrubber(c.token)
	c.tokenEnds = now.Add(time.Duration(min(max(told.ExpiresIn, 0), 3600)) * time.Second)
	return got.AccessToken, nil
}

// shorten keeps what an error of the library that is not ours says, without
// secrets.
func (c *Collector) shorten(err error) error {
	if _, ok := errors.AsType[*collectors.Forbidden](err); ok {
		return err
	}
	return c.scrubber.Clean(err)
}

// answer is one page of a log. Events stay raw.
type answer struct {
	endpoint string
	events   []json.RawMessage
	next     string    // token of the next page, empty if none
	date     time.Time // Google's clock, zero if it did not say
}

// query is what is asked of one log.
type query struct {
	log          log
	since, until int64 // milliseconds; until 0: none
	token        string
	size         int
}

// list asks for one page.
func (c *Collector) list(ctx context.Context, q query) (*answer, error) {
	token, err := c.authorize(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: log of %s: %w", Network, c.cfg.Source, err)
	}
	if err := c.paced(q.log.event != ""); err != nil {
		return nil, fmt.Errorf("%s: log of %s: %w", Network, c.cfg.Source, err)
	}
	ex := &exchange{c: c}
	svc, err := reports.NewService(ctx, option.WithHTTPClient(&http.Client{Transport: ex}), option.WithEndpoint(c.cfg.BaseURL+"/"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Network, err)
	}
	call := svc.Activities.List("all", q.log.app).Context(ctx).MaxResults(int64(q.size)).StartTime(timeOf(q.since).Format(timeForm))
	if q.until != 0 {
		call.EndTime(timeOf(q.until).Format(timeForm))
	}
	if q.log.event != "" {
		call.EventName(q.log.event)
	}
	if q.token != "" {
		call.PageToken(q.token)
	}
	call.Header().Set("Authorization", "Bearer "+token)
	_, err = call.Do()
	if err := ex.done(err); err != nil {
		if e, ok := errors.AsType[*APIError](err); ok && e.Status == http.StatusUnauthorized && !e.unprivileged() {
			c.token = "" // it may have been revoked: the next poll asks for another
		}
		return nil, fmt.Errorf("%s: log of %s: %w", Network, c.cfg.Source, c.shorten(err))
	}
	a, err := c.read(ex.body)
	if err != nil {
		return nil, fmt.Errorf("%s: log of %s: %w", Network, c.cfg.Source, err)
	}
	return a, nil
}

// timeForm is what Google's examples have.
const timeForm = "2006-01-02T15:04:05.000Z"

// errNotJSON and errCut name the two ways in which a body with status 200 is
// no answer; both are retried.
var (
	errNotJSON = errors.New("answer is not JSON")
	errCut     = errors.New("answer is cut off")
)

// read turns a body into a page of events.
func (c *Collector) read(b *body) (*answer, error) {
	a := &answer{endpoint: b.endpoint}
	if t, err := http.ParseTime(b.header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	trimmed := bytes.TrimSpace(b.bytes)
	switch {
	case len(trimmed) == 0:
		return nil, fmt.Errorf("%s: %w: it is empty", b.endpoint, errCut)
	case trimmed[0] != '{' && trimmed[0] != '[':
		return nil, fmt.Errorf("%s: %w but %s", b.endpoint, errNotJSON, c.quote(b))
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"nextPageToken"`
	}
	if err := json.Unmarshal(trimmed, &page); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			if syntax.Offset >= int64(len(trimmed)) {
				return nil, fmt.Errorf("%s: %w: JSON ends unfinished after %d bytes", b.endpoint, errCut, len(b.bytes))
			}
			return nil, fmt.Errorf("%s: %w: byte %d of %d: %w", b.endpoint, errNotJSON, syntax.Offset, len(b.bytes), err)
		}
		return nil, &collectors.Malformed{Field: "items", Err: fmt.Errorf("%s: answer is no object with a list of items and a nextPageToken", b.endpoint)}
	}
	if len(page.Next) > maxToken {
		return nil, &collectors.Malformed{Field: "nextPageToken", Err: fmt.Errorf("%s: %d bytes; want at most %d", b.endpoint, len(page.Next), maxToken)}
	}
	a.events, a.next = page.Items, page.Next
	return a, nil
}
