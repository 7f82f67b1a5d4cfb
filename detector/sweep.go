package detector

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/picketd/picket/detector/baseline/loginrisk"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
)

// Each hour of log time, memory that says nothing any more is dropped. The cold
// side is gone through at once. An account's row and cells are, at the latest,
// when the account is heard of again; else in the course of a day, some pages
// each second, since there are too many for one moment. Which of the two it was
// cannot be seen from outside.

// sweepPace is in how many seconds of log time all pages are gone through.
const sweepPace = 24 * 3600

// sweep begins the hour: windows, steps and excuses that no activity can reach
// go, what rules kept that are gone, and cold sides of which nothing is left.
func (e *Engine) sweep() {
	m := e.memory
	e.sweptAt = e.now
	replanned := e.replanned
	if replanned {
		m.retire(e.plan)
		maps.DeleteFunc(e.crowds, func(key string, _ *loginrisk.Crowd) bool { return !e.plan.keeps(key) })
		e.replanned = false
	}
	m.eachCold(func(n uint32, c *cold) {
		if replanned {
			e.sweepGone(c)
		}
		e.sweepWindows(c)
		e.sweepSteps(c)
		e.sweepChanges(c)
		e.sweepFired(c)
		e.sweepJudged(c)
		if c.empty() {
			state.Edit[state.Row](m.store.Heap, c.Row).Cold = 0
			m.colds.drop(n)
		}
	})
}

// sweepGone drops what rules kept that are gone.
func (e *Engine) sweepGone(c *cold) {
	for k := range slotKinds {
		e.memory.dropGroups(c, slotKind(k), func(key string) bool { return !e.plan.keeps(key) })
	}
	maps.DeleteFunc(c.Fired, func(key string, _ int64) bool { return !e.plan.keeps(key) })
	maps.DeleteFunc(c.Recent, func(key string, _ []kept) bool { return !e.plan.keeps(key) })
	if c.Judged != nil {
		maps.DeleteFunc(c.Judged.Held, func(key string, _ []held) bool { return !e.plan.keeps(key) })
		maps.DeleteFunc(c.Judged.Trusted, func(key string, _ map[string]int64) bool { return !e.plan.keeps(key) })
		maps.DeleteFunc(c.Judged.Before, func(key string, _ []before) bool { return !e.plan.keeps(key) })
	}
}

// sweepWindows drops the events of groups that no activity reaches any more, in
// the order of their keys, so that equal memories free equally.
func (e *Engine) sweepWindows(c *cold) {
	windows := c.Groups[slotWindow]
	var old []string
	for key, cell := range windows {
		if e.reachedNoMore(key, cell) {
			old = append(old, key)
		}
	}
	slices.Sort(old)
	for _, key := range old {
		if e.passed(key, windows[key]) {
			e.memory.free(slotWindow, windows[key])
			delete(windows, key)
			delete(c.Recent, key)
		}
	}
}

// keeps reports whether some rule keeps what stands under a key.
func (p *Plan) keeps(key string) bool {
	_, ok := p.memory[stateOf(key)]
	return ok
}

// reachedNoMore reports whether a window has events that no activity reaches
// any more, or none at all.
func (e *Engine) reachedNoMore(key string, cell state.Ref) bool {
	reach, kept := e.reach(key)
	oldest, some := e.memory.oldest(cell)
	return !kept || !some || oldest <= e.sweptAt-reach
}

// reach is how far back activities reach a window, nanoseconds; false where no
// rule keeps it any more.
func (e *Engine) reach(key string) (int64, bool) {
	i, ok := e.plan.memory[stateOf(key)]
	if !ok {
		return 0, false
	}
	return int64(e.plan.rules[i].rule.Timespan) + e.lateness, true
}

// passed drops the events of a window that no activity reaches any more, and
// reports whether nothing is left.
func (e *Engine) passed(key string, cell state.Ref) bool {
	reach, kept := e.reach(key)
	return !kept || e.memory.passed(cell, e.sweptAt-reach)
}

// passedIn is passed for an account's own window, in a slot: its rule is looked up
// once, not for each account.
func (e *Engine) passedIn(slot int, cell state.Ref) bool {
	m := e.memory
	for len(m.reach) < len(m.slots) {
		m.reach = append(m.reach, 0)
	}
	if m.reach[slot] == 0 {
		reach, kept := e.reach(m.slots[slot].Key)
		if !kept {
			return true
		}
		m.reach[slot] = reach
	}
	return m.passed(cell, e.sweptAt-m.reach[slot])
}

