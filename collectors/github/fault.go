package github

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// APIError is what GitHub said when it refused a request. It lies in the chain
// of every *collectors.RateLimited and *collectors.Forbidden.
type APIError struct {
	Endpoint string // "GET /orgs/acme/audit-log"
	Status   int    // HTTP status
	Message  string // GitHub's words, shortened and without secrets
	Request  string // for GitHub's support, empty if none
}

func (e *APIError) Error() string {
	text := fmt.Sprintf("%s: status %d: %s", e.Endpoint, e.Status, e.Message)
	if e.Request != "" {
		text += " (request " + e.Request + ")"
	}
	return text
}

// errorBody is GitHub's error object; errors holds objects or texts.
type errorBody struct {
	Message string            `json:"message"`
	Errors  []json.RawMessage `json:"errors"`
	Docs    string            `json:"documentation_url"`
}

// maxErrorBody bounds what of GitHub's words is read, in bytes.
const maxErrorBody = 64 << 10

// describe reads an error body; what is not JSON is quoted.
func (c *Collector) describe(endpoint string, resp *http.Response) (*APIError, errorBody) {
	e := &APIError{Endpoint: endpoint, Status: resp.StatusCode, Request: collectors.Clip(c.words(resp.Header.Get("X-Github-Request-Id")), 80)}
	// The library keeps the body of a refusal in memory; one that broke off is
	// told as far as it came.
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	var eb errorBody
	if err := json.Unmarshal(data, &eb); err != nil && eb.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
		if len(data) > 0 {
			e.Message += ": " + c.scrubber.Quote(resp.Header, data)
		}
		return e, eb
	}
	e.Message = eb.Message
	for _, more := range eb.Errors {
		e.Message += " " + string(more)
	}
	e.Message = cmp.Or(e.Message, http.StatusText(resp.StatusCode))
	e.Message = c.words(e.Message)
	return e, eb
}

// words makes text of GitHub fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// What a person does about each refusal.
const (
	mendToken = "make a new personal access token and put it in place of this one: a token ends at its date, when it is revoked and after a year without use; check base_url too, a token is of one server"
	mendRole  = "let an owner of the organisation make the token, with the scope read:audit_log (classic; of an enterprise too) or with the organisation permission Administration: read (fine-grained, approved for the organisation), " +
		"and check that an IP allow list lets this machine in"
	mendPath = "check org or enterprise, and that the token's user is an owner there: GitHub answers so also where the token may not know of the log, " +
		"and where there is none. Only GitHub Enterprise Cloud and Enterprise Server have the audit log's API; on a server of one's own base_url ends in /api/v3"
	mendRequest = "look for a newer Picket: GitHub does not take its question"
)

// secondaryWait is how long to wait after a secondary limit that names no time.
const secondaryWait = time.Minute

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(endpoint string, resp *http.Response) error {
	e, body := c.describe(endpoint, resp)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch status := resp.StatusCode; {
	case status >= 500:
		return e
	case status == http.StatusTooManyRequests, status == http.StatusForbidden && limited(resp.Header, body):
		return &collectors.RateLimited{Until: c.until(resp), Err: e}
	case status == http.StatusUnauthorized:
		return forbid(mendToken)
	case status == http.StatusForbidden:
		return forbid(c.mendForbidden(resp.Header))
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusMethodNotAllowed:
		return forbid(mendPath)
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return forbid(mendRequest)
	case status >= 300 && status < 400:
		return forbid(c.mendRedirect(resp.Header))
	}
	return e
}

// limited tells a 403 that means "wait" from one that means "no": the first
// has no request left, names a time, or says so.
func limited(h http.Header, body errorBody) bool {
	return h.Get("X-Ratelimit-Remaining") == "0" || h.Get("Retry-After") != "" ||
		strings.Contains(body.Docs, "rate-limit") || strings.Contains(strings.ToLower(body.Message), "rate limit")
}

// until is when the next request may be made: where requests of the hour are
// left it is a secondary limit, to which the hour's end says nothing; GitHub
// asks to wait a minute where such a one names no time.
func (c *Collector) until(resp *http.Response) time.Time {
	now := c.deps.Now()
	if resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		return collectors.RetryAt(resp, now)
	}
	named := http.Header{"Retry-After": resp.Header.Values("Retry-After"), "Date": resp.Header.Values("Date")}
	if until := collectors.RetryAt(&http.Response{StatusCode: resp.StatusCode, Header: named}, now); !until.IsZero() {
		return until
	}
	return now.Add(secondaryWait)
}

// mendForbidden names the page at which a token is let into an organisation
// with single sign-on.
func (c *Collector) mendForbidden(h http.Header) string {
	what, where, ok := strings.Cut(h.Get("X-Github-Sso"), "url=")
	if !ok || !strings.HasPrefix(what, "required") {
		return mendRole
	}
	u, err := url.Parse(where)
	if err != nil || u.Host == "" {
		return mendRole
	}
	// The query holds a request for this token only; the page works without.
	return "the organisation asks for single sign-on: let the token in under Configure SSO in the list of tokens, or at " +
		collectors.Clip(c.words(u.Scheme+"://"+u.Host+u.Path), 200)
}

// mendRedirect names where an answer points; the token does not go there by
// itself.
func (c *Collector) mendRedirect(h http.Header) string {
	u, err := c.base.Parse(h.Get("Location"))
	if err != nil || u.Host == "" {
		return mendPath
	}
	if u.Host == c.base.Host && u.Scheme == c.base.Scheme {
		return "check org and enterprise: it was renamed, and GitHub points to " + collectors.Clip(c.words(u.Path), 120)
	}
	return fmt.Sprintf("make %s the base_url if it is right: %s redirects there, and the token is sent to no address that is not configured",
		collectors.Clip(c.words(u.Scheme+"://"+u.Host), 120), c.base.Host)
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }
