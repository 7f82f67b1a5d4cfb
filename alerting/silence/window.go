package silence

import (
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/alerting/match"
)

// Window is a maintenance window: a silence that recurs.
type Window struct {
	Name     string
	Matchers match.Matchers
	Author   string
	// ConfirmedBy is the second person, where the matchers take one.
	ConfirmedBy string
	Reason      string
	Recurs      *calendar.Recurrence // when it begins
	Lasts       time.Duration        // at most MaxSpan
}

// At returns the silence that the window is at a moment: the occurrence that
// ends last of those that hold it.
func (w *Window) At(at time.Time) (Silence, bool) {
	begins := w.Recurs.Times(at.Add(-w.Lasts).Add(1), at.Add(1))
	if len(begins) == 0 {
		return Silence{}, false
	}
	return w.silence(begins[len(begins)-1]), true
}

// Next returns the occurrences that begin after a moment and within a span, in
// order.
func (w *Window) Next(at time.Time, within time.Duration) []Silence {
	var out []Silence
	for _, t := range w.Recurs.Times(at.Add(1), at.Add(within)) {
		out = append(out, w.silence(t))
	}
	return out
}

func (w *Window) silence(start time.Time) Silence {
	start = start.UTC()
	s := Silence{
		V: Version, Revision: 1, Change: ChangeAdded, Matchers: w.Matchers, Author: w.Author, Reason: w.Reason,
		Created: start, Start: start, End: start.Add(w.Lasts), Two: Critical(w.Matchers), Window: w.Name,
	}
	if w.ConfirmedBy != "" {
		s.Confirmed = &alerting.Mark{By: w.ConfirmedBy, At: start}
	}
	s.ID = idOf(&s)
	return s
}