// retire gives up the slots of rules that are gone. Their numbers are used no
// more; what accounts have in them goes when the accounts are swept.
func (m *memory) retire(p *Plan) {
	clear(m.asked[:])
	for n := range m.slots {
		s := &m.slots[n]
		if s.Kind != slotHabit && s.Retired == 0 && !p.keeps(s.Key) {
			delete(m.by[s.Kind], s.Key)
			s.Retired, s.Key = m.now, ""
		}
	}
}

// sweepPages goes through the pages that are due between two moments of log
// time, in seconds.
func (e *Engine) sweepPages(from, to int64) {
	m := e.memory
	for at := max(from+1, to-sweepPace+1); at <= to; at++ {
		first := uint32(at % sweepPace)
		if first >= m.end() { // no page is due before the round begins again
			at += sweepPace - 1 - int64(first)
			continue
		}
		for n := first; n < m.end(); n += sweepPace {
			m.store.Accounts.EachAhead(n, n+1, func(slot int) bool { return m.holds(slot) == slotWindow }, func(row state.Ref) bool {
				e.sweepRow(row)
				return true
			})
		}
	}
}

// stale reports whether an account was last heard of before the hour began, so
// that what it has may have passed.
func (e *Engine) stale(row state.Ref) bool {
	return hourOf(int64(state.Read[state.Row](e.memory.store.Heap, row).Touched)*second) < hourOf(e.sweptAt)
}

const second = int64(1e9)

func hourOf(t int64) int64 { return t / int64(sweepEvery) }

// sweepRow drops what of an account says nothing any more, and reports whether
// the account went with it.
func (e *Engine) sweepRow(row state.Ref) (gone bool) {
	if !e.stale(row) {
		return false
	}
	m, accounts := e.memory, e.memory.store.Accounts
	drop, others := m.room.drop[:0], false // others: besides habits
	accounts.EachSlot(row, func(n int, cell state.Ref) {
		s := &m.slots[n]
		switch {
		case s.Retired != 0, s.Kind == slotWindow && e.passedIn(n, cell):
			drop = append(drop, n)
		case s.Kind != slotHabit:
			others = true
		}
	})
	m.room.drop = drop
	c := state.Read[state.Row](m.store.Heap, row).Cold
	for _, n := range drop {
		m.freeSlot(n, accounts.Slot(row, n))
		accounts.SetSlot(row, n, 0)
		if m.slots[n].Kind == slotWindow && c != 0 {
			delete(m.colds.open(c).Recent, m.slots[n].Key)
		}
	}
	if others || c != 0 {
		return false
	}
	_, seen := state.ReadList[seenHead, habit.SeenKind](m.store.Heap, accounts.Slot(row, habitSeen))
	if e.sweptAt-habit.Seen(seen).Latest() < int64(habitsFor) {
		return false
	}
	e.forget(row)
	return true
}

// forget drops an account with everything that is known of it.
func (e *Engine) forget(row state.Ref) {
	m := e.memory
	var st accountState
	st.open(m, row)
	logins := st.habits(logging)
	e.organisation.forget(&logins.Habits)
	if n := state.Read[state.Row](m.store.Heap, row).Cold; n != 0 {
		c := m.colds.open(n)
		for k := range slotKinds {
			m.dropGroups(c, slotKind(k), func(string) bool { return true })
		}
		m.colds.drop(n)
	}
	m.store.Accounts.EachSlot(row, m.freeSlot)
	m.store.Accounts.Delete(row)
}

// evict makes room for another account where there are as many as may be kept:
// of the accounts about which nothing is open it drops a part, those that were
// heard of longest ago.
func (e *Engine) evict() {
	m := e.memory
	if m.limit == 0 || m.store.Accounts.Len() < m.limit {
		return
	}
	type candidate struct {
		row     state.Ref
		touched uint32
	}
	var all []candidate
	m.store.Accounts.Each(0, m.end(), func(row state.Ref) bool {
		r := state.Read[state.Row](m.store.Heap, row)
		if (r.Cold == 0 || len(m.colds.all[r.Cold].Episodes) == 0) && !m.inUse(row) {
			all = append(all, candidate{row, r.Touched})
		}
		return true
	})
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.touched, b.touched), cmp.Compare(a.row, b.row))
	})
	for _, c := range all[:min(len(all), 1+m.limit/evictPart)] {
		e.forget(c.row)
		m.evicted.Accounts++
	}
	e.awaitSilences(false) // of those that are left
}

// evictPart is how small a part of all accounts is dropped at once.
const evictPart = 64

// stateOf returns the rule's part of a memory key.
func stateOf(key string) string {
	state, _, _ := strings.Cut(key, groupMark)
	return state
}
