package detector

import (
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// meter measures what rules cost on one of every so many activities. Which
// ones depends on their number alone, and no finding depends on it.
type meter struct {
	every, next int // activities until the next one that is measured
	clock       func() time.Duration
	costs       *rules.Meter
	on          bool // the activity at hand is measured
}

// Measure has one of every so many activities measured from now on, by a clock
// that says how much time has passed since some moment; see rules.Meter.
func (e *Engine) Measure(every int, clock func() time.Duration) {
	e.meter = &meter{every: every, next: every, clock: clock, costs: rules.NewMeter(e.plan.Program, clock)}
}

// Costs tells what was measured since it was called last, by the index of the
// rule in the plan in force. What was not told when another plan comes into
// force is dropped.
func (e *Engine) Costs(tell func(activities uint64, costs []rules.Cost)) {
	if e.meter != nil {
		e.meter.costs.Drain(tell)
	}
}

// match matches an activity against the program in force.
func (e *Engine) match(a *activity.Activity) []int {
	m := e.meter
	if m == nil {
		return e.plan.Program.Match(a, e.matcher)
	}
	m.next--
	if m.on = m.next <= 0; !m.on {
		return e.plan.Program.Match(a, e.matcher)
	}
	m.next = m.every
	return e.plan.Program.MatchMeasured(a, e.matcher, m.costs)
}

// enter begins to charge a rule where the activity at hand is measured, and
// says whether it is, for leave.
func (e *Engine) enter(rule int) (measured bool) {
	if e.meter == nil || !e.meter.on {
		return false
	}
	e.meter.costs.Enter(rule)
	return true
}

// charged handles a match of a detection rule, and charges the rule with what
// that takes, the rules that it feeds left out.
func (e *Engine) charged(st *accountState, i int, a *activity.Activity, t int64, backfill bool) {
	measured := e.enter(i)
	e.matched(st, i, a, t, backfill)
	e.leave(measured)
}

// enterFed is enter for a rule that takes a match of another one.
func (e *Engine) enterFed(rule int) (measured bool) {
	if measured = e.enter(rule); measured {
		e.meter.costs.Took(rule)
	}
	return measured
}

func (e *Engine) leave(measured bool) {
	if measured {
		e.meter.costs.Leave()
	}
}

// remeasure starts over for another plan.
func (e *Engine) remeasure() {
	if m := e.meter; m != nil {
		m.costs, m.on = rules.NewMeter(e.plan.Program, m.clock), false
	}
}
