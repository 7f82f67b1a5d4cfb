package simulate

import "time"

const (
	firstYear = 1971
	lastYear  = 2099
)

// summer is the rule by which a zone keeps daylight saving.
type summer uint8

const (
	summerNone summer = iota
	summerEU          // last Sunday of March to last Sunday of October, 01:00 UTC
	summerUS          // second Sunday of March to first Sunday of November, 02:00 local
)

// zone is a time zone by the rules in force today. The machine's own zone
// data is not used: it differs between machines, and a world must not.
type zone struct {
	name string
	std  int64 // milliseconds east of UTC without daylight saving
	rule summer
	cal  *calendar
}

// calendar holds the bounds of daylight saving by year: in UTC for the EU's
// rule, in local standard time for that of the US.
type calendar struct {
	eu, us [lastYear - firstYear + 2][2]int64
}

func newCalendar() *calendar {
	c := new(calendar)
	for i := range c.eu {
		y := firstYear + i
		c.eu[i] = [2]int64{
			sunday(y, time.March, 25) + hour,
			sunday(y, time.October, 25) + hour,
		}
		c.us[i] = [2]int64{
			sunday(y, time.March, 8) + 2*hour,
			sunday(y, time.November, 1) + hour, // 02:00 in summer time
		}
	}
	return c
}

// sunday is midnight of the first Sunday on or after that day, in milliseconds.
func sunday(year int, month time.Month, from int) int64 {
	t := time.Date(year, month, from, 0, 0, 0, 0, time.UTC)
	return t.AddDate(0, 0, (7-int(t.Weekday()))%7).UnixMilli()
}

// offset is the zone's distance from UTC at a time, in milliseconds.
func (z *zone) offset(at int64) int64 {
	// Off by a day at most around New Year, when no zone here is in summer.
	const meanYear = 31_556_952 * second
	year := max(0, min(int(at/meanYear)+1970-firstYear, len(z.cal.eu)-1))
	var span [2]int64
	switch z.rule {
	case summerNone:
		return z.std
	case summerEU:
		span = z.cal.eu[year]
	case summerUS:
		span = z.cal.us[year]
		at += z.std
	}
	if at >= span[0] && at < span[1] {
		return z.std + hour
	}
	return z.std
}

// local turns UTC into local wall time, in milliseconds.
func (z *zone) local(at int64) int64 { return at + z.offset(at) }

// utc turns local wall time back. Of the hour that autumn repeats it takes the
// first; an hour that spring skips becomes the one after.
func (z *zone) utc(local int64) int64 {
	at := local - z.std
	return at - (z.offset(at-hour) - z.std)
}
