package detector

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

// Correlations that compare something else than a count, and those over other
// correlations.

// correlate feeds a match of rule input to a correlation that looks at values
// or at the order of matches.
func (e *Engine) correlate(st *accountState, k, input int, group []activity.Field, a *activity.Activity, t int64, backfill bool) {
	pl := &e.plan.rules[k]
	r := pl.rule.For(a.Account, time.Unix(0, e.now))
	var events []window.Event
	if r.Type == rules.TypeTemporalOrdered {
		events = append(events, window.Event{Time: t, Key: e.eventKey(a), Value: stepValue(r, input)})
	} else {
		for _, v := range r.Field.Values(a, e.values[:0]) {
			if value, ok := measured(r, v); ok {
				events = append(events, window.Event{Time: t, Key: e.eventKey(a), Value: value})
			}
		}
	}
	if len(events) == 0 {
		return
	}
	w := e.window(st, pl.stateKey, groupKey(group))
	counted := e.fullest(&w, r, events...)
	if counted.Count == 0 {
		return
	}
	span, value, met := judge(&w, r, events[len(events)-1])
	if !met || backfill {
		e.remember(&w, a, true)
		return
	}
	before := w.led(span.First.Time)
	e.hit(st, r, group, match{a: a, t: t, first: span.First, count: span.Count, before: before},
		func() []Reason { return []Reason{e.correlationReason(r, span, value)} })
}

// stepValue is how a window tells the rules that feed it apart: by their place.
func stepValue(r *rules.Rule, input int) uint64 {
	return uint64(slices.Index(r.Inputs, input) + 1)
}

// measured returns a value as a window keeps it: the bits of a number, or the
// hash of a text whose share is asked for.
func measured(r *rules.Rule, v activity.Value) (uint64, bool) {
	if r.Type == rules.TypeValuePercentile {
		return hash(text(v)), true
	}
	n, ok := v.Num, v.IsNum
	if !ok {
		var err error
		n, err = strconv.ParseFloat(v.Str, 64)
		ok = err == nil
	}
	return math.Float64bits(n), ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// judge evaluates the windows that hold an event which was just added. Those
// of sums and averages end at a match: at the event, and where it came late at
// each one after it.
func judge(w *windowState, r *rules.Rule, ev window.Event) (span window.Span, value float64, met bool) {
	if r.Type == rules.TypeTemporalOrdered {
		span, met = w.Ordered(ev, int64(r.Timespan), len(r.Inputs))
		return span, float64(span.Count), met
	}
	for _, last := range w.After(ev, int64(r.Timespan)) {
		events := w.Trailing(last, int64(r.Timespan))
		value = aggregate(r.Type, events, last)
		span = window.Span{Count: len(events), First: events[0], Last: last}
		if r.Condition.Holds(value) {
			return span, value, true
		}
		if r.Type == rules.TypeValuePercentile {
			break // it is about this event's own value
		}
	}
	return span, value, false
}

// aggregate returns the sum or average of the events' values, or the percentage
// of them that have the value of last.
func aggregate(t rules.Type, events []window.Event, last window.Event) float64 {
	sum, same := 0.0, 0
	for _, ev := range events {
		sum += math.Float64frombits(ev.Value)
		if ev.Value == last.Value {
			same++
		}
	}
	switch t {
	case rules.TypeValueAvg:
		return sum / float64(len(events))
	case rules.TypeValuePercentile:
		return 100 * float64(same) / float64(len(events))
	default:
		return sum
	}
}

func (e *Engine) correlationReason(r *rules.Rule, s window.Span, value float64) Reason {
	took := short(time.Duration(s.Last.Time - s.First.Time).Round(time.Second))
	figure := strconv.FormatFloat(value, 'g', 6, 64)
	reason := Reason{
		Expected: "not " + r.Condition.Text + " in " + short(r.Timespan),
		Detail:   map[string]string{"value": figure, "count": strconv.Itoa(s.Count), "condition": r.Condition.Text},
	}
	switch r.Type {
	case rules.TypeValueSum:
		reason.Seen = fmt.Sprintf("%s adds up to %s in %s", r.Field.Name, figure, took)
	case rules.TypeValueAvg:
		reason.Seen = fmt.Sprintf("%s is %s on average in %s", r.Field.Name, figure, took)
	case rules.TypeValuePercentile:
		reason.Seen = fmt.Sprintf("%s %% of %d activities in %s have this %s", figure, s.Count, took, r.Field.Name)
	default:
		reason.Seen = fmt.Sprintf("%s, all in %s", e.inOrder(r), took)
		reason.Expected = "not all of them in " + short(r.Timespan)
	}
	return reason
}

// inOrder names the steps of a temporal_ordered correlation.
func (e *Engine) inOrder(r *rules.Rule) string {
	titles := make([]string, len(r.Inputs))
	for i, in := range r.Inputs {
		titles[i] = lowerFirst(e.plan.rules[in].rule.Title)
	}
	return strings.Join(titles, ", then ")
}

// raised feeds the correlations over a rule that is no detection rule: once
// when its episode opens, not each time that it goes on holding. A rule that
// raises nothing itself has an episode all the same in this regard.
func (e *Engine) raised(st *accountState, r *rules.Rule, group []activity.Field, m match, opened bool) {
	pl := &e.plan.rules[r.Index]
	if r.Type == rules.TypeDetection || len(pl.feeds)+len(pl.keyed) == 0 {
		return
	}
	if r.Silent {
		key := pl.stateKey + groupKey(group)
		opened = st.Fired[key] < e.now
		c := st.own()
		if c.Fired == nil {
			c.Fired = map[string]int64{}
		}
		if _, known := c.Fired[key]; !known {
			makeRoom(st.m, c.Fired, key, func(deadline int64) int64 { return deadline })
		}
		c.Fired[key] = e.now + int64(r.Quiet)
	}
	if opened {
		scratch := e.group
		e.group = nil // the caller still needs its own
		e.feed(st, r.Index, m.a, m.t, false)
		e.group = scratch
	}
}

// sweepFired drops the quiet periods of silent rules that are over.
func (e *Engine) sweepFired(c *cold) {
	for key, deadline := range c.Fired {
		if deadline < e.now {
			delete(c.Fired, key)
		}
	}
}
