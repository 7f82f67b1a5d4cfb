package detector

import (
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// A profile, or what is known of a person's logins, cannot unlearn single
// activities: each changes numbers that others share. So that nothing stays learned
// of an intruder, also where people say so days after the alert has ended, the model
// as it was when the alert began is kept, and the verdict true puts it back. What
// the account itself did meanwhile is the price.

const (
	// rewindFor is how long after an alert has ended a model can be put back. Later
	// the account's own activities of all that time would be too high a price.
	rewindFor = 7 * 24 * time.Hour
	// maxBefore bounds the alerts of one model for which it is kept.
	maxBefore = 4
)

// before is a model as it was when an alert began or, once a verdict has put that
// back, as it was until then: the newest word of a person holds.
type before struct {
	Alert   string `json:"id"`
	Ended   int64  `json:"ended"` // log time, Unix nanoseconds: what it saw may have been told late
	State   []byte `json:"state"`
	Strange bool   `json:"strange,omitempty"` // it was put back
	Verdict uint64 `json:"verdict,omitempty"` // key of the one that was applied last
	// Beside is the earlier alert that keeps the model which this one was told of,
	// since a verdict on that one put it aside; empty where it is the model itself.
	Beside string `json:"beside,omitempty"`
}

// rewinds reports whether a rule's model is put back by the verdict true. A rhythm
// is not: which silences are awaited follows from it.
func rewinds(r *rules.Rule) bool {
	switch r.Type {
	case rules.TypeProfile, rules.TypeTravel, rules.TypeLoginRisk, rules.TypeRareValue:
		return true
	default:
		return false
	}
}

// keepModel keeps a model as it is now, before it learns anything of the episode
// that begins.
func (e *Engine) keepModel(st *accountState, r *rules.Rule, ep *episode) {
	if ep != nil && ep.Before == nil && !e.counting { // what only counts is not judged
		ep.Before = slices.Clone(st.model(e.modelKey(r, ep.Group)))
	}
}

// keepBefore keeps what was remembered beyond the end of an episode.
func (e *Engine) keepBefore(st *accountState, r *rules.Rule, ep *episode, said uint64) {
	if ep.Before == nil {
		return // an older version opened it
	}
	if st.Judged == nil {
		st.own().Judged = &judgedState{}
	}
	if st.Judged.Before == nil {
		st.Judged.Before = map[string][]before{}
	}
	key := e.modelKey(r, ep.Group)
	all := slices.DeleteFunc(st.Judged.Before[key], func(old before) bool { return old.Alert == ep.ID })
	all = append(all, before{Alert: ep.ID, Ended: e.now, Verdict: said, State: ep.Before})
	st.Judged.Before[key] = slices.Delete(all, 0, max(0, len(all)-maxBefore))
}

// judgeModels does to models what a verdict on a closed alert says.
func (e *Engine) judgeModels(st *accountState, v *activity.Verdict, said uint64) {
	for _, key := range slices.Sorted(maps.Keys(st.Judged.Before)) {
		all := st.Judged.Before[key]
		i := slices.IndexFunc(all, func(b before) bool { return b.Alert == v.Alert && b.Verdict != said })
		if _, planned := e.plan.memory[stateOf(key)]; i < 0 || !planned {
			continue
		}
		if all[i].Verdict = said; all[i].Strange != (v.Says == activity.VerdictTrue) {
			e.rewind(st, key, v.Alert)
		}
	}
}

// rewind has a model and what is kept of it for an alert change places. What is kept
// for later alerts goes with what they were told of: it may be the one that is put
// aside, so that what people say of them holds there too.
func (e *Engine) rewind(st *accountState, key, alert string) {
	if st.Judged == nil {
		return
	}
	all := st.Judged.Before[key]
	of := func(alert string) int { return slices.IndexFunc(all, func(b before) bool { return b.Alert == alert }) }
	i := of(alert)
	if i < 0 {
		return
	}
	b := &all[i]
	beside, back := b.Beside, b.State
	if beside != "" {
		at := of(beside)
		if at < 0 { // what it was told of is not kept any more
			return
		}
		all[at].State, b.State = back, all[at].State
	} else {
		is := st.model(key)
		if len(back) != len(is) { // of another version of the model
			return
		}
		b.State = slices.Clone(is)
		copy(is, back)
	}
	b.Strange = !b.Strange
	for k := i + 1; k < len(all); k++ {
		switch all[k].Beside {
		case beside:
			all[k].Beside = alert
		case alert:
			all[k].Beside = beside
		}
	}
	if beside != "" {
		return
	}
	for _, ep := range st.Episodes {
		for _, one := range append(slices.Collect(maps.Values(ep.Parts)), ep) {
			if r := e.ruleOf(one.RuleID); r != nil && one.ID != alert && one.Before != nil && e.modelKey(r, one.Group) == key {
				one.Before = slices.Clone(back)
			}
		}
	}
}
