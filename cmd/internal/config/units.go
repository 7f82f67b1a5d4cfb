package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// ParseDuration reads Go's durations and also days and weeks of 24 hours: 90d,
// 1w2d, 1h30m, 500ms.
func ParseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; expected a number and a unit, such as 500ms, 30s, 15m, 12h, 90d or 1w", clip(s))
	rest, total := s, time.Duration(0)
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", week}, {"d", day}} {
		number, after, ok := strings.Cut(rest, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return 0, bad
		}
		if n > uint64((math.MaxInt64-total)/unit.size) {
			return 0, fmt.Errorf("%q is too long; expected at most 292 years", clip(s))
		}
		total += time.Duration(n) * unit.size
		rest = after
	}
	if rest == "" && s != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, bad
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative; expected a duration such as 30s", clip(s))
	}
	if total > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is too long; expected at most 292 years", clip(s))
	}
	return total + d, nil
}

// parseSize reads a number of bytes: 1048576, 512KiB, 1.5GiB.
func parseSize(s string) (int64, error) {
	number, unit := s, ""
	if i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' }); i >= 0 {
		number, unit = s[:i], strings.TrimSpace(s[i:])
	}
	factor := 1.0
	switch unit {
	case "", "B":
	case "KiB":
		factor = 1 << 10
	case "MiB":
		factor = 1 << 20
	case "GiB":
		factor = 1 << 30
	case "TiB":
		factor = 1 << 40
	default:
		return 0, fmt.Errorf("%q has no known unit; expected bytes, or KiB, MiB, GiB or TiB, such as 10GiB", clip(s))
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size; expected bytes, or KiB, MiB, GiB or TiB, such as 10GiB", clip(s))
	}
	n *= factor
	if n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too large; expected less than 8388608TiB", clip(s))
	}
	if n != math.Trunc(n) {
		return 0, fmt.Errorf("%q is not a whole number of bytes; expected a size such as 512MiB", clip(s))
	}
	return int64(n), nil
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

// written writes a duration as people type it: 90d, 15m, 1h30m, 500ms.
func written(d time.Duration) string {
	if d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
