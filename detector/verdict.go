package detector

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/baseline/rate"
	"github.com/picketd/picket/rules"
)

// Verdicts: what an alert saw is no habit of the account until it is known
// whose it was. A rule of level high or critical learns nothing of it before a
// person says so, and tells people once in two weeks; in between it observes. One
// of a lower level learns it when its alert has been quiet, and unlearns it if
// somebody says later that it was an intruder. So does a peak of any level, since
// one burst alone never makes the next one usual.

const (
	// tellAgain is how long, in log time, people who were told of a value and
	// have not judged it are not told of it again.
	tellAgain = 14 * 24 * time.Hour
	// heldFor is how long after its last match an alert's values are known to be
	// its own, so that a verdict finds them.
	heldFor = 90 * 24 * time.Hour
	// maxHeld bounds the alerts of one rule and group whose values are kept. The
	// oldest goes: of what it saw nothing was learned, or nothing can be unlearned.
	maxHeld = 16
)

// judgedState is what waits for a verdict, and what verdicts said, keyed as the
// model that it is about.
type judgedState struct {
	Held    map[string][]held           `json:"held,omitempty"`    // in the order of closing
	Trusted map[string]map[string]int64 `json:"trusted,omitempty"` // value → until when, Unix nanoseconds
	Before  map[string][]before         `json:"before,omitempty"`  // in the order of closing
}

// held is what one alert saw that the account had not used.
type held struct {
	Alert   string         `json:"id"`
	Values  map[string]int `json:"values"` // as episode.Learn
	Last    int64          `json:"last"`   // occurrence, Unix nanoseconds
	Told    int64          `json:"told"`   // since when people know, log time; 0: whoever comes with it is told of again
	Learned bool           `json:"learned,omitempty"`
	Strange bool           `json:"strange,omitempty"` // a verdict said that it was an intruder's
	Verdict uint64         `json:"verdict,omitempty"` // key of the one that was applied last
}

// quarantines reports whether what a rule's alerts saw waits for a verdict.
// Nobody judges what nobody is told.
func quarantines(r *rules.Rule) bool {
	return r.Type == rules.TypeNewValue && r.Mode == rules.Enforce && (r.Level == rules.High || r.Level == rules.Critical)
}

// observed is r as a rule whose findings page nobody.
func observed(r *rules.Rule) *rules.Rule {
	c := *r
	c.Mode = rules.Observe
	return &c
}

// withhold keeps odd values from the model while the episode is open. Told is
// since when people know of all of them, 0 where they do not.
func (e *Engine) withhold(r *rules.Rule, ep *episode, odd []string, told int64) {
	muted := ep.Muted
	switch {
	case ep.Learn == nil && ep.Told == 0: // it opens
		ep.Learn, ep.Muted, ep.Told = map[string]int{}, told != 0, told
	case ep.Learn == nil: // what it saw before is judged
		ep.Learn = map[string]int{}
		ep.Muted = ep.Muted && told != 0
	case told == 0:
		ep.Muted = false
	}
	switch {
	case ep.Muted: // one episode for all that nobody is told of
		ep.Deadline = max(ep.Deadline, ep.Told+int64(tellAgain))
	case ep.Told == 0 || muted: // from now on people know
		ep.Told = e.now
	}
	for _, value := range odd {
		if _, ok := ep.Learn[value]; ok || len(ep.Learn) < maxWithheld {
			ep.Learn[value]++
		}
	}
	e.odd = e.odd || quarantines(r)
}

// withholdPeak keeps a burst's count from the model while its episode is open.
func (e *Engine) withholdPeak(ep *episode, day int64, count int) {
	if ep.Learn == nil {
		ep.Learn, ep.Told = map[string]int{}, e.now
	}
	key := strconv.FormatInt(day, 10)
	ep.Learn[key] = max(ep.Learn[key], count)
}

