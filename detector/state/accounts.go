package state

import (
	"hash/maphash"
	"unsafe"
)

// inlineName is how long a name may be to stand in its row.
const inlineName = 24

// Row is what every account has.
type Row struct {
	// Touched is when the account was last heard of, in log time, Unix seconds.
	Touched uint32
	name    uint16 // length of the name, never 0; see Heap.taken
	count   uint16 // slots
	slots   Ref    // their list; see slotBytes
	Cold    uint32 // what else the caller keeps of the account, 0 for nothing
	text    [inlineName]byte
}

// slotBytes are what one slot takes: a list of them holds, for as many as fit,
// first the cells and then the slots' numbers.
const slotBytes = int(unsafe.Sizeof(Ref(0)) + unsafe.Sizeof(uint16(0)))

// leastIndex is how many places an index has at least.
const leastIndex = 64

// entry of the index: an account and the hash of its name. Entries stand at the
// place that the hash says, as a fraction of all places, or after it.
type entry struct {
	row Ref
	tag uint32
}

// Accounts finds the row of an account by its name. Names are compared whole:
// accounts whose names have one hash stay apart.
type Accounts struct {
	h     *Heap
	hash  func(string) uint32
	index []entry // open addressing
	n     int
	tags  []uint32 // of the names that are touched
}

func newAccounts(h *Heap) *Accounts {
	seed := maphash.MakeSeed() // whoever chooses names cannot choose hashes; no order depends on it
	a := &Accounts{h: h, hash: func(s string) uint32 { return uint32(maphash.String(seed, s) >> 32) }}
	a.size(leastIndex)
	return a
}

func (a *Accounts) size(n int) { a.index = hugely[entry](n) }

// home is the place that a hash says.
func (a *Accounts) home(tag uint32) int { return int(uint64(tag) * uint64(len(a.index)) >> 32) }

// after is the place after another one.
func (a *Accounts) after(at int) int {
	if at++; at == len(a.index) {
		return 0
	}
	return at
}

// past is how far a place is behind another one.
func (a *Accounts) past(from, at int) int {
	if at -= from; at < 0 {
		at += len(a.index)
	}
	return at
}

// room returns how many places an index of some has to have for n accounts: more by
// a quarter, and so again, until four of five suffice.
func room(size, n int) int {
	for n*5 > size*4 {
		size += size / 4
	}
	return size
}

// Len returns the number of accounts.
func (a *Accounts) Len() int { return a.n }

// Name returns an account's name. It is a view of the heap, to be cloned by
// whoever keeps it longer than the account.
func (a *Accounts) Name(r Ref) string {
	p := Read[Row](a.h, r)
	if p.name > inlineName {
		return unsafe.String((*byte)(a.h.At(*(*Ref)(unsafe.Pointer(&p.text)))), int(p.name))
	}
	return unsafe.String(&p.text[0], int(p.name))
}

// Find returns the row of an account, 0 where there is none.
func (a *Accounts) Find(name string) Ref {
	r, _ := a.find(name, a.hash(name))
	return r
}

func (a *Accounts) find(name string, tag uint32) (r Ref, at int) {
	for at = a.home(tag); ; at = a.after(at) {
		e := a.index[at]
		if e.row == 0 || e.tag == tag && a.Name(e.row) == name {
			return e.row, at
		}
	}
}

// Add makes a row for an account that has none, touched at no time.
func (a *Accounts) Add(name string) Ref {
	tag := a.hash(name)
	_, at := a.find(name, tag)
	r := a.h.alloc(row, int(unsafe.Sizeof(Row{})))
	p := Edit[Row](a.h, r)
	p.name = uint16(len(name))
	if len(name) > inlineName {
		long := a.h.Alloc(len(name))
		copy(unsafe.Slice((*byte)(a.h.Mut(long)), len(name)), name)
		*(*Ref)(unsafe.Pointer(&p.text)) = long
	} else {
		copy(p.text[:], name)
	}
	a.index[at] = entry{r, tag}
	a.n++
	if size := room(len(a.index), a.n); size != len(a.index) {
		a.grow(size)
	}
	return r
}

// Delete drops an account's row and the list of its slots; the cells that these
// refer to are the caller's to free.
func (a *Accounts) Delete(r Ref) {
	name := a.Name(r)
	_, at := a.find(name, a.hash(name))
	for next := a.after(at); a.index[next].row != 0; next = a.after(next) {
		if a.past(a.home(a.index[next].tag), next) >= a.past(at, next) {
			a.index[at], at = a.index[next], next
		}
	}
	a.index[at] = entry{}
	a.n--
	p := Read[Row](a.h, r)
	if p.name > inlineName {
		a.h.Free(*(*Ref)(unsafe.Pointer(&p.text)))
	}
	a.h.Free(p.slots)
	a.h.Free(r)
}

func (a *Accounts) grow(size int) {
	old := a.index
	a.size(size)
	for _, e := range old {
		if e.row != 0 {
			a.put(e)
		}
	}
}

func (a *Accounts) put(e entry) {
	at := a.home(e.tag)
	for a.index[at].row != 0 {
		at = a.after(at)
	}
	a.index[at] = e
}

// Touch finds the rows of n names and appends them to rows, 0 for an account that
// there is not. The waits for memory overlap instead of following each other.
func (a *Accounts) Touch(name func(i int) string, n int, rows []Ref) []Ref {
	a.tags = a.tags[:0]
	for i := range n {
		tag := a.hash(name(i))
		a.tags = append(a.tags, tag)
		Fetch(unsafe.Pointer(&a.index[a.home(tag)]), 1)
	}
	for _, tag := range a.tags {
		if r := a.index[a.home(tag)].row; r != 0 {
			a.h.fetch(r)
		}
	}
	for i, tag := range a.tags {
		r, _ := a.find(name(i), tag)
		if rows = append(rows, r); r != 0 {
			if s := Read[Row](a.h, r).slots; s != 0 {
				a.h.fetch(s)
			}
		}
	}
	return rows
}

