package rules

import (
	"fmt"
	"strings"
)

// Marks of a part in the text form.
const (
	markHolds, markFails = "✓", "✗"
	markOpen             = "?" // fed, and memory decides
	maxKids              = 12  // tested values that are listed, held or not
)

// String draws the explanation as a tree, for people.
func (x *Explanation) String() string {
	var b strings.Builder
	x.draw(&b, "", "")
	return b.String()
}

// draw writes the explanation; lead stands before its first line, below before
// the others.
func (x *Explanation) draw(b *strings.Builder, lead, below string) {
	name := x.Rule.Name
	if name == "" {
		name = x.Rule.ID
	}
	role := ""
	if x.Role != "" {
		role = x.Role + ": "
	}
	fmt.Fprintf(b, "%s%s %s%s: %s  (%s, %s:%d)\n", lead, x.mark(), role, name, x.Rule.Title, x.Rule.Type, x.File, x.At.Line)
	if x.Tree != nil {
		x.Tree.draw(b, below+"└─ ", below+"   ")
	}
	last := len(x.Feeds) + len(x.Needs) - 1
	for i, f := range x.Feeds {
		f.draw(b, below+branch(i == last), below+trunk(i == last))
	}
	for i, n := range x.Needs {
		fmt.Fprintf(b, "%s· needs %s\n", below+branch(len(x.Feeds)+i == last), n)
	}
}

// mark is the verdict: of rules that keep memory it is open where they are fed.
func (x *Explanation) mark() string {
	if x.Tree == nil && x.Matches {
		return markOpen
	}
	return mark(x.Matches)
}

func (t *Tree) draw(b *strings.Builder, lead, below string) {
	fmt.Fprintf(b, "%s%s %s%s\n", lead, mark(t.Hold), t.Text, t.sight())
	kids, more := t.listed()
	for i, k := range kids {
		last := i == len(kids)-1 && more == 0
		k.draw(b, below+branch(last), below+trunk(last))
	}
	if more > 0 {
		fmt.Fprintf(b, "%s%s %d more values\n", below+branch(true), markFails, more)
	}
}

// sight tells what a test saw.
func (t *Tree) sight() string {
	switch {
	case !t.Test || strings.HasPrefix(t.Text, "keywords"):
		return ""
	case len(t.Seen) == 0:
		return "   ← absent"
	}
	return "   ← " + strings.Join(t.Seen, ", ")
}

// listed returns the parts to draw and how many values of a long list are left
// out, all of which do not hold.
func (t *Tree) listed() (kids []*Tree, more int) {
	if !t.Test || len(t.Kids) <= maxKids {
		return t.Kids, 0
	}
	for _, k := range t.Kids {
		if k.Hold {
			kids = append(kids, k)
		}
	}
	return kids, len(t.Kids) - len(kids)
}

func mark(holds bool) string {
	if holds {
		return markHolds
	}
	return markFails
}

func branch(last bool) string {
	if last {
		return "└─ "
	}
	return "├─ "
}

func trunk(last bool) string {
	if last {
		return "   "
	}
	return "│  "
}
