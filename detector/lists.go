package detector

import (
	"cmp"
	"math"
	"slices"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/detector/window"
)

// How windows and learned values stand in cells: each a list with a head. A
// model is taken out, used, and put back; between the two nothing else may take
// it out.

type value = baseline.Value

// valuesHead begins the values of a new-value model. Every account has several of
// them, so that it is packed.
type valuesHead struct {
	counts uint32 // items in the lower bits, activities learned in the upper ones
	since  uint32 // Unix seconds, rounded down
}

const (
	itemBits  = 12
	maxItems  = 1<<itemBits - 1
	maxEvents = 1<<(32-itemBits) - 1 // counted; no rule asks for more
)

// Items implements state.Head.
func (h valuesHead) Items() int { return int(h.counts & maxItems) }

// With implements state.Head.
func (h valuesHead) With(items int) valuesHead {
	return valuesHead{h.counts&^maxItems | uint32(items), h.since}
}

func (h valuesHead) Events() int  { return int(h.counts >> itemBits) }
func (h valuesHead) Since() int64 { return int64(h.since) * second }

// learned returns the head of a model that has learned so many activities since a
// time.
func learned(events int, since int64) valuesHead {
	return valuesHead{uint32(min(events, maxEvents)) << itemBits, uint32(min(max(since/second, 0), math.MaxUint32))}
}

// peaksHead begins the days of a model of peaks.
type peaksHead = valuesHead

// values is a new-value model that was taken out of an account.
type values struct {
	baseline.NewValue
	st         *accountState
	cell       state.Ref
	key, group string
}

// values takes a model out.
func (st *accountState) values(stateKey, group string) values {
	v := values{st: st, key: stateKey, group: group, cell: st.ref(slotValues, stateKey, group)}
	v.NewValue = st.m.values(v.cell, &st.m.room.values)
	return v
}

func (m *memory) values(cell state.Ref, room *[]value) baseline.NewValue {
	head, list := state.EditList[valuesHead, value](m.store.Heap, cell)
	return baseline.NewValue{Since: head.Since(), Events: head.Events(), Values: withRoom(list, room), Texts: m.store.Texts}
}

// room is where lists that fill their cells grow before they are put back.
type room struct {
	values []value
	habits [len(habitSlots)][]value
	days   []baseline.Peak
	events []window.Event
	bare   []bareEvent
	seen   habit.Seen
	drop   []int // slots
}

// withRoom returns a list to which one item can be added, in memory that is used
// again and again.
func withRoom[L ~[]T, T any](list []T, room *L) L {
	if len(list) < cap(list) {
		return list
	}
	*room = slices.Grow(append((*room)[:0], list...), 1)
	return *room
}

// put puts a model back. It may be read until another one is taken out.
func (v *values) put() {
	if v.cell == 0 && v.group != "" {
		v.st.makeRoom(slotValues, v.key, func(r state.Ref) int64 {
			_, list := state.ReadList[valuesHead, value](v.st.m.store.Heap, r)
			m := baseline.NewValue{Values: list}
			return m.Latest()
		})
	}
	cell := v.st.m.putValues(v.cell, &v.NewValue)
	if cell != v.cell {
		v.st.set(slotValues, v.key, v.group, cell)
		_, v.Values = state.ReadList[valuesHead, value](v.st.m.store.Heap, cell) // the old cell is another's now
	}
	v.cell = cell
}

func (m *memory) putValues(cell state.Ref, v *baseline.NewValue) state.Ref {
	m.evicted.Values += uint64(v.Evicted)
	v.Evicted = 0
	return state.PutList(m.store.Heap, cell, learned(v.Events, v.Since), v.Values)
}

// peaks is a model of peaks that was taken out of an account.
type peaks struct {
	baseline.Peaks
	st         *accountState
	cell       state.Ref
	key, group string
}

// peaks takes a model out.
func (st *accountState) peaks(stateKey, group string) peaks {
	p := peaks{st: st, key: stateKey, group: group, cell: st.ref(slotPeaks, stateKey, group)}
	p.Peaks = st.m.peaks(p.cell)
	return p
}

func (m *memory) peaks(cell state.Ref) baseline.Peaks {
	head, days := state.EditList[peaksHead, baseline.Peak](m.store.Heap, cell)
	return baseline.Peaks{Since: head.Since(), Events: head.Events(), Days: withRoom(days, &m.room.days)}
}

