package detector

import (
	"bytes"
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

// WideSnapshot returns the snapshot that a version before the short heads of
// learned values would have taken. The engine is of no use any more.
func (e *Engine) WideSnapshot() ([]byte, error) {
	m := e.memory
	accounts := m.store.Accounts
	accounts.Each(0, m.end(), func(row state.Ref) bool {
		for n := range m.slots {
			if cell := accounts.Slot(row, n); cell != 0 {
				accounts.SetSlot(row, n, m.widened(m.holds(n), cell))
			}
		}
		return true
	})
	m.eachCold(func(_ uint32, c *cold) {
		for _, k := range []slotKind{slotValues, slotPeaks} {
			for key, cell := range c.Groups[k] {
				c.Groups[k][key] = m.widened(k, cell)
			}
		}
	})
	whole, err := e.Snapshot()
	return bytes.Replace(whole, []byte(`{"v":5`), []byte(`{"v":4`), 1), err
}

func (m *memory) widened(k slotKind, cell state.Ref) state.Ref {
	switch k {
	case slotValues:
		return widen[value](m.store.Heap, cell)
	case slotPeaks:
		return widen[baseline.Peak](m.store.Heap, cell)
	case slotHabit, slotWindow, slotModel:
	}
	return cell
}

func widen[T any](h *state.Heap, cell state.Ref) state.Ref {
	head, items := state.ReadList[valuesHead, T](h, cell)
	r := state.PutList(h, 0, wideHead{Events: uint32(head.Events()), Since: head.Since()}, items)
	h.Free(cell)
	return r
}

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
