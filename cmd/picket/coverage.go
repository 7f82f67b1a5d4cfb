package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
)

type coverageCmd struct {
	withConfig
	Account string `arg:"" optional:"" help:"One account or identity, such as x/acme; all unless given."`
	JSON    bool   `help:"Print JSON lines, one for each account and identity."`
}

// Run asks the daemons which rules watch which accounts.
func (c *coverageCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return err
	}
	defer nc.Close()
	all, asked := app.AskCoverage(e.ctx, nc, c.Account)
	switch {
	case len(all) == 0 && asked != nil:
		return asked
	case len(all) == 0 && c.Account != "":
		return fmt.Errorf("%s: the daemon does not know it: expected an account of its configuration, or an identity that guards one", c.Account)
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range all {
			if err := enc.Encode(&all[i]); err != nil {
				return err
			}
		}
		return asked
	}
	if _, err := io.WriteString(e.out, coverageText(all)); err != nil {
		return err
	}
	return asked // what came is shown even where not all did
}

// coverageText words coverage for a person. Accounts that the rules cover alike
// stand together, those with the fewest rules that watch them first; identities
// come last.
func coverageText(all []app.AccountCoverage) string {
	if len(all) == 0 {
		return "no accounts are configured\n"
	}
	accounts, identities := alike(all)
	var b strings.Builder
	if n := countOf(accounts); n > 1 {
		learn, blind := having(accounts, detector.CoverageLearning), having(accounts, detector.CoverageNoSource)
		fmt.Fprintf(&b, "%d accounts, as of %s: some rule still learns on %d, some rule has no source on %d\n\n",
			n, all[0].AsOf.Format("2006-01-02 15:04Z"), learn, blind)
	}
	for i, g := range append(accounts, identities...) {
		if i > 0 {
			b.WriteByte('\n')
		}
		g.write(&b)
	}
	return b.String()
}

// coveredAlike is accounts, or identities, that every rule covers alike. How
// far a rule has learned may differ.
type coveredAlike struct {
	members    []app.AccountCoverage
	identities bool // of which only what watches or learns is worth a line
}

// alike sorts coverage into groups.
func alike(all []app.AccountCoverage) (accounts, identities []*coveredAlike) {
	names := map[string]bool{}
	for i := range all {
		if isIdentity(&all[i]) {
			names[all[i].Account] = true
		}
	}
	groups := map[string]*coveredAlike{}
	for _, one := range all {
		if len(all) > 1 {
			one.Rules = listed(&one, names)
		}
		if len(one.Rules) == 0 {
			continue
		}
		key := likeness(&one)
		g := groups[key]
		if g == nil {
			g = &coveredAlike{identities: isIdentity(&one)}
			groups[key] = g
			if g.identities {
				identities = append(identities, g)
			} else {
				accounts = append(accounts, g)
			}
		}
		g.members = append(g.members, one)
	}
	for _, gs := range [][]*coveredAlike{accounts, identities} {
		slices.SortStableFunc(gs, func(a, b *coveredAlike) int {
			return cmp.Compare(len(a.in(detector.CoverageActive)), len(b.in(detector.CoverageActive)))
		})
	}
	return accounts, identities
}

func isIdentity(c *app.AccountCoverage) bool { return len(c.Guards) > 0 }

// lacking reports whether a rule is in a state whose reason matters to whoever
// compares accounts.
func lacking(r *app.RuleCoverage) bool {
	return r.State == detector.CoverageNoSource || r.State == detector.CoverageOff
}

// listed returns the rules of one of many as they are shown: without names of
// identities, and of an identity only those that watch or learn. What it lacks
// the accounts say that it guards.
func listed(one *app.AccountCoverage, identities map[string]bool) []app.RuleCoverage {
	shown := make([]app.RuleCoverage, 0, len(one.Rules))
	for _, r := range one.Rules {
		if !isIdentity(one) || !lacking(&r) {
			r.Why = unnamed(r.Why, identities)
			if r.State == detector.CoverageActive { // the others may still learn, or show nothing
				r.Why = ofSome(r.Why)
			}
			shown = append(shown, r)
		}
	}
	return shown
}

// ofSome says that one identity through which a rule watches is not all of them.
func ofSome(why string) string {
	return strings.NewReplacer(
		"through its identities", "through some of its identities, see below",
		"not for its identities", "not for others",
	).Replace(why)
}

// likeness is the same for accounts that stand together.
func likeness(one *app.AccountCoverage) string {
	var key strings.Builder
	fmt.Fprintf(&key, "%t\n", isIdentity(one))
	for i := range one.Rules {
		r := &one.Rules[i]
		fmt.Fprintf(&key, "%s %s", r.Rule, r.State)
		if lacking(r) {
			fmt.Fprintf(&key, " %s %s", r.Why, r.Mend)
		}
		key.WriteByte('\n')
	}
	return key.String()
}

// unnamed takes the names of identities out of a reason, so that accounts with
// the same lack stand together.
func unnamed(why string, identities map[string]bool) string {
	const one, two = "its identities", "its identities, its identities"
	words := strings.Fields(why)
	for i, w := range words {
		name := strings.TrimRight(w, ":,;")
		if !identities[name] {
			continue
		}
		words[i] = one + w[len(name):]
		if i+1 < len(words) && strings.HasPrefix(words[i+1], "+") {
			words[i+1] = ""
		}
	}
	out := strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
	for strings.Contains(out, two) {
		out = strings.ReplaceAll(out, two, one)
	}
	return out
}

