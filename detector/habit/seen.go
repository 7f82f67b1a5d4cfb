package habit

import "github.com/picketd/picket/detector/state"

// Seen tells when each kind of activity last occurred. It is a list, since an
// account has few kinds and there are many accounts.
type Seen []SeenKind

// SeenKind is one kind of Seen: 12 bytes, which are aligned to 4.
type SeenKind struct {
	Kind state.TextID // held once by the list
	last [2]uint32
}

// Last is the latest occurrence, Unix nanoseconds.
func (k *SeenKind) Last() int64 { return int64(uint64(k.last[1])<<32 | uint64(k.last[0])) }

// Of returns when a kind last occurred, Unix nanoseconds; 0 for never.
func (s Seen) Of(k state.TextID) int64 {
	for i := range s {
		if s[i].Kind == k {
			return s[i].Last()
		}
	}
	return 0
}

// Latest returns when anything last occurred, Unix nanoseconds; 0 for never.
func (s Seen) Latest() int64 {
	latest := int64(0)
	for i := range s {
		latest = max(latest, s[i].Last())
	}
	return latest
}

// Learn takes an activity at t. Of a kind that was never seen before, the list
// holds the text from now on.
func (s *Seen) Learn(k state.TextID, t int64) {
	for i := range *s {
		if v := &(*s)[i]; v.Kind == k {
			v.Learn(t)
			return
		}
	}
	v := SeenKind{Kind: k}
	v.set(max(0, t))
	*s = append(*s, v)
}

// Learn takes another activity of the kind at t.
func (k *SeenKind) Learn(t int64) { k.set(max(k.Last(), t)) }

func (k *SeenKind) set(t int64) { k.last = [2]uint32{uint32(t), uint32(uint64(t) >> 32)} }
