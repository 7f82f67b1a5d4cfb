package window_test

import (
	"math/rand/v2"
	"testing"

	"github.com/picketd/picket/detector/window"
)

func TestAdd(t *testing.T) {
	const span, late = 10, 5
	type step struct {
		ev   window.Event
		want int // fullest window that holds the event; -1 for too late
	}
	tests := []struct {
		name     string
		distinct bool
		steps    []step
	}{
		{"grows with each event in the span", false, []step{{window.Event{Time: 1}, 1}, {window.Event{Time: 5}, 2}, {window.Event{Time: 10}, 3}}},
		{"exactly one span apart is not together", false, []step{{window.Event{Time: 1}, 1}, {window.Event{Time: 11}, 1}}},
		{"a late event joins its own window", false, []step{{window.Event{Time: 1}, 1}, {window.Event{Time: 14}, 1}, {window.Event{Time: 9}, 2}}},
		{"a late event bridges two", false, []step{{window.Event{Time: 20}, 1}, {window.Event{Time: 28}, 2}, {window.Event{Time: 24}, 3}}},
		{"beyond the lateness is refused", false, []step{{window.Event{Time: 100}, 1}, {window.Event{Time: 85}, -1}, {window.Event{Time: 86}, 1}}},
		{"distinct values", true, []step{{window.Event{Time: 1, Value: 7}, 1}, {window.Event{Time: 2, Value: 7}, 1}, {window.Event{Time: 3, Value: 8}, 2}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s window.Sliding
			for i, st := range tt.steps {
				got, ok := s.Add(st.ev, span, late, tt.distinct)
				if n := got.Count; ok && n != st.want || !ok && st.want != -1 {
					t.Errorf("step %d: window holds %d (ok %v), want %d", i, n, ok, st.want)
				}
			}
		})
	}
}

// TestAddAgainstBruteForce holds every answer against counting all windows.
func TestAddAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	checked := 0
	for range 300 {
		var s window.Sliding
		var all []window.Event
		newest := int64(0)
		distinct := rng.IntN(2) == 0
		for i := range 40 {
			ev := window.Event{Time: rng.Int64N(60), Key: uint64(i), Value: rng.Uint64N(4)}
			newest = max(newest, ev.Time)
			got, ok := s.Add(ev, 10, 1000, distinct)
			all = append(all, ev)
			if want := brute(all, ev, 10, distinct); !ok || got.Count != want {
				t.Fatalf("got %d (ok %v), want %d after %v", got.Count, ok, want, all)
			}
			checked++
		}
	}
	if checked != 12000 {
		t.Errorf("checked %d windows, want 12000", checked)
	}
}

func brute(all []window.Event, ev window.Event, span int64, distinct bool) int {
	best := 0
	for _, start := range all {
		if start.Time > ev.Time || ev.Time-start.Time >= span {
			continue
		}
		n, values := 0, map[uint64]bool{}
		for _, e := range all {
			if e.Time >= start.Time && e.Time-start.Time < span {
				n++
				values[e.Value] = true
			}
		}
		if distinct {
			n = len(values)
		}
		best = max(best, n)
	}
	return best
}

func TestMemoryIsBounded(t *testing.T) {
	var s window.Sliding
	for i := range 3 * window.MaxEvents {
		s.Add(window.Event{Time: 5, Key: uint64(i)}, 10, 0, false)
	}
	if len(s.Events) != window.MaxEvents {
		t.Errorf("keeps %d events, want %d", len(s.Events), window.MaxEvents)
	}
	s.Add(window.Event{Time: 100}, 10, 0, false)
	if len(s.Events) != 1 {
		t.Errorf("%d events after time moved on, want 1", len(s.Events))
	}
}
