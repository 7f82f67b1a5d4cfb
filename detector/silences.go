package detector

import (
	"container/heap"
	"fmt"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline/rate"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/rules"
)

// Silences become due by log time alone. Each account of which a rate rule knows
// enough has one entry in a queue, at or before the moment at which its silence
// is odd; an entry that is due too early goes back to where it belongs, so that
// most activities move none. When it is due stands in the account's model: the
// queue follows from the memory and is not stored. Nothing in it is a pointer
// but its rules.

// mostBlind bounds how long after a downtime no silence is judged. What happened
// meanwhile is read as fast as networks tell it, not as slowly as it happened.
const mostBlind = 24 * time.Hour

// awaited is the entry of one account and rule.
type awaited struct {
	due  uint32    // Unix seconds; the entry is stale unless its model says the same
	rule int32     // index
	row  state.Ref // of the account
}

// silenceQueue is a heap by due time, then account, then rule, whatever its
// history.
type silenceQueue struct {
	all []awaited
	m   *memory
}

func (q *silenceQueue) Len() int      { return len(q.all) }
func (q *silenceQueue) Swap(i, k int) { q.all[i], q.all[k] = q.all[k], q.all[i] }
func (q *silenceQueue) Push(x any)    { q.all = append(q.all, x.(awaited)) }

func (q *silenceQueue) Less(i, k int) bool {
	a, b := q.all[i], q.all[k]
	if a.due != b.due {
		return a.due < b.due
	}
	if a.row != b.row {
		return strings.Compare(q.m.store.Accounts.Name(a.row), q.m.store.Accounts.Name(b.row)) < 0
	}
	return a.rule < b.rule
}

// Pop takes the last one out.
func (q *silenceQueue) Pop() any {
	last := len(q.all) - 1
	x := q.all[last]
	q.all = q.all[:last]
	return x
}

func (q *silenceQueue) pop() awaited { return heap.Pop(q).(awaited) }

// nextSilence returns the log time at which the first silence is looked at,
// Unix nanoseconds, and whether there is one.
func (e *Engine) nextSilence() (int64, bool) {
	if len(e.silences.all) == 0 {
		return 0, false
	}
	return max(int64(e.silences.all[0].due)*second, e.blind), true
}

// Ended says that nothing will be added to the log, so that from here on no
// silence is an account's own.
func (e *Engine) Ended() { e.silences.all = nil }

// listen sees to it that a silence is looked at when it becomes odd at the
// latest.
func (e *Engine) listen(row state.Ref, k int, s *rate.State, p *rate.Params) {
	due := s.Deadline(p)
	if due == 0 || s.Due != 0 && s.Due <= due {
		return
	}
	s.Due = due
	e.silences.m = e.memory
	heap.Push(&e.silences, awaited{due, int32(k), row})
}

// awaitSilences makes the queue anew of what the models say, or with again of
// what they would say now, as after a change of rules.
func (e *Engine) awaitSilences(again bool) {
	e.silences = silenceQueue{all: e.silences.all[:0], m: e.memory}
	h, accounts := e.memory.store.Heap, e.memory.store.Accounts
	for k := range e.plan.rules {
		pl := &e.plan.rules[k]
		if pl.rule.Type != rules.TypeRate {
			continue
		}
		n, known := e.memory.by[slotModel][pl.stateKey]
		if !known {
			continue
		}
		accounts.EachAhead(0, e.memory.end(), func(slot int) bool { return slot == n }, func(row state.Ref) bool {
			cell := accounts.Slot(row, n)
			if cell == 0 {
				return true
			}
			if s := state.Read[rate.State](h, cell); again && pl.awaits && s.Due != 0 {
				state.Edit[rate.State](h, cell).Due = s.Deadline(&pl.rate)
			}
			if due := state.Read[rate.State](h, cell).Due; due != 0 {
				e.silences.all = append(e.silences.all, awaited{due, int32(k), row})
			}
			return true
		})
	}
	heap.Init(&e.silences)
}

// deaf keeps rules that were off under the plan before from learning the time in
// which they heard of nothing as a silence of the account.
func (e *Engine) deaf(was *Plan) {
	h, accounts := e.memory.store.Heap, e.memory.store.Accounts
	for k := range e.plan.rules {
		pl := &e.plan.rules[k]
		before := was.planned(pl.rule.ID)
		if pl.kind != rules.TypeRate || pl.off || before != nil && !before.off {
			continue
		}
		n, known := e.memory.by[slotModel][pl.stateKey]
		if !known {
			continue
		}
		accounts.Each(0, e.memory.end(), func(row state.Ref) bool {
			if cell := accounts.Slot(row, n); cell != 0 {
				state.Edit[rate.State](h, cell).Disown()
			}
			return true
		})
	}
}

// awaits reports whether a rule judges silences.
func awaits(r *rules.Rule) bool { return r.Params["direction"] <= 0 && r.Mode != rules.Off }

// silence looks at what became due: nothing has come from the account, or it has
// and the silence would be odd later.
func (e *Engine) silence(w awaited) {
	pl := &e.plan.rules[w.rule]
	n, known := e.memory.by[slotModel][pl.stateKey]
	if !known || e.memory.store.Accounts.Slot(w.row, n) == 0 {
		return
	}
	st := e.memory.handle(w.row)
	s := memoryOf[rate.State](st, pl.stateKey, "")
	if s.Due != w.due {
		return
	}
	s.Due = 0
	if !pl.awaits {
		return
	}
	p := &pl.rate
	switch due := s.Deadline(p); {
	case due == 0:
	case int64(due)*second > e.now:
		e.listen(w.row, int(w.rule), s, p)
	default:
		s.Tell()
		e.tellSilence(st, pl.rule, s.Silence(e.now, p))
	}
}

// tellSilence raises a silence. Its evidence is that of a look at the account
// which found nothing, since no activity is.
func (e *Engine) tellSilence(st *accountState, r *rules.Rule, v rate.Silence) {
	account := clone(st.name())
	network, _, _ := strings.Cut(account, "/")
	now := time.Unix(0, e.now).UTC()
	a := &activity.Activity{
		ID: fmt.Sprintf("silence/%d", v.Latest.Unix()), Kind: activity.KindPoll, Account: account, Network: network, Time: now, Seen: now,
		Poll: activity.Poll{From: v.Latest, Until: now, Reason: "nothing since " + v.Latest.Format(time.RFC3339)},
	}
	group, ok := e.groupOf(r, a)
	if !ok {
		return
	}
	e.hit(st, r, group, match{a: a, t: e.now}, func() []Reason { return []Reason{silenceReason(r, v)} })
}
