package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
)

// Report is how rules would have caught takeovers of some accounts.
type Report struct {
	Table    hijack.Table
	Accounts []Result // in the order of the histories
	Short    []string // accounts whose histories are too short for the protocol
	Made     []string // accounts that were attacked with made-up posts
	Rules    []Rule   // of those that raised false alerts, most first
}

// Result is what one account's history gave.
type Result struct {
	hijack.Result
	ByRule map[string]int // false alerts by rule, by id
}

// Rule is a rule's part of the false alerts.
type Rule struct {
	Rule   *rules.Rule
	Alerts int
}

// Donors is whose posts attackers send.
type Donors struct {
	// Named are in place of the evaluated histories; none: these.
	Named []*hijack.History
	// Made makes histories up, for accounts to which none of the others can lend;
	// nil for not.
	Made func() ([]*hijack.History, error)
}

// Run plays the protocol on the histories, all of them on one engine of plan in
// the order of their time, as a daemon watches all accounts. Histories that are
// too short are named in the report; it is an error where all are.
func Run(ctx context.Context, plan *detector.Plan, p hijack.Protocol, histories []*hijack.History, donors Donors) (Report, error) {
	var out Report
	var long, short []*hijack.History
	for _, h := range histories {
		if p.Long(h) {
			long = append(long, h)
		} else {
			short = append(short, h)
			out.Short = append(out.Short, h.Account)
		}
	}
	if len(long) == 0 {
		return out, fmt.Errorf("no history is long enough: the first %d posts and %d days of one are warm-up, and what follows must last %d days to be judged",
			p.Posts, int(p.Period.Hours()/24), int(2*p.Least.Hours()/24))
	}
	engine := NewEngine(plan)
	scripts, subjects := make([]*hijack.Script, len(long)), make([]hijack.Subject, len(long))
	from := [][]*hijack.History{long, short}
	if len(donors.Named) > 0 {
		from = [][]*hijack.History{donors.Named}
	}
	for i, h := range long {
		lenders, made, err := donors.lenders(h, from)
		if err != nil {
			return out, err
		}
		if made {
			out.Made = append(out.Made, h.Account)
		}
		if scripts[i], err = write(plan, p, h, lenders); err != nil {
			return out, err
		}
		subjects[i] = &interrupted{ctx, engine.Account(h.Account)}
	}
	results := hijack.Play(scripts, subjects)
	if err := cmp.Or(ctx.Err(), engine.Err()); err != nil {
		return out, err
	}
	for i := range results {
		out.Accounts = append(out.Accounts, Result{results[i], engine.falseOf(&results[i])})
	}
	out.Table = hijack.Summarise(results)
	out.count(plan)
	return out, nil
}

// lenders returns the first of some groups of histories in which one can lend to
// a victim, or made-up ones.
func (d *Donors) lenders(victim *hijack.History, from [][]*hijack.History) (all []*hijack.History, made bool, err error) {
	for _, group := range from {
		if slices.ContainsFunc(group, func(h *hijack.History) bool { return h.Lends(victim) }) {
			return group, false, nil
		}
	}
	if d.Made == nil {
		return nil, false, nil
	}
	all, err = d.Made()
	return all, true, err
}

// write prepares the attacks on a history. Where posts need an approval and the
// history holds none, every real post has one: else all of them would be odd.
func write(plan *detector.Plan, p hijack.Protocol, h *hijack.History, donors []*hijack.History) (*hijack.Script, error) {
	if plan.Approves(h.Account) && len(p.Attacks) > 0 {
		p.Attacks = append(slices.Clip(p.Attacks), hijack.Unapproved())
		p.Approve = !h.HasApprovals()
	}
	return p.Write(h, donors)
}

// interrupted passes over everything once ctx has ended.
type interrupted struct {
	ctx context.Context //nolint:containedctx // lives as long as the one run that it belongs to
	*Account
}

// Observe implements hijack.Subject.
func (s *interrupted) Observe(a *activity.Activity) bool {
	return s.ctx.Err() == nil && s.Account.Observe(a)
}

// falseOf counts an account's false alerts by rule.
func (e *Engine) falseOf(r *hijack.Result) map[string]int {
	out := map[string]int{}
	for _, one := range e.flags[r.Account] {
		if _, counted := slices.BinarySearchFunc(r.False, one.at, time.Time.Compare); !counted {
			continue
		}
		for _, rule := range one.rules {
			out[rule]++
		}
	}
	return out
}

// count sums the false alerts of each rule up.
func (r *Report) count(plan *detector.Plan) {
	for _, rule := range plan.Rules() {
		n := 0
		for i := range r.Accounts {
			n += r.Accounts[i].ByRule[rule.ID]
		}
		if n > 0 {
			r.Rules = append(r.Rules, Rule{rule, n})
		}
	}
	slices.SortStableFunc(r.Rules, func(a, b Rule) int { return b.Alerts - a.Alerts })
}
