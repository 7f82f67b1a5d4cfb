package entra

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

// tokenSpare is how long before its end a token is not used any more.
const tokenSpare = 5 * time.Minute

// What Microsoft grants one application in one tenant for its reports.
const (
	grant     = 5
	grantSpan = 10 * time.Second
)

// answer is one page of a log. Events stay raw, so that a bad one spoils no
// other.
type answer struct {
	endpoint string // "GET /v1.0/auditLogs/signIns", for errors
	events   []json.RawMessage
	next     string    // query of the link to the next page, empty if none
	date     time.Time // Microsoft's clock, zero if it did not say
}

// body is an answer, read whole.
type body struct {
	endpoint string
	token    bool // of the token endpoint
	status   int
	header   http.Header
	bytes    []byte
}

// authorize returns an access token, a new one where the last has ended. It is
// kept by this process only, since the secret makes another at any time.
func (c *Collector) authorize(ctx context.Context) (string, error) {
	now := c.deps.Now()
	if c.token != "" && now.Before(c.tokenEnds.Add(-tokenSpare)) {
		return c.token.Reveal(), nil
	}
	target := c.login.JoinPath(c.cfg.Tenant, "oauth2", "v2.0", "token")
	form := url.Values{
		"client_id": {c.cfg.ClientID}, "client_secret": {c.cfg.ClientSecret.Reveal()},
		"grant_type": {"client_credentials"}, "scope": {c.cfg.BaseURL + "/.default"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", c.bare(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b, err := c.send(req)
	if err != nil {
		return "", err
	}
	if err := checkForm(c, b); err != nil {
		return "", err
	}
	var told struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(b.bytes, &told); err != nil || told.AccessToken == "" {
		return "", &collectors.Malformed{Field: "access_token", Err: fmt.Errorf("%s: answer without one", b.endpoint)}
	}
	c.token = collectors.Secret(told.AccessToken)
	c.scrubber = collectors.NewScrubber(c.cfg.ClientSecret, c.token)
	c.tokenEnds = now.Add(time.Duration(min(max(told.ExpiresIn, 0), 24*3600)) * time.Second)
	return told.AccessToken, nil
}

// pace refuses a request that would be one too many for Microsoft, which sends
// no header from which a budget could learn it. The scheduler waits.
func (c *Collector) pace() error {
	now := c.deps.Now()
	if n := len(c.sent); n >= c.grant {
		if until := c.sent[n-c.grant].Add(grantSpan); now.Before(until) {
			return &collectors.RateLimited{Until: until, Err: fmt.Errorf(
				"%d requests in %s is what Microsoft grants an application", c.grant, grantSpan)}
		}
		c.sent = append(c.sent[:0], c.sent[n-c.grant+1:]...)
	}
	c.sent = append(c.sent, now)
	return nil
}

// get asks for one page of a log.
func (c *Collector) get(ctx context.Context, l log, query string) (*answer, error) {
	fail := func(err error) (*answer, error) {
		return nil, fmt.Errorf("%s: log of %s: %w", Network, c.cfg.Source, err)
	}
	token, err := c.authorize(ctx)
	if err != nil {
		return fail(err)
	}
	if err := c.pace(); err != nil {
		return fail(err)
	}
	target := c.base.JoinPath(l.path)
	target.RawQuery = query
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return fail(c.bare(err))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	b, err := c.send(req)
	if err != nil {
		if e, ok := errors.AsType[*APIError](err); ok && e.Status == http.StatusUnauthorized {
			c.token = "" // it may have been revoked: the next poll asks for another
		}
		return fail(err)
	}
	a, err := c.read(b, l)
	if err != nil {
		return fail(err)
	}
	return a, nil
}

// send makes the request, reads the answer to its end and turns all that is no
// success into an error.
func (c *Collector) send(req *http.Request) (*body, error) {
	b := &body{endpoint: req.Method + " " + req.URL.Path, token: req.Method == http.MethodPost}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %s: %w",
			b.endpoint, resp.StatusCode, collectors.Extent(len(data), resp.ContentLength), c.bare(err))
	}
	b.status, b.header, b.bytes = resp.StatusCode, resp.Header, data
	if b.status != http.StatusOK {
		return nil, c.fault(b)
	}
	return b, nil
}

// errNotJSON and errCut name the two ways in which a body with status 200 is
// no answer; both are retried.
var (
	errNotJSON = errors.New("answer is not JSON")
	errCut     = errors.New("answer is cut off")
)

// checkForm refuses what is no JSON at first sight, for the sake of a clear
// error; whether it is whole shows when it is read.
func checkForm(c *Collector, b *body) error {
	trimmed := bytes.TrimSpace(b.bytes)
	switch {
	case len(trimmed) == 0:
		return fmt.Errorf("%s: %w: it is empty", b.endpoint, errCut)
	case trimmed[0] != '{' && trimmed[0] != '[':
		return fmt.Errorf("%s: %w but %s", b.endpoint, errNotJSON, c.quote(b))
	}
	return nil
}

// read turns a body into a page of events.
func (c *Collector) read(b *body, l log) (*answer, error) {
	if err := checkForm(c, b); err != nil {
		return nil, err
	}
	a := &answer{endpoint: b.endpoint}
	if t, err := http.ParseTime(b.header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	var page struct {
		Value []json.RawMessage `json:"value"`
		Next  string            `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(b.bytes, &page); err != nil {
		return nil, unreadable(b, err)
	}
	a.events = page.Value
	if page.Next == "" {
		return a, nil
	}
	// Only the query of a link is followed, at the address that is configured, so
	// that the token goes nowhere else; a link that leads elsewhere is a fault.
	u, err := url.Parse(page.Next)
	if err != nil || u.RawQuery == "" || !strings.EqualFold(u.Host, c.base.Host) || !strings.HasSuffix(strings.ToLower(u.Path), strings.ToLower(l.path)) {
		return nil, &collectors.Malformed{Field: "@odata.nextLink", Err: fmt.Errorf(
			"%s: link %q; want one to %s%s with a query", b.endpoint, collectors.Clip(c.words(page.Next), 120), c.base.Host, l.path)}
	}
	if len(u.RawQuery) > maxToken {
		return nil, &collectors.Malformed{Field: "@odata.nextLink", Err: fmt.Errorf("%s: query of %d bytes; want at most %d", b.endpoint, len(u.RawQuery), maxToken)}
	}
	a.next = u.RawQuery
	return a, nil
}

// unreadable tells an answer that is cut off from one that Microsoft made
// otherwise than it documents. The first is retried, and so is the second, but as
// a fault that somebody has to look at.
func unreadable(b *body, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case !ok:
		return &collectors.Malformed{Field: "value", Err: fmt.Errorf("%s: answer is no object with a list value and a link @odata.nextLink", b.endpoint)}
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
