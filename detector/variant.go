package detector

import (
	"fmt"
	"slices"

	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

// Variants of a plan, with which the same activities are judged again.

// Find returns the rule with an id, name or title. The error says so where there
// is none.
func (p *Plan) Find(what string) (*rules.Rule, error) {
	for i := range p.rules {
		if r := p.rules[i].rule; what == r.ID || what == r.Name || what == r.Title {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no rule has the name, id or title %q", what)
}

// With returns the plan with r in the place of the rule that it is a copy of;
// what they remember is the same.
func (p *Plan) With(r *rules.Rule) (*Plan, error) {
	if n := max(r.Floor, r.Condition.Min); n > window.MaxEvents {
		return nil, fmt.Errorf("rule %q: a count of %d is never reached, a window holds at most %d", r.Title, n, window.MaxEvents)
	}
	out := *p
	out.rules = slices.Clone(p.rules)
	out.rules[r.Index].put(r)
	return &out, nil
}

// Only returns the plan with one rule and what feeds it: nothing else raises a
// finding, is followed or remembered. What the rule finds is the same.
func (p *Plan) Only(r *rules.Rule) *Plan {
	needed := make([]bool, len(p.rules))
	p.need(r.Index, needed)
	out := *p
	out.rules = slices.Clone(p.rules)
	keep := func(of []int) []int {
		return slices.DeleteFunc(slices.Clone(of), func(i int) bool { return !needed[i] })
	}
	for i := range out.rules {
		pl := &out.rules[i]
		if !needed[i] {
			off := *pl.rule
			off.Mode = rules.Off
			*pl = planned{stateKey: pl.stateKey}
			pl.put(&off)
			continue
		}
		pl.feeds, pl.resolves, pl.excuses = keep(pl.feeds), keep(pl.resolves), keep(pl.excuses)
		pl.steps = slices.DeleteFunc(slices.Clone(pl.steps), func(s stepOf) bool { return !needed[s.rule] })
	}
	out.approval = map[string][]int{}
	if r.Type == rules.TypeApproval {
		out.approval[r.Verdict] = []int{r.Index}
	}
	return &out
}

// need marks a rule and everything that feeds it.
func (p *Plan) need(i int, needed []bool) {
	if needed[i] {
		return
	}
	needed[i] = true
	r := p.rules[i].rule
	for _, of := range [][]int{r.Inputs, r.Then, r.Without, r.ResolvedBy} {
		for _, in := range of {
			p.need(in, needed)
		}
	}
}

// Concerns reports whether any of the rules that match an activity is one that
// raises something or feeds what does, so that the others cannot change a
// finding. It takes what Program.Match returned.
func (p *Plan) Concerns(matched []int) bool {
	for _, i := range matched {
		pl := &p.rules[i]
		if pl.rule.Mode != rules.Off || len(pl.feeds)+len(pl.resolves)+len(pl.excuses)+len(pl.steps) > 0 {
			return true
		}
	}
	return false
}
