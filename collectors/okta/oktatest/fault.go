package oktatest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of Fault.
const (
	Fault400       = "400"        // E0000053: a parameter is refused
	Fault401       = "401"        // E0000011: the token is refused
	Fault401Echo   = "401-echo"   // like 401, and repeats the Authorization header
	Fault403       = "403"        // E0000006: the token's user may not
	Fault404       = "404"        // a page of HTML, as at a wrong address
	Fault429       = "429"        // E0000047 with X-Rate-Limit headers, see Reset
	Fault429Bare   = "429-bare"   // without them
	FaultMany      = "429-many"   // too many requests at once: 0 for limit and remaining, and a suggested reset
	Fault500       = "500"        // E0000009
	Fault503       = "503"        // empty body
	FaultRedirect  = "redirect"   // 302 to https://other.okta.com
	FaultTruncated = "truncated"  // status 200, JSON cut in half, honest length
	FaultBroken    = "broken"     // status 200, connection ends before the length promised
	FaultHTML      = "html"       // status 200, a login page
	FaultHTML502   = "html-502"   // a gateway's page
	FaultEmpty     = "empty"      // status 200 without a body
	FaultObject    = "object"     // status 200, {}
	FaultNoLink    = "no-link"    // a good page without links
	FaultOddLink   = "odd-link"   // a good page whose next link leads elsewhere
	FaultSameLink  = "same-link"  // a good page whose next link is its own
	FaultSlow      = "slow"       // a good answer after Delay
	FaultAfter     = "after-gone" // 400 for a request with after, as when a link has become too old
	FaultAfterGone = "after-410"  // the same as 410
)

// kinds returns all kinds, for the admin's check.
func kinds() []string {
	return []string{
		Fault400, Fault401, Fault401Echo, Fault403, Fault404, Fault429, Fault429Bare, FaultMany, Fault500, Fault503, FaultRedirect,
		FaultTruncated, FaultBroken, FaultHTML, FaultHTML502, FaultEmpty, FaultObject, FaultNoLink, FaultOddLink,
		FaultSameLink, FaultSlow, FaultAfter, FaultAfterGone,
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
		return fmt.Errorf("oktatest: fault kind %q; want one of %s", f.Kind, strings.Join(kinds(), ", "))
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
	case FaultTruncated, FaultBroken, FaultNoLink, FaultOddLink, FaultSameLink:
		return false
	}
	return true
}

// misbehave answers in place of Okta.
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
		status := http.StatusBadRequest
		if f.Kind == FaultAfterGone {
			status = http.StatusGone
		}
		refusal(status, "E0000053", "Invalid parameter: after").write(w)
	case FaultHTML, FaultHTML502, Fault404:
		page(w, f.Kind)
	case Fault503:
		w.WriteHeader(http.StatusServiceUnavailable)
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	case FaultRedirect:
		w.Header().Set("Location", "https://other.okta.com"+r.URL.RequestURI())
		w.WriteHeader(http.StatusFound)
	default:
		a := f.refusal(r)
		if f.Kind == Fault429 || f.Kind == FaultMany {
			limit := s.opts.Limit
			if f.Kind == FaultMany {
				limit = 0
			}
			a.header.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
			a.header.Set("X-Rate-Limit-Remaining", "0")
			a.header.Set("X-Rate-Limit-Reset", strconv.FormatInt(s.now().Unix()+int64(f.Reset), 10))
		}
		a.write(w)
	}
}

// page writes a page of HTML.
func page(w http.ResponseWriter, kind string) {
	status := http.StatusOK
	switch kind {
	case FaultHTML502:
		status = http.StatusBadGateway
	case Fault404:
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Sign in</title></head></html>"))
}

func (f *Fault) refusal(r *http.Request) *reply {
	switch f.Kind {
	case Fault400:
		return refusal(http.StatusBadRequest, "E0000053", "field is not valid: eventTyp", "eventTyp: unknown field")
	case Fault401:
		return refusal(http.StatusUnauthorized, "E0000011", "Invalid token provided")
	case Fault401Echo:
		return refusal(http.StatusUnauthorized, "E0000011", "bad header: "+r.Header.Get("Authorization"))
	case Fault403:
		return refusal(http.StatusForbidden, "E0000006", "You do not have permission to perform the requested action")
	case Fault429, Fault429Bare, FaultMany:
		return refusal(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
	case Fault500:
		return refusal(http.StatusInternalServerError, "E0000009", "Your last request took too long to complete.")
	}
	return &reply{status: http.StatusOK, header: http.Header{}, body: []byte("{}")} // FaultObject
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	switch f.Kind {
	case FaultNoLink:
		delete(a.header, "Link")
	case FaultOddLink:
		a.header["Link"] = []string{`<https://other.okta.com/app/UserHome>; rel="next"`}
	case FaultSameLink:
		links := a.header["Link"]
		a.header["Link"] = []string{links[0], strings.Replace(links[0], `rel="self"`, `rel="next"`, 1)}
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
	w.Header().Set("Content-Type", "application/json")
	length := len(half)
	if f.Kind == FaultBroken {
		length = len(a.body) // net/http then closes the connection
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(half)
}
