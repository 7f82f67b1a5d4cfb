package calendar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are hours of the week, by the clock on the wall of one place. The zero
// value states none.
type Hours struct {
	text  string
	zone  *time.Location
	spans []span
}

// span is a part of one weekday, in minutes since midnight.
type span struct {
	day         time.Weekday
	from, until int // until is exclusive
}

const minutesPerDay = 24 * 60

// ParseHours reads days and times in a place: "Mon-Fri 09:00-18:00",
// "Mon,Wed 09:00-12:00, Sat 22:00-06:00". A span whose end is not after its
// start runs into the next day.
func ParseHours(s string, zone *time.Location) (Hours, error) {
	h := Hours{text: strings.Join(strings.Fields(s), " "), zone: zone}
	var days []time.Weekday
	for part := range strings.SplitSeq(s, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 || len(fields) > 2 {
			return Hours{}, fmt.Errorf("%q is no part of a week; expected days and times, such as Mon-Fri 09:00-18:00", clip(part))
		}
		more, err := parseDays(fields[0])
		if err != nil {
			return Hours{}, err
		}
		days = append(days, more...)
		if len(fields) == 1 {
			continue // the times follow after further days
		}
		from, until, err := parseTimes(fields[1])
		if err != nil {
			return Hours{}, err
		}
		for _, day := range days {
			h.add(day, from, until)
		}
		days = nil
	}
	if len(days) > 0 {
		return Hours{}, fmt.Errorf("%q ends without times; expected days and times, such as Mon-Fri 09:00-18:00", clip(s))
	}
	return h, nil
}

// add splits a span that crosses midnight.
func (h *Hours) add(day time.Weekday, from, until int) {
	if until > from {
		h.spans = append(h.spans, span{day, from, until})
		return
	}
	h.spans = append(h.spans, span{day, from, minutesPerDay})
	if until > 0 {
		h.spans = append(h.spans, span{(day + 1) % 7, 0, until})
	}
}

// Contains tells whether t is within the hours. It is true for the zero value:
// where no hours are stated, nothing happens outside them.
//
// A span lasts from the moment at which the clocks show its start to that at
// which they show its end, see [Instant]: one until 02:30 is over at the first
// of two 02:30, and where there is none at 03:30.
func (h Hours) Contains(t time.Time) bool {
	if h.IsZero() {
		return true
	}
	today := midnight(Wall(t, h.zone))
	for day := -1; day <= 1; day++ { // the clocks may have been turned over midnight
		for _, s := range h.spans {
			if from, until, on := h.on(today.AddDate(0, 0, day), s); on && !t.Before(from) && t.Before(until) {
				return true
			}
		}
	}
	return false
}

// on returns when a span begins and ends on a day, and false on other weekdays.
func (h Hours) on(day time.Time, s span) (from, until time.Time, ok bool) {
	if day.Weekday() != s.day {
		return from, until, false
	}
	return Instant(day.Add(time.Duration(s.from)*time.Minute), h.zone), Instant(day.Add(time.Duration(s.until)*time.Minute), h.zone), true
}

// Changes returns the moments after from and before until at which a span
// begins or ends, in order. Where one begins as another ends, nothing changes.
func (h Hours) Changes(from, until time.Time) []time.Time {
	if h.IsZero() {
		return nil
	}
	var out []time.Time
	last := midnight(Wall(until, h.zone)).AddDate(0, 0, 1)
	for day := midnight(Wall(from, h.zone)).AddDate(0, 0, -1); !day.After(last); day = day.AddDate(0, 0, 1) {
		for _, s := range h.spans {
			begin, end, on := h.on(day, s)
			for _, t := range []time.Time{begin, end} {
				if on && t.After(from) && t.Before(until) {
					out = append(out, t)
				}
			}
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	out = slices.CompactFunc(out, time.Time.Equal)
	return slices.DeleteFunc(out, func(t time.Time) bool { return h.Contains(t) == h.Contains(t.Add(-time.Nanosecond)) })
}

// IsZero tells whether no hours are stated.
func (h Hours) IsZero() bool { return len(h.spans) == 0 }

// String returns the hours as written.
func (h Hours) String() string { return h.text }

// MarshalText returns the hours as written.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.text), nil }

// parseDays reads Mon or Mon-Fri; a range may run over the end of the week.
func parseDays(s string) ([]time.Weekday, error) {
	first, last, isRange := strings.Cut(s, "-")
	from, ok := weekday(first)
	if !ok {
		return nil, fmt.Errorf("%q is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri", clip(first))
	}
	if !isRange {
		return []time.Weekday{from}, nil
	}
	until, ok := weekday(last)
	if !ok {
		return nil, fmt.Errorf("%q is not a day; expected Mon, Tue, Wed, Thu, Fri, Sat or Sun, or a range such as Mon-Fri", clip(last))
	}
	days := []time.Weekday{from}
	for d := from; d != until; {
		d = (d + 1) % 7
		days = append(days, d)
	}
	return days, nil
}

func weekday(s string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(s, d.String()[:3]) || strings.EqualFold(s, d.String()) {
			return d, true
		}
	}
	return 0, false
}

// parseTimes reads 09:00-18:00 into minutes since midnight.
func parseTimes(s string) (from, until int, err error) {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		return 0, 0, fmt.Errorf("%q is not a span of time; expected a start and an end, such as 09:00-18:00", clip(s))
	}
	if from, err = parseClock(first); err != nil {
		return 0, 0, err
	}
	if until, err = parseClock(last); err != nil {
		return 0, 0, err
	}
	if from == minutesPerDay {
		return 0, 0, fmt.Errorf("%q starts at the end of the day; expected a start such as 09:00", clip(s))
	}
	if from == until {
		return 0, 0, fmt.Errorf("%q is empty; expected a start and another end, or 00:00-24:00 for the whole day", clip(s))
	}
	return from, until, nil
}

// parseClock reads 09:00; 24:00 is the end of the day.
func parseClock(s string) (int, error) {
	bad := fmt.Errorf("%q is not a time of day; expected hours and minutes from 00:00 to 24:00, such as 09:00", clip(s))
	hours, minutes, ok := strings.Cut(s, ":")
	if !ok || len(hours) > 2 || len(minutes) != 2 {
		return 0, bad
	}
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if errH != nil || errM != nil || m > 59 || h > 24 || h == 24 && m > 0 {
		return 0, bad
	}
	return int(h)*60 + int(m), nil
}

// clip shortens a value that is repeated in a message.
func clip(s string) string {
	const longest = 60
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return string(runes[:longest]) + "…"
}
