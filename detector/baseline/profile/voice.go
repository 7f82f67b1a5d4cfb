package profile

import (
	"math"

	"github.com/picketd/picket/detector/internal/approx"
)

// The voice of an account: one weight for each bucket of hashed words and
// habits of writing, positive where the account uses them more than others.

func bucket(token uint16) int { return int(uint32(token) * weights >> 16) }

// logit is the log odds that a post is the account's own rather than
// somebody else's.
func (s *State) logit(tokens []uint16, m *Model) float64 {
	sum := 0
	for _, t := range tokens {
		sum += int(s.voice[bucket(t)])
	}
	return float64(s.bias) + float64(sum)*m.Step/math.Sqrt(float64(len(tokens)+1))
}

// part is how many bits of a step of training are less than one unit of a weight.
const part = 20

// train takes one step of stochastic gradient descent on the logistic loss.
// Weights are whole numbers of units, so what is less than one is rounded up or
// down at random, by how near it is.
func (s *State) train(tokens []uint16, own float64, m *Model) {
	g := m.LR * (own - 1/(1+approx.Exp(-s.logit(tokens, m))))
	s.bias += float32(0.1 * g)
	d := int(g / math.Sqrt(float64(len(tokens)+1)) / m.Step * (1 << part))
	decay := int(m.L2 * (1 << part))
	draw := s.draw()
	for _, t := range tokens {
		draw = draw*6364136223846793005 + 1442695040888963407 // Knuth's generator, of which the upper bits are good
		w := &s.voice[bucket(t)]
		step := d - decay*int(*w) + int(draw>>(64-part))
		*w = int8(max(-127, min(127, int(*w)+step>>part)))
	}
}

// sound is the evidence of a post's words and habits of writing against the
// account.
func (s *State) sound(p *Post, m *Model) float64 {
	return max(m.VoiceFloor, min(m.VoiceCap, -s.logit(p.tokens[:p.n], m)))
}

// oddShare is the part of a post's words that others use rather than the
// account.
func (s *State) oddShare(p *Post) float64 {
	odd := 0
	for _, t := range p.tokens[:p.words] {
		odd += b2i(s.voice[bucket(t)] <= 0)
	}
	return float64(odd) / float64(max(1, p.words))
}

// random returns a number from 0 to 1 that follows from what was learned so
// far (the sequence of SplitMix64).
func (s *State) random() float64 { return float64(s.draw()>>11) / (1 << 53) }

// draw is random as a whole number of 64 bits.
func (s *State) draw() uint64 {
	s.draws++
	return mix(uint64(s.draws) * 0x9e3779b97f4a7c15)
}
