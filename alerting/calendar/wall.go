package calendar

import (
	"fmt"
	"time"
)

// Wall returns what the clocks of a zone show at a moment, as if it were UTC: a
// time that can be counted on in days of 24 hours.
func Wall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// Instant returns the moment at which the clocks of a zone show wall, as Wall
// gives it. As RFC 5545, section 3.3.5, has it, a time that they show twice
// means the first time, and one that they skip is as long after the turn as it
// says: 02:30, where 02:00 becomes 03:00, is 03:30.
func Instant(wall time.Time, zone *time.Location) time.Time {
	// A day before and after, no zone is on the other side of the turn.
	_, before := wall.Add(-day).In(zone).Zone()
	_, after := wall.Add(day).In(zone).Zone()
	early := wall.Add(-time.Duration(before) * time.Second)
	late := wall.Add(-time.Duration(after) * time.Second)
	if !Wall(early, zone).Equal(wall) && Wall(late, zone).Equal(wall) {
		return late
	}
	return early
}

const day = 24 * time.Hour

// midnight returns the start of the day of a wall time.
func midnight(wall time.Time) time.Time {
	y, m, d := wall.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// wallForms are how people write a time of the wall.
func wallForms() []string { return []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} }

// ParseWall reads a time by the clock on the wall: 2026-03-06 18:00, or a day,
// which means its start.
func ParseWall(s string) (time.Time, error) {
	for _, form := range wallForms() {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time by the clock on the wall; expected such as 2026-03-06 18:00", clip(s))
}

// ParseMoment reads a time by the clock on the wall of a zone, as ParseWall
// does, or one with an offset of its own as RFC 3339 has it.
func ParseMoment(s string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	wall, err := ParseWall(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time; expected such as 2026-03-06 18:00, or 2026-03-06T18:00:00+01:00", clip(s))
	}
	return Instant(wall, zone).UTC(), nil
}
