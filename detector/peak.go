package detector

import (
	"fmt"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

func peakParams(r *rules.Rule) baseline.PeakParams {
	return baseline.PeakParams{Floor: r.Floor, Factor: r.Factor, Forget: r.Forget}
}

// peak feeds a match to a rule that compares an account with its own busiest
// moments: judge first, learn after. What a burst held is withheld until its
// episode closes.
func (e *Engine) peak(st *accountState, k int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule.For(a.Account, time.Unix(0, e.now))
	of := groupKey(group)
	w := e.window(st, pl.stateKey, of)
	if backfill && w.Passed(t, int64(r.Timespan), e.lateness) {
		w = e.history(st, pl.stateKey, of, r, t)
	}
	best := e.fullest(&w, r, window.Event{Time: t, Key: e.keyOf(a)})
	if best.Count == 0 {
		return
	}
	model := st.peaks(pl.stateKey, of)
	p := peakParams(r)
	limit := peakLimit(&model.Peaks, t, p)
	if backfill || best.Count < limit {
		e.remember(&w, a, best.Count+MaxEvidence > limit)
		model.Learn(t, e.usual(pl.rule, a.Account, &model.Peaks, t, best.Count))
		model.put()
		return
	}
	model.Forget(t, p)
	model.put()
	ep := e.hit(st, r, group, match{a: a, t: t, first: best.First, count: best.Count, before: w.led(best.First.Time)},
		func() []Reason { return []Reason{peakReason(r, &model.Peaks, best, t)} })
	model = st.peaks(pl.stateKey, of)
	model.Seen(t)
	if ep == nil {
		model.Raise(baseline.DayOf(t), best.Count)
	}
	model.put()
	if ep == nil {
		return
	}
	e.withholdPeak(ep, baseline.DayOf(t), best.Count)
}

// usual returns how much of a count is what the account usually does: of what is
// planned no more than the rule would have let pass without the plan, or two
// days of a campaign would blind it for as long as it remembers.
func (e *Engine) usual(r *rules.Rule, account string, m *baseline.Peaks, t int64, count int) int {
	if plan := r.Tuned(account, time.Unix(0, e.now)); plan == nil || !plan.Planned() {
		return count
	}
	return min(count, peakLimit(m, t, peakParams(r))-1)
}

// historyMark ends the keys of windows for history that is older than what its
// account's own window reaches.
const historyMark = groupMark + "history"

// history returns the window for what is told of long ago. Networks give an
// account's history in pages, the newest first, so each next page begins anew.
func (e *Engine) history(st *accountState, stateKey, group string, r *rules.Rule, t int64) windowState {
	w := e.window(st, stateKey, group+historyMark)
	if w.Passed(t, int64(r.Timespan), e.lateness) {
		w.Events = w.Events[:0]
		w.forget()
	}
	return w
}

// peakLimit is the count from which a window is a burst. A window counts no
// further than window.MaxEvents, so one that is full always is.
func peakLimit(m *baseline.Peaks, t int64, p baseline.PeakParams) int {
	return min(m.Limit(t, p), window.MaxEvents)
}

// peakReason says how many there were, against what is usual for the account.
func peakReason(r *rules.Rule, m *baseline.Peaks, s window.Span, t int64) Reason {
	p := peakParams(r)
	own, limit := m.Own(t, p), peakLimit(m, t, p)
	known := days(min(r.Forget, time.Duration(t-m.Since)))
	expected := fmt.Sprintf("fewer than %d in %s", limit, short(r.Timespan))
	switch {
	case own == 0:
		expected += "; its own pace is not known yet"
	case limit > r.Floor:
		expected += fmt.Sprintf(", %g × its own peak of %d in %s", r.Factor, own, known)
	default:
		expected += fmt.Sprintf("; its own peak in %s is %d", known, own)
	}
	took := time.Duration(s.Last.Time - s.First.Time).Round(time.Second)
	return Reason{
		Seen: fmt.Sprintf("%d activities in %s", s.Count, short(took)), Expected: expected,
		Detail: map[string]string{"count": strconv.Itoa(s.Count), "limit": strconv.Itoa(limit), "own_peak": strconv.Itoa(own)},
	}
}
