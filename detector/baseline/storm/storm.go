// Package storm judges a series of values, one for each interval of time, such
// as how often the public mentions an account in five minutes: it finds bursts,
// and where that is wanted sudden falls, levels that shift and lines that go
// flat. It judges first and learns after, in one pass, reads no clock and keeps
// State, which has no pointers. What is counted is a rule's matter, keeping it
// over restarts the detector's.
//
// # How it judges
//
// Each interval has eight signs, in signs.go: how far it jumps over the last
// intervals, how much more or less than usual at these hours there was lately.
// Each is the logarithm of a quantity, so that series of ten and of ten thousand
// are judged alike. A sign is worth as much as it exceeds its own maxima: of
// blocks of some hours the maximum is taken, and the mean and variance of these
// kept, decaying (block maxima; Coles, An Introduction to Statistical Modeling of
// Extreme Values, 2001, chapter 3). The sum of the signs above their mean maximum,
// weighed, is the height of the interval.
//
// One incident is one alarm: after it the series rests, and what is not far
// higher says nothing. Each alarm also makes the next need more height, for a
// while that decays, so that a series that is often odd settles on a few alarms a
// month by itself.
package storm

import (
	"math"
	"time"

	"github.com/picketd/picket/detector/internal/approx"
)

// Enough is the number of zeros in a row after which more of them would hardly
// change a State.
const Enough = 4096

// Params are the numbers of the model. Spans are in intervals of the series.
type Params struct {
	Threshold float64 // the score from which an interval is odd
	Least     float64 // a smaller value is never odd, unless Falls
	Warm      int     // intervals that are learned before one is judged
	Falls     bool    // falls, low levels and flat lines count, too

	Scale   float64        // the height that scores ½
	Weights [signs]float64 // of the signs, by their number
	Recent  float64        // what a jump is over
	Short   float64        // over which more than usual is a surge
	Long    float64        // over which more, or less, than usual is a level
	Wide    float64        // the same, against the whole series instead of the hour
	Slow    float64        // over which the series' own level and spread are learned
	Days    float64        // over which what is usual at an hour is learned

	Block  int     // of which the maximum is taken
	Blocks float64 // over which maxima are learned
	Sigma  float64 // spread of the maxima that is taken for granted, in logarithms
	Trust  float64 // how many blocks that counts as
	Floor  float64 // least spread of maxima

	Rest   uint32  // after an alarm
	Higher float64 // an interval this much higher than the alarm ends the rest
	Budget float64 // height that each alarm adds to what the next one needs
	Forget float64 // half-life of that, in intervals
}

// Defaults are the parameters that were found on the brand mentions of the
// Numenta Anomaly Benchmark, ten series of five minutes each; its test holds what
// they reach. Of several sets that reach as much they are the one that loses
// least when Scale is a few percent off.
func Defaults() Params {
	return Params{
		Threshold: 0.5, Warm: 288, Falls: true,
		Scale:   3.72,
		Weights: [signs]float64{jump: 0.8, surge: 0.8, high: 0.9, wide: 0.6, drop: 1, low: 1, narrow: 1.15, flat: 0.15},
		Recent:  48, Short: 12, Long: 36, Wide: 216, Slow: 2016, Days: 5,
		Block: 24, Blocks: 120, Sigma: 0.35, Trust: 10, Floor: 0.1,
		Rest: 288, Higher: 9, Budget: 0.85, Forget: 18000,
	}
}

// State is what is known of one series, without pointers. The zero value has
// seen nothing.
type State struct {
	Time int64 // of the latest interval, Unix nanoseconds

	Seen    uint32  // intervals
	Rested  uint32  // intervals since the latest alarm; 0 without one
	Peak    float32 // height of the latest alarm
	Alarms  float32 // how many there were, decayed
	Unsteps uint32  // intervals in a row that had the value before
	Latest  float32 // value
	Kind    uint32  // fractions and negatives, as bits

	Level, Spread float32 // of the whole series
	Recent        float32 // running means
	Short         float32
	Long          float32
	Wide          float32
	ShortUsual    float32 // of what is usual at the hours of Short
	LongUsual     float32

	Hours  [24]float32 // usual value by hour of the day, UTC
	Visits [24]uint8   // intervals learned of each, at most 255

	Blocks uint32 // of which maxima are known
	Tails  [signs]tail
}

// tail is what is known of the maxima of one sign.
type tail struct {
	Max            float32 // of the block so far
	Mean, Variance float32
}

const (
	fractions = 1 << iota // a value was no whole number
	negatives             // a value was negative
)

// Verdict is what the model says of one interval.
type Verdict struct {
	Odd     bool    // an alarm
	Resting bool    // an alarm was not long ago
	Score   float64 // 0 to 1; from Threshold on it is odd unless the series rests
	Height  float64 // the sum of its signs, less what earlier alarms cost
	Value   float64
	// Usual is the mean value at this hour, Low to High what most intervals have
	// then.
	Usual, Low, High float64
	Sign             Sign // the one that says most
}

// Row returns the score of an interval for somebody who takes each interval by
// itself: half of it while the series rests.
func (v *Verdict) Row() float64 {
	if v.Resting && !v.Odd {
		return v.Score / 2
	}
	return v.Score
}

// Known returns how many intervals were learned.
func (s *State) Known() int { return int(s.Seen) }

