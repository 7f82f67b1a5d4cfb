package collectors

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// WeightMetric is the metric of a mention that stands for several others, left
// out of a public storm: how many, itself included.
const WeightMetric = "weight"

const (
	// maxHalvings bounds how small a share is kept: one of a million.
	maxHalvings = 20
	// sampleMinutes is how many minutes are remembered one by one. Those before
	// share one entry once one of them was sampled, since an overlap of a day may
	// read all of them again.
	sampleMinutes = 240
)

// sampling keeps a sample of mentions where many come, so that a public storm
// fills neither the log nor the detector. Of those that happen in one minute it
// keeps the given number, and half as many again for each time that twice as
// many come, each with a weight of how many it stands for, a power of two. On
// average the weights add up to how many there were.
//
// Which mention stays is decided by its ID alone, and the share that is kept of
// a minute never grows, so a mention that was left out stays so when the overlap
// is read again, by this process or the next: the shares stand beside the
// cursor.
type sampling []minute

// minute is one minute of occurrence time of which one mention in 2^Halvings is
// kept.
type minute struct {
	At       int64  `json:"a"` // minutes since 1970
	Kept     uint32 `json:"k"` // with this share
	Halvings uint8  `json:"h,omitempty"`
	// Before says that it stands for all minutes before it too: a share of some
	// of them was left out, and they are not remembered one by one any more.
	Before bool `json:"b,omitempty"`
}

// take returns those of as that are kept, in their order, and how many mentions
// the others were, as the weights tell. as are new to the log.
func (s *sampling) take(as []activity.Activity, most int) (kept []activity.Activity, out int) {
	kept = as[:0]
	for i := range as {
		a := as[i]
		if a.Kind != activity.KindMention {
			kept = append(kept, a)
			continue
		}
		m := s.minute(occurred(&a).Unix() / 60)
		bits := idBits(a.ID)
		if !m.keeps(bits) {
			continue
		}
		if m.Kept++; int(m.Kept) > most && m.Halvings < maxHalvings {
			m.Halvings++
			m.Kept /= 2
			if !m.keeps(bits) {
				continue
			}
		}
		weigh(&a, m.Halvings)
		out += 1<<m.Halvings - 1
		kept = append(kept, a)
	}
	clear(as[len(kept):])
	s.bound()
	return kept, out
}

// bound has the oldest minutes share an entry when there are too many. What was
// left out of one of them stays out: the entry's share is their smallest.
func (s *sampling) bound() {
	n := len(*s) - sampleMinutes
	if n <= 0 {
		return
	}
	first := (*s)[n]
	for _, m := range (*s)[:n] {
		first.Before = first.Before || m.Before || m.Halvings > 0
		first.Halvings = max(first.Halvings, m.Halvings)
	}
	*s = slices.Clone((*s)[n:])
	(*s)[0] = first
}

// forget drops the share of minutes that no poll reads again: those before the
// overlap.
func (s *sampling) forget(overlap time.Time) {
	if len(*s) > 0 && (*s)[0].Before && (overlap.IsZero() || overlap.Unix()/60 > (*s)[0].At) {
		*s = slices.Clone((*s)[1:])
	}
}

// shared returns the minutes of which a share was left out, and what follows
// them: of the others nothing has to be known.
func (s sampling) shared() sampling {
	i := slices.IndexFunc(s, func(m minute) bool { return m.Halvings > 0 })
	if i < 0 {
		return nil
	}
	return s[i:]
}

func (m *minute) keeps(bits uint32) bool { return bits&(1<<m.Halvings-1) == 0 }

// minute returns the entry of a minute.
func (s *sampling) minute(at int64) *minute {
	i, found := slices.BinarySearchFunc(*s, at, func(m minute, at int64) int { return int(m.At - at) })
	if i == 0 && len(*s) > 0 && (*s)[0].Before {
		return &(*s)[0]
	}
	if !found {
		*s = slices.Insert(*s, i, minute{At: at})
	}
	return &(*s)[i]
}

// weigh notes how many mentions one stands for. A source may have left some out
// itself.
func weigh(a *activity.Activity, halvings uint8) {
	if halvings == 0 {
		return
	}
	i, found := slices.BinarySearchFunc(a.Metrics, WeightMetric, func(m activity.Metric, name string) int { return strings.Compare(m.Name, name) })
	a.Metrics = slices.Clone(a.Metrics) // they are the collector's
	if !found {
		a.Metrics = slices.Insert(a.Metrics, i, activity.Metric{Name: WeightMetric, Value: 1})
	}
	a.Metrics[i].Value *= float64(uint32(1) << halvings)
}

// idBits are bits that an ID has as if by chance.
func idBits(id string) uint32 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	x := h.Sum64()
	x ^= x >> 33 // FNV alone mixes its low bits too little: the finalizer of MurmurHash3
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return uint32(x)
}
