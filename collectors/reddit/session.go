package reddit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// tokenSpare is how long before its end an access token is not used any more.
const tokenSpare = 5 * time.Minute

// session is what is kept over restarts.
type session struct {
	Access  string    `json:"access"`
	Ends    time.Time `json:"ends"`
	Scope   string    `json:"scope"`             // what Reddit says that it may
	Refresh string    `json:"refresh,omitempty"` // the newest, where Reddit gave another
	Of      string    `json:"of"`                // digest of what it was made with, which replaces all when it changes
}

// authorize makes sure that there is an access token, and reports whether it was
// made just now. Reddit's are good for a day, and were for an hour before.
func (c *Collector) authorize(ctx context.Context) (made bool, err error) {
	if err := c.loadSession(ctx); err != nil {
		return false, err
	}
	if c.unsaved { // it was said; until it is kept, a restart would lose what Reddit gave
		if err := c.saveSession(ctx); err != nil {
			c.deps.Log.Debug("session still not kept", zap.String("account", c.cfg.Account), zap.Error(err))
		}
	}
	now := c.deps.Now()
	if s := c.session; s.Access != "" && now.Before(s.Ends.Add(-tokenSpare)) {
		return false, nil
	}
	return true, c.renew(ctx, now)
}

// madeWith tells apart what sessions are made with: a password by so short a mark
// that no guess can be confirmed by it.
func (c *Config) madeWith() string {
	sum := sha256.Sum256([]byte(c.Password.Reveal()))
	return collectors.Digest(c.ClientID, c.RefreshToken.Reveal(), hex.EncodeToString(sum[:2]), c.TokenURL)
}

func (c *Collector) loadSession(ctx context.Context) error {
	of := c.cfg.madeWith()
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
	kept, err := c.deps.Sessions.Load(ctx, c.sessionName())
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", c.cfg.Session, err)
	}
	s := &session{}
	if json.Unmarshal([]byte(kept.Reveal()), s) == nil && s.Of == of {
		return s, nil
	}
	return nil, nil //nolint:nilnil // of another grant
}

func (c *Collector) keeps() bool { return c.deps.Sessions != nil && c.cfg.Session != "" }

// sessionName is under what the session is kept. With a password it is of one
// user and of what was asked for; the rights of a grant are fixed.
func (c *Collector) sessionName() string {
	if c.cfg.RefreshToken != "" {
		return c.cfg.Session
	}
	return c.cfg.Session + " " + strings.ToLower(c.cfg.name()) + " " + strings.Join(c.cfg.scopes(), " ")
}

// renew asks for an access token.
func (c *Collector) renew(ctx context.Context, now time.Time) error {
	if !c.unsaved { // another account of the credential may have been given a newer one
		// Where it cannot be read, saving says so.
		if kept, err := c.kept(ctx, c.session.Of); err == nil && kept != nil && kept.Refresh != "" {
			c.session.Refresh = kept.Refresh
			c.scrub()
		}
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.session.Refresh}}
	if c.cfg.RefreshToken == "" {
		form = url.Values{
			"grant_type": {"password"}, "username": {c.cfg.name()}, "password": {c.cfg.Password.Reveal()},
			"scope": {strings.Join(c.cfg.scopes(), " ")},
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("token: %w", c.bare(err))
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(c.cfg.ClientID, c.cfg.ClientSecret.Reveal())
	b, err := c.send(req, "POST "+req.URL.Host+req.URL.Path)
	if err != nil {
		return err
	}
	var told struct {
		Access  string          `json:"access_token"`
		Expires float64         `json:"expires_in"`
		Scope   string          `json:"scope"`
		Refresh string          `json:"refresh_token"`
		Error   json.RawMessage `json:"error"` // a refused grant comes with status 200
	}
	if b.status == http.StatusOK {
		if err := c.read(b, &told, "an object with access_token"); err != nil {
			return err
		}
	}
	if b.status != http.StatusOK || len(told.Error) > 0 {
		return c.fault(b)
	}
	if told.Access == "" || told.Expires <= 0 {
		return &collectors.Malformed{Field: b.endpoint + " answer", Err: errors.New("want access_token and expires_in")}
	}
	c.session.Access, c.session.Scope = told.Access, told.Scope
	c.session.Ends = now.Add(time.Duration(min(max(told.Expires, 0), 24*3600)) * time.Second).UTC()
	if told.Refresh != "" && c.cfg.RefreshToken != "" {
		c.session.Refresh = told.Refresh
	}
	c.scrub()
	return c.saveSession(ctx)
}

func (c *Collector) saveSession(ctx context.Context) error {
	if !c.keeps() {
		return nil
	}
	text, err := json.Marshal(c.session)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	// What Reddit has handed out is kept also when the poll ends now.
	err = c.deps.Sessions.Save(context.WithoutCancel(ctx), c.sessionName(), collectors.Secret(text))
	if c.unsaved = err != nil; c.unsaved {
		return fmt.Errorf("session %s: %w", c.cfg.Session, err)
	}
	return nil
}
