package activity

import (
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// RawFields is a set of paths into the source's own events, compiled so that
// one pass over an event collects the values at all of them. It is immutable
// and safe for concurrent use.
type RawFields struct{ states []rawState }

// RawValue is one value in an event and the index of the path that leads to it.
type RawValue struct {
	Path  int32
	Value Value
}

// RawScanner is the scratch memory of one goroutine's passes over events. The
// zero RawScanner is ready for use and meant to be kept: after a few events it
// allocates nothing.
type RawScanner struct {
	scanner
	fields *RawFields
	out    []RawValue
}

// NewRawFields compiles paths as they stand after "raw." in the name of a
// field. A path's index is its place in the list.
func NewRawFields(paths []string) *RawFields {
	start := make([]pathRest, len(paths))
	for i, p := range paths {
		start[i] = pathRest{int32(i), p}
	}
	b := rawBuilder{fields: new(RawFields), known: map[string]int32{}}
	b.state(start)
	return b.fields
}

// Scan returns what FieldRef.Values gives for "raw." and each of the paths:
// the values of one path in the same order, those of different paths mixed.
// They alias raw or the scanner's own memory and are valid until the next call.
func (s *RawScanner) Scan(raw []byte, fields *RawFields) []RawValue {
	s.data, s.fields, s.out, s.arena = raw, fields, s.out[:0], s.arena[:0]
	s.walk(s.skip(0), 0, 0)
	s.data, s.err = nil, nil
	return s.out
}

// rawState is a place in an event, by what of which paths is left there.
type rawState struct {
	leaves []int32 // paths that end here
	table  []rawMember
	shift  uint8 // of a hash, to an index of table
}

// rawMember is a member name that leads on. Names are kept in an open hash
// table that is at most half full.
type rawMember struct {
	name string
	next int32 // 0: a free place, since nothing leads to the start
}

// pathRest is what is left of a path.
type pathRest struct {
	path int32
	rest string
}

type rawBuilder struct {
	fields *RawFields
	known  map[string]int32 // states by what is left there
}

// state returns the state in which rests are left.
func (b *rawBuilder) state(rests []pathRest) int32 {
	key := fmt.Sprintf("%q", rests)
	if id, ok := b.known[key]; ok {
		return id
	}
	id := int32(len(b.fields.states))
	b.known[key] = id
	b.fields.states = append(b.fields.states, rawState{})
	var st rawState
	after := map[string][]pathRest{}
	var names []string
	for _, r := range rests {
		if r.rest == "" {
			st.leaves = append(st.leaves, r.path)
			continue
		}
		for _, name := range leads(r.rest) {
			if after[name] == nil {
				names = append(names, name)
			}
			rest, _ := leadsTo(r.rest, name)
			after[name] = append(after[name], pathRest{r.path, rest})
		}
	}
	size := 2
	for st.shift = 63; size < 2*len(names); st.shift-- {
		size *= 2
	}
	if len(names) > 0 {
		st.table = make([]rawMember, size)
	}
	for _, name := range names {
		*st.place(name) = rawMember{name, b.state(after[name])}
	}
	b.fields.states[id] = st
	return id
}

// leads returns the member names that lead on along a path: its starts before
// a dot, and all of it.
func leads(path string) []string {
	var out []string
	for i := range len(path) {
		if _, ok := leadsTo(path, path[:i]); ok {
			out = append(out, path[:i])
		}
	}
	return append(out, path)
}

// place returns where a name is in the table, or the free place for it.
func (st *rawState) place(name string) *rawMember {
	i := hashName(name) >> st.shift
	for {
		m := &st.table[i]
		if m.next == 0 || m.name == name {
			return m
		}
		if i++; i == uint64(len(st.table)) {
			i = 0
		}
	}
}

// hashName mixes a name's length with its first and last bytes, which differ
// between nearly any two names of one source.
func hashName(s string) uint64 {
	const odd = 0x9e3779b97f4a7c15
	n, p := len(s), unsafe.Pointer(unsafe.StringData(s))
	h := uint64(n)
	if n >= 8 {
		h ^= load(p, 0) ^ (load(p, n-8)*odd)>>7
	} else {
		for i := range n {
			h = h<<8 | uint64(s[i])
		}
	}
	h *= odd
	return (h ^ h>>29) * odd
}

// walk reads over the value at i, where state is what is left of the paths.
func (s *RawScanner) walk(i int, state int32, depth int) int {
	if i >= len(s.data) {
		return -1
	}
	st := &s.fields.states[state]
	switch s.data[i] {
	case '[':
		if depth >= maxDepth {
			return -1
		}
		i, more := s.enter(i, '[', "a list")
		for more {
			i, more = s.after(s.walk(i, state, depth+1), ']')
		}
		return i
	case '{':
		var end int
		if len(st.table) > 0 {
			end = s.object(i, st, depth)
		} else {
			end = s.value(i, depth)
		}
		if end > 0 && len(st.leaves) > 0 {
			s.found(st, Value{Str: stringOf(s.data[i:end])})
		}
		return end
	}
	if len(st.leaves) == 0 {
		return s.value(i, depth)
	}
	return s.leaf(i, st, depth)
}

func (s *RawScanner) object(i int, st *rawState, depth int) int {
	if depth >= maxDepth {
		return -1
	}
	i, more := s.enter(i, '{', "an object")
	for more {
		if i >= len(s.data) || s.data[i] != '"' {
			return -1
		}
		var name string
		if name, i = s.loose(i); i < 0 {
			return i
		}
		if i = s.skip(i); i >= len(s.data) || s.data[i] != ':' {
			return -1
		}
		i = s.skip(i + 1)
		if next := st.place(name).next; next != 0 {
			i = s.walk(i, next, depth+1)
		} else {
			i = s.value(i, depth+1)
		}
		i, more = s.after(i, '}')
	}
	return i
}

// leaf collects the scalar at i.
func (s *RawScanner) leaf(i int, st *rawState, depth int) int {
	switch s.data[i] {
	case '"':
		v, end := s.loose(i)
		if end > 0 {
			s.found(st, Value{Str: v})
		}
		return end
	case 'n':
		return s.value(i, depth)
	case 't', 'f':
		end := s.value(i, depth)
		if end > 0 {
			s.found(st, Value{Str: stringOf(s.data[i:end])})
		}
		return end
	}
	v, end, ok := s.finite(i)
	if ok {
		s.found(st, Value{Num: v, IsNum: true})
	}
	return end
}

func (s *RawScanner) found(st *rawState, v Value) {
	for _, path := range st.leaves {
		s.out = append(s.out, RawValue{path, v})
	}
}

// finite reads a number. One that no 64-bit float can hold has no value.
func (s *scanner) finite(i int) (v float64, end int, ok bool) {
	if v, end = s.number(i); end > 0 {
		return v, end, true
	}
	end, _, _ = s.numberEnd(i)
	return 0, end, false
}

// loose reads a string in which half a surrogate pair may stand.
func (s *RawScanner) loose(i int) (string, int) {
	start := i + 1
	end := plainEnd(stringOf(s.data), start)
	if end < len(s.data) && s.data[end] == '"' {
		return stringOf(s.data[start:end]), end + 1
	}
	if end = s.strEnd(i); end < 0 {
		return "", end
	}
	content := s.data[start : end-1]
	if strings.IndexByte(stringOf(content), '\\') < 0 {
		return stringOf(content), end
	}
	if cap(s.arena) < len(s.data) {
		// No string grows by decoding, so strings already handed out keep their
		// place, here and in the memory that is left behind.
		s.arena = slices.Grow([]byte(nil), len(s.data))
	}
	from := len(s.arena)
	s.arena = s.appendLoose(s.arena, start, end-1)
	return stringOf(s.arena[from:]), end
}

// appendLoose decodes the well-formed string content from i to end.
func (s *RawScanner) appendLoose(out []byte, i, end int) []byte {
	data := s.data
	for i < end {
		c := data[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		switch c = data[i+1]; c {
		case 'u':
			s.arena = out
			if next := s.escape(i); next > 0 {
				out, i = s.arena, next
			} else { // the content is well formed, so it is half a pair
				out, i = append(out, "\uFFFD"...), i+6
			}
			continue
		case 'n':
			c = '\n'
		case 't':
			c = '\t'
		case 'r':
			c = '\r'
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		}
		out = append(out, c)
		i += 2
	}
	return out
}
