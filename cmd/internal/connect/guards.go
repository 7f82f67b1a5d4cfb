package connect

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/cmd/internal/config"
)

// mostAsked bounds the accounts that a person is asked about one by one.
const mostAsked = 10

// guard is an identity and the accounts that it guards.
type guard struct {
	identity string
	accounts []string
	contact  string // of the person, "" where none was given
}

// warden asks for whom an identity provider's log stands: which identity guards
// which account.
type warden struct {
	*walk
	title   string // of the provider: "Okta"
	network string // of its identities
	local   bool   // the part before @ is an identity's name
	given   []string
	guards  []guard
	// last returns when an identity was seen in the newest events of the log;
	// nil where that is not known.
	last   func(identity string) time.Time
	events int
}

// whose asks who is behind which account: of everybody else nothing is kept.
func (w warden) whose(ctx context.Context) ([]guard, error) {
	for _, g := range w.given {
		who, accounts, ok := strings.Cut(g, "=")
		if !ok || who == "" || accounts == "" {
			return nil, fault("Write it as --guard editor-2@acme.example=x/acme", "--guard %q names no identity and account", g)
		}
		for account := range strings.SplitSeq(accounts, ",") {
			if err := w.guarded(account); err != nil {
				return nil, err
			}
			w.add(who, account)
		}
	}
	if len(w.given) == 0 && !w.site.fresh && !w.d.yes {
		if err := w.ask(ctx); err != nil {
			return nil, err
		}
	}
	for _, g := range w.guards {
		if w.last == nil {
			break
		}
		if last := w.last(g.identity); last.IsZero() {
			w.d.say("  %s: not among the newest %s of the log; check the spelling if that is odd.", g.identity, several(w.events, "event"))
		} else {
			w.d.say("  %s: seen %s.", g.identity, ago(last, w.Now()))
		}
	}
	if len(w.given) == 0 && len(w.guards) > 0 {
		return w.guards, w.reach(ctx)
	}
	if len(w.guards) == 0 {
		w.d.say("\nNobody guards an account yet, so nothing of this log is kept. Name whose logins")
		w.d.say("belong to an account: guarded_by: [%s/NAME] at the account.", w.network)
	}
	return w.guards, nil
}

func (w *warden) ask(ctx context.Context) error {
	accounts := w.site.cfg.Accounts
	if len(accounts) > 0 {
		w.d.say("\nPicket watches the logins of people who can post. Of everybody else it keeps\nnothing.")
	}
	for i := range accounts[:min(len(accounts), mostAsked)] {
		names, err := w.d.ask(ctx, question{label: w.title + " logins of those who can post as " + accounts[i].Name + ", with commas", flag: "--guard", may: true})
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
func (w *warden) reach(ctx context.Context) error {
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
func (w *warden) guarded(account string) error {
	if a, _ := w.site.account(func(a *config.Account) bool { return a.Name == account }); a == nil {
		return fault("Connect it first, or correct --guard", "no account %s is in %s", account, w.site.path)
	}
	return nil
}

// add notes that an identity guards an account.
func (w *warden) add(who, account string) {
	identity := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(who), w.network+"/"))
	if w.local {
		identity, _, _ = strings.Cut(identity, "@")
	}
	identity = w.network + "/" + identity
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

func (g guard) node() *yaml.Node {
	var m members
	m.text("identity", g.identity)
	m.put("guards", words(g.accounts))
	m.text("contact", g.contact)
	return &m.node
}
