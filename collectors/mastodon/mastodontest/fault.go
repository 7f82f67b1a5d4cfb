package mastodontest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of Fault. Where no other source is named, the answers are those of
// entities/Error.
const (
	Fault400         = "400"
	Fault401         = "401"             // the token is invalid
	Fault401Revoked  = "401-revoked"     // the token was revoked
	Fault401Login    = "401-login"       // the server shows nothing without a login
	Fault401Echo     = "401-echo"        // like 401, and repeats the Authorization header
	Fault403         = "403"             // not allowed
	Fault403Scope    = "403-scope"       // the token lacks the scope
	Fault403Disabled = "403-disabled"    // the login is disabled
	Fault403Mail     = "403-unconfirmed" // the login is not confirmed
	Fault403Pending  = "403-pending"     // the login is not approved yet
	Fault403Blocked  = "403-blocked"     // text: the address is blocked
	Fault404         = "404"             // Record not found
	Fault404HTML     = "404-html"        // a page, as for an unknown path
	Fault405         = "405"             // a method that is not there
	Fault410         = "410"             // suspended, before 3.3
	Fault418         = "418"             // some other refusal
	Fault422         = "422"
	Fault422User     = "422-user" // an application's token
	Fault429         = "429"      // with X-RateLimit headers, see Reset
	Fault429Bare     = "429-bare"
	Fault500         = "500"
	Fault501         = "501"       // not implemented
	Fault503         = "503"       // a remote service
	Fault503Empty    = "503-empty" // a gateway
	FaultRedirect    = "redirect"  // to another host
	FaultTruncated   = "truncated" // status 200, JSON cut in half, honest length
	FaultBroken      = "broken"    // status 200, connection ends before the length promised
	FaultHTML        = "html"      // status 200, a page of HTML
	FaultHTML502     = "html-502"  // the same from a gateway
	FaultEmpty       = "empty"     // status 200 without a body
	FaultSlow        = "slow"      // a good answer after Delay
	FaultHollow      = "hollow"    // status 200, {}
	FaultNull        = "null"      // status 200, null
	FaultNumbers     = "numbers"   // status 200, [1,2]
	FaultNone        = "none"      // status 200, []
	FaultError200    = "error-200" // status 200, an error object
	FaultGarbage     = "garbage"   // status 200, JSON with a flaw in the middle
	FaultEndless     = "endless"   // good pages, each followed by itself
	FaultBadLink     = "bad-link"  // a good page with a Link header that has no sense
)

// kinds returns all kinds, for the admin's check.
func kinds() []string {
	return []string{
		Fault400, Fault401, Fault401Revoked, Fault401Login, Fault401Echo, Fault403, Fault403Scope, Fault403Disabled,
		Fault403Mail, Fault403Pending, Fault403Blocked, Fault404, Fault404HTML, Fault405, Fault410, Fault418, Fault422, Fault422User,
		Fault429, Fault429Bare, Fault500, Fault501, Fault503, Fault503Empty, FaultRedirect, FaultTruncated, FaultBroken, FaultHTML,
		FaultHTML502, FaultEmpty, FaultSlow, FaultHollow, FaultNull, FaultNumbers, FaultNone, FaultError200, FaultGarbage,
		FaultEndless, FaultBadLink,
	}
}

// Fault says how answers go wrong.
type Fault struct {
	Kind string `json:"kind"`
	// Endpoint limits it to one endpoint (see Endpoint), all when empty.
	Endpoint string `json:"endpoint"`
	// Skip lets that many requests pass first, Times ends it after that many
	// answers; 0 goes on until ClearFaults.
	Skip  int `json:"skip"`
	Times int `json:"times"`
	// Delay is the wait of a slow answer, Reset the seconds until a limit ends.
	Delay time.Duration `json:"delay_ns"`
	Reset int           `json:"reset"`

	seen int
}

