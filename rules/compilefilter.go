package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Filter documents: exceptions kept apart from the rules that they are for.

// filter is one filter document and the condition that it adds to rules.
type filter struct {
	doc   *sigma.Document
	rules []int // nil: every rule of the log source
	ok    bool
	root  node
}

// takeFilters resolves what filters name and compiles them.
func (c *compiler) takeFilters() {
	for _, f := range c.filters {
		for _, ref := range f.doc.Filter.Rules {
			i, known := c.resolve(ref.S)
			switch {
			case !known:
				c.fault(f.doc, ref.At, "filter rules: no rule has the name or id %q; add it or remove it from the filter%s", ref.S, suggest.Hint(ref.S, c.names()))
			case c.docs[i].Faulty, f.doc.Logsource == nil, c.foreignTo(f.doc, ref.At, i): // their own faults are told
			case c.docs[i].Detection == nil:
				c.fault(f.doc, ref.At, "filter rules: %q is a rule of type %s, and filters are for detection rules; name those that feed it", ref.S, c.program.rules[i].Type)
			case !covers(f.doc.Logsource, c.docs[i].Logsource):
				c.fault(f.doc, ref.At, "filter rules: rule %q has another log source (%s) than the filter (%s), so the filter would never apply; make them equal or leave keys of the filter's out",
					ref.S, sources(c.docs[i].Logsource), sources(f.doc.Logsource))
			default:
				f.rules = append(f.rules, c.twins(i)...)
			}
		}
		if !f.doc.Faulty {
			c.build(f)
		}
	}
}

// build compiles a filter's condition.
func (c *compiler) build(f *filter) {
	before := len(c.faults)
	b := newDetectionBuilder(c, f.doc)
	for _, s := range f.doc.Filter.Detection.Searches {
		b.searches[s.Name.S] = b.search(s)
	}
	b.doc = &sigma.Document{File: f.doc.File, Logsource: f.doc.Logsource, Detection: f.doc.Filter.Detection}
	f.root = b.conditions(f.doc.Filter.Detection)
	if len(b.missing) > 0 {
		c.fault(f.doc, f.doc.Filter.At, "filter: placeholder %q has no values, so the filter would except nothing; add a placeholders document", b.missing[0])
	}
	f.ok = len(c.faults) == before
}

// filter adds the conditions of the filters that are for a rule.
func (c *compiler) filter(r *Rule, d *sigma.Document, det *detection) {
	for _, f := range c.filters {
		named := f.doc.Filter.Any && covers(f.doc.Logsource, d.Logsource) && (r.Shadow || !c.shadows.has(f.doc)) || slices.Contains(f.rules, r.Index)
		if !named || !f.ok {
			continue
		}
		det.root = node{kind: nodeAll, kids: []node{det.root, f.root}}
		c.filtered[r.Index] = append(c.filtered[r.Index], f)
		c.program.filters[r.Index] = append(c.program.filters[r.Index], f.doc)
	}
}

// covers reports whether a filter's log source is that of a rule or a wider
// one: what the filter names, the rule must name, too.
func covers(f, r *sigma.Logsource) bool {
	if f == nil || r == nil {
		return false
	}
	for _, key := range [][2]string{{f.Category.S, r.Category.S}, {f.Product.S, r.Product.S}, {f.Service.S, r.Service.S}} {
		if key[0] != "" && !strings.EqualFold(key[0], key[1]) {
			return false
		}
	}
	return isPicket(f) == isPicket(r)
}

// sources tells a log source in words.
func sources(l *sigma.Logsource) string {
	var out []string
	for _, key := range []struct{ name, value string }{{"category", l.Category.S}, {"product", l.Product.S}, {"service", l.Service.S}} {
		if key.value != "" {
			out = append(out, key.name+" "+key.value)
		}
	}
	return strings.Join(out, ", ")
}
