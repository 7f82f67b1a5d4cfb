package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/sigma"
)

// modifiers is what a test's modifiers say together.
type modifiers struct {
	op    string // how to compare; empty: equal
	all   bool   // all values must hold
	cased bool
	neq   bool   // none may hold
	flags string // of the regular expression
}

// supported returns the modifiers that this version compiles; sigma.Modifiers
// has all that there are.
func supported() []string {
	return []string{
		"all", "startswith", "endswith", "contains", "exists", "cased", "neq",
		"re", "i", "m", "s", "lt", "lte", "gt", "gte", "cidr",
	}
}

// modifiers checks that a test's modifiers are supported and go together.
func (b *detectionBuilder) modifiers(t sigma.Test) (modifiers, bool) {
	var out modifiers
	before := len(b.faults)
	for i, m := range t.Modifiers {
		switch {
		case !slices.Contains(supported(), m.S):
			b.fault(m.At, "modifier %q is not supported by this version of Picket; use %s", m.S, strings.Join(supported(), " "))
		case slices.ContainsFunc(t.Modifiers[:i], func(o sigma.Text) bool { return o.S == m.S }):
			b.fault(m.At, "modifier %q is written twice; remove one", m.S)
		case m.S == "all":
			out.all = true
		case m.S == "cased":
			out.cased = true
		case m.S == "neq":
			out.neq = true
		case m.S == "i" || m.S == "m" || m.S == "s":
			if out.op != "re" {
				b.fault(m.At, `modifier %q is for regular expressions; write it after "re"`, m.S)
			}
			out.flags += m.S
		case out.op != "":
			b.fault(m.At, "modifiers %q and %q cannot be combined; keep one", out.op, m.S)
		default:
			out.op = m.S
		}
	}
	if len(b.faults) == before {
		b.together(t, out)
	}
	return out, len(b.faults) == before
}

// together reports modifiers that contradict each other, the values or the
// absence of a field.
func (b *detectionBuilder) together(t sigma.Test, m modifiers) {
	textual := m.op == "" || m.op == "contains" || m.op == "startswith" || m.op == "endswith"
	switch {
	case m.all && len(t.Values) < 2:
		b.fault(t.At, `modifier "all" needs a list of two or more values; remove it or add values`)
	case m.cased && !textual:
		b.fault(t.At, `modifier "cased" does not go with %q; remove it`, m.op)
	case m.op == "exists" && (len(t.Values) != 1 || m.all || m.neq):
		b.fault(t.At, `modifier "exists" stands alone and takes one value, true or false`)
	case t.Field == "" && m.op != "" && m.op != "contains" && m.op != "re":
		b.fault(t.At, "modifier %q needs a field; write its name before the modifiers", m.op)
	case t.Field == "" && m.neq:
		b.fault(t.At, `modifier "neq" needs a field; write its name before the modifiers`)
	}
}
