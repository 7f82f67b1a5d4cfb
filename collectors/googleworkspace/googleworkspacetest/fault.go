package googleworkspacetest

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// Kinds of Fault. Those that begin with token- meet the token endpoint only, all
// others the activities only.
const (
	Fault400           = "400"                    // invalid parameter
	Fault401           = "401"                    // authError
	Fault401Echo       = "401-echo"               // like 401, and repeats the Authorization header
	Fault401Reports    = "401-reports"            // authError: the user may not read reports
	Fault403           = "403"                    // forbidden: the user is no administrator
	Fault403Scope      = "403-scope"              // insufficientPermissions
	Fault403Disabled   = "403-disabled"           // accessNotConfigured
	Fault403Rate       = "403-rate"               // userRateLimitExceeded
	Fault404           = "404"                    // a page of HTML
	Fault429           = "429"                    // rateLimitExceeded, Retry-After of 90 seconds
	Fault503Quota      = "503-quota"              // quotaExceeded, as the limits are documented
	Fault503           = "503"                    // backendError
	FaultRedirect      = "redirect"               // 302 to https://other.example
	FaultTruncated     = "truncated"              // status 200, JSON cut in half, honest length
	FaultBroken        = "broken"                 // status 200, connection ends before the length promised
	FaultHTML          = "html"                   // status 200, a page of HTML
	FaultEmpty         = "empty"                  // status 200 without a body
	FaultArray         = "array"                  // status 200, []
	FaultSameToken     = "same-token"             // a good page whose next token is its own
	FaultPageToken     = "page-token"             // 400 for a request with a page token
	FaultPageGone      = "page-token-gone"        // 410 for a request with a page token
	FaultTokenUnknown  = "token-invalid_grant"    // the key was deleted
	FaultTokenDenied   = "token-unauthorized"     // no delegation for the scope
	FaultTokenHTML     = "token-html"             // status 200, a page of HTML
	FaultTokenEmpty    = "token-empty"            // status 200, {}
	FaultTokenInternal = "token-internal_failure" // 500
)

// Fault makes answers go wrong.
type Fault struct {
	Kind string
	// Skip lets that many requests pass first, Times ends it after that many
	// answers; 0 goes on until ClearFaults.
	Skip, Times int

	seen int
}

// AddFault makes answers go wrong from the next request on. Of several that fit a
// request the first one added counts.
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

func (s *Server) nextFault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if strings.HasPrefix(f.Kind, "token-") != (r.Method == http.MethodPost) ||
			(f.Kind == FaultPageToken || f.Kind == FaultPageGone) && !r.URL.Query().Has("pageToken") ||
			f.Times > 0 && f.seen >= f.Skip+f.Times {
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
	case FaultTruncated, FaultBroken, FaultSameToken:
		return false
	}
	return true
}

// misbehave answers in place of Google.
func (f *Fault) misbehave(w http.ResponseWriter, r *http.Request) {
	switch f.Kind {
	case Fault404, FaultHTML, FaultTokenHTML:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		if f.Kind == Fault404 {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte("<!DOCTYPE html><html><title>Sign in</title></html>"))
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	case FaultArray, FaultTokenEmpty:
		(&reply{http.StatusOK, http.Header{}, []byte(map[string]string{FaultArray: "[]", FaultTokenEmpty: "{}"}[f.Kind])}).write(w)
	case FaultRedirect:
		w.Header().Set("Location", "https://other.example"+r.URL.RequestURI())
		w.WriteHeader(http.StatusFound)
	default:
		f.refusal(r).write(w)
	}
}

func (f *Fault) refusal(r *http.Request) *reply {
	switch f.Kind {
	case Fault401:
		return refusal(http.StatusUnauthorized, "authError", "Invalid Credentials")
	case Fault401Echo:
		return refusal(http.StatusUnauthorized, "authError", "bad header: "+r.Header.Get("Authorization"))
	case FaultPageGone:
		return refusal(http.StatusGone, "updatedMinTooLongAgo", "The requested page is no longer available.")
	case Fault401Reports:
		return refusal(http.StatusUnauthorized, "authError", "Access denied. You are not authorized to read activity records.")
	case Fault403:
		return refusal(http.StatusForbidden, "forbidden", "Not Authorized to access this resource/api")
	case Fault403Scope:
		return refusal(http.StatusForbidden, "insufficientPermissions", "Request had insufficient authentication scopes.")
	case Fault403Disabled:
		return refusal(http.StatusForbidden, "accessNotConfigured", "Admin SDK API has not been used in project 42 before or it is disabled.")
	case Fault403Rate:
		return refusal(http.StatusForbidden, "userRateLimitExceeded", "User Rate Limit Exceeded")
	case Fault429:
		a := refusal(http.StatusTooManyRequests, "rateLimitExceeded", "Rate Limit Exceeded")
		a.header.Set("Retry-After", "90")
		return a
	case Fault503Quota:
		return refusal(http.StatusServiceUnavailable, "quotaExceeded", "Quota exceeded for quota metric 'Queries'.")
	case Fault503:
		return refusal(http.StatusServiceUnavailable, "backendError", "Backend Error")
	case FaultTokenUnknown:
		return grantRefusal(http.StatusBadRequest, "invalid_grant", "Invalid JWT Signature.")
	case FaultTokenDenied:
		return grantRefusal(http.StatusUnauthorized, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method.")
	case FaultTokenInternal:
		return grantRefusal(http.StatusInternalServerError, "internal_failure", "")
	}
	return refusal(http.StatusBadRequest, "invalid", "Invalid value for parameter")
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	if f.Kind == FaultSameToken {
		a.body = []byte(strings.Replace(string(a.body), "{", `{"nextPageToken":"A:1:1",`, 1))
		a.write(w)
		return
	}
	half := a.body[:len(a.body)/2]
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	length := len(half)
	if f.Kind == FaultBroken {
		length = len(a.body) // net/http then closes the connection
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(a.status)
	_, _ = w.Write(half)
}
