package connect

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

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
	// mostAsked bounds the accounts that a person is asked about one by one.
	mostAsked = 10
)

// oktaWalk is the way of one organisation's Okta.
type oktaWalk struct {
	*walk
	oo     OktaOptions
	base   string // the organisation's address
	label  string // first part of its host: "acme"
	seen   *okta.Standing
	guards []guard
}

// guard is an identity and the accounts that it guards.
type guard struct {
	identity string
	accounts []string
	contact  string // of the person, "" where none was given
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
	if err := ow.whose(ctx); err != nil {
		return err
	}
	entries, err := ow.entries()
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
// https://, of the Admin Console, of a page.
func parseOkta(s string) (string, error) {
	bad := fmt.Errorf("%q is no address of an Okta: expected one such as https://acme.okta.com", s)
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

// whose asks who is behind which account: of everybody else nothing is kept.
func (w *oktaWalk) whose(ctx context.Context) error {
	for _, g := range w.oo.Guards {
		who, accounts, ok := strings.Cut(g, "=")
		if !ok || who == "" || accounts == "" {
			return fault("Write it as --guard editor-2@acme.example=x/acme", "--guard %q names no identity and account", g)
		}
		for account := range strings.SplitSeq(accounts, ",") {
			if err := w.guarded(account); err != nil {
				return err
			}
			w.add(who, account)
		}
	}
	if len(w.oo.Guards) == 0 && !w.site.fresh && !w.d.yes {
		if err := w.ask(ctx); err != nil {
			return err
		}
	}
	for _, g := range w.guards {
		if last := w.seen.Last(g.identity); last.IsZero() {
			w.d.say("  %s: not among the newest %s of the log; check the spelling if that is odd.", g.identity, several(w.seen.Events, "event"))
		} else {
			w.d.say("  %s: seen %s.", g.identity, ago(last, w.Now()))
		}
	}
	if len(w.oo.Guards) == 0 && len(w.guards) > 0 {
		return w.reach(ctx)
	}
	if len(w.guards) == 0 {
		w.d.say("\nNobody guards an account yet, so nothing of this log is kept. Name whose logins")
		w.d.say("belong to an account: guarded_by: [okta/NAME] at the account.")
	}
	return nil
}

func (w *oktaWalk) ask(ctx context.Context) error {
	accounts := w.site.cfg.Accounts
	if len(accounts) > 0 {
		w.d.say("\nPicket watches the logins of people who can post. Of everybody else it keeps\nnothing.")
	}
	for i := range accounts[:min(len(accounts), mostAsked)] {
		names, err := w.d.ask(ctx, question{label: "Okta logins of those who can post as " + accounts[i].Name + ", with commas", flag: "--guard", may: true})
		if err != nil {
			return err
		}
		for who := range strings.SplitSeq(names, ",") {
			if who = strings.TrimSpace(who); who != "" {
				w.add(who, accounts[i].Name)
			}
		}
	}
	if n := len(accounts) - mostAsked; n > 0 {
		w.d.say("%s more: name who guards them under identities of the file.", several(n, "account"))
	}
	return nil
}

// reach asks how to reach the people that were named.
func (w *oktaWalk) reach(ctx context.Context) error {
	w.d.say("\nAn alert about a login says how to reach that person, not by direct message: the")
	w.d.say("account may be in other hands. All of this can be changed later.")
	for i := range w.guards[:min(len(w.guards), mostAsked)] {
		g := &w.guards[i]
		var err error
		if g.contact, err = w.d.ask(ctx, question{label: "How to reach " + g.identity, flag: "--guard", may: true}); err != nil {
			return err
		}
	}
	return nil
}

// guarded checks that an account is in the file.
func (w *oktaWalk) guarded(account string) error {
	if a, _ := w.site.account(func(a *config.Account) bool { return a.Name == account }); a == nil {
		return fault("Connect it first, or correct --guard", "no account %s is in %s", account, w.site.path)
	}
	return nil
}

// add notes that an identity guards an account.
func (w *oktaWalk) add(who, account string) {
	identity := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(who), okta.Network+"/"))
	if w.oo.Identity == "" || w.oo.Identity == okta.IdentityEmailLocal {
		identity, _, _ = strings.Cut(identity, "@")
	}
	identity = okta.Network + "/" + identity
	if a, ok := w.site.cfg.Account(account); ok && slices.Contains(a.GuardedBy, identity) {
		return // said by the file
	}
	if _, ok := w.site.cfg.Identity(identity); ok {
		w.d.say("  %s is in the file already: add %s to its guards there.", identity, account)
		return
	}
	for i := range w.guards {
		if w.guards[i].identity == identity {
			if !slices.Contains(w.guards[i].accounts, account) {
				w.guards[i].accounts = append(w.guards[i].accounts, account)
			}
			return
		}
	}
	w.guards = append(w.guards, guard{identity: identity, accounts: []string{account}})
}

// entries are what is added to the configuration.
func (w *oktaWalk) entries() ([]entry, error) {
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
	for _, g := range w.guards {
		out = append(out, entry{section: "identities", value: g.node()})
	}
	return out, nil
}

func (g guard) node() *yaml.Node {
	var m members
	m.text("identity", g.identity)
	m.put("guards", words(g.accounts))
	m.text("contact", g.contact)
	return &m.node
}
