package okta

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/picketd/picket/collectors"
)

// APIError is what Okta said when it refused a request. It lies in the chain of
// every *collectors.RateLimited and *collectors.Forbidden.
type APIError struct {
	Endpoint string // "GET /api/v1/logs"
	Status   int    // HTTP status
	Code     string // "E0000011", empty if none
	Summary  string // Okta's words, shortened and without secrets
	ID       string // for Okta's support, empty if none
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Summary != "" {
		fmt.Fprintf(&b, ": %s", e.Summary)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, " (error id %s)", e.ID)
	}
	return b.String()
}

// errorBody is Okta's error object.
type errorBody struct {
	Code    string `json:"errorCode"`
	Summary string `json:"errorSummary"`
	ID      string `json:"errorId"`
	Causes  []struct {
		Summary string `json:"errorSummary"`
	} `json:"errorCauses"`
}

// describe reads an error body; what is not JSON is quoted.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status}
	var eb errorBody
	if err := json.Unmarshal(b.bytes, &eb); err != nil && eb.Code == "" && eb.Summary == "" {
		e.Summary = http.StatusText(b.status)
		if len(b.bytes) > 0 {
			e.Summary += ": " + c.quote(b)
		}
		return e
	}
	e.Code, e.Summary, e.ID = collectors.Clip(c.words(eb.Code), 40), eb.Summary, collectors.Clip(c.words(eb.ID), 80)
	for _, cause := range eb.Causes {
		if !strings.Contains(e.Summary, cause.Summary) {
			e.Summary += " " + cause.Summary
		}
	}
	e.Summary = cmp.Or(e.Summary, http.StatusText(b.status))
	e.Summary = c.words(e.Summary)
	return e
}

// words makes text of Okta fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not JSON begins.
func (c *Collector) quote(b *body) string {
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendToken = "make a new API token in the Admin Console (Security, API, Tokens) as a user with the role Read-Only Administrator, and put it in place of this one: " +
		"a token ends when it is revoked, when its user is deactivated and after 30 days without use; check base_url too, a token is of one organisation"
	mendRole    = "give the token's user the role Read-Only Administrator (the right that OAuth 2.0 calls okta.logs.read), and check under Security, API, Tokens that the token may be used from this machine's network"
	mendPath    = "check base_url: there is no System Log API at that address; it is the organisation's URL without a path, such as https://acme.okta.com"
	mendRequest = "check filter against Okta's documentation of System Log queries; if none is configured, look for a newer Picket"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch {
	case b.status >= 500:
		return e
	case b.status == http.StatusTooManyRequests:
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		return &collectors.RateLimited{Until: until, Err: e}
	case b.status == http.StatusUnauthorized:
		return forbid(mendToken)
	case b.status == http.StatusForbidden:
		return forbid(mendRole)
	case b.status == http.StatusNotFound, b.status == http.StatusGone, b.status == http.StatusMethodNotAllowed:
		return forbid(mendPath)
	case b.status == http.StatusBadRequest:
		return forbid(mendRequest)
	case b.status >= 300 && b.status < 400:
		return forbid(c.mendRedirect(b))
	}
	return e
}

// mendRedirect names where an answer points; the token does not go there by
// itself.
func (c *Collector) mendRedirect(b *body) string {
	u, err := c.base.Parse(b.header.Get("Location"))
	if err != nil || u.Host == "" || u.Host == c.base.Host && u.Scheme == c.base.Scheme {
		return mendPath
	}
	return fmt.Sprintf("make %s the base_url if it is the organisation's: %s redirects there, and the token is sent to no address that is not configured",
		collectors.Clip(c.words(u.Scheme+"://"+u.Host), 120), c.base.Host)
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }
