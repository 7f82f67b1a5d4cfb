package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

type replayCmd struct {
	Files    []string      `arg:"" optional:"" name:"file" help:"Recorded activity: JSON lines (plain or .gz), or an X archive (zip or folder)." type:"existingpath"`
	Journal  bool          `help:"Replay the daemon's own journal instead of files, each stretch by the rules in force there unless --rules or --pack is given."`
	Since    time.Duration `help:"With --journal: how far back findings count, such as 7d; 30d unless given. What lies before is judged, and neither counted nor shown."`
	Config   string        `short:"c" help:"Configuration: its rules, overrides and accounts apply." type:"path"`
	Rules    []string      `help:"Folders of rule documents to use instead of the built-in pack." type:"existingdir"`
	Pack     []string      `help:"Built-in packs to use; social unless --rules is given."`
	Account  string        `help:"Whose history an X archive is, such as x/acme."`
	Approval []string      `name:"approvals" help:"Accounts whose posts need an approval."`
	Summary  bool          `help:"Print the table of rules only."`
	JSON     bool          `help:"Print JSON lines: one finding each, the summary last."`
	Lateness time.Duration `help:"How late an activity may come and still count in its window; the configuration's, or 15m, unless given."`

	byOne bool      // one set of rules judges all of a journal
	now   time.Time // that --since counts from; zero for when the journal is opened
}

// Run replays recorded activity through the engine and prints what it finds.
func (c *replayCmd) Run(e *env) error {
	if err := sinceOf(c.Since, c.Journal); err != nil {
		return err
	}
	if c.Journal && len(c.Approval) > 0 && c.recorded() {
		return errors.New("--approvals goes with files, or with --rules or --pack: each stretch of the journal is judged by what was in force there")
	}
	in, err := c.input(e)
	if err != nil {
		return err
	}
	defer in.close()
	bar := newBar(e, in.progress)
	started := time.Now()
	res, err := replay.Run(e.ctx, in.plan, bar.wrap(in.src), in.opts, c.reporter(e, bar))
	bar.finish()
	if err != nil {
		return err
	}
	if res.Activities == 0 && res.Unreadable > 0 {
		return fmt.Errorf("nothing to replay: none of %d items can be read", res.Unreadable)
	}
	if err := c.summary(e, &res); err != nil {
		return err
	}
	took := time.Since(started).Seconds() // not on standard output, which the same input makes the same
	_, err = fmt.Fprintf(e.errOut, "%.2f s, %.0f activities/s\n", took, float64(res.Activities+res.Duplicates)/took)
	return err
}

// sinceOf refuses a --since that would do nothing.
func sinceOf(since time.Duration, journal bool) error {
	if since != 0 && !journal {
		return errors.New("--since goes with --journal: of files everything counts")
	}
	return nil
}

// usualSince is how far back findings of a journal count unless told otherwise.
const usualSince = 30 * 24 * time.Hour

// input opens what is replayed, and the rules that judge it.
func (c *replayCmd) input(e *env) (*input, error) {
	cfg, set, err := c.rules(e)
	if err != nil {
		return nil, err
	}
	in := &input{cfg: cfg, opts: c.engine(cfg)}
	if in.plan, err = detector.Compile(set); err != nil {
		return nil, err
	}
	in.src, in.progress, in.close, err = c.open(e, cfg, c.recorded())
	return in, err
}

// recorded reports whether each stretch of a journal is judged by what was in
// force there.
func (c *replayCmd) recorded() bool { return !c.byOne && len(c.Rules) == 0 && len(c.Pack) == 0 }

// open opens what is replayed; of a journal by the rules that it records, or
// not.
func (c *replayCmd) open(e *env, cfg *config.Config, recorded bool) (src replay.Source, progress func() (done, total int64), closeSource func(), err error) {
	switch {
	case c.Journal && len(c.Files) > 0:
		err = errors.New("replay either files or --journal, not both")
	case c.Journal:
		closeSource, err = c.openJournal(e, cfg, recorded, &src, &progress)
	case len(c.Files) == 0:
		err = errors.New("nothing to replay: name files, or give --journal with --config")
	default:
		if err = seekApprovals(e.ctx, c.Files, c.Account, unconfigured(c.Approval, cfg)); err == nil {
			closeSource, err = c.openFiles(e, &src, &progress)
		}
	}
	if err == nil {
		src = withApprovals(src, c.Approval, cfg)
	}
	return src, progress, closeSource, err
}

