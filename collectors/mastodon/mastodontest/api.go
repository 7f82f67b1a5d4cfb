package mastodontest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// login is who asks; nil is anybody.
type login struct {
	token   Token
	account *account // nil for an application's token
}

func (l *login) is(a *account) bool { return l != nil && l.account == a && a != nil }

// authorized checks the credential and answers.
func (s *Server) authorized(r *http.Request) *reply {
	var who *login
	if header, given := r.Header["Authorization"]; given {
		token, _ := strings.CutPrefix(header[0], "Bearer ")
		known, ok := s.opts.Tokens[token]
		if !ok {
			return failure(http.StatusUnauthorized, "The access token is invalid")
		}
		who = &login{token: known, account: s.byName(known.User)}
	}
	if s.opts.LoginOnly && (who == nil || who.account == nil) {
		return failure(http.StatusUnauthorized, "This API requires an authenticated user")
	}
	endpoint := Endpoint(r.URL.Path)
	if who != nil && !s.allows(who.token, endpoint) {
		return failure(http.StatusForbidden, "This action is outside the authorized scopes")
	}
	return s.answer(r, endpoint, who)
}

func (s *Server) allows(t Token, endpoint string) bool {
	need := "read:statuses"
	switch endpoint {
	case Instance, OAuthTokens:
		return true
	case Tokens:
		if s.opts.Software != GoToSocial {
			return true // nothing is there
		}
		need = "read:accounts"
	case Lookup, Self, Account:
		need = "read:accounts"
	case Notifications:
		need = "read:notifications"
	case App:
		if !s.opts.Before43 && !s.opts.Before35 {
			return true
		}
		need = "read"
	}
	return len(t.Scopes) == 0 || slices.Contains(t.Scopes, need) || slices.Contains(t.Scopes, "read")
}

func notFound() *reply { return failure(http.StatusNotFound, "Record not found") }

func (s *Server) answer(r *http.Request, endpoint string, who *login) *reply {
	q := r.URL.Query()
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, apiPrefix), "/")
	switch endpoint {
	case Lookup:
		if a := s.byName(q.Get("acct")); a != nil {
			return ok(s.accountObject(a))
		}
		return notFound()
	case Account:
		if a := s.byID(parts[1]); a != nil {
			return ok(s.accountObject(a))
		}
		return notFound()
	case Self, Notifications:
		return s.own(r, endpoint, who)
	case App:
		return s.application(who)
	case Tokens, OAuthTokens:
		return s.listGrants(r, endpoint, who)
	case Instance:
		if !s.opts.NoStreams {
			return ok(object{"domain": s.opts.Host, "version": "4.6.0", "configuration": object{"urls": object{"streaming": s.streaming}}})
		}
	case Statuses:
		if a := s.byID(parts[1]); a != nil {
			return page(s, r, s.timeline(a, who), 20, 40, func(st *status) json.RawMessage { return s.statusObject(st, who) }, func(st *status) string { return st.id })
		}
		return notFound()
	case One:
		if st := s.statuses[parts[1]]; s.shows(st, who) {
			return ok(s.statusObject(st, who))
		}
		return notFound()
	case History:
		if st := s.statuses[parts[1]]; s.shows(st, who) && !s.opts.Before35 {
			return ok(s.historyOf(st))
		}
		return notFound()
	case Several:
		return s.several(q["id[]"], who)
	}
	return notThere()
}

// own answers what only the token's account sees.
func (s *Server) own(r *http.Request, endpoint string, who *login) *reply {
	switch {
	case who == nil:
		return failure(http.StatusUnauthorized, "The access token is invalid")
	case who.account == nil:
		return failure(http.StatusUnprocessableEntity, "This method requires an authenticated user")
	case endpoint == Self:
		o := s.accountObject(who.account)
		o["source"] = object{"note": who.account.profile.Note, "privacy": "public", "sensitive": false, "language": ""}
		return ok(o)
	}
	var shown []*notification
	for _, n := range s.notifications[who.account.id] {
		if !slices.Contains(r.URL.Query()["exclude_types[]"], n.kind) {
			shown = append(shown, n)
		}
	}
	return page(s, r, shown,
		40, 80, func(n *notification) json.RawMessage { return s.notificationObject(n, who) }, func(n *notification) string { return n.id })
}

