package githubtest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of Fault.
const (
	Fault401       = "401"            // the token is refused
	Fault401Echo   = "401-echo"       // like 401, and repeats the Authorization header
	Fault403       = "403"            // the token's user may not
	Fault403SSO    = "403-sso"        // the token is not let into single sign-on
	Fault404       = "404"            // no such log, or none that the token may know of
	Fault422       = "422"            // the query is refused
	FaultLimited   = "limited"        // 403 with X-RateLimit-Remaining 0, see Reset
	Fault429       = "429"            // 429 with Retry-After, see Reset
	FaultSecondary = "secondary"      // 403 of a secondary limit with Retry-After, see Reset
	FaultBare      = "secondary-bare" // 403 of a secondary limit that names no time
	Fault500       = "500"            // an error object
	Fault503       = "503"            // empty body
	FaultRenamed   = "renamed"        // 301 to another path of the same host
	FaultRedirect  = "redirect"       // 302 to https://other.example
	FaultTruncated = "truncated"      // status 200, JSON cut in half, honest length
	FaultBroken    = "broken"         // status 200, connection ends before the length promised
	FaultHTML      = "html"           // status 200, a page
	FaultHTML502   = "html-502"       // a gateway's page
	FaultEmpty     = "empty"          // status 200 without a body
	FaultObject    = "object"         // status 200, {}
	FaultSameLink  = "same-link"      // a good page whose next link is its own
	FaultLongLink  = "long-link"      // a good page whose next link is huge
	FaultSlow      = "slow"           // a good answer after Delay
	FaultAfter     = "after-gone"     // 422 for a request with after, as when a cursor has become too old
	FaultAfterGone = "after-410"      // the same as 410
)

// kinds returns all kinds, for the admin's check.
func kinds() []string {
	return []string{
		Fault401, Fault401Echo, Fault403, Fault403SSO, Fault404, Fault422, FaultLimited, Fault429, FaultSecondary, FaultBare,
		Fault500, Fault503, FaultRenamed, FaultRedirect, FaultTruncated, FaultBroken, FaultHTML, FaultHTML502,
		FaultEmpty, FaultObject, FaultSameLink, FaultLongLink, FaultSlow, FaultAfter, FaultAfterGone,
	}
}

// Fault makes answers go wrong.
type Fault struct {
	Kind string `json:"kind"`
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
		return fmt.Errorf("githubtest: fault kind %q; want one of %s", f.Kind, strings.Join(kinds(), ", "))
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
func (s *Server) nextFault() *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times > 0 && f.seen >= f.Skip+f.Times {
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
	switch f.Kind {
	case FaultTruncated, FaultBroken, FaultSameLink, FaultLongLink:
		return false
	}
	return true
}

// misbehave answers in place of GitHub.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f *Fault) {
	good := func() *reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.respond(r)
	}
	switch f.Kind {
	case FaultSlow:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			good().write(w)
		case <-r.Context().Done():
		}
	case FaultAfter, FaultAfterGone:
		if r.URL.Query().Get("after") == "" {
			good().write(w)
			return
		}
		status := http.StatusUnprocessableEntity
		if f.Kind == FaultAfterGone {
			status = http.StatusGone
		}
		refusal(status, "Invalid cursor", "").write(w)
	case FaultHTML, FaultHTML502:
		page(w, f.Kind)
	case Fault503:
		w.WriteHeader(http.StatusServiceUnavailable)
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	case FaultRedirect:
		w.Header().Set("Location", "https://other.example"+r.URL.RequestURI())
		w.WriteHeader(http.StatusFound)
	case FaultRenamed:
		w.Header().Set("Location", "/organizations/65/audit-log")
		w.WriteHeader(http.StatusMovedPermanently)
	default:
		s.refuse(r, f).write(w)
	}
}

// page writes a page of HTML.
func page(w http.ResponseWriter, kind string) {
	status := http.StatusOK
	if kind == FaultHTML502 {
		status = http.StatusBadGateway
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Unicorn</title></head></html>"))
}

// refuse makes the answers that are objects.
func (s *Server) refuse(r *http.Request, f *Fault) *reply {
	const limits = "/using-the-rest-api/rate-limits-for-the-rest-api"
	secondary := func(status int, named bool) *reply {
		a := refusal(status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", limits+"#about-secondary-rate-limits")
		a.header.Set("X-Ratelimit-Remaining", "1700")
		a.header.Set("X-Ratelimit-Reset", strconv.FormatInt(s.now().Unix()+3600, 10))
		if named {
			a.header.Set("Retry-After", strconv.Itoa(f.Reset))
		}
		return a
	}
	switch f.Kind {
	case Fault401:
		return refusal(http.StatusUnauthorized, "Bad credentials", "")
	case Fault401Echo:
		return refusal(http.StatusUnauthorized, "bad header: "+r.Header.Get("Authorization"), "")
	case Fault403:
		return refusal(http.StatusForbidden, "Resource not accessible by personal access token", "/orgs/orgs")
	case Fault403SSO:
		a := refusal(http.StatusForbidden, "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.", "/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/")
		a.header.Set("X-Github-Sso", "required; url=https://github.example/orgs/acme/sso?authorization_request=AZSCKtL4U8yX1H3sCQIVnVgmjmon5fWxks5YrqhJgah0b2tlbl9pZM4EuMz4")
		return a
	case Fault404:
		return refusal(http.StatusNotFound, "Not Found", "/orgs/orgs#get-the-audit-log-for-an-organization")
	case Fault422:
		return refusal(http.StatusUnprocessableEntity, "Validation Failed", "")
	case FaultLimited:
		a := refusal(http.StatusForbidden, "API rate limit exceeded for user ID 1.", limits)
		a.header.Set("X-Ratelimit-Limit", strconv.Itoa(s.opts.Limit))
		a.header.Set("X-Ratelimit-Remaining", "0")
		a.header.Set("X-Ratelimit-Reset", strconv.FormatInt(s.now().Unix()+int64(f.Reset), 10))
		return a
	case Fault429:
		return secondary(http.StatusTooManyRequests, true)
	case FaultSecondary:
		return secondary(http.StatusForbidden, true)
	case FaultBare:
		return secondary(http.StatusForbidden, false)
	case Fault500:
		return refusal(http.StatusInternalServerError, "Server Error", "")
	}
	return &reply{status: http.StatusOK, header: http.Header{}, body: []byte("{}")} // FaultObject
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	switch f.Kind {
	case FaultSameLink:
		a.header.Set("Link", `<https://api.github.example/orgs/acme/audit-log?after=`+url.QueryEscape(mark{1, 1}.String())+`>; rel="next"`)
	case FaultLongLink:
		a.header.Set("Link", `<https://api.github.example/orgs/acme/audit-log?after=`+strings.Repeat("A", 20_000)+`>; rel="next"`)
	default:
		f.cut(w, a)
		return
	}
	a.write(w)
}

// cut writes the first half of an answer.
func (f *Fault) cut(w http.ResponseWriter, a *reply) {
	half := a.body[:len(a.body)/2]
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	length := len(half)
	if f.Kind == FaultBroken {
		length = len(a.body) // net/http then closes the connection
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(half)
}
