package reddit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// pageSize is the most items that a page of a list holds, and that are asked for
// by name at once. A log of moderators takes 500, whose texts may be more than an
// answer may hold.
const pageSize = 100

// smallFor is how long pages stay small of which one was too large.
const smallFor = time.Hour

// limit returns how many items are asked for at once.
func (c *Collector) limit() int {
	if c.small == 0 || c.deps.Now().Sub(c.shrunk) >= smallFor {
		c.small = 0
		return c.size
	}
	return c.small
}

// shrink has less asked for at once where an answer was too large, and reports
// whether there is less.
func (c *Collector) shrink(err error) bool {
	_, large := errors.AsType[*collectors.TooLarge](err)
	n := c.limit()
	if !large || n == 1 {
		return false
	}
	c.small, c.shrunk = n/2, c.deps.Now()
	return true
}

// body is an answer, read whole.
type body struct {
	endpoint string // "GET /user/acme/submitted", for errors
	token    bool   // of the token endpoint
	status   int
	header   http.Header
	bytes    []byte
}

// get asks the API for a path below base_url. Reddit's own text is asked for,
// without HTML's escapes. An access token that Reddit does not take any more is
// made anew once.
func (c *Collector) get(ctx context.Context, path string, params url.Values) (*body, error) {
	if params == nil {
		params = url.Values{}
	}
	params.Set("raw_json", "1")
	made, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	b, err := c.ask(ctx, path, params)
	if err == nil && b.status == http.StatusUnauthorized && !made {
		c.session.Access = ""
		if _, err := c.authorize(ctx); err != nil {
			return nil, err
		}
		b, err = c.ask(ctx, path, params)
	}
	if err != nil {
		return nil, err
	}
	if b.status == http.StatusUnauthorized {
		c.session.Access = ""
	}
	if b.status != http.StatusOK {
		return nil, c.fault(b)
	}
	return b, nil
}

func (c *Collector) ask(ctx context.Context, path string, params url.Values) (*body, error) {
	if now := c.deps.Now(); now.Before(c.resume) {
		return nil, &collectors.RateLimited{Until: c.resume, Err: errors.New("no more requests are granted until then")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.BaseURL+path+"?"+params.Encode(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, c.bare(err))
	}
	req.Header.Set("Authorization", "Bearer "+c.session.Access)
	b, err := c.send(req, "GET "+path)
	if err == nil {
		c.heed(b)
	}
	return b, err
}

// heed notes that an answer leaves no request. Reddit tells the seconds until
// the next window rounded down, so that one more is waited.
func (c *Collector) heed(b *body) {
	left, err := strconv.ParseFloat(b.header.Get("X-Ratelimit-Remaining"), 64)
	if err != nil || left >= 1 {
		return
	}
	if sec, err := strconv.ParseFloat(b.header.Get("X-Ratelimit-Reset"), 64); err == nil && sec >= 0 && sec <= 3600 {
		c.resume = c.deps.Now().Add(time.Duration(sec*float64(time.Second)) + time.Second)
	}
}

// send makes a request with the collector's client, so that its budget,
// time-outs and limits hold, and reads the answer to its end.
func (c *Collector) send(req *http.Request, endpoint string) (*body, error) {
	b := &body{endpoint: endpoint, token: req.Method == http.MethodPost}
	req.Header.Set("User-Agent", c.agent())
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %d bytes: %w", endpoint, resp.StatusCode, len(data), c.bare(err))
	}
	b.status, b.header, b.bytes = resp.StatusCode, resp.Header, data
	return b, nil
}

// agent is the User-Agent in the form that Reddit documents; it throttles others.
func (c *Collector) agent() string {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && len(info.Main.Version) > 1 && info.Main.Version[0] == 'v' {
		version = info.Main.Version
	}
	return fmt.Sprintf("%s:com.github.picketd.picket:%s (by /u/%s)", runtime.GOOS, version, c.cfg.name())
}

// answer is one page of a list. Items stay raw.
type answer struct {
	endpoint string
	items    []json.RawMessage
	after    string    // name after which the next page begins, empty if none
	date     time.Time // Reddit's clock, zero if it did not say
}

// list asks for a page of a list.
func (c *Collector) list(ctx context.Context, path string, params url.Values) (*answer, error) {
	b, err := c.get(ctx, path, params)
	if err != nil {
		return nil, err
	}
	var page struct {
		Kind string `json:"kind"`
		Data struct {
			Children []json.RawMessage `json:"children"`
			After    string            `json:"after"`
		} `json:"data"`
	}
	if err := c.read(b, &page, "a Listing with data.children and data.after"); err != nil {
		return nil, err
	}
	switch {
	case page.Kind != "Listing":
		return nil, &collectors.Malformed{Field: b.endpoint + " answer, kind", Err: fmt.Errorf("%q; want Listing", collectors.Clip(c.words(page.Kind), 40))}
	case page.Data.Children == nil:
		return nil, &collectors.Malformed{Field: b.endpoint + " answer, data.children", Err: errors.New("missing; want a list")}
	case page.Data.After != "" && !isID(strings.ToLower(strings.ReplaceAll(page.Data.After, "_", "-"))):
		return nil, &collectors.Malformed{Field: b.endpoint + " answer, data.after", Err: fmt.Errorf("%q; want the name of an item, such as t3_1abc23", collectors.Clip(c.words(page.Data.After), 60))}
	}
	return &answer{endpoint: b.endpoint, items: page.Data.Children, after: page.Data.After, date: b.date()}, nil
}

func (b *body) date() time.Time {
	t, err := http.ParseTime(b.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// read decodes an answer with status 200. What is cut off or no JSON is tried
// again; what is whole and of another form is a *collectors.Malformed.
func (c *Collector) read(b *body, into any, want string) error {
	trimmed := bytes.TrimSpace(b.bytes)
	if len(trimmed) == 0 {
		return fmt.Errorf("%s: answer is cut off: it is empty", b.endpoint)
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return fmt.Errorf("%s: answer is not JSON but %s", b.endpoint, c.quote(b))
	}
	err := json.Unmarshal(trimmed, into)
	if err == nil {
		return nil
	}
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case ok && syntax.Offset >= int64(len(trimmed)):
		return fmt.Errorf("%s: answer is cut off: JSON ends unfinished after %d bytes", b.endpoint, len(b.bytes))
	case ok:
		return fmt.Errorf("%s: answer is not JSON: byte %d of %d: %w", b.endpoint, syntax.Offset, len(b.bytes), err)
	}
	return &collectors.Malformed{Field: b.endpoint + " answer", Err: fmt.Errorf("want %s: %w", want, c.bare(err))}
}

// listed asks for a page of a list, and notes what the answer says beside it.
func (r *round) listed(ctx context.Context, path string, params url.Values) (*answer, error) {
	a, err := r.c.list(ctx, path, params)
	if err == nil && !a.date.IsZero() {
		r.page.ServerTime = a.date
	}
	return a, err
}
