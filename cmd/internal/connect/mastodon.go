package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/cmd/internal/trial"
	"github.com/picketd/picket/collectors/mastodon"
)

// MastodonOptions are what connecting an account of Mastodon takes.
type MastodonOptions struct {
	Options
	Person
	Account  string // @name@server, or the address of its page
	Server   string // web address of the server, "" where it is the part after the second @
	Mentions bool   // also read who mentions the account
}

// mastodonWindow is how long Mastodon's rate limit lasts
// (docs.joinmastodon.org, api/rate-limits).
const mastodonWindow = 5 * time.Minute

// mastodonWalk is the way of one account of Mastodon.
type mastodonWalk struct {
	*walk
	mo    MastodonOptions
	addr  trial.Address
	reuse *config.Credential // in the file already
	cfg   mastodon.Config
}

// Mastodon connects an account of Mastodon.
func Mastodon(ctx context.Context, world World, o MastodonOptions) error {
	w, err := newWalk(world, o.Options)
	if err != nil {
		return err
	}
	mw := &mastodonWalk{walk: w, mo: o}
	w.d.say("Connecting an account of Mastodon")
	if err := mw.account(ctx); err != nil {
		return err
	}
	if err := mw.login(ctx); err != nil {
		return err
	}
	if err := mw.look(ctx); err != nil {
		return err
	}
	entries, err := mw.entries(ctx)
	if err != nil {
		return err
	}
	return w.finish(ctx, entries)
}

// account asks which account it is.
func (w *mastodonWalk) account(ctx context.Context) error {
	_, err := w.d.ask(ctx, question{label: "\nAccount on Mastodon (@name@server)", flag: "--account", given: w.mo.Account, check: func(s string) (string, error) {
		var err error
		if w.addr, err = trial.ParseAddress(s, w.mo.Server); err != nil {
			return "", fmt.Errorf("%q is no account of Mastodon: expected @name@server, or the address of its page", s)
		}
		return s, nil
	}})
	if err != nil {
		return err
	}
	w.cfg = mastodon.Config{Account: strings.ToLower("mastodon/" + w.addr.Name + "@" + w.addr.Server), Server: w.addr.Base, Name: w.addr.Name + "@" + w.addr.Server, Mentions: w.mo.Mentions}
	if strings.EqualFold(hostOf(w.addr.Base), w.addr.Server) {
		w.cfg.Name = w.addr.Name // of its own accounts a server knows the name alone
	}
	if a, line := w.site.account(func(a *config.Account) bool {
		cred, _ := w.site.cfg.Credential(a.Credential)
		return strings.EqualFold(a.Name, w.cfg.Account) || cred.Server == w.addr.Base && strings.EqualFold(a.Username, w.cfg.Name)
	}); a != nil {
		return w.site.already(a, line)
	}
	return nil
}

const mastodonGuide = `
A public account needs no token where its server shows posts to everybody. With
a token of the account itself Picket also sees the app of each post, posts to
followers and, where wanted, mentions. A token should read, and nothing else:
  1. Log in at %s as the account; Preferences, Development, New
     application.
  2. Untick every scope, then tick only read:accounts and read:statuses%s.
  3. Submit, open the application and copy "Your access token".
`

// login takes a credential of the file, or makes a new one.
func (w *mastodonWalk) login(ctx context.Context) error {
	var err error
	w.reuse, err = w.reused(ctx, config.CollectorMastodon, func(c *config.Credential) bool {
		return strings.TrimSuffix(c.Server, "/") == w.addr.Base && (c.Token != "" || !w.mo.Mentions)
	})
	if err != nil {
		return err
	}
	if w.reuse != nil {
		w.cfg.Token = w.reuse.Token
		return nil
	}
	more := ""
	if w.mo.Mentions {
		more = ",\n     and read:notifications for mentions"
	}
	w.guide(fmt.Sprintf(mastodonGuide, w.addr.Base, more))
	s, err := w.obtain(ctx, asked{key: "token", label: "Access token", file: nameFrom(w.addr.Name, "mastodon"), may: !w.mo.Mentions}, w.o.TokenEnv, w.o.TokenFile)
	if err != nil || s == nil {
		return err
	}
	w.secrets, w.cfg.Token = []*secret{s}, s.value
	return nil
}

