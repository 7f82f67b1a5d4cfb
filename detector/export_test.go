package detector

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/detector/window"
)

// WindowBytes returns how many windows accounts have of their own, and how many
// bytes the cells of these take.
func (e *Engine) WindowBytes() (windows, bytes int) {
	accounts := e.memory.store.Accounts
	accounts.Each(0, e.memory.end(), func(row state.Ref) bool {
		accounts.EachSlot(row, func(n int, cell state.Ref) {
			if e.memory.slots[n].Kind == slotWindow {
				windows++
				bytes += e.memory.store.Size(cell)
			}
		})
		return true
	})
	return windows, bytes
}

// Windows returns the events of every account's own windows, by account and
// slot, for tests.
func (e *Engine) Windows() map[string][]window.Event {
	out := map[string][]window.Event{}
	accounts := e.memory.store.Accounts
	accounts.Each(0, e.memory.end(), func(row state.Ref) bool {
		accounts.EachSlot(row, func(n int, cell state.Ref) {
			if s := e.memory.slots[n]; s.Kind == slotWindow {
				out[clone(accounts.Name(row))+" "+s.Key] = slices.Clone(e.memory.events(cell))
			}
		})
		return true
	})
	return out
}

// OlderSnapshot returns the snapshot that an engine of version 4 or 5 would have
// taken. This one is of no use any more.
func (e *Engine) OlderSnapshot(version int) ([]byte, error) {
	m := e.memory
	accounts := m.store.Accounts
	accounts.Each(0, m.end(), func(row state.Ref) bool {
		for n := range m.slots {
			if cell := accounts.Slot(row, n); cell != 0 {
				accounts.SetSlot(row, n, m.widened(version, m.holds(n), cell))
			}
		}
		return true
	})
	m.eachCold(func(_ uint32, c *cold) {
		for _, k := range []slotKind{slotValues, slotPeaks} {
			for key, cell := range c.Groups[k] {
				c.Groups[k][key] = m.widened(version, k, cell)
			}
		}
	})
	whole, err := e.Snapshot()
	return bytes.Replace(whole, []byte(`{"v":6`), fmt.Appendf(nil, `{"v":%d`, version), 1), err
}

func (m *memory) widened(version int, k slotKind, cell state.Ref) state.Ref {
	h := m.store.Heap
	r := cell
	switch k {
	case slotValues:
		head, items := state.ReadList[valuesHead, value](h, cell)
		if version < packedSnapshot {
			r = state.PutList(h, 0, wide(head), items)
		}
	case slotPeaks:
		head, days := state.ReadList[peaksHead, baseline.Peak](h, cell)
		items := make([]widePeak, len(days))
		for i, d := range days {
			items[i] = widePeak{int32(d.Day), int32(d.Count)}
		}
		if version < packedSnapshot {
			r = state.PutList(h, 0, wide(head), items)
		} else {
			r = state.PutList(h, 0, head, items)
		}
	case slotHabit, slotWindow, slotModel:
	}
	if r != cell {
		h.Free(cell)
	}
	return r
}

func wide(h valuesHead) wideHead { return wideHead{Events: uint32(h.Events()), Since: h.Since()} }

// Groups returns how many groups that are more than an account have learned values.
func (e *Engine) Groups() int {
	n := 0
	for _, c := range e.memory.colds.all {
		if c != nil {
			n += len(c.Groups[slotValues]) + len(c.Groups[slotPeaks])
		}
	}
	return n
}
