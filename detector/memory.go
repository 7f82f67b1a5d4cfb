package detector

import (
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
)

// slotKind says what a slot holds.
type slotKind uint8

// The kinds of slots. A rule has at most one of each, by its state key; habits
// have names of their own.
const (
	slotHabit slotKind = iota
	slotWindow
	slotValues
	slotPeaks
	slotModel
	slotKinds = iota
)

// slot is one thing that may be known of an account. Its number is its place in
// the list of slots. One that no rule keeps any more is retired; its number is
// not used again before every account has dropped what it had there.
type slot struct {
	Kind    slotKind `json:"k"`
	Key     string   `json:"key"`
	Size    int      `json:"n,omitempty"`       // of a model, bytes
	Retired int64    `json:"retired,omitempty"` // log time since when no rule keeps it, Unix nanoseconds; 0 while one does
}

// memory is what an engine remembers of accounts: the store, what its slots mean, and the
// cold side.
type memory struct {
	store *state.Store
	slots []slot
	by    [slotKinds]map[string]int // numbers of the slots in use
	asked [64]asked                 // the latest that were asked for
	colds colds
	reach []int64 // by the number of a window's slot: how far back activities reach it, nanoseconds; 0 until that is asked for

	handles []*accountState // of the activity that is being judged; the first used of them
	used    int
	key     []byte    // of a group, while it is looked for
	world   state.Ref // where worldAccount stood last
	habits  habits    // those that are taken out
	room    room
	limit   int   // accounts that may be kept, 0 for any number
	now     int64 // log time, Unix nanoseconds
	evicted Evicted
}

func newMemory(limit int) *memory {
	m := &memory{store: state.New(), limit: limit}
	m.colds.grow(1) // 0 is none
	for k := range m.by {
		m.by[k] = map[string]int{}
	}
	for _, name := range habitSlots {
		m.slot(slotHabit, name)
	}
	return m
}

// asked is a slot that was asked for. A plan's keys are the same strings each
// time, so that comparing where they stand saves hashing them.
type asked struct {
	key  string
	kind slotKind
	n    int
}

// number returns the number of a slot, and whether there is one.
func (m *memory) number(k slotKind, key string) (int, bool) {
	at := uintptr(unsafe.Pointer(unsafe.StringData(key)))
	last := &m.asked[(at>>4+uintptr(k))%uintptr(len(m.asked))]
	if last.kind == k && len(last.key) == len(key) && key != "" && unsafe.StringData(last.key) == unsafe.StringData(key) {
		return last.n, true
	}
	n, ok := m.by[k][key]
	if ok {
		*last = asked{key, k, n}
	}
	return n, ok
}

// slot returns the number of a slot, a new one where there is none.
func (m *memory) slot(k slotKind, key string) int {
	n, ok := m.number(k, key)
	if ok {
		return n
	}
	n = slices.IndexFunc(m.slots, func(s slot) bool { return s.Retired != 0 && m.now-s.Retired > 2*sweepPace*second })
	if n < 0 {
		n = len(m.slots)
		m.slots = append(m.slots, slot{})
	}
	m.slots[n] = slot{Kind: k, Key: key}
	clear(m.reach)
	m.by[k][key] = n
	return n
}

// accountState is a handle on what is remembered of one account. It is good
// while one activity is judged.
type accountState struct {
	m     *memory
	row   state.Ref
	cells []state.Ref // by the number of their slots, as the row has them; 0 and what is beyond are none
	*cold
}

// open makes st the handle of a row.
func (st *accountState) open(m *memory, row state.Ref) {
	st.m, st.row = m, row
	st.cold = m.colds.open(state.Read[state.Row](m.store.Heap, row).Cold)
	st.look()
}

// look takes over what the row has in which slots.
func (st *accountState) look() { st.cells = st.m.store.Accounts.Cells(st.row, st.cells) }

// slot returns the cell that the account has in a slot, 0 for none.
func (st *accountState) slot(n int) state.Ref {
	if n >= len(st.cells) {
		return 0
	}
	return st.cells[n]
}

