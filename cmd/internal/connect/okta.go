package connect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/okta"
)

// OktaOptions are what connecting an organisation's Okta takes.
type OktaOptions struct {
	Options
	BaseURL  string   // the organisation's address
	Identity string   // which part of a user names the identity, as collectors/okta says
	Guards   []string // "editor-2@acme.example=x/acme,mastodon/acme@social.example"
}

const (
	// oktaWindow is how long Okta's rate limits last
	// (developer.okta.com, docs/reference/rl-global-mgmt).
	oktaWindow = time.Minute
)

// oktaWalk is the way of one organisation's Okta.
type oktaWalk struct {
	*walk
	oo    OktaOptions
	base  string // the organisation's address
	label string // first part of its host: "acme"
	seen  *okta.Standing
}

// Okta connects an organisation's Okta.
func Okta(ctx context.Context, world World, o OktaOptions) error {
	w, err := newWalk(world, o.Options)
	if err != nil {
		return err
	}
	ow := &oktaWalk{walk: w, oo: o}
	w.d.say("Connecting Okta, whose log shows the logins of people behind your accounts")
	if err := ow.organisation(ctx); err != nil {
		return err
	}
	if err := ow.look(ctx); err != nil {
		return err
	}
	guards, err := warden{
		walk: w, title: "Okta", network: okta.Network, given: o.Guards,
		local: o.Identity == "" || o.Identity == okta.IdentityEmailLocal,
		last:  ow.seen.Last, events: ow.seen.Events,
	}.whose(ctx)
	if err != nil {
		return err
	}
	entries, err := ow.entries(guards)
	if err != nil {
		return err
	}
	return w.finish(ctx, entries)
}

// organisation asks which one it is.
func (w *oktaWalk) organisation(ctx context.Context) error {
	base, err := w.d.ask(ctx, question{label: "\nAddress of your Okta, such as https://acme.okta.com", flag: "--base-url", given: w.oo.BaseURL, check: parseOkta})
	if err != nil {
		return err
	}
	w.base = base
	w.label, _, _ = strings.Cut(hostOf(base), ".")
	w.label, _, _ = strings.Cut(w.label, ":")
	c := w.site.credential(func(c *config.Credential) bool {
		return c.Collector == config.CollectorOkta && strings.TrimSuffix(c.BaseURL, "/") == base
	})
	if c == nil {
		return nil
	}
	for _, s := range w.site.cfg.Sources {
		if s.Credential == c.Name {
			return fault("There is nothing to do; name whose logins guard which account under identities", "%s is in %s already, as the source %s", base, w.site.path, s.Name)
		}
	}
	return fault(fmt.Sprintf("Add a source with credential: %s by hand, or remove it and connect again", c.Name),
		"%s has the credential %s for %s already, and no source that uses it", w.site.path, c.Name, base)
}

// parseOkta reads the organisation's address as people copy it: without
// https://, of the Admin Console, of a page. What is none is not repeated: it may
// be the token, or hold a password.
func parseOkta(s string) (string, error) {
	bad := errors.New("this is no address of an Okta: expected one such as https://acme.okta.com, without a user")
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", bad
	}
	host := strings.ToLower(u.Host)
	label, domain, dotted := strings.Cut(host, ".")
	for _, known := range []string{"okta.com", "oktapreview.com", "okta-emea.com"} {
		if domain == known {
			host = strings.TrimSuffix(label, "-admin") + "." + domain
		}
	}
	if !dotted && u.Hostname() != "localhost" {
		return "", bad
	}
	return u.Scheme + "://" + host, nil
}

const oktaGuide = `
Picket reads Okta's System Log with an API token. A token has the rights of the
user who makes it, so make it as one with the least that can:
  1. In the Admin Console add a user for Picket, and give it the role
     Read-Only Administrator (Security, Administrators) and no other.
  2. Sign in as that user; Security, API, Tokens, Create token. Where you can,
     restrict it to the network of this machine. Copy it.
It ends when its user is deactivated, or after 30 days without use.
`

// look takes the token, reads a page of the log with it and says what was seen
// and what watching it takes.
func (w *oktaWalk) look(ctx context.Context) error {
	w.guide(oktaGuide)
	s, err := w.obtain(ctx, asked{key: "token", label: "API token", file: nameFrom(w.label, "okta")}, w.o.TokenEnv, w.o.TokenFile)
	if err != nil {
		return err
	}
	w.secrets = []*secret{s}
	deps, budget := w.deps(okta.Endpoint)
	c, err := okta.New(okta.Config{
		BaseURL: w.base, Token: s.value, Identity: w.oo.Identity,
		Accept: func(string) bool { return false }, // Verify keeps nothing anyway
	}, deps)
	if err != nil {
		return fault("Check --base-url and the token", "this cannot be used: %v", err)
	}
	w.seen, err = try(deps, func() (*okta.Standing, error) { return c.Verify(ctx) })
	if err != nil {
		host := hostOf(w.base)
		return target{name: "Okta", host: host, secret: "API token", where: "--base-url", now: w.Now()}.explain(err)
	}
	if w.seen.Events == 0 {
		w.d.say("\nSeen: the log can be read; nobody logged in within the last %d days", int(okta.DefaultBackfill/day))
	} else {
		w.d.say("\nSeen: the log, newest event %s; %s in the newest %s",
			ago(w.seen.Newest, w.Now()), people(len(w.seen.Seen)), several(w.seen.Events, "event"))
	}
	w.d.say("Rights: Okta does not tell which role a token has. Look in the Admin Console under")
	w.d.say("        Security, API, Tokens: its user must have the role Read-Only Administrator")
	w.d.say("        and no other. A token of a super admin could change everything.")
	w.d.say("\nWhat watching it every %s takes:", span(w.o.Every))
	w.d.say("  requests  about %s a day", about(polls(w.o.Every)))
	w.limit(tightest(budget, w.polls(oktaWindow, nil), 1), "Okta", oktaWindow, nil)
	w.d.say("  money     none")
	return nil
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return count(n) + " people"
}

// entries are what is added to the configuration.
func (w *oktaWalk) entries(guards []guard) ([]entry, error) {
	name, err := w.named(nameFrom(w.label, "okta"))
	if err != nil {
		return nil, err
	}
	var credential, source members
	credential.text("collector", config.CollectorOkta)
	credential.text("base_url", w.base)
	credential.put("token", w.secrets[0].ref())
	source.text("name", w.site.freeSource(nameFrom(w.label)))
	source.text("collector", config.CollectorOkta)
	source.text("credential", name)
	if w.o.Every != time.Minute {
		source.put("every", plain(span(w.o.Every)))
	}
	if w.oo.Identity != "" && w.oo.Identity != okta.IdentityEmailLocal {
		source.text("identity", w.oo.Identity)
	}
	out := []entry{{"credentials", name, &credential.node}, {"sources", "", &source.node}}
	for _, g := range guards {
		out = append(out, entry{section: "identities", value: g.node()})
	}
	return out, nil
}
