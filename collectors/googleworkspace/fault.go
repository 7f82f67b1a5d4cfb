package googleworkspace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/picketd/picket/collectors"
)

// APIError is what Google said when it refused a request. It lies in the chain of
// every *collectors.RateLimited and *collectors.Forbidden.
type APIError struct {
	Endpoint string   // "GET activities of login"
	Status   int      // HTTP status
	Reasons  []string // "rateLimitExceeded", "SERVICE_DISABLED", "invalid_grant"
	Message  string   // Google's words, shortened and without secrets
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if len(e.Reasons) > 0 {
		fmt.Fprintf(&b, ", %s", strings.Join(e.Reasons, ", "))
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

func (e *APIError) reason(wanted ...string) bool {
	return slices.ContainsFunc(wanted, func(r string) bool { return slices.Contains(e.Reasons, r) })
}

// unprivileged reports whether the user of admin_email may not read reports: the
// Reports API says so with status 401, like that of a token that has ended, and
// only its words tell them apart.
func (e *APIError) unprivileged() bool {
	return e.Status == http.StatusUnauthorized && strings.Contains(e.Message, "not authorized to read activity records")
}

// describe reads an error body; what is not JSON is quoted.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status}
	if b.token {
		c.describeToken(e, b)
	} else {
		c.describeCall(e, b)
	}
	if e.Message == "" {
		e.Message = http.StatusText(b.status)
		if len(b.bytes) > 0 && len(e.Reasons) == 0 {
			e.Message += ": " + c.quote(b)
		}
	}
	e.Message = c.words(e.Message)
	for i, r := range e.Reasons {
		e.Reasons[i] = collectors.Clip(c.words(r), 60)
	}
	return e
}

// describeToken reads an error of the token endpoint (RFC 6749, 5.2).
func (c *Collector) describeToken(e *APIError, b *body) {
	var told struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(b.bytes, &told) == nil && told.Code != "" {
		e.Reasons, e.Message = []string{told.Code}, told.Description
	}
}

// describeCall reads an error of the API with Google's library.
func (c *Collector) describeCall(e *APIError, b *body) {
	err := googleapi.CheckResponse(&http.Response{
		StatusCode: b.status, Header: b.header, Body: io.NopCloser(bytes.NewReader(b.bytes)),
	})
	told, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return
	}
	e.Message = told.Message
	for _, item := range told.Errors {
		if item.Reason != "" {
			e.Reasons = append(e.Reasons, item.Reason)
		}
	}
	for _, detail := range told.Details {
		if info, ok := detail.(map[string]any); ok {
			if r, ok := info["reason"].(string); ok {
				e.Reasons = append(e.Reasons, r)
			}
		}
	}
	e.Reasons = slices.Compact(e.Reasons)
}

// words makes text of Google fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not JSON begins.
func (c *Collector) quote(b *body) string {
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendDelegation = "in the Admin console, under Security, Access and data control, API controls, Domain-wide delegation, add the service account's client id with the one scope " +
		Scope + "; a change there may take a day to work"
	mendKey = "check that admin_email is an active user of the organisation, that the service account's key was neither deleted nor disabled " +
		"(Google Cloud console, IAM and admin, Service accounts, Keys), and that this machine's clock is right; else make a new key and put it in place of this one"
	mendAdmin   = "give the user of admin_email an administrator role with the privilege Reports (Admin console, Account, Admin roles); a super administrator has it"
	mendEnable  = "enable the Admin SDK API in the service account's project (Google Cloud console, APIs and services), and wait some minutes"
	mendPath    = "check base_url: there is no Admin SDK API at that address; leave it out for Google's own"
	mendRequest = "check that this machine's clock is right, and backfill and overlap; if they are not configured, look for a newer Picket"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch {
	case b.status == http.StatusTooManyRequests, e.reason("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
		"dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"):
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		return &collectors.RateLimited{Until: until, Err: e}
	case b.status >= 500:
		return e
	case b.status >= 300 && b.status < 400:
		return forbid(c.mendRedirect(b))
	case b.token && e.reason("unauthorized_client", "access_denied", "invalid_scope"):
		return forbid(mendDelegation)
	case b.token:
		return forbid(mendKey)
	case e.unprivileged():
		return forbid(mendAdmin)
	case b.status == http.StatusUnauthorized:
		return forbid(mendKey)
	case b.status == http.StatusForbidden && e.reason("accessNotConfigured", "SERVICE_DISABLED"):
		return forbid(mendEnable)
	case b.status == http.StatusForbidden && e.reason("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"):
		return forbid(mendDelegation)
	case b.status == http.StatusForbidden:
		return forbid(mendAdmin)
	case b.status == http.StatusNotFound, b.status == http.StatusGone, b.status == http.StatusMethodNotAllowed:
		return forbid(mendPath)
	case b.status == http.StatusBadRequest:
		return forbid(mendRequest)
	}
	return e
}

// mendRedirect names where an answer points; a token does not go there by
// itself.
func (c *Collector) mendRedirect(b *body) string {
	to := c.scrubber.Elsewhere(b.header)
	if to == "" {
		return mendPath
	}
	return "check base_url: the answer points to " + to + ", and a token is sent to no address that is not configured"
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }
