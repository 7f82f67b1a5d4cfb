package detector

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/rules"
)

// setting is what surrounds an activity, in words.
type setting struct {
	Odd   []Reason `json:"odd,omitempty"`
	Usual []Reason `json:"usual,omitempty"`
}

// since is what happened on guarded accounts while an identity's episode is
// open.
type since struct {
	Count      int    `json:"n"`
	Activities []kept `json:"a,omitempty"`
}

// settingOf says what else is odd and what is usual about an activity, before
// it becomes a habit itself.
func (e *Engine) settingOf(a *activity.Activity, t int64) setting {
	var out setting
	st := e.find(a.Account)
	if st == nil || len(st.seen()) == 0 {
		return out
	}
	of := halfOf(a)
	if a.Kind == activity.KindLogin {
		of = logging // also of one that failed
	}
	h := st.habits(of)
	for _, n := range h.Notes(a, t, e.zone(a)) {
		r := Reason{Field: n.Field, Seen: n.Words}
		if n.Odd {
			out.Odd = append(out.Odd, r)
		} else {
			out.Usual = append(out.Usual, r)
		}
	}
	if a.Kind == activity.KindLogin && a.Geo.Country != "" {
		if r, ok := e.ofOthers(&h.Habits, a, t); ok {
			out.Odd = append([]Reason{r}, out.Odd...)
		}
	}
	h.put(of)
	return out
}

// ofOthers says how many of the others have used a login's country.
func (e *Engine) ofOthers(own *habit.Habits, a *activity.Activity, t int64) (Reason, bool) {
	e.organisation.forget(own)
	used, all := e.organisation.from(a.Geo.Country, t)
	e.organisation.learn(own)
	return Reason{
		Field: "geo.country",
		Seen:  "organisation: " + clone(a.Geo.Country) + " " + strconv.Itoa(used) + " of " + strconv.Itoa(all),
	}, all > 0
}

// changes are the kinds that say what somebody who came in did.
func changes(k activity.Kind) bool {
	return slices.Contains([]activity.Kind{
		activity.KindPost, activity.KindReply, activity.KindRepost, activity.KindEdit, activity.KindDelete,
		activity.KindMessage, activity.KindProfile, activity.KindTokenGrant, activity.KindPasswordChange,
		activity.KindMFAChange, activity.KindRoleChange,
	}, k)
}

// joinGuards tells the open episodes of the identities that guard an account
// what happened on it since their login.
func (e *Engine) joinGuards(own *accountState, a *activity.Activity, t int64) {
	guards := e.plan.accounts[a.Account].GuardedBy
	if len(guards) == 0 || !changes(a.Kind) {
		return
	}
	own.changed(a, t, e.now)
	for _, id := range guards {
		st := e.find(id)
		if st == nil {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(st.Episodes)) {
			ep := st.Episodes[key]
			if ep.Since == nil || t < ep.First {
				continue
			}
			if r := e.ruleOf(ep.RuleID); r != nil && ep.Since.add(a) {
				e.emit(r, ep, Update, "")
			}
		}
	}
}

// add counts an activity and reports whether that is worth telling: the first
// ones are, and then each doubling.
func (s *since) add(a *activity.Activity) bool {
	s.Count++
	if len(s.Activities) < MaxSince {
		k := kept{a.Clone()}
		k.Raw = nil
		s.Activities = append(s.Activities, k)
		return true
	}
	return bits.OnesCount(uint(s.Count)) == 1
}

// change is a post or change of a guarded account.
type change struct {
	Time     int64 `json:"t"` // occurrence, clamped to log time, Unix nanoseconds
	Activity kept  `json:"a"`
}

// maxChanges bounds the changes that an account keeps for logins told late.
const maxChanges = 2 * MaxSince

// changed keeps a post or change of a guarded account for logins that are told
// after it.
func (st *accountState) changed(a *activity.Activity, t, now int64) {
	if t < now-int64(toldLate) {
		return
	}
	own := st.own()
	c := change{t, kept{a.Clone()}}
	c.Activity.Raw = nil
	at, _ := slices.BinarySearchFunc(own.Changes, t, func(o change, t int64) int {
		if o.Time <= t {
			return -1
		}
		return 1
	})
	if own.Changes = slices.Insert(own.Changes, at, c); len(own.Changes) > maxChanges {
		own.Changes = slices.Delete(own.Changes, 0, 1)
	}
}

// sweepChanges drops changes that no login told late can have come before.
func (e *Engine) sweepChanges(st *cold) {
	st.Changes = slices.DeleteFunc(st.Changes, func(c change) bool { return c.Time < e.now-int64(toldLate) })
	if len(st.Changes) == 0 {
		st.Changes = nil
	}
}

// watch begins to note what happens on guarded accounts, where an episode is
// about what somebody did who guards some: also what was told before it.
func (e *Engine) watch(ep *episode, r *rules.Rule, a *activity.Activity) {
	guarded := e.plan.guards[ep.Account]
	if a.Kind == activity.KindPoll || len(guarded) == 0 {
		return
	}
	ep.Since = &since{}
	from := ep.First
	if r.Type == rules.TypeSequence && len(ep.Evidence) > 0 { // what it opens with is its second step
		from = min(from, max(ep.Evidence[0].Time.UnixNano(), from-int64(r.Within)))
	}
	var before []*change
	for _, name := range guarded {
		if st := e.find(name); st != nil {
			for i := range st.Changes {
				if st.Changes[i].Time >= from {
					before = append(before, &st.Changes[i])
				}
			}
		}
	}
	slices.SortStableFunc(before, func(a, b *change) int { return cmp.Compare(a.Time, b.Time) })
	for _, c := range before {
		ep.Since.add(&c.Activity.Activity)
	}
}

// sinceOf returns what a finding says of the accounts that are guarded.
func (e *Engine) sinceOf(ep *episode) *Since {
	if ep.Since == nil {
		return nil
	}
	out := &Since{AsOf: e.LogTime(), Count: ep.Since.Count}
	for i := range ep.Since.Activities {
		out.Activities = append(out.Activities, ep.Since.Activities[i].Activity)
	}
	return out
}

// gone tells open episodes that a post which they are about was deleted.
func (e *Engine) gone(st *accountState, a *activity.Activity, t int64) {
	if a.Kind != activity.KindDelete || a.Object == "" {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(st.Episodes)) {
		ep := st.Episodes[key]
		about := slices.ContainsFunc(ep.Evidence, func(k kept) bool { return k.ID == a.Object && k.Kind != activity.KindDelete })
		if _, known := ep.Deleted[a.Object]; !about || known {
			continue
		}
		if ep.Deleted == nil {
			ep.Deleted = map[string]time.Time{}
		}
		maps.DeleteFunc(ep.Deleted, func(id string, _ time.Time) bool { // no longer among the evidence
			return !slices.ContainsFunc(ep.Evidence, func(k kept) bool { return k.ID == id })
		})
		ep.Deleted[clone(a.Object)] = time.Unix(0, t).UTC()
		if r := e.ruleOf(ep.RuleID); r != nil {
			e.emit(r, ep, Update, "")
		}
	}
}

// appendNotes adds to a rule's reasons what its own say nothing of.
func appendNotes(reasons, notes []Reason) []Reason {
	out := slices.Clip(reasons)
	for _, n := range notes {
		if n.Field == "" || !slices.ContainsFunc(reasons, func(r Reason) bool { return r.Field == n.Field && r.Seen == n.Seen }) {
			out = append(out, n)
		}
	}
	return slices.Clip(out)
}
