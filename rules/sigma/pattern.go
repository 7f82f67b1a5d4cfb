package sigma

import "strings"

// PieceKind is what a piece of a pattern stands for.
type PieceKind uint8

// Kinds of pieces.
const (
	Literal PieceKind = iota // the text itself
	One                      // any single character
	Many                     // any characters, also none
)

// Piece is one part of a pattern. Text is set on literals only.
type Piece struct {
	Kind PieceKind
	Text string
}

// Pattern is a string value with its wildcards resolved. Neighbouring
// literals are joined, runs of * are one piece; the empty pattern is the empty
// string.
type Pattern []Piece

// ParsePattern resolves the wildcards and escapes of a Sigma string: * stands
// for any characters, ? for one. A backslash before *, ? or another backslash
// makes that one literal; before anything else it stands for itself.
func ParsePattern(s string) Pattern {
	var p Pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, Piece{Literal, lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			i++
			lit.WriteByte(s[i])
		case c == '?':
			flush()
			p = append(p, Piece{Kind: One})
		case c == '*':
			flush()
			p = p.many()
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

func (p Pattern) many() Pattern {
	if n := len(p); n > 0 && p[n-1].Kind == Many {
		return p
	}
	return append(p, Piece{Kind: Many})
}

// Around returns p with any characters allowed before and, where asked, after.
func (p Pattern) Around(before, after bool) Pattern {
	var out Pattern
	if before && (len(p) == 0 || p[0].Kind != Many) {
		out = out.many()
	}
	out = append(out, p...)
	if after {
		out = out.many()
	}
	return out
}

// Plain returns the text of a pattern without wildcards, and whether it is one.
func (p Pattern) Plain() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].Kind == Literal:
		return p[0].Text, true
	}
	return "", false
}

// String spells p so that ParsePattern returns p again.
func (p Pattern) String() string {
	var b strings.Builder
	for _, piece := range p {
		switch piece.Kind {
		case One:
			b.WriteByte('?')
		case Many:
			b.WriteByte('*')
		case Literal:
			for i := range len(piece.Text) {
				if c := piece.Text[i]; c == '*' || c == '?' || c == '\\' {
					b.WriteByte('\\')
				}
				b.WriteByte(piece.Text[i])
			}
		}
	}
	return b.String()
}
