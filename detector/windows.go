package detector

import (
	"unsafe"

	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/detector/window"
)

// How windows stand in cells. The events of most have no value, since their rule
// counts activities, and then none is kept: there may be a window for each
// account and address.

// windowHead begins the events of a window.
type windowHead struct {
	N    uint32
	Bare uint32 // 1: they are bareEvents; 0: window.Events, as before snapshots of version 4
}

// Items implements state.Head.
func (h windowHead) Items() int { return int(h.N) }

// With implements state.Head.
func (h windowHead) With(items int) windowHead { return windowHead{uint32(items), h.Bare} }

// bareEvent is a window.Event whose value is 0.
type bareEvent struct {
	Time int64
	Key  uint64
}

// windowState is one counting rule's memory of one group, taken out.
type windowState struct {
	window.Sliding
	st         *accountState
	cell       state.Ref
	key, group string
}

// window takes out the window that is kept under a rule's key and a group.
func (e *Engine) window(st *accountState, stateKey, group string) windowState {
	w := windowState{st: st, key: stateKey, group: group, cell: st.ref(slotWindow, stateKey, group)}
	w.Events = st.m.events(w.cell)
	return w
}

// events takes out the events in a cell, with room for one more. They are good
// until others are taken out.
func (m *memory) events(cell state.Ref) []window.Event {
	if cell != 0 && state.Read[windowHead](m.store.Heap, cell).Bare != 0 {
		_, bare := state.ReadList[windowHead, bareEvent](m.store.Heap, cell)
		out := m.room.events[:0]
		for _, ev := range bare {
			out = append(out, window.Event{Time: ev.Time, Key: ev.Key})
		}
		m.room.events = withRoom(out, &m.room.events)
		return m.room.events
	}
	_, events := state.EditList[windowHead, window.Event](m.store.Heap, cell)
	return withRoom(events, &m.room.events)
}

// put puts a window back.
func (w *windowState) put() {
	if w.cell == 0 && len(w.Events) == 0 {
		return
	}
	if w.cell == 0 && w.group != "" {
		w.st.makeRoom(slotWindow, w.key, w.st.m.newest)
	}
	cell := w.st.m.putEvents(w.cell, w.Events)
	if cell != w.cell {
		w.st.set(slotWindow, w.key, w.group, cell)
	}
	w.cell = cell
}

// putEvents stores events in a cell that they were taken out of, or another one.
// A cell of which most is empty is given back.
func (m *memory) putEvents(cell state.Ref, events []window.Event) state.Ref {
	h, bare := m.store.Heap, m.room.bare[:0]
	for _, ev := range events {
		if ev.Value != 0 {
			return state.PutList(h, cell, windowHead{}, events)
		}
		bare = append(bare, bareEvent{ev.Time, ev.Key})
	}
	m.room.bare = bare
	need := int(unsafe.Sizeof(windowHead{})) + len(bare)*int(unsafe.Sizeof(bareEvent{}))
	if cell != 0 && h.Size(cell) > 2*need {
		h.Free(cell)
		cell = 0
	}
	return state.PutList(h, cell, windowHead{Bare: 1}, bare)
}

// newest is the time of a window's newest event.
func (m *memory) newest(cell state.Ref) int64 {
	if state.Read[windowHead](m.store.Heap, cell).Bare != 0 {
		if _, bare := state.ReadList[windowHead, bareEvent](m.store.Heap, cell); len(bare) > 0 {
			return bare[len(bare)-1].Time
		}
		return 0
	}
	if _, events := state.ReadList[windowHead, window.Event](m.store.Heap, cell); len(events) > 0 {
		return events[len(events)-1].Time
	}
	return 0
}

// oldest is the time of a window's oldest event, and whether it has one.
func (m *memory) oldest(cell state.Ref) (int64, bool) {
	if state.Read[windowHead](m.store.Heap, cell).Bare != 0 {
		_, bare := state.ReadList[windowHead, bareEvent](m.store.Heap, cell)
		if len(bare) == 0 {
			return 0, false
		}
		return bare[0].Time, true
	}
	_, events := state.ReadList[windowHead, window.Event](m.store.Heap, cell)
	if len(events) == 0 {
		return 0, false
	}
	return events[0].Time, true
}

// passed drops the events of a window that are not after a time, and reports
// whether nothing is left.
func (m *memory) passed(cell state.Ref, until int64) bool {
	if oldest, some := m.oldest(cell); some && oldest > until {
		return false
	}
	return m.advance(cell, until) == 0
}

// advance drops the events of a window that are not after a time, in their cell,
// and returns how many are left.
func (m *memory) advance(cell state.Ref, until int64) int {
	if state.Read[windowHead](m.store.Heap, cell).Bare != 0 {
		return dropFirst(m.store.Heap, cell, func(ev *bareEvent) bool { return ev.Time <= until })
	}
	return dropFirst(m.store.Heap, cell, func(ev *window.Event) bool { return ev.Time <= until })
}

// dropFirst drops the first items of a window's cell that are old.
func dropFirst[T any](h *state.Heap, cell state.Ref, old func(*T) bool) int {
	head, items := state.EditList[windowHead, T](h, cell)
	n := 0
	for n < len(items) && old(&items[n]) {
		n++
	}
	left := copy(items, items[n:])
	clear(items[left:])
	head.N = uint32(left)
	*state.Edit[windowHead](h, cell) = head
	return left
}