// told returns since when people know of all odd values and have not judged
// them, 0 where they do not or it is time to tell them again.
func (st *accountState) told(key string, odd []string, now int64) int64 {
	if st.Judged == nil {
		return 0
	}
	oldest := int64(0)
	for _, value := range odd {
		at := int64(0)
		for _, h := range st.Judged.Held[key] {
			if _, ok := h.Values[value]; ok && !h.Learned {
				at = max(at, h.Told)
			}
		}
		if at == 0 || now-at >= int64(tellAgain) {
			return 0
		}
		if oldest == 0 || at < oldest {
			oldest = at
		}
	}
	return oldest
}

func toldReason(told int64) []Reason {
	if told == 0 {
		return nil
	}
	return []Reason{{Seen: "told on " + time.Unix(0, told).UTC().Format(time.DateOnly) + ", no verdict yet"}}
}

// trusted reports whether a person said that a value is the account's own at
// time t.
func (st *accountState) trusted(stateKey, group, value string, t int64) bool {
	return st.Judged != nil && len(st.Judged.Trusted) > 0 && t < st.Judged.Trusted[stateKey+group][value]
}

// release ends the withholding of a closing episode.
func (e *Engine) release(st *accountState, r *rules.Rule, ep *episode) {
	if len(ep.Learn) == 0 {
		return
	}
	if rewinds(r) {
		e.keepBefore(st, r, ep, ep.Verdict)
		if r.Type == rules.TypeProfile {
			e.releasePosts(st, r, ep)
		} else {
			e.releaseLogins(st, r, ep)
		}
		return
	}
	if r.Type == rules.TypeRate {
		e.releaseRate(st, r, ep)
		return
	}
	h := held{Alert: ep.ID, Values: ep.Learn, Last: ep.Last, Told: ep.Told, Verdict: ep.Verdict}
	if ep.Held != "" && !ep.Muted {
		h.Told = 0 // nobody knows
	}
	key := e.modelKey(r, ep.Group)
	if !quarantines(r) {
		e.teach(st, r, key, &h, func(value string) bool { return !st.strange(key, value) })
	}
	st.hold(key, h)
}

func (e *Engine) modelKey(r *rules.Rule, group []activity.Field) string {
	return e.plan.rules[r.Index].stateKey + groupKey(group)
}

func (st *accountState) hold(key string, h held) {
	if st.Judged == nil {
		st.own().Judged = &judgedState{}
	}
	if st.Judged.Held == nil {
		st.Judged.Held = map[string][]held{}
	}
	all := append(st.Judged.Held[key], h)
	st.Judged.Held[key] = slices.Delete(all, 0, max(0, len(all)-maxHeld))
}

// waits reports whether a use of a value at time t may be one that an alert
// without a verdict, or an intruder's, is about. What is older is the account's own.
func (e *Engine) waits(st *accountState, r *rules.Rule, key, value string, t int64) bool {
	for _, ep := range st.Episodes {
		for _, one := range append(slices.Collect(maps.Values(ep.Parts)), ep) {
			if one.RuleID == r.ID && one.Learn[value] > 0 && t >= one.First && e.modelKey(r, one.Group) == key {
				return true
			}
		}
	}
	return st.Judged != nil && slices.ContainsFunc(st.Judged.Held[key], func(h held) bool {
		return h.Values[value] > 0 && !h.Learned && t >= h.Last-int64(tellAgain)
	})
}

// strange reports whether a person said of an alert that saw a value that it was
// an intruder's.
func (st *accountState) strange(key, value string) bool {
	return st.Judged != nil && slices.ContainsFunc(st.Judged.Held[key], func(h held) bool { return h.Strange && h.Values[value] > 0 })
}

