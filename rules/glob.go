package rules

import (
	"bytes"
	"unicode/utf8"

	"github.com/picketd/picket/rules/sigma"
)

// glob is a pattern with wildcards, cut at its *: the first segment stands at
// the start of the text, the last at its end, those between anywhere in order.
type glob []segment

// segment is a run of literals and single-character wildcards.
type segment struct {
	parts []segmentPart
	runes int // characters that it takes
}

// segmentPart is a literal, or any one character where lit is nil.
type segmentPart struct{ lit []byte }

// newGlob compiles p; prepare turns each literal into the form in which text
// will be given to match.
func newGlob(p sigma.Pattern, prepare func(string) []byte) glob {
	g := glob{{}}
	for _, piece := range p {
		s := &g[len(g)-1]
		switch piece.Kind {
		case sigma.Many:
			g = append(g, segment{})
		case sigma.One:
			s.parts = append(s.parts, segmentPart{})
			s.runes++
		case sigma.Literal:
			lit := prepare(piece.Text)
			s.parts = append(s.parts, segmentPart{lit})
			s.runes += utf8.RuneCount(lit)
		}
	}
	return g
}

// match reports whether g stands for the whole of b.
func (g glob) match(b []byte) bool {
	n := g[0].at(b)
	if n < 0 {
		return false
	}
	if b = b[n:]; len(g) == 1 {
		return len(b) == 0
	}
	last := len(g) - 1
	for _, s := range g[1:last] {
		end := s.find(b)
		if end < 0 {
			return false
		}
		b = b[end:]
	}
	return g[last].ends(b)
}

// at returns how many bytes at the start of b the segment takes, -1 if it does
// not stand there.
func (s segment) at(b []byte) int {
	n := 0
	for _, p := range s.parts {
		switch {
		case p.lit == nil:
			if n >= len(b) {
				return -1
			}
			_, size := utf8.DecodeRune(b[n:])
			n += size
		case bytes.HasPrefix(b[n:], p.lit):
			n += len(p.lit)
		default:
			return -1
		}
	}
	return n
}

// find returns the end of the segment's first place in b, -1 if it has none.
// Taking the first place is right: it leaves most to the segments that follow.
func (s segment) find(b []byte) int {
	for start := 0; ; {
		if lit := s.parts[0].lit; lit != nil {
			i := bytes.Index(b[start:], lit)
			if i < 0 {
				return -1
			}
			start += i
		}
		if n := s.at(b[start:]); n >= 0 {
			return start + n
		}
		if start >= len(b) {
			return -1
		}
		_, size := utf8.DecodeRune(b[start:])
		start += size
	}
}

// ends reports whether the segment stands at the end of b.
func (s segment) ends(b []byte) bool {
	start := len(b)
	for range s.runes {
		if start == 0 {
			return false
		}
		_, size := utf8.DecodeLastRune(b[:start])
		start -= size
	}
	return s.at(b[start:]) == len(b)-start
}
