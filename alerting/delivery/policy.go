package delivery

import (
	"time"

	"github.com/picketd/picket/rules"
)

// Deadlines say for how long a message of each level is tried, from when it was
// queued, before it becomes a dead letter. Zero fields take the default.
type Deadlines struct {
	Critical, High, Medium, Low, Informational time.Duration
}

// DefaultDeadlines are a day for what is critical and a shift for what is high;
// what is less is stale sooner.
func DefaultDeadlines() Deadlines {
	return Deadlines{Critical: 24 * time.Hour, High: 8 * time.Hour, Medium: 8 * time.Hour, Low: 4 * time.Hour, Informational: 4 * time.Hour}
}

// of returns the deadline of a level. One that is not known has that of high.
func (d Deadlines) of(l rules.Level) time.Duration {
	for _, from := range []Deadlines{d, DefaultDeadlines()} {
		var v time.Duration
		switch l {
		case rules.Critical:
			v = from.Critical
		case rules.Medium:
			v = from.Medium
		case rules.Low:
			v = from.Low
		case rules.Informational:
			v = from.Informational
		case rules.High:
			v = from.High
		default:
			v = from.High
		}
		if v > 0 {
			return min(v, MaxDeadline)
		}
	}
	return MaxDeadline
}

// How a receiver is tried.
const (
	// parallel is how many incidents a receiver is told of at the same time.
	parallel = 4
	// attemptTime bounds one try, for outputs that do not bound it themselves.
	attemptTime = 40 * time.Second
	// mostAsked is how long a receiver that asks for it is left alone at most.
	mostAsked = time.Hour
	// mendTime is how long a message is tried, within its deadline, that is denied
	// until a setting is mended: long enough to rotate a key, and to find out who
	// can mend a wrong one. It is not the whole deadline, since a receiver may
	// deny this one message only, and later ones of the incident wait behind it.
	mendTime = time.Hour
)

// pace holds the waits, which tests make shorter.
type pace struct {
	// The wait before a try is chosen between nothing and a bound that doubles
	// from the first to the most: full jitter, so that what failed together does
	// not come back together.
	firstWait, mostWait time.Duration
	// The wait between probes while the breaker is open doubles, too.
	firstOpen, mostOpen time.Duration
	// own is the wait after a fault of our own side, such as a server that is
	// away.
	own time.Duration
	// stop is how long tries under way may take when delivery stops.
	stop time.Duration
}

func usualPace() pace {
	return pace{
		firstWait: 2 * time.Second, mostWait: 5 * time.Minute,
		firstOpen: 15 * time.Second, mostOpen: time.Minute,
		own: time.Second, stop: 5 * time.Second,
	}
}

// backoff returns how long to wait after so many tries have failed; chance is
// in [0, 1).
func (p *pace) backoff(attempts int, chance float64) time.Duration {
	bound := p.mostWait
	if shift := attempts - 1; shift < 10 {
		bound = min(p.firstWait<<max(shift, 0), p.mostWait)
	}
	return time.Duration(chance * float64(bound))
}

// pressing orders levels, the most pressing first.
func pressing(l rules.Level) int {
	switch l {
	case rules.Critical:
		return 0
	case rules.High:
		return 1
	case rules.Medium:
		return 2
	case rules.Low:
		return 3
	case rules.Informational:
		return 4
	}
	return 1
}
