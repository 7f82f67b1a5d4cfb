package reddit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// APIError is what Reddit said when it refused a request. It lies in the chain
// of every *collectors.RateLimited and *collectors.Forbidden that an answer led
// to.
type APIError struct {
	Endpoint string // "GET /user/acme/submitted"
	Status   int    // HTTP status
	Reason   string // "private", "banned", "insufficient_scope", "invalid_grant"
	Message  string // Reddit's words, shortened and without secrets

	foreign bool // not in the API's own language: of what lies before it
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Reason != "" {
		fmt.Fprintf(&b, ", %s", e.Reason)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

// maxWords bounds what of Reddit's words is repeated, in bytes.
const maxWords = 300

// describe reads an error's body; what is not JSON is quoted.
func (c *Collector) describe(b *body) (e *APIError, isJSON bool) {
	e = &APIError{Endpoint: b.endpoint, Status: b.status}
	var told struct {
		Error       any    `json:"error"` // the status, or a word where it is about a grant
		Description string `json:"error_description"`
		Message     string `json:"message"`
		Reason      string `json:"reason"`
	}
	isJSON = json.Unmarshal(b.bytes, &told) == nil
	e.foreign = !isJSON
	e.Reason, e.Message = told.Reason, told.Message
	if word, ok := told.Error.(string); ok {
		e.Reason, e.Message = word, told.Description
	}
	for _, name := range []string{"insufficient_scope", "invalid_token"} {
		if strings.Contains(b.header.Get("WWW-Authenticate"), name) {
			e.Reason = name
		}
	}
	if e.Message == "" {
		e.Message = http.StatusText(b.status)
		if len(b.bytes) > 0 && !isJSON {
			e.Message += ": " + c.quote(b)
		}
	}
	e.Message, e.Reason = c.words(e.Message), collectors.Clip(c.words(e.Reason), 60)
	return e, isJSON
}

// words makes text of Reddit fit for a log line: without secrets and control
// characters, and not long.
func (c *Collector) words(text string) string { return c.scrubber.Words(text) }

// quote shows how an answer that is not JSON begins; not where it may hold a token
// that nobody knows yet.
func (c *Collector) quote(b *body) string {
	if b.token && b.status == http.StatusOK {
		return fmt.Sprintf("%d bytes of %s", len(b.bytes), collectors.Clip(c.words(cmp.Or(b.header.Get("Content-Type"), "no content type")), 60))
	}
	return c.scrubber.Quote(b.header, b.bytes)
}

// What a person does about each refusal.
const (
	mendClient = "check client_id and client_secret: Reddit does not know this app, or it was deleted; copy both anew from www.reddit.com/prefs/apps"
	mendGrant  = "the refresh token was revoked or is of another app: have the account's owner make another, with duration=permanent; " +
		"a changed password revokes none, the account's owner can at www.reddit.com/prefs/apps"
	mendPassword = "check password: it is not that of the account, the account has a second factor, or is no developer of the app; better give a refresh_token"
	mendScript   = "Reddit takes a password of apps of type script only: make one at www.reddit.com/prefs/apps, or give a refresh_token"
	mendScope    = "the grant lacks a right that is asked for: have the account's owner make another refresh token with the scopes that picket connect reddit names"
	mendToken    = "Reddit does not take the access token that it has just given: check that base_url and token_url belong together, and that the account is not suspended"
	mendUser     = "check the account's name; if it is right, Reddit has suspended or hidden the account, was deleted, or it blocks the account of the token: its owner sees why at www.reddit.com"
	mendLog      = "the account must be a moderator of %s, and the grant have the scope modlog; take the subreddit out of moderates where it is none any more"
	mendInbox    = "the grant must be the account's own, with the scope privatemessages; or set mentions: false"
	mendBlocked  = "Reddit's front door refuses this machine's address or its User-Agent: see that no proxy changes it, and that the app was approved for the API (support.reddithelp.com, Responsible Builder Policy)"
	mendPath     = "check base_url and token_url: there is no Reddit API at that address; leave them out for Reddit's own"
	mendNewer    = "Reddit does not take this request; check base_url, and look for a newer Picket"
	mendRefused  = "check that this grant may read the account; what Reddit says of it stands before"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e, isJSON := c.describe(b)
	switch {
	case b.status == http.StatusTooManyRequests:
		until := collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, c.deps.Now())
		if !until.IsZero() {
			until = until.Add(time.Second) // Reddit tells whole seconds, rounded down
		}
		return &collectors.RateLimited{Until: until, Err: e}
	case b.status >= 500:
		return e
	}
	mend := c.mend(b, e, isJSON)
	if mend == "" {
		return e
	}
	return &collectors.Forbidden{Mend: mend, Err: e}
}

// mend returns what a person does about a refusal, empty where it is none.
func (c *Collector) mend(b *body, e *APIError, isJSON bool) string {
	switch {
	case b.status >= 300 && b.status < 400:
		return c.mendRedirect(b)
	case b.status == http.StatusForbidden && !isJSON:
		return mendBlocked
	case b.token:
		return c.mendOfToken(b, e)
	case e.Reason == "insufficient_scope":
		return mendScope
	case b.status == http.StatusUnauthorized:
		return mendToken
	case strings.HasSuffix(b.endpoint, "/about/log") && (b.status == http.StatusForbidden || b.status == http.StatusNotFound):
		return fmt.Sprintf(mendLog, strings.TrimSuffix(strings.TrimPrefix(b.endpoint, "GET /"), "/about/log"))
	case strings.HasSuffix(b.endpoint, "/message/inbox") && b.status == http.StatusForbidden:
		return mendInbox
	case strings.Contains(b.endpoint, "/user/") && isJSON && (b.status == http.StatusForbidden || b.status == http.StatusNotFound):
		return mendUser
	case b.status == http.StatusForbidden:
		return mendRefused
	case b.status == http.StatusNotFound, b.status == http.StatusGone, b.status == http.StatusMethodNotAllowed:
		return mendPath
	case b.status >= 400:
		return mendNewer
	}
	return ""
}

func (c *Collector) mendOfToken(b *body, e *APIError) string {
	switch {
	case b.status == http.StatusUnauthorized:
		return mendClient
	case b.status == http.StatusNotFound:
		return mendPath
	case e.Reason == "unauthorized_client":
		return mendScript
	case e.Reason == "invalid_scope", e.Reason == "unsupported_grant_type":
		return mendNewer
	case c.cfg.RefreshToken == "":
		return mendPassword
	}
	return mendGrant
}

// mendRedirect names where an answer points; a token does not go there by
// itself.
func (c *Collector) mendRedirect(b *body) string {
	to := c.scrubber.Elsewhere(b.header)
	if to == "" {
		return mendPath
	}
	return "check base_url and token_url: the answer points to " + to + ", and a token is sent to no address that is not configured"
}

// bare is err as it may be printed: without the URL of net/http, which callers
// name, and without secrets.
func (c *Collector) bare(err error) error { return c.scrubber.Bare(err) }

// scrub has all secrets that are known now taken out of texts.
func (c *Collector) scrub() {
	c.scrubber = collectors.NewScrubber(
		c.cfg.ClientSecret, c.cfg.RefreshToken, c.cfg.Password,
		collectors.Secret(c.session.Access), collectors.Secret(c.session.Refresh),
	)
}
