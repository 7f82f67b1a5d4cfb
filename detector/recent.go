package detector

import (
	"encoding/binary"
	"slices"
	"time"
	"unsafe"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/state"
)

// recentKey is one remembered activity of the duplicate horizon.
type recentKey struct {
	Key uint64
	At  int64 // log time, Unix nanoseconds
}

const recentBytes = 16 // of one key in an image

// appendRecent appends keys, 16 bytes each, little-endian.
func appendRecent(dst []byte, keys []recentKey) []byte {
	for _, k := range keys {
		dst = binary.LittleEndian.AppendUint64(dst, k.Key)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(k.At))
	}
	return dst
}

// parseRecent appends the keys that appendRecent wrote.
func parseRecent(keys []recentKey, data []byte) []recentKey {
	for ; len(data) >= recentBytes; data = data[recentBytes:] {
		keys = append(keys, recentKey{binary.LittleEndian.Uint64(data), int64(binary.LittleEndian.Uint64(data[8:]))})
	}
	return keys
}

// recentSet remembers which activities came within the horizon, so that bulk
// intake repeated after a crash or by a sender counts once.
type recentSet struct {
	known []uint64 // open addressing; its length is a power of two, 0 is empty
	zero  bool     // the key 0 is known
	ring  []recentKey
	head  int // index of the oldest
	fresh int // how many of the newest came after the last image
}

// Duplicates drops repeated activities as an engine does, for whoever reads one
// log for several engines. The zero value has seen none.
type Duplicates struct{ recent recentSet }

// Seen reports whether an activity came within DuplicateHorizon before log time
// now, and remembers it.
func (d *Duplicates) Seen(a *activity.Activity, now time.Time) bool {
	return d.recent.seen(identity(a), now.UnixNano())
}

// seen reports whether key came within the horizon before now and remembers it.
func (r *recentSet) seen(key uint64, now int64) bool {
	for n := len(r.ring) - r.head; n >= maxRecent || n > minRecent && now-r.ring[r.head].At > int64(DuplicateHorizon); n-- {
		r.forget(r.ring[r.head].Key)
		r.head++
	}
	if r.head > 4096 && r.head > len(r.ring)/2 {
		r.ring = append(r.ring[:0], r.ring[r.head:]...)
		r.head = 0
	}
	if 2*(len(r.ring)-r.head) >= len(r.known) {
		r.grow()
	}
	if !r.add(key) {
		return true
	}
	r.ring = append(r.ring, recentKey{key, now})
	r.fresh++
	return false
}

// touch asks for what seen will need for some keys: their own places, and those of
// as many that may be forgotten.
func (r *recentSet) touch(keys []uint64) {
	if len(r.known) == 0 {
		return
	}
	ask := func(key uint64) { state.Fetch(unsafe.Pointer(&r.known[r.home(key)]), 1) }
	for _, key := range keys {
		ask(key)
	}
	if queue := r.queue(); len(queue) > minRecent {
		for _, k := range queue[:len(keys)] {
			ask(k.Key)
		}
	}
}

// home is where a key would like to stand. Keys are hashes, but of a kind whose
// upper bits say little.
func (r *recentSet) home(key uint64) int {
	return int(key*0x9e3779b97f4a7c15>>32) & (len(r.known) - 1)
}

// add reports whether a key was not known, and is now.
func (r *recentSet) add(key uint64) bool {
	if key == 0 {
		known := r.zero
		r.zero = true
		return !known
	}
	at := r.home(key)
	for ; r.known[at] != 0; at = (at + 1) & (len(r.known) - 1) {
		if r.known[at] == key {
			return false
		}
	}
	r.known[at] = key
	return true
}

// forget takes a known key away; what follows it without a gap moves up.
func (r *recentSet) forget(key uint64) {
	if key == 0 {
		r.zero = false
		return
	}
	mask, at := len(r.known)-1, r.home(key)
	for r.known[at] != key {
		at = (at + 1) & mask
	}
	for next := (at + 1) & mask; r.known[next] != 0; next = (next + 1) & mask {
		if home := r.home(r.known[next]); (next-home)&mask >= (next-at)&mask {
			r.known[at], at = r.known[next], next
		}
	}
	r.known[at] = 0
}

func (r *recentSet) grow() {
	r.known = make([]uint64, max(1024, 2*len(r.known)))
	for _, k := range r.queue() {
		r.add(k.Key)
	}
}

func (r *recentSet) queue() []recentKey { return r.ring[r.head:] }

// news returns the keys that came since the last image, of those that are left,
// or all of them.
func (r *recentSet) news(all bool) []recentKey {
	queue := r.queue()
	if !all {
		queue = queue[len(queue)-min(r.fresh, len(queue)):]
	}
	r.fresh = 0
	return slices.Clone(queue)
}

func (r *recentSet) restore(ring []recentKey) {
	*r = recentSet{ring: ring}
	size := 1024
	for size < 2*len(ring) {
		size *= 2
	}
	r.known = make([]uint64, size)
	for _, k := range ring {
		r.add(k.Key)
	}
}
