package detector

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/rules"
)

// Reviews: people look at what rules have learned of an account, and trust or
// forget it.

// review acts on what a person says of what was learned.
func (e *Engine) review(st *accountState, v *activity.Verdict, t int64) {
	for i := range e.plan.rules {
		pl := &e.plan.rules[i]
		if !Reviewable(pl.rule) || v.Rule != "" && v.Rule != pl.rule.ID && v.Rule != pl.rule.Name {
			continue
		}
		for _, key := range e.modelKeys(st, pl) {
			if v.Says == activity.VerdictForget {
				e.forgetValues(st, pl.rule, key, v.Values)
			} else {
				e.believe(st, pl.rule, key, v, t)
			}
		}
	}
}

// Reviewable reports whether what a rule learns can be shown, trusted and
// forgotten value by value.
func Reviewable(r *rules.Rule) bool { return r.Type == rules.TypeNewValue || r.Type == rules.TypePeak }

// modelKeys returns the keys of a rule's models of an account, in order, and of
// a rule that keeps accounts apart by nothing else its one key in any case.
func (e *Engine) modelKeys(st *accountState, pl *planned) []string {
	keys := map[string]bool{}
	note := func(key string) {
		if stateOf(key) == pl.stateKey {
			keys[key] = true
		}
	}
	for _, k := range []slotKind{slotValues, slotPeaks} {
		if st.ref(k, pl.stateKey, "") != 0 {
			keys[pl.stateKey] = true
		}
		for key := range st.Groups[k] {
			note(key)
		}
	}
	if st.Judged != nil {
		for key := range st.Judged.Held {
			note(key)
		}
		for key := range st.Judged.Trusted {
			note(key)
		}
	}
	if len(pl.rule.GroupBy) == 1 {
		keys[pl.stateKey] = true
	}
	return sortedKeys(keys)
}

// forgetValues makes values new again; without any, all that a model knows is gone
// and it learns from the beginning.
func (e *Engine) forgetValues(st *accountState, r *rules.Rule, key string, values []string) {
	stateKey, group := e.split(r, key)
	if len(values) == 0 {
		for _, k := range []slotKind{slotValues, slotPeaks} {
			if cell := st.ref(k, stateKey, group); cell != 0 {
				st.m.free(k, cell)
				st.set(k, stateKey, group, 0)
			}
		}
		if st.Judged != nil {
			delete(st.Judged.Held, key)
			delete(st.Judged.Trusted, key)
		}
		e.withdraw(st, r, key, func(string) bool { return true })
		return
	}
	for _, value := range values {
		value = baseline.Shorten(value)
		e.dropValue(st, r, key, value)
		kept := value
		if r.Type == rules.TypePeak {
			kept = strconv.FormatInt(dayOf(value), 10)
		}
		e.withdraw(st, r, key, func(v string) bool { return v == kept })
		if st.Judged == nil {
			continue
		}
		delete(st.Judged.Trusted[key], value)
		for i := range st.Judged.Held[key] {
			if h := &st.Judged.Held[key][i]; h.Values[value] > 0 {
				h.Told = 0
			}
		}
	}
}

// withdraw takes values out of what open episodes withhold from a model, so that
// their end teaches nothing of them: of the rule itself, and of those that it
// has joined.
func (e *Engine) withdraw(st *accountState, r *rules.Rule, key string, which func(value string) bool) {
	for _, ep := range st.Episodes {
		for _, one := range append(slices.Collect(maps.Values(ep.Parts)), ep) {
			if one.RuleID != r.ID || e.modelKey(r, one.Group) != key {
				continue
			}
			maps.DeleteFunc(one.Learn, func(v string, _ int) bool { return which(v) })
			if len(one.Learn) == 0 {
				one.Learn = nil // as a checkpoint has it
			}
		}
	}
}

// dropValue takes a value, or the day of a peak, out of a model.
func (e *Engine) dropValue(st *accountState, r *rules.Rule, key, value string) {
	stateKey, group := e.split(r, key)
	if r.Type == rules.TypePeak {
		if model := st.peaks(stateKey, group); model.cell != 0 {
			model.Drop(dayOf(value))
			model.put()
		}
		return
	}
	if model := st.values(stateKey, group); model.cell != 0 {
		model.Drop(value)
		model.put()
	}
}

// believe makes values the account's own; without any, all that waits for a
// verdict.
func (e *Engine) believe(st *accountState, r *rules.Rule, key string, v *activity.Verdict, t int64) {
	if len(v.Values) == 0 {
		if st.Judged == nil {
			return
		}
		for i := range st.Judged.Held[key] {
			if st.Judged.Held[key][i].Strange {
				continue // it does not wait: somebody has said whose it was
			}
			e.apply(st, r, key, &st.Judged.Held[key][i], &activity.Verdict{Says: activity.VerdictExpected, Until: v.Until})
		}
		return
	}
	if r.Type != rules.TypeNewValue {
		return // a burst that has not been is nobody's
	}
	for _, value := range v.Values {
		value = baseline.Shorten(value)
		e.withdraw(st, r, key, func(v string) bool { return v == value })
		if !v.Until.IsZero() {
			e.dropValue(st, r, key, value)
			st.trust(key, value, v.Until.UnixNano())
			continue
		}
		stateKey, group := e.split(r, key)
		model := st.values(stateKey, group)
		model.Learn(value, t)
		model.put()
	}
}