// application answers what the token's application is, since 4.3 with what it
// may.
func (s *Server) application(who *login) *reply {
	if who == nil {
		return failure(http.StatusUnauthorized, "The access token is invalid")
	}
	o := object{"name": "Application of the token", "website": nil, "vapid_key": "BMAI"}
	if !s.opts.Before43 && !s.opts.Before35 {
		o["id"], o["scopes"], o["redirect_uris"] = "563419", who.token.Scopes, []string{"urn:ietf:wg:oauth:2.0:oob"}
		if len(who.token.Scopes) == 0 {
			o["scopes"] = []string{"read", "write", "follow", "push"}
		}
	}
	return ok(o)
}

// several answers the statuses that there are, as a server since 4.3.
func (s *Server) several(ids []string, who *login) *reply {
	switch {
	case s.opts.Before43 || s.opts.Before35:
		return notThere()
	case len(ids) > 20:
		return failure(http.StatusUnprocessableEntity, "Validation failed")
	}
	out := []json.RawMessage{}
	for _, id := range ids {
		if st := s.statuses[id]; s.shows(st, who) {
			out = append(out, s.statusObject(st, who))
		}
	}
	return ok(out)
}

// shows reports whether a status is there for who asks.
func (s *Server) shows(st *status, who *login) bool {
	if st == nil || st.deleted || st.author.suspended || st.VisibleAt.After(s.now()) {
		return false
	}
	if of := s.statuses[st.BoostOf]; st.BoostOf != "" && (of == nil || of.deleted) {
		return false
	}
	switch {
	case st.Visibility == "public" || st.Visibility == "unlisted" || who.is(st.author):
		return true
	case st.Visibility == "direct" && who != nil && who.account != nil:
		return slices.ContainsFunc(s.namesIn(st.Text), func(name string) bool { return s.byName(name) == who.account })
	}
	return false
}

func (s *Server) timeline(a *account, who *login) []*status {
	var out []*status
	if a.suspended || a.hidden {
		return out
	}
	for _, st := range a.statuses {
		if s.shows(st, who) && !st.omitted {
			out = append(out, st)
			if st.Twice {
				out = append(out, st)
			}
		}
	}
	return out
}

// page answers a part of items, which ascend, newest first, with the Link
// header that leads on.
func page[T any](s *Server, r *http.Request, items []T, usual, most int, encode func(T) json.RawMessage, id func(T) string) *reply {
	q := r.URL.Query()
	size := usual
	if n, err := strconv.Atoi(q.Get("limit")); err == nil {
		size = min(max(n, -n), most)
	}
	if n := s.opts.PageSize; n > 0 {
		size = min(size, n)
	}
	var shown []T
	for _, item := range slices.Backward(items) {
		switch {
		case q.Get("max_id") != "" && !below(id(item), q.Get("max_id")):
			continue
		case q.Get("since_id") != "" && !below(q.Get("since_id"), id(item)):
			continue
		}
		if len(shown) < size {
			shown = append(shown, item)
		}
	}
	a := ok(nil)
	if len(shown) > 0 && !s.opts.NoLink {
		a.header = map[string]string{"Link": s.links(r.URL, len(shown) == size, id(shown[len(shown)-1]), id(shown[0]))}
	}
	if s.opts.Shuffle {
		slices.Reverse(shown)
	}
	body := make([]json.RawMessage, 0, len(shown))
	for _, item := range shown {
		body = append(body, encode(item))
	}
	a.body = body
	return a
}

// below orders ids as numbers.
func below(a, b string) bool {
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	return x < y
}

func (s *Server) links(u *url.URL, more bool, last, first string) string {
	link := func(param, id, rel string) string {
		q := u.Query()
		q.Del("max_id")
		q.Del("min_id")
		q.Set(param, id)
		return fmt.Sprintf(`<https://%s%s?%s>; rel="%s"`, s.opts.Host, u.Path, q.Encode(), rel)
	}
	prev := link("min_id", first, "prev")
	if !more {
		return prev
	}
	return link("max_id", last, "next") + ", " + prev
}
