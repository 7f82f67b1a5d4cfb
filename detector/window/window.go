// Package window counts events in event time. It does no I/O and reads no
// clock; deciding what a count means belongs in rules, and remembering windows
// over a restart in detector.
package window

import (
	"cmp"
	"slices"
)

// Event is one counted event.
type Event struct {
	Time  int64  // occurrence, Unix nanoseconds
	Key   uint64 // identity of the event, for the order of equal times
	Value uint64 // hash of the counted value, for distinct counts
}

// MaxEvents bounds the events that one window keeps; beyond it the oldest
// leave, so a count saturates there.
const MaxEvents = 4096

// Sliding holds the events of one group that a window of some span can still
// reach, sorted by (Time, Key, Value). Events may come late: they count where they
// belong. The zero value is empty.
type Sliding struct {
	Events []Event
}

// Span is what a window holds at its fullest around one event.
type Span struct {
	Count       int   // events, or distinct values
	First, Last Event // its bounds
}

// Add inserts an event and returns the fullest window of length span that
// holds it: half-open, so that two events exactly span apart are not together.
// Events older than the newest by more than span plus lateness are dropped
// first; ok is false when ev itself is among them, or is there already. All
// arguments in nanoseconds. With distinct, it counts different values instead
// of events.
func (s *Sliding) Add(ev Event, span, lateness int64, distinct bool) (best Span, ok bool) {
	newest := ev.Time
	if n := len(s.Events); n > 0 {
		newest = max(newest, s.Events[n-1].Time)
	}
	horizon := newest - span - lateness
	if ev.Time <= horizon {
		return Span{}, false
	}
	s.drop(horizon)
	at, there := slices.BinarySearchFunc(s.Events, ev, compare)
	if there {
		return Span{}, false
	}
	s.Events = slices.Insert(s.Events, at, ev)
	if over := len(s.Events) - MaxEvents; over > 0 {
		s.Events = slices.Delete(s.Events, 0, over)
		if at -= over; at < 0 {
			return Span{}, false
		}
	}
	return s.fullest(at, span, distinct), true
}

// Holds reports whether an event is among those that are kept.
func (s *Sliding) Holds(ev Event) bool {
	_, there := slices.BinarySearchFunc(s.Events, ev, compare)
	return there
}

// Passed reports whether an event at time t would be dropped as too old.
func (s *Sliding) Passed(t, span, lateness int64) bool {
	n := len(s.Events)
	return n > 0 && t <= s.Events[n-1].Time-span-lateness
}

func (s *Sliding) drop(horizon int64) {
	n, _ := slices.BinarySearchFunc(s.Events, horizon, func(e Event, h int64) int {
		if e.Time <= h {
			return -1
		}
		return 1
	})
	if n > 0 {
		s.Events = slices.Delete(s.Events, 0, n)
	}
}

func compare(a, b Event) int {
	switch {
	case a.Time != b.Time:
		if a.Time < b.Time {
			return -1
		}
		return 1
	case a.Key < b.Key:
		return -1
	case a.Key > b.Key:
		return 1
	}
	return cmp.Compare(a.Value, b.Value)
}

// fullest slides a window over every position that holds event at; each event
// enters and leaves once.
func (s *Sliding) fullest(at int, span int64, distinct bool) Span {
	t := s.Events[at].Time
	lo := at
	for lo > 0 && t-s.Events[lo-1].Time < span {
		lo--
	}
	var values map[uint64]int
	if distinct {
		values = make(map[uint64]int)
	}
	var best Span
	next := lo // first event not in the window
	for start := lo; start <= at; start++ {
		for next < len(s.Events) && (next <= at || s.Events[next].Time-s.Events[start].Time < span) {
			if distinct {
				values[s.Events[next].Value]++
			}
			next++
		}
		n := next - start
		if distinct {
			n = len(values)
		}
		if n > best.Count {
			best = Span{Count: n, First: s.Events[start], Last: s.Events[next-1]}
		}
		if v := s.Events[start].Value; distinct {
			if values[v]--; values[v] == 0 {
				delete(values, v)
			}
		}
	}
	return best
}
