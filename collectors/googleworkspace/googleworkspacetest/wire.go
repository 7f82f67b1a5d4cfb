package googleworkspacetest

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// reply is one answer before it is written.
type reply struct {
	status int
	header http.Header
	body   []byte
}

type object = map[string]any

func (a *reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own affair
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"error":{"code":500,"message":"googleworkspacetest cannot encode its answer"}}`)
	}
	return b
}

func good(v any) *reply { return &reply{http.StatusOK, http.Header{}, marshal(v)} }

// refusal is an error of the API.
func refusal(status int, reason, message string) *reply {
	return &reply{status, http.Header{}, marshal(object{"error": object{
		"code": status, "message": message,
		"errors": []object{{"message": message, "domain": "global", "reason": reason}},
	}})}
}

// grantRefusal is an error of the token endpoint.
func grantRefusal(status int, code, description string) *reply {
	return &reply{status, http.Header{}, marshal(object{"error": code, "error_description": description})}
}

const activitiesPath = "/admin/reports/v1/activity/users/all/applications/"

// respond answers a request. The caller holds the lock.
func (s *Server) respond(r *http.Request) *reply {
	app, ok := strings.CutPrefix(r.URL.Path, activitiesPath)
	switch {
	case r.URL.Path == "/token" && r.Method == http.MethodPost:
		return s.grant(r)
	case !ok || r.Method != http.MethodGet:
		return &reply{http.StatusNotFound, http.Header{}, []byte("<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>")}
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ends, ok := s.tokens[token]; !ok || !s.now().Before(ends) {
		return refusal(http.StatusUnauthorized, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token.")
	}
	q := r.URL.Query()
	if !s.spend(q.Has("eventName")) {
		return refusal(http.StatusServiceUnavailable, "quotaExceeded", "Quota exceeded for quota metric 'Queries'.")
	}
	if !slices.Contains([]string{"login", "user_accounts", "token", "admin", "saml"}, app) {
		return refusal(http.StatusBadRequest, "invalid", "Invalid value: "+app)
	}
	return s.page(app, q)
}

// grant answers a signed assertion with an access token.
func (s *Server) grant(r *http.Request) *reply {
	if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return grantRefusal(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+r.Form.Get("grant_type"))
	}
	claims := jwt.MapClaims{}
	// The claims' times are of the caller's own clock, which a test may not set.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(r.Form.Get("assertion"), claims, func(*jwt.Token) (any, error) {
		return &s.opts.Key.PublicKey, nil
	}); err != nil {
		return grantRefusal(http.StatusBadRequest, "invalid_grant", "Invalid JWT Signature.")
	}
	if err := s.checkClaims(claims); err != nil {
		return grantRefusal(http.StatusBadRequest, "invalid_grant", err.Error())
	}
	if claims["scope"] != "https://www.googleapis.com/auth/admin.reports.audit.readonly" {
		return grantRefusal(http.StatusUnauthorized, "unauthorized_client",
			"Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.")
	}
	token := "ya29.c.fake-" + strconv.FormatInt(s.now().UnixNano(), 36) + "-" + strconv.Itoa(len(s.tokens))
	s.tokens[token] = s.now().Add(s.opts.Token)
	return good(object{"access_token": token, "expires_in": int(s.opts.Token / time.Second), "token_type": "Bearer"})
}

func (s *Server) checkClaims(claims jwt.MapClaims) error {
	iat, err1 := claims.GetIssuedAt()
	exp, err2 := claims.GetExpirationTime()
	aud, err3 := claims.GetAudience()
	switch {
	case errors.Join(err1, err2, err3) != nil || iat == nil || exp == nil || exp.Sub(iat.Time) > time.Hour+10*time.Second:
		return errors.New("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.") //nolint:revive,staticcheck // Google's words
	case claims["iss"] != Email || len(aud) != 1 || !strings.HasSuffix(aud[0], "/token"):
		return errors.New("Invalid issuer or audience") //nolint:staticcheck // Google's words
	case claims["sub"] == nil || s.opts.Admin != "" && claims["sub"] != s.opts.Admin:
		return errors.New("Invalid email or User ID") //nolint:staticcheck // Google's words
	}
	return nil
}

// page answers one page of a log, newest first.
func (s *Server) page(app string, q url.Values) *reply {
	size := 1000
	if text := q.Get("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return refusal(http.StatusBadRequest, "invalid", "Invalid value '"+text+"'. Values must be within the range: [1, 1000]")
		}
		size = n
	}
	now := s.now()
	since, until, bad := span(q, now)
	if bad != nil {
		return bad
	}
	place, bad := placeOf(q.Get("pageToken"))
	if bad != nil {
		return bad
	}
	var fit []*logged
	for _, l := range s.log {
		if l.App == app && !l.Visible.After(now) && !l.Time.Before(since) && !l.Time.After(until) &&
			l.Time.After(now.AddDate(0, 0, -180)) && (!q.Has("eventName") || l.named(q.Get("eventName"))) {
			fit = append(fit, l)
		}
	}
	slices.SortFunc(fit, func(a, b *logged) int {
		if n := b.Time.Compare(a.Time); n != 0 {
			return n
		}
		return int(b.seq - a.seq)
	})
	var page []*logged
	next := ""
	for _, l := range fit {
		if place != nil && !place.before(l) {
			continue
		}
		if len(page) >= size {
			next = tokenOf(page[len(page)-1])
			break
		}
		page = append(page, l)
	}
	out := object{"kind": "admin#reports#activities", "etag": "\"etag\"", "items": s.bodies(page)}
	if next != "" {
		out["nextPageToken"] = next
	}
	return good(out)
}

// named reports whether a record has an event of that name.
func (l *logged) named(name string) bool {
	return l.Name == name || slices.ContainsFunc(l.And, func(e Event) bool { return e.Name == name })
}

func (s *Server) bodies(page []*logged) []json.RawMessage {
	list := []json.RawMessage{}
	for _, l := range page {
		list = append(list, l.body)
		if l.Twice {
			list = append(list, l.body)
		}
	}
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}

func span(q url.Values, now time.Time) (since, until time.Time, bad *reply) {
	since, until = now.AddDate(0, 0, -180), now
	for name, at := range map[string]*time.Time{"startTime": &since, "endTime": &until} {
		if text := q.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return since, until, refusal(http.StatusBadRequest, "invalid", "Invalid value '"+text+"' for "+name)
			}
			*at = t
		}
	}
	if !since.Before(until) || since.After(now) {
		return since, until, refusal(http.StatusBadRequest, "invalid", "Start time must be before end time and the current time.")
	}
	return since, until, nil
}

// place is where a page ended.
type place struct{ ms, seq int64 }

func (p *place) before(l *logged) bool {
	ms := l.Time.UnixMilli()
	return ms < p.ms || ms == p.ms && l.seq < p.seq
}

func tokenOf(l *logged) string {
	return "A:" + strconv.FormatInt(l.Time.UnixMilli(), 10) + ":" + strconv.FormatInt(l.seq, 10)
}

func placeOf(token string) (*place, *reply) {
	if token == "" {
		return nil, nil
	}
	parts := strings.Split(token, ":")
	if len(parts) == 3 && parts[0] == "A" {
		ms, err1 := strconv.ParseInt(parts[1], 10, 64)
		seq, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err1 == nil && err2 == nil {
			return &place{ms, seq}, nil
		}
	}
	return nil, refusal(http.StatusBadRequest, "invalid", "Invalid value for pageToken")
}

// wire writes a record as Google does.
func (e *Event) wire(qualifier, at string) json.RawMessage {
	out := object{
		"kind":   "audit#activity",
		"id":     object{"time": at, "uniqueQualifier": qualifier, "applicationName": e.App, "customerId": "C03az79cb"},
		"etag":   "\"record-" + qualifier + "\"",
		"actor":  object{"callerType": "USER", "email": e.Actor, "profileId": "1" + strconv.Itoa(len(e.Actor)) + "0250506097979753968"},
		"events": []object{e.one()},
	}
	for i := range e.And {
		out["events"] = append(out["events"].([]object), e.And[i].one()) //nolint:forcetypeassert // set above
	}
	if e.IP != "" {
		out["ipAddress"] = e.IP
	}
	if e.Region != "" || e.ASN != 0 {
		out["networkInfo"] = object{"ipAsn": []int{e.ASN}, "regionCode": e.Region, "subdivisionCode": e.Subdivision}
	}
	return marshal(out)
}

// one writes one event.
func (e *Event) one() object {
	parameters := []object{}
	for _, name := range slices.Sorted(maps.Keys(e.Parameters)) {
		switch v := e.Parameters[name].(type) {
		case bool:
			parameters = append(parameters, object{"name": name, "boolValue": v})
		case []string:
			parameters = append(parameters, object{"name": name, "multiValue": v})
		default:
			parameters = append(parameters, object{"name": name, "value": v})
		}
	}
	out := object{"type": e.Type, "name": e.Name, "parameters": parameters}
	if e.Status != "" {
		out["status"] = object{"eventStatus": e.Status}
	}
	return out
}
