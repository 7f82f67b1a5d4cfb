// Package baseline holds models of an account's own normal behaviour. Each is
// a plain value that judges and learns; it reads no clock and does no I/O.
// Which activities feed it is a rule's matter, keeping it over restarts the
// detector's.
package baseline

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/detector/state"
)

// MaxValues bounds the distinct values that one NewValue keeps; beyond it the
// one unseen for longest leaves.
const MaxValues = 64

// NewValue remembers which values of one field an account has used. It judges
// first and learns after. One that has only Texts has seen nothing.
type NewValue struct {
	Since  int64   // occurrence of the first activity learned, Unix nanoseconds; 0 for none
	Events int     // activities learned
	Values []Value // sorted by text
	Texts  *state.Texts
	// Evicted counts the values that left for lack of room since somebody set it
	// to 0; a snapshot does not hold it.
	Evicted int
}

// Value is what is known of one value.
type Value struct {
	Text  state.TextID // held once by the model
	Count uint32
	Last  int64 // latest occurrence, Unix nanoseconds
}

// Params say when the model is ready and what it forgets.
type Params struct {
	Learn  Learn
	Forget time.Duration // a value unseen for this long is new again; 0 never forgets
}

// Learn says how long an account is learned before it is judged.
type Learn struct {
	Period time.Duration // since the first activity
	Events int           // activities
	Either bool          // one of the two is enough; else both are needed
	AtMost time.Duration // an account with few activities stops waiting after this long; 0 waits for ever
}

// Ready reports whether an account whose first activity was at since, and of
// which so many were learned, is known well enough to judge at time t. An
// account of which nothing is known never is.
func (l Learn) Ready(since int64, events int, t int64) bool {
	if events == 0 {
		return false
	}
	age := time.Duration(t - since)
	long, often := age >= l.Period, events >= l.Events
	return long && often || l.Either && (long || often) || l.AtMost > 0 && age >= l.AtMost
}

// Ready reports whether the account is known well enough to judge at time t.
func (n *NewValue) Ready(t int64, p Params) bool { return p.Learn.Ready(n.Since, n.Events, t) }

// Known reports whether value was used before t and is not forgotten.
func (n *NewValue) Known(value string, t int64, p Params) bool { return n.KnownAt(n.Find(value), t, p) }

// KnownAt is Known for a value that was looked for.
func (n *NewValue) KnownAt(at Place, t int64, p Params) bool {
	return at.used && (p.Forget == 0 || t-n.Values[at.i].Last <= int64(p.Forget))
}

// Place is where a value stands, or would. It is good until values change.
type Place struct {
	i    int
	used bool
}

// Find looks for a value, in the form in which it is kept or longer.
func (n *NewValue) Find(value string) Place {
	value = Shorten(value)
	i, used := slices.BinarySearchFunc(n.Values, value, func(v Value, s string) int { return strings.Compare(n.Texts.Text(v.Text), s) })
	return Place{i, used}
}

// Value returns what is known of a value, and whether it was ever used.
func (n *NewValue) Value(value string) (Value, bool) {
	if at := n.Find(value); at.used {
		return n.Values[at.i], true
	}
	return Value{}, false
}

// Learn counts one use of value at time t.
func (n *NewValue) Learn(value string, t int64) { n.LearnMany(value, t, 1) }

// LearnMany counts several uses of value, the latest at time t.
func (n *NewValue) LearnMany(value string, t int64, count int) {
	n.LearnAt(n.Find(value), value, t, count)
}

// LearnAt is LearnMany for a value that was looked for.
func (n *NewValue) LearnAt(at Place, value string, t int64, count int) {
	if n.Events == 0 || t < n.Since {
		n.Since = t
	}
	n.Events = min(n.Events+count, math.MaxUint32)
	if at.used {
		v := &n.Values[at.i]
		v.Count = uint32(min(int(v.Count)+count, math.MaxUint32))
		v.Last = max(v.Last, t)
		return
	}
	n.Values = slices.Insert(n.Values, at.i, Value{Text: n.Texts.Hold(Shorten(value)), Count: uint32(min(count, math.MaxUint32)), Last: t})
	if len(n.Values) > MaxValues {
		oldest := 0
		for k := range n.Values {
			if n.Values[k].Last < n.Values[oldest].Last {
				oldest = k
			}
		}
		n.Texts.Release(n.Values[oldest].Text)
		n.Values = slices.Delete(n.Values, oldest, oldest+1)
		n.Evicted++
	}
}

// maxText is how long a value may be, in bytes, to be kept as it is: strangers
// choose values, and memory must not grow with their length.
const maxText = 256

// Shorten returns the form in which a value is kept: a long one ends in a hash
// of the whole.
func Shorten(value string) string {
	if len(value) <= maxText {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	head := strings.ToValidUTF8(value[:maxText-40], "")
	return head + "… #" + hex.EncodeToString(sum[:8])
}

// Latest returns when a value was last used, 0 if none was.
func (n *NewValue) Latest() int64 {
	latest := int64(0)
	for i := range n.Values {
		latest = max(latest, n.Values[i].Last)
	}
	return latest
}

// Forget drops the values that are forgotten at time t.
func (n *NewValue) Forget(t int64, p Params) {
	if p.Forget > 0 {
		n.Values = slices.DeleteFunc(n.Values, func(v Value) bool {
			old := t-v.Last > int64(p.Forget)
			if old {
				n.Texts.Release(v.Text)
			}
			return old
		})
	}
}

// Words tells the usual values, most used first, with their counts: "DE 212,
// AT 9, 2 others"; "nothing" where none is known.
func (n *NewValue) Words() string {
	top := slices.Clone(n.Values)
	slices.SortStableFunc(top, func(a, b Value) int { return cmp.Compare(b.Count, a.Count) })
	var b strings.Builder
	for i, v := range top {
		if i == 3 {
			fmt.Fprintf(&b, ", %d other", len(top)-3)
			if len(top) > 4 {
				b.WriteByte('s')
			}
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d", n.Texts.Text(v.Text), v.Count)
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()
}
