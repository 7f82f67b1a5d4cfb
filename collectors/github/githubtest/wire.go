package githubtest

import (
	"encoding/base64"
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
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is its own affair
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"message":"githubtest cannot encode its answer"}`)
	}
	return b
}

// refusal is GitHub's error object.
func refusal(status int, message, docs string) *reply {
	return &reply{status: status, header: http.Header{}, body: marshal(object{
		"message": message, "documentation_url": "https://docs.github.com/rest" + docs, "status": strconv.Itoa(status),
	})}
}

// respond checks credential and limit, and answers. The caller holds the lock.
func (s *Server) respond(r *http.Request) *reply {
	limits, ok := s.spend()
	a := s.answer(r)
	if !ok {
		s.over++
		a = refusal(http.StatusForbidden, "API rate limit exceeded for user ID 1.", "/using-the-rest-api/rate-limits-for-the-rest-api")
	}
	maps.Copy(a.header, limits)
	if s.opts.Scopes != "-" {
		a.header.Set("X-Oauth-Scopes", s.opts.Scopes)
		a.header.Set("X-Accepted-Oauth-Scopes", "read:audit_log")
	}
	if !s.opts.Expires.IsZero() {
		a.header.Set("Github-Authentication-Token-Expiration", s.opts.Expires.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return a
}

// spend counts a request against the hour and returns the headers that tell of
// it; false when nothing was left.
func (s *Server) spend() (http.Header, bool) {
	now := s.now()
	if !now.Before(s.window) {
		s.window, s.used = now.Add(time.Hour).Truncate(time.Second), 0
	}
	s.used++
	return s.limits(), s.used <= s.opts.Limit
}

func (s *Server) limits() http.Header {
	h := http.Header{}
	h.Set("X-Ratelimit-Limit", strconv.Itoa(s.opts.Limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, s.opts.Limit-s.used)))
	h.Set("X-Ratelimit-Used", strconv.Itoa(s.used))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(s.window.Unix(), 10))
	h.Set("X-Ratelimit-Resource", "audit_log")
	return h
}

func (s *Server) answer(r *http.Request) *reply {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	path, prefixed := strings.CutPrefix(r.URL.Path, s.opts.Prefix)
	switch {
	case !ok || token == "" || s.opts.Token != "" && token != s.opts.Token:
		return refusal(http.StatusUnauthorized, "Bad credentials", "")
	case !prefixed || path != "/orgs/acme/audit-log" && path != "/enterprises/acme-corp/audit-log":
		return refusal(http.StatusNotFound, "Not Found", "/orgs/orgs#get-the-audit-log-for-an-organization")
	case r.Method != http.MethodGet:
		return refusal(http.StatusNotFound, "Not Found", "")
	}
	return s.page(r, r.URL.Query())
}

// page answers one page of the log.
func (s *Server) page(r *http.Request, q url.Values) *reply {
	limit, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || limit < 1 {
		limit = 30
	}
	limit = min(limit, 100)
	since, err := s.created(q.Get("phrase"))
	if err != nil {
		return refusal(http.StatusUnprocessableEntity, err.Error(), "")
	}
	include, order := q.Get("include"), q.Get("order")
	if !slices.Contains([]string{"", "web", "git", "all"}, include) || !slices.Contains([]string{"", "asc", "desc"}, order) {
		return refusal(http.StatusUnprocessableEntity, "Validation Failed", "")
	}
	var after mark
	if text := q.Get("after"); text != "" {
		if after, err = readMark(text); err != nil {
			return refusal(http.StatusUnprocessableEntity, "Invalid cursor", "")
		}
	}
	match := func(l *logged) bool {
		git := strings.HasPrefix(l.Action, "git.")
		return (include == "all" || git == (include == "git")) && l.Created.UnixMilli() >= since
	}
	page, next := s.behind(after, limit, order == "asc", match)
	a := &reply{status: http.StatusOK, header: http.Header{}, body: encode(page)}
	if next != "" {
		a.header.Set("Link", s.links(r, q, next))
	}
	return a
}

// links are the next and the first page, in one header as GitHub sends them.
func (s *Server) links(r *http.Request, q url.Values, next string) string {
	link := *r.URL
	link.Scheme, link.Host = "https", r.Host
	if s.opts.LinkHost != "" {
		link.Host = s.opts.LinkHost
	}
	q.Set("after", next)
	q.Set("before", "")
	link.RawQuery = q.Encode()
	first := link
	q.Set("after", "")
	first.RawQuery = q.Encode()
	return fmt.Sprintf(`<%s>; rel="next", <%s>; rel="first"`, link.String(), first.String())
}

// created reads the phrase; none is three months.
func (s *Server) created(phrase string) (int64, error) {
	if phrase == "" {
		return s.now().AddDate(0, -3, 0).UnixMilli(), nil
	}
	text, ok := strings.CutPrefix(phrase, "created:>=")
	if !ok {
		return 0, fmt.Errorf("githubtest knows created:>= only, not %q", phrase)
	}
	for _, form := range []string{time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(form, text); err == nil {
			if s.opts.ByDay {
				t = t.UTC().Truncate(24 * time.Hour)
			}
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("created: %q is no date", text)
}

// mark is a place in the log.
type mark struct{ created, seq int64 }

func (m mark) String() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "MS|%d|%d", m.created, m.seq))
}

func readMark(text string) (mark, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return mark{}, fmt.Errorf("after: %w", err)
	}
	var m mark
	if _, err := fmt.Sscanf(string(b), "MS|%d|%d", &m.created, &m.seq); err != nil {
		return mark{}, fmt.Errorf("after: %w", err)
	}
	return m, nil
}

// behind returns up to limit events behind a place, and where they end if more
// follow.
func (s *Server) behind(after mark, limit int, ascending bool, match func(*logged) bool) (page []*logged, next string) {
	now := s.now()
	kept := now.AddDate(0, 0, -180)
	all := slices.Clone(s.log)
	if !ascending {
		slices.Reverse(all)
	}
	for _, l := range all {
		at := mark{l.Created.UnixMilli(), l.seq}
		passed := at.created < after.created || at.created == after.created && at.seq <= after.seq
		if !ascending {
			passed = !passed || at == after
		}
		if after != (mark{}) && passed || l.Visible.After(now) || l.Created.Before(kept) || !match(l) {
			continue
		}
		if len(page) >= limit {
			next = after.String()
			break
		}
		page, after = append(page, l), at
		if l.Twice && len(page) < limit {
			page = append(page, l)
		}
	}
	if s.opts.Shuffle != 0 {
		s.dice.Shuffle(len(page), func(i, j int) { page[i], page[j] = page[j], page[i] })
	}
	return page, next
}

func encode(page []*logged) []byte {
	b := []byte{'['}
	for i, l := range page {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, l.body...)
	}
	return append(b, ']')
}

// wire writes an event as GitHub does.
func (e *Event) wire() json.RawMessage {
	o := object{
		"@timestamp": e.Created.UnixMilli(), "created_at": e.Created.UnixMilli(),
		"_document_id": e.ID, "action": e.Action, "org": "acme", "org_id": 65, "operation_type": "modify",
	}
	for name, value := range map[string]string{"actor": e.Actor, "user": e.User, "actor_ip": e.IP, "user_agent": e.UserAgent} {
		if value != "" {
			o[name] = value
		}
	}
	if e.Country != "" {
		o["actor_location"] = object{"country_code": e.Country}
	}
	if e.ID == "-" {
		delete(o, "_document_id")
	}
	maps.Copy(o, e.More)
	return marshal(o)
}
