package mastodontest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// Software that shows an account its tokens, for Options.Software.
const (
	GoToSocial = "gotosocial" // at /api/v1/tokens
	Pleroma    = "pleroma"    // at /api/oauth_tokens, and so does Akkoma
)

// AskingApp is the name of the app whose token asks for a list.
const AskingApp = "Application of the token"

// Grant is a token by which an app has access to an account.
type Grant struct {
	App     string
	Website string
	Scope   string    // "read write"
	At      time.Time // when it was made; zero is now
	// Broken makes its id an object in answers.
	Broken bool
}

type grant struct {
	Grant
	id    string
	token string // of the collector itself, "" for others'
}

// Grant gives an app access to an account, and returns the token's id.
func (s *Server) Grant(name string, g Grant) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grant(name, g, "").id
}

func (s *Server) grant(name string, g Grant, token string) *grant {
	if g.At.IsZero() {
		g.At = s.now()
	}
	made := &grant{Grant: g, id: s.newID(s.now()), token: token}
	s.grants[name] = append(s.grants[name], made)
	return made
}

// Revoke takes all tokens of an app from an account.
func (s *Server) Revoke(name, app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[name] = slices.DeleteFunc(s.grants[name], func(g *grant) bool { return g.App == app })
}

// SetSoftware makes another server of it, as an update or a move does; "" is
// Mastodon.
func (s *Server) SetSoftware(software string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Software = software
}

// listGrants answers the list of the tokens of who asks, its own among them, where
// the server has that list.
func (s *Server) listGrants(r *http.Request, endpoint string, who *login) *reply {
	switch {
	case endpoint == Tokens && s.opts.Software != GoToSocial, endpoint == OAuthTokens && s.opts.Software != Pleroma:
		return notThere()
	case who == nil || who.account == nil:
		return failure(http.StatusUnauthorized, "Unauthorized: token not supplied")
	}
	name, token := who.token.User, r.Header.Get("Authorization")
	if !slices.ContainsFunc(s.grants[name], func(g *grant) bool { return g.token == token }) {
		s.grant(name, Grant{App: AskingApp, Scope: "read"}, token)
	}
	all := s.grants[name]
	if endpoint == Tokens {
		return page(s, r, all, 25, 80, (*grant).tokenInfo, func(g *grant) string { return g.id })
	}
	body := []json.RawMessage{}
	for _, g := range all {
		o := object{"id": json.Number(g.id), "app_name": g.App, "valid_until": g.At.UTC().AddDate(100, 0, 0).Format("2006-01-02T15:04:05.000000")}
		body = append(body, g.encode(o))
	}
	return ok(body)
}

// tokenInfo is a token in GoToSocial's form.
func (g *grant) tokenInfo() json.RawMessage {
	return g.encode(object{
		"id": g.id, "created_at": g.At.UTC().Format("2006-01-02T15:04:05.000Z"), "last_used": g.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		"scope": g.Scope, "application": object{"name": g.App, "website": g.Website},
	})
}

func (g *grant) encode(o object) json.RawMessage {
	if g.Broken {
		o["id"] = object{}
	}
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // texts and numbers alone
	}
	return b
}

// notThere is the page of a path that the server does not know.
func notThere() *reply {
	return &reply{status: http.StatusNotFound, html: "<!DOCTYPE html><title>The page you are looking for isn't here.</title>"}
}
