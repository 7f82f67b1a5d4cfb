package linkedin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// APIError is what LinkedIn said when it refused a request. It lies in the chain
// of every *collectors.RateLimited and *collectors.Forbidden that an answer led to.
type APIError struct {
	Endpoint string // "GET /rest/posts"
	Status   int    // HTTP status
	Code     string // "ACCESS_DENIED", "invalid_request"; empty where the answer has none
	Service  int    // serviceErrorCode, 0 where the answer has none
	Message  string // shortened and without secrets

	foreign bool // not in the API's own language: of what lies before it
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Service != 0 {
		fmt.Fprintf(&b, ", serviceErrorCode %d", e.Service)
	}
	fmt.Fprintf(&b, ": %s", cmp.Or(e.Message, http.StatusText(e.Status)))
	return b.String()
}

// daily reports whether a limit of a day is used up. LinkedIn answers 429 also to
// protect itself, which passes by itself.
func (e *APIError) daily() bool {
	return e.Status == http.StatusTooManyRequests && strings.Contains(e.Message, " DAY ")
}

// revoked reports whether the access token is no good.
func (e *APIError) revoked() bool { return e.Status == http.StatusUnauthorized }

// isGone reports whether err is LinkedIn's word that there is no such object.
func isGone(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && !e.foreign && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// dayLimit says that what LinkedIn grants of one endpoint a day is used up. The
// others go on, so that it is no *collectors.RateLimited by itself.
type dayLimit struct {
	until time.Time
	err   *APIError
}

func (e *dayLimit) Error() string {
	return fmt.Sprintf("%v; it is asked again at %s, when LinkedIn's day begins", e.err, e.until.Format(time.RFC3339))
}

func (e *dayLimit) Unwrap() error { return e.err }

// asLimited turns a limit of a day into one that holds back the whole account.
func asLimited(err error) error {
	if spent, ok := errors.AsType[*dayLimit](err); ok {
		return &collectors.RateLimited{Until: spent.until, Err: spent.err}
	}
	return err
}

// nextMidnight returns when LinkedIn's day of limits ends.
func nextMidnight(now time.Time) time.Time {
	y, m, d := now.UTC().Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
}

// describe reads what an answer says went wrong.
func (c *Collector) describe(b *body) *APIError {
	e := &APIError{Endpoint: b.endpoint, Status: b.status}
	var said struct {
		Code        string      `json:"code"`
		Service     json.Number `json:"serviceErrorCode"`
		Message     string      `json:"message"`
		Error       string      `json:"error"` // of the token endpoint: RFC 6749, 5.2
		Description string      `json:"error_description"`
	}
	if json.Unmarshal(b.bytes, &said) != nil {
		e.Message, e.foreign = http.StatusText(b.status)+", and no JSON", true
		return e
	}
	service, err := said.Service.Int64()
	if err == nil {
		e.Service = int(service)
	}
	e.Code = collectors.Clip(c.words(cmp.Or(said.Code, said.Error)), 60)
	e.Message = c.words(cmp.Or(said.Message, said.Description))
	return e
}

// What a person does about each refusal.
const (
	mendExpired = "make a new access token: this one has expired, as all do after 60 days; with client_id, client_secret and refresh_token Picket makes them itself for a year"
	mendRevoked = "have a member who administers the page allow the app again and make a new token: this one was revoked, by the member under Settings, Data privacy, Other applications, or by LinkedIn"
	mendToken   = "check token: LinkedIn does not take it; have a member who administers the page make another"
	mendGrant   = "have a member who administers the page allow the app again and make a new refresh_token: this one was revoked or has ended, as all do after 365 days"
	mendClient  = "check client_id and client_secret: LinkedIn does not know this app; copy both anew from its Auth tab in the developer portal"
	mendDenied  = "check that the token has the permissions r_organization_social and r_organization_admin, with mentions r_organization_social_feed, and that its member is a super admin of this page; set people: false where only the list of people is refused"
	mendNumber  = "check the organisation's number: LinkedIn shows no such page to this token; it may have been deactivated or merged"
	mendVersion = "set version to one that LinkedIn still serves, a year and a month such as 202609: each is served for a year at least; learn.microsoft.com/linkedin/marketing/versioning lists them"
	mendRequest = "look for a newer Picket, or set version to the one that it was made for, " + DefaultVersion + ": LinkedIn does not understand a documented request"
	mendRefused = "check base_url and what lies between: what refuses there does not speak LinkedIn's API"
)

// fault turns an answer that is no success into the error that says what to do.
func (c *Collector) fault(b *body) error {
	e := c.describe(b)
	now := c.deps.Now()
	switch {
	case e.daily():
		return &dayLimit{until: nextMidnight(now), err: e}
	case e.Status == http.StatusTooManyRequests:
		return &collectors.RateLimited{Until: collectors.RetryAt(&http.Response{StatusCode: b.status, Header: b.header}, now), Err: e}
	case e.Status >= 500:
		return e
	case e.revoked() && !b.oauth && c.cfg.RefreshToken != "":
		c.session.Access = "" // the next poll asks for another
		if !c.renewed {
			return e
		}
	}
	return &collectors.Forbidden{Mend: c.mend(b, e), Err: e}
}

func (c *Collector) mend(b *body, e *APIError) string {
	switch {
	case e.Status >= 300 && e.Status < 400:
		return c.mendRedirect(b)
	case b.oauth && (strings.HasSuffix(b.endpoint, introspection) || e.Code == "invalid_client" || e.Code == "unauthorized_client" || e.Status == http.StatusUnauthorized):
		return mendClient
	case b.oauth:
		return mendGrant
	case e.Code == "EXPIRED_ACCESS_TOKEN" || e.Service == 65602:
		return mendExpired
	case e.Code == "REVOKED_ACCESS_TOKEN" || e.Service == 65601:
		return mendRevoked
	case e.Status == http.StatusUnauthorized:
		return mendToken
	case e.Code == "NONEXISTENT_VERSION" || e.Code == "VERSION_MISSING" || e.Status == http.StatusUpgradeRequired:
		return mendVersion
	case e.foreign:
		return mendRefused
	case e.Status == http.StatusForbidden:
		return mendDenied
	case e.Status == http.StatusNotFound:
		return mendNumber
	}
	return mendRequest
}

// mendRedirect names where an answer points; a token does not go there by itself.
func (c *Collector) mendRedirect(b *body) string {
	to := c.scrubber.Elsewhere(b.header)
	if to == "" {
		return mendRefused
	}
	return "check base_url: it redirects to " + to + ", where the token is not sent by itself"
}