// Fetch begins to bring the cells of a row that Touch found nearer to the
// processor. The account may be gone by now.
func (a *Accounts) Fetch(r Ref) {
	if r == 0 {
		return
	}
	cells, _ := a.slots(Read[Row](a.h, r))
	for _, c := range cells {
		a.h.fetch(c)
	}
}

// slots returns an account's cells and the numbers of their slots.
func (a *Accounts) slots(p *Row) ([]Ref, []uint16) {
	if p.slots == 0 {
		return nil, nil
	}
	at, room := a.h.At(p.slots), a.h.Size(p.slots)/slotBytes
	return unsafe.Slice((*Ref)(at), room)[:p.count],
		unsafe.Slice((*uint16)(unsafe.Add(at, room*int(unsafe.Sizeof(Ref(0))))), room)[:p.count]
}

// Slot returns the cell that an account has in a slot, 0 for none.
func (a *Accounts) Slot(r Ref, slot int) Ref {
	refs, numbers := a.slots(Read[Row](a.h, r))
	for i, n := range numbers {
		if int(n) == slot {
			return refs[i]
		}
	}
	return 0
}

// Cells returns the cells of an account by the numbers of their slots, 0 where it
// has none, in room that is used again.
func (a *Accounts) Cells(r Ref, room []Ref) []Ref {
	clear(room)
	refs, numbers := a.slots(Read[Row](a.h, r))
	for i, n := range numbers {
		for int(n) >= len(room) {
			room = append(room, 0)
		}
		room[n] = refs[i]
	}
	return room
}

// SetSlot puts a cell in a slot, or with 0 nothing.
func (a *Accounts) SetSlot(r Ref, slot int, cell Ref) {
	p := Edit[Row](a.h, r)
	refs, numbers := a.slots(p)
	if p.slots != 0 {
		a.h.mark(p.slots)
	}
	for i, n := range numbers {
		if int(n) != slot {
			continue
		}
		if refs[i] = cell; cell == 0 {
			last := len(refs) - 1
			refs[i], numbers[i] = refs[last], numbers[last]
			refs[last], numbers[last] = 0, 0
			p.count--
		}
		return
	}
	if cell == 0 {
		return
	}
	if p.slots == 0 || len(refs) == a.h.Size(p.slots)/slotBytes {
		old := p.slots
		p.slots = a.h.Alloc(slotRoom(len(refs) + 1))
		a.h.mark(p.slots)
		r, n := a.slots(p)
		copy(r, refs)
		copy(n, numbers)
		a.h.Free(old)
	}
	p.count++
	refs, numbers = a.slots(p)
	refs[p.count-1], numbers[p.count-1] = cell, uint16(slot)
}

// slotRoom returns how large a list of slots is made for n of them. Lists of
// accounts that are filled side by side leave cells of every size behind that they
// had on the way: they have few sizes, the first ones those of many models.
func slotRoom(n int) int {
	switch {
	case n <= 4:
		return 24
	case n == 5:
		return 32
	case n <= 17: // what posts and logins leave with the built-in rules
		return 104
	}
	return n * slotBytes
}

// EachSlot calls each with every slot of an account and its cell, in an order
// that depends on nothing but what was done to the account.
func (a *Accounts) EachSlot(r Ref, each func(slot int, cell Ref)) {
	refs, numbers := a.slots(Read[Row](a.h, r))
	for i := range refs {
		each(int(numbers[i]), refs[i])
	}
}

// Each calls each with the row of every account on pages from to to, exclusive,
// in their order, until it returns false. It may delete the account that it is
// called with.
func (a *Accounts) Each(from, to uint32, each func(Ref) bool) {
	more := true
	a.h.cells(row, from, to, func(r Ref) {
		if more && a.h.taken(r) {
			more = each(r)
		}
	})
}

// eachAtOnce is how many rows EachAhead looks at together.
const eachAtOnce = 64

// EachAhead is Each for whoever reads the cells of some slots, which are asked for
// before: the waits for memory overlap instead of following each other.
func (a *Accounts) EachAhead(from, to uint32, reads func(slot int) bool, each func(Ref) bool) {
	rows, more := make([]Ref, 0, eachAtOnce), true
	look := func() {
		for _, r := range rows {
			refs, numbers := a.slots(Read[Row](a.h, r))
			for i, n := range numbers {
				if reads(int(n)) {
					a.h.fetch(refs[i])
				}
			}
		}
		for _, r := range rows {
			more = more && each(r)
		}
		rows = rows[:0]
	}
	a.Each(from, to, func(r Ref) bool {
		if s := Read[Row](a.h, r).slots; s != 0 {
			a.h.fetch(s)
		}
		if rows = append(rows, r); len(rows) == eachAtOnce {
			look()
		}
		return more
	})
	look()
}

// restore builds the index of the rows that the heap holds.
func (a *Accounts) restore() {
	a.n = 0
	a.Each(0, uint32(len(a.h.pages)), func(Ref) bool { a.n++; return true })
	a.size(room(leastIndex, a.n))
	a.Each(0, uint32(len(a.h.pages)), func(r Ref) bool {
		a.put(entry{r, a.hash(a.Name(r))})
		return true
	})
}
