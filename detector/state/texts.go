package state

import (
	"hash/maphash"
	"unsafe"
)

// TextID names a kept text; 0 names none.
type TextID = Ref

// Texts keeps each text once, however many lists hold it, and counts who holds
// it. One that nobody holds any more is forgotten.
type Texts struct {
	h     *Heap
	seed  maphash.Seed
	index []Ref // open addressing by hash; its length is a power of two
	n     int
}

// textHead begins the cell of a text; its bytes follow.
type textHead struct {
	Length  uint32
	Holders uint32 // never 0; see Heap.taken
}

func newTexts(h *Heap) *Texts {
	return &Texts{h: h, seed: maphash.MakeSeed(), index: make([]Ref, 64)}
}

// Text returns a kept text. It is a view of the heap: valid while the text is
// held, to be cloned by whoever keeps it longer.
func (t *Texts) Text(id TextID) string {
	if id == 0 {
		return ""
	}
	p := t.h.At(id)
	return unsafe.String((*byte)(unsafe.Add(p, unsafe.Sizeof(textHead{}))), (*textHead)(p).Length)
}

// Find returns the id of a text, 0 where nobody holds it.
func (t *Texts) Find(s string) TextID {
	id, _ := t.find(s)
	return id
}

// find returns the id of a text and its place in the index.
func (t *Texts) find(s string) (id TextID, at int) {
	mask := len(t.index) - 1
	for at = int(maphash.String(t.seed, s)) & mask; ; at = (at + 1) & mask {
		if id = t.index[at]; id == 0 || t.Text(id) == s {
			return id, at
		}
	}
}

// Hold returns the id of a text and counts one more who holds it. A text is at
// most MaxCell - 8 bytes long.
func (t *Texts) Hold(s string) TextID {
	id, at := t.find(s)
	if id == 0 {
		id = t.h.alloc(text, int(unsafe.Sizeof(textHead{}))+len(s))
		head := Edit[textHead](t.h, id)
		head.Length = uint32(len(s))
		copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(head), unsafe.Sizeof(*head))), len(s)), s)
		t.index[at] = id
		if t.n++; t.n*4 > len(t.index)*3 {
			t.grow()
		}
	}
	Edit[textHead](t.h, id).Holders++
	return id
}

// Release takes back one Hold.
func (t *Texts) Release(id TextID) {
	head := Edit[textHead](t.h, id)
	if head.Holders--; head.Holders > 0 {
		return
	}
	_, at := t.find(t.Text(id))
	t.n--
	// What follows without a gap moves up, so that no marks of the gone remain.
	mask := len(t.index) - 1
	for next := (at + 1) & mask; t.index[next] != 0; next = (next + 1) & mask {
		home := int(maphash.String(t.seed, t.Text(t.index[next]))) & mask
		if (next-home)&mask >= (next-at)&mask {
			t.index[at], at = t.index[next], next
		}
	}
	t.index[at] = 0
	t.h.Free(id)
}

// Len returns the number of texts that are kept.
func (t *Texts) Len() int { return t.n }

func (t *Texts) grow() {
	old := t.index
	t.index = make([]Ref, 2*len(old))
	for _, id := range old {
		if id != 0 {
			t.put(id)
		}
	}
}

func (t *Texts) put(id TextID) {
	mask := len(t.index) - 1
	at := int(maphash.String(t.seed, t.Text(id))) & mask
	for t.index[at] != 0 {
		at = (at + 1) & mask
	}
	t.index[at] = id
}

// restore builds the index of the texts that the heap holds.
func (t *Texts) restore() {
	t.n = 0
	t.h.cells(text, 0, uint32(len(t.h.pages)), func(id Ref) {
		if t.h.taken(id) {
			t.n++
		}
	})
	size := 64
	for t.n*4 > size*3 {
		size *= 2
	}
	t.index = make([]Ref, size)
	t.h.cells(text, 0, uint32(len(t.h.pages)), func(id Ref) {
		if t.h.taken(id) {
			t.put(id)
		}
	})
}
