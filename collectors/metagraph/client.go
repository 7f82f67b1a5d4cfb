package metagraph

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// DefaultVersion is the newest version of the Graph API when this was written.
const DefaultVersion = "v27.0"

// HoldAt is the usage of a limit, in percent, from which the client holds back.
const HoldAt = 97

// Access is how the Graph API is reached.
type Access struct {
	BaseURL   string // "https://graph.facebook.com"
	Version   string // "v27.0"; empty takes DefaultVersion
	Token     collectors.Secret
	AppSecret collectors.Secret // of the token's app; empty sends no proof
}

// Client sends requests of one account. It is not safe for concurrent use, and
// keeps nothing but how much of the limits was used.
type Client struct {
	base      *url.URL
	version   string
	given     collectors.Secret // the token that was configured
	token     collectors.Secret // the one that is used: given, or the Page's
	appSecret collectors.Secret
	deps      collectors.Deps
	scrubber  collectors.Scrubber
	asked     bool // for the Page's token

	held time.Time // nothing is sent before
	why  string
	sent minutes // requests of the last hour
}

// Answer is one that succeeded.
type Answer struct {
	Endpoint string // "GET /v27.0/1234/feed", for errors
	Body     json.RawMessage
	Date     time.Time // the server's clock, zero if it did not say
}

// NewClient returns a client, or every fault of access by the name of its key.
func NewClient(a Access, deps collectors.Deps) (*Client, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("Deps.HTTP and Deps.Now are needed")
	}
	if a.Version == "" {
		a.Version = DefaultVersion
	}
	base, err := parseBase(a.BaseURL)
	if err = errors.Join(err, CheckVersion(a.Version), checkSecret("token", a.Token, true), checkSecret("app_secret", a.AppSecret, false)); err != nil {
		return nil, err
	}
	c := &Client{base: base, version: a.Version, given: a.Token, appSecret: a.AppSecret, deps: deps}
	c.use(a.Token)
	return c, nil
}

// use sends a token from now on.
func (c *Client) use(token collectors.Secret) {
	c.token = token
	c.scrubber = collectors.NewScrubber(c.given, c.token, c.appSecret, collectors.Secret(c.proof(c.given)), collectors.Secret(c.proof(c.token)))
}

// proof is what shows that whoever sends a token knows its app's secret.
func (c *Client) proof(token collectors.Secret) string {
	if c.appSecret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.appSecret.Reveal()))
	mac.Write([]byte(token.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))
}

// AsPage asks once for the token of a Page that the client's own gives access
// to, and uses that from then on: Pages of the new experience answer to no
// other. A Page's own token is answered with itself. Where none is answered,
// the client goes on with its own.
func (c *Client) AsPage(ctx context.Context, page string) error {
	if c.asked {
		return nil
	}
	a, err := c.Get(ctx, url.Values{"fields": {"access_token"}}, page)
	if err != nil {
		return err
	}
	var said struct {
		Token collectors.Secret `json:"access_token"`
	}
	if err := json.Unmarshal(a.Body, &said); err != nil || checkSecret("access_token", said.Token, false) != nil {
		return &collectors.Malformed{Field: a.Endpoint + " answer", Err: errors.New("access_token is no token")}
	}
	c.asked = true
	if said.Token != "" {
		c.use(said.Token)
	}
	return nil
}

// CheckVersion refuses what cannot be a version of the Graph API.
func CheckVersion(s string) error {
	if !regexp.MustCompile(`^v[1-9][0-9]{0,2}\.[0-9]$`).MatchString(s) {
		return fmt.Errorf("api_version: %q; want a version of the Graph API, such as %s", collectors.Clip(s, 20), DefaultVersion)
	}
	return nil
}

func checkSecret(key string, s collectors.Secret, required bool) error {
	switch {
	case s == "" && required:
		return fmt.Errorf("%s: missing; want an access token", key)
	case strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%s: holds spaces or other characters that none has; copy it anew", key)
	}
	return nil
}

// parseBase reads the address and keeps tokens off the open network.
func parseBase(s string) (*url.URL, error) {
	u, err := collectors.ParseURL(s, "https://graph.facebook.com", "others could read the token")
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	return u, nil
}

// Host returns the host that is asked.
func (c *Client) Host() string { return c.base.Host }

// Get asks for a node or an edge: Get(ctx, params, "1234", "feed"). Its errors
// are those of collectors.Collector.
func (c *Client) Get(ctx context.Context, params url.Values, path ...string) (*Answer, error) {
	return c.get(ctx, c.token, params, path...)
}

func (c *Client) get(ctx context.Context, token collectors.Secret, params url.Values, path ...string) (*Answer, error) {
	target := c.base.JoinPath(append([]string{c.version}, path...)...)
	endpoint := http.MethodGet + " /" + strings.TrimPrefix(target.Path, "/")
	if now := c.deps.Now(); now.Before(c.held) {
		return nil, &collectors.RateLimited{Until: c.held, Err: errors.New(c.why)}
	}
	query := url.Values{}
	maps.Copy(query, params)
	if proof := c.proof(token); proof != "" {
		query.Set("appsecret_proof", proof)
	}
	target.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	c.sent.add(c.deps.Now())
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	resp, err := c.deps.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %d bytes: %w", endpoint, resp.StatusCode, len(data), c.bare(err))
	}
	return c.read(endpoint, resp, data)
}

// read tells success from what stands in the place of an answer.
func (c *Client) read(endpoint string, resp *http.Response, data []byte) (*Answer, error) {
	now := c.deps.Now()
	used := usageOf(resp.Header)
	var object map[string]json.RawMessage
	form := json.Unmarshal(data, &object)
	said := c.describe(endpoint, resp, object["error"])
	if said != nil {
		if said.Code == codeToken && c.asked {
			c.asked = false // the next poll asks for the Page's token anew
			c.use(c.given)
		}
		return nil, c.fault(said, resp, used, now)
	}
	if used.percent >= HoldAt {
		c.held = now.Add(max(used.wait, holdFor(used.percent), c.sent.oldest(now)))
		c.why = fmt.Sprintf("%d%% of the limit of %s is used, and Picket holds back from %d%% on", used.percent, used.of, HoldAt)
	}
	a := &Answer{Endpoint: endpoint, Body: data}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		a.Date = t.UTC()
	}
	if form != nil || object == nil {
		return nil, unreadable(endpoint, resp, data, form)
	}
	return a, nil
}

// unreadable says why an answer is no JSON object. One that is cut off is
// retried.
func unreadable(endpoint string, resp *http.Response, data []byte, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	length := int64(len(strings.TrimRight(string(data), " \t\r\n")))
	switch {
	case length == 0, ok && syntax.Offset >= length:
		return fmt.Errorf("%s: answer is cut off: JSON ends unfinished after %d bytes", endpoint, len(data))
	case ok:
		return fmt.Errorf("%s: answer is not JSON but %d bytes of %q", endpoint, len(data), collectors.Clip(resp.Header.Get("Content-Type"), 60))
	}
	return &collectors.Malformed{Field: endpoint + " answer", Err: errors.New("want an object")}
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Client) bare(err error) error { return c.scrubber.Bare(err) }

// words makes text of the server fit for a log line.
func (c *Client) words(text string) string { return c.scrubber.Words(text) }
