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
	rule *rrule.RRule // of wall times; nil where start and period say it all
	zone *time.Location

	start  time.Time // on the wall
	period time.Duration
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
	return &Recurrence{rule: r, zone: zone}, nil
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
	if period%time.Hour != 0 || period < time.Hour || period > 53*7*day {
		return nil, fmt.Errorf("%w: every %s; expected whole hours, from 1h to 53w", ErrRule, period)
	}
	return &Recurrence{zone: zone, start: start, period: period}, nil
}

// Endless tells whether it goes on for good.
func (r *Recurrence) Endless() bool {
	return r != nil && (r.rule == nil || r.rule.OrigOptions.Count == 0 && r.rule.OrigOptions.Until.IsZero())
}

// Times returns the moments from from to before until at which it happens, in
// order.
func (r *Recurrence) Times(from, until time.Time) []time.Time {
	var out []time.Time
	for t := range r.near(from) {
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
	n := r.skipped(at)
	for t := range r.near(at) {
		if t.After(at) {
			break
		}
		n++
	}
	return n
}

// skipped returns how many of the first times are certainly before a moment: so
// many near leaves out. Of a rule none is.
func (r *Recurrence) skipped(at time.Time) int {
	if r == nil || r.period == 0 {
		return 0
	}
	// No turn of the clocks is longer than a day, so two days earlier on the wall
	// is earlier in any case.
	return max(0, int((Wall(at, r.zone).Sub(r.start)-2*day)/r.period))
}

// near yields the moments at which it happens, in order, without the first ones
// that are before a moment, as many as skipped says.
func (r *Recurrence) near(at time.Time) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		if r == nil {
			return
		}
		if r.rule == nil {
			for n := r.skipped(at); yield(Instant(r.start.Add(time.Duration(n)*r.period), r.zone)); n++ {
			}
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
}
