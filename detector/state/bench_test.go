package state

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

var (
	benchAccounts = flag.Int("accounts", 100_000, "accounts of the benchmark of the layout")
	benchBytes    = flag.Int("bytes", 1190, "bytes of an account in the benchmark of the layout, with its row")
)

// BenchmarkLayout is the yardstick of the detector's updates: what memory of this
// size and shape costs by itself. For accounts in random order, 100 a message,
// it finds the account by its name and changes a word in each cache line of what
// is kept of it, in one cell. "touched" asks for the lines of a message's
// accounts ahead of their turn, as the engine does; "one by one" does not.
func BenchmarkLayout(b *testing.B) {
	s := New()
	names, rng := make([]string, *benchAccounts), rand.New(rand.NewPCG(1, 2))
	for i := range names {
		names[i] = fmt.Sprintf("x/load-%07d", i)
		row := s.Accounts.Add(names[i])
		s.Accounts.SetSlot(row, 0, s.Alloc(*benchBytes-int(unsafe.Sizeof(Row{}))-slotRoom(1)))
	}
	const message, ahead = 100, 4
	order := make([]string, message*3000)
	for i := range order {
		order[i] = names[rng.IntN(len(names))]
	}
	change := func(row Ref) {
		cell := s.Accounts.Slot(row, 0)
		at, words := s.Mut(cell), s.Size(cell)/unit
		for w := range unsafe.Slice((*[8]uint64)(at), words/8) {
			unsafe.Slice((*[8]uint64)(at), words/8)[w][0]++
		}
	}
	b.Run("touched", func(b *testing.B) {
		var rows []Ref
		for i := 0; i < b.N; i += message {
			from := i % len(order)
			rows = s.Accounts.Touch(func(k int) string { return order[from+k] }, message, rows[:0])
			for k, row := range rows {
				if k+ahead < len(rows) {
					s.Accounts.Fetch(rows[k+ahead])
				}
				change(row)
			}
		}
	})
	b.Run("one by one", func(b *testing.B) {
		for i := range b.N {
			change(s.Accounts.Find(order[i%len(order)]))
		}
	})
}
