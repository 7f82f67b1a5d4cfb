package trial

import (
	"context"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// judge runs the engine over a history. Everything is seen at the moment when
// it happened, so that the engine learns first and then judges, as it would
// have done.
type judge struct {
	history *History
	engine  *detector.Engine
	second  *detector.Keyed // of rules across accounts
	sight   detector.Sighted
	seq     uint64

	told     []*detector.Finding // the newest of each opening, which says everything, as they opened
	latest   map[string]int      // of each alert, which may open again: its latest opening
	guards   map[guardKey]*Guard
	learning map[string]bool // accounts that have a rule which still learns, or were not looked at
}

// guardKey is one rule for one account.
type guardKey struct{ account, rule string }

func newJudge(h *History, plan *detector.Plan) *judge {
	return &judge{
		history: h, engine: detector.NewEngine(0, plan, detector.EngineOptions{}), second: detector.NewKeyed(1, plan, detector.EngineOptions{}), sight: newSight(h),
		latest: map[string]int{}, guards: map[guardKey]*Guard{}, learning: map[string]bool{},
	}
}

func (j *judge) run(ctx context.Context) error {
	var day time.Time
	met := map[string]bool{}
	batch := activity.Batch{Activities: make([]activity.Activity, 1)}
	for i := range j.history.Activities {
		a := &batch.Activities[0]
		*a = j.history.Activities[i]
		a.Seen = time.Time{}
		j.seq++
		j.found(j.engine.Apply(j.seq, a.Time, &batch))
		if _, waits := j.second.Pending(); waits || j.second.Plan().Keyed() {
			j.found(j.second.Apply(j.engine.LogTime(), j.engine.Passed()))
		}
		if !met[a.Account] {
			met[a.Account], j.learning[a.Account] = true, true
		}
		if today := a.Time.Truncate(24 * time.Hour); !today.Equal(day) {
			day = today
			j.look(a.Time)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	for name := range met {
		j.learning[name] = true
	}
	j.look(j.engine.LogTime()) // as it stands at the end
	j.engine.Ended()
	for due, ok := j.engine.Pending(); ok; due, ok = j.engine.Pending() {
		j.seq++
		j.found(j.engine.Tick(j.seq, due))
	}
	for due, ok := j.second.Pending(); ok; due, ok = j.second.Pending() {
		j.found(j.second.Apply(due, nil))
	}
	return ctx.Err()
}

func (j *judge) found(findings []detector.Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Rule.Mode != rules.Enforce {
			continue // it tells nobody
		}
		at, known := j.latest[f.Episode]
		if !known { // at once, or when people are told of what was held back
			at = len(j.told)
			j.latest[f.Episode], j.told = at, append(j.told, nil)
		}
		if j.told[at] = f; f.Phase == detector.Close {
			delete(j.latest, f.Episode)
		}
	}
}

// look asks the engine which rules guard the accounts that are still being
// learned. A rule that judges at the first look has judged from the beginning.
func (j *judge) look(now time.Time) {
	if len(j.learning) == 0 {
		return
	}
	accounts := make([]string, 0, len(j.learning))
	for name := range j.learning {
		accounts = append(accounts, name)
	}
	clear(j.learning)
	for _, c := range j.engine.Coverage(accounts, j.sight) {
		key := guardKey{c.Account, c.Rule.ID}
		g := j.guards[key]
		if g == nil {
			g = &Guard{Account: c.Account, Rule: c.Rule.Title, RuleID: c.Rule.ID, rule: c.Rule}
			j.guards[key] = g
		} else if g.State == detector.CoverageLearning && c.State == detector.CoverageActive {
			g.Since = now
		}
		g.State, g.Why, g.Mend = c.State, c.Why, c.Mend
		if c.State == detector.CoverageOff && c.Rule.Type == rules.TypeApproval {
			g.Why, g.Mend = "no post needs an approval until you say so", "set approvals: required for the account in picket.yaml"
		}
		g.Days, g.NeedDays, g.Events, g.NeedEvents = c.Days, c.NeedDays, c.Events, c.NeedEvents
		if c.State == detector.CoverageLearning {
			j.learning[c.Account] = true
		}
	}
}
