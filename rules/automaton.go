package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// anchor says where in a text a literal must stand.
type anchor uint8

const (
	anywhere anchor = iota
	atStart
	atEnd
)

// literal is folded text that an automaton looks for.
type literal struct {
	text   string
	anchor anchor
	id     int32 // what to report
}

// automaton finds all of its literals in a text in one pass (Aho and Corasick).
// Bytes that no literal tells apart share a class; the two cases of an ASCII
// letter do, so that text of which only ASCII matters need not be folded first.
//
// A state is the place of its record in next. The states that most text visits
// have the next state for each class in their record, failing steps worked out
// beforehand. The many further on have the one step of their own (sparse), and
// the state to go on from where it does not fit.
//
//	full:   first output, next state by class from 1 on …
//	sparse: first output, state to fall back to, class of the step or 0, next state
//
// In a next state, the bit loud says that it has an output that is due at once,
// and the bit sparse which kind of record it has.
type automaton struct {
	class   [256]uint8
	next    []uint32
	outputs []output
	ascii   bool // no literal holds anything else
}

// output is a literal that ends in a state. Each state's are a list, which
// ends in that of the state's longest proper suffix. Place 0 is the end.
type output struct {
	id     int32
	size   int32 // of the literal
	next   uint32
	anchor anchor
}

const (
	loud      = 1 << 31
	sparse    = 1 << 30
	fullDepth = 2 // states up to here have full records
	// Places in a sparse record, and its length.
	back, stepClass, stepTo, sparseSize = 1, 2, 3, 4
)

// newAutomaton makes an automaton of literals, none of which is empty.
func newAutomaton(literals []literal) *automaton {
	a := &automaton{ascii: true, outputs: make([]output, 1, len(literals)+1)}
	b := automatonBuilder{automaton: a, width: a.classes(literals), states: make([]buildState, 1)}
	// In the order of their texts, literals that share a start come one after the
	// other, so that only a state's latest step need be looked at.
	literals = slices.Clone(literals)
	slices.SortStableFunc(literals, func(x, y literal) int { return strings.Compare(x.text, y.text) })
	for _, l := range literals {
		b.add(l)
	}
	b.link()
	b.write()
	return a
}

