package silence

import (
	"cmp"
	"slices"
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
	windows []Window
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
	s.windows = slices.Clone(windows)
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
	for i := range s.windows {
		if !s.windows[i].Matchers.Matches(labels) {
			continue // far cheaper than to ask the calendar
		}
		if one, ok := s.windows[i].At(at); ok {
			take(&one)
		}
	}
	return best, found
}

// Of returns who silenced an alert at a moment, as alerts say it of themselves;
// nil where nobody did.
func (s *Set) Of(a *alerting.Alert, at time.Time) *alerting.Silenced {
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
