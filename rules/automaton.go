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

// automaton finds all of its literals in a text in one pass (Aho and Corasick,
// with the failing steps worked out beforehand). Bytes that no literal tells
// apart share a class; the two cases of an ASCII letter do, so that text of
// which only ASCII matters need not be folded first.
//
// next holds a row for each state: at its start the first of the state's
// outputs, then for each class the place of the next state's row, with the
// bit loud where that state has an output that is due at once.
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

const loud = 1 << 31

// newAutomaton makes an automaton of literals, none of which is empty.
func newAutomaton(literals []literal) *automaton {
	a := &automaton{ascii: true, outputs: make([]output, 1, len(literals)+1)}
	width := a.classes(literals)
	b := automatonBuilder{automaton: a, width: width, next: make([]uint32, width)}
	// In the order of their texts, literals that share a start make their states
	// one after the other, in memory too.
	literals = slices.Clone(literals)
	slices.SortStableFunc(literals, func(x, y literal) int { return strings.Compare(x.text, y.text) })
	for _, l := range literals {
		b.add(l)
	}
	b.finish()
	return a
}

// classes gives each byte its class, from 1 on, and returns the length of a
// row.
func (a *automaton) classes(literals []literal) uint32 {
	var used [256]bool
	for _, l := range literals {
		for i := range len(l.text) {
			used[l.text[i]] = true
			a.ascii = a.ascii && l.text[i] < utf8.RuneSelf
		}
	}
	n := uint32(2) // 1 is what no literal has
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

// automatonBuilder makes rows whose entries are the numbers of states, and
// then turns these into places.
type automatonBuilder struct {
	*automaton
	width uint32
	next  []uint32 // 0: none yet
}

func (b *automatonBuilder) add(l literal) {
	state := uint32(0)
	for i := range len(l.text) {
		at := state*b.width + uint32(b.class[l.text[i]])
		if state = b.next[at]; state == 0 {
			state = uint32(len(b.next)) / b.width
			b.next[at] = state
			for range b.width {
				b.next = append(b.next, 0)
			}
		}
	}
	first := &b.next[state*b.width]
	b.outputs = append(b.outputs, output{l.id, int32(len(l.text)), *first, l.anchor})
	*first = uint32(len(b.outputs) - 1)
}

// finish adds the failing steps, breadth first, and renumbers the states in
// that order, so that the rows that most text visits lie together.
func (b *automatonBuilder) finish() {
	w := b.width
	states := uint32(len(b.next)) / w
	fail := make([]uint32, states)
	order := make([]uint32, 1, states) // the start first
	for head := 0; head < len(order); head++ {
		s := order[head]
		b.inherit(s, fail[s])
		for c := uint32(1); c < w; c++ {
			to, other := b.next[s*w+c], uint32(0)
			if s != 0 {
				other = b.next[fail[s]*w+c]
			}
			if to == 0 {
				b.next[s*w+c] = other
				continue
			}
			fail[to] = other
			order = append(order, to)
		}
	}
	place := make([]uint32, states)
	for i, s := range order {
		place[s] = uint32(i) * w
		if b.due(b.next[s*w]) {
			place[s] |= loud
		}
	}
	b.automaton.next = make([]uint32, states*w)
	for i, s := range order {
		row := b.automaton.next[uint32(i)*w:][:w]
		row[0] = b.next[s*w]
		for c := uint32(1); c < w; c++ {
			row[c] = place[b.next[s*w+c]]
		}
	}
}

// inherit hangs the outputs of the state fail behind those of s.
func (b *automatonBuilder) inherit(s, fail uint32) {
	if s == 0 {
		return
	}
	at := &b.next[s*b.width]
	for *at != 0 {
		at = &b.outputs[*at].next
	}
	*at = b.next[fail*b.width]
}

// due tells whether an output of the list from i on is due before the end.
func (b *automatonBuilder) due(i uint32) bool {
	for ; i != 0; i = b.outputs[i].next {
		if b.outputs[i].anchor != atEnd {
			return true
		}
	}
	return false
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
