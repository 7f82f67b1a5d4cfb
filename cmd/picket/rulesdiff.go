package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
)

type rulesCmd struct {
	Diff rulesDiffCmd `cmd:"" help:"Show what new versions of rules would change."`
}

type rulesDiffCmd struct {
	New      string        `arg:"" name:"newdir" help:"Folder of new rules. Each takes the place of the one with its id or name; the others stay." type:"existingdir"`
	Files    []string      `arg:"" optional:"" name:"file" help:"Recorded activity: JSON lines (plain or .gz), or an X archive (zip or folder)." type:"existingpath"`
	Journal  bool          `help:"Play the daemon's own journal instead of files, all of it by the rules of the configuration and then by the new ones."`
	Since    time.Duration `help:"With --journal: how far back findings count, such as 7d; 30d unless given. What lies before is judged, and neither counted nor shown."`
	Config   string        `short:"c" help:"Configuration: its rules, overrides and accounts are those in force." type:"path"`
	Rules    []string      `help:"Folders of rule documents that are in force instead of the built-in pack." type:"existingdir"`
	Pack     []string      `help:"Built-in packs that are in force; social unless --rules is given."`
	Account  string        `help:"Whose history an X archive is, such as x/acme."`
	Approval []string      `name:"approvals" help:"Accounts whose posts need an approval."`
	Alone    bool          `help:"Take the new rules alone, without those in force that they do not name."`
	Examples int           `help:"How many findings to show of each kind and rule." default:"3"`
	JSON     bool          `help:"Print JSON: every rule that differs, with counts and examples."`
}

// Run plays the same activity by both sets of rules and prints the difference.
func (c *rulesDiffCmd) Run(e *env) error {
	if c.Examples < 0 {
		return errors.New("--examples takes a number of findings, 0 for none")
	}
	if err := sinceOf(c.Since, c.Journal); err != nil {
		return err
	}
	in := replayCmd{Files: c.Files, Journal: c.Journal, Since: c.Since, Config: c.Config, Rules: c.Rules, Pack: c.Pack, Account: c.Account, Approval: c.Approval}
	cfg, set, err := in.rules(e)
	if err != nil {
		return err
	}
	newer, err := app.RuleFiles(nil, []string{c.New})
	if err != nil {
		return err
	}
	next := set
	if next.Rules = app.Overlay(set.Rules, newer); c.Alone {
		next.Rules, next.Overrides = newer, nil
	}
	before, err := detector.Compile(set)
	if err != nil {
		return fmt.Errorf("rules in force: %w", err)
	}
	after, err := detector.Compile(next)
	if err != nil {
		return fmt.Errorf("new rules: %w", err)
	}
	var was, is replay.Episodes
	in.now = time.Now()
	res, err := c.play(e, in, cfg, before, time.Time{}, &was)
	if err != nil {
		return err
	}
	if _, err := c.play(&env{ctx: e.ctx, in: e.in, out: e.out, errOut: twiceTold{}, getenv: e.getenv}, in, cfg, after, res.Until, &is); err != nil {
		return err
	}
	return c.print(e, &res, replay.Diff(before, after, &was, &is))
}

// twiceTold takes what was told before: the second pass reads the same items.
type twiceTold struct{}

func (twiceTold) Write(p []byte) (int, error) { return len(p), nil }

// play replays the activity by one set of rules, up to a log time unless it is
// zero: a journal has grown when it is read again.
func (c *rulesDiffCmd) play(e *env, in replayCmd, cfg *config.Config, plan *detector.Plan, until time.Time, into *replay.Episodes) (replay.Result, error) {
	src, _, closeSource, err := in.open(e, cfg, false)
	if err != nil {
		return replay.Result{}, err
	}
	defer closeSource()
	if !until.IsZero() {
		src = replay.UpTo(src, until)
	}
	res, err := replay.Run(e.ctx, plan, src, in.engine(cfg), into.Report)
	if err == nil && res.Activities == 0 {
		err = errors.New("nothing to compare: no activity can be read")
	}
	return res, err
}