// put puts a model back. It may be read until another one is taken out.
func (p *peaks) put() {
	if p.cell == 0 && p.group != "" {
		p.st.makeRoom(slotPeaks, p.key, func(r state.Ref) int64 {
			_, days := state.ReadList[peaksHead, baseline.Peak](p.st.m.store.Heap, r)
			m := baseline.Peaks{Days: days}
			return m.Latest()
		})
	}
	days := p.Days[max(0, len(p.Days)-maxItems):] // more would be those of eleven years
	cell := state.PutList(p.st.m.store.Heap, p.cell, learned(p.Events, p.Since), days)
	if cell != p.cell {
		p.st.set(slotPeaks, p.key, p.group, cell)
		_, p.Days = state.ReadList[peaksHead, baseline.Peak](p.st.m.store.Heap, cell) // the old cell is another's now
	}
	p.cell = cell
}

// maxGroups bounds the groups that one account's windows, and its values, keep;
// what an attacker can choose (an address, say) must not fill the memory.
const maxGroups = 1024

// makeRoom drops the group that was used longest ago where an account has too
// many of them: one of the same rule, so that whoever chooses the groups of one
// cannot blind another. A rule without any adds its first one all the same.
func (st *accountState) makeRoom(k slotKind, stateKey string, last func(state.Ref) int64) {
	groups := st.Groups[k]
	oldest := leastRecent(groups, stateKey, last)
	if oldest == "" {
		return
	}
	st.m.free(k, groups[oldest])
	delete(groups, oldest)
	delete(st.Recent, oldest)
	st.m.evicted.Groups++
}

// leastRecent returns the key of a rule's group that was used longest ago, where
// there are too many of them; else "".
func leastRecent[T any](groups map[string]T, stateKey string, last func(T) int64) string {
	oldest, at := "", int64(math.MaxInt64)
	if len(groups) < maxGroups {
		return oldest
	}
	for key, g := range groups {
		if stateOf(key) != stateKey {
			continue
		}
		if c := cmp.Compare(last(g), at); oldest == "" || c < 0 || c == 0 && key < oldest {
			oldest, at = key, last(g)
		}
	}
	return oldest
}

// makeRoom is accountState.makeRoom for what stands in Go's maps.
func makeRoom[T any](m *memory, groups map[string]T, forKey string, last func(T) int64) {
	if oldest := leastRecent(groups, stateOf(forKey), last); oldest != "" {
		delete(groups, oldest)
		m.evicted.Groups++
	}
}

// remember keeps an activity as evidence of a window that is near to firing.
func (w *windowState) remember(a *activity.Activity, near bool) {
	if !near {
		w.forget()
		return
	}
	c := w.st.own()
	if c.Recent == nil {
		c.Recent = map[string][]kept{}
	}
	k := kept{a.Clone()}
	k.Raw = nil
	key := w.key + w.group
	recent := append(c.Recent[key], k)
	if len(recent) >= MaxEvidence {
		recent = fewer(recent)
	}
	c.Recent[key] = recent
}

// fewer drops one of some activities: the oldest of an account that a later one
// is of, so that a finding across accounts shows as many as it can.
func fewer(recent []kept) []kept {
	drop := 0
	for i := range recent {
		if slices.ContainsFunc(recent[i+1:], func(k kept) bool { return k.Account == recent[i].Account }) {
			drop = i
			break
		}
	}
	return slices.Delete(recent, drop, drop+1)
}

// forget drops the evidence of a window.
func (w *windowState) forget() {
	if len(w.st.Recent) > 0 {
		delete(w.st.Recent, w.key+w.group)
	}
}

// led returns the evidence from a moment on, and drops it.
func (w *windowState) led(from int64) []kept {
	if len(w.st.Recent) == 0 {
		return nil
	}
	recent := slices.DeleteFunc(w.st.Recent[w.key+w.group], func(k kept) bool { return k.Time.UnixNano() < from })
	w.forget()
	return recent
}

// known returns since when, and from how many activities, a model of values or
// of peaks knows its account.
func (m *memory) known(cell state.Ref) (since int64, events int) {
	head := state.Read[valuesHead](m.store.Heap, cell)
	return head.Since(), head.Events()
}

// eachModel calls each with the cells of a kind that accounts on pages from to
// to, exclusive, have under a rule's state key.
func (m *memory) eachModel(k slotKind, stateKey string, from, to uint32, each func(state.Ref)) {
	n, ok := m.by[k][stateKey]
	if !ok {
		return
	}
	m.store.Accounts.Each(from, to, func(row state.Ref) bool {
		if r := m.store.Accounts.Slot(row, n); r != 0 {
			each(r)
		}
		return true
	})
}

// eachGroup calls each with the cells of a kind that groups of more than the
// account have under a rule's state key.
func (m *memory) eachGroup(k slotKind, stateKey string, each func(state.Ref)) {
	for _, c := range m.colds.all {
		if c == nil {
			continue
		}
		for key, r := range c.Groups[k] {
			if stateOf(key) == stateKey {
				each(r)
			}
		}
	}
}
