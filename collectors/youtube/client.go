package youtube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/option"
	api "google.golang.org/api/youtube/v3"

	"github.com/picketd/picket/collectors"
)

// Scope is the only right that is needed for OAuth.
const Scope = api.YoutubeReadonlyScope

// tokenSpare is how long before its end an access token is not used any more.
const tokenSpare = 5 * time.Minute

// body is an answer, read whole.
type body struct {
	endpoint string // "GET videos", for errors
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
		read = []byte("{}") // items are read one by one, so that a bad one spoils no other
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader(read)),
		ContentLength: int64(len(read)),
		Request:       req,
	}, nil
}

// send makes the request with the collector's client, so that its budget,
// time-outs and limits hold, and reads the answer to its end.
func (c *Collector) send(req *http.Request) (*body, error) {
	b := &body{endpoint: "GET " + path.Base(req.URL.Path), token: req.Method == http.MethodPost}
	if b.token {
		b.endpoint = "POST " + req.URL.Host + req.URL.Path
	}
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

// session is what is kept over restarts.
type session struct {
	Access  string    `json:"access"`
	Ends    time.Time `json:"ends"`
	Refresh string    `json:"refresh"` // the newest, where Google gave another
	Of      string    `json:"of"`      // digest of the configured one, which replaces all when it changes
}

// authorize returns the headers that a request carries. An access token is asked
// for where there is none or the last ends soon; the key is sent as a header, so
// that no address holds it.
func (c *Collector) authorize(ctx context.Context) (key, value string, err error) {
	if c.cfg.RefreshToken == "" {
		return "X-Goog-Api-Key", c.cfg.APIKey.Reveal(), nil
	}
	now := c.deps.Now()
	if err := c.loadSession(ctx); err != nil {
		return "", "", err
	}
	if s := c.session; s.Access == "" || !now.Before(s.Ends.Add(-tokenSpare)) {
		if err := c.refresh(ctx, now); err != nil {
			return "", "", err
		}
	}
	return "Authorization", "Bearer " + c.session.Access, nil
}

func (c *Collector) loadSession(ctx context.Context) error {
	of := digest(c.cfg.ClientID, c.cfg.RefreshToken.Reveal())
	if c.session.Of == of {
		return nil
	}
	c.session = session{Refresh: c.cfg.RefreshToken.Reveal(), Of: of}
	if c.keeps() {
		kept, err := c.deps.Sessions.Load(ctx, c.cfg.Session)
		if err != nil {
			c.session.Of = ""
			return fmt.Errorf("session %s: %w", c.cfg.Session, err)
		}
		var s session
		if json.Unmarshal([]byte(kept.Reveal()), &s) == nil && s.Of == of && s.Refresh != "" {
			c.session = s
		}
	}
	c.scrub()
	return nil
}

func (c *Collector) keeps() bool { return c.deps.Sessions != nil && c.cfg.Session != "" }

// refresh asks for an access token.
func (c *Collector) refresh(ctx context.Context, now time.Time) error {
	ex := &exchange{c: c}
	cfg := oauth2.Config{
		ClientID: c.cfg.ClientID, ClientSecret: c.cfg.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: c.cfg.TokenURL, AuthStyle: oauth2.AuthStyleInParams},
	}
	got, err := cfg.TokenSource(
		context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: ex}),
		&oauth2.Token{RefreshToken: c.session.Refresh},
	).Token()
	if ex.err != nil {
		return ex.err
	}
	var told struct {
		ExpiresIn int64 `json:"expires_in"`
	}
	if err != nil || json.Unmarshal(ex.body.bytes, &told) != nil || got.AccessToken == "" {
		return &collectors.Malformed{Field: "access_token", Err: errors.New("token endpoint: answer without one")}
	}
	c.session.Access = got.AccessToken
	c.session.Ends = now.Add(time.Duration(min(max(told.ExpiresIn, 0), 24*3600)) * time.Second).UTC()
	if got.RefreshToken != "" {
		c.session.Refresh = got.RefreshToken
	}
	c.scrub()
	if !c.keeps() {
		return nil
	}
	text, err := json.Marshal(c.session)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := c.deps.Sessions.Save(ctx, c.cfg.Session, collectors.Secret(text)); err != nil {
		return fmt.Errorf("session %s: %w", c.cfg.Session, err)
	}
	return nil
}

// answer is one page of a list. Items stay raw.
type answer struct {
	endpoint string
	items    []json.RawMessage
	next     string    // token of the next page, empty if none
	date     time.Time // Google's clock, zero if it did not say
}

// caller is what all list calls of the library have in common.
type caller interface{ Header() http.Header }

// call makes one list call of the library. An access token that is not taken any
// more, before its time, is replaced once.
func (c *Collector) call(ctx context.Context, build func(*api.Service) (caller, func() error)) (*answer, error) {
	before := c.session.Access
	a, err := c.callOnce(ctx, build)
	made := before != "" && c.session.Access != before
	if c.dropToken(err) && !made {
		a, err = c.callOnce(ctx, build)
		c.dropToken(err)
	}
	return a, err
}

// dropToken forgets an access token that is not taken any more.
func (c *Collector) dropToken(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	if !ok || e.Status != http.StatusUnauthorized || c.session.Access == "" {
		return false
	}
	c.session.Access = ""
	return true
}

func (c *Collector) callOnce(ctx context.Context, build func(*api.Service) (caller, func() error)) (*answer, error) {
	key, value, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	ex := &exchange{c: c}
	svc, err := api.NewService(ctx, option.WithHTTPClient(&http.Client{Transport: ex}), option.WithEndpoint(c.cfg.BaseURL+"/"))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	call, do := build(svc)
	call.Header().Set(key, value)
	err = do()
	if ex.err != nil {
		return nil, ex.err
	}
	if ex.body == nil {
		return nil, errors.New(c.words(fmt.Sprint(err)))
	}
	return c.read(ex.body)
}

// maxToken bounds the token of a next page, which goes into the cursor.
const maxToken = 2048

// read turns a body into a page of items.
func (c *Collector) read(b *body) (*answer, error) {
	a := &answer{endpoint: b.endpoint}
	if t, err := http.ParseTime(b.header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	trimmed := bytes.TrimSpace(b.bytes)
	if len(trimmed) == 0 {
		return nil, fmt.Errorf("%s: answer is cut off: it is empty", b.endpoint)
	}
	if trimmed[0] != '{' && trimmed[0] != '[' {
		return nil, fmt.Errorf("%s: answer is not JSON but %s", b.endpoint, c.quote(b))
	}
	var page struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"nextPageToken"`
	}
	if err := json.Unmarshal(trimmed, &page); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			if syntax.Offset >= int64(len(trimmed)) {
				return nil, fmt.Errorf("%s: answer is cut off: JSON ends unfinished after %d bytes", b.endpoint, len(b.bytes))
			}
			return nil, fmt.Errorf("%s: answer is not JSON: byte %d of %d: %w", b.endpoint, syntax.Offset, len(b.bytes), err)
		}
		return nil, &collectors.Malformed{Field: "items", Err: fmt.Errorf("%s: answer is no object with a list of items and a nextPageToken", b.endpoint)}
	}
	if len(page.Next) > maxToken {
		return nil, &collectors.Malformed{Field: "nextPageToken", Err: fmt.Errorf("%s: %d bytes; want at most %d", b.endpoint, len(page.Next), maxToken)}
	}
	a.items, a.next = page.Items, page.Next
	return a, nil
}
