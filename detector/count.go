package detector

import (
	"fmt"
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
	events := []window.Event{{Time: t, Key: e.eventKey(a)}}
	switch r.Type {
	case rules.TypeTemporal:
		events[0].Value = stepValue(r, input)
	case rules.TypeValueCount:
		events = e.counted(events[:0], r, a, t)
	default:
	}
	w := e.window(st, pl.stateKey, groupKey(group))
	best := e.fullest(&w, r, events...)
	met := r.Condition.Holds(float64(best.Count))
	switch {
	case best.Count == 0:
	case !met || backfill:
		e.remember(&w, a, best.Count+MaxEvidence > r.Condition.Min)
	default:
		before := w.led(best.First.Time)
		e.hit(st, r, group, match{a: a, t: t, first: best.First, count: best.Count, before: before},
			func() []Reason { return []Reason{countReason(r, best)} })
	}
}

// maxCombinations bounds the combinations of values that one activity shows.
const maxCombinations = 256

// counted appends an event for each value of the field that a value_count
// counts, or for each combination where it counts several fields together. An
// activity that lacks one of them shows none.
func (e *Engine) counted(events []window.Event, r *rules.Rule, a *activity.Activity, t int64) []window.Event {
	for _, v := range r.Field.Values(a, e.values[:0]) {
		events = append(events, window.Event{Time: t, Key: e.eventKey(a), Value: hash(text(v))})
	}
	for i := range r.With {
		before := events
		events = nil
		for _, v := range r.With[i].Values(a, e.values[:0]) {
			for _, ev := range before {
				if len(events) < maxCombinations {
					ev.Value = joinHash(ev.Value, text(v))
					events = append(events, ev)
				}
			}
		}
	}
	return events
}

// joinHash goes on with the hash of one value over the next, so that it tells
// ("a", "bc") from ("ab", "c").
func joinHash(h uint64, s string) uint64 {
	h = (h ^ 0xff) * fnvPrime // no byte of UTF-8
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// fullest counts events, puts the window back, and returns the fullest span that
// holds one of them.
func (e *Engine) fullest(w *windowState, r *rules.Rule, events ...window.Event) window.Span {
	var best window.Span
	for _, ev := range events {
		span, ok := w.Add(ev, int64(r.Timespan), e.lateness, r.Type == rules.TypeValueCount || r.Type == rules.TypeTemporal)
		if !ok {
			if !w.Holds(ev) { // one activity may match, or show a value, more than once
				e.late()
			}
			continue
		}
		if span.Count > best.Count {
			best = span
		}
	}
	w.put()
	return best
}

// remember keeps an activity that a window may need to show what led to it.
func (e *Engine) remember(w *windowState, a *activity.Activity, near bool) {
	if !e.counting {
		w.remember(a, near)
	}
}

func countReason(r *rules.Rule, s window.Span) Reason {
	unit := "activities"
	switch r.Type {
	case rules.TypeTemporal:
		unit = "of the rules"
	case rules.TypeValueCount:
		unit = "different values of " + r.Field.Name
		switch {
		case len(r.With) > 0:
			unit = "different combinations of " + r.Counted()
		case r.Field.Name == "account":
			unit = "different accounts"
		}
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