// engine says what kind of log is replayed.
func (c *replayCmd) engine(cfg *config.Config) detector.EngineOptions {
	opts := detector.EngineOptions{Lateness: c.Lateness, Ticked: c.Journal}
	if cfg != nil {
		opts.MaxAccounts = cfg.Detector.MaxAccounts
	}
	if opts.Lateness == 0 && cfg != nil {
		opts.Lateness = cfg.Detector.Lateness
	}
	return opts
}

// rules gathers the rule set of the flags and of the configuration.
func (c *replayCmd) rules(e *env) (*config.Config, detector.Set, error) {
	var cfg *config.Config
	var set detector.Set
	if c.Config != "" {
		var err error
		if cfg, err = config.Load(c.Config, e.getenv); err != nil {
			return nil, set, err
		}
		if set, err = app.BuildSet(cfg); err != nil {
			return nil, set, err
		}
	}
	if len(c.Rules) > 0 || len(c.Pack) > 0 || c.Config == "" {
		packs := c.Pack
		if len(c.Rules) == 0 && len(packs) == 0 {
			packs = []string{"social"}
		}
		files, err := app.RuleFiles(packs, c.Rules)
		if err != nil {
			return nil, set, err
		}
		set.Rules, set.Overrides = files, nil
	}
	set.Accounts = approve(set.Accounts, c.Approval)
	return cfg, set, nil
}

// maxTold bounds the unreadable items that are told of one file.
const maxTold = 20

func (c *replayCmd) openFiles(e *env, src *replay.Source, progress *func() (int64, int64)) (func(), error) {
	var open []*file.History
	closeAll := func() {
		for _, h := range open {
			_ = h.Close()
		}
	}
	var feeds []replay.Feed
	for _, path := range c.Files {
		h, err := file.OpenHistory(e.ctx, path, file.Options{Account: c.Account})
		if err != nil {
			closeAll()
			return nil, err
		}
		open = append(open, h)
		told := 0
		feeds = append(feeds, func() (activity.Activity, error) {
			a, err := h.Next()
			if item, ok := errors.AsType[*file.ItemError](err); ok {
				if told++; told <= maxTold {
					fmt.Fprintln(e.errOut, item)
				} else if told == maxTold+1 {
					fmt.Fprintf(e.errOut, "%s: more items like these are counted and not told\n", path)
				}
				return a, &replay.ItemError{Err: item}
			}
			return a, err
		})
	}
	*src = replay.Merge(feeds, time.Time{})
	*progress = func() (done, total int64) {
		for _, h := range open {
			d, t := h.Progress()
			done, total = done+d, total+t
		}
		return done, total
	}
	return closeAll, nil
}

func (c *replayCmd) openJournal(e *env, cfg *config.Config, recorded bool, src *replay.Source, progress *func() (int64, int64)) (func(), error) {
	if cfg == nil {
		return nil, errors.New("--journal needs --config, to know where the journal is")
	}
	now := c.now
	if now.IsZero() {
		now = time.Now()
	}
	log, err := app.OpenJournalReplay(e.ctx, cfg, now.Add(-cmp.Or(c.Since, usualSince)), recorded)
	if err != nil {
		return nil, err
	}
	*src, *progress = log, log.Progress
	return log.Close, nil
}

// found is one finding as printed.
type found struct {
	Time     time.Time         `json:"time"`
	Phase    detector.Phase    `json:"phase"`
	Level    rules.Level       `json:"level"`
	Account  string            `json:"account"`
	Group    map[string]string `json:"group,omitempty"`    // of a rule across accounts, which has no account
	Accounts []string          `json:"accounts,omitempty"` // and those that it is about, as far as they are named
	Rule     string            `json:"rule"`
	RuleID   string            `json:"rule_id"`
	Version  string            `json:"rule_version"`
	Alert    string            `json:"alert"`
	Count    int               `json:"count"`
	First    time.Time         `json:"first"`
	Last     time.Time         `json:"last"`
	Reasons  []detector.Reason `json:"reasons"`
	Evidence []string          `json:"evidence"`       // ids
	Held     string            `json:"held,omitempty"` // why nobody would have been told: "budget" or "told"
	Closed   string            `json:"closed,omitempty"`
}

