package sigma

import (
	"strconv"
	"strings"
)

// Expr is a node of a condition: And, Or, Not, Ref or Of. String prints it so
// that it parses to the same tree.
type Expr interface {
	Place() Pos
	String() string
	// binding is how tightly the node's operator binds, loosest first.
	binding() int
}

// And holds where all of X hold.
type And struct {
	At Pos
	X  []Expr
}

// Or holds where one of X holds.
type Or struct {
	At Pos
	X  []Expr
}

// Not holds where X does not.
type Not struct {
	At Pos
	X  Expr
}

// Ref is the name of a search.
type Ref struct {
	At   Pos
	Name string
}

// Of holds where at least N of the searches that Pattern names hold. Pattern
// is "them" or a name in which * stands for any characters.
type Of struct {
	At      Pos
	N       int // 0: all of them
	Pattern string
}

// Place returns where the node was written.
func (e And) Place() Pos { return e.At }

// Place returns where the node was written.
func (e Or) Place() Pos { return e.At }

// Place returns where the node was written.
func (e Not) Place() Pos { return e.At }

// Place returns where the node was written.
func (e Ref) Place() Pos { return e.At }

// Place returns where the node was written.
func (e Of) Place() Pos { return e.At }

func (e Or) binding() int  { return 0 }
func (e And) binding() int { return 1 }
func (e Not) binding() int { return 2 }
func (e Of) binding() int  { return 3 }
func (e Ref) binding() int { return 3 }

func (e And) String() string { return join(e.X, " and ", e.binding()) }
func (e Or) String() string  { return join(e.X, " or ", e.binding()) }
func (e Not) String() string { return "not " + enclose(e.X, e.binding()-1) }
func (e Ref) String() string { return e.Name }

func (e Of) String() string {
	n := "all"
	if e.N > 0 {
		n = strconv.Itoa(e.N)
	}
	return n + " of " + e.Pattern
}

func join(xs []Expr, op string, binding int) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = enclose(x, binding)
	}
	return strings.Join(parts, op)
}

// enclose puts x in parentheses unless it binds tighter than binding.
func enclose(x Expr, binding int) string {
	if x.binding() > binding {
		return x.String()
	}
	return "(" + x.String() + ")"
}

// Matching returns the searches that pattern names: all those not starting
// with an underscore for "them", else those whose name matches, * standing for
// any characters.
func (d *Detection) Matching(pattern string) []*Search {
	var out []*Search
	for _, s := range d.Searches {
		if pattern == "them" && !strings.HasPrefix(s.Name.S, "_") ||
			pattern != "them" && matchName(pattern, s.Name.S) {
			out = append(out, s)
		}
	}
	return out
}

// Search returns the search of that name, nil where there is none.
func (d *Detection) Search(name string) *Search {
	for _, s := range d.Searches {
		if s.Name.S == name {
			return s
		}
	}
	return nil
}

func matchName(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	last := len(parts) - 1
	name, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1:last] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, parts[last])
}
