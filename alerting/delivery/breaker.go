package delivery

import "time"

// tripsAfter is how many failures in a row open a breaker.
const tripsAfter = 5

// breaker leaves a receiver alone that fails again and again, but for one probe
// at a time. It is our own, since the libraries that were looked at keep their
// own clock and answer only whether a call may be made: here the queue has to
// know when the next probe is, which message it carries, and that a probe which
// never reached the receiver was none.
type breaker struct {
	failures int           // in a row, while closed
	opened   time.Time     // zero: closed
	until    time.Time     // no probe before, while open
	span     time.Duration // between the last probe and the next
	probing  bool
}

func (b *breaker) open() bool { return !b.opened.IsZero() }

// fail notes a failure; chance is in [0, 1).
func (b *breaker) fail(now time.Time, probe bool, p *pace, chance float64) {
	switch {
	case !b.open():
		b.failures++
		if b.failures < tripsAfter {
			return
		}
		b.opened, b.span = now, p.firstOpen
	case !probe:
		return // began before it opened
	default:
		b.span = min(2*b.span, p.mostOpen)
	}
	b.probing = false
	b.until = now.Add(b.span/2 + time.Duration(chance*float64(b.span/2)))
}

// succeed notes that the receiver answered, and reports whether the breaker
// closed by it.
func (b *breaker) succeed() bool {
	was := b.open()
	*b = breaker{}
	return was
}