func (c *replayCmd) reporter(e *env, bar *bar) func(detector.Finding) error {
	if c.Summary {
		return nil
	}
	enc := json.NewEncoder(e.out)
	return func(f detector.Finding) error {
		if !c.JSON {
			if f.Phase != detector.Open {
				return nil
			}
			bar.clear()
			_, err := fmt.Fprintf(e.out, "%s  %-8s %s: %s%s — %s\n", f.Last.Format("2006-01-02 15:04Z"), f.Rule.Level, shown(f.About()), f.Rule.Title, heldBack(&f), shown(why(f.Reasons)))
			return err
		}
		out := found{
			Time: f.LogTime, Phase: f.Phase, Level: f.Rule.Level, Account: f.Account, Rule: f.Rule.Title, RuleID: f.Rule.ID, Version: f.Rule.Version,
			Alert: f.Episode, Count: f.Count, First: f.First, Last: f.Last, Reasons: f.Reasons, Held: f.Held, Closed: f.Closed,
		}
		if f.Rule.Keyed {
			out.Group, out.Accounts = map[string]string{}, f.Accounts
			for _, g := range f.Group {
				out.Group[g.Name] = g.Value
			}
		}
		for i := range f.Evidence {
			out.Evidence = append(out.Evidence, f.Evidence[i].ID)
		}
		return enc.Encode(out)
	}
}

// heldBack says in a few words why nobody would have been told of a finding.
func heldBack(f *detector.Finding) string {
	switch f.Held {
	case detector.HeldBudget:
		return " (held back: the budget has no room)"
	case detector.HeldTold:
		return " (held back: people know)"
	}
	return ""
}

// shown is text of strangers on one line, without what would disturb a terminal.
func shown(s string) string { return alerting.Name(s) }

func why(reasons []detector.Reason) string {
	parts := make([]string, 0, len(reasons))
	for _, r := range reasons {
		s := r.Seen
		if r.Expected != "" {
			s += " (expected " + r.Expected + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func (c *replayCmd) summary(e *env, res *replay.Result) error {
	if c.JSON {
		return json.NewEncoder(e.out).Encode(map[string]any{"summary": res})
	}
	if res.Activities == 0 {
		_, err := fmt.Fprintln(e.out, "no activities")
		return err
	}
	counts := slices.Clone(res.Rules)
	slices.SortStableFunc(counts, func(a, b replay.RuleCount) int { return cmp.Compare(b.Findings, a.Findings) })
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	column, held := "", func(*replay.RuleCount) string { return "" }
	if slices.ContainsFunc(counts, func(r replay.RuleCount) bool { return r.Held > 0 }) {
		column, held = "HELD BACK\t", func(r *replay.RuleCount) string { return fmt.Sprintf("%d\t", r.Held) }
	}
	fmt.Fprintf(w, "\nFINDINGS\tPER ACCOUNT-MONTH\tFURTHER MATCHES\t%sLEVEL\tRULE\n", column)
	for i := range counts {
		r := &counts[i]
		fmt.Fprintf(w, "%d\t%.3f\t%d\t%s%s\t%s\n", r.Findings, r.PerMonth, r.Updates, held(r), r.Level, r.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out, "\n%d activities of %d accounts, %.1f account-months, %s to %s; %d duplicates, %d unreadable\n",
		res.Activities, res.Accounts, res.Months, res.From.Format(time.DateOnly), res.Until.Format(time.DateOnly),
		res.Duplicates, res.Unreadable)
	return err
}

// bar shows progress on a terminal and nothing elsewhere.
type bar struct {
	bar      *progressbar.ProgressBar
	progress func() (done, total int64)
	seen     int
}

func newBar(e *env, progress func() (int64, int64)) *bar {
	b := &bar{progress: progress}
	if f, ok := e.errOut.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		_, total := progress()
		b.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription("replay"))
	}
	return b
}

// wrap moves the bar as messages pass.
func (b *bar) wrap(src replay.Source) replay.Source {
	if b.bar == nil {
		return src
	}
	return watched{src, b}
}

// watched moves a bar as messages pass.
type watched struct {
	src replay.Source
	bar *bar
}

func (w watched) Next(ctx context.Context) (replay.Message, error) {
	if b := w.bar; b.seen%4096 == 4095 {
		done, total := b.progress()
		b.bar.ChangeMax64(max(total, 1))
		_ = b.bar.Set64(min(done, total)) // a bar that is not drawn harms nothing
	}
	w.bar.seen++
	return w.src.Next(ctx)
}

// Partitions implements replay.Parted.
func (w watched) Partitions() int { return replay.Partitions(w.src) }

// Since implements replay.Dated.
func (w watched) Since() time.Time { return replay.Since(w.src) }

func (b *bar) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

func (b *bar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
