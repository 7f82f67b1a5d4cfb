package detector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unsafe"

	"github.com/picketd/picket/detector/approval"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/habit"
	"github.com/picketd/picket/detector/state"
)

// Fork returns an engine that knows of some accounts what e knows, and nothing
// of others but approvals. It shares with e what neither changes: what one is
// given from here on the other never sees. What came within DuplicateHorizon is
// not among it, so an activity that e has seen counts again.
func (e *Engine) Fork(accounts ...string) (*Engine, error) {
	f := NewEngine(e.partition, e.plan, EngineOptions{Ticked: e.ticked, Counting: e.counting, MaxAccounts: e.memory.limit})
	f.lateness, f.now, f.sweptAt, f.seq, f.replanned = e.lateness, e.now, e.sweptAt, e.seq, e.replanned
	f.blind = e.blind
	f.ledger = approval.Ledger{Entries: slices.Clone(e.ledger.Entries)}
	f.memory.now, f.memory.slots = e.memory.now, slices.Clone(e.memory.slots)
	for k := range e.memory.by {
		maps.Copy(f.memory.by[k], e.memory.by[k])
	}
	for _, name := range accounts {
		name = baseline.Shorten(name)
		row := e.memory.store.Accounts.Find(name)
		if row == 0 || f.memory.store.Accounts.Find(name) != 0 {
			continue
		}
		if err := f.memory.adopt(e.memory, row, name); err != nil {
			return nil, fmt.Errorf("fork %s: %w", name, err)
		}
	}
	f.derive()
	f.crowds = cloneCrowds(e.crowds)
	for _, p := range e.pending {
		if slices.Contains(accounts, p.Activity.Account) {
			one := &pending{}
			if err := copyOf(p, one); err != nil {
				return nil, fmt.Errorf("fork %s: %w", p.Activity.Account, err)
			}
			f.pending = append(f.pending, one)
		}
	}
	return f, nil
}

// adopt copies what another memory, whose slots are the same, has of an account.
func (m *memory) adopt(from *memory, row state.Ref, name string) error {
	own := m.store.Accounts.Add(name)
	was := state.Read[state.Row](from.store.Heap, row)
	state.Edit[state.Row](m.store.Heap, own).Touched = was.Touched
	from.store.Accounts.EachSlot(row, func(n int, cell state.Ref) {
		m.store.Accounts.SetSlot(own, n, m.copyCell(from, from.listOf(n), cell))
	})
	if was.Cold == 0 {
		return nil
	}
	c := &cold{}
	if err := copyOf(from.colds.all[was.Cold], c); err != nil {
		return err
	}
	c.Row = own
	for k := range c.Groups {
		for _, key := range sortedKeys(c.Groups[k]) {
			kind := noTexts
			if slotKind(k) == slotValues {
				kind = valueTexts
			}
			c.Groups[k][key] = m.copyCell(from, kind, c.Groups[k][key])
		}
	}
	n := m.colds.add(c)
	state.Edit[state.Row](m.store.Heap, own).Cold = n
	return nil
}

// texts says where a cell refers to texts, which each memory numbers for itself.
type texts uint8

const (
	noTexts    texts = iota
	valueTexts       // a list of values
	kindTexts        // a list of kinds of activity
)

// listOf says what the cells of a slot refer to.
func (m *memory) listOf(n int) texts {
	switch {
	case m.holds(n) == slotValues:
		return valueTexts
	case n == habitSeen:
		return kindTexts
	}
	return noTexts
}

// copyCell returns a copy of another memory's cell.
func (m *memory) copyCell(from *memory, refers texts, cell state.Ref) state.Ref {
	h := m.store.Heap
	size := from.store.Size(cell)
	own := h.Alloc(size)
	copy(unsafe.Slice((*byte)(h.Mut(own)), size), unsafe.Slice((*byte)(from.store.At(cell)), size))
	again := func(id state.TextID) state.TextID { return m.store.Texts.Hold(from.store.Texts.Text(id)) }
	switch refers {
	case valueTexts:
		_, list := state.EditList[valuesHead, value](h, own)
		for i := range list {
			list[i].Text = again(list[i].Text)
		}
	case kindTexts:
		_, list := state.EditList[seenHead, habit.SeenKind](h, own)
		for i := range list {
			list[i].Kind = again(list[i].Kind)
		}
	case noTexts:
	}
	return own
}

// copyOf copies what is remembered by way of its stored form, which is what a
// restart would find.
func copyOf[T any](from, to *T) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