func (c *rulesDiffCmd) print(e *env, res *replay.Result, diffs []replay.RuleDiff) error {
	var changed []replay.RuleDiff
	for i := range diffs {
		if !diffs[i].Same() {
			changed = append(changed, diffs[i])
		}
	}
	if c.JSON {
		return c.printJSON(e, res, changed, len(diffs)-len(changed))
	}
	fmt.Fprintf(e.out, "%d activities of %d accounts, %s to %s\n", res.Activities, res.Accounts, res.From.Format(time.DateOnly), res.Until.Format(time.DateOnly))
	if len(changed) == 0 {
		_, err := fmt.Fprintf(e.out, "all %d rules and their findings are the same\n", len(diffs))
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	column, held := "", func(*replay.RuleDiff) string { return "" }
	if slices.ContainsFunc(changed, func(d replay.RuleDiff) bool { return d.HeldBefore+d.HeldAfter > 0 }) {
		column, held = "HELD BACK\t", func(d *replay.RuleDiff) string { return fmt.Sprintf("%d → %d\t", d.HeldBefore, d.HeldAfter) }
	}
	fmt.Fprintf(w, "\nBEFORE\tAFTER\tAPPEAR\tVANISH\tCHANGE\t%sVERSION\tRULE\n", column)
	for i := range changed {
		d := &changed[i]
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%s%s\t%s\n", d.Before, d.After, len(d.Appear), len(d.Vanish), len(d.Change), held(d), versions(d), d.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i := range changed {
		c.examples(e, &changed[i])
	}
	_, err := fmt.Fprintf(e.out, "\n%d rules differ, %d are the same\n", len(changed), len(diffs)-len(changed))
	return err
}

func versions(d *replay.RuleDiff) string {
	if d.VersionBefore == d.VersionAfter {
		return d.VersionAfter
	}
	return cmp.Or(d.VersionBefore, "new") + " → " + cmp.Or(d.VersionAfter, "gone")
}

// examples shows some findings of one rule, signed as a patch is.
func (c *rulesDiffCmd) examples(e *env, d *replay.RuleDiff) {
	if len(d.Appear)+len(d.Vanish)+len(d.Change) == 0 {
		return
	}
	fmt.Fprintf(e.out, "\n%s\n", d.Title)
	one := func(sign string, ep *replay.Episode, what string) {
		fmt.Fprintf(e.out, "  %s %s  %-8s %s: %s\n", sign, ep.Last.Format("2006-01-02 15:04Z"), ep.Level, shown(ep.About()), shown(what))
	}
	more := func(sign string, n int) {
		if n > c.Examples {
			fmt.Fprintf(e.out, "  %s %d more\n", sign, n-c.Examples)
		}
	}
	for i := range min(c.Examples, len(d.Appear)) {
		one("+", &d.Appear[i], d.Appear[i].Seen)
	}
	more("+", len(d.Appear))
	for i := range min(c.Examples, len(d.Vanish)) {
		one("-", &d.Vanish[i], d.Vanish[i].Seen)
	}
	more("-", len(d.Vanish))
	for i := range min(c.Examples, len(d.Change)) {
		one("~", &d.Change[i].After, strings.Join(d.Change[i].What, "; "))
	}
	more("~", len(d.Change))
}

func (c *rulesDiffCmd) printJSON(e *env, res *replay.Result, changed []replay.RuleDiff, same int) error {
	type counted struct {
		replay.RuleDiff
		Appeared int `json:"appeared"`
		Vanished int `json:"vanished"`
		Changed  int `json:"changed"`
	}
	out := struct {
		Activities uint64    `json:"activities"`
		From       time.Time `json:"from"`
		Until      time.Time `json:"until"`
		Same       int       `json:"rules_same"`
		Rules      []counted `json:"rules"`
	}{Activities: res.Activities, From: res.From, Until: res.Until, Same: same, Rules: []counted{}}
	for _, d := range changed {
		n := counted{d, len(d.Appear), len(d.Vanish), len(d.Change)}
		n.Appear, n.Vanish, n.Change = d.Appear[:min(c.Examples, len(d.Appear))], d.Vanish[:min(c.Examples, len(d.Vanish))], d.Change[:min(c.Examples, len(d.Change))]
		out.Rules = append(out.Rules, n)
	}
	enc := json.NewEncoder(e.out)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
