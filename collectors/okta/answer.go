package okta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

const logsPath = "/api/v1/logs"

// answer is one page of the log. Events stay raw, so that a bad one spoils no
// other.
type answer struct {
	endpoint string // "GET /api/v1/logs", for errors
	events   []json.RawMessage
	next     string    // query of the link to the next page, empty if none
	date     time.Time // Okta's clock, zero if it did not say
}

// body is an answer, read whole.
type body struct {
	endpoint string
	status   int
	header   http.Header
	bytes    []byte
}

// get asks for one page.
func (c *Collector) get(ctx context.Context, query string) (*answer, error) {
	target := c.base.JoinPath(logsPath)
	target.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("okta: log of %s: GET %s: %w", c.cfg.Source, logsPath, c.bare(err))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "SSWS "+c.cfg.Token.Reveal())
	b, err := c.send(req)
	if err != nil {
		return nil, fmt.Errorf("okta: log of %s: %w", c.cfg.Source, err)
	}
	a, err := c.read(b)
	if err != nil {
		return nil, fmt.Errorf("okta: log of %s: %w", c.cfg.Source, err)
	}
	return a, nil
}

// send makes the request and reads the answer to its end.
func (c *Collector) send(req *http.Request) (*body, error) {
	endpoint := req.Method + " " + req.URL.Path
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %s: %w",
			endpoint, resp.StatusCode, collectors.Extent(len(data), resp.ContentLength), c.bare(err))
	}
	return &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}, nil
}

// read turns a body into a page of events.
func (c *Collector) read(b *body) (*answer, error) {
	if b.status != http.StatusOK {
		return nil, c.fault(b)
	}
	if err := checkForm(b); err != nil {
		return nil, err
	}
	a := &answer{endpoint: b.endpoint}
	if t, err := http.ParseTime(b.header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	if err := json.Unmarshal(b.bytes, &a.events); err != nil {
		return nil, unreadable(b, err)
	}
	link := linkTo(b.header.Values("Link"), "next")
	if link == "" {
		return a, nil
	}
	u, err := url.Parse(link)
	if err != nil || u.RawQuery == "" || !strings.HasSuffix(u.Path, logsPath) {
		return nil, &collectors.Malformed{Field: "Link", Err: fmt.Errorf(
			"%s: next link %q; want one to %s with a query", b.endpoint, collectors.Clip(c.words(link), 120), logsPath)}
	}
	a.next = u.RawQuery
	return a, nil
}

// linkTo returns the target of the link with a relation, empty if there is none
// (RFC 8288).
func linkTo(headers []string, rel string) string {
	for _, rest := range headers {
		for {
			_, after, ok := strings.Cut(rest, "<")
			if !ok {
				break
			}
			target, params, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			if i := strings.IndexByte(params, '<'); i >= 0 {
				params, rest = params[:i], params[i:]
			} else {
				rest = ""
			}
			if hasRel(params, rel) {
				return target
			}
		}
	}
	return ""
}

func hasRel(params, rel string) bool {
	for param := range strings.SplitSeq(strings.TrimRight(params, ", \t"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for one := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(one, rel) {
				return true
			}
		}
	}
	return false
}

// errNotJSON and errCut name the two ways in which a body with status 200 is
// no answer; both are retried.
var (
	errNotJSON = errors.New("answer is not JSON")
	errCut     = errors.New("answer is cut off")
)

// checkForm refuses what is no JSON at first sight, for the sake of a clear
// error; whether it is whole shows when it is read.
func checkForm(b *body) error {
	trimmed := bytes.TrimSpace(b.bytes)
	if len(trimmed) == 0 {
		return fmt.Errorf("%s: %w: it is empty", b.endpoint, errCut)
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return fmt.Errorf("%s: %w but %d bytes of %q; check base_url, a login page answers there",
			b.endpoint, errNotJSON, len(b.bytes), collectors.Clip(b.header.Get("Content-Type"), 60))
	}
	return nil
}

// unreadable tells an answer that is cut off from one that Okta made otherwise
// than it documents. The first is retried, and so is the second, but as a fault
// that somebody has to look at.
func unreadable(b *body, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case !ok:
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: errors.New("is no array of events")}
	case syntax.Offset >= int64(len(bytes.TrimRight(b.bytes, " \t\r\n"))):
		return fmt.Errorf("%s: %w: JSON ends unfinished after %s", b.endpoint, errCut, collectors.Extent(len(b.bytes), contentLength(b)))
	}
	return fmt.Errorf("%s: %w: byte %d of %d: %w", b.endpoint, errNotJSON, syntax.Offset, len(b.bytes), err)
}

func contentLength(b *body) int64 {
	n, err := strconv.ParseInt(b.header.Get("Content-Length"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
