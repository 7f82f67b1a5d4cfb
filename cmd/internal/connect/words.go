package connect

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// count writes a whole number with commas: 1,200.
func count[N ~int | ~int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// about rounds a number to what an estimate is worth: 2 digits below 100, else
// 3.
func about(f float64) string {
	switch {
	case f <= 0:
		return "0"
	case f < 10:
		return strconv.FormatFloat(f, 'g', 2, 64)
	case f < 1000:
		return strconv.FormatFloat(math.Round(f), 'f', -1, 64)
	}
	unit := math.Pow(10, math.Floor(math.Log10(f))-2)
	return count(int64(math.Round(f/unit) * unit))
}

func dollars(f float64) string { return fmt.Sprintf("$%.2f", f) }

// several writes a number with its noun.
func several(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// ago says how long ago something was.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return "just now"
	case d < 2*time.Hour:
		return several(int(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return several(int(d/time.Hour), "hour") + " ago"
	default:
		return several(int(d/(24*time.Hour)), "day") + " ago"
	}
}

// span writes a duration as the configuration does: 1m, 90s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// list joins words for a sentence: a, b and c.
func list(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
