package rules

import (
	"slices"

	"github.com/picketd/picket/rules/sigma"
)

// modifiers is what a test's modifiers say together.
type modifiers struct {
	op      string // how to compare: re, cidr, exists, fieldref, lt, lte, gt, gte; empty: equal
	where   string // contains, startswith or endswith; empty: the whole text
	part    string // of a time
	encoded string // the last encoding
	windash bool
	expand  bool
	all     bool // all values must hold
	cased   bool
	neq     bool   // none may hold
	flags   string // of the regular expression
}

// modifiers checks that a test's modifiers go together.
func (b *detectionBuilder) modifiers(t sigma.Test) (modifiers, bool) {
	var out modifiers
	before := len(b.faults)
	for i, m := range t.Modifiers {
		if slices.ContainsFunc(t.Modifiers[:i], func(o sigma.Text) bool { return o.S == m.S }) {
			b.fault(m.At, "modifier %q is written twice; remove one", m.S)
			continue
		}
		b.modifier(&out, m)
	}
	if len(b.faults) == before {
		b.together(t, out)
	}
	return out, len(b.faults) == before
}

// modifier adds one modifier to those before it.
func (b *detectionBuilder) modifier(out *modifiers, m sigma.Text) {
	one := func(had *string) {
		if *had != "" {
			b.fault(m.At, "modifiers %q and %q cannot be combined; keep one", *had, m.S)
		}
		*had = m.S
	}
	switch m.S {
	case "all":
		out.all = true
	case "cased":
		out.cased = true
	case "neq":
		out.neq = true
	case "windash":
		out.windash = true
	case "expand":
		out.expand = true
	case "contains", "startswith", "endswith":
		one(&out.where)
	case "minute", "hour", "day", "week", "month", "year":
		one(&out.part)
	case "i", "m", "s":
		if out.op != "re" {
			b.fault(m.At, `modifier %q is for regular expressions; write it after "re"`, m.S)
		}
		out.flags += m.S
	default:
		if !encodes(m.S) {
			one(&out.op)
			return
		}
		if out.where != "" {
			b.fault(m.At, "modifier %q stands after %q; write it before, since it encodes the text and not its place", m.S, out.where)
		}
		out.encoded = m.S
	}
}

// together reports modifiers that contradict each other, the values or the
// absence of a field.
func (b *detectionBuilder) together(t sigma.Test, m modifiers) {
	order := slices.Contains([]string{"lt", "lte", "gt", "gte"}, m.op)
	placed := m.op == "" || m.op == "fieldref"
	switch {
	case m.where != "" && !placed:
		b.fault(t.At, "modifiers %q and %q cannot be combined; keep one", m.op, m.where)
	case (m.encoded != "" || m.windash) && m.op != "":
		b.fault(t.At, `modifier %q does not go with the modifiers that change text (windash, base64 and the like); keep one`, m.op)
	case m.expand && m.op != "" && m.op != "cidr":
		b.fault(t.At, `modifier "expand" does not go with %q; remove it`, m.op)
	case m.part != "" && (m.op != "" && !order || m.where != "" || m.encoded != "" || m.windash || m.expand || m.cased):
		b.fault(t.At, "modifier %q takes a number of a time, and goes with gt, gte, lt, lte, neq and all only", m.part)
	case m.all && len(t.Values) < 2 && !m.expand:
		b.fault(t.At, `modifier "all" needs a list of two or more values; remove it or add values`)
	case m.cased && !placed:
		b.fault(t.At, `modifier "cased" does not go with %q; remove it`, m.op)
	case m.op == "exists" && (len(t.Values) != 1 || m.all || m.neq):
		b.fault(t.At, `modifier "exists" stands alone and takes one value, true or false`)
	case t.Field == "" && m.op != "" && m.op != "re":
		b.fault(t.At, "modifier %q needs a field; write its name before the modifiers", m.op)
	case t.Field == "" && (m.part != "" || m.where == "startswith" || m.where == "endswith"):
		b.fault(t.At, "modifier %q needs a field; write its name before the modifiers", m.part+m.where)
	case t.Field == "" && m.neq:
		b.fault(t.At, `modifier "neq" needs a field; write its name before the modifiers`)
	}
}
