package oncall

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting/calendar"
)

// Kinds of contact of a Person, as receivers ask for them.
const (
	Email     = "email"     // an address
	Phone     = "phone"     // a number with its country code
	Slack     = "slack"     // a member id, "U012AB3CD"
	PagerDuty = "pagerduty" // a routing key's name or a user's id, as its receiver wants it
)

// Kinds returns the kinds of contact, sorted.
func Kinds() []string { return []string{Email, PagerDuty, Phone, Slack} }

// Person is somebody who can be on duty.
type Person struct {
	Name     string            // what schedules, --by and assignments call them: "jane"
	FullName string            // as a person reads it; may be empty
	Contacts map[string]string // by kind; never changed
}

// Schedule says who is on duty at a moment. It is a value that nobody changes
// once made, and safe for concurrent use.
type Schedule struct {
	Name      string
	Zone      *time.Location // that it is written and shown in
	Layers    []Layer
	Overrides []Override
}

// Layer is a rotation.
type Layer struct {
	Name string
	// Turns are handed over in this order, again from the first behind the last.
	// Those of one turn are on duty together.
	Turns [][]Person
	// Handover are the moments at which a turn ends and the next one begins; the
	// first turn begins at the first of them.
	Handover *calendar.Recurrence
	// Only is when the layer has anybody at all; the zero value is always.
	Only calendar.Hours
}

// Override puts people in the place of a schedule's layers for a while.
type Override struct {
	People      []Person
	From, Until time.Time // until is exclusive
	Reason      string
}

// Shift is a span of time with the same people on duty, who are none in a gap.
type Shift struct {
	From, Until time.Time // until is exclusive
	People      []Person
	Why         string // the layer's name, or "override" with its reason
}

// OnDuty returns who is on duty at a moment; nobody where the schedule leaves a
// gap.
func (s *Schedule) OnDuty(at time.Time) []Person {
	people, _ := s.onDuty(at)
	return people
}

func (s *Schedule) onDuty(at time.Time) (people []Person, why string) {
	for _, o := range slices.Backward(s.Overrides) {
		if !at.Before(o.From) && at.Before(o.Until) {
			if o.Reason == "" {
				return slices.Clone(o.People), "override"
			}
			return slices.Clone(o.People), "override: " + o.Reason
		}
	}
	for i := range s.Layers {
		if people := s.Layers[i].onDuty(at); len(people) > 0 {
			return slices.Clone(people), s.Layers[i].Name
		}
	}
	return nil, ""
}

func (l *Layer) onDuty(at time.Time) []Person {
	if len(l.Turns) == 0 || !l.Only.Contains(at) {
		return nil
	}
	n := l.Handover.Count(at)
	if n == 0 {
		return nil
	}
	return l.Turns[(n-1)%len(l.Turns)]
}

// horizon is how far ahead a schedule looks for its next hand-over.
const horizon = 400 * 24 * time.Hour

// Next returns the shift that begins at the next hand-over after a moment: at
// its From, other people are on duty, or nobody. It is false where nothing
// changes within 400 days.
func (s *Schedule) Next(at time.Time) (Shift, bool) {
	const week = 7 * 24 * time.Hour
	for span := week; ; span *= 8 { // most schedules change within a week
		span = min(span, horizon)
		if shifts := s.Shifts(at, at.Add(span)); len(shifts) > 1 {
			return shifts[1], true
		}
		if span == horizon {
			return Shift{}, false
		}
	}
}

// Shifts returns who is on duty from a moment until another, in order and
// without a hole: the first one begins at from, the last one ends at until, and
// each has other people than the one before.
func (s *Schedule) Shifts(from, until time.Time) []Shift {
	if !from.Before(until) {
		return nil
	}
	var out []Shift
	for _, at := range s.changes(from, until) {
		people, why := s.onDuty(at)
		if n := len(out); n > 0 {
			if samePeople(out[n-1].People, people) {
				continue
			}
			out[n-1].Until = at
		}
		out = append(out, Shift{From: at, People: people, Why: why})
	}
	out[len(out)-1].Until = until
	return out
}

// Gaps returns when nobody is on duty from a moment until another, in order.
func (s *Schedule) Gaps(from, until time.Time) []Shift {
	return slices.DeleteFunc(s.Shifts(from, until), func(sh Shift) bool { return len(sh.People) > 0 })
}

// changes returns from, and the moments after it and before until at which
// somebody else may be on duty, in order.
func (s *Schedule) changes(from, until time.Time) []time.Time {
	out := []time.Time{from}
	for _, o := range s.Overrides {
		out = append(out, o.From, o.Until)
	}
	for i := range s.Layers {
		out = append(out, s.Layers[i].Handover.Times(from, until)...)
		out = append(out, s.Layers[i].Only.Changes(from, until)...)
	}
	out = slices.DeleteFunc(out, func(t time.Time) bool { return t.Before(from) || !t.Before(until) })
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

func samePeople(a, b []Person) bool {
	return slices.EqualFunc(a, b, func(p, q Person) bool { return p.Name == q.Name })
}
