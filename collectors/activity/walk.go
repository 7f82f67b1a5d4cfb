package activity

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"
)

// walk steps over the members of objects whose names the format knows. A
// writer puts them nearly always in the same order, so walk remembers which
// bytes stood between the value of one member and that of the next, and
// compares these before it reads them as JSON.
type walk struct {
	scanner
	guesses [nameCount][2]guess // by the member before; the latest right one first
	alien   string              // name of the latest member that the format does not know
}

// guess is what stood after a member the last time: up to sixteen bytes, from
// behind its value to the start of the next one's: `,"text":`. What it says
// was checked when it was learned.
type guess struct {
	low, high         uint64  // the bytes
	lowMask, highMask uint64  // which of them count
	bit               members // the next member's, or nEnd's
	size              uint8   // 0: nothing learned
	name              name    // of the next member, or nEnd
}

// members is a set of the names of one object.
type members uint64

// openOrNull goes to the value of the first member of the object at i, and
// returns its name, or nEnd where there is none. start is the object's kind;
// null is an object without members.
func (w *walk) openOrNull(i int, start name, seen *members, want string) (name, int) {
	i = w.skip(i)
	if i, ok := w.null(i); ok {
		return nEnd, i
	}
	return w.open(i, start, seen, want)
}

// open is openOrNull for an object that must be there.
func (w *walk) open(i int, start name, seen *members, want string) (name, int) {
	i = w.skip(i)
	if i >= len(w.data) || w.data[i] != '{' {
		return nEnd, w.expected(i, want)
	}
	return w.next(i+1, start, seen)
}

// next goes from behind the value of the member n to the value of the next
// one, and returns its name, or nEnd behind the object or after a fault.
func (w *walk) next(i int, n name, seen *members) (name, int) {
	if i >= 0 && len(w.data)-i >= 16 {
		p := unsafe.Pointer(&w.data[i])
		low, high := load(p, 0), load(p, 8)
		g := &w.guesses[n]
		if g[0].right(low, high, *seen) {
			*seen |= g[0].bit
			return g[0].name, i + int(g[0].size)
		}
		if g[1].right(low, high, *seen) {
			g[0], g[1] = g[1], g[0]
			*seen |= g[0].bit
			return g[0].name, i + int(g[0].size)
		}
	}
	return w.read(i, n, seen)
}

// right tells whether the sixteen bytes start as guessed, with a member that
// was not seen before.
func (g *guess) right(low, high uint64, seen members) bool {
	return (low^g.low)&g.lowMask|(high^g.high)&g.highMask|uint64(seen&g.bit) == 0 && g.size != 0
}

// load reads eight bytes at p+i, the first as the lowest.
func load(p unsafe.Pointer, i int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}

// read is next without a guess; it learns one.
func (w *walk) read(start int, before name, seen *members) (name, int) {
	if start < 0 {
		return nEnd, w.inside(w.nameOf(before))
	}
	i := w.skip(start)
	if i < len(w.data) && w.data[i] == '}' {
		w.learn(before, start, i+1, nEnd)
		return nEnd, i + 1
	}
	if before <= nUnknown {
		if i >= len(w.data) || w.data[i] != ',' {
			return nEnd, w.expected(i, `"," or "}"`)
		}
		i = w.skip(i + 1)
	}
	key, i := w.key(i)
	if i < 0 {
		return nEnd, i
	}
	n := nameOf(key)
	if n == nUnknown {
		w.alien = key
		return n, i
	}
	if *seen>>n&1 != 0 {
		w.fail(i, "given twice; keep one of the two")
		return nEnd, w.inside(key)
	}
	*seen |= 1 << n
	w.learn(before, start, i, n)
	return n, i
}

// nameOf returns the name of the member at hand as it stands in the input.
func (w *walk) nameOf(n name) string {
	if n == nUnknown {
		return w.alien
	}
	return n.String()
}

// learn remembers that the bytes from start to end lead from one member to
// the next.
func (w *walk) learn(before name, start, end int, next name) {
	size := end - start
	if size > 16 || before == nUnknown || len(w.data)-start < 16 { // next asks for sixteen bytes, too
		return
	}
	var token, mask [16]byte
	copy(token[:], w.data[start:end])
	for i := range size {
		mask[i] = 0xff
	}
	g := &w.guesses[before]
	g[1] = g[0]
	g[0] = guess{
		low: binary.LittleEndian.Uint64(token[:8]), high: binary.LittleEndian.Uint64(token[8:]),
		lowMask: binary.LittleEndian.Uint64(mask[:8]), highMask: binary.LittleEndian.Uint64(mask[8:]),
		bit: 1 << next, size: uint8(size), name: next,
	}
}

// inside adds the name of the member whose value is at fault.
func (w *walk) inside(name string) int {
	w.err.within(strings.Clone(name))
	return -1
}

// element adds the index of the element at fault.
func (w *walk) element(n, i int) int {
	if i < 0 {
		w.err.within("[" + strconv.Itoa(n) + "]")
	}
	return i
}