// setSlot puts a cell in a slot, or with 0 nothing.
func (st *accountState) setSlot(n int, cell state.Ref) {
	st.m.store.Accounts.SetSlot(st.row, n, cell)
	for n >= len(st.cells) {
		st.cells = append(st.cells, 0)
	}
	st.cells[n] = cell
}

// release lets go of all handles but the first so many.
func (m *memory) release(used int) { m.used = used }

// handle returns the handle of a row. An account has one only, so that whoever
// holds it sees what another one does.
func (m *memory) handle(row state.Ref) *accountState {
	for _, st := range m.handles[:m.used] {
		if st.row == row {
			return st
		}
	}
	if m.used == len(m.handles) {
		m.handles = append(m.handles, new(accountState))
	}
	st := m.handles[m.used]
	m.used++
	st.open(m, row)
	return st
}

// inUse reports whether somebody holds the handle of a row.
func (m *memory) inUse(row state.Ref) bool {
	return slices.ContainsFunc(m.handles[:m.used], func(st *accountState) bool { return st.row == row })
}

// name returns the account's name, to be cloned by whoever keeps it.
func (st *accountState) name() string { return st.m.store.Accounts.Name(st.row) }

// ref returns the cell that the account has under a key of a kind, for a group
// of its own or, with group "", for itself; 0 for none.
func (st *accountState) ref(k slotKind, stateKey, group string) state.Ref {
	if group == "" {
		n, ok := st.m.number(k, stateKey)
		if !ok {
			return 0
		}
		return st.slot(n)
	}
	st.m.key = append(append(st.m.key[:0], stateKey...), group...)
	return st.Groups[k][string(st.m.key)]
}

// set puts a cell where ref looks for it.
func (st *accountState) set(k slotKind, stateKey, group string, cell state.Ref) {
	if group == "" {
		st.setSlot(st.m.slot(k, stateKey), cell)
		return
	}
	st.own().setGroup(k, stateKey+group, cell)
}

// state returns the memory of an account, which is heard of now.
func (e *Engine) state(account string) *accountState {
	return e.stateAt(e.row, account) // where the activity's account stood when its message came
}

// stateAt is state for an account that stood in a row, 0 where that is not
// known; now another one may stand there, or none.
func (e *Engine) stateAt(row state.Ref, account string) *accountState {
	accounts := e.memory.store.Accounts
	account = baseline.Shorten(account)
	if row == 0 || accounts.Name(row) != account {
		row = accounts.Find(account)
	}
	if row != 0 && !e.memory.inUse(row) && e.sweepRow(row) {
		row = 0
	}
	if row == 0 {
		e.evict()
		row = accounts.Add(account)
	}
	state.Edit[state.Row](e.memory.store.Heap, row).Touched = uint32(max(0, e.now/second))
	return e.memory.handle(row)
}

// find returns the memory of an account, nil where nothing is remembered.
func (e *Engine) find(account string) *accountState {
	row := e.memory.store.Accounts.Find(baseline.Shorten(account))
	if row == 0 {
		return nil
	}
	return e.memory.handle(row)
}

// memoryOf returns what the rule whose state key it is knows of an account's
// group, a zero T where that is nothing yet. T is a struct of fixed size without
// pointers, made of fields of at most 8 bytes, and its zero value has seen
// nothing. What is returned may be changed until the activity is judged.
func memoryOf[T any](st *accountState, stateKey, group string) *T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	h := st.m.store.Heap
	n := st.m.slot(slotModel, stateKey)
	if s := &st.m.slots[n]; s.Size != size {
		if s.Size != 0 { // of another version of the model
			st.m.dropModels(stateKey)
		}
		s.Size = size
	}
	var r state.Ref
	if group == "" {
		r = st.slot(n)
	} else {
		r = st.ref(slotModel, stateKey, group)
	}
	if r == 0 {
		r = h.Alloc(size)
		st.set(slotModel, stateKey, group, r)
	}
	return state.Edit[T](h, r)
}

