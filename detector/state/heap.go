package state

import (
	"math/bits"
	"unsafe"
)

const (
	unit      = 8 // bytes; cells are multiples of it
	unitBits  = 15
	pageUnits = 1 << unitBits
	// PageBytes is the size of a page; the first ones of a class are smaller.
	PageBytes  = pageUnits * unit
	blockBits  = 9 // units of a block, in bits
	blockBytes = unit << blockBits
	// MaxCell is the largest cell, in bytes.
	MaxCell = PageBytes / 2
	// MaxBytes is the most that a heap may hold: what a Ref can reach.
	MaxBytes = PageBytes << (32 - unitBits)
)

// Ref refers to a cell; 0 refers to none.
type Ref uint32

// kind keeps cells apart that are looked for page by page.
type kind uint8

const (
	data  kind = iota // models and lists
	text              // see Texts
	row               // see Accounts
	kinds = iota
)

// page holds cells of one class. Blocks are its 64 parts of 4 KiB.
type page struct {
	words []uint64
	dirty uint64 // blocks changed since the last image
	held  uint64 // blocks that an image in the making has yet to copy
	class uint16
	units uint16 // of a cell
}

// class is what cells of one kind and size have in common.
type class struct {
	Free Ref    // first free cell; each holds the next in its first 4 bytes
	Page uint32 // the page that is being filled; 0 for none
	Next uint32 // its first unit that was never used
	Full uint32 // pages before it
}

// Heap is memory in cells. A cell that is taken is zero. The zero value is not
// ready for use; see New.
type Heap struct {
	sizes   []uint32 // units of a cell by class, within a kind
	bySize  []uint16 // class by units, for small cells
	pages   []page   // page 0 is not used
	classes [kinds][]class
	bytes   int64 // in cells that are taken
	image   *Image
	chunk   []uint64 // room for pages; see words
}

func newHeap() *Heap {
	h := &Heap{pages: make([]page, 1)}
	// Units up to which each size has its class: models are large, and all of a
	// size, so that rounding them up would cost every account.
	const small = 128
	for n := uint32(1); n <= MaxCell/unit; {
		h.sizes = append(h.sizes, n)
		if n < small {
			n++
		} else {
			n += n / 8
		}
	}
	for n := range small + 1 {
		h.bySize = append(h.bySize, uint16(max(n, 1)-1))
	}
	h.sizes = append(h.sizes, MaxCell/unit)
	for k := range h.classes {
		h.classes[k] = make([]class, len(h.sizes))
	}
	return h
}

