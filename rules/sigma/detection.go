package sigma

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/rules/internal/suggest"
)

// Modifiers returns every value modifier of specification 2.1.
func Modifiers() []string {
	return []string{
		"all", "startswith", "endswith", "contains", "exists", "cased", "neq", "windash",
		"re", "i", "m", "s", "base64", "base64offset", "utf16le", "utf16be", "utf16", "wide",
		"lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year",
		"cidr", "expand", "fieldref",
	}
}

func (r *reader) detection(p pair) *Detection {
	return r.searches(p, "detection", r.mapping(p.value, "detection"))
}

// searches reads the search identifiers and the condition of a section.
func (r *reader) searches(section pair, what string, pairs []pair) *Detection {
	d := &Detection{At: section.key.At}
	var condition *yaml.Node
	for _, p := range pairs {
		if p.key.S == "condition" {
			condition = p.value
			continue
		}
		d.Searches = append(d.Searches, r.search(p))
	}
	switch {
	case len(pairs) == 0:
		if section.value.Kind == yaml.MappingNode {
			r.fault(d.At, `%s is empty; add a search and a condition`, what)
		}
	case condition == nil:
		r.fault(d.At, `%s has no condition; add for example "condition: %s"`, what, pairs[0].key.S)
	case len(d.Searches) == 0:
		r.fault(d.At, "%s has a condition but no search; add what it refers to", what)
	default:
		d.Conditions = r.conditions(condition, d)
	}
	return d
}

func (r *reader) conditions(n *yaml.Node, d *Detection) []Condition {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
		if len(items) == 0 {
			r.fault(r.pos(n), `condition is an empty list; write for example "selection"`)
		}
	}
	var out []Condition
	for _, item := range items {
		t := r.text(item, "condition")
		if t.S == "" {
			continue
		}
		if e := parseCondition(item.Value, d, r.places(item), r.fault); e != nil {
			out = append(out, Condition{t.At, e})
		}
	}
	return out
}

// search reads one search identifier: a mapping, a list of mappings and plain
// values, or one plain value.
func (r *reader) search(p pair) *Search {
	s := &Search{Name: p.key}
	what := "search " + p.key.S
	if strings.ContainsFunc(p.key.S, func(c rune) bool { return strings.ContainsRune(" \t\r\n()*", c) }) || p.key.S == "" {
		r.fault(p.key.At, "search name %q cannot be written in a condition; use letters, digits, _ and -", p.key.S)
	}
	var keywords []Value
	add := func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode {
			if g := r.group(n, what); len(g.All) > 0 {
				s.Any = append(s.Any, g)
			}
			return
		}
		if v, ok := r.value(n, what); ok {
			keywords = append(keywords, v)
		}
	}
	if p.value.Kind == yaml.SequenceNode {
		if len(p.value.Content) == 0 {
			r.fault(p.key.At, "%s is an empty list, which can never match; add a test or remove it", what)
		}
		for _, item := range p.value.Content {
			add(item)
		}
	} else {
		add(p.value)
	}
	if len(keywords) > 0 {
		at := keywords[0].At
		s.Any = append(s.Any, Group{At: at, All: []Test{{At: at, Values: keywords}}})
	}
	return s
}

func (r *reader) group(n *yaml.Node, what string) Group {
	g := Group{At: r.pos(n)}
	pairs := r.mapping(n, what)
	if len(pairs) == 0 {
		r.fault(r.pos(n), "%s is an empty mapping; add a test such as \"kind: login\" or remove it", what)
	}
	for _, p := range pairs {
		g.All = append(g.All, r.test(p))
	}
	return g
}

func (r *reader) test(p pair) Test {
	field, mods, modified := strings.Cut(p.key.S, "|")
	t := Test{At: p.key.At, Field: field}
	if modified {
		off, place := len(field)+1, r.places(p.node)
		for m := range strings.SplitSeq(mods, "|") {
			at := place(off)
			off += len(m) + 1
			if r.modifier(m, at) {
				t.Modifiers = append(t.Modifiers, Text{at, m})
			}
		}
	}
	if field == "" && !modified {
		r.fault(p.key.At, `a test has no field name; write one, or list plain values to look for them anywhere`)
	}
	what := "field " + p.key.S
	if p.value.Kind != yaml.SequenceNode {
		if v, ok := r.value(p.value, what); ok {
			t.Values = []Value{v}
		}
		return t
	}
	if len(p.value.Content) == 0 {
		r.fault(p.key.At, "%s has an empty list of values, which can never match; add a value or remove the test", what)
	}
	for _, item := range p.value.Content {
		v, ok := r.value(item, what)
		if ok && v.Kind == Null {
			r.fault(v.At, `%s: null cannot stand in a list; test it in a search of its own and join the two with "or" in the condition`, what)
		}
		if ok {
			t.Values = append(t.Values, v)
		}
	}
	return t
}

func (r *reader) modifier(m string, at Pos) bool {
	if slices.Contains(Modifiers(), m) {
		return true
	}
	r.fault(at, "modifier %q is unknown%s (expected one of %s)", m, suggest.Hint(m, Modifiers()), strings.Join(Modifiers(), " "))
	return false
}

func (r *reader) value(n *yaml.Node, what string) (Value, bool) {
	at := r.pos(n)
	if n.Kind != yaml.ScalarNode {
		r.fault(at, "%s: a value is %s; expected text, a number, true, false or null", what, describe(n))
		return Value{}, false
	}
	if isNull(n) {
		return Value{At: at, Kind: Null}, true
	}
	if b, ok := parseBool(n); ok {
		text := "false"
		if b {
			text = "true"
		}
		return Value{at, Bool, text}, true
	}
	if _, ok := parseNumber(n); ok {
		return Value{at, Num, n.Value}, true
	}
	return Value{at, String, n.Value}, true
}
