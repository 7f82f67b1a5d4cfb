package evaluate

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
)

// Report is how rules would have caught takeovers of some accounts.
type Report struct {
	Table    hijack.Table
	Accounts []Account // in the order of the histories
	Short    []string  // accounts whose histories are too short for the protocol
	Rules    []Rule    // of those that raised false alerts, most first
}

// Account is what one account's history gave.
type Account struct {
	hijack.Result
	False map[string]int // false alerts by rule, by id
}

// Rule is a rule's part of the false alerts.
type Rule struct {
	Rule   *rules.Rule
	Alerts int
}

// Run plays the protocol on each history with engines of plan, several at a
// time. Donors are where attackers' posts come from besides the histories.
// Histories that are too short are named in the report; it is an error where
// all are.
func Run(ctx context.Context, plan *detector.Plan, p hijack.Protocol, histories, donors []*hijack.History) (Report, error) {
	var out Report
	var long []*hijack.History
	for _, h := range histories {
		if p.Long(h) {
			long = append(long, h)
		} else {
			out.Short = append(out.Short, h.Account)
		}
	}
	if len(long) == 0 {
		return out, fmt.Errorf("no history is long enough: one needs more than %d posts and %d days of warm-up, and as much again to be judged", p.Posts, int(p.Period.Hours()/24))
	}
	out.Accounts = make([]Account, len(long))
	all := slices.Concat(long, donors)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, h := range long {
		group.Go(func() (err error) {
			if err := ctx.Err(); err != nil {
				return err
			}
			out.Accounts[i], err = play(plan, p, h, all)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return out, err
	}
	results := make([]hijack.Result, len(long))
	for i := range out.Accounts {
		results[i] = out.Accounts[i].Result
	}
	out.Table = hijack.Summarise(results)
	out.count(plan)
	return out, nil
}

// play plays the protocol on one history. Where posts need an approval and the
// history holds none, every real post has one: else all of them would be odd.
func play(plan *detector.Plan, p hijack.Protocol, h *hijack.History, donors []*hijack.History) (Account, error) {
	if plan.Approves(h.Account) && len(p.Attacks) > 0 {
		p.Attacks = append(slices.Clip(p.Attacks), hijack.Unapproved())
		p.Approve = !slices.ContainsFunc(h.Activities, func(a activity.Activity) bool { return a.Kind == activity.KindApproval })
	}
	script, err := p.Write(h, donors)
	if err != nil {
		return Account{}, err
	}
	s := NewEngine(plan, h.Account)
	out := Account{Result: script.Play(s), False: map[string]int{}}
	for _, at := range out.Result.False {
		for _, r := range s.raised {
			if r.at.Equal(at) {
				out.False[r.rule]++
			}
		}
	}
	return out, s.Err()
}

// count sums the false alerts of each rule up.
func (r *Report) count(plan *detector.Plan) {
	for _, rule := range plan.Rules() {
		n := 0
		for i := range r.Accounts {
			n += r.Accounts[i].False[rule.ID]
		}
		if n > 0 {
			r.Rules = append(r.Rules, Rule{rule, n})
		}
	}
	slices.SortStableFunc(r.Rules, func(a, b Rule) int { return b.Alerts - a.Alerts })
}
