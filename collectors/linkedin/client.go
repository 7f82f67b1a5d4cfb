package linkedin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// call is one request to the API. Its name is its endpoint without what differs
// from call to call, as in the developer portal's table of limits.
type call struct {
	name  string // "posts", "socialActions/{urn}/comments"
	path  string // behind /rest/, escaped; name where empty
	query url.Values
}

// answer is one that succeeded.
type answer struct {
	endpoint string // "GET /rest/posts", for errors
	body     []byte
	date     time.Time // LinkedIn's clock, zero if it did not say
}

// list is a page of elements.
type list struct {
	*answer
	Elements []json.RawMessage `json:"elements"`
	Paging   struct {
		Total *int `json:"total"`
		Links []struct {
			Rel string `json:"rel"`
		} `json:"links"`
	} `json:"paging"`
}

// more reports whether another page follows one that was asked for with count. A
// page may hold fewer than that and still name the next; without a link a full
// one says that there is more.
func (l *list) more(count int) bool {
	for _, link := range l.Paging.Links {
		if link.Rel == "next" {
			return len(l.Elements) > 0
		}
	}
	return len(l.Elements) >= count
}

// Endpoint names the limit that a request counts against: LinkedIn grants each
// endpoint a number of calls a day.
func Endpoint(req *http.Request) string {
	if req.Method == http.MethodPost {
		return "oauth"
	}
	_, rest, _ := strings.Cut(req.URL.EscapedPath(), "/rest/")
	resource, key, keyed := strings.Cut(rest, "/")
	switch {
	case strings.HasSuffix(key, "/comments"):
		return resource + "/{urn}/comments"
	case keyed && resource == "posts":
		return resource + "/{urn}"
	}
	return resource
}

// Cost says how many of the day's calls a request takes: none for an access
// token.
func Cost(req *http.Request) int {
	if req.Method == http.MethodPost {
		return 0
	}
	return 1
}

// list asks for a page of elements.
func (c *Collector) list(ctx context.Context, q call, start, count int) (*list, error) {
	query := url.Values{"count": {strconv.Itoa(count)}, "start": {strconv.Itoa(start)}}
	maps.Copy(query, q.query)
	q.query = query
	a, err := c.get(ctx, q)
	if err != nil {
		return nil, err
	}
	l := &list{answer: a}
	if err := json.Unmarshal(a.body, l); err != nil {
		return nil, &collectors.Malformed{Field: a.endpoint + " answer", Err: c.bare(err)}
	}
	if l.Elements == nil {
		return nil, &collectors.Malformed{Field: a.endpoint + " answer", Err: errors.New("elements is missing; want a list")}
	}
	return l, nil
}

// get sends one request. Its errors are those of collectors.Collector, and
// *dayLimit.
func (c *Collector) get(ctx context.Context, q call) (*answer, error) {
	now := c.deps.Now()
	if spent := c.spent[q.name]; spent != nil && now.Before(spent.until) {
		return nil, spent
	}
	token, err := c.accessToken(ctx)
	if err != nil {
		return nil, err
	}
	if q.path == "" {
		q.path = q.name
	}
	endpoint := http.MethodGet + " /rest/" + q.name
	address := c.cfg.BaseURL + "/rest/" + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Linkedin-Version", c.cfg.Version)
	req.Header.Set("X-Restli-Protocol-Version", "2.0.0")
	b, err := c.send(req, endpoint)
	if err != nil {
		return nil, err
	}
	if b.status != http.StatusOK {
		err := c.fault(b)
		if spent, ok := errors.AsType[*dayLimit](err); ok {
			c.spent[q.name] = spent
		}
		return nil, err
	}
	c.renewed = false // the token is good
	return c.read(b)
}

// body is an answer, read whole.
type body struct {
	endpoint string
	oauth    bool // of the token endpoint
	status   int
	header   http.Header
	bytes    []byte
}

// send makes a request and reads the answer to its end.
func (c *Collector) send(req *http.Request, endpoint string) (*body, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		if ctxErr := req.Context().Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, fmt.Errorf("%s: answer with status %d breaks off after %d bytes: %w", endpoint, resp.StatusCode, len(data), c.bare(err))
	}
	return &body{endpoint: endpoint, status: resp.StatusCode, header: resp.Header, bytes: data}, nil
}

// read checks that an answer is an object. One that is cut off is retried.
func (c *Collector) read(b *body) (*answer, error) {
	a := &answer{endpoint: b.endpoint, body: bytes.TrimSpace(b.bytes)}
	if t, err := http.ParseTime(b.header.Get("Date")); err == nil {
		a.date = t.UTC()
	}
	var object struct{} // members are read by whoever asked
	err := json.Unmarshal(a.body, &object)
	syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(a.body) == 0, isSyntax && syntax.Offset >= int64(len(a.body)):
		return nil, fmt.Errorf("%s: answer is cut off: JSON ends unfinished after %d bytes", b.endpoint, len(b.bytes))
	case isSyntax:
		return nil, fmt.Errorf("%s: answer is not JSON but %d bytes of %q", b.endpoint, len(b.bytes), collectors.Clip(c.words(b.header.Get("Content-Type")), 60))
	case err != nil || a.body[0] != '{':
		return nil, &collectors.Malformed{Field: b.endpoint + " answer", Err: errors.New("want an object")}
	}
	return a, nil
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }

// words makes text of the server fit for a log line.
func (c *Collector) words(s string) string { return c.scrubber.Words(s) }

// scrub has all secrets that are known now taken out of texts.
func (c *Collector) scrub() {
	c.scrubber = collectors.NewScrubber(
		c.cfg.Token, c.cfg.ClientSecret, c.cfg.RefreshToken,
		collectors.Secret(c.session.Access), collectors.Secret(c.session.Refresh),
	)
}
