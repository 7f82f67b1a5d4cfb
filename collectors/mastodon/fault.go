package mastodon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// APIError is what a server said when it refused a request. It lies in the
// chain of every *collectors.RateLimited and *collectors.Forbidden that an
// answer led to.
type APIError struct {
	Endpoint string // "GET /api/v1/accounts/1/statuses"
	Status   int    // HTTP status, 200 where the answer says that the account is suspended
	// Message is the server's own "error", shortened and without the token;
	// empty where the answer was not in the API's form.
	Message string
	Detail  string // "error_description", or how another answer begins
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Message == "" {
		fmt.Fprintf(&b, ": %s", http.StatusText(e.Status))
	} else {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	return b.String()
}

// maxDetail bounds what of a server's words is repeated, in bytes.
const maxDetail = 300

// describe reads an error body; what is not JSON is quoted.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status}
	var said struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(b.bytes, &said); err == nil && said.Error != "" {
		e.Message, e.Detail = c.words(said.Error), c.words(said.Description)
	} else if len(b.bytes) > 0 {
		e.Detail = c.quote(b)
	}
	return e
}

// printable replaces control characters by spaces, line feeds excepted.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return ' '
	}
	return r
}

// words makes text of a server fit for a log line: without the token and
// control characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not of the API begins.
func (c *Collector) quote(b *body) string {
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendLogin     = "give the account a token: this server shows nothing without a login (limited federation mode, or unauthenticated API access switched off); make one there under Preferences, Development, with the scopes read:accounts and read:statuses"
	mendToken     = "make a new token on the server under Preferences, Development: this one was revoked, has expired or is of another server"
	mendUserToken = "give a token that a person's account made under Preferences, Development: this one is of an application without an account"
	mendScope     = "make the token anew with the scopes read:accounts and read:statuses, and read:notifications where mentions are wanted"
	mendLocked    = "log in on the server with the account that made the token and see what it asks for: it is disabled, not confirmed or not approved yet"
	mendBlocked   = "ask the server's administrators: they may have blocked this machine's address; where the server wants a login, give the account a token"
	mendRefused   = "ask the server's administrators: the token is good, but they or the account refuse it"
	mendNotFound  = "check server and name: the server knows no such account; it may have been renamed, moved or deleted, or never been seen there if it is of another server"
	mendSuspended = "find out why from the server's administrators: they have suspended the account, or it was deleted"
	mendPath      = "check server: what answers at that address does not speak Mastodon's API; it is the address of the web pages that is wanted, which can differ from the part after the @"
	mendRequest   = "look for a newer Picket: the server does not understand a documented request"
)

// fault turns an answer that is no success into the error that says what to do.
// What Mastodon answers when is in entities/Error; its texts are in the
// server's language, so they decide only between mendings.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	forbid := func(mend string) error { return &collectors.Forbidden{Mend: mend, Err: e} }
	switch b.status {
	case http.StatusTooManyRequests:
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		return &collectors.RateLimited{Until: until, Err: e}
	case http.StatusUnauthorized:
		return forbid(c.mendUnauthorized(e))
	case http.StatusForbidden:
		return forbid(c.mendForbidden(e))
	case http.StatusNotFound:
		if e.Message == "" {
			return forbid(mendPath) // Mastodon's API says what it did not find
		}
		return forbid(mendNotFound)
	case http.StatusGone:
		return forbid(mendSuspended)
	case http.StatusUnprocessableEntity:
		if strings.Contains(e.Message, "authenticated user") {
			return forbid(c.mendUnauthorized(e))
		}
		return forbid(mendRequest)
	case http.StatusBadRequest:
		return forbid(mendRequest)
	}
	return e
}

func (c *Collector) mendUnauthorized(e *APIError) string {
	switch {
	case c.cfg.Token == "":
		return mendLogin
	case strings.Contains(e.Message, "authenticated user"):
		return mendUserToken
	case strings.Contains(e.Message, "scope"): // of streams, where all else answers 403
		return mendScope
	}
	return mendToken
}

func (c *Collector) mendForbidden(e *APIError) string {
	switch {
	case strings.Contains(e.Message, "scope"):
		return mendScope
	case strings.Contains(e.Message, "Your login"):
		return mendLocked
	case c.cfg.Token == "":
		return mendBlocked
	}
	return mendRefused
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

// unreadable tells an answer that is cut off from one that the server made
// otherwise than documented. The first is retried, and so is the second, but as
// a fault that somebody has to look at. At is how far it was read.
func unreadable(b *body, err error, at int64) error {
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	length := int64(len(bytes.TrimRight(b.bytes, " \t\r\n")))
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), ok && at == 0 && syntax.Offset >= length:
		announced, err := strconv.ParseInt(b.header.Get("Content-Length"), 10, 64)
		if err != nil {
			announced = 0
		}
		return fmt.Errorf("%s: %w: JSON ends unfinished after %s", b.endpoint, errCut, collectors.Extent(len(b.bytes), announced))
	case !ok:
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: err}
	}
	return fmt.Errorf("%s: %w: after byte %d of %d: %w", b.endpoint, errNotJSON, max(at, syntax.Offset), len(b.bytes), err)
}
