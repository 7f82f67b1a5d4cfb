package baseline_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/detector/baseline"
)

// TestPeaksForgetNothingThatCounts compares what is kept with all days, over
// random busy and quiet times.
func TestPeaksForgetNothingThatCounts(t *testing.T) {
	const day = int64(24 * time.Hour)
	params := baseline.PeakParams{Floor: 5, Factor: 1.5, Forget: 30 * 24 * time.Hour}
	rng := rand.New(rand.NewPCG(1, 2))
	var p baseline.Peaks
	all := map[int64]int{}
	longest := 0
	for d := int64(20_000); d < 22_000; d++ {
		for range rng.IntN(3) {
			count := 1 + rng.IntN(40)
			p.Learn(d*day, count)
			all[d] = max(all[d], count)
		}
		var counts []int
		for k, n := range all {
			if k < d && k >= d-30 {
				counts = append(counts, n)
			}
		}
		slices.Sort(counts)
		want := 0
		if n := len(counts); n > 1 {
			want = counts[n-2]
		}
		if got := p.Own(d*day, params); got != want {
			t.Fatalf("day %d: own peak %d, want %d", d, got, want)
		}
		longest = max(longest, len(p.Days))
	}
	if longest > 40 {
		t.Errorf("%d days are kept, want no more than a few weeks", longest)
	}
}

func TestPeakLimit(t *testing.T) {
	const day = int64(24 * time.Hour)
	params := baseline.PeakParams{Floor: 12, Factor: 1.5, Forget: 90 * 24 * time.Hour}
	for _, row := range []struct {
		name  string
		peaks []int // of days 1, 2, …
		want  int
	}{
		{"nothing known", nil, 12},
		{"quiet", []int{3, 5, 4}, 12},
		{"one busy day", []int{3, 50, 4}, 12},
		{"two busy days", []int{20, 3, 50}, 30},
		{"rounded up", []int{11, 11}, 17},
	} {
		t.Run(row.name, func(t *testing.T) {
			var p baseline.Peaks
			for d, n := range row.peaks {
				p.Learn(int64(d+1)*day, n)
			}
			if got := p.Limit(30*day, params); got != row.want {
				t.Errorf("limit %d, want %d", got, row.want)
			}
		})
	}
}

func TestLearnReady(t *testing.T) {
	const day = 24 * time.Hour
	both := baseline.Learn{Period: 14 * day, Events: 20, AtMost: 42 * day}
	either, patient := both, both
	either.Either, patient.AtMost = true, 0
	for _, row := range []struct {
		name   string
		learn  baseline.Learn
		events int
		age    time.Duration
		want   bool
	}{
		{"nothing", either, 0, 100 * day, false},
		{"often but not long", both, 50, 13 * day, false},
		{"long but not often", both, 19, 41 * day, false},
		{"both", both, 20, 14 * day, true},
		{"a sparse account stops waiting", both, 1, 42 * day, true},
		{"a sparse account that never does", patient, 1, 420 * day, false},
		{"either: often", either, 20, 0, true},
		{"either: long", either, 1, 14 * day, true},
		{"either: neither", either, 19, 13 * day, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.learn.Ready(0, row.events, int64(row.age)); got != row.want {
				t.Errorf("ready %v, want %v", got, row.want)
			}
		})
	}
}
