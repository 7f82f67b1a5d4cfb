package profile

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

// Sessions: how seldom what they show is, and the threshold that follows from
// the oddest of late.

// octaves are the bins of a number that is at least 1, so many to each doubling.
func octaves(x, each float64) float64 { return each * approx.Log2(x) }

// join is the Euclidean norm of what is positive: between the maximum and the
// sum.
func join(xs ...float64) float64 {
	sum := 0.0
	for _, x := range xs {
		if x > 0 {
			sum += float64(x * x)
		}
	}
	return math.Sqrt(sum)
}

// seldom notes what a channel shows, in bins, and returns the log of the months
// after which a session of the account shows as much again.
func (s *State) seldom(channel int, x, slope float64, m *Model) float64 {
	return approx.Log(s.months(channel, x, slope, m))
}

// months is seldom without the logarithm.
func (s *State) months(channel int, x, slope float64, m *Model) float64 {
	x = max(0, min(bins-1.0/16, x))
	s.most[channel] = max(s.most[channel], uint8(x*16))
	h := &s.past[channel]
	b := int(x)
	low, high := word(h[:8]), word(h[8:])
	above := sumBytes(low&(math.MaxUint64<<(8*min(b+1, 8)))) + sumBytes(high&(math.MaxUint64<<(8*max(b-7, 0))))
	prior := m.Prior
	if above == 0 {
		if beyond := x - float64(highest(low, high)); beyond > 0 {
			prior *= approx.Exp(-slope * beyond)
		}
	}
	as := float64(above) + float64(float64(h[b])*(1-(x-float64(b))))
	return (float64(s.exposure) + 0.2) / (as + prior)
}

// settled is from how many posts on sessions say something of the account.
const settled = 50

// close ends a session.
func (s *State) close(m *Model) {
	if s.posts > settled {
		for c := range s.past {
			n := &s.past[c][s.most[c]/16]
			*n = min(*n, math.MaxUint8-1) + 1
		}
		if float64(s.exposure) > m.Memory {
			s.exposure /= 2
			for c := range s.past {
				for i := range s.past[c] {
					s.past[c][i] /= 2
				}
			}
		}
		s.remember(m)
	}
	s.most = [channels]uint8{}
	s.peak = 0
}

// peak is the score of a session and its day. No score: none.
type peak struct {
	score uint16 // in units of 1/1024
	day   uint16 // since 1970
}

const scoreUnit = 1024

// remember keeps the session's score if it is among the highest of late.
func (s *State) remember(m *Model) {
	now := peak{uint16(min(math.MaxUint16, s.peak*scoreUnit)), uint16(s.last / 86400)}
	low := 0
	for i := range s.top {
		if float64(now.day-s.top[i].day) > m.Horizon {
			s.top[i] = peak{}
		}
		if s.top[i].score < s.top[low].score {
			low = i
		}
	}
	if now.score > s.top[low].score {
		s.top[low] = now
	}
}

// threshold is the score that as many sessions of the trailing Horizon passed
// as the budget allows for it, moved by what the budget is ahead or behind.
func (s *State) threshold(t int64, m *Model) float64 {
	day := uint16(t / 86400)
	var scores [topSize]uint16 // the highest first
	n := 0
	for _, x := range s.top {
		if x.score == 0 || float64(day-x.day) > m.Horizon {
			continue
		}
		i := n
		for ; i > 0 && scores[i-1] < x.score; i-- {
			scores[i] = scores[i-1]
		}
		scores[i] = x.score
		n++
	}
	if n == 0 {
		return m.First
	}
	days := min(m.Horizon, max(10, float64(t-int64(s.first))/86400))
	allowed := m.Budget * days / 30.44
	whole := int(allowed)
	var at float64
	switch {
	case whole < 1:
		at = float64(float64(scores[0])/scoreUnit) + (1 - allowed)
	case whole >= n:
		at = float64(scores[n-1]) / scoreUnit
	default:
		part := allowed - float64(whole)
		at = (float64(float64(scores[whole-1])*(1-part)) + float64(float64(scores[whole])*part)) / scoreUnit
	}
	return max(m.Least, at) + float64(m.Control*max(-1.5, min(6, -float64(s.tokens))))
}
