package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/exports"
)

type importCmd struct {
	withConfig
	Network string `arg:"" help:"Network whose export it is: ${exports}." enum:"${exports}"`
	File    string `arg:"" help:"The file that the network gave, or the folder that it unpacks to." type:"existingpath"`
	Account string `required:"" help:"Account of the configuration whose history it is, such as x/acme."`
	DryRun  bool   `help:"Only show what would be imported."`
	Yes     bool   `short:"y" help:"Import without asking."`
	Force   bool   `help:"Import although the export is of another account, or does not say of which."`
}

// Help is shown below the flags.
func (*importCmd) Help() string {
	return `What is imported teaches the rules how the account is, and raises no alert. It
goes into the journal: of a running daemon, which learns it at once, or, where
none runs, of the next one. What the journal holds already is left out, so an
import that was broken off is given again as it was.

Import before the account is polled for the first time where you can: rules about
its rhythm learn in order of time, and nothing from before what they know. With
facebook and instagram it is the other way round: their exports do not say which
post is which, so let the account be polled once, and only what is older than what
that brought is imported.

Whose an export is has to fit the configuration. A repository of Bluesky names its
owner by the DID alone: set did of the account.`
}

// Run shows what an export holds, and appends what is new of it to the journal.
func (c *importCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	if err := c.known(cfg); err != nil {
		return err
	}
	found, err := c.survey(e, cfg)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(e.out, found.text(c)); err != nil {
		return err
	}
	switch {
	case c.DryRun:
		return nil
	case found.nameless > 0 && found.unpolled:
		return fmt.Errorf("the export does not say which post is which, and %s has not been polled yet: its newest posts would count twice; let `picket run` poll it once, then import", c.Account)
	case found.fresh == 0:
		_, err := fmt.Fprintln(e.out, "nothing to import")
		return err
	}
	if err := c.confirm(e, found.fresh); err != nil {
		return err
	}
	return c.append(e, cfg)
}

// known checks that the account is one of the configuration and of the network.
func (c *importCmd) known(cfg *config.Config) error {
	network, _, _ := strings.Cut(c.Account, "/")
	switch {
	case !slices.ContainsFunc(cfg.Accounts, func(a config.Account) bool { return a.Name == c.Account }):
		return fmt.Errorf("%s is not among accounts of the configuration", c.Account)
	case network != c.Network:
		return fmt.Errorf("%s is no account of %s: expected one such as %s/acme", c.Account, c.Network, c.Network)
	}
	return nil
}

// open opens the export.
func (c *importCmd) open(e *env, cfg *config.Config) (*exports.Export, error) {
	return exports.Open(e.ctx, c.File, exports.Options{Network: c.Network, Account: c.Account, Names: c.names(cfg)})
}

// names returns what the account is known by.
func (c *importCmd) names(cfg *config.Config) []string {
	_, name, _ := strings.Cut(c.Account, "/")
	names := []string{name}
	for i := range cfg.Accounts {
		if a := &cfg.Accounts[i]; a.Name == c.Account {
			names = append(names, a.Username, a.UserID)
			for _, value := range a.Values {
				names = append(names, value)
			}
			names = append(names, atServer(cfg, a, names)...)
		}
	}
	return names
}

// owned refuses an export of another account.
func (c *importCmd) owned(cfg *config.Config, who exports.Owner) error {
	switch {
	case c.Force || who.Is(c.names(cfg)...):
		return nil
	case who == exports.Owner{}:
		return fmt.Errorf("%s does not say whose it is; give --force if it is of %s", c.File, c.Account)
	}
	return fmt.Errorf("%s is of %s, which is not %s by its configuration; give --force if it is", c.File, who, c.Account)
}

// atServer returns names of an account with the server behind them that its
// credential is for.
func atServer(cfg *config.Config, a *config.Account, names []string) []string {
	var out []string
	for i := range cfg.Credentials {
		k := &cfg.Credentials[i]
		u, err := url.Parse(k.Server)
		if k.Name != a.Credential || err != nil || u.Host == "" {
			continue
		}
		for _, name := range names {
			if name != "" && !strings.Contains(name, "@") {
				out = append(out, name+"@"+u.Hostname())
			}
		}
	}
	return out
}

// survey is what an export holds.
type survey struct {
	owner       exports.Owner
	kinds       map[activity.Kind]int
	from, until time.Time
	left        []exports.Left
	unreadable  int
	first       error // of those that cannot be read
	total       int
	held, fresh int // are in the journal, or not
	covered     int // are of a time that the journal holds, and have no id of the network's
	nameless    int // have no id of the network's
	unpolled    bool
	late        int // of fresh, before the newest of their class in the journal
}

