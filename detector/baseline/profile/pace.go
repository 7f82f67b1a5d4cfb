package profile

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

// Pace: how short a time the account's latest posts took. A span tells a hurry
// from a usual day more sharply than a count within a window does, which grows
// little once the window is short.

// reach is how many posts back pace looks.
const reach = 10

// runs are the numbers of posts whose span is looked at.
func runs() [paces]int { return [paces]int{3, 6, reach} }

// A span counts from paceSpan downwards, so many bins to each halving; what is
// much shorter than paceLeast is all the same. Both are in seconds.
const (
	paceSpan  = 4 * 3600
	paceLeast = 10
	paceBins  = 1.5
)

// noGaps are the gaps before an account's first post.
func noGaps() (gaps [reach - 1]uint16) {
	for i := range gaps {
		gaps[i] = math.MaxUint16
	}
	return gaps
}

// hurry is the log of the months after which the account posts as fast again,
// for the run that is fastest by its own habit. Gap is that before the post
// which is judged, in seconds.
func (s *State) hurry(gap float64, m *Model) float64 {
	most, span, k := 0.0, gap, 0
	for i, n := range runs() {
		for ; k < n-2; k++ {
			span += float64(s.gaps[k])
		}
		x := octaves(max(1, paceSpan/(span+paceLeast)), paceBins)
		most = max(most, s.months(chPace+i, x, m.PaceSlope, m))
	}
	return approx.Log(most)
}

// follow notes the gap before a post.
func (s *State) follow(gap float64) {
	copy(s.gaps[1:], s.gaps[:])
	s.gaps[0] = uint16(min(gap, math.MaxUint16))
}

// fastest returns the run of latest posts that is the most hasty, and its span
// in seconds.
func (s *State) fastest() (posts, span int) {
	best, sum, k := 0.0, 0, 0
	for _, n := range runs() {
		for ; k < n-1; k++ {
			sum += int(s.gaps[k])
		}
		if x := float64(n) / math.Sqrt(float64(sum+paceLeast)); x > best {
			best, posts, span = x, n, sum
		}
	}
	return posts, span
}
