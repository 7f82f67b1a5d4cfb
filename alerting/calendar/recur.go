package calendar

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Recurrence is something that happens again and again by the clock on the wall
// of a zone. It is immutable and safe for concurrent use; nil never happens.
type Recurrence struct {
	rule *rrule.RRule // of wall times
	zone *time.Location
}

// ErrRule is the error of a rule that cannot be used, matched with errors.Is.
var ErrRule = errors.New("not a rule of recurrence")

// NewRecurrence reads the RRULE of RFC 5545, section 3.3.10, such as
// FREQ=WEEKLY;BYDAY=MO,FR. It counts from the wall time start, which it includes
// only where it fits itself. It refuses rules that never happen, and those that
// happen more often than hourly.
//
// The rule is worked out in wall times and each of them turned into a moment, so
// that 09:00 stays 09:00 whatever is done to the clocks.
func NewRecurrence(rule string, start time.Time, zone *time.Location) (*Recurrence, error) {
	opts, err := rrule.StrToROptionInLocation(rule, time.UTC)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w; expected an RRULE of RFC 5545 such as FREQ=WEEKLY;BYDAY=MO", ErrRule, clip(rule), err)
	}
	switch {
	case opts.Freq == rrule.MINUTELY || opts.Freq == rrule.SECONDLY || len(opts.Bysecond) > 0:
		return nil, fmt.Errorf("%w: %q: more often than hourly", ErrRule, clip(rule))
	case !opts.Dtstart.IsZero():
		return nil, fmt.Errorf("%w: %q: holds a start, which is given beside it; remove DTSTART", ErrRule, clip(rule))
	case opts.Until.IsZero():
	case strings.HasSuffix(untilOf(rule), "Z"):
		opts.Until = Wall(opts.Until, zone)
	}
	opts.Dtstart = start.Truncate(time.Second)
	r, err := rrule.NewRRule(*opts)
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", ErrRule, clip(rule), err)
	}
	if err := checkPace(r, rule); err != nil {
		return nil, err
	}
	return &Recurrence{r, zone}, nil
}

// untilOf returns the value of UNTIL in a rule.
func untilOf(rule string) string {
	for part := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		if value, ok := strings.CutPrefix(part, "UNTIL="); ok {
			return value
		}
	}
	return ""
}

// checkPace refuses a rule that never happens or too often.
func checkPace(r *rrule.RRule, rule string) error {
	const most = 100
	next := r.Iterator()
	first, ok := next()
	if !ok {
		return fmt.Errorf("%w: %q: it never happens", ErrRule, clip(rule))
	}
	last, n := first, 0
	for ; n < most; n++ {
		t, more := next()
		if !more {
			break
		}
		last = t
	}
	if last.Sub(first) < time.Duration(n)*time.Hour {
		return fmt.Errorf("%w: %q: more often than hourly", ErrRule, clip(rule))
	}
	return nil
}

// Every returns what happens at start, a wall time, and each n hours, days or
// weeks after it by the clock on the wall. The period is a whole number of hours
// from one hour to 53 weeks.
func Every(period time.Duration, start time.Time, zone *time.Location) (*Recurrence, error) {
	hours := int(period / time.Hour)
	switch {
	case period%time.Hour != 0 || hours < 1 || hours > 53*7*24:
		return nil, fmt.Errorf("%w: every %s; expected whole hours, from 1h to 53w", ErrRule, period)
	case hours%24 == 0:
		return NewRecurrence(fmt.Sprintf("FREQ=DAILY;INTERVAL=%d", hours/24), start, zone)
	}
	return NewRecurrence(fmt.Sprintf("FREQ=HOURLY;INTERVAL=%d", hours), start, zone)
}

// Endless tells whether it goes on for good.
func (r *Recurrence) Endless() bool {
	return r != nil && r.rule.OrigOptions.Count == 0 && r.rule.OrigOptions.Until.IsZero()
}

// Times returns the moments from from to before until at which it happens, in
// order.
func (r *Recurrence) Times(from, until time.Time) []time.Time {
	var out []time.Time
	for t := range r.all {
		if !t.Before(until) {
			break
		}
		if !t.Before(from) {
			out = append(out, t)
		}
	}
	return out
}

// Count returns how often it happened until a moment, that moment included.
func (r *Recurrence) Count(at time.Time) int {
	n := 0
	for t := range r.all {
		if t.After(at) {
			break
		}
		n++
	}
	return n
}

// all yields each moment at which it happens, in order.
func (r *Recurrence) all(yield func(time.Time) bool) {
	if r == nil {
		return
	}
	next := r.rule.Iterator()
	for {
		wall, ok := next()
		if !ok || !yield(Instant(wall, r.zone)) {
			return
		}
	}
}
