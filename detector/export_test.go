package detector

import (
	"slices"

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