// model returns what memoryOf does as it is stored, nil where there is nothing yet.
func (st *accountState) model(key string) []byte {
	stateKey := stateOf(key)
	n, known := st.m.by[slotModel][stateKey]
	r := st.ref(slotModel, stateKey, key[len(stateKey):])
	if !known || r == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(st.m.store.Mut(r)), st.m.slots[n].Size)
}

// memoriesOf returns what the rule whose state key it is knows of an account and
// of its groups, in no order. They are for reading; st may be nil.
func memoriesOf[T any](st *accountState, stateKey string) []*T {
	var out []*T
	if st == nil {
		return nil
	}
	var zero T
	if n, ok := st.m.by[slotModel][stateKey]; !ok || st.m.slots[n].Size != int(unsafe.Sizeof(zero)) {
		return nil
	}
	h := st.m.store.Heap
	if r := st.ref(slotModel, stateKey, ""); r != 0 {
		out = append(out, state.Read[T](h, r))
	}
	for key, r := range st.Groups[slotModel] {
		if stateOf(key) == stateKey {
			out = append(out, state.Read[T](h, r))
		}
	}
	return out
}

// dropModels forgets what every account knows under a rule's state key.
func (m *memory) dropModels(stateKey string) {
	n := m.by[slotModel][stateKey]
	m.store.Accounts.Each(0, m.end(), func(row state.Ref) bool {
		m.free(slotModel, m.store.Accounts.Slot(row, n))
		m.store.Accounts.SetSlot(row, n, 0)
		return true
	})
	for _, st := range m.handles[:m.used] {
		st.look()
	}
	m.eachCold(func(_ uint32, c *cold) {
		m.dropGroups(c, slotModel, func(key string) bool { return stateOf(key) == stateKey })
	})
}

// eachCold calls each with every cold side, to be changed, in the order of their
// numbers.
func (m *memory) eachCold(each func(n uint32, c *cold)) {
	for n, c := range m.colds.all {
		if c != nil {
			m.colds.mark(uint32(n))
			each(uint32(n), c)
		}
	}
}

// dropGroups frees the cells of a kind whose keys are gone, in the order of
// their keys, so that equal memories free equally.
func (m *memory) dropGroups(c *cold, k slotKind, gone func(key string) bool) {
	var drop []string
	for key := range c.Groups[k] {
		if gone(key) {
			drop = append(drop, key)
		}
	}
	slices.Sort(drop)
	for _, key := range drop {
		m.free(k, c.Groups[k][key])
		delete(c.Groups[k], key)
	}
}

// end is the page after the last one.
func (m *memory) end() uint32 { return uint32(m.store.Pages() + 1) }

// free gives a cell of a kind back, with the texts that it holds.
func (m *memory) free(k slotKind, r state.Ref) {
	if k == slotValues {
		_, values := state.ReadList[valuesHead, value](m.store.Heap, r)
		for i := range values {
			m.store.Texts.Release(values[i].Text)
		}
	}
	m.store.Free(r)
}

// freeSlot gives the cell of a slot back.
func (m *memory) freeSlot(n int, r state.Ref) {
	k := m.holds(n)
	if k == slotHabit && n == habitSeen {
		_, seen := state.ReadList[seenHead, habit.SeenKind](m.store.Heap, r)
		for i := range seen {
			m.store.Texts.Release(seen[i].Kind)
		}
	}
	m.free(k, r)
}

// withEpisodes returns the rows of the accounts that have open episodes, in the
// order of their names.
func (m *memory) withEpisodes() []state.Ref {
	var rows []state.Ref
	for _, c := range m.colds.all {
		if c != nil && len(c.Episodes) > 0 {
			rows = append(rows, c.Row)
		}
	}
	slices.SortFunc(rows, func(a, b state.Ref) int {
		return strings.Compare(m.store.Accounts.Name(a), m.store.Accounts.Name(b))
	})
	return rows
}

// sortedKeys returns the keys of a map in their order.
func sortedKeys[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }
