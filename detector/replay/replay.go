// Package replay runs the detector over recorded activity at full speed: the
// same engine as the daemon's, fed by a log that is read instead of awaited, and
// behind it the same second stage for rules across accounts.
// Where the records come from belongs to the caller; which findings there are
// belongs in detector.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Message is one message of a log.
type Message struct {
	Partition int
	Time      time.Time       // log time
	Batch     *activity.Batch // nil for a tick; valid until the next call
	Plan      *detector.Plan  // in force from here on, nil where nothing changes
}

// Source yields a log's messages in order and io.EOF at its end. An error
// that is not io.EOF and not fatal to the source is an *ItemError: it is
// counted and the replay goes on.
type Source interface {
	Next(ctx context.Context) (Message, error)
}

// Parted is a Source that knows how many partitions its log has; others have
// one. The findings of rules across accounts have the partition after them.
type Parted interface{ Partitions() int }

// Dated is a Source of which findings count from a log time on. What lies before
// is judged too, so that it teaches no more than it taught, and neither counted
// nor reported.
type Dated interface{ Since() time.Time }

// ItemError is one record that could not be read.
type ItemError struct{ Err error }

func (e *ItemError) Error() string { return e.Err.Error() }

func (e *ItemError) Unwrap() error { return e.Err }

// Result sums a replay up.
type Result struct {
	Activities uint64               `json:"activities"`
	Duplicates uint64               `json:"duplicates"`
	Unreadable int                  `json:"unreadable"`
	Late       uint64               `json:"late"`
	From       time.Time            `json:"from"` // log time of the first and last message
	Until      time.Time            `json:"until"`
	Months     float64              `json:"account_months"` // sum over accounts of the time between first and last activity that could raise something, in months of 30.44 days
	Accounts   int                  `json:"accounts"`
	Rules      []RuleCount          `json:"rules"` // every rule that can raise, in program order
	PerAccount map[string]*Activity `json:"-"`
}

// RuleCount is what one rule raised.
type RuleCount struct {
	ID       string      `json:"id"`
	Name     string      `json:"name,omitempty"`
	Title    string      `json:"title"`
	Level    rules.Level `json:"level"`
	Findings int         `json:"findings"`       // episodes opened of which people are told, or the rule only observes
	Held     int         `json:"held,omitempty"` // episodes that an enforced rule kept to itself; see detector.Finding.Held
	Updates  int         `json:"updates"`        // further matches in them
	PerMonth float64     `json:"per_account_month"`
}

// Activity is one account's share.
type Activity struct {
	First, Last time.Time // of what could raise something; zero where all of it only teaches
	Activities  int
	Findings    int
}

// Month is the length of an account-month.
const Month = time.Duration(30.44 * 24 * float64(time.Hour))

// Run replays src from its start with plan. Of a ticked log, which a daemon
// wrote, it stops where the log ends; else everything that waits for log time
// is let become due at the end. Each finding is given to report as it is made;
// report may be nil.
func Run(ctx context.Context, plan *detector.Plan, src Source, opts detector.EngineOptions, report func(detector.Finding) error) (Result, error) {
	r := newRun(src, plan, opts, report)
	if err := r.play(ctx, src); err != nil {
		return r.finish(), err
	}
	if !opts.Ticked {
		if err := r.settle(ctx); err != nil {
			return r.finish(), err
		}
	}
	return r.finish(), nil
}

// Engines replays src and returns the engines as they are at its end, in the
// order of their partitions.
func Engines(ctx context.Context, plan *detector.Plan, src Source, opts detector.EngineOptions) ([]*detector.Engine, error) {
	r := newRun(src, plan, opts, nil)
	if err := r.play(ctx, src); err != nil {
		return nil, err
	}
	var out []*detector.Engine
	for _, partition := range slices.Sorted(maps.Keys(r.engines)) {
		out = append(out, r.engines[partition])
	}
	return out, nil
}

func newRun(src Source, plan *detector.Plan, opts detector.EngineOptions, report func(detector.Finding) error) *run {
	r := &run{
		since: Since(src), plan: plan, opts: opts, engines: map[int]*detector.Engine{}, report: report,
		second: detector.NewKeyed(Partitions(src), plan, opts), res: Result{PerAccount: map[string]*Activity{}},
		counts: map[string]*RuleCount{}, held: map[string]bool{},
	}
	r.list(plan)
	return r
}

// play reads src to its end.
func (r *run) play(ctx context.Context, src Source) error {
	for {
		m, err := src.Next(ctx)
		var item *ItemError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &item):
			r.res.Unreadable++
			continue
		case err != nil:
			return fmt.Errorf("replay: %w", err)
		}
		if err := r.message(&m); err != nil {
			return err
		}
	}
}

// Partitions returns how many partitions a source's log has.
func Partitions(src Source) int {
	if p, ok := src.(Parted); ok {
		return p.Partitions()
	}
	return 1
}

// Since returns the log time from which a source's findings count; zero for all.
func Since(src Source) time.Time {
	if d, ok := src.(Dated); ok {
		return d.Since()
	}
	return time.Time{}
}

type run struct {
	since   time.Time // log time
	plan    *detector.Plan
	opts    detector.EngineOptions
	engines map[int]*detector.Engine // by partition
	second  *detector.Keyed
	report  func(detector.Finding) error
	seq     uint64
	res     Result
	counts  map[string]*RuleCount
	held    map[string]bool // open episodes of which nobody is told, and whether they are counted
	order   []string
}

