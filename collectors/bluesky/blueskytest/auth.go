package blueskytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) createSession(h http.Header, r *http.Request) answer {
	var in struct {
		Identifier string `json:"identifier"`
		Password   string `json:"password"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Identifier == "" {
		return invalid("InvalidRequest", "Input must have the property \"identifier\"")
	}
	short := s.count(h, "createSession "+in.Identifier, LimitSessions, 5*time.Minute)
	daily := s.count(http.Header{}, "createSession daily "+in.Identifier, LimitSessionsDaily, 24*time.Hour)
	if short || daily {
		return answer{status: http.StatusTooManyRequests, name: "RateLimitExceeded", message: "Rate Limit Exceeded"}
	}
	a := s.byName(in.Identifier)
	scope := ""
	if a != nil && in.Password == a.password {
		scope = scopeFull
	} else if a != nil {
		for _, p := range a.passwords {
			if p.Password == in.Password && p.Privileged {
				scope = scopePrivileged
			} else if p.Password == in.Password {
				scope = scopeAppPass
			}
		}
	}
	switch {
	case scope == "":
		return answer{status: http.StatusUnauthorized, name: "AuthenticationRequired", message: "Invalid identifier or password"}
	case a.status == "takendown":
		return answer{status: http.StatusUnauthorized, name: "AccountTakedown", message: "Account has been taken down"}
	}
	s.seq++
	return ok(s.issue(a.did, scope, fmt.Sprintf("token-%d", s.seq)))
}

// refreshSession replaces a refresh token. The one before stays good for two
// hours, and leads to the same successor each time.
func (s *Server) refreshSession(r *http.Request) answer {
	c, valid := readToken(bearer(r))
	if !valid || c.Scope != scopeRefresh {
		return invalid("InvalidToken", "Bad token scope")
	}
	now := s.now()
	t := s.tokens[c.JTI]
	if t == nil || !now.Before(t.expires) || now.Unix() >= c.Expires {
		return invalid("ExpiredToken", "Token has been revoked")
	}
	if grace := now.Add(refreshGrace); grace.Before(t.expires) {
		t.expires = grace
	}
	if t.next == "" {
		s.seq++
		t.next = fmt.Sprintf("token-%d", s.seq)
	}
	return ok(s.issue(t.did, t.scope, t.next))
}

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// session returns whose access token a request has, or the refusal.
func (s *Server) session(r *http.Request) (*account, string, *answer) {
	refuse := func(a answer) (*account, string, *answer) { return nil, "", &a }
	if r.Header.Get("Authorization") == "" {
		return refuse(answer{status: http.StatusUnauthorized, name: "AuthMissing", message: "Authentication Required"})
	}
	c, valid := readToken(bearer(r))
	switch {
	case !valid:
		return refuse(invalid("InvalidToken", "Token could not be verified"))
	case c.Scope == scopeRefresh:
		return refuse(invalid("InvalidToken", "Bad token scope"))
	case s.now().Unix() >= c.Expires:
		return refuse(invalid("ExpiredToken", "Token has expired"))
	}
	return s.accounts[c.Sub], c.Scope, nil
}

func (s *Server) listAppPasswords(r *http.Request) answer {
	a, scope, refused := s.session(r)
	if refused != nil {
		return *refused
	}
	if s.opts.NoAppPasswords && scope != scopeFull {
		return invalid("InvalidToken", "Bad token scope")
	}
	list := []any{}
	for _, p := range a.passwords {
		list = append(list, map[string]any{
			"name": p.Name, "createdAt": p.Created.UTC().Format("2006-01-02T15:04:05.000Z"), "privileged": p.Privileged,
		})
	}
	return ok(map[string]any{"passwords": list})
}

// notifications answers a page, newest first. Its cursor is opaque.
func (s *Server) notifications(r *http.Request, q url.Values) answer {
	a, _, refused := s.session(r)
	if refused != nil {
		return *refused
	}
	if s.opts.NoAppView {
		return answer{status: http.StatusBadGateway, name: "UpstreamFailure", message: "Upstream Failure"}
	}
	reasons := q["reasons"]
	var notes []*Notification
	for _, n := range a.notes {
		if len(reasons) == 0 || slices.Contains(reasons, n.Reason) {
			notes = append(notes, n)
		}
	}
	slices.SortStableFunc(notes, func(x, y *Notification) int { return y.Indexed.Compare(x.Indexed) })
	from := 0
	if text, found := strings.CutPrefix(q.Get("cursor"), "at::"); found {
		from, _ = strconv.Atoi(text)
	}
	limit := 50
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n >= 1 && n <= 100 {
		limit = n
	}
	if s.opts.PageSize > 0 {
		limit = min(limit, s.opts.PageSize)
	}
	notes = notes[min(from, len(notes)):]
	body := map[string]any{"priority": false}
	if len(notes) > limit {
		notes = notes[:limit]
		body["cursor"] = fmt.Sprintf("at::%d", from+limit)
	}
	out := []any{}
	for _, n := range notes {
		entry := map[string]any{
			"uri": n.URI, "cid": cidOf(n.Record), "reason": n.Reason, "isRead": false, "labels": []any{},
			"author":    map[string]any{"did": "did:plc:" + strings.Repeat("f", 24), "handle": n.Handle, "displayName": "Fan"},
			"record":    json.RawMessage(n.Record),
			"indexedAt": n.Indexed.UTC().Format("2006-01-02T15:04:05.000Z"),
		}
		if n.Broken {
			entry["indexedAt"] = 17
		}
		out = append(out, entry)
	}
	body["notifications"] = out
	return ok(body)
}
