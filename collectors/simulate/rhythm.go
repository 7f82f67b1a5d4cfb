package simulate

import (
	"math"
	"math/rand/v2"
)

// rhythm says how busy each hour of the week is, Monday 00:00 first. The mean
// weight is 1, so that "rhythm time" runs as fast as the clock on average:
// fast in busy hours, slow at night.
type rhythm struct {
	name   string
	weight [168]float64
	sum    [169]float64 // weight before each hour
}

// newRhythm takes a digit for each hour of a day, one string for each day.
func newRhythm(name string, days [7]string) *rhythm {
	r := &rhythm{name: name}
	total := 0.0
	for h := range r.weight {
		// Something may always happen: a scheduled post, a sleepless editor.
		r.weight[h] = float64(days[h/24][h%24]-'0') + 0.05
		total += r.weight[h]
	}
	for h := range r.weight {
		r.weight[h] *= 168 / total
		r.sum[h+1] = r.sum[h] + r.weight[h]
	}
	return r
}

func newRhythms() []*rhythm {
	const (
		office  = "000000137898678876532100"
		evening = "100000012334556678998631"
		shop    = "000000025788877788865210"
		calm    = "000000001122222111211000"
		news    = "211113689877777777776543"
		night   = "632100000112233445789999"
		flat    = "334444555666666666555443"
	)
	five := func(work, rest string) [7]string { return [7]string{work, work, work, work, work, rest, rest} }
	return []*rhythm{
		newRhythm("office", five(office, calm)),
		newRhythm("shop", [7]string{shop, shop, shop, shop, shop, shop, calm}),
		newRhythm("newsroom", five(news, evening)),
		newRhythm("venue", [7]string{calm, calm, evening, evening, night, night, night}),
		newRhythm("worldwide", five(flat, flat)),
	}
}

// after is the local time at which the given hours of rhythm time have passed.
func (r *rhythm) after(local int64, hours float64) int64 {
	const monday = 4 * day // 1970-01-05
	pos := ((local-monday)%week + week) % week
	h := pos / hour
	target := r.sum[h] + r.weight[h]*float64(pos%hour)/float64(hour) + hours
	weeks := math.Floor(target / 168)
	target -= weeks * 168
	lo, hi := 0, 167
	for lo < hi { // the last hour that begins at or before target
		if mid := (lo + hi + 1) / 2; r.sum[mid] <= target {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	into := min((target-r.sum[lo])/r.weight[lo], 1)
	return local - pos + int64(weeks)*week + int64(lo)*hour + int64(into*float64(hour))
}

// pace draws gaps in hours of rhythm time from a log-normal distribution.
type pace struct{ mu, sigma float64 }

// newPace makes a pace of that many events a day; sigma is the shape.
func newPace(perDay, sigma float64) pace {
	return pace{mu: math.Log(24/perDay) - sigma*sigma/2, sigma: sigma}
}

const longestGap = 24 * 60 // hours: no account sleeps for more than two months

func (p pace) draw(r *rand.Rand) float64 {
	return min(math.Exp(p.mu+p.sigma*r.NormFloat64()), longestGap)
}

// next is when the next event after at comes, at least a second later.
func next(r *rand.Rand, z *zone, week *rhythm, gap float64, at int64) int64 {
	t := z.utc(week.after(z.local(at), gap))
	return max(t, at+second) + r.Int64N(second)
}
