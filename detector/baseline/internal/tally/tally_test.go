package tally

import "testing"

func newCounts(places int) Counts {
	return Counts{IDs: make([]uint16, places), N: make([]uint8, places), Total: new(uint8), Novel: new(uint8)}
}

func TestAdd(t *testing.T) {
	c := newCounts(2)
	for i, step := range []struct {
		id    uint16
		novel bool
	}{{7, true}, {7, false}, {9, true}, {7, false}, {11, true}, {9, true}} {
		if got := c.Add(step.id); got != step.novel {
			t.Errorf("step %d: novel %v, want %v", i+1, got, step.novel)
		}
	}
	// 9 left for 11, which was used as seldom, and 11 for 9.
	if c.Of(7) != 3*Use || c.Of(9) != Use || c.Of(11) != 0 || *c.Total != 6*Use || *c.Novel != 4*Use || c.Kinds() != 2 {
		t.Errorf("counts %v of %v, total %d, novel %d", c.N, c.IDs, *c.Total, *c.Novel)
	}
}

// TestHalving holds that counts stay within a byte and that what is used no
// more fades.
func TestHalving(t *testing.T) {
	c := newCounts(3)
	c.Add(5)
	for range 126 {
		c.Add(7)
	}
	if c.Of(5) != Use {
		t.Fatalf("after 127 uses 5 counts %d, want %d", c.Of(5), Use)
	}
	c.Add(7)
	if c.Of(5) != Use/2 || int(*c.Total) != 127+Use {
		t.Errorf("after the first halving 5 counts %d of %d, want %d of %d", c.Of(5), *c.Total, Use/2, 127+Use)
	}
	for range 1000 {
		c.Add(7)
	}
	if c.Of(5) != 0 || c.Kinds() != 1 || c.Of(7) > *c.Total {
		t.Errorf("in the end 5 counts %d, %d kinds, 7 counts %d of %d", c.Of(5), c.Kinds(), c.Of(7), *c.Total)
	}
	if got := c.Of(0); got != 0 {
		t.Errorf("what is not told counts %d", got)
	}
}

func TestIDsAreNeverNone(t *testing.T) {
	for n := range uint64(200_000) {
		if Number(n) == 0 {
			t.Fatalf("%d has the id of nothing", n)
		}
	}
	// What is remembered is known by these for ever.
	if de, at := ID("DE"), ID("AT"); de != 0xcb83 || at != 0x2c07 {
		t.Errorf("ids of DE and AT are %#x and %#x", de, at)
	}
}
