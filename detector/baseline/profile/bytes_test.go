package profile

import (
	"math/rand/v2"
	"testing"
)

// The loops are what sumBytes and highest stand for.
func TestBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var counts [bins]uint8
		for i := range counts {
			if rng.IntN(3) > 0 {
				counts[i] = uint8(rng.IntN(256))
			}
		}
		clear(counts[rng.IntN(bins+1):])
		sum, last := 0, 0
		for i, n := range counts {
			if sum += int(n); n != 0 {
				last = i
			}
		}
		low, high := word(counts[:8]), word(counts[8:])
		if got := sumBytes(low) + sumBytes(high); got != sum {
			t.Fatalf("sumBytes of %v is %d, want %d", counts, got, sum)
		}
		if got := highest(low, high); got != last {
			t.Fatalf("highest of %v is %d, want %d", counts, got, last)
		}
	}
	if got := sumBytes(0xffffffffffffffff); got != 8*255 {
		t.Errorf("sumBytes of eight full counts is %d, want %d", got, 8*255)
	}
}

// months asks only for what lies above a bin: the loop over the bins is what it
// stands for.
func TestMonthsCountsAbove(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m := Default(1)
	m.Prior = 0.25
	for range 10_000 {
		var s State
		s.exposure = 3
		for i := range s.past[chWord] {
			if rng.IntN(4) == 0 {
				s.past[chWord][i] = uint8(rng.IntN(256))
			}
		}
		x := float64(rng.IntN(bins))
		above := 0
		for _, n := range s.past[chWord][int(x)+1:] {
			above += int(n)
		}
		own := float64(s.past[chWord][int(x)])
		if above == 0 { // then what lies beyond everything seen becomes rarer, which is not asked here
			continue
		}
		if got, want := s.months(chWord, x, 1, &m), 3.2/(float64(above)+own+0.25); got < want*0.999999 || got > want*1.000001 {
			t.Fatalf("months at %g of %v is %g, want %g", x, s.past[chWord], got, want)
		}
	}
}