// teach gives a model what an alert withheld, as far as it may be learned. What
// it was taught before and is forgotten since, it learns again.
func (e *Engine) teach(st *accountState, r *rules.Rule, key string, h *held, may func(value string) bool) {
	stateKey, group := e.split(r, key)
	switch r.Type {
	case rules.TypeNewValue:
		model := st.values(stateKey, group)
		for _, v := range slices.Sorted(maps.Keys(h.Values)) {
			if !may(v) {
				continue
			}
			if _, known := model.Value(v); model.cell != 0 && !(known && h.Learned) {
				model.LearnMany(v, h.Last, h.Values[v])
			}
			h.Learned = true
		}
		if model.cell != 0 {
			model.put()
		}
	case rules.TypePeak: // as one day's also where it lasted over midnight: one burst is one day
		h.Learned = true
		model, day := st.peaks(stateKey, group), busiest(h.Values)
		if model.cell == 0 || day < 0 {
			return
		}
		model.Raise(day, h.Values[strconv.FormatInt(day, 10)])
		model.put()
	default:
	}
}

// anything may be learned of what people have judged.
func anything(string) bool { return true }

// unteach takes from a model what an alert saw, whoever taught it: the newest
// word of a person holds.
func (e *Engine) unteach(st *accountState, r *rules.Rule, key string, h *held) {
	stateKey, group := e.split(r, key)
	switch r.Type {
	case rules.TypeNewValue:
		if model := st.values(stateKey, group); model.cell != 0 {
			for _, v := range slices.Sorted(maps.Keys(h.Values)) {
				model.Drop(v)
			}
			model.put()
		}
	case rules.TypePeak: // of a day that it was not taught the account's own is known
		if model := st.peaks(stateKey, group); model.cell != 0 && h.Learned {
			model.Drop(busiest(h.Values))
			model.put()
		}
	default:
	}
	h.Learned = false
}

// split returns the two parts of the key of a rule's model.
func (e *Engine) split(r *rules.Rule, key string) (stateKey, group string) {
	stateKey = e.plan.rules[r.Index].stateKey
	return stateKey, key[len(stateKey):]
}

// busiest returns the day of the highest count of a burst, -1 for none.
func busiest(days map[string]int) int64 {
	best, at := 0, int64(-1)
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if n, err := strconv.ParseInt(day, 10, 64); err == nil && days[day] > best {
			best, at = days[day], n
		}
	}
	return at
}

// judged acts on a person's verdict. True ends the alert's episode: whatever
// comes after it is told as another one's. Of an alert that is not known any
// more there is nothing to learn or unlearn. A verdict that is told again, as with
// a later revision of its alert after a restart, says nothing of what came since,
// nor against what people said since.
func (e *Engine) judged(st *accountState, a *activity.Activity, t int64) {
	v := &a.Verdict
	if v.Alert == "" {
		e.review(st, v, t)
		return
	}
	if v.Says != activity.VerdictTrue {
		st.vouched(v.Alert, t)
	}
	said := e.keyOf(a)
	for _, key := range slices.Sorted(maps.Keys(st.Episodes)) {
		ep := st.Episodes[key]
		switch r := e.ruleOf(ep.RuleID); {
		case ep.ID != v.Alert || ep.Verdict == said:
		case v.Says == activity.VerdictTrue:
			e.disown(st, ep, said)
			e.close(st, key, ep, "verdict: "+activity.VerdictTrue)
		case r != nil:
			e.release(st, r, ep)
			e.releaseParts(st, ep)
			ep.Learn, ep.Verdict = nil, said
			for _, part := range ep.Parts {
				part.Learn, part.Verdict = nil, said
			}
		}
	}
	if st.Judged == nil {
		return
	}
	e.judgeModels(st, v, said)
	for _, key := range slices.Sorted(maps.Keys(st.Judged.Held)) {
		i, ok := e.plan.memory[stateOf(key)]
		all := st.Judged.Held[key]
		for at := range all {
			if ok && all[at].Alert == v.Alert && all[at].Verdict != said {
				all[at].Verdict = said
				e.apply(st, e.plan.rules[i].rule, key, &all[at], v)
			}
		}
	}
}

