package ruletest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

// Result is what a scenario's story raised, and how that differs from what it
// expects.
type Result struct {
	Opened    []Opened      // all, in log order
	Missed    []Expectation // did not open
	Surprises []Opened      // were not expected

	file string
}

// Opened is one episode.
type Opened struct {
	Rule    *rules.Rule
	Account string
	Group   []activity.Field // of a rule across accounts
	At      time.Time        // log time at which it opened, UTC
	Count   int              // activities in it in the end
	Why     []string         // the reasons' words, when it opened
	Related []string         // rules of the episodes that led to it, in the end
	// Accounts that one across accounts is about, in the end.
	Accounts []string
}

// Run plays a scenario against rules, with the overrides of those that are among
// them. Its error says what keeps it from being played; whether the findings are
// the expected ones is in the result.
func Run(ctx context.Context, s *Scenario, files []rules.File, overrides []detector.Override) (Result, error) {
	plan, err := compile(s, files, overrides)
	if err != nil {
		return Result{}, err
	}
	if err := s.named(plan.Rules()); err != nil {
		return Result{}, err
	}
	byEpisode := map[string]int{} // the latest opening of each
	out := Result{file: s.File}
	src := feed(s.Events)
	_, err = replay.Run(ctx, plan, &src, detector.EngineOptions{}, func(f detector.Finding) error {
		if f.Held != "" {
			return nil // tells nobody anything new
		}
		i, ok := byEpisode[f.Episode]
		if !ok || f.Phase == detector.Open { // one alert may open again
			i = len(out.Opened)
			byEpisode[f.Episode] = i
			out.Opened = append(out.Opened, Opened{Rule: f.Rule, Account: f.Account, At: f.LogTime, Why: words(f.Reasons)})
			if f.Rule.Keyed {
				out.Opened[i].Group = f.Group
			}
		}
		out.Opened[i].Count, out.Opened[i].Related, out.Opened[i].Accounts = f.Count, related(f.Related), f.Accounts
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", s.File, err)
	}
	out.compare(s.Expect)
	return out, nil
}

// compile compiles rules with the overrides that are for one of them.
func compile(s *Scenario, files []rules.File, overrides []detector.Override) (*detector.Plan, error) {
	set := detector.Set{Rules: files, Accounts: s.Accounts}
	plan, err := detector.Compile(set)
	if err != nil || len(overrides) == 0 {
		return plan, err
	}
	for _, o := range overrides {
		if slices.ContainsFunc(plan.Rules(), func(r *rules.Rule) bool { return is(r, o.Rule) }) {
			set.Overrides = append(set.Overrides, o)
		}
	}
	return detector.Compile(set)
}

// named checks that every rule that a scenario expects exists.
func (s *Scenario) named(all []*rules.Rule) error {
	var faults rules.Faults
	for _, e := range s.Expect {
		for _, name := range append([]string{e.Rule}, e.Related...) {
			if !slices.ContainsFunc(all, func(r *rules.Rule) bool { return is(r, name) }) {
				faults = append(faults, rules.Fault{File: s.File, At: e.Place, Message: fmt.Sprintf("no rule has the name or id %q", name)})
			}
		}
	}
	return faults.Sort().Err()
}

func is(r *rules.Rule, name string) bool { return r.ID == name || r.Name != "" && r.Name == name }

func words(reasons []detector.Reason) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, r.Seen)
	}
	return out
}

func related(list []detector.Related) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Rule)
	}
	return out
}

// compare finds for each expectation an episode that is it and nobody else's.
func (r *Result) compare(expect []Expectation) {
	taken := make([]bool, len(r.Opened))
	for i := range expect {
		k := 0
		for ; k < len(r.Opened) && (taken[k] || !expect[i].met(&r.Opened[k])); k++ {
		}
		if k == len(r.Opened) {
			r.Missed = append(r.Missed, expect[i])
			continue
		}
		taken[k] = true
	}
	for k := range r.Opened {
		if !taken[k] {
			r.Surprises = append(r.Surprises, r.Opened[k])
		}
	}
}

func (e *Expectation) met(o *Opened) bool {
	return is(o.Rule, e.Rule) && e.Account == o.Account && slices.Equal(e.Group, o.Group) && e.Level == o.Rule.Level && e.Count == o.Count &&
		(e.At.IsZero() || e.At.Equal(o.At)) &&
		(e.Why == "" || strings.Contains(strings.Join(o.Why, "\n"), e.Why)) &&
		(e.Related == nil || slices.Equal(e.Related, o.Related)) &&
		(e.Accounts == nil || slices.Equal(e.Accounts, o.Accounts))
}

// Diff lists what is missing (-) and what is too much (+), one a line; empty
// where the findings are the expected ones.
func (r *Result) Diff() string {
	var b strings.Builder
	for _, e := range r.Missed {
		fmt.Fprintf(&b, "- %s:%d: %s\n", r.file, e.Place.Line, e)
	}
	for _, o := range r.Surprises {
		fmt.Fprintf(&b, "+ %s\n", o)
	}
	return b.String()
}

// String tells a finding in one line.
func (e Expectation) String() string {
	when := "at any time"
	if !e.At.IsZero() {
		when = day(e.At)
	}
	return line(e.Rule, subject(e.Account, e.Group, e.Accounts), string(e.Level), e.Count, when, e.Related, e.Why)
}

// String tells a finding in one line.
func (o Opened) String() string {
	name := o.Rule.Name
	if name == "" {
		name = o.Rule.ID
	}
	return line(name, subject(o.Account, o.Group, o.Accounts), string(o.Rule.Level), o.Count, day(o.At), o.Related, strings.Join(o.Why, "; "))
}

// subject names what a finding is about: "x/acme", or "ip 192.0.2.1 of x/a, x/b".
func subject(account string, group []activity.Field, accounts []string) string {
	if len(group) == 0 {
		return account
	}
	var parts []string
	for _, g := range group {
		parts = append(parts, g.Name+" "+g.Value)
	}
	s := strings.Join(parts, ", ")
	if len(accounts) > 0 {
		s += " of " + strings.Join(accounts, ", ")
	}
	return s
}

func line(rule, account, level string, count int, when string, after []string, why string) string {
	s := fmt.Sprintf("%s %s %s ×%d %s", rule, account, level, count, when)
	if len(after) > 0 {
		s += " after " + strings.Join(after, ", ")
	}
	if why != "" {
		s += ": " + why
	}
	return s
}

// day tells a moment as scenarios write it.
func day(t time.Time) string {
	since := t.Sub(Start())
	return fmt.Sprintf("day %d %s", since/(24*time.Hour)+1, t.Format("15:04:05"))
}

// feed yields events as messages of a log, one each.
type feed []Event

// Next implements replay.Source.
func (f *feed) Next(context.Context) (replay.Message, error) {
	if len(*f) == 0 {
		return replay.Message{}, io.EOF
	}
	e := &(*f)[0]
	*f = (*f)[1:]
	return replay.Message{
		Time:  e.Log,
		Batch: &activity.Batch{Backfill: e.Backfill, Activities: []activity.Activity{e.Activity}},
	}, nil
}
