// Package approx has logarithms and powers that take half the time of those in
// package math, for models that ask for a dozen of them about each activity. They
// are right to about eleven digits, which is far more than what is estimated from
// counts deserves, and they are the same on every processor: no product is fused
// with a sum. What needs the last digit belongs to package math.
package approx

import "math"

const (
	logBits = 7 // of the mantissa, that choose a row of logs
	expBits = 6 // of the fraction, that choose a row of exps

	mantissaBits = 52
	bias         = 1023
)

// logRow is about numbers from c = 1 + i/128 on.
type logRow struct{ inverse, log2 float64 } // 1/c, log2(c)

//nolint:gochecknoglobals // tables that nobody changes
var (
	logs = func() (t [1 << logBits]logRow) {
		for i := range t {
			c := 1 + float64(i)/(1<<logBits)
			t[i] = logRow{1 / c, math.Log2(c)}
		}
		return t
	}()
	exps = func() (t [1 << expBits]float64) {
		for i := range t {
			t[i] = math.Exp2(float64(i) / (1 << expBits))
		}
		return t
	}()
)

// Log2 is the logarithm of x to the base of two, to within 1e-11, and exact for
// powers of two. What has no ordinary logarithm (0, what is negative, infinite
// or no number, what is below 2^-1022) is left to math.Log2.
func Log2(x float64) float64 {
	b := math.Float64bits(x)
	exponent := b >> mantissaBits
	if exponent-1 >= 2*bias { // also with a sign
		return math.Log2(x)
	}
	row := &logs[b>>(mantissaBits-logBits)%(1<<logBits)]
	m := math.Float64frombits(b&(1<<mantissaBits-1) | bias<<mantissaBits)
	r := float64(m*row.inverse) - 1 // from 0 to 1/128
	// log(1+r) as its series; the next term is below 4e-14.
	p := float64(r * (1.0 / 5))
	p = float64(r * (p - 1.0/4))
	p = float64(r * (p + 1.0/3))
	p = float64(r * (p - 1.0/2))
	p = float64(r * (p + 1))
	return float64(int(exponent)-bias) + (row.log2 + float64(p*math.Log2E))
}

// Log is the natural logarithm; see Log2.
func Log(x float64) float64 { return Log2(x) * math.Ln2 }

// Exp is e to the power of x, to within 1e-11 of it, exact for 0. What would be
// below 2^-1022 is 0.
func Exp(x float64) float64 {
	t := float64(x * math.Log2E)
	if !(t > -bias+1 && t < bias) {
		switch {
		case t < 0:
			return 0
		case t > 0:
			return math.Inf(1)
		}
		return t // not a number
	}
	const parts = 1 << expBits
	k := math.Floor(float64(t * parts))
	n := int(k)
	r := float64(t-k/parts) * math.Ln2 // from 0 to 0.011
	// e^r as its series; the next term is below 2e-12.
	p := float64(r * (1.0 / 24))
	p = float64(r * (p + 1.0/6))
	p = float64(r * (p + 1.0/2))
	p = float64(r * (p + 1))
	whole := math.Float64frombits(uint64(n>>expBits+bias) << mantissaBits)
	row := exps[n&(parts-1)]
	return whole * (row + float64(row*p))
}