// vouched takes what an alert told until a time out of sequences: what a person
// answers for begins no takeover.
func (st *accountState) vouched(alert string, until int64) {
	for key, steps := range st.Steps {
		of := func(s step) bool { return s.Episode == alert && s.Time <= until }
		if !slices.ContainsFunc(steps, of) {
			continue
		}
		if steps = slices.DeleteFunc(slices.Clone(steps), of); len(steps) == 0 {
			delete(st.own().Steps, key)
			continue
		}
		st.own().Steps[key] = steps
	}
}

// disown lets go of what models withheld that cannot unlearn it, so that an
// intruder's login is never learned.
func (e *Engine) disown(st *accountState, ep *episode, said uint64) {
	for _, one := range append(slices.Collect(maps.Values(ep.Parts)), ep) {
		switch r := e.ruleOf(one.RuleID); {
		case r == nil:
		case rewinds(r):
			one.Learn = nil
			e.keepBefore(st, r, one, said)
			e.rewind(st, e.modelKey(r, one.Group), one.ID)
		case r.Type == rules.TypeRate:
			one.Learn = nil
			memoryOf[rate.State](st, e.plan.rules[r.Index].stateKey, "").Disown()
		}
	}
}

// apply does to the models what a verdict on an alert says.
func (e *Engine) apply(st *accountState, r *rules.Rule, key string, h *held, v *activity.Verdict) {
	h.Strange = v.Says == activity.VerdictTrue
	switch {
	case v.Says == activity.VerdictTrue:
		e.unteach(st, r, key, h)
		st.tellAnew(key) // also what other alerts saw of it
		for value := range h.Values {
			delete(st.Judged.Trusted[key], value)
		}
	case !v.Until.IsZero() && r.Type == rules.TypeNewValue:
		e.unteach(st, r, key, h)
		st.tellAnew(key) // when that time is over
		for _, value := range slices.Sorted(maps.Keys(h.Values)) {
			st.trust(key, value, v.Until.UnixNano())
		}
	default:
		e.teach(st, r, key, h, anything)
	}
}

// tellAnew has people told of what they know already.
func (st *accountState) tellAnew(key string) {
	for i := range st.Judged.Held[key] {
		st.Judged.Held[key][i].Told = 0
	}
}

// trust makes a value the account's own until a time.
func (st *accountState) trust(key, value string, until int64) {
	if st.Judged == nil {
		st.own().Judged = &judgedState{}
	}
	if st.Judged.Trusted == nil {
		st.Judged.Trusted = map[string]map[string]int64{}
	}
	known := st.Judged.Trusted[key]
	if known == nil {
		known = map[string]int64{}
		st.Judged.Trusted[key] = known
	}
	if _, ok := known[value]; ok || len(known) < baseline.MaxValues {
		known[clone(value)] = until
	}
}

// sweepJudged drops what no verdict can be about any more and trust that has
// ended.
func (e *Engine) sweepJudged(c *cold) {
	if c.Judged == nil {
		return
	}
	for key, all := range c.Judged.Held {
		all = slices.DeleteFunc(all, func(h held) bool { return e.now-h.Last > int64(heldFor) })
		if c.Judged.Held[key] = all; len(all) == 0 {
			delete(c.Judged.Held, key)
		}
	}
	for key, known := range c.Judged.Trusted {
		maps.DeleteFunc(known, func(_ string, until int64) bool { return until < e.now-e.lateness })
		if len(known) == 0 {
			delete(c.Judged.Trusted, key)
		}
	}
	for key, all := range c.Judged.Before {
		all = slices.DeleteFunc(all, func(b before) bool { return e.now-b.Ended > int64(rewindFor) })
		if c.Judged.Before[key] = all; len(all) == 0 {
			delete(c.Judged.Before, key)
		}
	}
	if len(c.Judged.Held)+len(c.Judged.Trusted)+len(c.Judged.Before) == 0 {
		c.Judged = nil
	}
}
