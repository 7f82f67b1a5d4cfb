package state

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

type head struct {
	N    uint32
	Mark uint32
}

func (h head) Items() int          { return int(h.N) }
func (h head) With(items int) head { return head{uint32(items), h.Mark} }

// TestLists compares lists that grow, shrink and go with slices, over random
// operations.
func TestLists(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := New()
	const lists = 40
	var cells [lists]Ref
	var want [lists][]uint64
	for step := range 20_000 {
		i := rng.IntN(lists)
		h, items := EditList[head, uint64](s.Heap, cells[i])
		if !slices.Equal(items, want[i]) || cells[i] != 0 && h.Mark != uint32(i) {
			t.Fatalf("step %d: list %d holds %d items with mark %d, want %d", step, i, len(items), h.Mark, len(want[i]))
		}
		switch rng.IntN(10) {
		case 0:
			s.Free(cells[i])
			cells[i], want[i] = 0, nil
			continue
		case 1:
			items, want[i] = items[:len(items)/5], want[i][:len(want[i])/5]
		default:
			at, v := rng.IntN(len(items)+1), rng.Uint64()
			for range 1 + rng.IntN(12) {
				items, want[i] = slices.Insert(items, at, v), slices.Insert(want[i], at, v)
			}
		}
		cells[i] = PutList(s.Heap, cells[i], head{Mark: uint32(i)}, items)
	}
	for _, r := range cells {
		s.Free(r)
	}
	if n := s.Bytes(); n != 0 {
		t.Errorf("%d bytes are taken by nothing", n)
	}
}

// TestCellsAreZero holds that a cell begins anew, whoever had it before.
func TestCellsAreZero(t *testing.T) {
	s := New()
	for _, size := range []int{1, 8, 24, 100, 260, 5000, MaxCell} {
		r := s.Alloc(size)
		if got := s.Size(r); got < size || got > 8+size+size/7 {
			t.Errorf("a cell for %d bytes has %d", size, got)
		}
		for i := range s.Size(r) / 8 {
			*Edit[uint64](s.Heap, r+Ref(i)) = ^uint64(0)
		}
		s.Free(r)
		if again := s.Alloc(size); again != r {
			t.Errorf("a free cell of %d bytes is not used again", size)
		}
		for i := range s.Size(r) / 8 {
			if *Read[uint64](s.Heap, r+Ref(i)) != 0 {
				t.Fatalf("word %d of a cell of %d bytes is not zero", i, size)
			}
		}
	}
}

func TestTexts(t *testing.T) {
	s := New()
	rng := rand.New(rand.NewPCG(3, 4))
	held := map[string]int{}
	ids := map[string]TextID{}
	name := func() string { return strings.Repeat("é", rng.IntN(30)) + fmt.Sprint(rng.IntN(300)) }
	for range 30_000 {
		v := name()
		if rng.IntN(2) == 0 {
			ids[v] = s.Texts.Hold(v)
			held[v]++
		} else if held[v] > 0 {
			s.Texts.Release(ids[v])
			if held[v]--; held[v] == 0 {
				delete(held, v)
			}
		}
		if got := s.Texts.Find(v); (got != 0) != (held[v] > 0) || got != 0 && s.Texts.Text(got) != v {
			t.Fatalf("text %q is %d, held %d times", v, got, held[v])
		}
	}
	if s.Texts.Len() != len(held) {
		t.Errorf("%d texts are kept, want %d", s.Texts.Len(), len(held))
	}
	if id := s.Texts.Hold(""); s.Texts.Text(id) != "" || s.Texts.Find("") != id {
		t.Error("the empty text is not kept")
	}
}

// TestNamesOfOneHash holds that accounts stay apart whatever their names hash
// to, and are found over growth and deletion.
func TestNamesOfOneHash(t *testing.T) {
	for _, row := range []struct {
		name string
		hash func(string) uint32
	}{
		{"one hash for all", func(string) uint32 { return 1<<32 - 1 }},
		{"few hashes", func(s string) uint32 { return uint32(len(s)) << 28 }},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New()
			s.Accounts.hash = row.hash
			rng := rand.New(rand.NewPCG(5, 6))
			rows := map[string]Ref{}
			for range 4000 {
				name := "x/" + strings.Repeat("a", rng.IntN(40)) + fmt.Sprint(rng.IntN(20))
				r := s.Accounts.Find(name)
				if r != rows[name] {
					t.Fatalf("%s stands in row %d, want %d", name, r, rows[name])
				}
				if r == 0 {
					rows[name] = s.Accounts.Add(name)
				} else if rng.IntN(2) == 0 {
					s.Accounts.Delete(r)
					delete(rows, name)
				}
			}
			if s.Accounts.Len() != len(rows) {
				t.Errorf("%d accounts, want %d", s.Accounts.Len(), len(rows))
			}
			names := slices.Sorted(maps.Keys(rows))
			for i, r := range s.Accounts.Touch(func(i int) string { return names[i] }, len(names), nil) {
				if r != rows[names[i]] || s.Accounts.Name(r) != names[i] {
					t.Errorf("%s is touched in row %d, want %d", names[i], r, rows[names[i]])
				}
			}
		})
	}
}

