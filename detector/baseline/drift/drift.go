// Package drift judges a count that moves slowly by itself, such as the
// followers of an account: a fall or a rise that is sudden against the
// account's own daily changes. It judges first and learns after, reads no clock
// and keeps State, which has no pointers. Which counts it is fed is a rule's
// matter, keeping them over restarts the detector's.
//
// The change is measured against the value of half a day to a day ago, as its
// share of that value, so that an account of a thousand followers and one of a
// million are judged alike. What is usual is a running mean of the daily change
// and of its distance from that mean; the distance counts four times over, as
// the changes of real accounts have far heavier tails than a normal law.
package drift

import (
	"math"
	"time"
)

// State is what is known of one count of one account: 48 bytes without
// pointers. The zero value has seen nothing.
type State struct {
	Anchor int64 // occurrence of Old, Unix nanoseconds; 0 for none
	Since  int64 // occurrence of the first value, Unix nanoseconds

	Old  uint32 // the value that changes are measured against
	Mid  uint32 // the value that follows it as Old
	Last uint32 // the latest value
	Days uint32 // daily changes learned

	MidAfter  uint32 // seconds from Anchor to Mid
	LastAfter uint32 // seconds from Anchor to Last

	Trend  float32 // usual change of a day, as a share of the value
	Spread float32 // mean distance of a day's change from Trend
}

// Params say what is sudden.
type Params struct {
	Share  float64 // a change of a smaller share of the value never is
	Floor  float64 // a change by fewer than this never is
	Factor float64 // times the account's own usual distance from its trend
	Days   int     // days of which the changes must be known
}

// Change is what one value says. Shares are of From; 0.05 is 5 percent.
type Change struct {
	Odd      bool
	From, To uint32
	Took     time.Duration // between the two
	Share    float64       // by which the value changed; negative where it fell
	Low      float64       // least and most usual share in that time
	High     float64
}

const (
	day  = 24 * time.Hour
	half = day / 2
	// stale is from when on an old value says nothing about suddenness.
	stale = 3 * day
	// soft is added to a value that shares are taken of: three followers more
	// are no tripling.
	soft = 20
	// memory is over how many days the usual change is averaged.
	memory = 60
	// prior is the spread of an account of which nothing is known, and how many
	// days' worth it counts.
	prior, priorDays = 0.01, 5
	// heavy is how many spreads away one change is learned at most, so that one
	// attack does not make the next one usual.
	heavy = 4
)

// Step judges the value v at time t and learns it. A value that is older than
// the latest says nothing.
func (s *State) Step(t int64, v float64, p *Params) Change {
	now := uint32(min(max(v, 0), math.MaxUint32))
	switch {
	case v != v || s.Anchor != 0 && t < s.Anchor+seconds(s.LastAfter):
		return Change{}
	case s.Anchor == 0:
		s.Since = t
		s.restart(t, now)
		return Change{From: now, To: now}
	case time.Duration(t-s.Anchor-seconds(s.LastAfter)) > stale:
		s.restart(t, now)
		return Change{From: now, To: now}
	}
	c := s.change(t, now, p)
	if c.Odd {
		// What comes after is measured from here, and learned from here on.
		s.learn(c.Share, c.Took)
		s.restart(t, now)
		return c
	}
	s.advance(t, now)
	return c
}

// Known returns of how many days the changes are known. Windows of a day overlap
// by half, so more changes than days are learned.
func (s *State) Known() int {
	age := time.Duration(s.Anchor + seconds(s.LastAfter) - s.Since)
	return min(int(age/day), int(s.Days))
}

// Latest returns the latest value and when it was told, Unix nanoseconds; 0 for
// never.
func (s *State) Latest() (v uint32, at int64) {
	if s.Anchor == 0 {
		return 0, 0
	}
	return s.Last, s.Anchor + seconds(s.LastAfter)
}

func (s *State) change(t int64, now uint32, p *Params) Change {
	c := Change{From: s.Old, To: now, Took: time.Duration(t - s.Anchor), Share: share(s.Old, now)}
	days := max(c.Took, half).Hours() / 24
	room := max(p.Share, p.Factor*s.spread()*math.Sqrt(days))
	usual := float64(s.Trend) * c.Took.Hours() / 24
	// A trend widens what is usual towards its own side only: not to grow for
	// once is no fall.
	c.Low, c.High = min(usual, 0)-room, max(usual, 0)+room
	far := math.Abs(float64(now)-float64(s.Old)) >= p.Floor
	c.Odd = far && s.Known() >= p.Days && (c.Share < c.Low || c.Share > c.High)
	return c
}

// spread is the mean distance of a day's change from the trend, leaning on the
// prior while few days are known.
func (s *State) spread() float64 {
	n := float64(s.Days)
	return (prior*priorDays + float64(n*float64(s.Spread))) / (priorDays + n)
}

// advance takes the value in, and after a day learns the change and measures
// from a later one.
func (s *State) advance(t int64, now uint32) {
	after := time.Duration(t - s.Anchor)
	if after >= day {
		s.learn(share(s.Old, now), after)
		s.Old, s.Anchor = s.Mid, s.Anchor+seconds(s.MidAfter)
		after = time.Duration(t - s.Anchor)
		if after >= day { // nothing was told in between
			s.Old, s.Anchor, after = now, t, 0
		}
		s.Mid, s.MidAfter = now, uint32(after/time.Second)
	} else if time.Duration(seconds(s.MidAfter)) < half {
		s.Mid, s.MidAfter = now, uint32(after/time.Second)
	}
	s.Last, s.LastAfter = now, uint32(after/time.Second)
}

// learn takes in a change over a time as changes of so many days.
func (s *State) learn(by float64, took time.Duration) {
	days := max(took, half).Hours() / 24
	s.Days++
	a := 1 / math.Min(float64(s.Days), memory)
	most := heavy * s.spread()
	off := min(max(by/days-float64(s.Trend), -most), most)
	s.Trend += float32(a * off)
	s.Spread += float32(a * (float64(math.Abs(off)*math.Sqrt(days)) - float64(s.Spread)))
}

func (s *State) restart(t int64, now uint32) {
	s.Anchor, s.Old, s.Mid, s.Last, s.MidAfter, s.LastAfter = t, now, now, now, 0, 0
}

func share(from, to uint32) float64 {
	return (float64(to) - float64(from)) / (float64(from) + soft)
}

func seconds(n uint32) int64 { return int64(n) * int64(time.Second) }
