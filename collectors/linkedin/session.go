package linkedin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

const (
	// tokenSpare is how long before its end an access token is replaced.
	tokenSpare = 10 * time.Minute
	// tokenWarning is how long before its end a refresh token is warned of.
	tokenWarning = 30 * 24 * time.Hour
	// longestToken bounds what LinkedIn says of a token's life.
	longestToken = 400 * 24 * time.Hour
)

// session is what is kept over restarts.
type session struct {
	Access      string    `json:"access"`
	Ends        time.Time `json:"ends"`
	Refresh     string    `json:"refresh"` // the newest, where LinkedIn gave another
	RefreshEnds time.Time `json:"refresh_ends,omitzero"`
	Of          string    `json:"of"` // digest of the configured one, which replaces all when it changes
}

// accessToken returns the token that a request carries. With a refresh token one
// is asked for where there is none or the last ends soon.
func (c *Collector) accessToken(ctx context.Context) (string, error) {
	if c.cfg.RefreshToken == "" {
		return c.cfg.Token.Reveal(), nil
	}
	if err := c.loadSession(ctx); err != nil {
		return "", err
	}
	if c.unsaved { // it was said; until it is kept, a restart would lose what LinkedIn gave
		if err := c.saveSession(ctx); err != nil {
			c.deps.Log.Debug("session still not kept", zap.String("account", c.cfg.Account), zap.Error(err))
		}
	}
	now := c.deps.Now()
	if s := &c.session; s.Access == "" || !now.Before(s.Ends.Add(-tokenSpare)) {
		if err := c.refresh(ctx, now); err != nil {
			return "", err
		}
	}
	c.warn(now)
	return c.session.Access, nil
}

// warn logs once a day that the refresh token ends: only a person can replace it.
func (c *Collector) warn(now time.Time) {
	ends := c.session.RefreshEnds
	if ends.IsZero() || now.Before(ends.Add(-tokenWarning)) || now.Before(c.warned.Add(24*time.Hour)) {
		return
	}
	c.warned = now
	c.deps.Log.Warn("the refresh token ends, and nothing is read after that; have a member who administers the page make another",
		zap.String("account", c.cfg.Account), zap.Time("ends", ends))
}

func (c *Collector) loadSession(ctx context.Context) error {
	of := collectors.Digest(c.cfg.ClientID, c.cfg.RefreshToken.Reveal())
	if c.session.Of == of {
		return nil
	}
	kept, err := c.kept(ctx, of)
	if err != nil {
		return err
	}
	c.session = session{Refresh: c.cfg.RefreshToken.Reveal(), Of: of}
	if kept != nil {
		c.session = *kept
	}
	c.scrub()
	return nil
}

// kept returns the session that was kept last, nil where there is none.
func (c *Collector) kept(ctx context.Context, of string) (*session, error) {
	if !c.keeps() {
		return nil, nil //nolint:nilnil // nothing is kept
	}
	kept, err := c.deps.Sessions.Load(ctx, c.cfg.Session)
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", c.cfg.Session, err)
	}
	s := &session{}
	if json.Unmarshal([]byte(kept.Reveal()), s) == nil && s.Of == of && s.Refresh != "" {
		return s, nil
	}
	return nil, nil //nolint:nilnil // of another refresh token
}

func (c *Collector) keeps() bool { return c.deps.Sessions != nil && c.cfg.Session != "" }

// refresh asks for an access token, and keeps it before it is used.
func (c *Collector) refresh(ctx context.Context, now time.Time) error {
	if !c.unsaved { // another page of the credential may have been given a newer one
		// Where it cannot be read, saving says so.
		if kept, err := c.kept(ctx, c.session.Of); err == nil && kept != nil {
			c.session.Refresh, c.session.RefreshEnds = kept.Refresh, kept.RefreshEnds
			c.scrub()
		}
	}
	b, err := c.post(ctx, "accessToken", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {c.session.Refresh},
		"client_id": {c.cfg.ClientID}, "client_secret": {c.cfg.ClientSecret.Reveal()},
	})
	if err != nil {
		return err
	}
	var told struct {
		Access      string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
		Refresh     string `json:"refresh_token"`
		RefreshEnds int64  `json:"refresh_token_expires_in"`
	}
	a, err := c.read(b)
	if err != nil {
		return err
	}
	if json.Unmarshal(a.body, &told) != nil || told.Access == "" || told.ExpiresIn <= 0 {
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: errors.New("want access_token and expires_in")}
	}
	s := &c.session
	s.Access, s.Ends = told.Access, after(now, told.ExpiresIn)
	if told.Refresh != "" {
		s.Refresh = told.Refresh
	}
	if told.RefreshEnds > 0 {
		s.RefreshEnds = after(now, told.RefreshEnds)
	}
	c.renewed = true
	c.scrub()
	return c.saveSession(ctx)
}

func (c *Collector) saveSession(ctx context.Context) error {
	if !c.keeps() {
		return nil
	}
	kept, err := json.Marshal(c.session)
	if err == nil {
		// What LinkedIn has handed out is kept also when the poll ends now.
		err = c.deps.Sessions.Save(context.WithoutCancel(ctx), c.cfg.Session, collectors.Secret(kept))
	}
	if c.unsaved = err != nil; c.unsaved {
		return fmt.Errorf("session %s: %w", c.cfg.Session, err)
	}
	return nil
}

func after(now time.Time, seconds int64) time.Time {
	return now.Add(min(time.Duration(min(seconds, int64(longestToken/time.Second)))*time.Second, longestToken)).UTC()
}

// standing is what LinkedIn says of a token.
type standing struct {
	Active  bool   `json:"active"`
	Status  string `json:"status"` // "active", "expired", "revoked"
	Scope   string `json:"scope"`  // with commas between
	Expires int64  `json:"expires_at"`
}

// introspection is the endpoint that tells what a token is.
const introspection = "introspectToken"

// introspect asks what the access token is.
func (c *Collector) introspect(ctx context.Context) (*standing, error) {
	token, err := c.accessToken(ctx)
	if err != nil {
		return nil, err
	}
	b, err := c.post(ctx, introspection, url.Values{
		"client_id": {c.cfg.ClientID}, "client_secret": {c.cfg.ClientSecret.Reveal()}, "token": {token},
	})
	if err != nil {
		return nil, err
	}
	a, err := c.read(b)
	if err != nil {
		return nil, err
	}
	s := &standing{}
	if err := json.Unmarshal(a.body, s); err != nil {
		return nil, &collectors.Malformed{Field: b.endpoint + " answer", Err: c.bare(err)}
	}
	return s, nil
}

// post sends a form to the token endpoint.
func (c *Collector) post(ctx context.Context, name string, form url.Values) (*body, error) {
	endpoint := http.MethodPost + " /oauth/v2/" + name
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.AuthURL+"/"+name, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", endpoint, c.bare(err))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b, err := c.send(req, endpoint)
	if err != nil {
		return nil, err
	}
	b.oauth = true
	if b.status != http.StatusOK {
		return nil, c.fault(b)
	}
	return b, nil
}