func TestSlots(t *testing.T) {
	s := New()
	r := s.Accounts.Add("x/acme")
	want := map[int]Ref{}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 2000 {
		n := rng.IntN(60)
		cell := Ref(rng.IntN(3))
		s.Accounts.SetSlot(r, n, cell)
		if want[n] = cell; cell == 0 {
			delete(want, n)
		}
		got := map[int]Ref{}
		s.Accounts.EachSlot(r, func(n int, cell Ref) { got[n] = cell })
		if !maps.Equal(got, want) || s.Accounts.Slot(r, n) != cell {
			t.Fatalf("slots %v, want %v", got, want)
		}
	}
}

// life changes a store at random.
type life struct {
	s    *Store
	rng  *rand.Rand
	rows []Ref
}

func (l *life) change() {
	switch n := l.rng.IntN(10); {
	case n < 2 || len(l.rows) == 0:
		if name := fmt.Sprint("x/", l.rng.IntN(1<<20), strings.Repeat("y", l.rng.IntN(40))); l.s.Accounts.Find(name) == 0 {
			l.rows = append(l.rows, l.s.Accounts.Add(name))
		}
	case n == 2:
		i := l.rng.IntN(len(l.rows))
		l.s.Accounts.EachSlot(l.rows[i], func(_ int, cell Ref) { l.s.Free(cell) })
		l.s.Accounts.Delete(l.rows[i])
		l.rows = slices.Delete(l.rows, i, i+1)
	default:
		r, slot := l.rows[l.rng.IntN(len(l.rows))], l.rng.IntN(5)
		cell := l.s.Accounts.Slot(r, slot)
		h, items := EditList[head, uint64](l.s.Heap, cell)
		items = append(items, l.rng.Uint64())
		l.s.Accounts.SetSlot(r, slot, PutList(l.s.Heap, cell, h, items))
		l.s.Texts.Hold(fmt.Sprint(l.rng.IntN(400)))
	}
}

// dump is what a store holds, in words.
func dump(s *Store) string {
	var b strings.Builder
	s.Accounts.Each(0, uint32(s.Pages()+1), func(r Ref) bool {
		fmt.Fprintf(&b, "%d %s", r, s.Accounts.Name(r))
		s.Accounts.EachSlot(r, func(n int, cell Ref) {
			_, items := ReadList[head, uint64](s.Heap, cell)
			fmt.Fprint(&b, " ", n, items)
		})
		b.WriteByte('\n')
		return true
	})
	fmt.Fprintf(&b, "%d accounts, %d texts, %d bytes\n", s.Accounts.Len(), s.Texts.Len(), s.Bytes())
	for i := range 400 {
		fmt.Fprint(&b, s.Texts.Find(fmt.Sprint(i)), " ")
	}
	return b.String()
}

// TestImages takes a whole image and increments after it, each in small steps
// while the store changes, and holds that every one of them is the moment at
// which it began, and that the store which is made of it goes on as the other
// one does.
func TestImages(t *testing.T) {
	for seed := range uint64(8) {
		l := &life{s: New(), rng: rand.New(rand.NewPCG(seed, 9))}
		var pieces [][]byte
		for n := range 6 {
			for range 300 {
				l.change()
			}
			want := dump(l.s)
			im := l.s.Image(n == 0)
			root := im.Root()
			for done := false; !done; {
				var p []byte
				p, done = im.Step(nil, 4096+l.rng.IntN(20_000))
				pieces = append(pieces, p)
				for range l.rng.IntN(5) {
					l.change()
				}
			}
			back := New()
			for _, p := range pieces {
				if err := back.Load(p); err != nil {
					t.Fatal(err)
				}
			}
			if err := back.Finish(root); err != nil {
				t.Fatal(err)
			}
			if got := dump(back); got != want {
				t.Fatalf("seed %d, image %d: it is not the moment at which it began", seed, n)
			}
			goOn(t, back, want)
		}
	}
}

