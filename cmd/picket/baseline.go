package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

type baselineCmd struct {
	Show   baselineShowCmd   `cmd:"" help:"Show what rules have learned of an account."`
	Trust  baselineTrustCmd  `cmd:"" help:"Say that values are an account's own."`
	Forget baselineForgetCmd `cmd:"" help:"Say that values are new again."`
}

type baselineShowCmd struct {
	Config  string   `short:"c" help:"Configuration of the daemon, picket.yaml unless given; with --in its rules, overrides and accounts apply where it is given." type:"path"`
	Account string   `arg:"" help:"Account or identity, such as x/acme."`
	Rule    string   `arg:"" optional:"" help:"Name or id of one rule; all that learn values unless given."`
	Journal bool     `help:"Rebuild it from the daemon's journal instead of asking the daemon."`
	In      []string `help:"Recorded activity to learn from instead, as picket replay takes it." type:"existingpath" placeholder:"FILE" sep:"none"`
	Rules   []string `help:"With --in: folders of rule documents to use instead of the built-in pack." type:"existingdir"`
	Pack    []string `help:"With --in: built-in packs to use; social unless --rules is given."`
	JSON    bool     `help:"Print JSON lines, one for each rule and group."`
}

// Run shows what was learned: as the daemon knows it, or from the activities
// themselves.
func (c *baselineShowCmd) Run(e *env) error {
	all, err := c.learned(e)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s: nothing is learned of it", c.Account)
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range all {
			if err := enc.Encode(&all[i]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err = io.WriteString(e.out, baselineText(all))
	return err
}

func (c *baselineShowCmd) learned(e *env) ([]app.Baseline, error) {
	path, err := filepath.Abs(cmp.Or(c.Config, "picket.yaml"))
	if err != nil {
		return nil, err
	}
	switch {
	case len(c.In) > 0 && c.Journal:
		return nil, errors.New("give --in or --journal, not both")
	case len(c.In) == 0 && len(c.Rules)+len(c.Pack) > 0:
		return nil, errors.New("--rules and --pack go with --in: the daemon and its journal have rules of their own")
	case len(c.In) > 0:
		return c.replayed(e, replayCmd{Files: c.In, Config: c.Config, Rules: c.Rules, Pack: c.Pack})
	case c.Journal:
		return c.replayed(e, replayCmd{Journal: true, Config: path})
	}
	cfg, err := config.Load(path, e.getenv)
	if err != nil {
		return nil, err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	return app.AskBaselines(e.ctx, nc, c.Account, c.Rule)
}

// replayed learns from recorded activity.
func (c *baselineShowCmd) replayed(e *env, from replayCmd) ([]app.Baseline, error) {
	from.Since = everything
	in, err := from.input(e)
	if err != nil {
		return nil, err
	}
	defer in.close()
	if err := app.CheckReview(in.plan, c.Rule); err != nil {
		return nil, err
	}
	bar := newBar(e, in.progress)
	engines, err := replay.Engines(e.ctx, in.plan, bar.wrap(in.src), in.opts)
	bar.finish()
	if err != nil {
		return nil, err
	}
	var out []app.Baseline
	for _, engine := range engines {
		out = append(out, app.BaselinesOf(engine, c.Account, c.Rule)...)
	}
	return out, nil
}

// baselineText words what was learned for a person, some lines for each rule and
// group.
func baselineText(all []app.Baseline) string {
	var b strings.Builder
	for i := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		writeBaseline(&b, &all[i])
	}
	return b.String()
}

func writeBaseline(b *strings.Builder, one *app.Baseline) {
	fmt.Fprintf(b, "%s (%s)", one.Title, one.Rule)
	if len(one.Group) > 0 {
		fmt.Fprintf(b, " of %s", printable(strings.Join(one.Group, ", ")))
	}
	switch {
	case one.Type == rules.TypePeak && one.Own == 0:
		fmt.Fprintf(b, ": a burst is %d in %s; the account's own pace is not known yet", one.Limit, spanText(one.Span))
	case one.Type == rules.TypePeak:
		fmt.Fprintf(b, ": a burst is %d in %s, the account's own peak is %d", one.Limit, spanText(one.Span), one.Own)
	default:
		fmt.Fprintf(b, ": %s", one.Field)
	}
	if one.Events > 0 {
		fmt.Fprintf(b, ", %s since %s", plural(one.Events, "activity", "activities"), one.Since.Format(time.DateOnly))
	}
	if one.Learning {
		b.WriteString("; it still learns")
	}
	b.WriteByte('\n')
	for _, v := range one.Values {
		what := plural(v.Count, "use", "uses") + ", the last " + v.Last.Format(time.DateOnly)
		if one.Type == rules.TypePeak {
			what = plural(v.Count, "activity", "activities") + " at the busiest"
		}
		writeValue(b, v.Value, what)
	}
	for _, t := range one.Trusted {
		writeValue(b, t.Value, "trusted until "+t.Until.Format(time.DateOnly))
	}
	for _, w := range one.Waiting {
		for _, v := range w.Values {
			writeValue(b, v, fmt.Sprintf("seen %s, waits for a verdict on %s", w.Last.Format(time.DateOnly), alerting.Number(w.Alert)))
		}
	}
	if len(one.Values)+len(one.Trusted)+len(one.Waiting) == 0 {
		b.WriteString("  nothing\n")
	}
}

func writeValue(b *strings.Builder, value, what string) {
	fmt.Fprintf(b, "  %-22s  %s\n", printable(value), what)
}

// printable is a value as it can be given again, quoted where it would disturb a
// terminal: strangers choose values.
func printable(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// spanText prints a span as people write it: 10m rather than 10m0s.
func spanText(span string) string {
	if short, ok := strings.CutSuffix(span, "m0s"); ok {
		return short + "m"
	}
	return span
}

// reviewFlags are those of what people say of learned values.
type reviewFlags struct {
	withConfig
	By     string `help:"Who says so; your user name unless given."`
	Reason string `short:"m" help:"Why."`
}

type baselineTrustCmd struct {
	Account string   `arg:"" help:"Account or identity, such as okta/editor-2."`
	Rule    string   `arg:"" optional:"" help:"Name or id of the rule; all rules unless given."`
	Value   []string `arg:"" optional:"" help:"Values, as picket baseline show names them; all that wait for a verdict unless given."`
	reviewFlags
	Until time.Time     `help:"Until when (RFC 3339); from then on they are new again. Without an end unless given."`
	For   time.Duration `help:"For how long from now, such as 12h or 14d."`
}

// Run says that values are the account's own.
func (c *baselineTrustCmd) Run(e *env) error {
	until, err := ending(c.Until, c.For)
	if err != nil {
		return err
	}
	r := app.Review{Account: c.Account, Rule: c.Rule, Says: activity.VerdictTrust, Values: c.Value, Until: until}
	if _, err := c.say(e, &r); err != nil {
		return err
	}
	end := ""
	if !until.IsZero() {
		end = " until " + until.Format(time.RFC3339)
	}
	_, err = fmt.Fprintf(e.out, "%s, %s: %s trusted by %s%s\n", c.Account, cmp.Or(c.Rule, "all rules"), valuesOr(c.Value, "what waits for a verdict is"), r.By, end)
	return err
}

type baselineForgetCmd struct {
	Account string   `arg:"" help:"Account or identity, such as okta/editor-2."`
	Rule    string   `arg:"" help:"Name or id of the rule."`
	Value   []string `arg:"" optional:"" help:"Values, as picket baseline show names them. Without any, all that the rule knows of the account is forgotten: it learns from the beginning, and judges nothing meanwhile."`
	reviewFlags
}

// Run says that values are not the account's own.
func (c *baselineForgetCmd) Run(e *env) error {
	r := app.Review{Account: c.Account, Rule: c.Rule, Says: activity.VerdictForget, Values: c.Value}
	kind, err := c.say(e, &r)
	if err != nil {
		return err
	}
	then := "; its next use is told"
	switch {
	case len(c.Value) == 0:
		then = "; the rule learns it from the beginning"
	case kind == rules.TypePeak && len(c.Value) > 1: // days, which are not used again
		then = "; a burst is told without them"
	case kind == rules.TypePeak:
		then = "; a burst is told without it"
	case len(c.Value) > 1:
		then = "; their next uses are told"
	}
	_, err = fmt.Fprintf(e.out, "%s, %s: %s forgotten by %s%s\n", c.Account, c.Rule, valuesOr(c.Value, "everything"), r.By, then)
	return err
}

func valuesOr(values []string, none string) string {
	return cmp.Or(strings.Join(values, ", "), none)
}

// say has the daemon write a review into its journal, and returns the type of
// the rule that it is of, "" for all rules.
func (c *reviewFlags) say(e *env, r *app.Review) (kind rules.Type, err error) {
	if r.By, err = actor(c.By); err != nil {
		return "", err
	}
	r.Reason = c.Reason
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return "", err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	return app.SayBaseline(context.WithoutCancel(e.ctx), nc, *r)
}

// everything is how far back a replay looks that leaves nothing out.
const everything = 100 * 365 * 24 * time.Hour

// input is recorded activity with the rules that judge it.
type input struct {
	cfg      *config.Config // nil without one
	plan     *detector.Plan
	src      replay.Source
	opts     detector.EngineOptions
	progress func() (done, total int64)
	close    func()
}
