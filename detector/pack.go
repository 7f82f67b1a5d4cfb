package detector

import (
	"maps"
	"slices"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/state"
)

// wideHead is how learned values and peaks began before snapshots of version 5.
type wideHead struct {
	N      uint32
	Events uint32
	Since  int64
}

// Items implements state.Head.
func (h wideHead) Items() int { return int(h.N) }

// With implements state.Head.
func (h wideHead) With(items int) wideHead { return wideHead{uint32(items), h.Events, h.Since} }

// pack gives what an older snapshot holds its short heads.
func (m *memory) pack() {
	accounts := m.store.Accounts
	accounts.Each(0, m.end(), func(row state.Ref) bool {
		for n := range m.slots {
			if cell := accounts.Slot(row, n); cell != 0 {
				accounts.SetSlot(row, n, m.packed(m.holds(n), cell))
			}
		}
		return true
	})
	m.eachCold(func(_ uint32, c *cold) {
		for _, k := range []slotKind{slotValues, slotPeaks} {
			for _, key := range slices.Sorted(maps.Keys(c.Groups[k])) {
				c.Groups[k][key] = m.packed(k, c.Groups[k][key])
			}
		}
	})
}

// holds returns the kind of what a slot holds: some habits are learned values.
func (m *memory) holds(n int) slotKind {
	if n == habitDomains || n == habitTodayDomains || n == habitCountries || n == habitDevices {
		return slotValues
	}
	return m.slots[n].Kind
}

// packed returns the cell in place of one with a wide head.
func (m *memory) packed(k slotKind, cell state.Ref) state.Ref {
	switch k {
	case slotValues:
		return packList[value](m.store.Heap, cell)
	case slotPeaks:
		return packList[baseline.Peak](m.store.Heap, cell)
	case slotHabit, slotWindow, slotModel:
	}
	return cell
}

func packList[T any](h *state.Heap, cell state.Ref) state.Ref {
	head, items := state.ReadList[wideHead, T](h, cell)
	items = items[max(0, len(items)-maxItems):]
	r := state.PutList(h, 0, learned(int(head.Events), head.Since), items)
	h.Free(cell)
	return r
}
