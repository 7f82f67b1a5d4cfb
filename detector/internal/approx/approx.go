// Package approx has the logarithms and powers that models use. They take half the
// time of those in package math, of which models ask for a dozen about each
// activity, and they are right to about eleven digits, far more than what is
// estimated from counts deserves. And they are the same on every processor, which
// those in package math are not: no product is fused with a sum, and the tables
// are made of what IEEE 754 rounds in one way only. What needs the last digit, and
// what nobody compares with what another machine found, belongs to package math.
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
			c := float64(float64(1<<logBits+i) / (1 << logBits))
			t[i] = logRow{1 / c, tableLog2(c)}
		}
		return t
	}()
	exps = func() (t [1 << expBits]float64) {
		t[0] = 1
		root := 2.0
		for step := len(t) / 2; step > 0; step /= 2 { // 2^(1/2), 2^(1/4), …, and what they are times what is known
			root = math.Sqrt(root)
			for i := 0; i < len(t); i += 2 * step {
				t[i+step] = t[i] * root
			}
		}
		return t
	}()
)

// tableLog2 is the logarithm of c, from 1 to 2, to the base of two: that of
// (1+z)/(1-z) is a series of odd powers of z, here at most a third.
func tableLog2(c float64) float64 {
	z := (c - 1) / (c + 1)
	sum, power := 0.0, z
	for n := 1; n < 40; n += 2 {
		sum += float64(power / float64(n))
		power = float64(power * float64(z*z))
	}
	return sum * (2 / math.Ln2)
}

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
func Log(x float64) float64 { return float64(Log2(x) * math.Ln2) }

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
	r := float64((t - float64(k/parts)) * math.Ln2) // from 0 to 0.011
	// e^r as its series; the next term is below 2e-12.
	p := float64(r * (1.0 / 24))
	p = float64(r * (p + 1.0/6))
	p = float64(r * (p + 1.0/2))
	p = float64(r * (p + 1))
	whole := math.Float64frombits(uint64(n>>expBits+bias) << mantissaBits)
	row := exps[n&(parts-1)]
	return whole * (row + float64(row*p))
}

// Up to which x a series is used whose terms fall by at least a factor of ten each,
// and how many of them there are.
const (
	small = 0.1
	terms = 14
)

// Log1p is the natural logarithm of 1+x, also where x is small beside 1.
func Log1p(x float64) float64 {
	if math.Abs(x) > small {
		return Log(1 + x)
	}
	p := 0.0
	for n := terms; n > 0; n-- { // x - x²/2 + x³/3 - …
		p = 1/float64(n) - float64(x*p)
	}
	return float64(x * p)
}

// Expm1 is e to the power of x, less 1, also where x is small beside 1.
func Expm1(x float64) float64 {
	if math.Abs(x) > small {
		return Exp(x) - 1
	}
	p := 0.0
	for n := terms; n > 0; n-- { // x + x²/2 + x³/6 + …, which is x(1 + x/2(1 + x/3(1 + …)))
		p = (1 + float64(x*p)) / float64(n)
	}
	return float64(x * p)
}
