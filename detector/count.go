package detector

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

// count feeds a match of rule input to a counting rule. Of a list field each value counts.
func (e *Engine) count(st *accountState, k, input int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule.For(a.Account, time.Unix(0, e.now))
	events := []window.Event{{Time: t, Key: a.Key()}}
	switch r.Type {
	case rules.TypeTemporal:
		events[0].Value = stepValue(r, input)
	case rules.TypeValueCount:
		events = events[:0]
		for _, v := range r.Field.Values(a, e.values[:0]) {
			events = append(events, window.Event{Time: t, Key: a.Key(), Value: hash(text(v))})
		}
	default:
	}
	key := pl.stateKey + groupKey(group)
	w := e.window(st, key)
	best := e.fullest(w, r, events...)
	met := r.Condition.Holds(float64(best.Count))
	switch {
	case best.Count == 0:
	case !met || backfill:
		e.remember(w, a, best.Count+MaxEvidence > r.Condition.Min)
	default:
		before := slices.DeleteFunc(w.Recent, func(b kept) bool { return b.Time.UnixNano() < best.First.Time })
		w.Recent = nil
		e.hit(st, r, group, match{a: a, t: t, first: best.First, count: best.Count, before: before},
			func() []Reason { return []Reason{countReason(r, best)} })
	}
}

// window returns the window that is kept under a key.
func (e *Engine) window(st *accountState, key string) *windowState {
	w := st.Windows[key]
	if w == nil {
		w = &windowState{}
		if st.Windows == nil {
			st.Windows = map[string]*windowState{}
		}
		makeRoom(st.Windows, key, (*windowState).last)
		st.Windows[key] = w
	}
	return w
}

// fullest counts events and returns the fullest window that holds one of them.
func (e *Engine) fullest(w *windowState, r *rules.Rule, events ...window.Event) window.Span {
	var best window.Span
	for _, ev := range events {
		span, ok := w.Add(ev, int64(r.Timespan), e.lateness, r.Type == rules.TypeValueCount || r.Type == rules.TypeTemporal)
		if !ok {
			e.stats.Late++
			continue
		}
		if span.Count > best.Count {
			best = span
		}
	}
	return best
}

// last is the time of the newest event.
func (w *windowState) last() int64 {
	if n := len(w.Events); n > 0 {
		return w.Events[n-1].Time
	}
	return 0
}

// remember keeps an activity that a window may need to show what led to it.
func (e *Engine) remember(w *windowState, a *activity.Activity, near bool) {
	if e.counting {
		return
	}
	if !near {
		w.Recent = nil
		return
	}
	k := kept{a.Clone()}
	k.Raw = nil
	w.Recent = append(w.Recent, k)
	if len(w.Recent) >= MaxEvidence {
		w.Recent = slices.Delete(w.Recent, 0, len(w.Recent)-MaxEvidence+1)
	}
}

func countReason(r *rules.Rule, s window.Span) Reason {
	unit := "activities"
	switch r.Type {
	case rules.TypeTemporal:
		unit = "of the rules"
	case rules.TypeValueCount:
		unit = "different values of " + r.Field.Name
	default:
	}
	took := time.Duration(s.Last.Time - s.First.Time).Round(time.Second)
	expected := fmt.Sprintf("fewer than %d in %s", r.Condition.Min, short(r.Timespan))
	if len(r.Condition.Bounds) > 1 || r.Condition.Max > 0 {
		expected = "not " + r.Condition.Text + " in " + short(r.Timespan)
	}
	if r.Condition.Max > 0 {
		expected = fmt.Sprintf("not %d to %d in %s", r.Condition.Min, r.Condition.Max, short(r.Timespan))
	}
	return Reason{
		Seen: fmt.Sprintf("%d %s in %s", s.Count, unit, short(took)), Expected: expected,
		Detail: map[string]string{"count": strconv.Itoa(s.Count), "condition": r.Condition.Text},
	}
}
