package metagraph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/picketd/picket/collectors"
)

// Error is what the Graph API said when it refused a request. It lies in the
// chain of every *collectors.RateLimited and *collectors.Forbidden that an
// answer led to.
type Error struct {
	Endpoint      string // "GET /v27.0/1234/feed"
	Status        int    // HTTP status
	Code, Subcode int    // 0 where the answer was not in the API's form
	Type          string
	Message       string // shortened and without secrets
	Transient     bool
	Trace         string // fbtrace_id, for Meta's support
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: status %d", e.Endpoint, e.Status)
	if e.Code != 0 {
		fmt.Fprintf(&b, ", code %d", e.Code)
	}
	if e.Subcode != 0 {
		fmt.Fprintf(&b, ", subcode %d", e.Subcode)
	}
	if e.Message == "" {
		fmt.Fprintf(&b, ": %s", http.StatusText(e.Status))
	} else {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Trace != "" {
		fmt.Fprintf(&b, " (fbtrace_id %s)", e.Trace)
	}
	return b.String()
}

// Codes that decide something.
const (
	codeInvalid  = 100
	codeAlias    = 803
	codeToken    = 190
	codeSession  = 102
	codePolicy   = 368
	codeVersion  = 2635
	codeEndpoint = 2500
	subcodeGone  = 33
	subcodeNew   = 2069030 // no such edge on a Page of the new experience
	subcodePage  = 2069032 // only a Page's token will do
)

// Gone reports whether the object does not exist, or is not shown to the token.
func (e *Error) Gone() bool {
	return e.Code == codeInvalid && e.Subcode == subcodeGone || e.Code == codeAlias
}

// Denied reports whether the token lacks a permission or the app a feature.
func (e *Error) Denied() bool {
	return e.Code == 3 || e.Code == 10 || e.Code >= 200 && e.Code <= 299
}

// limited reports whether the request was one too many.
func (e *Error) limited() bool {
	switch e.Code {
	case 4, 17, 32, 341, 613:
		return true
	}
	return e.Code >= 80000 && e.Code <= 80014 || e.Status == http.StatusTooManyRequests
}

// describe returns what an answer says went wrong, nil where nothing did. Fault
// is its member error, which comes with status 200, too.
func (c *Client) describe(endpoint string, resp *http.Response, fault json.RawMessage) *Error {
	var s *struct {
		Message   string `json:"message"`
		Type      string `json:"type"`
		Code      int    `json:"code"`
		Subcode   int    `json:"error_subcode"`
		Transient bool   `json:"is_transient"`
		Trace     string `json:"fbtrace_id"`
	}
	if len(fault) > 0 && json.Unmarshal(fault, &s) != nil {
		s = nil
	}
	e := &Error{Endpoint: endpoint, Status: resp.StatusCode}
	switch {
	case s == nil && resp.StatusCode == http.StatusOK:
		return nil
	case s == nil:
		return e
	}
	e.Code, e.Subcode, e.Transient = s.Code, s.Subcode, s.Transient
	e.Message, e.Type, e.Trace = c.words(s.Message), c.words(s.Type), collectors.Clip(c.words(s.Trace), 40)
	return e
}

// What a person does about each refusal.
const (
	mendNew        = "make a new access token, of a system user or of the Page, and put it in the credential's place"
	mendRemoved    = "the app was removed from the account, or never allowed: allow it again, and make a new access token"
	mendCheckpoint = "log in on facebook.com with the account that made the token and pass the check that waits there; a system user's token has none"
	mendPassword   = "the account that made the token changed its password, or Meta ended its sessions: find out who did, and make a new token, best of a system user"
	mendExpired    = "make a new access token: this one has expired; a system user's does not"
	mendUnlisted   = "confirm the account that made the token on facebook.com: it is not confirmed"
	mendTask       = "give the person or system user that made the token a task on the Page again in the business settings, and make a new token"
	mendDenied     = "give the token the permissions that are named, and its owner a task on the account; picket connect shows what it has"
	mendPolicy     = "look in the app's dashboard and in the account's support inbox: Meta has blocked it for a time for breaking its policies"
	mendGone       = "check the id, and that the token's owner has a task on the account: the Graph API shows no such object to this token; it may have been deleted, unpublished or renamed"
	mendPage       = "give the token's owner a task on the Page in the business settings: the Page answers only to a token of its own, and this one cannot get it"
	mendNewPage    = "switch this part off: Pages of the new experience have no such list; for people set business in place of people"
	mendVersion    = "set api_version to a version that Meta still serves; developers.facebook.com/docs/graph-api/changelog lists them"
	mendRequest    = "look for a newer Picket, or set api_version to the one that it was made for, " + DefaultVersion + ": the server does not understand a documented request"
	mendProof      = "give app_secret the secret of the app that the token is of: the proof made of it does not fit"
	mendRefused    = "check base_url and what lies between: what refuses there does not speak the Graph API"
)

// fault turns a refusal into the error that says what to do.
func (c *Client) fault(e *Error, resp *http.Response, used usage, now time.Time) error {
	if e.limited() {
		until := collectors.RetryAt(resp, now)
		if at := now.Add(used.wait); used.wait > 0 && at.After(until) {
			until = at
		}
		return &collectors.RateLimited{Until: until, Err: e}
	}
	if e.Transient || e.Code == 1 || e.Code == 2 || e.Status >= 500 {
		return e
	}
	return &collectors.Forbidden{Mend: mend(e), Err: e}
}

func mend(e *Error) string {
	switch {
	case e.Subcode == subcodePage:
		return mendPage
	case e.Subcode == subcodeNew:
		return mendNewPage
	case e.Code == codeToken || e.Code == codeSession:
		return mendToken(e.Subcode)
	case e.Code == codeInvalid && strings.Contains(e.Message, "appsecret_proof"):
		return mendProof
	case e.Denied():
		return mendDenied
	case e.Code == codePolicy:
		return mendPolicy
	case e.Gone():
		return mendGone
	case e.Code == codeVersion:
		return mendVersion
	case e.Code == codeInvalid || e.Code == codeEndpoint:
		return mendRequest
	case e.Code == 0:
		return mendRefused
	case e.Status == http.StatusUnauthorized:
		return mendNew
	}
	return mendRequest
}

func mendToken(subcode int) string {
	switch subcode {
	case 458:
		return mendRemoved
	case 459:
		return mendCheckpoint
	case 460, 467:
		return mendPassword
	case 463:
		return mendExpired
	case 464:
		return mendUnlisted
	case 492:
		return mendTask
	}
	return mendNew
}

// IsGone reports whether err says that an object does not exist.
func IsGone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Gone()
}