// list makes the rules known, so that those without a finding are listed too.
func (r *run) list(p *detector.Plan) {
	for _, rule := range p.Rules() {
		if rule.Silent || rule.Mode == rules.Off || r.counts[rule.ID] != nil {
			continue
		}
		r.counts[rule.ID] = &RuleCount{ID: rule.ID, Name: rule.Name, Title: rule.Title, Level: rule.Level}
		r.order = append(r.order, rule.ID)
	}
}

func (r *run) message(m *Message) error {
	if r.res.From.IsZero() {
		r.res.From = m.Time
	}
	r.res.Until = m.Time
	if m.Plan != nil {
		r.list(m.Plan)
	}
	if m.Batch != nil {
		for i := range m.Batch.Activities {
			r.seen(&m.Batch.Activities[i], m)
		}
	}
	return r.judge(m)
}

// judge gives a message to the engine of its partition, and what that passes on
// to the second stage.
func (r *run) judge(m *Message) error {
	engine := r.engine(m.Partition)
	r.seq++
	var found []detector.Finding
	switch {
	case m.Plan != nil:
		found = engine.Activate(r.seq, m.Time, m.Plan)
	case m.Batch == nil:
		found = engine.Tick(r.seq, m.Time)
	default:
		found = engine.Apply(r.seq, m.Time, m.Batch)
	}
	if err := r.found(found); err != nil {
		return err
	}
	return r.across(m, engine)
}

// across gives the second stage what a message passed on. A log's messages come
// in the order of log time and partition, which is that of detector.Merge; the
// first partition's plan is the second stage's.
func (r *run) across(m *Message, engine *detector.Engine) error {
	at := engine.LogTime()
	if m.Plan != nil && m.Partition == 0 {
		return r.found(r.second.Activate(at, m.Plan))
	}
	_, waits := r.second.Pending()
	if !waits && !r.second.Plan().Keyed() {
		return nil
	}
	return r.found(r.second.Apply(at, engine.Passed()))
}

// engine returns the engine of a partition.
func (r *run) engine(partition int) *detector.Engine {
	engine := r.engines[partition]
	if engine == nil {
		engine = detector.NewEngine(partition, r.plan, r.opts)
		r.engines[partition] = engine
	}
	return engine
}

// seen counts an activity of a message; one that only teaches takes no time in
// which something could be raised.
func (r *run) seen(a *activity.Activity, m *Message) {
	acc := r.res.PerAccount[a.Account]
	if acc == nil {
		acc = &Activity{}
		r.res.PerAccount[string([]byte(a.Account))] = acc
	}
	acc.Activities++
	if m.Batch.Backfill || m.Time.Before(r.since) {
		return
	}
	at := a.Time
	if at.After(m.Time) { // a clock that runs ahead
		at = m.Time
	}
	if acc.First.IsZero() || at.Before(acc.First) {
		acc.First = at
	}
	if at.After(acc.Last) {
		acc.Last = at
	}
}

func (r *run) found(findings []detector.Finding) error {
	for _, f := range findings {
		counts := !f.LogTime.Before(r.since)
		r.count(&f, counts)
		if r.report != nil && counts {
			if err := r.report(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// count takes a finding into the counts of its rule, if it counts.
func (r *run) count(f *detector.Finding, counts bool) {
	c := r.counts[f.Rule.ID]
	switch counted, held := r.held[f.Episode]; {
	case f.Phase == detector.Close:
		delete(r.held, f.Episode)
	case f.Phase == detector.Open:
		r.opened(c, f, counts)
	case held && f.Held == "": // people are told of it now
		if counted {
			c.Held--
		}
		r.opened(c, f, counts)
	case counts:
		c.Updates++
	}
}

// opened counts an episode, which may be kept from people up to now, if it counts.
func (r *run) opened(c *RuleCount, f *detector.Finding, counts bool) {
	if f.Held != "" {
		r.held[f.Episode] = counts
	} else {
		delete(r.held, f.Episode)
	}
	switch {
	case !counts:
		return
	case f.Held != "":
		c.Held++
		return
	}
	c.Findings++
	if acc := r.res.PerAccount[f.Account]; acc != nil {
		acc.Findings++
	}
}

// settle lets everything become due that waits for log time, so that a replay
// ends like a log that goes on.
func (r *run) settle(ctx context.Context) error {
	for _, partition := range slices.Sorted(maps.Keys(r.engines)) {
		engine := r.engines[partition]
		engine.Ended()
		for due, ok := engine.Pending(); ok; due, ok = engine.Pending() {
			r.seq++
			if err := errors.Join(ctx.Err(), r.found(engine.Tick(r.seq, due))); err != nil {
				return err
			}
		}
	}
	for due, ok := r.second.Pending(); ok; due, ok = r.second.Pending() {
		if err := errors.Join(ctx.Err(), r.found(r.second.Apply(due, nil))); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r *run) finish() Result {
	r.res.Activities, r.res.Duplicates, r.res.Late = 0, 0, 0
	for _, engine := range r.engines {
		s := engine.Stats()
		r.res.Activities += s.Activities
		r.res.Duplicates += s.Duplicates
		r.res.Late += s.Late
	}
	r.res.Late += r.second.Stats().Late
	r.res.Accounts = len(r.res.PerAccount)
	for _, name := range slices.Sorted(maps.Keys(r.res.PerAccount)) {
		a := r.res.PerAccount[name]
		r.res.Months += float64(a.Last.Sub(a.First)) / float64(Month)
	}
	r.res.Rules = r.res.Rules[:0]
	for _, id := range r.order {
		c := *r.counts[id]
		if r.res.Months > 0 {
			c.PerMonth = float64(c.Findings) / r.res.Months
		}
		r.res.Rules = append(r.res.Rules, c)
	}
	return r.res
}
