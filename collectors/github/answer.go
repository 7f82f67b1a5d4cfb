package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/go-github/v89/github"

	"github.com/picketd/picket/collectors"
)

// query is what is asked of the log.
type query struct {
	since     int64  // milliseconds since 1970
	after     string // GitHub's cursor, empty for the first page
	ascending bool
	limit     int
}

// timeForm is ISO 8601 to the second, as GitHub's search takes it.
const timeForm = "2006-01-02T15:04:05Z"

func (q query) encode(include string) string {
	order := "desc"
	if q.ascending {
		order = "asc"
	}
	v := url.Values{
		"phrase":   {"created:>=" + timeOf(q.since).Format(timeForm)},
		"include":  {include},
		"order":    {order},
		"per_page": {strconv.Itoa(q.limit)},
	}
	if q.after != "" {
		v.Set("after", q.after)
	}
	return v.Encode()
}

// answer is one page of the log. Events stay raw, so that a bad one spoils no
// other and each is kept byte for byte; that is why the library's own type of
// them is not used.
type answer struct {
	endpoint string // "GET /orgs/acme/audit-log", for errors
	events   []json.RawMessage
	after    string    // GitHub's cursor of the next page, empty if none
	date     time.Time // GitHub's clock, zero if it did not say
	header   http.Header
	expires  time.Time // when the token ends, zero if GitHub did not say
}

// get asks for one page.
func (c *Collector) get(ctx context.Context, q query) (*answer, error) {
	a, err := c.ask(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("github: audit log of %s: %w", c.cfg.Source, err)
	}
	return a, nil
}

func (c *Collector) ask(ctx context.Context, q query) (*answer, error) {
	endpoint := http.MethodGet + " " + c.base.JoinPath(c.cfg.path()).EscapedPath()
	req, err := c.client.NewRequest(ctx, http.MethodGet, c.cfg.path()+"?"+q.encode(c.cfg.Include), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	var body bytes.Buffer
	resp, err := c.client.Do(req, &body)
	switch {
	case err != nil && resp == nil:
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	case resp.StatusCode != http.StatusOK:
		return nil, c.fault(endpoint, resp.Response)
	case err != nil:
		return nil, fmt.Errorf("%s: answer breaks off after %s: %w", endpoint, collectors.Extent(body.Len(), resp.ContentLength), c.bare(err))
	}
	return c.read(endpoint, resp, body.Bytes())
}

// read turns a body into a page of events.
func (c *Collector) read(endpoint string, resp *github.Response, body []byte) (*answer, error) {
	if err := checkForm(endpoint, resp.Header, body); err != nil {
		return nil, err
	}
	a := &answer{endpoint: endpoint, after: resp.After, header: resp.Header, expires: resp.TokenExpiration.Time}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	if err := json.Unmarshal(body, &a.events); err != nil {
		return nil, unreadable(endpoint, body, err)
	}
	return a, nil
}

// errNotJSON and errCut name the two ways in which a body with status 200 is
// no answer; both are retried.
var (
	errNotJSON = errors.New("answer is not JSON")
	errCut     = errors.New("answer is cut off")
)

// checkForm refuses what is no JSON at first sight, for the sake of a clear
// error; whether it is whole shows when it is read.
func checkForm(endpoint string, h http.Header, body []byte) error {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return fmt.Errorf("%s: %w: it is empty", endpoint, errCut)
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return fmt.Errorf("%s: %w but %d bytes of %q; check base_url, a page answers there", endpoint, errNotJSON, len(body), collectors.Clip(h.Get("Content-Type"), 60))
	}
	return nil
}

// unreadable tells an answer that is cut off from one that GitHub made
// otherwise than it documents. The first is retried, and so is the second, but
// as a fault that somebody has to look at.
func unreadable(endpoint string, body []byte, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case !ok:
		return &collectors.Malformed{Field: endpoint + " answer", Err: errors.New("is no array of events")}
	case syntax.Offset >= int64(len(bytes.TrimRight(body, " \t\r\n"))):
		return fmt.Errorf("%s: %w: JSON ends unfinished after %d bytes", endpoint, errCut, len(body))
	}
	return fmt.Errorf("%s: %w: byte %d of %d: %w", endpoint, errNotJSON, syntax.Offset, len(body), err)
}
