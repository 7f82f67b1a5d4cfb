package x

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// APIError is what X said when it refused a request, or a part of one. It lies
// in the chain of every *collectors.RateLimited and *collectors.Forbidden.
type APIError struct {
	Endpoint string // "GET /2/users/1/tweets"
	Status   int    // HTTP status, 200 where only a part was refused
	Code     int    // error code of API v1.1, 0 if none
	Type     string // last part of the problem type of API v2, "resource-not-found"
	Title    string
	Detail   string // X's words, shortened and without secrets
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Code != 0 {
		fmt.Fprintf(&b, ", code %d", e.Code)
	}
	if e.Type != "" && e.Type != "about:blank" {
		fmt.Fprintf(&b, ", %s", e.Type)
	}
	if e.Title != "" {
		fmt.Fprintf(&b, ": %s", e.Title)
	}
	if e.Detail != "" && e.Detail != e.Title {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	return b.String()
}

// problem is an error object of API v2. Parts that X gives other types at times
// are raw.
type problem struct {
	Type         string          `json:"type"`
	Title        string          `json:"title"`
	Detail       string          `json:"detail"`
	Reason       string          `json:"reason"`
	Parameter    string          `json:"parameter"`
	ResourceType string          `json:"resource_type"`
	ResourceID   string          `json:"resource_id"`
	Section      string          `json:"section"`
	Value        json.RawMessage `json:"value"`
}

// kind returns the last part of the problem's type. Its host is api.twitter.com
// in older answers and api.x.com in newer ones.
func (p *problem) kind() string {
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}

// errorBody is an error answer of either version.
type errorBody struct {
	problem
	Errors []struct {
		problem
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
	Error string `json:"error"` // v1.1, protected timelines: "Not authorized."
}

// describe reads an error body of any form; what is not JSON is quoted.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status}
	var eb errorBody
	if err := json.Unmarshal(b.bytes, &eb); err != nil && eb.Title == "" && len(eb.Errors) == 0 {
		e.Title = http.StatusText(b.status)
		if len(b.bytes) > 0 {
			e.Detail = c.quote(b)
		}
		return e
	}
	e.Type, e.Title, e.Detail = eb.kind(), eb.Title, eb.Detail
	if len(eb.Errors) > 0 {
		first := eb.Errors[0]
		e.Code = first.Code
		e.Type = cmp.Or(e.Type, first.kind())
		e.Title = cmp.Or(e.Title, first.Title)
		if e.Detail == "" || first.Message != "" {
			e.Detail = strings.TrimSpace(e.Detail + " " + first.Message + " " + first.Detail)
		}
	}
	e.Detail = cmp.Or(e.Detail, eb.Error)
	e.Title = cmp.Or(e.Title, http.StatusText(b.status))
	e.Type, e.Title, e.Detail = c.words(e.Type), c.words(e.Title), c.words(e.Detail)
	return e
}

// words makes text of X fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not JSON begins.
func (c *Collector) quote(b *body) string {
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendCredential = "check the credential at console.x.com: regenerate it if it was revoked, and give all values of the same app and account"
	mendClock      = "set this machine's clock: X refuses OAuth 1.0a signatures made minutes off"
	mendAccess     = "set api: v2, since today's credentials do not reach API v1.1; if it is v2 already, attach the app to a project with access to these endpoints at console.x.com (access level)"
	mendCredit     = "buy credits or raise the spending limit at console.x.com; until then X answers nothing"
	mendCap        = "wait for the next billing month or ask X for a higher cap: this app's monthly cap of post reads is used up"
	mendSuspended  = "find out why at x.com/account/access: X has suspended or locked the account"
	mendProtected  = "connect with OAuth 1.0a of the account itself or of a follower: its posts are protected"
	mendNotFound   = "check user_id and username: X knows no such account, it may have been renamed, deactivated or deleted"
	mendPath       = "check base_url and api: there is no such path at that address"
	mendRequest    = "check fields_param (tweet.fields or post.fields) against X's current documentation, and look for a newer Picket"
	mendRefused    = "check at console.x.com that the app may read this account"
)

// Error codes of API v1.1 (developer.x.com, support/x-api/error-troubleshooting,
// a page without a date).
const (
	codeBadAuth       = 32
	codeUserSuspended = 63
	codeAppSuspended  = 64
	codeLimited       = 88
	codeBadToken      = 89
	codeClock         = 135
	codeNoStatus      = 144
	codeNotVisible    = 179
	codeNoAuthData    = 215
	codeLocked        = 326
	codeAccessLevel   = 453
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch {
	case b.status >= 500:
		return e
	case e.Type == "usage-capped" || e.Title == "UsageCapExceeded":
		return forbid(mendCap)
	case b.status == http.StatusTooManyRequests, b.status == 420, e.Code == codeLimited:
		return &collectors.RateLimited{Until: retryAt(b, c.deps.Now()), Err: e}
	case b.status == http.StatusPaymentRequired, e.Type == "credits":
		return forbid("credit exhausted: " + mendCredit)
	case e.Code == codeClock:
		return forbid(mendClock)
	case e.Code == codeAccessLevel, e.Type == "client-forbidden", e.Type == "unsupported-authentication":
		return forbid(mendAccess)
	case e.Code == codeUserSuspended, e.Code == codeAppSuspended, e.Code == codeLocked:
		return forbid(mendSuspended)
	case e.Code == codeNotVisible, e.Type == "not-authorized-for-resource",
		b.status == http.StatusUnauthorized && e.Detail == "Not authorized.":
		return forbid(mendProtected)
	case b.status == http.StatusUnauthorized, e.Code == codeBadAuth, e.Code == codeBadToken, e.Code == codeNoAuthData:
		return forbid(mendCredential)
	case b.status == http.StatusForbidden:
		return forbid(mendRefused)
	case b.status == http.StatusNotFound && e.Type == "" && e.Code == 0:
		return forbid(mendPath) // X names what is missing when it knows the path
	case b.status == http.StatusNotFound:
		return forbid(mendNotFound)
	case b.status == http.StatusBadRequest:
		return forbid(mendRequest)
	}
	return e
}

// refusal turns a problem inside an answer with status 200 that has no data
// into the error that says what to do. What X cannot do just now is retried.
func (c *Collector) refusal(b *body, p *problem) error {
	e := &APIError{
		Endpoint: b.endpoint, Status: b.status,
		Type: c.words(p.kind()), Title: c.words(p.Title), Detail: c.words(p.Detail),
	}
	switch {
	case strings.Contains(strings.ToLower(p.Detail), "suspended"):
		return &collectors.Forbidden{Mend: mendSuspended, Err: e}
	case e.Type == "not-authorized-for-resource":
		return &collectors.Forbidden{Mend: mendProtected, Err: e}
	case e.Type == "resource-not-found":
		return &collectors.Forbidden{Mend: mendNotFound, Err: e}
	case p.Title == "Forbidden" || e.Type == "disallowed-resource":
		return &collectors.Forbidden{Mend: mendRefused, Err: e}
	}
	return e
}

// retryAt tells by our clock when the limit that an answer reports ends: what
// its ordinary headers say, or the end of a day's window if that is used up.
// It is zero when X says nothing.
func retryAt(b *body, now time.Time) time.Time {
	until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, now)
	var ahead time.Duration // of our clock before X's
	if !b.date.IsZero() {
		ahead = now.Sub(b.date)
	}
	for _, window := range []string{"x-app-limit-24hour", "x-user-limit-24hour"} {
		sec, err := strconv.ParseInt(b.header.Get(window+"-reset"), 10, 64)
		if err != nil || b.header.Get(window+"-remaining") != "0" {
			continue
		}
		if t := time.Unix(sec, 0).UTC().Add(ahead); t.After(until) {
			until = t
		}
	}
	return until
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
		return fmt.Errorf("%s: %w but %d bytes of %q", b.endpoint, errNotJSON, len(b.bytes), collectors.Clip(b.header.Get("Content-Type"), 60))
	}
	return nil
}

// unreadable tells an answer that is cut off from one that X made otherwise
// than it documents. The first is retried, and so is the second, but as a fault
// that somebody has to look at.
func unreadable(b *body, err error) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case !ok:
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: err}
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
