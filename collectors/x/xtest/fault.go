package xtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of Fault.
const (
	Fault401       = "401"       // problem document: the credential is refused
	Fault401Echo   = "401-echo"  // like 401, and repeats the Authorization header
	Fault402       = "402"       // CreditsDepleted
	Fault403       = "403"       // problem document: not permitted
	Fault403Spend  = "403-spend" // the spending limit is reached
	Fault403Client = "403-client"
	Fault404       = "404" // empty body, as for an unknown path
	Fault429       = "429" // with x-rate-limit headers, see Reset
	Fault429Bare   = "429-bare"
	Fault429Cap    = "429-cap" // UsageCapExceeded
	Fault400       = "400"     // invalid-request
	Fault500       = "500"
	Fault503       = "503"       // empty body
	FaultTruncated = "truncated" // status 200, JSON cut in half, honest length
	FaultBroken    = "broken"    // status 200, connection ends before the length promised
	FaultHTML      = "html"      // status 200, a page of HTML
	FaultHTML502   = "html-502"  // the same from a gateway
	FaultEmpty     = "empty"     // status 200 without a body
	FaultSlow      = "slow"      // a good answer after Delay
	FaultHollow    = "hollow"    // status 200, {}
)

// kinds returns all kinds, for the admin's check.
func kinds() []string {
	return []string{
		Fault401, Fault401Echo, Fault402, Fault403, Fault403Spend, Fault403Client, Fault404, Fault429, Fault429Bare,
		Fault429Cap, Fault400, Fault500, Fault503, FaultTruncated, FaultBroken, FaultHTML, FaultHTML502, FaultEmpty,
		FaultSlow, FaultHollow,
	}
}

// Fault makes answers go wrong.
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
		return fmt.Errorf("xtest: fault kind %q; want one of %s", f.Kind, strings.Join(kinds(), ", "))
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
	return f.Kind != FaultTruncated && f.Kind != FaultBroken
}

// misbehave answers in place of X.
func (s *Server) misbehave(w http.ResponseWriter, r *http.Request, f *Fault) {
	switch f.Kind {
	case FaultSlow:
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
		s.mu.Lock()
		a := s.respond(r, strings.HasPrefix(r.URL.Path, "/1.1/"))
		s.mu.Unlock()
		a.write(w)
	case FaultHTML, FaultHTML502:
		status := http.StatusOK
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if f.Kind == FaultHTML502 {
			status = http.StatusBadGateway
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>X / Over capacity</title></head></html>"))
	case Fault503, Fault404:
		status, _ := strconv.Atoi(f.Kind)
		w.WriteHeader(status)
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	default:
		if f.Kind == Fault429 {
			w.Header().Set("x-rate-limit-limit", "900")
			w.Header().Set("x-rate-limit-remaining", "0")
			w.Header().Set("x-rate-limit-reset", strconv.FormatInt(s.now().Unix()+int64(f.Reset), 10))
		}
		f.reply(r).write(w)
	}
}

func (f *Fault) reply(r *http.Request) *reply {
	switch f.Kind {
	case Fault400:
		return problem(http.StatusBadRequest, "Invalid Request", "invalid-request", "One or more parameters to your request was invalid.")
	case Fault401:
		return problem(http.StatusUnauthorized, "Unauthorized", "about:blank", "Unauthorized")
	case Fault401Echo:
		return problem(http.StatusUnauthorized, "Unauthorized", "about:blank", "bad header: "+r.Header.Get("Authorization"))
	case Fault402:
		return problem(http.StatusPaymentRequired, "CreditsDepleted", "credits", "Your enrolled account [1] does not have any credits to fulfill this request.")
	case Fault403:
		return problem(http.StatusForbidden, "Forbidden", "about:blank", "Forbidden")
	case Fault403Spend:
		return problem(http.StatusForbidden, "SpendCapReached", "credits", "Your enrolled account [1] has reached its billing cycle spend cap.")
	case Fault403Client:
		return problem(http.StatusForbidden, "Client Forbidden", "client-forbidden",
			"When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project.")
	case Fault429, Fault429Bare:
		return errorV1(http.StatusTooManyRequests, 88, "Rate limit exceeded")
	case Fault429Cap:
		return problem(http.StatusTooManyRequests, "UsageCapExceeded", "usage-capped", "Usage cap exceeded: Monthly product cap")
	case Fault500:
		return problem(http.StatusInternalServerError, "Internal Server Error", "about:blank", "Something is broken.")
	}
	return ok(object{}) // FaultHollow
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	body := a.bytes()
	half := body[:len(body)/2]
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	length := len(half)
	if f.Kind == FaultBroken {
		length = len(body) // net/http then closes the connection
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(half)
}
