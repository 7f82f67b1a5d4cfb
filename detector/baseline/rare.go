package baseline

import (
	"time"

	"github.com/picketd/picket/detector/baseline/internal/tally"
)

// Rare counts how often an account used which value of one field, 56 bytes, to
// tell values that it uses seldom. Values are known by a hash, counts fade with
// use and with time. It judges first and learns after. The zero value has seen
// nothing.
type Rare struct {
	since uint32 // occurrence of the first use, seconds since 1970
	aged  uint32 // when the counts were last halved for their age
	n     uint16 // uses learned, no further than 65535
	total uint8
	novel uint8

	ids [14]uint16
	use [14]uint8
}

// Known returns since when, Unix nanoseconds, and from how many uses.
func (r *Rare) Known() (since int64, uses int) { return int64(r.since) * 1e9, int(r.n) }

// Share is how much of what was used lately had the value, of how many uses.
func (r *Rare) Share(value string) (share float64, of int) {
	if r.total == 0 {
		return 0, 0
	}
	c := r.counts()
	return float64(c.Of(tally.ID(value))) / float64(r.total), int(r.total) / tally.Use
}

// Learn counts one use of a value at time t, Unix nanoseconds; after half-life
// what was before counts half.
func (r *Rare) Learn(value string, t int64, halfLife time.Duration) {
	at := uint32(max(t, 0) / 1e9)
	if r.n == 0 || at < r.since {
		r.since = at
	}
	r.n = min(r.n, 1<<16-2) + 1
	half := uint32(halfLife / time.Second)
	for times := 0; r.aged != 0 && half != 0 && times < 8 && at > r.aged && at-r.aged >= half; times++ {
		r.counts().Halve()
		r.aged += half
	}
	if r.aged == 0 || half != 0 && at > r.aged && at-r.aged >= half {
		r.aged = at
	}
	r.counts().Add(tally.ID(value))
}

func (r *Rare) counts() tally.Counts {
	return tally.Counts{IDs: r.ids[:], N: r.use[:], Total: &r.total, Novel: &r.novel}
}
