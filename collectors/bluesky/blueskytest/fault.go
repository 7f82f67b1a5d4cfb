package blueskytest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Kinds of Fault.
const (
	Fault429       = "429"       // RateLimitExceeded with RateLimit headers, see Reset
	Fault401       = "401"       // AuthenticationRequired
	Fault403       = "403"       // Forbidden
	Fault404       = "404"       // a page of HTML, as for an unknown path
	Fault500       = "500"       // InternalServerError
	Fault502       = "502"       // UpstreamFailure
	FaultHTML      = "html"      // status 200, a page of HTML
	FaultNull      = "null"      // status 200, null
	FaultEmpty     = "empty"     // status 200, {}
	FaultTypes     = "types"     // status 200, with lists and texts in each other's place
	FaultCut       = "cut"       // status 200, JSON that ends unfinished
	FaultExpired   = "expired"   // 400 ExpiredToken
	FaultScope     = "scope"     // 400 InvalidToken, Bad token scope
	FaultFactor    = "factor"    // 401 AuthFactorTokenRequired
	FaultEcho      = "echo"      // 400 that repeats the Authorization header
	FaultDirectory = "directory" // 400, the PDS could not resolve the DID
)

// Fault says how answers go wrong.
type Fault struct {
	Kind string
	// Endpoint limits it to one endpoint, all when empty.
	Endpoint string
	// Skip lets that many requests pass first, Times ends it after that many
	// answers; 0 goes on until ClearFaults.
	Skip, Times int
	// Reset is the seconds until a limit ends.
	Reset int

	seen int
}

// AddFault makes answers go wrong from the next request on. Of several that fit
// a request the first one added counts.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) nextFault(endpoint string) *Fault {
	for _, f := range s.faults {
		if f.Endpoint != "" && f.Endpoint != endpoint || f.Times > 0 && f.seen >= f.Skip+f.Times {
			continue
		}
		f.seen++
		if f.seen > f.Skip {
			return f
		}
	}
	return nil
}

// spoil writes a fault's answer and reports whether the kind is known.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	raw := func(status int, kind, body string) bool {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}
	said := func(status int, name, message string) bool {
		write(w, answer{status: status, name: name, message: message})
		return true
	}
	switch f.Kind {
	case Fault429:
		Limited(w, s.now().Add(time.Duration(f.Reset)*time.Second))
		return true
	case Fault401:
		return said(http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password")
	case Fault403:
		return said(http.StatusForbidden, "Forbidden", "Forbidden")
	case Fault404:
		return raw(http.StatusNotFound, "text/html", "<html>Cannot GET</html>")
	case Fault500:
		return said(http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
	case Fault502:
		return said(http.StatusBadGateway, "UpstreamFailure", "Upstream Failure")
	case FaultHTML:
		return raw(http.StatusOK, "text/html", "<html>Log in to the guest network</html>")
	case FaultNull:
		return raw(http.StatusOK, "application/json", "null")
	case FaultEmpty:
		return raw(http.StatusOK, "application/json", "{}")
	case FaultTypes:
		return raw(http.StatusOK, "application/json",
			`{"did":[],"records":"none","handle":7,"passwords":{},"notifications":1,"followersCount":"many","active":"yes"}`)
	case FaultCut:
		return raw(http.StatusOK, "application/json", `{"did":"did:plc:ew`)
	case FaultExpired:
		return said(http.StatusBadRequest, "ExpiredToken", "Token has expired")
	case FaultScope:
		return said(http.StatusBadRequest, "InvalidToken", "Bad token scope")
	case FaultFactor:
		return said(http.StatusUnauthorized, "AuthFactorTokenRequired", "A sign in code has been sent to your email address")
	case FaultEcho:
		return said(http.StatusBadRequest, "InvalidRequest", "bad header "+r.Header.Get("Authorization"))
	case FaultDirectory:
		return said(http.StatusBadRequest, "InvalidRequest", "Could not resolve DID: timeout")
	}
	return false
}

// Limited writes the answer to a client that must wait until reset.
func Limited(w http.ResponseWriter, reset time.Time) {
	limits(w.Header(), LimitRequests, 0, 5*time.Minute, reset)
	write(w, answer{status: http.StatusTooManyRequests, name: "RateLimitExceeded", message: "Rate Limit Exceeded"})
}

// Refused writes the answer to a session that is none.
func Refused(w http.ResponseWriter) {
	write(w, answer{status: http.StatusUnauthorized, name: "AuthenticationRequired", message: "Authentication Required"})
}

// limits writes the headers that the reference PDS writes.
func limits(h http.Header, limit, left int, span time.Duration, reset time.Time) {
	h.Set("RateLimit-Limit", strconv.Itoa(limit))
	h.Set("RateLimit-Remaining", strconv.Itoa(left))
	h.Set("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))
	h.Set("RateLimit-Policy", fmt.Sprintf("%d;w=%d", limit, int(span.Seconds())))
}

type window struct {
	used int
	ends time.Time
}

// count counts a request against a limit, tells it in headers, and reports
// whether it was one too many.
func (s *Server) count(h http.Header, name string, limit int, span time.Duration) bool {
	now := s.now()
	w := s.windows[name]
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(span)}
		s.windows[name] = w
	}
	w.used++
	limits(h, limit, max(0, limit-w.used), span, w.ends)
	if w.used > limit {
		s.exceeded = append(s.exceeded, fmt.Sprintf("%s: request %d of %d in %s", name, w.used, limit, span))
		return true
	}
	return false
}
