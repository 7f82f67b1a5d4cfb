package baseline

import (
	"testing"
	"time"
	"unsafe"
)

func TestRareSize(t *testing.T) {
	if got := unsafe.Sizeof(Rare{}); got > 64 {
		t.Errorf("Rare has %d bytes, want at most 64", got)
	}
}

func TestRare(t *testing.T) {
	const day, half = int64(24 * time.Hour), 60 * 24 * time.Hour
	var r Rare
	if share, of := r.Share("en"); share != 0 || of != 0 {
		t.Errorf("of nothing: %v of %d", share, of)
	}
	begin := int64(1_750_000_000) * int64(time.Second)
	r.Learn("de", begin, half)
	for i := range int64(99) {
		r.Learn("en", begin+i*day/10, half)
	}
	share, of := r.Share("de")
	if share < 0.009 || share > 0.011 || of != 100 {
		t.Errorf("de is %.3f of %d, want one in a hundred", share, of)
	}
	if share, _ := r.Share("fr"); share != 0 {
		t.Errorf("fr was never used and is %.3f", share)
	}
	if since, uses := r.Known(); since != begin || uses != 100 {
		t.Errorf("known since %d from %d uses, want %d and 100", since, uses, begin)
	}
	// Two half-lives later what was used once is forgotten.
	r.Learn("en", begin+200*day, half)
	if share, of := r.Share("de"); share != 0 || of >= 50 {
		t.Errorf("200 days later de is %.3f of %d, want nothing of less than 50", share, of)
	}
}