// classOf returns the class of the smallest cells that hold so many bytes.
func (h *Heap) classOf(size int) uint16 {
	units := (size + unit - 1) / unit
	if units < len(h.bySize) {
		return h.bySize[units]
	}
	lo, hi := len(h.bySize)-1, len(h.sizes)-1
	for lo < hi {
		if mid := (lo + hi) / 2; int(h.sizes[mid]) >= units {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return uint16(lo)
}

// Alloc takes a zero cell for data of at least size bytes, at most MaxCell.
func (h *Heap) Alloc(size int) Ref { return h.alloc(data, size) }

func (h *Heap) alloc(k kind, size int) Ref {
	if size > MaxCell {
		panic("state: a cell larger than MaxCell")
	}
	n := h.classOf(size)
	c := &h.classes[k][n]
	units := h.sizes[n]
	h.bytes += int64(units) * unit
	if r := c.Free; r != 0 {
		link := (*Ref)(h.Mut(r))
		c.Free = *link
		*link = 0
		return r
	}
	if c.Page == 0 || c.Next+units > uint32(len(h.pages[c.Page].words)) {
		h.addPage(k, n)
	}
	r := Ref(c.Page<<unitBits | c.Next)
	c.Next += units
	h.mark(r)
	return r
}

// addPage begins another page of a class. The first ones are small, so that a
// store of few accounts is.
func (h *Heap) addPage(k kind, n uint16) {
	if len(h.pages) >= MaxBytes/PageBytes {
		panic("state: memory of accounts is full; lower the number of accounts that are kept")
	}
	c := &h.classes[k][n]
	if c.Page != 0 {
		c.Full++
	}
	blocks := (8*h.sizes[n] + 1<<blockBits - 1) >> blockBits << min(2*c.Full, 8)
	c.Page, c.Next = uint32(len(h.pages)), 0
	h.pages = append(h.pages, page{words: h.words(min(blocks<<blockBits, pageUnits)), class: uint16(k)<<12 | n, units: uint16(h.sizes[n])})
}

// Free gives a cell back; 0 is none.
func (h *Heap) Free(r Ref) {
	if r == 0 {
		return
	}
	p := &h.pages[r>>unitBits]
	h.mark(r)
	units := uint32(p.units)
	at := uint32(r) & (pageUnits - 1)
	clear(p.words[at : at+units])
	c := &h.classes[p.class>>12][p.class&0xfff]
	*(*Ref)(unsafe.Pointer(&p.words[at])) = c.Free
	c.Free = r
	h.bytes -= int64(units) * unit
}

// Size returns how many bytes a cell has.
func (h *Heap) Size(r Ref) int {
	return int(h.pages[r>>unitBits].units) * unit
}

// At returns where a cell is, to be read.
func (h *Heap) At(r Ref) unsafe.Pointer {
	return unsafe.Pointer(&h.pages[r>>unitBits].words[r&(pageUnits-1)])
}

// fetch asks for a cell to be brought nearer to the processor; see the function of
// that name.
func (h *Heap) fetch(r Ref) {
	p := &h.pages[r>>unitBits]
	Fetch(unsafe.Pointer(&p.words[r&(pageUnits-1)]), int(p.units)*unit)
}

// Mut returns where a cell is, to be changed before the next image begins.
func (h *Heap) Mut(r Ref) unsafe.Pointer {
	h.mark(r)
	return h.At(r)
}

// mark notes that a cell changes, and lets an image in the making copy what was
// there.
func (h *Heap) mark(r Ref) {
	p := &h.pages[r>>unitBits]
	at := uint32(r) & (pageUnits - 1)
	first, last := at>>blockBits, (at+uint32(p.units)-1)>>blockBits
	blocks := (^uint64(0) >> (63 - last + first)) << first
	p.dirty |= blocks
	if p.held&blocks != 0 {
		h.image.before(uint32(r>>unitBits), p, blocks)
	}
}

// used returns the blocks of a page that hold cells.
func (h *Heap) used(n uint32, p *page) uint64 {
	units := uint32(len(p.words))
	if c := &h.classes[p.class>>12][p.class&0xfff]; c.Page == n {
		units = c.Next
	}
	return ^uint64(0) >> (64 - (units+1<<blockBits-1)>>blockBits)
}

// taken reports whether a cell of a text or a row is taken: their second word
// holds a length, which a free cell has not.
func (h *Heap) taken(r Ref) bool { return *(*uint32)(unsafe.Add(h.At(r), 4)) != 0 }

// Bytes returns how many bytes are in cells that are taken.
func (h *Heap) Bytes() int64 { return h.bytes }

// Pages returns how many pages there are.
func (h *Heap) Pages() int { return len(h.pages) - 1 }

// DirtyBytes returns how much an increment would hold.
func (h *Heap) DirtyBytes() int64 {
	n := 0
	for i := range h.pages {
		n += bits.OnesCount64(h.pages[i].dirty)
	}
	return int64(n) * blockBytes
}

// Clean forgets what has changed: an image of it is at hand.
func (h *Heap) Clean() {
	for i := range h.pages {
		h.pages[i].dirty = 0
	}
}

// cells calls each with every cell of a kind in order, also those that are not
// taken.
func (h *Heap) cells(k kind, from, to uint32, each func(Ref)) {
	for n := max(from, 1); n < min(to, uint32(len(h.pages))); n++ {
		p := &h.pages[n]
		if kind(p.class>>12) != k {
			continue
		}
		units, end := uint32(p.units), uint32(len(p.words))
		if c := &h.classes[k][p.class&0xfff]; c.Page == n {
			end = c.Next
		}
		for at := uint32(0); at+units <= end; at += units {
			each(Ref(n<<unitBits | at))
		}
	}
}
