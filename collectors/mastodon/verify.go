package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/mattn/go-mastodon"

	"github.com/picketd/picket/collectors"
)

// Standing is what a look at an account, with or without a token, showed.
type Standing struct {
	ID        string // the server's id of the account
	Acct      string // its name there, with the host where it is another's
	Name      string // as shown
	Followers int64  // -1 where the server does not tell
	Statuses  int64  // that there are, as the server counts them

	Read   int       // newest statuses that were read, at most 40
	Newest time.Time // when the newest of them was made, zero without one

	// What follows is told where a token was given.
	TokenOf string // name of the account that the token is of, "" for an application's
	Own     bool   // the token is of the account itself
	// Scopes are those of the token's application, which are the token's too
	// where it was made with it under Preferences, Development. They are nil
	// where the server does not tell: Mastodon does since 4.3.
	Scopes []string
}

// Writing returns the scopes that let the token do more than read what is
// watched: write, follow, push and those for administrators.
func (s *Standing) Writing() []string {
	var out []string
	for _, scope := range s.Scopes {
		if scope != "read" && scope != "profile" && !strings.HasPrefix(scope, "read:") {
			out = append(out, scope)
		}
	}
	return out
}

// Allows reports whether the scopes hold one, as far as they are known.
func (s *Standing) Allows(scope string) bool {
	group, _, _ := strings.Cut(scope, ":")
	return s.Scopes == nil || slices.Contains(s.Scopes, scope) || slices.Contains(s.Scopes, group)
}

// Verify looks at the account and its newest statuses, and where there is a
// token at whose it is and what it may: two requests, or four. It proves that
// a poll can read what it must; it needs no cursor and moves none. Its errors
// are those of Poll.
func (c *Collector) Verify(ctx context.Context) (*Standing, error) {
	r := &round{c: c, ctx: ctx, st: newState(), client: newClient(c)}
	s := &Standing{Followers: -1}
	if c.cfg.Token != "" {
		// First, since its refusal is the clearest.
		if err := s.token(r); err != nil {
			return nil, err
		}
	}
	u, err := r.client.lookup(ctx, c.cfg.Name)
	if err != nil {
		return nil, r.failed("look-up of the account", err)
	}
	if u.Suspended {
		return nil, r.failed("look-up of the account", &collectors.Forbidden{Mend: mendSuspended, Err: &APIError{
			Endpoint: r.client.ex.answer.endpoint, Status: r.client.ex.answer.status, Message: "the account is suspended",
		}})
	}
	s.ID, s.Acct, s.Name, s.Statuses = string(u.ID), c.words(u.Acct), c.words(u.DisplayName), u.StatusesCount
	if u.FollowersCount != nil {
		s.Followers = *u.FollowersCount
	}
	s.Own = s.TokenOf != "" && strings.EqualFold(s.TokenOf, s.Acct)
	page, _, err := r.client.statuses(ctx, s.ID, api.Pagination{Limit: pageSize})
	if err != nil {
		return nil, r.failed("statuses", err)
	}
	for _, st := range page {
		s.Read++
		if st.CreatedAt.After(s.Newest) {
			s.Newest = st.CreatedAt.UTC()
		}
	}
	return s, nil
}

// token asks whose the token is and what it may. An application's token, which
// is of nobody, is as good for public accounts.
func (s *Standing) token(r *round) error {
	u, err := r.client.self(r.ctx, "")
	refused, answered := errors.AsType[*APIError](err)
	switch {
	case err == nil:
		s.TokenOf = r.c.words(u.Acct)
	case answered && (refused.Status == http.StatusUnprocessableEntity || refused.Status == http.StatusNotFound):
	default:
		return r.failed("look-up of the token", err)
	}
	s.Scopes, err = r.client.scopes(r.ctx)
	refused, answered = errors.AsType[*APIError](err)
	switch {
	case err == nil:
	case answered && (refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound):
		// Before 4.3 it takes the scope read to ask; servers of other kinds lack it.
	default:
		return r.failed("look-up of the token", err)
	}
	return nil
}

// scopes returns the scopes of the token's application, nil where the server
// does not tell. go-mastodon's type drops them.
func (c *client) scopes(ctx context.Context) ([]string, error) {
	target := c.ex.c.base.JoinPath("/api/v1/apps/verify_credentials")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	var app struct {
		Scopes []string `json:"scopes"`
	}
	c.ex.read = func(b *body) (string, error) {
		if err := json.Unmarshal(b.bytes, &app); err != nil {
			return "", unreadable(b, err, 0)
		}
		return emptyObject, nil
	}
	resp, err := c.ex.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	for i := range app.Scopes {
		app.Scopes[i] = c.ex.c.words(app.Scopes[i])
	}
	return app.Scopes, resp.Body.Close()
}