// survey reads the export through. The journal is let go of then: whoever is
// asked may take their time.
func (c *importCmd) survey(e *env, cfg *config.Config) (*survey, error) {
	to, err := app.LookImport(e.ctx, cfg, c.Account)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	src, err := c.open(e, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }() // opened for reading
	if err := c.owned(cfg, src.Owner); err != nil {
		return nil, err
	}
	s := &survey{owner: src.Owner, kinds: map[activity.Kind]int{}, unpolled: to.Unpolled}
	seen := map[uint64]struct{}{}
	for {
		a, err := src.Next()
		if errors.Is(err, io.EOF) {
			s.left = src.Left()
			return s, nil
		}
		if item, ok := errors.AsType[*exports.ItemError](err); ok {
			s.unreadable++
			s.first = cmp.Or(s.first, error(item))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.File, err)
		}
		if _, twice := seen[a.Key()]; twice {
			continue
		}
		seen[a.Key()] = struct{}{}
		s.count(&a, to)
	}
}

func (s *survey) count(a *activity.Activity, to *app.HistoryImport) {
	s.total++
	s.kinds[a.Kind]++
	if s.from.IsZero() || a.Time.Before(s.from) {
		s.from = a.Time
	}
	if a.Time.After(s.until) {
		s.until = a.Time
	}
	if strings.HasPrefix(a.ID, activity.ExportID) {
		s.nameless++
	}
	switch {
	case to.Covers(a):
		s.covered++
		return
	case to.Has(a):
		s.held++
		return
	case a.Time.Before(to.Newest(a.Kind.Class())):
		s.late++
	}
	s.fresh++
}

// text words a survey for a person.
func (s *survey) text(c *importCmd) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s, for %s\n", exports.What(c.Network), cmp.Or(printable(s.owner.String()), "nobody named"), c.Account)
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s "+format+"\n", append([]any{label}, args...)...)
	}
	if s.total == 0 {
		line("Holds", "nothing that Picket learns from")
	}
	for _, kind := range activity.Kinds() {
		if n := s.kinds[kind]; n > 0 {
			line(strings.ReplaceAll(string(kind), "_", " "), "%d", n)
		}
	}
	if s.total > 0 {
		line("Span", "%s to %s", s.from.Format(time.DateOnly), s.until.Format(time.DateOnly))
	}
	if s.unreadable > 0 {
		line("Unreadable", "%s, left out; the first: %v", plural(s.unreadable, "item", "items"), s.first)
	}
	for _, l := range s.left {
		if l.N > 0 {
			line("Left out", "%d %s: %s", l.N, l.What, l.Why)
		} else {
			line("Left out", "%s: %s", l.What, l.Why)
		}
	}
	if s.held > 0 {
		line("In journal", "%d of them already", s.held)
	}
	if s.covered > 0 {
		line("Left out", "%d of a time of which the journal holds posts: the export does not say which post is\n              which, so that these would count twice", s.covered)
	}
	line("New", "%d", s.fresh)
	if s.late > 0 {
		line("Late", "%d of these happened before what the journal holds of the account: rules about\n              its rhythm learn nothing from them, all others do", s.late)
	}
	return b.String()
}

// confirm asks whether to go on.
func (c *importCmd) confirm(e *env, n int) error {
	if c.Yes {
		return nil
	}
	fmt.Fprintf(e.out, "Import %s as history of %s? [y/N]: ", plural(n, "activity", "activities"), c.Account)
	answer, err := bufio.NewReader(io.LimitReader(e.in, 64)).ReadString('\n')
	if err != nil {
		fmt.Fprintln(e.out)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing imported; answer y, or give --yes")
}

// append reads the export once more, into the journal.
func (c *importCmd) append(e *env, cfg *config.Config) error {
	to, err := app.OpenImport(e.ctx, cfg, c.Account)
	if err != nil {
		return err
	}
	defer to.Close()
	src, err := c.open(e, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // opened for reading
	done, err := to.Append(e.ctx, func() (activity.Activity, error) {
		for {
			a, err := src.Next()
			if _, ok := errors.AsType[*exports.ItemError](err); ok {
				continue // told by the survey
			}
			return a, err
		}
	}, nil)
	if err != nil {
		return errors.Join(err, fmt.Errorf("%s in the journal; give the same command again for the rest", isIn(done)))
	}
	when := "; the next `picket run` learns them"
	if to.Running {
		when = "; the daemon learns them now"
	}
	_, err = fmt.Fprintf(e.out, "imported %s as history of %s%s\n", plural(done.Appended, "activity", "activities"), c.Account, when)
	if err == nil && done.Unfit > 0 {
		_, err = fmt.Fprintf(e.out, "%s too large for the journal, left out\n", plural(done.Unfit, "activity is", "activities are"))
	}
	return err
}

func isIn(done collectors.Imported) string {
	return plural(done.Appended, "activity is", "activities are")
}
