package oktatest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
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
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own affair
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"errorSummary":"oktatest cannot encode its answer"}`)
	}
	return b
}

// refusal is Okta's error object.
func refusal(status int, code, summary string, causes ...string) *reply {
	list := []object{}
	for _, c := range causes {
		list = append(list, object{"errorSummary": c})
	}
	return &reply{status: status, header: http.Header{}, body: marshal(object{
		"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae-" + code, "errorCauses": list,
	})}
}

// respond checks credential and limit, and answers. The caller holds the lock.
func (s *Server) respond(r *http.Request) *reply {
	limits, ok := s.spend()
	a := s.answer(r)
	if !ok {
		a = refusal(http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests.")
	}
	maps.Copy(a.header, limits)
	return a
}

// spend counts a request against the minute and returns the headers that tell
// of it; false when nothing was left.
func (s *Server) spend() (http.Header, bool) {
	now := s.now()
	if !now.Before(s.window) {
		s.window, s.used = now.Add(time.Minute).Truncate(time.Second), 0
	}
	s.used++
	h := http.Header{}
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(s.opts.Limit))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, s.opts.Limit-s.used)))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(s.window.Unix(), 10))
	return h, s.used <= s.opts.Limit
}

func (s *Server) answer(r *http.Request) *reply {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "SSWS ")
	switch {
	case !ok || token == "" || s.opts.Token != "" && token != s.opts.Token:
		return refusal(http.StatusUnauthorized, "E0000011", "Invalid token provided")
	case r.URL.Path != "/api/v1/logs":
		return refusal(http.StatusNotFound, "E0000022", "The endpoint does not support the provided HTTP method")
	case r.Method != http.MethodGet:
		return refusal(http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method")
	}
	q := r.URL.Query()
	descending := q.Get("sortOrder") == "DESCENDING" && q.Get("after") == ""
	if q.Get("until") != "" || q.Get("q") != "" || q.Get("sortOrder") != "ASCENDING" && !descending {
		return refusal(http.StatusNotImplemented, "E0000060", "Unsupported operation: oktatest knows polling requests, and the first page of descending ones")
	}
	return s.page(r, q, descending)
}

// page answers a polling request, or the first page of one that is descending.
func (s *Server) page(r *http.Request, q url.Values, descending bool) *reply {
	limit, err := strconv.Atoi(q.Get("limit"))
	if q.Get("limit") == "" {
		limit, err = 100, nil
	}
	if err != nil || limit < 0 || limit > 1000 {
		return refusal(http.StatusBadRequest, "E0000001", "Api validation failed: limit", "limit: must be an integer between 0 and 1000")
	}
	after, bad := s.place(q)
	if bad != nil {
		return bad
	}
	match, err := parseFilter(q.Get("filter"))
	if err != nil {
		return refusal(http.StatusBadRequest, "E0000053", fmt.Sprintf("Invalid filter '%s': %v", q.Get("filter"), err))
	}
	if s.opts.PageSize > 0 {
		limit = min(limit, s.opts.PageSize)
	}
	if descending {
		return &reply{status: http.StatusOK, header: http.Header{}, body: s.encode(s.newest(after, limit, match))}
	}
	page, last := s.behind(after, limit, match)
	a := &reply{status: http.StatusOK, header: http.Header{}, body: s.encode(page)}
	link := *r.URL
	link.Scheme, link.Host = "https", r.Host
	if s.opts.LinkHost != "" {
		link.Host = s.opts.LinkHost
	}
	a.header.Add("Link", "<"+link.String()+`>; rel="self"`)
	q.Del("since")
	q.Set("after", fmt.Sprintf("%d_%d", last.stored, last.seq))
	link.RawQuery = q.Encode()
	a.header.Add("Link", "<"+link.String()+`>; rel="next"`)
	return a
}

// mark is a place in the log.
type mark struct{ stored, seq int64 }

// place reads since or after.
func (s *Server) place(q url.Values) (mark, *reply) {
	now := s.now()
	since, after := q.Get("since"), q.Get("after")
	if since != "" && after != "" {
		return mark{}, refusal(http.StatusBadRequest, "E0000053", "Invalid parameter: since and after are mutually exclusive.")
	}
	if after != "" {
		stored, seq, ok := strings.Cut(after, "_")
		var m mark
		var err1, err2 error
		m.stored, err1 = strconv.ParseInt(stored, 10, 64)
		m.seq, err2 = strconv.ParseInt(seq, 10, 64)
		if !ok || err1 != nil || err2 != nil {
			return mark{}, refusal(http.StatusBadRequest, "E0000053", "Invalid parameter: after")
		}
		return m, nil
	}
	from := now.Add(-7 * 24 * time.Hour)
	if since != "" {
		var err error
		if from, err = time.Parse(time.RFC3339, since); err != nil {
			return mark{}, refusal(http.StatusBadRequest, "E0000001",
				"Api validation failed: 'since': The date format in your query is not recognized.", "since: must be a valid date-time or empty.")
		}
	}
	if from.Before(now.AddDate(0, 0, -180)) {
		return mark{}, refusal(http.StatusBadRequest, "E0000053", "Invalid parameter: The since parameter is over 180 days prior to the current day.")
	}
	return mark{stored: from.UnixMilli()}, nil
}

// newest returns up to limit events published since a place, newest first.
func (s *Server) newest(since mark, limit int, match func(string) bool) []*logged {
	all, _ := s.behind(mark{}, len(s.log)*2, match)
	all = slices.DeleteFunc(all, func(l *logged) bool { return l.Published.UnixMilli() < since.stored })
	slices.SortStableFunc(all, func(a, b *logged) int { return b.Published.Compare(a.Published) })
	return all[:min(limit, len(all))]
}

// behind returns up to limit events behind a place, and where it ended.
func (s *Server) behind(after mark, limit int, match func(string) bool) ([]*logged, mark) {
	now := s.now()
	kept := now.AddDate(0, 0, -90)
	var page []*logged
	for _, l := range s.log {
		at := mark{l.Stored.UnixMilli(), l.seq}
		switch {
		case at.stored < after.stored || at.stored == after.stored && at.seq <= after.seq,
			l.Visible.After(now), l.Published.Before(kept), !match(l.Type):
			continue
		}
		if len(page) >= limit {
			break
		}
		page = append(page, l)
		after = at
		if l.Twice && len(page) < limit {
			page = append(page, l)
		}
	}
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(page), func(i, j int) { page[i], page[j] = page[j], page[i] })
	}
	return page, after
}

func (s *Server) encode(page []*logged) []byte {
	b := []byte{'['}
	for i, l := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, l.body...)
	}
	return append(b, ']')
}

// parseFilter reads comparisons of eventType joined by or.
func parseFilter(text string) (func(eventType string) bool, error) {
	if text == "" {
		return func(string) bool { return true }, nil
	}
	type comparison struct{ op, value string }
	var all []comparison
	for part := range strings.SplitSeq(text, " or ") {
		words := strings.Fields(part)
		if len(words) != 3 || words[0] != "eventType" || !slices.Contains([]string{"eq", "sw", "ew"}, words[1]) {
			return nil, fmt.Errorf("unrecognized expression %q", part)
		}
		value, err := strconv.Unquote(words[2])
		if err != nil {
			return nil, fmt.Errorf("value %s is not quoted", words[2])
		}
		all = append(all, comparison{words[1], value})
	}
	return func(eventType string) bool {
		return slices.ContainsFunc(all, func(c comparison) bool {
			switch c.op {
			case "sw":
				return strings.HasPrefix(eventType, c.value)
			case "ew":
				return strings.HasSuffix(eventType, c.value)
			}
			return eventType == c.value
		})
	}, nil
}

// wire writes an event as Okta does.
func (e *Event) wire() json.RawMessage {
	return marshal(object{
		"actor":  e.actor(),
		"client": e.client(),
		"device": nil,
		"authenticationContext": object{
			"authenticationProvider": nil, "credentialProvider": nil, "credentialType": nil, "issuer": nil,
			"interface": nil, "authenticationStep": 0, "externalSessionId": orNil(e.Session),
		},
		"displayMessage": cmp.Or(e.Message, e.Type),
		"eventType":      e.Type,
		"outcome":        e.outcome(),
		"published":      e.Published.UTC().Format("2006-01-02T15:04:05.000Z"),
		"securityContext": object{
			"asNumber": orZero(e.ASN), "asOrg": orNil(e.ASOrg), "isp": orNil(e.ASOrg), "domain": nil, "isProxy": e.Proxy,
		},
		"severity":        "INFO",
		"debugContext":    object{"debugData": e.debug()},
		"legacyEventType": cmp.Or(e.Legacy, "core."+e.Type),
		"transaction":     object{"type": "WEB", "id": "tx-" + e.UUID, "detail": object{}},
		"uuid":            e.UUID,
		"version":         "0",
		"request":         object{"ipChain": []object{}},
		"target":          e.targets(),
	})
}

func (e *Event) debug() object {
	data := object{"requestUri": "/api/v1/authn", "padding": strings.Repeat("x", e.Padding)}
	for name, value := range e.Debug {
		data[name] = value
	}
	return data
}

func (e *Event) actor() object {
	kind, name, id := e.ActorType, e.ActorName, e.ActorID
	if kind == "" {
		kind = "User"
	}
	if name == "" {
		name = "Name of " + e.Actor
	}
	if id == "" {
		id = "00u" + e.Actor
	}
	return object{"id": id, "type": kind, "alternateId": orNil(e.Actor), "displayName": name, "detailEntry": nil}
}

func (e *Event) client() object {
	var where any
	if e.Country != "" || e.City != "" || e.Lat != nil {
		var point any
		if e.Lat != nil && e.Lon != nil {
			point = object{"lat": *e.Lat, "lon": *e.Lon}
		}
		where = object{
			"city": orNil(e.City), "state": orNil(e.State), "country": orNil(e.Country), "postalCode": nil, "geolocation": point,
		}
	}
	device := e.Device
	if device == "" {
		device = "Unknown"
	}
	return object{
		"userAgent": object{"rawUserAgent": orNil(e.UserAgent), "os": "Unknown", "browser": "UNKNOWN"},
		"zone":      "null", "device": device, "id": nil, "ipAddress": orNil(e.IP), "geographicalContext": where,
	}
}

func (e *Event) outcome() any {
	if e.Result == "-" {
		return nil
	}
	result := e.Result
	if result == "" {
		result = "SUCCESS"
	}
	return object{"result": result, "reason": orNil(e.Reason)}
}

func (e *Event) targets() any {
	var list []object
	if e.App != "" {
		list = append(list, object{"id": "0oa" + e.App, "type": "AppInstance", "alternateId": e.App, "displayName": e.App, "detailEntry": nil})
	}
	if e.Token != "" {
		list = append(list, object{"id": "00T" + e.Token, "type": "Token", "alternateId": "unknown", "displayName": e.Token, "detailEntry": nil})
	}
	if e.User != "" {
		list = append(list, object{"id": "00u" + e.User, "type": "User", "alternateId": e.User, "displayName": "Name of " + e.User, "detailEntry": nil})
	}
	for _, kind := range slices.Sorted(maps.Keys(e.Targets)) {
		name := e.Targets[kind]
		list = append(list, object{"id": "tgt" + name, "type": kind, "alternateId": "unknown", "displayName": name, "detailEntry": nil})
	}
	if list == nil {
		return nil
	}
	return list
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orZero(n int) any {
	if n == 0 {
		return nil
	}
	return n
}
