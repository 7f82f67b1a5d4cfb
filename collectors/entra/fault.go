package entra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors"
)

// codeNoLicence is Graph's code where a tenant has no licence for sign-ins.
const codeNoLicence = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

// APIError is what Microsoft said when it refused a request. It lies in the
// chain of every *collectors.RateLimited and *collectors.Forbidden.
type APIError struct {
	Endpoint string // "GET /v1.0/auditLogs/signIns"
	Status   int    // HTTP status
	Code     string // "Authorization_RequestDenied", "invalid_client"
	Message  string // Microsoft's words, shortened and without secrets
	ID       string // request-id, for Microsoft's support; empty if none

	aadsts []int // codes of the token endpoint
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, " (request id %s)", e.ID)
	}
	return b.String()
}

// describe reads an error body; what is not JSON is quoted.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status, ID: collectors.Clip(c.words(b.header.Get("Request-Id")), 60)}
	if b.token {
		var told struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
			Codes       []int  `json:"error_codes"`
		}
		if json.Unmarshal(b.bytes, &told) == nil {
			e.Code, e.aadsts = told.Code, told.Codes
			e.Message, _, _ = strings.Cut(told.Description, "\r\n") // trace ids follow
		}
	} else {
		var told struct {
			Error struct {
				Code    string `json:"code"`
				Message string `json:"message"`
			} `json:"error"`
		}
		if json.Unmarshal(b.bytes, &told) == nil {
			e.Code, e.Message = told.Error.Code, told.Error.Message
		}
	}
	e.Code = collectors.Clip(c.words(e.Code), 80)
	if e.Message == "" {
		e.Message = http.StatusText(b.status)
		if len(b.bytes) > 0 && e.Code == "" {
			e.Message += ": " + c.quote(b)
		}
	}
	e.Message = c.words(e.Message)
	return e
}

// words makes text of Microsoft fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not JSON begins.
func (c *Collector) quote(b *body) string {
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendSecret = "make a new client secret in the Entra admin center (App registrations, the application, Certificates and secrets) and put its value in place of this one: " +
		"a secret ends at a set date; check client_id and tenant too"
	mendTenant  = "check tenant: it is the id or a domain of the tenant in which the application is registered"
	mendToken   = "wait for the next poll, which asks for a new token; if it goes on, check that the application is enabled (Enterprise applications) and that no Conditional Access policy for workloads blocks it"
	mendConsent = "give the application the application permission AuditLog.Read.All of Microsoft Graph, and have an administrator consent to it " +
		"(App registrations, the application, API permissions); where Graph still asks for it, Directory.Read.All too"
	mendLicence = "get Microsoft Entra ID P1 or P2 for the tenant, without which Graph shows nobody's sign-ins, or set sign_ins: false to watch the directory's audits alone; " +
		"until then these are read and sign-ins are tried once a day"
	mendPath    = "check base_url and login_url: there is no Microsoft Graph at that address; leave them out for the global cloud"
	mendRequest = "check backfill and overlap; if they are not configured, look for a newer Picket"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch {
	case b.status == http.StatusTooManyRequests:
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		return &collectors.RateLimited{Until: until, Err: e}
	case b.status >= 500:
		return e
	case b.status >= 300 && b.status < 400:
		return forbid(c.mendRedirect(b))
	case b.token && slices.ContainsFunc(e.aadsts, func(n int) bool { return n == 90002 || n == 900023 || n == 700016 }):
		return forbid(mendTenant)
	case b.token && b.status == http.StatusNotFound:
		return forbid(mendPath)
	case b.token:
		return forbid(mendSecret)
	case b.status == http.StatusUnauthorized:
		return forbid(mendToken)
	case e.Code == codeNoLicence:
		return forbid(mendLicence)
	case b.status == http.StatusForbidden:
		return forbid(mendConsent)
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
	return "check base_url and login_url: the answer points to " + to + ", and nothing is sent to an address that is not configured"
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }

// codeText writes an error code of a sign-in.
func codeText(code int) string { return strconv.Itoa(code) }