// dayOf reads a day such as 2026-03-01, as reviews name the peaks of a model; -1
// where it is none.
func dayOf(text string) int64 {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return -1
	}
	return baseline.DayOf(t.UnixNano())
}

func dayText(day int64) string {
	return time.Unix(0, day*int64(24*time.Hour)).UTC().Format(time.DateOnly)
}

// Baseline is what one rule has learned of one account, and group where it
// keeps several apart.
type Baseline struct {
	Account  string
	Rule     *rules.Rule
	Group    []string // values of the rule's group-by but account
	Since    time.Time
	Events   int           // activities learned
	Learning bool          // it does not judge yet
	Values   []KnownValue  // most used first; of a peak its days, newest first
	Limit    int           // of a peak: the count that is a burst now
	Own      int           // of a peak: the account's own peak, 0 where it is not known yet
	Trusted  []TrustedFor  // by value
	Waiting  []WaitingFor  // in the order of closing
	AsOf     time.Time     // log time
	Forget   time.Duration // a value unseen for this long is new again
}

// KnownValue is one value, or the fullest window of one day.
type KnownValue struct {
	Value string    `json:"value"`
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

// TrustedFor is a value that a person trusts for a while.
type TrustedFor struct {
	Value string    `json:"value"`
	Until time.Time `json:"until"`
}

// WaitingFor is what an alert saw and nobody has judged.
type WaitingFor struct {
	Alert  string    `json:"alert"` // id
	Values []string  `json:"values"`
	Last   time.Time `json:"last"`
}

// Baselines returns what rules have learned of an account, in the order of rules
// and groups: of one rule, by id or name, or of all for "".
func (e *Engine) Baselines(account, rule string) []Baseline {
	e.memory.release(0)
	st := e.find(account)
	if st == nil {
		return nil
	}
	var out []Baseline
	for i := range e.plan.rules {
		pl := &e.plan.rules[i]
		if r := pl.rule; !Reviewable(r) || r.Mode == rules.Off || rule != "" && rule != r.ID && rule != r.Name {
			continue
		}
		for _, key := range e.modelKeys(st, pl) {
			if b, ok := e.baseline(st, pl.rule, key); ok {
				b.Account = account
				out = append(out, b)
			}
		}
	}
	return out
}

func (e *Engine) baseline(st *accountState, r *rules.Rule, key string) (Baseline, bool) {
	b := Baseline{Rule: r, AsOf: e.LogTime(), Forget: r.Forget, Group: groupsOf(key)}
	at := func(ns int64) time.Time { return time.Unix(0, ns).UTC() }
	stateKey, group := e.split(r, key)
	values, peaks := st.values(stateKey, group), st.peaks(stateKey, group)
	switch {
	case values.cell != 0:
		b.Since, b.Events, b.Learning = at(values.Since), values.Events, !values.Ready(e.now, params(r))
		for _, v := range values.Values {
			b.Values = append(b.Values, KnownValue{clone(values.Texts.Text(v.Text)), int(v.Count), at(v.Last)})
		}
		slices.SortStableFunc(b.Values, func(x, y KnownValue) int { return y.Count - x.Count })
	case peaks.cell != 0:
		b.Since, b.Events, b.Learning = at(peaks.Since), peaks.Events, !baseline.Learn(r.Learn).Ready(peaks.Since, peaks.Events, e.now)
		b.Limit, b.Own = peakLimit(&peaks.Peaks, e.now, peakParams(r)), peaks.Own(e.now, peakParams(r))
		for _, d := range slices.Backward(peaks.Days) {
			b.Values = append(b.Values, KnownValue{dayText(int64(d.Day)), int(d.Count), at(int64(d.Day) * int64(24*time.Hour))})
		}
	}
	if st.Judged != nil {
		for _, value := range slices.Sorted(maps.Keys(st.Judged.Trusted[key])) {
			b.Trusted = append(b.Trusted, TrustedFor{value, at(st.Judged.Trusted[key][value])})
		}
		for _, h := range st.Judged.Held[key] {
			if !h.Learned && !h.Strange {
				b.Waiting = append(b.Waiting, WaitingFor{h.Alert, reviewed(r, h.Values), at(h.Last)})
			}
		}
	}
	return b, values.cell != 0 || peaks.cell != 0 || len(b.Trusted)+len(b.Waiting) > 0
}

// reviewed returns withheld values as reviews name them.
func reviewed(r *rules.Rule, values map[string]int) []string {
	out := slices.Sorted(maps.Keys(values))
	if r.Type == rules.TypePeak {
		for i, day := range out {
			if n, err := strconv.ParseInt(day, 10, 64); err == nil {
				out[i] = dayText(n)
			}
		}
	}
	return out
}
