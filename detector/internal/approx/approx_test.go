package approx

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

// within is how far from math's results, for results around one, ours may be.
const within = 1e-11

func TestLog2(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		x := math.Exp2(rng.Float64()*2*1021 - 1021)
		if want, got := math.Log2(x), Log2(x); math.Abs(got-want) > within+1e-15*math.Abs(want) {
			t.Fatalf("Log2(%v) is %v, not %v", x, got, want)
		}
		x = 0.5 + rng.Float64()*8
		if want, got := math.Log(x), Log(x); math.Abs(got-want) > within {
			t.Fatalf("Log(%v) is %v, not %v", x, got, want)
		}
	}
	for n := -1022; n < 1024; n++ {
		if got := Log2(math.Ldexp(1, n)); got != float64(n) {
			t.Fatalf("Log2(2^%d) is %v", n, got)
		}
	}
}

func TestLog2OfWhatHasNone(t *testing.T) {
	for _, x := range []float64{0, math.Copysign(0, -1), -1, -math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, 0x1p-1023} {
		want, got := math.Log2(x), Log2(x)
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("Log2(%v) is %v, not %v", x, got, want)
		}
	}
}

func TestExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		x := rng.Float64()*1416 - 708
		if want, got := math.Exp(x), Exp(x); math.Abs(got-want) > within*want {
			t.Fatalf("Exp(%v) is %v, not %v", x, got, want)
		}
	}
	for _, row := range []struct{ x, want float64 }{
		{0, 1}, {math.Copysign(0, -1), 1}, {-1e9, 0}, {-709, 0}, {1e9, math.Inf(1)}, {math.Inf(-1), 0}, {math.Inf(1), math.Inf(1)},
	} {
		if got := Exp(row.x); got != row.want {
			t.Errorf("Exp(%v) is %v, not %v", row.x, got, row.want)
		}
	}
	if got := Exp(math.NaN()); !math.IsNaN(got) {
		t.Errorf("Exp(NaN) is %v", got)
	}
}

func TestNearNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		x := math.Exp2(-40 * rng.Float64())
		if rng.IntN(2) == 0 {
			x *= -0.999
		}
		if want, got := math.Log1p(x), Log1p(x); math.Abs(got-want) > 20*within*math.Abs(want) {
			t.Fatalf("Log1p(%v) is %v, not %v", x, got, want)
		}
		if want, got := math.Expm1(x), Expm1(x); math.Abs(got-want) > 20*within*math.Abs(want) {
			t.Fatalf("Expm1(%v) is %v, not %v", x, got, want)
		}
	}
	for _, f := range []func(float64) float64{Log1p, Expm1} {
		if got := f(0); got != 0 {
			t.Errorf("of 0 it is %v", got)
		}
	}
	if got := Log1p(-1); !math.IsInf(got, -1) {
		t.Errorf("Log1p(-1) is %v", got)
	}
	if got := Expm1(-1e9); got != -1 {
		t.Errorf("Expm1(-1e9) is %v", got)
	}
}

// TestSameOnEveryProcessor pins every bit of what some arguments give: a build for
// another processor has to find the same.
func TestSameOnEveryProcessor(t *testing.T) {
	h := fnv.New64a()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		x := rng.Float64()
		for _, y := range []float64{Log2(1000 * x), Log(x), Exp(float64(40*x) - 20), Log1p(x - 0.5), Log1p(x / 100), Expm1(x - 0.5), Expm1(x / 100)} {
			_ = binary.Write(h, binary.LittleEndian, y)
		}
	}
	if got, want := h.Sum64(), uint64(0x53baed07668d8268); got != want {
		t.Errorf("the results' hash is %#x, not %#x", got, want)
	}
}

// Growing arguments must not give falling results, or what is odder would be
// less so.
func TestNeitherFalls(t *testing.T) {
	last := math.Inf(-1)
	for x := 1.0; x < 4; x += 1e-6 {
		got := Log2(x)
		if got < last {
			t.Fatalf("Log2 falls at %v, by %v", x, last-got)
		}
		last = got
	}
	last = 0
	for x := -3.0; x < 3; x += 1e-6 {
		got := Exp(x)
		if got < last {
			t.Fatalf("Exp falls at %v, by %v", x, last-got)
		}
		last = got
	}
}

func BenchmarkLog(b *testing.B) {
	xs := make([]float64, 1024)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range xs {
		xs[i] = rng.Float64() * 100
	}
	sum := 0.0
	for name, f := range map[string]func(float64) float64{"log": Log, "math-log": math.Log, "exp": Exp, "math-exp": math.Exp} {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				sum += f(xs[i%1024])
			}
		})
	}
	if sum == 0 {
		b.Fatal("no sum")
	}
}
