package rules

import (
	"slices"

	"github.com/picketd/picket/collectors/activity"
)

// FieldMatch is one test of a rule that an activity passed.
type FieldMatch struct {
	Field string // of the activity, raw.* for a source's own event; empty for keywords
	Value string // the value that passed; empty where the test is for absence
	Test  string // the test in words: contains "foo"
}

// Explain tells which tests made a detection rule match an activity, in the
// order in which the rule has them and each once. Under "or" it names those
// that held; what the rule excludes with "not" is left out, since nothing was
// seen. It returns nil where the rule does not match a or is of another type.
func (p *Program) Explain(rule *Rule, a *activity.Activity) []FieldMatch {
	i := slices.IndexFunc(p.detections, func(d detection) bool { return d.rule == rule.Index })
	if i < 0 {
		return nil
	}
	d, m := &p.detections[i], p.NewMatcher()
	m.begin()
	if !m.matches(d, a) {
		return nil
	}
	var out []FieldMatch
	m.collect(&d.root, a, &out)
	return out
}

func (m *Matcher) collect(n *node, a *activity.Activity, out *[]FieldMatch) {
	if n.kind == nodeNot || !m.eval(n, a) {
		return
	}
	for i := range n.kids {
		m.collect(&n.kids[i], a, out)
	}
	if n.kind != nodePredicate {
		return
	}
	q := &m.program.predicates[n.pred]
	match := FieldMatch{Test: q.words}
	if f := m.program.slots[q.slot].field; f != nil {
		match.Field = f.Name
	}
	if i, ok := m.holds(q, a); ok && i >= 0 {
		match.Value = string(m.text(i, true))
	}
	if !slices.Contains(*out, match) {
		*out = append(*out, match)
	}
}
