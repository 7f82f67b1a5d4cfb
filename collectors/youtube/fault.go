package youtube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/picketd/picket/collectors"
)

// APIError is what Google said when it refused a request. It lies in the chain of
// every *collectors.RateLimited and *collectors.Forbidden that an answer led to.
type APIError struct {
	Endpoint string   // "GET videos"
	Status   int      // HTTP status
	Reasons  []string // "quotaExceeded", "commentsDisabled", "invalid_grant"
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

// refusedFor reports whether Google refused a request for one of these reasons.
func refusedFor(err error, reasons ...string) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.reason(reasons...)
}

// describe reads an error body with Google's library; what is not JSON is quoted.
// perDay says that a quota of a day was met.
func (c *Collector) describe(b *body) (e *APIError, perDay bool) {
	e = &APIError{Endpoint: b.endpoint, Status: b.status}
	if b.token {
		var told struct { // RFC 6749, 5.2
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(b.bytes, &told) == nil && told.Code != "" {
			e.Reasons, e.Message = []string{told.Code}, told.Description
		}
	} else {
		perDay = e.readCall(b)
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
	return e, perDay
}

// readCall reads an error of the API.
func (e *APIError) readCall(b *body) (perDay bool) {
	err := googleapi.CheckResponse(&http.Response{
		StatusCode: b.status, Header: b.header, Body: io.NopCloser(bytes.NewReader(b.bytes)),
	})
	told, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return false
	}
	e.Message = told.Message
	for _, item := range told.Errors {
		if item.Reason != "" {
			e.Reasons = append(e.Reasons, item.Reason)
		}
	}
	for _, detail := range told.Details {
		info, _ := detail.(map[string]any)
		if r, ok := info["reason"].(string); ok {
			e.Reasons = append(e.Reasons, r)
		}
		meta, _ := info["metadata"].(map[string]any)
		limit, _ := meta["quota_limit"].(string)
		perDay = perDay || strings.Contains(limit, "PerDay")
	}
	e.Reasons = slices.Compact(e.Reasons)
	return perDay || e.reason("quotaExceeded", "dailyLimitExceeded")
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
	mendKey     = "check api_key: make another in the Google Cloud console under APIs and services, Credentials, restricted to the YouTube Data API v3"
	mendBlocked = "the key's restrictions refuse this: in the Google Cloud console under APIs and services, Credentials, let the key call the YouTube Data API v3 from this machine's address"
	mendGrant   = "the refresh token was revoked or has ended (after seven days while the OAuth consent screen is in testing): " +
		"have the channel's owner make another with the scope " + Scope
	mendClient  = "check client_id and client_secret: Google does not know this OAuth client; copy both anew from the Google Cloud console"
	mendScope   = "have the channel's owner make another refresh token, with the scope " + Scope
	mendEnable  = "enable the YouTube Data API v3 in the project of the key or client (Google Cloud console, APIs and services), and wait some minutes"
	mendClosed  = "the channel or the Google account of the token was closed or suspended; its owner sees why at youtube.com and may appeal there"
	mendChannel = "check channel: give the id, UC and 22 characters, which YouTube Studio shows under Settings, Channel, Advanced; if it is right, the channel was closed, hidden or suspended"
	mendPath    = "check base_url: there is no YouTube Data API at that address; leave it out for Google's own"
	mendRefused = "check that this credential may read the channel: an API key shows what is public, a refresh token of the channel's owner the rest"
	mendNewer   = "YouTube does not take this request; check base_url, and look for a newer Picket"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e, perDay := c.describe(b)
	if b.status == http.StatusTooManyRequests || perDay || e.reason("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED") {
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		if perDay {
			until = nextMidnight(c.deps.Now())
		}
		return &collectors.RateLimited{Until: until, Err: e}
	}
	if b.status >= 500 {
		return e
	}
	mend := c.mend(b, e)
	if mend == "" {
		return e
	}
	return &collectors.Forbidden{Mend: mend, Err: e}
}

// mend returns what a person does about a refusal, empty where it is none.
func (c *Collector) mend(b *body, e *APIError) string {
	switch {
	case b.status >= 300 && b.status < 400:
		return c.mendRedirect(b)
	case b.token && e.reason("invalid_client", "unauthorized_client"):
		return mendClient
	case b.token && b.status >= 400:
		return mendGrant
	case e.reason("accessNotConfigured", "SERVICE_DISABLED"):
		return mendEnable
	case e.reason("keyInvalid", "API_KEY_INVALID", "keyExpired"):
		return mendKey
	case e.reason("ipRefererBlocked", "API_KEY_SERVICE_BLOCKED", "API_KEY_IP_ADDRESS_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED"):
		return mendBlocked
	case e.reason("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"):
		return mendScope
	case e.reason("channelClosed", "channelSuspended", "authenticatedUserAccountClosed", "authenticatedUserAccountSuspended"):
		return mendClosed
	case e.reason("channelNotFound", "playlistNotFound", "playlistItemsNotAccessible"):
		return mendChannel
	case b.status == http.StatusUnauthorized && c.cfg.RefreshToken != "":
		return mendGrant
	case b.status == http.StatusUnauthorized:
		return mendKey
	case b.status == http.StatusForbidden:
		return mendRefused
	case b.status == http.StatusNotFound, b.status == http.StatusGone, b.status == http.StatusMethodNotAllowed:
		return mendPath
	case b.status == http.StatusBadRequest && !e.reason("processingFailure"):
		return mendNewer
	}
	return ""
}

// mendRedirect names where an answer points; a token does not go there by
// itself.
func (c *Collector) mendRedirect(b *body) string {
	to := c.scrubber.Elsewhere(b.header)
	if to == "" {
		return mendPath
	}
	return "check base_url: the answer points to " + to + ", and a key or token is sent to no address that is not configured"
}

// zone is where YouTube's day of quota begins.
const zone = "America/Los_Angeles"

// nextMidnight returns when the day of quota ends. Where the machine knows no
// time zones it is the later of both that are possible.
func nextMidnight(now time.Time) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.FixedZone("PST", -8*3600)
	}
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, loc).UTC()
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }

// scrub has all secrets that are known now taken out of texts.
func (c *Collector) scrub() {
	c.scrubber = collectors.NewScrubber(
		c.cfg.APIKey, c.cfg.ClientSecret, c.cfg.RefreshToken,
		collectors.Secret(c.session.Access), collectors.Secret(c.session.Refresh),
	)
}
