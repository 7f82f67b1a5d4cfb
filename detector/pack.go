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

// widePeak is a day of peaks before snapshots of version 6.
type widePeak struct{ Day, Count int32 }

// pack gives what a snapshot of an older version holds its short heads and days.
func (m *memory) pack(version int) {
	accounts := m.store.Accounts
	accounts.Each(0, m.end(), func(row state.Ref) bool {
		for n := range m.slots {
			if cell := accounts.Slot(row, n); cell != 0 {
				accounts.SetSlot(row, n, m.packed(version, m.holds(n), cell))
			}
		}
		return true
	})
	m.eachCold(func(_ uint32, c *cold) {
		for _, k := range []slotKind{slotValues, slotPeaks} {
			for _, key := range slices.Sorted(maps.Keys(c.Groups[k])) {
				c.Groups[k][key] = m.packed(version, k, c.Groups[k][key])
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

// packed returns the cell in place of one of an older version.
func (m *memory) packed(version int, k slotKind, cell state.Ref) state.Ref {
	h := m.store.Heap
	switch {
	case k == slotValues && version < packedSnapshot:
		head, items := state.ReadList[wideHead, value](h, cell)
		return putPacked(h, cell, learned(int(head.Events), head.Since), items)
	case k == slotPeaks && version < packedSnapshot:
		head, items := state.ReadList[wideHead, widePeak](h, cell)
		return putPacked(h, cell, learned(int(head.Events), head.Since), shortPeaks(items))
	case k == slotPeaks:
		head, items := state.ReadList[peaksHead, widePeak](h, cell)
		return putPacked(h, cell, head, shortPeaks(items))
	}
	return cell
}

func shortPeaks(wide []widePeak) []baseline.Peak {
	out := make([]baseline.Peak, len(wide))
	for i, d := range wide {
		out[i] = baseline.PeakOf(int64(d.Day), int(d.Count))
	}
	return out
}

// putPacked puts the newest items that a short head can count in place of a cell.
func putPacked[T any](h *state.Heap, cell state.Ref, head valuesHead, items []T) state.Ref {
	r := state.PutList(h, 0, head, items[max(0, len(items)-maxItems):])
	h.Free(cell)
	return r
}
