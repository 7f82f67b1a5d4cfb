package oncall

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting/calendar"
	"github.com/picketd/picket/rules"
)

// Quiet are hours in which alerts of some levels wait.
type Quiet struct {
	Levels []rules.Level // never critical
	Hours  calendar.Hours
}

// QuietHours are all quiet hours there are. Critical alerts are in none.
type QuietHours []Quiet

// quietest is how long quiet hours may last without a break.
const quietest = 8 * 24 * time.Hour

// Until returns the moment at which an alert of a level need wait no longer, and
// false where it need not wait at all. Hours that would never end are none.
func (q QuietHours) Until(level rules.Level, at time.Time) (time.Time, bool) {
	if !q.quiet(level, at) {
		return time.Time{}, false
	}
	var turns []time.Time
	for i := range q {
		turns = append(turns, q[i].Hours.Changes(at, at.Add(quietest))...)
	}
	slices.SortFunc(turns, time.Time.Compare)
	for _, t := range turns {
		if !q.quiet(level, t) {
			return t, true
		}
	}
	return time.Time{}, false
}

func (q QuietHours) quiet(level rules.Level, at time.Time) bool {
	return level != rules.Critical && slices.ContainsFunc(q, func(one Quiet) bool {
		return slices.Contains(one.Levels, level) && !one.Hours.IsZero() && one.Hours.Contains(at)
	})
}
