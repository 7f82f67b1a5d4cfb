package detector

import (
	"slices"
	"testing"

	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/detector/window"
)

// TestWindowCells stores windows and takes them out, also those that a snapshot
// of version 3 holds, in which each event has a value.
func TestWindowCells(t *testing.T) {
	plain := []window.Event{{Time: 1, Key: 7}, {Time: 5, Key: 2}, {Time: 5, Key: 9}}
	valued := []window.Event{{Time: 1, Key: 7}, {Time: 5, Key: 2, Value: 3}}
	before := func(m *memory) state.Ref { return state.PutList(m.store.Heap, 0, windowHead{}, plain) }
	for _, row := range []struct {
		name string
		cell func(*memory) state.Ref
		put  []window.Event
		size int
	}{
		{"without values", func(*memory) state.Ref { return 0 }, plain, 8 + 3*16},
		{"with values", func(*memory) state.Ref { return 0 }, valued, 8 + 2*24},
		{"of version 3, without values from now on", before, append([]window.Event{{Time: 0, Key: 1}}, plain...), 8 + 3*24},
		{"of version 3, with values from now on", before, valued, 8 + 3*24},
		{"of which most is left empty", before, plain[:1], 8 + 16},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMemory(0)
			cell := row.cell(m)
			if cell != 0 && !slices.Equal(m.events(cell), plain) {
				t.Fatalf("it holds %v, want %v", m.events(cell), plain)
			}
			cell = m.putEvents(cell, row.put)
			if got := m.events(cell); !slices.Equal(got, row.put) || cap(got) == len(got) {
				t.Errorf("taken out: %v with room for %d, want %v and room for one more", got, cap(got)-len(got), row.put)
			}
			if size := m.store.Size(cell); size != row.size {
				t.Errorf("the cell has %d bytes, want %d", size, row.size)
			}
			first, _ := m.oldest(cell)
			if last := m.newest(cell); first != row.put[0].Time || last != row.put[len(row.put)-1].Time {
				t.Errorf("from %d to %d, want %v", first, last, row.put)
			}
			left := slices.DeleteFunc(slices.Clone(row.put), func(ev window.Event) bool { return ev.Time <= 1 })
			if n := m.advance(cell, 1); n != len(left) || !slices.Equal(m.events(cell), left) {
				t.Errorf("after 1 %d are left, %v, want %v", n, m.events(cell), left)
			}
		})
	}
}