// goOn changes a restored store and another one that is restored from it, and
// holds that they stay equal.
func goOn(t *testing.T, s *Store, want string) {
	t.Helper()
	im := s.Image(true)
	p, _ := im.Step(nil, 1<<30)
	other := New()
	if err := errors.Join(other.Load(p), other.Finish(im.Root())); err != nil {
		t.Fatal(err)
	}
	if dump(other) != want {
		t.Fatal("an image of a restored store is another one")
	}
	var lives [2]*life
	for i, s := range []*Store{s, other} {
		lives[i] = &life{s: s, rng: rand.New(rand.NewPCG(11, 12))}
		s.Accounts.Each(0, uint32(s.Pages()+1), func(r Ref) bool { lives[i].rows = append(lives[i].rows, r); return true })
		for range 300 {
			lives[i].change()
		}
	}
	if dump(s) != dump(other) {
		t.Fatal("two stores of one image go on differently")
	}
}

// TestLoadRefuses gives pieces and roots that are damaged: an error, no panic.
func TestLoadRefuses(t *testing.T) {
	l := &life{s: New(), rng: rand.New(rand.NewPCG(1, 1))}
	for range 100 {
		l.change()
	}
	im := l.s.Image(true)
	pieces, _ := im.Step(nil, 1<<30)
	page := func(change func([]byte)) []byte {
		p := slices.Clone(pieces)
		change(p)
		return p
	}
	for _, row := range []struct {
		name   string
		pieces []byte
		root   []byte
	}{
		{"half a head", pieces[:9], im.Root()},
		{"half a page", pieces[:5000], im.Root()},
		{"page 0", page(func(p []byte) { clear(p[:4]) }), im.Root()},
		{"a page beyond all", page(func(p []byte) { p[3] = 0xff }), im.Root()},
		{"a class that there is not", page(func(p []byte) { p[4], p[5] = 0xff, 0xff }), im.Root()},
		{"more blocks than the page", page(func(p []byte) { p[15] = 0xff }), im.Root()},
		{"no root", pieces, nil},
		{"a root of another byte order", pieces, append([]byte{0, 0, 0, 1}, im.Root()[4:]...)},
		{"pages missing", nil, im.Root()},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New()
			err := s.Load(row.pieces)
			if err == nil {
				err = s.Finish(row.root)
			}
			if !errors.Is(err, ErrImage) {
				t.Errorf("error %v, want ErrImage", err)
			}
		})
	}
}

// TestTouchAndFetch holds that Touch finds what Find does, also names that nobody
// has, and that Fetch may be asked for accounts which are gone by then.
func TestTouchAndFetch(t *testing.T) {
	s := New()
	rng := rand.New(rand.NewPCG(7, 8))
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("x/%d", i))
		if i%3 == 0 {
			continue // nobody has it
		}
		r := s.Accounts.Add(names[i])
		for n := range rng.IntN(20) {
			s.Accounts.SetSlot(r, n, s.Alloc(8+rng.IntN(700)))
		}
	}
	rows := s.Accounts.Touch(func(i int) string { return names[i] }, len(names), nil)
	for i, r := range rows {
		if r != s.Accounts.Find(names[i]) || (r == 0) != (i%3 == 0) {
			t.Fatalf("%s stands in row %d, Find says %d", names[i], r, s.Accounts.Find(names[i]))
		}
	}
	for i, r := range rows {
		if r != 0 && i%2 == 0 {
			s.Accounts.EachSlot(r, func(_ int, cell Ref) { s.Free(cell) })
			s.Accounts.Delete(r)
		}
		if i%5 == 0 {
			s.Alloc(8 + rng.IntN(100)) // takes what was freed
		}
	}
	for _, r := range rows {
		s.Accounts.Fetch(r)
	}
}

// TestEachAhead holds that accounts are visited as by Each, up to where it is
// stopped, also where each is deleted by whoever is called with it.
func TestEachAhead(t *testing.T) {
	const some = 3*eachAtOnce + 5
	s := New()
	for i := range some {
		r := s.Accounts.Add(fmt.Sprint("x/", i))
		if i%3 != 0 {
			s.Accounts.SetSlot(r, 1, s.Alloc(40))
		}
	}
	end := uint32(s.Pages() + 1)
	var want []Ref
	s.Accounts.Each(0, end, func(r Ref) bool { want = append(want, r); return true })
	for _, stop := range []int{1, eachAtOnce, eachAtOnce + 1, some} {
		var got []Ref
		s.Accounts.EachAhead(0, end, func(slot int) bool { return slot == 1 }, func(r Ref) bool {
			got = append(got, r)
			return len(got) < stop
		})
		if !slices.Equal(got, want[:stop]) {
			t.Errorf("stopped after %d: %d accounts visited, or not in order", stop, len(got))
		}
	}
	s.Accounts.EachAhead(0, end, func(int) bool { return true }, func(r Ref) bool {
		s.Free(s.Accounts.Slot(r, 1))
		s.Accounts.Delete(r)
		return true
	})
	if n := s.Accounts.Len(); n != 0 {
		t.Errorf("%d accounts are left", n)
	}
}
