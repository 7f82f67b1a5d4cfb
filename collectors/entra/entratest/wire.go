package entratest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
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
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own affair
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"error":{"code":"generalException","message":"entratest cannot encode its answer"}}`)
	}
	return b
}

func good(v any) *reply { return &reply{http.StatusOK, http.Header{}, marshal(v)} }

// refusal is an error of Graph.
func refusal(status int, code, message string) *reply {
	return &reply{status, http.Header{}, marshal(object{"error": object{
		"code": code, "message": message,
		"innerError": object{"date": "2026-03-06T12:00:00", "request-id": "0b1c2d3e-0000-0000-0000-000000000001"},
	}})}
}

// grantRefusal is an error of the token endpoint.
func grantRefusal(status int, code string, aadsts int, description string) *reply {
	return &reply{status, http.Header{}, marshal(object{
		"error": code, "error_codes": []int{aadsts}, "timestamp": "2026-03-06 12:00:00Z",
		"error_description": "AADSTS" + strconv.Itoa(aadsts) + ": " + description + "\r\nTrace ID: 0000aaaa-11bb\r\nCorrelation ID: aaaa0000",
	})}
}

// respond answers a request. The caller holds the lock.
func (s *Server) respond(r *http.Request) *reply {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token") {
		return s.grant(r)
	}
	log, ok := strings.CutPrefix(r.URL.Path, "/v1.0/auditLogs/")
	if !ok || r.Method != http.MethodGet || log != "signIns" && log != "directoryAudits" {
		return refusal(http.StatusNotFound, "ResourceNotFound", "Resource not found for the segment.")
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ends, ok := s.tokens[token]; !ok || !s.now().Before(ends) {
		return refusal(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	}
	if !s.spend() {
		a := refusal(http.StatusTooManyRequests, "TooManyRequests", "Too Many Requests")
		a.header.Set("Retry-After", "10")
		return a
	}
	if log == "signIns" && !s.licensed {
		return refusal(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
			"Neither tenant is B2C or tenant doesn't have premium license")
	}
	return s.page(log, r)
}

// grant answers client credentials with an access token.
func (s *Server) grant(r *http.Request) *reply {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" || !strings.HasSuffix(r.PostForm.Get("scope"), "/.default") {
		return grantRefusal(http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the parameter grant_type or scope.")
	}
	tenant := strings.Trim(strings.TrimSuffix(r.URL.Path, "/oauth2/v2.0/token"), "/")
	switch {
	case tenant != Tenant:
		return grantRefusal(http.StatusBadRequest, "invalid_request", 90002, "Tenant '"+tenant+"' not found.")
	case r.PostForm.Get("client_id") != ClientID:
		return grantRefusal(http.StatusBadRequest, "unauthorized_client", 700016, "Application was not found in the directory.")
	case r.PostForm.Get("client_secret") != ClientSecret:
		return grantRefusal(http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided.")
	}
	token := "eyJ0eXAi.fake-" + strconv.FormatInt(s.now().UnixNano(), 36) + "-" + strconv.Itoa(len(s.tokens))
	s.tokens[token] = s.now().Add(s.opts.Token)
	return good(object{"token_type": "Bearer", "expires_in": int(s.opts.Token / time.Second), "ext_expires_in": int(s.opts.Token / time.Second), "access_token": token})
}

// page answers one page of a log, newest first.
func (s *Server) page(log string, r *http.Request) *reply {
	q := r.URL.Query()
	size := 1000
	if text := q.Get("$top"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return refusal(http.StatusBadRequest, "BadRequest", "Invalid page size specified: '"+text+"'. Must be between 1 and 1000 inclusive.")
		}
		size = n
	}
	now := s.now()
	since, until, bad := span(log, q.Get("$filter"), now)
	if bad != nil {
		return bad
	}
	place, bad := placeOf(q.Get("$skiptoken"))
	if bad != nil {
		return bad
	}
	var fit []*logged
	for _, l := range s.log {
		if l.log == log && !l.visible.After(now) && !l.time.Before(since) && !l.time.After(until) && l.time.After(now.AddDate(0, 0, -30)) {
			fit = append(fit, l)
		}
	}
	slices.SortFunc(fit, func(a, b *logged) int {
		if n := b.time.Compare(a.time); n != 0 {
			return n
		}
		return int(b.seq - a.seq)
	})
	var page []*logged
	out := object{"@odata.context": "https://" + r.Host + "/v1.0/$metadata#auditLogs/" + log}
	for _, l := range fit {
		if place != nil && !place.before(l) {
			continue
		}
		if len(page) >= size {
			out["@odata.nextLink"] = s.link(r, tokenOf(page[len(page)-1]))
			break
		}
		page = append(page, l)
	}
	out["value"] = s.bodies(page)
	return good(out)
}

func (s *Server) link(r *http.Request, token string) string {
	q := r.URL.Query()
	q.Set("$skiptoken", token)
	host := r.Host
	if s.opts.LinkHost != "" {
		host = s.opts.LinkHost
	}
	return "https://" + host + r.URL.Path + "?" + q.Encode()
}

func (s *Server) bodies(page []*logged) []json.RawMessage {
	list := []json.RawMessage{}
	for _, l := range page {
		list = append(list, l.body)
		if l.twice {
			list = append(list, l.body)
		}
	}
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list
}

// span reads a filter: comparisons of the log's time by ge and le, joined by and.
func span(log, filter string, now time.Time) (since, until time.Time, bad *reply) {
	until = now
	field := map[string]string{"signIns": "createdDateTime", "directoryAudits": "activityDateTime"}[log]
	for part := range strings.SplitSeq(filter, " and ") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		if len(words) != 3 || words[0] != field || words[1] != "ge" && words[1] != "le" {
			return since, until, refusal(http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+part)
		}
		t, err := time.Parse(time.RFC3339, words[2])
		if err != nil {
			return since, until, refusal(http.StatusBadRequest, "BadRequest", "Invalid filter clause: "+words[2])
		}
		if words[1] == "ge" {
			since = t
		} else {
			until = t
		}
	}
	return since, until, nil
}

// place is where a page ended.
type place struct{ ns, seq int64 }

func (p *place) before(l *logged) bool {
	ns := l.time.UnixNano()
	return ns < p.ns || ns == p.ns && l.seq < p.seq
}

func tokenOf(l *logged) string {
	return strconv.FormatInt(l.time.UnixNano(), 10) + "_" + strconv.FormatInt(l.seq, 10)
}

func placeOf(token string) (*place, *reply) {
	if token == "" {
		return nil, nil
	}
	ns, seq, ok := strings.Cut(token, "_")
	p := &place{}
	var err1, err2 error
	p.ns, err1 = strconv.ParseInt(ns, 10, 64)
	p.seq, err2 = strconv.ParseInt(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return nil, refusal(http.StatusBadRequest, "BadRequest", "Skip token is invalid.")
	}
	return p, nil
}

// wire writes a sign-in as Graph does.
func (e SignIn) wire(id, at string) json.RawMessage {
	userID, risk := e.UserID, e.Risk
	if userID == "" {
		userID = "26be570a-" + e.User
	}
	if risk == "" {
		risk = "none"
	}
	return marshal(object{
		"id": id, "createdDateTime": at, "userDisplayName": "Name of " + e.User, "userPrincipalName": e.User, "userId": userID,
		"appId": "de8bc8b5-d9f9-48b1-a8ad-b748da725064", "appDisplayName": orNil(e.App), "ipAddress": orNil(e.IP), "clientAppUsed": "Browser",
		"correlationId": "d79f5bee-5860-4832-928f-3133e22ae912", "conditionalAccessStatus": "notApplied", "isInteractive": true,
		"riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": risk, "riskState": "none", "riskEventTypes": []string{}, "riskEventTypes_v2": []string{},
		"resourceDisplayName": "Microsoft Graph", "resourceId": "00000003-0000-0000-c000-000000000000",
		"status": object{"errorCode": e.Code, "failureReason": orNil(e.Reason), "additionalDetails": nil},
		"deviceDetail": object{
			"deviceId": "", "displayName": orNil(e.Device), "operatingSystem": orNil(e.System), "browser": "Edge 80.0.361", "isCompliant": nil, "isManaged": nil, "trustType": nil,
		},
		"location": object{
			"city": orNil(e.City), "state": orNil(e.State), "countryOrRegion": orNil(e.Country),
			"geoCoordinates": object{"altitude": nil, "latitude": orNilNumber(e.Lat), "longitude": orNilNumber(e.Lon)},
		},
		"appliedConditionalAccessPolicies": []object{},
	})
}

// wire writes an audit as Graph does.
func (e Audit) wire(id, at string) json.RawMessage {
	result := e.Result
	if result == "" {
		result = "success"
	}
	by := object{"app": nil, "user": nil}
	if e.By != "" {
		by["user"] = object{"id": "728309ae-" + e.By, "displayName": nil, "userPrincipalName": e.By, "ipAddress": orNil(e.IP), "userType": nil, "homeTenantId": nil, "homeTenantName": nil}
	} else {
		by["app"] = object{"appId": nil, "displayName": orNil(e.ByApp), "servicePrincipalId": nil, "servicePrincipalName": nil}
	}
	modified := []object{}
	if e.Modified != "" {
		modified = append(modified, object{"displayName": e.Modified, "oldValue": nil, "newValue": e.Value})
	}
	targets := []object{}
	if e.App != "" {
		targets = append(targets, object{"id": "sp-" + e.App, "displayName": e.App, "type": "ServicePrincipal", "userPrincipalName": nil, "groupType": nil, "modifiedProperties": modified})
	}
	if e.User != "" {
		targets = append(targets, object{"id": "26be570a-" + e.User, "displayName": nil, "type": "User", "userPrincipalName": e.User, "groupType": nil, "modifiedProperties": modified})
	}
	return marshal(object{
		"id": "Directory_" + id, "category": e.Category, "correlationId": "da159bfb-54fa-4092-8a38-6e1fa7870e30", "result": result, "resultReason": e.Reason,
		"activityDisplayName": e.Activity, "activityDateTime": at, "loggedByService": "Core Directory", "operationType": "Update",
		"initiatedBy": by, "targetResources": targets, "additionalDetails": []object{},
	})
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNilNumber(v float64) any {
	if v == 0 {
		return nil
	}
	return v
}
