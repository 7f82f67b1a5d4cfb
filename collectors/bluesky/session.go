package bluesky

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
)

const (
	// maxSessions is how many sessions are made in an hour at most: 96 a day,
	// where Bluesky documents 300 and counts 100 at its front door.
	maxSessions  = 4
	sessionsSpan = time.Hour
)

// session is what Deps.Sessions keeps. Refresh is replaced at each use; the
// server takes the one before for two hours more and answers it with the same
// successor, so that a crash between its answer and Save loses nothing.
type session struct {
	Version int    `json:"v"`
	DID     string `json:"did"`
	Host    string `json:"host"`
	Access  string `json:"access,omitempty"`
	Refresh string `json:"refresh,omitempty"`
	// Mark tells passwords apart. It is so short that it says nothing of them.
	Mark string `json:"mark"`
	// Made is when sessions were asked for in the last hour, in seconds since
	// 1970, and Refusal why the last one was refused.
	Made    []int64 `json:"made,omitempty"`
	Refusal string  `json:"refusal,omitempty"`
}

func markOf(password collectors.Secret) string {
	sum := sha256.Sum256([]byte(password.Reveal()))
	return hex.EncodeToString(sum[:2])
}

// authed asks the account's server as the account. A session that is over is
// made anew once.
func (r *round) authed(endpoint string, params map[string]any, out any) error {
	s, err := r.loadSession()
	if err != nil {
		return err
	}
	made := false
	if s.Access == "" {
		if err := r.createSession(s); err != nil {
			return err
		}
		made = true
	}
	err = r.ask(s, endpoint, params, out)
	e, answered := errors.AsType[*APIError](err)
	over := answered && (e.Name == nameExpired || e.Name == nameInvalidToken && !refusedScope(e))
	if !over || made {
		return err
	}
	if err := r.createSession(s); err != nil {
		return err
	}
	return r.ask(s, endpoint, params, out)
}

// ask makes one request with a session. Indigo renews it where the server says
// that it has expired, and the new one is saved before it is used.
func (r *round) ask(s *session, endpoint string, params map[string]any, out any) error {
	var unsaved error
	auth := &atclient.PasswordAuth{
		Session: atclient.PasswordSessionData{
			AccessToken: s.Access, RefreshToken: s.Refresh, AccountDID: syntax.DID(s.DID), Host: s.Host,
		},
		RefreshCallback: func(ctx context.Context, data atclient.PasswordSessionData) {
			s.Access, s.Refresh = data.AccessToken, data.RefreshToken
			unsaved = r.saveSession(ctx, s)
		},
	}
	if err := r.get(r.ctx, r.client(s.Host, auth), endpoint, params, out); err != nil {
		return err
	}
	return unsaved
}

// loadSession returns the session of the account, an empty one where there is
// none or it was made with another password.
func (r *round) loadSession() (*session, error) {
	s := r.c.session
	if s == nil {
		kept, err := r.c.deps.Sessions.Load(r.ctx, r.sessionName())
		if err != nil {
			return nil, fmt.Errorf("load session: %w", err)
		}
		s = &session{}
		if json.Unmarshal([]byte(kept.Reveal()), s) != nil || s.Version != 1 {
			s = &session{Version: 1}
		}
	}
	mark := markOf(r.c.cfg.Password)
	if s.DID != r.st.DID || s.Host != r.st.Server || s.Mark != mark {
		// What was asked for still counts where it is the same account.
		made := s.Made
		if s.DID != r.st.DID {
			made = nil
		}
		s = &session{Version: 1, DID: r.st.DID, Host: r.st.Server, Mark: mark, Made: made}
	}
	r.c.session = s
	return s, nil
}

func (r *round) sessionName() string { return r.c.cfg.Session + " " + r.st.DID }

func (r *round) saveSession(ctx context.Context, s *session) error {
	data, err := json.Marshal(s)
	if err == nil {
		// What the server has handed out is kept also when the poll ends now.
		err = r.c.deps.Sessions.Save(context.WithoutCancel(ctx), r.sessionName(), collectors.Secret(data))
	}
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

// createSession logs in. That it was tried is saved before, so that no crash
// and no restart spends the day's sessions.
func (r *round) createSession(s *session) error {
	now := r.c.deps.Now()
	s.Made = slices.DeleteFunc(s.Made, func(at int64) bool { return since(now, at) >= sessionsSpan })
	if len(s.Made) >= maxSessions {
		err := fmt.Errorf("%d sessions were made within an hour, and the server allows few a day; the next is tried at %s",
			len(s.Made), time.Unix(s.Made[0], 0).Add(sessionsSpan).UTC().Format(time.RFC3339))
		if s.Refusal != "" {
			err = fmt.Errorf("%w; the last was refused: %s", err, s.Refusal)
		}
		return &collectors.Forbidden{Mend: mendSessions, Err: err}
	}
	s.Access, s.Refresh, s.Made = "", "", append(s.Made, now.Unix())
	if err := r.saveSession(r.ctx, s); err != nil {
		return err
	}
	var said struct {
		Access  string `json:"accessJwt"`
		Refresh string `json:"refreshJwt"`
		DID     string `json:"did"`
	}
	body := map[string]string{"identifier": s.DID, "password": r.c.cfg.Password.Reveal()}
	err := r.post(r.ctx, r.client(s.Host, nil), "com.atproto.server.createSession", body, &said)
	if err == nil && (said.Access == "" || said.Refresh == "" || said.DID != s.DID) {
		err = &collectors.Malformed{Field: "com.atproto.server.createSession answer", Err: errors.New("want accessJwt, refreshJwt and the did that was asked for")}
	}
	if err != nil {
		if e, ok := errors.AsType[*APIError](err); ok {
			s.Refusal = e.Error()
			if err := r.saveSession(r.ctx, s); err != nil {
				return err
			}
		}
		return err
	}
	s.Access, s.Refresh, s.Refusal = said.Access, said.Refresh, ""
	return r.saveSession(r.ctx, s)
}

// Scopes of a session, as the reference PDS writes them into its tokens.
const (
	scopeFull       = "com.atproto.access"
	scopePrivileged = "com.atproto.appPassPrivileged"
	scopeAppPass    = "com.atproto.appPass"
)

// scope returns what a session may, "" where its token does not say. The token
// is not verified: it is the server that judges by it.
func (s *session) scope() string {
	parts := strings.Split(s.Access, ".")
	if len(parts) != 3 {
		return ""
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Scope string `json:"scope"`
	}
	if json.Unmarshal(data, &claims) != nil {
		return ""
	}
	return claims.Scope
}
