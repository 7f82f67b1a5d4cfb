package detector

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline/drift"
	"github.com/picketd/picket/rules"
)

func driftParams(r *rules.Rule) drift.Params {
	return drift.Params{
		Share: r.Params["share"], Floor: r.Params["least"],
		Factor: r.Params["times"], Days: r.Params.Count("days"),
	}
}

// drift feeds a match to a rule that follows a count of the account: judge
// first, learn after. A count that is told late, when a newer one is known,
// says nothing.
func (e *Engine) drift(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule
	e.values = r.Field.Values(a, e.values[:0])
	if len(e.values) == 0 || !e.values[0].IsNum {
		return
	}
	s := memoryOf[drift.State](st, pl.stateKey, groupKey(group))
	if _, latest := s.Latest(); t < latest {
		e.late()
		return
	}
	c := s.Step(t, e.values[0].Num, &pl.drift)
	if !c.Odd || backfill || c.Share*pl.wanted < 0 {
		return
	}
	e.hit(st, r, group, match{a: a, t: t}, func() []Reason { return []Reason{driftReason(r, c)} })
}

// driftReason says by how much a count changed, and how much is usual.
func driftReason(r *rules.Rule, c drift.Change) Reason {
	what, verb := strings.TrimPrefix(r.Field.Name, "metrics."), "rose"
	if c.Share < 0 {
		verb = "fell"
	}
	percent := func(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) }
	took := short(c.Took.Round(time.Minute))
	return Reason{
		Field:    r.Field.Name,
		Seen:     fmt.Sprintf("%s %s from %d to %d (%s %%) in %s", what, verb, c.From, c.To, percent(c.Share), took),
		Expected: fmt.Sprintf("%s to %s %% in that time", percent(c.Low), percent(c.High)),
		Detail: map[string]string{
			"from": strconv.FormatUint(uint64(c.From), 10), "to": strconv.FormatUint(uint64(c.To), 10), "share": percent(c.Share),
		},
	}
}

// learnsDrift says how far a drift rule is with an account.
func (e *Engine) learnsDrift(c *Coverage, subject string) {
	known, need := 0, driftParams(c.Rule).Days
	for _, s := range memoriesOf[drift.State](e.find(subject), e.plan.rules[c.Rule.Index].stateKey) {
		known = max(known, s.Known())
	}
	if known < need {
		c.State, c.Days, c.NeedDays = CoverageLearning, known, need
		c.Why = fmt.Sprintf("%d of %d daily changes", known, need)
	}
}
