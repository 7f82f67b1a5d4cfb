package bluesky

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/picketd/picket/collectors"
)

// Verify looks at the account, its profile and its newest posts, and where
// there is a password logs in with it: four requests, or up to seven. It proves
// that a poll can read what it must; it needs no cursor and moves none. Its
// errors are those of Poll.
func (c *Collector) Verify(ctx context.Context) (collectors.Seen, error) {
	r := newRound(ctx, c, newState())
	r.st.Round = &pass{}
	seen := collectors.Seen{}
	if err := r.resolve(); err != nil {
		return seen, r.failed("look-up of the account", err)
	}
	if _, err := r.status(); err != nil {
		return seen, err
	}
	r.st.Grants = nil
	if err := errors.Join(r.identity(), r.profile()); err != nil {
		return seen, err
	}
	page, _, err := r.listRecords(collectionPost, "", pageSize)
	if err != nil {
		return seen, r.failed(collectionPost, err)
	}
	values := r.st.Profile.Values
	seen.Name = or(values["handle"], c.cfg.Name)
	seen.Lines = []string{
		fmt.Sprintf("%s (%s) on %s", or(c.words(values["name"]), "no display name"), r.st.DID, r.st.Server),
		fmt.Sprintf("%d of its newest posts were read", len(page)),
	}
	if err := r.counts(); err != nil {
		seen.Warnings = append(seen.Warnings, "follower counts cannot be read: "+c.words(err.Error()))
	}
	for i := range r.page.Activities {
		for _, m := range r.page.Activities[i].Metrics {
			seen.Lines = append(seen.Lines, fmt.Sprintf("%s: %.0f", m.Name, m.Value))
		}
	}
	if c.cfg.Password == "" {
		return seen, nil
	}
	return seen, c.verifyLogin(r, &seen)
}

// verifyLogin says what the password may do.
func (c *Collector) verifyLogin(r *round, seen *collectors.Seen) error {
	if err := r.appPasswords(); err != nil {
		return err
	}
	if g := r.st.Grants; g.Refused {
		seen.Warnings = append(seen.Warnings, "the server does not show the list of app passwords to this password: new ones are not told")
	} else {
		seen.Lines = append(seen.Lines, fmt.Sprintf("the login works; the account has %d app passwords", len(g.Known)))
	}
	switch c.session.scope() {
	case scopeFull:
		seen.Warnings = append(seen.Warnings, "this is the account's own password, which may do everything, its deletion included: give an app password in its place")
	case scopePrivileged:
		seen.Warnings = append(seen.Warnings, "this app password may also read and send direct messages: make one without that")
	}
	seen.Warnings = append(seen.Warnings, "Bluesky has no app passwords that only read: this one may post in the account's name, so keep it as safe as the account's own")
	return nil
}

// passing keeps sessions for one look, where nothing else does.
type passing struct {
	mu   sync.Mutex
	kept map[string]collectors.Secret
}

// Load implements collectors.Sessions.
func (p *passing) Load(_ context.Context, name string) (collectors.Secret, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept[name], nil
}

// Save implements collectors.Sessions.
func (p *passing) Save(_ context.Context, name string, s collectors.Secret) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]collectors.Secret{}
	}
	p.kept[name] = s
	return nil
}
