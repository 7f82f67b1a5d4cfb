package entratest

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// Kinds of Fault. Those that begin with token- meet the token endpoint only, all
// others the logs only.
const (
	Fault400         = "400"               // BadRequest
	Fault401         = "401"               // InvalidAuthenticationToken
	Fault401Echo     = "401-echo"          // like 401, and repeats the Authorization header
	Fault403         = "403"               // Authorization_RequestDenied: no consent
	Fault404         = "404"               // a page of HTML
	Fault429         = "429"               // TooManyRequests, Retry-After of 90 seconds
	Fault429Bare     = "429-bare"          // without Retry-After
	Fault500         = "500"               // generalException
	Fault503         = "503"               // serviceNotAvailable
	FaultRedirect    = "redirect"          // 302 to https://other.example
	FaultTruncated   = "truncated"         // status 200, JSON cut in half, honest length
	FaultBroken      = "broken"            // status 200, connection ends before the length promised
	FaultHTML        = "html"              // status 200, a page of HTML
	FaultEmpty       = "empty"             // status 200 without a body
	FaultArray       = "array"             // status 200, []
	FaultOddLink     = "odd-link"          // a good page whose next link leads elsewhere
	FaultSameLink    = "same-link"         // a good page whose next link is the same each time
	FaultSkipToken   = "skip-token"        // 400 for a request with a skip token
	FaultSkipGone    = "skip-token-gone"   // 410 for a request with a skip token
	FaultTokenSecret = "token-secret"      // 401 AADSTS7000222: the secret has ended
	FaultTokenTenant = "token-tenant"      // 400 AADSTS90002
	FaultTokenHTML   = "token-html"        // status 200, a page of HTML
	FaultTokenEmpty  = "token-empty"       // status 200, {}
	FaultTokenBusy   = "token-busy"        // 503
	FaultTokenEcho   = "token-secret-echo" // 401, and repeats the secret
)

// Fault makes answers go wrong.
type Fault struct {
	Kind string
	// Skip lets that many requests pass first, Times ends it after that many
	// answers; 0 goes on until ClearFaults.
	Skip, Times int

	seen int
	host string // of the request
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
			(f.Kind == FaultSkipToken || f.Kind == FaultSkipGone) && !r.URL.Query().Has("$skiptoken") ||
			f.Times > 0 && f.seen >= f.Skip+f.Times {
			continue
		}
		f.seen++
		if f.seen > f.Skip {
			out := *f
			out.host = r.Host
			return &out
		}
	}
	return nil
}

// early reports whether the fault needs no good answer to spoil.
func (f *Fault) early() bool {
	switch f.Kind {
	case FaultTruncated, FaultBroken, FaultOddLink, FaultSameLink:
		return false
	}
	return true
}

// misbehave answers in place of Microsoft.
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
		return refusal(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
	case Fault401Echo:
		return refusal(http.StatusUnauthorized, "InvalidAuthenticationToken", "bad header: "+r.Header.Get("Authorization"))
	case Fault403:
		return refusal(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
	case Fault429, Fault429Bare:
		a := refusal(http.StatusTooManyRequests, "TooManyRequests", "Too Many Requests")
		if f.Kind == Fault429 {
			a.header.Set("Retry-After", "90")
		}
		return a
	case Fault500:
		return refusal(http.StatusInternalServerError, "generalException", "An unspecified error has occurred.")
	case Fault503:
		return refusal(http.StatusServiceUnavailable, "serviceNotAvailable", "The service is unavailable.")
	case FaultSkipGone:
		return refusal(http.StatusGone, "resyncRequired", "The requested page is no longer available.")
	case FaultTokenSecret:
		return grantRefusal(http.StatusUnauthorized, "invalid_client", 7000222, "The provided client secret keys for app are expired.")
	case FaultTokenEcho:
		_ = r.ParseForm()
		return grantRefusal(http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided: "+r.PostForm.Get("client_secret"))
	case FaultTokenTenant:
		return grantRefusal(http.StatusBadRequest, "invalid_request", 90002, "Tenant not found.")
	case FaultTokenBusy:
		return grantRefusal(http.StatusServiceUnavailable, "temporarily_unavailable", 90033, "A transient error has occurred.")
	}
	return refusal(http.StatusBadRequest, "BadRequest", "Invalid filter clause")
}

// spoil writes a good answer badly.
func (f *Fault) spoil(w http.ResponseWriter, a *reply) {
	link := ""
	switch f.Kind {
	case FaultOddLink:
		link = "https://other.example/v1.0/auditLogs/signIns?$skiptoken=1_1"
	case FaultSameLink:
		link = "https://HOST/v1.0/auditLogs/signIns?$skiptoken=9000000000000000000_1"
	}
	if link != "" {
		link = strings.Replace(link, "HOST", f.host, 1)
		a.body = []byte(strings.Replace(string(a.body), "{", `{"@odata.nextLink":"`+link+`",`, 1))
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