// look reads the account and says what was seen and what watching it takes.
func (w *mastodonWalk) look(ctx context.Context) error {
	deps, budget := w.deps(nil)
	c, err := mastodon.New(w.cfg, deps)
	if err != nil {
		return fault("Check --account, --server and the token", "this cannot be used: %v", err)
	}
	s, err := try(deps, func() (*mastodon.Standing, error) { return c.Verify(ctx) })
	if err != nil {
		return w.target().explain(err)
	}
	followers := ""
	if s.Followers >= 0 {
		followers = several(int(s.Followers), "follower") + ", "
	}
	w.d.say("\nSeen: @%s@%s (%s), %s%s", w.addr.Name, w.addr.Server, s.Name, followers, several(int(s.Statuses), "post"))
	if s.Read > 0 {
		w.d.say("      newest post %s", ago(s.Newest, w.Now()))
	} else if s.Statuses > 0 {
		w.d.say("      the server shows none of its posts; with a token of the account it may")
	}
	if err := w.access(s); err != nil {
		return err
	}
	each, why := 2, "posts and profile"
	if w.mo.Mentions {
		each, why = 3, "posts, profile and mentions"
	}
	w.d.say("\nWhat watching it every %s takes:", span(w.o.Every))
	w.d.say("  requests  about %s a day: %s", about(requests(w.o.Every, each, 0)), why)
	w.limit(tightest(budget, w.polls(mastodonWindow, w.reuse), each), w.target().name, mastodonWindow, w.reuse)
	w.d.say("  money     none")
	return nil
}

func (w *mastodonWalk) target() target {
	host := hostOf(w.addr.Base)
	t := target{name: host, host: host, account: "@" + w.addr.Name, where: "--server", now: w.Now()}
	if w.cfg.Token != "" {
		t.secret = "token"
	}
	return t
}

// access says whose the token is and warns of one that can do more than read.
func (w *mastodonWalk) access(s *mastodon.Standing) error {
	if w.cfg.Token == "" {
		w.d.say("Rights: none needed, this is what everybody sees. The app of a post, posts to")
		w.d.say("        followers and mentions stay unseen without a token of the account.")
		return nil
	}
	switch {
	case s.Own:
	case w.mo.Mentions:
		return &Fault{
			What: "the token is not of @" + w.addr.Name + ", and only the account itself sees its mentions",
			Do:   "Make one while logged in as that account, or leave --mentions out", Err: errors.New("token of " + s.TokenOf),
		}
	case s.TokenOf == "":
		w.d.say("The token is of an application without an account: the app of a post, posts to")
		w.d.say("followers and mentions stay unseen.")
	default:
		w.d.say("The token is of @%s, not of this account: the app of a post, posts to", s.TokenOf)
		w.d.say("followers and mentions stay unseen.")
	}
	if w.mo.Mentions && !s.Allows("read:notifications") {
		return fault("Make one with read:notifications besides, or leave --mentions out", "the token may not read mentions")
	}
	switch writing := s.Writing(); {
	case s.Scopes == nil:
		w.d.say("Rights: this server does not tell what the token may (Mastodon does since 4.3).")
		w.d.say("        Look under Preferences, Development: only scopes with read may be ticked.")
	case len(writing) > 0:
		w.d.say("WARNING: this token may do more than read (%s). Whoever steals it", list(writing))
		w.d.say("         from Picket can use that. Make another application with read:accounts and")
		w.d.say("         read:statuses only, connect with its token, and delete this one.")
	default:
		w.d.say("Rights: the token reads only (%s). Good.", list(s.Scopes))
	}
	return nil
}

// entries are what is added to the configuration.
func (w *mastodonWalk) entries(ctx context.Context) ([]entry, error) {
	var out []entry
	var account members
	account.text("account", w.cfg.Account)
	if w.reuse != nil {
		account.text("credential", w.reuse.Name)
	} else {
		name, err := w.named(nameFrom(w.addr.Name, "mastodon"))
		if err != nil {
			return nil, err
		}
		account.text("credential", name)
		out = append(out, entry{"credentials", name, w.newCredential()})
	}
	if w.o.Every != time.Minute {
		account.put("every", plain(span(w.o.Every)))
	}
	if w.mo.Mentions {
		account.put("mentions", plain("true"))
	}
	if err := w.person(ctx, w.mo.Person, &account); err != nil {
		return nil, err
	}
	return append(out, entry{section: "accounts", value: &account.node}), nil
}

func (w *mastodonWalk) newCredential() *yaml.Node {
	var m members
	m.text("collector", config.CollectorMastodon)
	m.text("server", w.addr.Base)
	for _, s := range w.secrets {
		m.put(s.key, s.ref())
	}
	return &m.node
}