func countOf(groups []*coveredAlike) (n int) {
	for _, g := range groups {
		n += len(g.members)
	}
	return n
}

// having counts the accounts with some rule in a state.
func having(groups []*coveredAlike, state detector.CoverageState) (n int) {
	for _, g := range groups {
		if len(g.in(state)) > 0 {
			n += len(g.members)
		}
	}
	return n
}

// in returns the indexes of the rules in a state.
func (g *coveredAlike) in(state detector.CoverageState) []int {
	var out []int
	for i := range g.members[0].Rules {
		if g.members[0].Rules[i].State == state {
			out = append(out, i)
		}
	}
	return out
}

func (g *coveredAlike) write(b *strings.Builder) {
	b.WriteString(g.headline())
	for _, s := range []struct {
		state detector.CoverageState
		label string
	}{
		{detector.CoverageActive, "watch"},
		{detector.CoverageLearning, "learn"},
		{detector.CoverageNoSource, "no source"},
		{detector.CoverageOff, "off"},
	} {
		label := s.label
		for _, same := range g.sameReason(g.in(s.state)) {
			writeList(b, label, same.rules)
			label = ""
			for _, line := range same.reason {
				writeIndented(b, line)
			}
		}
	}
}

// headline is "3 of 12 rules watch x/acme now; 2 learn; 4 have no source".
func (g *coveredAlike) headline() string {
	const shown = 3
	names := make([]string, 0, shown)
	for _, m := range g.members[:min(shown, len(g.members))] {
		names = append(names, m.Account)
	}
	who := strings.Join(names, ", ")
	if more := len(g.members) - len(names); more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	rules := len(g.members[0].Rules)
	active := len(g.in(detector.CoverageActive))
	line := fmt.Sprintf("%d of %s %s %s now", active, plural(rules, "rule", "rules"), word(active, "watches", "watch"), who)
	if g.identities && len(g.in(detector.CoverageNoSource))+len(g.in(detector.CoverageOff)) == 0 {
		line = fmt.Sprintf("%s %s %s now", plural(active, "rule", "rules"), word(active, "watches", "watch"), who)
	}
	for _, s := range []struct {
		state     detector.CoverageState
		one, many string
	}{
		{detector.CoverageLearning, "learns", "learn"},
		{detector.CoverageNoSource, "has no source", "have no source"},
		{detector.CoverageOff, "is off", "are off"},
	} {
		if n := len(g.in(s.state)); n > 0 {
			line += fmt.Sprintf("; %d %s", n, word(n, s.one, s.many))
		}
	}
	return line + "\n"
}

// reasoned is rules that are in one state for one reason.
type reasoned struct {
	rules  []string // titles
	reason []string // lines of it
}

func (g *coveredAlike) sameReason(indexes []int) []reasoned {
	var out []reasoned
	for _, i := range indexes {
		r := &g.members[0].Rules[i]
		reason := g.reason(i)
		at := slices.IndexFunc(out, func(o reasoned) bool { return slices.Equal(o.reason, reason) })
		if at < 0 {
			at = len(out)
			out = append(out, reasoned{reason: reason})
		}
		out[at].rules = append(out[at].rules, r.Title)
	}
	return out
}

// reason words why a rule is in its state for all members: as the daemon words
// it where that is the same for all, else as the range of what was learned.
func (g *coveredAlike) reason(i int) []string {
	first := &g.members[0].Rules[i]
	same := !slices.ContainsFunc(g.members, func(m app.AccountCoverage) bool { return m.Rules[i].Why != first.Why })
	var lines []string
	switch {
	case same && first.Why != "":
		lines = append(lines, first.Why)
	case !same && first.State == detector.CoverageLearning:
		days, events := g.span(func(r *app.RuleCoverage) int { return r.Days }, i), g.span(func(r *app.RuleCoverage) int { return r.Events }, i)
		lines = append(lines, fmt.Sprintf("%s of %d days, %s of %d activities", days, first.NeedDays, events, first.NeedEvents))
	}
	if first.Mend != "" {
		lines = append(lines, "→ "+first.Mend)
	}
	return lines
}

// span is the least and the most of a number of rule i among the members.
func (g *coveredAlike) span(of func(*app.RuleCoverage) int, i int) string {
	least, most := of(&g.members[0].Rules[i]), of(&g.members[0].Rules[i])
	for _, m := range g.members {
		least, most = min(least, of(&m.Rules[i])), max(most, of(&m.Rules[i]))
	}
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d–%d", least, most)
}

func plural(n int, one, many string) string { return fmt.Sprintf("%d %s", n, word(n, one, many)) }

func word(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

const (
	coverageIndent = 13 // of what stands behind a label
	coverageWidth  = 80
)

// writeList writes words behind a label, several to a line.
func writeList(b *strings.Builder, label string, words []string) {
	line := fmt.Sprintf("  %-*s", coverageIndent-2, label)
	for i, w := range words {
		if i < len(words)-1 {
			w += ";" // titles hold commas
		}
		if len([]rune(line))+len([]rune(w)) > coverageWidth && len(line) > coverageIndent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", coverageIndent)
		}
		line += w + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// writeIndented writes a sentence below the rules that it is about.
func writeIndented(b *strings.Builder, text string) {
	indent := strings.Repeat(" ", coverageIndent+2)
	line := indent
	for w := range strings.FieldsSeq(text) {
		if len([]rune(line))+len([]rune(w)) > coverageWidth && line != indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += w + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}