// AddFault makes answers go wrong from the next request on. Of several that
// fit a request the first one added counts.
func (s *Server) AddFault(f Fault) error {
	if !slices.Contains(kinds(), f.Kind) {
		return fmt.Errorf("mastodontest: fault kind %q; want one of %s", f.Kind, strings.Join(kinds(), ", "))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns the fault that this request meets, nil if none.
func (s *Server) nextFault(endpoint string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != endpoint || f.Times > 0 && f.seen >= f.Skip+f.Times {
			continue
		}
		f.seen++
		if f.seen > f.Skip {
			out := *f
			return &out
		}
	}
	return nil
}

// early reports whether the fault needs no good answer to spoil.
func (f *Fault) early() bool {
	return !slices.Contains([]string{FaultTruncated, FaultBroken, FaultGarbage, FaultEndless, FaultBadLink}, f.Kind)
}

// misbehave answers in place of Mastodon.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f *Fault) {
	if f.Kind == FaultSlow {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.respond(r).write(w)
		case <-r.Context().Done():
		}
		return
	}
	a := f.reply(r)
	if f.Kind == Fault429 {
		a.header = limitHeaders(300, 0, s.now().Add(time.Duration(f.Reset)*time.Second))
	}
	if f.Kind == Fault503Empty || f.Kind == FaultEmpty {
		w.WriteHeader(a.status)
		return
	}
	a.write(w)
}

func (f *Fault) reply(r *http.Request) *reply {
	refusals := map[string]*reply{
		Fault400:         failure(http.StatusBadRequest, "param is missing or the value is empty: acct"),
		Fault401:         failure(http.StatusUnauthorized, "The access token is invalid"),
		Fault401Revoked:  failure(http.StatusUnauthorized, "The access token was revoked"),
		Fault401Login:    failure(http.StatusUnauthorized, "This API requires an authenticated user"),
		Fault401Echo:     {status: http.StatusUnauthorized, body: object{"error": "invalid_token", "error_description": "bad header: " + r.Header.Get("Authorization")}},
		Fault403:         failure(http.StatusForbidden, "This action is not allowed"),
		Fault403Scope:    failure(http.StatusForbidden, "This action is outside the authorized scopes"),
		Fault403Disabled: failure(http.StatusForbidden, "Your login is currently disabled"),
		Fault403Mail:     failure(http.StatusForbidden, "Your login is missing a confirmed e-mail address"),
		Fault403Pending:  failure(http.StatusForbidden, "Your login is currently pending approval"),
		Fault403Blocked:  {status: http.StatusForbidden, html: "Forbidden\n"},
		Fault404:         failure(http.StatusNotFound, "Record not found"),
		Fault404HTML:     {status: http.StatusNotFound, html: "<!DOCTYPE html><title>The page you are looking for isn't here.</title>"},
		Fault405:         failure(http.StatusMethodNotAllowed, "Method not allowed"),
		Fault410:         {status: http.StatusGone, html: "<!DOCTYPE html><title>Gone</title>"},
		Fault418:         failure(http.StatusTeapot, "I'm a teapot"),
		Fault422:         failure(http.StatusUnprocessableEntity, "Validation failed"),
		Fault422User:     failure(http.StatusUnprocessableEntity, "This method requires an authenticated user"),
		Fault429:         failure(http.StatusTooManyRequests, "Too many requests"),
		Fault429Bare:     failure(http.StatusTooManyRequests, "Too many requests"),
		Fault500:         {status: http.StatusInternalServerError, html: "<!DOCTYPE html><title>We're sorry, but something went wrong on our end.</title>"},
		Fault501:         failure(http.StatusNotImplemented, "Not implemented"),
		Fault503:         failure(http.StatusServiceUnavailable, "Remote data could not be fetched"),
		Fault503Empty:    {status: http.StatusServiceUnavailable},
		FaultRedirect:    {status: http.StatusMovedPermanently, html: "moved", header: map[string]string{"Location": "https://www.other.example" + r.URL.Path}},
		FaultHTML:        {status: http.StatusOK, html: "<!DOCTYPE html><title>Mastodon</title>"},
		FaultHTML502:     {status: http.StatusBadGateway, html: "<!DOCTYPE html><title>502 Bad Gateway</title>"},
		FaultEmpty:       {status: http.StatusOK},
		FaultHollow:      ok(object{}),
		FaultNull:        ok(nil),
		FaultNumbers:     ok([]int{1, 2}),
		FaultNone:        ok([]int{}),
		FaultError200:    ok(object{"error": "Record not found"}),
	}
	return refusals[f.Kind]
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	body := a.bytes()
	a.head(w)
	length := len(body)
	switch f.Kind {
	case FaultTruncated:
		body = body[:len(body)/2]
		length = len(body)
	case FaultBroken:
		body = body[:len(body)/2] // net/http then closes the connection
	case FaultGarbage:
		body[len(body)/2] = 0
	case FaultEndless:
		w.Header().Set("Link", `<https://social.example/next?max_id=1>; rel="next"`)
	case FaultBadLink:
		w.Header().Set("Link", `<https://social.example/next?limit=many&max_id=1>; rel="next"`)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}
