package state

import (
	"testing"
	"unsafe"
)

// A store that is large enough for its pages to be taken many at once keeps
// their cells apart, zero when they are taken.
func TestPagesOfChunks(t *testing.T) {
	s := New()
	const cells = 2 * (fullFrom + 2*chunkPages) // two of the largest are a page
	word := func(r Ref, i int) *uint64 { return (*uint64)(unsafe.Add(s.Mut(r), i*unit)) }
	const last = MaxCell/unit - 1
	refs := make([]Ref, cells)
	for i := range refs {
		refs[i] = s.Alloc(MaxCell)
		for _, at := range []int{0, 1, last} {
			if got := *word(refs[i], at); got != 0 {
				t.Fatalf("word %d of cell %d is %d when it is taken, want 0", at, i, got)
			}
			*word(refs[i], at) = uint64(i + 1)
		}
	}
	if s.Pages() <= fullFrom+chunkPages {
		t.Fatalf("%d pages: too few for a second chunk", s.Pages())
	}
	for i, r := range refs {
		for _, at := range []int{0, 1, last} {
			if got := *word(r, at); got != uint64(i+1) {
				t.Fatalf("word %d of cell %d is %d, want %d", at, i, got, i+1)
			}
		}
	}
	if got, want := s.Bytes(), int64(cells*MaxCell); got != want {
		t.Errorf("%d bytes are taken, want %d", got, want)
	}
}
