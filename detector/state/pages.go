package state

const (
	// chunkPages is how many pages of full size are taken at once, and fullFrom
	// from how many pages on: a small store shall not hold room for millions.
	chunkPages = 16
	fullFrom   = 64
	// hugeBytes is the size of a huge page.
	hugeBytes = 2 << 20
)

// words returns zero memory for a page. Accounts are heard of in no order, so
// that nearly each look at a large store is at a page of the machine's memory
// that it has not looked at lately, and where such a page lies has to be read
// first. There are 512 times fewer huge ones.
func (h *Heap) words(n uint32) []uint64 {
	if n < pageUnits || len(h.pages) < fullFrom {
		return make([]uint64, n)
	}
	if len(h.chunk) == 0 {
		h.chunk = hugely[uint64](chunkPages * pageUnits)
	}
	words := h.chunk[:pageUnits:pageUnits]
	h.chunk = h.chunk[pageUnits:]
	return words
}
