package sigma

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

const day = 24 * time.Hour

// ParseDuration reads a number and one unit: s, m, h, d, w (7 days), M (30
// days) or y (365 days). Sigma defines the first four.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, fmt.Errorf("duration is empty; write a number and a unit, such as 10m")
	}
	units := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour,
		'd': day, 'w': 7 * day, 'M': 30 * day, 'y': 365 * day,
	}
	unit, ok := units[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 63)
	switch {
	case !ok || err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("duration %q is not a whole number and one unit of s, m, h, d, w, M, y; write for example 10m", s)
	case err != nil || n > uint64(math.MaxInt64/unit):
		return 0, fmt.Errorf("duration %q is longer than 292 years; shorten it", s)
	case n == 0:
		return 0, fmt.Errorf("duration %q is not positive; write at least 1s", s)
	}
	return time.Duration(n) * unit, nil
}