// classes gives each byte its class, from 1 on, and returns the length of a
// full record.
func (a *automaton) classes(literals []literal) int {
	var used [256]bool
	for _, l := range literals {
		for i := range len(l.text) {
			used[l.text[i]] = true
			a.ascii = a.ascii && l.text[i] < utf8.RuneSelf
		}
	}
	n := 2 // 1 is what no literal has
	for c := range used {
		a.class[c] = 1
		if used[c] {
			a.class[c] = uint8(n)
			n++
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		a.class[c] = a.class[c-'A'+'a']
	}
	return n
}

// automatonBuilder makes states in a tree, orders them breadth first, and
// writes their records in that order, so that those that most text visits lie
// together.
type automatonBuilder struct {
	*automaton
	width  int
	states []buildState
	order  []int32 // of states
}

type buildState struct {
	first, last  int32 // of the steps, which are a list
	sibling      int32 // the next in that list
	fail         int32 // the state of the longest proper suffix
	out          uint32
	depth, steps int16
	class        uint8 // of the step that leads here
	place        uint32
}

func (b *automatonBuilder) add(l literal) {
	state := int32(0)
	for i := range len(l.text) {
		class := b.class[l.text[i]]
		if to := b.states[state].last; to != 0 && b.states[to].class == class {
			state = to
			continue
		}
		to := int32(len(b.states))
		b.states = append(b.states, buildState{class: class, depth: int16(min(i+1, fullDepth+1))})
		from := &b.states[state]
		if from.steps++; from.last == 0 {
			from.first = to
		} else {
			b.states[from.last].sibling = to
		}
		from.last = to
		state = to
	}
	b.outputs = append(b.outputs, output{l.id, int32(len(l.text)), b.states[state].out, l.anchor})
	b.states[state].out = uint32(len(b.outputs) - 1)
}

// step returns the state that class leads to from s, falling back where it
// must.
func (b *automatonBuilder) step(s int32, class uint8) int32 {
	for {
		for to := b.states[s].first; to != 0; to = b.states[to].sibling {
			if b.states[to].class == class {
				return to
			}
		}
		if s == 0 {
			return 0
		}
		s = b.states[s].fail
	}
}

// link orders the states and finds where each falls back to, and what else
// ends where it does.
func (b *automatonBuilder) link() {
	b.order = make([]int32, 1, len(b.states)) // the start first
	for head := 0; head < len(b.order); head++ {
		s := b.order[head]
		for to := b.states[s].first; to != 0; to = b.states[to].sibling {
			t := &b.states[to]
			if s != 0 {
				t.fail = b.step(b.states[s].fail, t.class)
			}
			at := &t.out
			for *at != 0 {
				at = &b.outputs[*at].next
			}
			*at = b.states[t.fail].out
			b.order = append(b.order, to)
		}
	}
}

func (s *buildState) sparse() bool { return s.depth > fullDepth && s.steps <= 1 }

// write writes the records.
func (b *automatonBuilder) write() {
	size := 0
	for _, id := range b.order {
		s := &b.states[id]
		s.place = uint32(size)
		if s.sparse() {
			s.place |= sparse
			size += sparseSize
		} else {
			size += b.width
		}
	}
	b.next = make([]uint32, 0, size)
	for _, id := range b.order {
		if s := &b.states[id]; s.sparse() {
			class, to := uint32(0), uint32(0)
			if s.first != 0 {
				class, to = uint32(b.states[s.first].class), b.entry(s.first)
			}
			b.next = append(b.next, s.out, b.states[s.fail].place, class, to)
			continue
		}
		b.writeFull(id)
	}
}

// writeFull writes a full record. A state of depth one falls back to the
// start, whose record is there already, and so it is for all that are deeper
// but fall back to a full record; else the steps are searched for.
func (b *automatonBuilder) writeFull(id int32) {
	s := &b.states[id]
	at := len(b.next)
	b.next = append(b.next, s.out, 0)
	for class := 2; class < b.width; class++ {
		b.next = append(b.next, 0)
	}
	if fail := &b.states[s.fail]; id != 0 && !fail.sparse() {
		copy(b.next[at+1:], b.next[fail.place+1:int(fail.place)+b.width])
	} else if id != 0 {
		for class := 2; class < b.width; class++ {
			b.next[at+class] = b.entry(b.step(s.fail, uint8(class)))
		}
	}
	for to := s.first; to != 0; to = b.states[to].sibling {
		b.next[at+int(b.states[to].class)] = b.entry(to)
	}
}

// entry returns a state as a next state.
func (b *automatonBuilder) entry(id int32) uint32 {
	s := &b.states[id]
	for o := s.out; o != 0; o = b.outputs[o].next {
		if b.outputs[o].anchor != atEnd {
			return s.place | loud
		}
	}
	return s.place
}

// fall finds the step from a sparse state, in its own record or in one that
// it falls back to.
func (a *automaton) fall(state, class uint32) uint32 {
	for {
		record := a.next[state&^sparse:][:sparseSize]
		if record[stepClass] == class {
			return record[stepTo]
		}
		if state = record[back]; state&sparse == 0 {
			return a.next[state+class]
		}
	}
}

// folds tells whether text must be folded for run: where it holds characters
// that differ from those of a literal only in case. ASCII's own cases have one
// class, and beyond ASCII just two characters fold to it.
func (a *automaton) folds(text string) bool {
	if isASCII(text) {
		return false
	}
	return !a.ascii || strings.Contains(text, "\u017f") || strings.Contains(text, "\u212a")
}

func isASCII(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if (s[i]|s[i+1]|s[i+2]|s[i+3])|(s[i+4]|s[i+5]|s[i+6]|s[i+7]) >= utf8.RuneSelf {
			return false
		}
	}
	for ; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
