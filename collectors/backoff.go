package collectors

import "time"

// Waiting after an error.
const (
	backoffBase   = time.Second
	backoffCap    = 15 * time.Minute
	forbiddenWait = 15 * time.Minute
)

// backoff returns how long to wait after the n-th consecutive error, counted
// from 1: full jitter, anything from zero to a bound that doubles. r is a
// random number in [0, 1).
func backoff(n int, r float64) time.Duration {
	bound := backoffCap
	if shift := n - 1; shift < 20 {
		bound = min(backoffCap, backoffBase<<max(shift, 0))
	}
	return time.Duration(r * float64(bound))
}

// around returns d ± 10 %.
func around(d time.Duration, r float64) time.Duration {
	return d + time.Duration((2*r-1)*0.1*float64(d))
}

// nextOnGrid returns when a source polled at now is polled next. Every source
// has a fixed phase within its interval, from its hash, so that the polls of
// many sources stay spread however they started; round each point of that grid
// the poll moves by up to ±10 % of the interval. The next point taken lies 0.5
// to 1.5 intervals ahead, so a source's grid settles with its first polls.
func nextOnGrid(hash uint64, every time.Duration, now stamp) stamp {
	step := max(int64(every/time.Millisecond), 1)
	phase := int64(hash % uint64(step))
	k := (int64(now)+step/2-phase)/step + 1
	jitter := (2*fraction(hash, uint64(k)) - 1) * 0.1 * float64(step)
	return stamp(k*step + phase + int64(jitter))
}

// fraction returns a number in [0, 1) that depends on nothing but its inputs.
func fraction(hash, k uint64) float64 {
	return float64(mix(hash+k*0x9e3779b97f4a7c15)>>11) / (1 << 53)
}

// mix is the finalizer of SplitMix64: it spreads every input bit over the
// output.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hashString is 64-bit FNV-1a, mixed.
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}
