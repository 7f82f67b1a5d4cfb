package collectors

import (
	"math"
	"time"
)

// share divides one quota of a credential among what uses it. Nothing of it is
// set aside: as long as an account stays below its part, one of as many as the
// credential has accounts, it takes what it needs at once. Who has had its
// part goes on only at the pace at which the quota lasts to its end, so that
// the others find theirs whenever they come, and nothing is wasted.
type share struct {
	used map[uint64]float64 // by account, in this span
	// before is used of the span before, and since when this one began, of a
	// quota that holds in any span.
	before map[uint64]float64
	since  time.Time
	total  float64 // used by all, since then
	// next is when the one that is refused next may try again. Each gets a
	// time of its own, so that many that wait do not all come back for one
	// request.
	next time.Time
}

func (s *share) reset() { clear(s.used); s.next = time.Time{} }

func (s *share) add(t *turn, n float64) {
	s.total += n
	if t == nil {
		return
	}
	if s.used == nil {
		s.used = map[uint64]float64{}
	}
	s.used[t.account] += n
}

// slide begins another span when one is over.
func (s *share) slide(now time.Time, per time.Duration) {
	if age := now.Sub(s.since); age >= per {
		s.before, s.used, s.total = s.used, nil, 0
		if age >= 2*per {
			s.before = nil
		}
		s.since = now
	}
}

// lately is what an account used in the span up to now, as if it had used what
// it did in the span before evenly.
func (s *share) lately(t *turn, now time.Time, per time.Duration) float64 {
	rest := max(0, 1-now.Sub(s.since).Seconds()/per.Seconds())
	return s.used[t.account] + rest*s.before[t.account]
}

// over reports whether an account has had its part of a quota.
func (s *share) over(t *turn, granted float64, accounts int) bool {
	return t != nil && accounts > 1 && s.used[t.account] >= granted/float64(accounts)
}

// wait returns when the next of those that are over may try again, if a quota
// lets one through every so often, and no later than its end.
func (s *share) wait(now time.Time, every time.Duration, end time.Time) time.Time {
	if every = max(every, shortestWait); s.next.Before(now) {
		s.next = now
	}
	s.next = s.next.Add(every)
	if !end.IsZero() && s.next.After(end) {
		return end
	}
	return s.next
}

// shortestWait keeps who is refused from asking again all the time.
const shortestWait = 10 * time.Millisecond

// span is a quota from when it was granted to when it is granted anew.
type span struct {
	start, end time.Time
	granted    float64
}

func (s span) length() float64 { return max(s.end.Sub(s.start).Seconds(), 1e-3) }

// ahead is the part of a span that use may be ahead of its pace, so that all is
// used when the span ends.
const ahead = 1.0 / 32

// onPace reports whether use that is spread evenly over the span would have
// come to more than used by now.
func (s span) onPace(used float64, now time.Time) bool {
	return used < s.granted*min(1, now.Sub(s.start).Seconds()/s.length()+ahead)
}

// onPaceAt is when onPace becomes true again.
func (s span) onPaceAt(used float64) time.Time {
	at := s.start.Add(time.Duration((used/max(s.granted, 1e-9) - ahead) * s.length() * float64(time.Second)))
	if at.After(s.end) {
		return s.end
	}
	return at
}

// step is the time between two requests that use up the span evenly.
func (s span) step(cost float64) time.Duration {
	return time.Duration(cost / max(s.granted, 1e-9) * s.length() * float64(time.Second))
}

// kept is how much of a span's quota is not for mentions: the part that is
// reserved of what the rest of the span would bring, and never less than an
// eighth of the whole reserve, so that the last minutes have something too.
func (s span) kept(reserve float64, now time.Time) float64 {
	rest := min(1, max(1.0/8, s.end.Sub(now).Seconds()/s.length()))
	return reserve * s.granted * rest
}

// pace is how fast something is used: an average in which what is longer ago
// than over counts for little.
type pace struct {
	over  time.Duration
	since time.Time // of the first sample
	last  time.Time
	sum   float64 // of what was used, each part weighted by its age
}

func (p *pace) add(n float64, now time.Time) {
	if p.since.IsZero() {
		p.since, p.last = now, now
	}
	p.sum = p.sum*p.fade(now) + n
	p.last = now
}

func (p *pace) fade(now time.Time) float64 {
	return math.Exp(-max(0, now.Sub(p.last).Seconds()) / p.over.Seconds())
}

// usedUp is when left is used up at this pace, now when it is, zero when that is
// not known yet or comes after end.
func (p *pace) usedUp(left float64, now, end time.Time) time.Time {
	if left <= 0 {
		return now
	}
	age := now.Sub(p.since)
	if p.since.IsZero() || age < p.over/10 {
		return time.Time{}
	}
	seen := p.over.Seconds() * (1 - math.Exp(-age.Seconds()/p.over.Seconds()))
	perSecond := p.sum * p.fade(now) / seen
	return soon(left, perSecond, now, end)
}

// soon is when left is used up at so much a second, zero when that comes after
// end.
func soon(left, perSecond float64, now, end time.Time) time.Time {
	if perSecond <= 0 || left >= perSecond*end.Sub(now).Seconds() {
		return time.Time{}
	}
	return now.Add(time.Duration(left / perSecond * float64(time.Second)))
}
