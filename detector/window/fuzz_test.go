package window_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/picketd/picket/detector/window"
)

// naive is a window that keeps everything and counts from the start each time.
type naive struct{ events []window.Event }

// add is window.Sliding.Add by its words.
func (n *naive) add(ev window.Event, span, late int64, distinct bool) (count int, ok bool) {
	newest := ev.Time
	for _, e := range n.events {
		newest = max(newest, e.Time)
	}
	old := func(e window.Event) bool { return e.Time <= newest-span-late }
	if old(ev) {
		return 0, false
	}
	n.events = slices.DeleteFunc(n.events, old)
	if slices.Contains(n.events, ev) {
		return 0, false
	}
	n.events = append(n.events, ev)
	return brute(n.events, ev, span, distinct), true
}

// sorted returns the events that are kept in their order.
func (n *naive) sorted() []window.Event {
	out := slices.Clone(n.events)
	slices.SortFunc(out, func(a, b window.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
	})
	return out
}

// ordered is whether different events with the values 1 to steps, in the order
// of their times, lie less than span apart, so that holds is true of the first
// and the last; those that skip says are left out.
func (n *naive) ordered(span int64, steps int, skip func(window.Event) bool, holds func(first, last window.Event) bool) bool {
	var follow func(chain []window.Event) bool
	follow = func(chain []window.Event) bool {
		if len(chain) == steps {
			return holds(chain[0], chain[steps-1])
		}
		return slices.ContainsFunc(n.events, func(e window.Event) bool {
			if skip(e) || e.Value != uint64(len(chain)+1) || slices.ContainsFunc(chain, func(c window.Event) bool { return c.Key == e.Key && c.Time == e.Time }) {
				return false
			}
			if len(chain) > 0 && (e.Time < chain[len(chain)-1].Time || e.Time-chain[0].Time >= span) {
				return false
			}
			return follow(append(slices.Clip(chain), e))
		})
	}
	return follow(nil)
}

// FuzzSliding feeds the same events, three bytes each, to a window and to the
// naive one, and compares everything that they say.
func FuzzSliding(f *testing.F) {
	f.Add([]byte("\x01\x01\x01\x05\x02\x02\x09\x03\x03"), uint8(10), uint8(5))
	f.Add([]byte("\x14\x01\x01\x1c\x02\x01\x18\x03\x02"), uint8(10), uint8(0))
	f.Add([]byte("\x05\x09\x01\x05\x02\x02\x05\x09\x02\x05\x09\x02"), uint8(1), uint8(3))
	f.Add([]byte("\xff\x01\x01\x01\x02\x02\xf0\x03\x03\xf0\x03\x03"), uint8(200), uint8(30))
	f.Fuzz(func(t *testing.T, data []byte, spanByte, lateByte uint8) {
		span, late := int64(spanByte)+1, int64(lateByte)
		if len(data) > 120 {
			return
		}
		for _, distinct := range []bool{false, true} {
			var s window.Sliding
			var n naive
			for data := data; len(data) >= 3; data = data[3:] {
				ev := window.Event{Time: int64(data[0]), Key: uint64(data[1] % 16), Value: uint64(data[2]%4) + 1}
				got, ok := s.Add(ev, span, late, distinct)
				want, wantOK := n.add(ev, span, late, distinct)
				if got.Count != want || ok != wantOK {
					t.Fatalf("%+v: window holds %d (%v), want %d (%v); events %v", ev, got.Count, ok, want, wantOK, n.sorted())
				}
				if !slices.Equal(s.Events, n.sorted()) {
					t.Fatalf("%+v: keeps %v, want %v", ev, s.Events, n.sorted())
				}
				if ok {
					compareAround(t, &s, &n, ev, span)
				}
			}
		}
	})
}

// compareAround compares what is told of the windows that end and begin at an
// event.
func compareAround(t *testing.T, s *window.Sliding, n *naive, ev window.Event, span int64) {
	t.Helper()
	all := n.sorted()
	at := slices.Index(all, ev)
	var before, after []window.Event
	for i, e := range all {
		if i <= at && ev.Time-e.Time < span {
			before = append(before, e)
		}
		if i >= at && e.Time-ev.Time < span {
			after = append(after, e)
		}
	}
	if got := s.Trailing(ev, span); !slices.Equal(got, before) {
		t.Fatalf("trailing %+v: %v, want %v", ev, got, before)
	}
	if got := s.After(ev, span); !slices.Equal(got, after) {
		t.Fatalf("after %+v: %v, want %v", ev, got, after)
	}
	for steps := 2; steps <= 4; steps++ {
		_, got := s.Ordered(ev, span, steps)
		possible := n.ordered(span, steps, func(window.Event) bool { return false },
			func(first, last window.Event) bool { return first.Time <= ev.Time && ev.Time <= last.Time })
		without := n.ordered(span, steps, func(e window.Event) bool { return e == ev }, func(_, _ window.Event) bool { return true })
		if got && !possible || !got && possible && !without {
			t.Fatalf("ordered around %+v, %d steps within %d: %v, and possible %v, without it %v; events %v", ev, steps, span, got, possible, without, all)
		}
	}
}
