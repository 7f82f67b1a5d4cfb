package storm

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// TestSize holds how small a series is kept.
func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(State{}); size > 400 {
		t.Errorf("%d bytes a series, want at most 400", size)
	} else {
		t.Logf("%d bytes a series", size)
	}
}

// series makes values of a kind, and says in which rows something happens.
type series struct {
	name     string
	interval time.Duration
	rows     int
	value    func(i int, r *rand.Rand) float64
	incident []int // rows within whose next hours one alarm is wanted
	within   int
	most     int // alarms elsewhere
}

func wave(i, period int) float64 { return math.Sin(2 * math.Pi * float64(i) / float64(period)) }

// TestKindsOfSeries tries series that are nothing like mentions: other scales,
// intervals and offsets, levels that shift, lines that go flat, falls.
func TestKindsOfSeries(t *testing.T) {
	all := []series{
		{"temperature that falls", 5 * time.Minute, 8000, func(i int, r *rand.Rand) float64 {
			v := 80 + 2*wave(i, 288) + r.NormFloat64()
			if i >= 6000 && i < 6060 {
				v -= 25
			}
			return v
		}, []int{6000}, 60, 2},
		{"load between 0 and 1 that shifts", 5 * time.Minute, 8000, func(i int, r *rand.Rand) float64 {
			v := 0.1 + 0.01*r.NormFloat64()
			if i >= 5000 {
				v += 0.3
			}
			return v
		}, []int{5000}, 60, 2},
		{"bytes in billions with a burst", 5 * time.Minute, 8000, func(i int, r *rand.Rand) float64 {
			v := 3e9 * (1 + 0.3*wave(i, 288)) * math.Exp(0.1*r.NormFloat64())
			if i >= 7000 && i < 7012 {
				v *= 4
			}
			return math.Trunc(v)
		}, []int{7000}, 12, 2},
		{"passengers each hour that stay away", time.Hour, 4000, func(i int, r *rand.Rand) float64 {
			v := 10000 * (1 + 0.6*wave(i, 24)) * math.Exp(0.05*r.NormFloat64())
			if i >= 3000 && i < 3036 {
				v *= 0.3
			}
			return math.Trunc(v)
		}, []int{3000}, 36, 2},
		{"noise that goes flat", 5 * time.Minute, 6000, func(i int, r *rand.Rand) float64 {
			if i >= 4500 && i < 4800 {
				return 40
			}
			return 40 + 5*r.NormFloat64()
		}, []int{4500}, 300, 2},
		{"below zero with a peak", 5 * time.Minute, 6000, func(i int, r *rand.Rand) float64 {
			v := -30 + 3*wave(i, 288) + r.NormFloat64()
			if i >= 5000 && i < 5010 {
				v += 20
			}
			return v
		}, []int{5000}, 10, 2},
		{"values that are missing", 5 * time.Minute, 6000, func(i int, r *rand.Rand) float64 {
			switch {
			case r.IntN(10) == 0:
				return math.NaN()
			case i >= 5500 && i < 5512:
				return 60
			}
			return math.Trunc(math.Exp(1.5 + 0.4*r.NormFloat64()))
		}, []int{5500}, 12, 2},
		{"nothing but noise", 5 * time.Minute, 16000, func(_ int, r *rand.Rand) float64 {
			return 50 + 5*r.NormFloat64()
		}, nil, 0, 4},
		{"one value for ever", 5 * time.Minute, 5000, func(int, *rand.Rand) float64 { return 7 }, nil, 0, 1},
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			found, wrong := s.play()
			if found < len(s.incident) || wrong > s.most {
				t.Errorf("%d of %d incidents and %d other alarms, want all and at most %d", found, len(s.incident), wrong, s.most)
			}
			t.Logf("%d of %d incidents, %d other alarms", found, len(s.incident), wrong)
		})
	}
}

// play runs the model over a series.
func (s *series) play() (found, wrong int) {
	r := rand.New(rand.NewPCG(1, 2))
	p := Defaults()
	var state State
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range s.rows {
		v := state.Step(start.Add(time.Duration(i)*s.interval).UnixNano(), s.value(i, r), &p)
		if !v.Odd {
			continue
		}
		in := false
		for _, at := range s.incident {
			in = in || i >= at && i < at+s.within
		}
		if in {
			found++
		} else {
			wrong++
		}
	}
	return min(found, len(s.incident)), wrong
}

// TestJudgeDoesNotLearn holds that judging changes nothing, and that more of it
// is never less odd while only more counts.
func TestJudgeDoesNotLearn(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := Defaults()
	p.Falls = false
	var s State
	now := int64(0)
	for range 3000 {
		now += int64(5 * time.Minute)
		s.Step(now, float64(r.IntN(20)), &p)
	}
	before, last := s, -1.0
	for n := range 500 {
		v := s.Judge(now+int64(5*time.Minute), float64(n), &p)
		if v.Score < last {
			t.Fatalf("score %v with %d, and %v with one less", v.Score, n, last)
		}
		last = v.Score
	}
	if s != before {
		t.Error("judging changed what is known")
	}
	if last < p.Threshold {
		t.Errorf("500 where 20 is the most has a score of %v", last)
	}
}

func TestVerdictSaysWhy(t *testing.T) {
	p := Defaults()
	var s State
	now := int64(0)
	for i := range 2000 {
		now += int64(5 * time.Minute)
		s.Step(now, float64(10+i%5), &p)
	}
	v := s.Step(now+int64(5*time.Minute), 400, &p)
	if !v.Odd || v.Words() != "a jump" || v.Low < 0 || v.High > 30 || v.Usual < 8 || v.Usual > 16 {
		t.Errorf("%+v (%s), want that 400 is a jump where 10 to 14 are usual", v, v.Words())
	}
}

func BenchmarkStep(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	values := make([]float64, 4096)
	for i := range values {
		values[i] = math.Trunc(math.Exp(3 + 0.5*r.NormFloat64()))
	}
	p := Defaults()
	var s State
	now := int64(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now += int64(5 * time.Minute)
		s.Step(now, values[i%len(values)], &p)
	}
}