// Judge judges the interval at time t, Unix nanoseconds, without learning it.
// It may be one that is not over: with a greater value none but its falls are
// less odd. A value that is missing (NaN) says nothing.
func (s *State) Judge(t int64, value float64, p *Params) Verdict {
	if value != value {
		return Verdict{}
	}
	l := s.look(t, value, p)
	return s.verdict(&l, value, p)
}

// Step judges the interval at time t and learns it. Intervals come in order; one
// that is missing may be left out.
func (s *State) Step(t int64, value float64, p *Params) Verdict {
	if value != value {
		return Verdict{}
	}
	l := s.look(t, value, p)
	v := s.verdict(&l, value, p)
	s.learn(t, value, &l, p)
	s.Alarms *= float32(approx.Exp(-math.Ln2 / p.Forget))
	if s.Rested > 0 && s.Rested < math.MaxUint32 {
		s.Rested++
	}
	if v.Odd {
		s.Alarms++
		s.Rested, s.Peak = 1, float32(v.Height)
	}
	return v
}

// verdict weighs the signs.
func (s *State) verdict(l *look, value float64, p *Params) Verdict {
	v := Verdict{Value: value, Usual: l.usual, Low: l.usual - float64(2*l.spread), High: l.usual + float64(2*l.spread)}
	if s.Kind&negatives == 0 {
		v.Low = max(v.Low, 0)
	}
	v.Resting = s.Rested > 0 && s.Rested <= p.Rest
	if int(s.Seen) < p.Warm || s.Blocks == 0 || !p.Falls && value < p.Least {
		return v
	}
	most := 0.0
	for i := range Sign(signs) {
		if !p.Falls && i >= drop {
			break
		}
		if worth := float64(p.Weights[i] * s.Tails[i].above(l.signs[i], float64(s.Blocks), p)); worth > 0 {
			v.Height += worth
			if worth > most {
				most, v.Sign = worth, i
			}
		}
	}
	v.Height = max(0, v.Height-float64(p.Budget*float64(s.Alarms)))
	v.Score = v.Height / (v.Height + p.Scale)
	v.Odd = v.Score >= p.Threshold && (!v.Resting || v.Height > float64(s.Peak)+p.Higher)
	return v
}

// above returns by how many deviations a sign exceeds its mean maximum.
func (t *tail) above(x, blocks float64, p *Params) float64 {
	over := x - float64(t.Mean)
	if over <= 0 {
		return 0
	}
	known := min(blocks, p.Blocks)
	variance := (float64(known*float64(t.Variance)) + float64(p.Trust*p.Sigma*p.Sigma)) / (known + p.Trust)
	return over / max(math.Sqrt(variance), p.Floor)
}

// learn takes an interval in.
func (s *State) learn(t int64, value float64, l *look, p *Params) {
	s.Seen++
	n := float64(s.Seen)
	ends := s.Seen%uint32(p.Block) == 0
	for i := range s.Tails {
		s.Tails[i].learn(float32(l.signs[i]), s.Seen%uint32(p.Block) == 1, ends, float64(s.Blocks)+1, p)
	}
	if ends {
		s.Blocks++
	}
	if value == float64(s.Latest) && s.Seen > 1 {
		s.Unsteps++
	} else {
		s.Unsteps = 0
	}
	s.Latest = float32(value)
	s.Kind |= kindOf(value)

	// A burst must not drag the level along: it is learned as far as ten spreads.
	far := float64(10 * (float64(s.Spread) + l.unit))
	calm := min(max(value, float64(s.Level)-far), float64(s.Level)+far)
	if s.Seen == 1 {
		calm = value
	}
	approach(&s.Level, calm, n, p.Slow)
	about := float64(s.Level)
	if s.Visits[hourOf(t)] > 0 {
		about = float64(s.Hours[hourOf(t)])
	}
	approach(&s.Spread, math.Abs(calm-about), n, p.Slow)
	approach(&s.Recent, value, n, p.Recent)
	s.Short, s.Long, s.Wide = float32(l.short), float32(l.long), float32(l.wide)
	s.ShortUsual, s.LongUsual = float32(l.shortUsual), float32(l.longUsual)
	s.learnHour(t, calm, p)
	s.Time = t
}

// learnHour learns what is usual at an hour of the day: of some days, however
// many intervals an hour has.
func (s *State) learnHour(t int64, value float64, p *Params) {
	h := hourOf(t)
	if s.Visits[h] < math.MaxUint8 {
		s.Visits[h]++
	}
	step := min(time.Duration(t-s.Time), time.Hour)
	if s.Seen == 1 {
		step = time.Hour
	}
	approach(&s.Hours[h], value, float64(s.Visits[h]), p.Days*float64(time.Hour)/float64(max(step, time.Second)))
}

// learn takes a sign into its block.
func (t *tail) learn(x float32, begins, ends bool, blocks float64, p *Params) {
	if begins || x > t.Max {
		t.Max = x
	}
	if !ends {
		return
	}
	a := 1 / min(blocks, p.Blocks)
	off := float64(t.Max - t.Mean)
	t.Mean += float32(a * off)
	t.Variance = float32((1 - a) * (float64(t.Variance) + float64(a*off*off)))
}

// approach moves a running mean over span values towards v; n of them were seen.
func approach(mean *float32, v, n, span float64) {
	*mean += float32((v - float64(*mean)) / min(n, span))
}

func hourOf(t int64) int { return int(t / int64(time.Hour) % 24) }

func kindOf(v float64) (k uint32) {
	if v != math.Trunc(v) {
		k |= fractions
	}
	if v < 0 {
		k |= negatives
	}
	return k
}
