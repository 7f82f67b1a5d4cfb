package silence

import (
	"cmp"
	"sync"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
)

// Set holds the silences that may take effect, with the maintenance windows of
// the configuration. Its zero value is empty. It is safe for concurrent use.
type Set struct {
	mu      sync.RWMutex
	all     map[string]Silence
	windows []*opening
}

// opening is a window with what it was when it was last asked: in a storm of
// alerts the calendar is not asked for each.
type opening struct {
	Window
	mu          sync.Mutex
	from, until time.Time // now and open hold from here until there
	now         Silence
	open        bool
}

// at is Window.At.
func (o *opening) at(at time.Time) (Silence, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at.Before(o.from) || !at.Before(o.until) {
		o.now, o.open = o.At(at)
		o.from, o.until = at, at.Add(time.Minute)
		if next := o.Next(at, time.Minute); len(next) > 0 {
			o.until = next[0].Start
		}
		if o.open && o.now.End.Before(o.until) {
			o.until = o.now.End
		}
	}
	return o.now, o.open
}

// Note takes a revision of a silence, unless a newer one is known. What was over
// before the revision was made is forgotten meanwhile.
func (s *Set) Note(one Silence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]Silence{}
	}
	if s.all[one.ID].Revision >= one.Revision {
		return
	}
	s.all[one.ID] = one
	for id, old := range s.all {
		if id != one.ID && old.End.Before(one.Created) {
			delete(s.all, id)
		}
	}
}

// SetWindows replaces the maintenance windows.
func (s *Set) SetWindows(windows []Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.windows = nil
	for _, w := range windows {
		s.windows = append(s.windows, &opening{Window: w})
	}
}

// Silenced returns the silence that holds for an alert with these labels at a
// moment: of several, the one that ends last.
func (s *Set) Silenced(labels match.Set, at time.Time) (Silence, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var best Silence
	found := false
	take := func(one *Silence) {
		if one.Silences(labels, at) && (!found || cmp.Or(best.End.Compare(one.End), cmp.Compare(one.ID, best.ID)) < 0) {
			best, found = *one, true
		}
	}
	for _, one := range s.all {
		take(&one)
	}
	for _, w := range s.windows {
		if one, ok := w.at(at); ok {
			take(&one)
		}
	}
	return best, found
}

// Of returns who silenced an alert at a moment, as alerts say it of themselves;
// nil where nobody did.
func (s *Set) Of(a *alerting.Alert, at time.Time) *alerting.Silenced {
	if s.empty() {
		return nil
	}
	one, ok := s.Silenced(match.Labels(a), at)
	if !ok {
		return nil
	}
	number := one.Number()
	if one.Window != "" {
		number = one.Window
	}
	return &alerting.Silenced{Number: number, By: one.Author, Until: one.End, Reason: one.Reason}
}

func (s *Set) empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.all) == 0 && len(s.windows) == 0
}

// Counts returns how many silences there are in each state at a moment, those that
// are over left out, and windows.
func (s *Set) Counts(at time.Time) map[State]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := map[State]int{}
	for _, one := range s.all {
		if state := one.State(at); state != Over {
			n[state]++
		}
	}
	return n
}

// Len returns how many silences are held that may still take effect at a
// moment, windows not counted.
func (s *Set) Len(at time.Time) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := 0
	for _, one := range s.all {
		if one.State(at) != Over {
			n++
		}
	}
	return n
}
