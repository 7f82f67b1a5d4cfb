package activity

import "time"

// parseTime reads an RFC 3339 time: 2026-03-01T12:00:00Z, with up to nine
// decimals of a second and with an offset instead of Z if wanted. The result
// is in UTC.
func parseTime(s string) (time.Time, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") {
		return time.Time{}, false
	}
	p := [19]byte([]byte(s[:19]))
	if p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':' {
		return time.Time{}, false
	}
	// A character that is no digit makes its number so large that it is refused.
	year := 100*two(p[0], p[1]) + two(p[2], p[3])
	month, day := two(p[5], p[6]), two(p[8], p[9])
	hour, minute, second := two(p[11], p[12]), two(p[14], p[15]), two(p[17], p[18])
	if year-1 >= 9999 || month-1 >= 12 || day-1 >= daysIn(year, month) || hour >= 24 || minute >= 60 || second >= 60 {
		return time.Time{}, false
	}
	nanos, offset := 0, 0
	if rest := s[19:]; rest != "Z" {
		var ok bool
		if nanos, rest, ok = fraction(rest); !ok {
			return time.Time{}, false
		}
		if offset, ok = zone(rest); !ok {
			return time.Time{}, false
		}
	}
	unix := int64(days(int(year), int(month), int(day)))*86400 + int64(hour*3600+minute*60+second) - int64(offset)
	if unix < minUnix || unix > maxUnix {
		return time.Time{}, false
	}
	return time.Unix(unix, int64(nanos)).UTC(), true
}

// The years that RFC 3339 can write, less year 0: 0001-01-01T00:00:00Z to
// 9999-12-31T23:59:59Z in seconds since 1970.
const (
	minUnix = -62135596800
	maxUnix = 253402300799
)

// two is the number of two digits, or at least 10000 where they are none.
func two(tens, units byte) uint {
	a, b := uint(tens)-'0', uint(units)-'0'
	if a > 9 || b > 9 {
		return 10000
	}
	return a*10 + b
}

// fraction reads the decimals of a second, if there are any, as nanoseconds.
func fraction(s string) (nanos int, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	i := 1
	for i < len(s) && s[i]-'0' <= 9 && i < 11 {
		nanos = nanos*10 + int(s[i]-'0')
		i++
	}
	if i == 1 || i > 10 {
		return 0, "", false
	}
	return nanos * [...]int{1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 100, 10, 1}[i-1], s[i:], true
}

// zone reads Z or ±hh:mm as seconds east of UTC.
func zone(s string) (seconds int, ok bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != len("+00:00") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hour, minute := two(s[1], s[2]), two(s[4], s[5])
	if hour >= 24 || minute >= 60 {
		return 0, false
	}
	seconds = int(hour*3600 + minute*60)
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func daysIn(year, month uint) uint {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days counts the days from 1970-01-01. The year is taken to start in March,
// so that a leap day is its last.
func days(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	const toEpoch = 719469 // days from 0000-03-01 to 1970-01-01, plus one for day counting from 1
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - toEpoch
}
