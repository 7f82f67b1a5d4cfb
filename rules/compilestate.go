package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Compiling correlations, and what they share with baselines.

func (c *compiler) correlation(r *Rule, d *sigma.Document) {
	k := d.Correlation
	r.Inputs = c.events(d, k.Rules, string(r.Type)+" rules")
	r.Timespan = k.Timespan.D
	c.aliases(r, d)
	if len(k.GroupBy) == 0 {
		c.fault(d, k.At, `correlation has no group-by; add "group-by: [account]"`)
	} else {
		r.GroupBy = c.groupBy(d, k.GroupBy, c.raw(k.Rules))
		r.Keyed = len(r.GroupBy) > 0 && r.GroupBy[0].Name != "account"
	}
	r.Condition = c.bounds(d, r.Type, k, k.Bounds)
	c.countedField(r, d)
	if (r.Type == TypeTemporal || r.Type == TypeTemporalOrdered) && len(k.Rules) < 2 {
		c.fault(d, k.At, "%s needs two or more rules that belong together; name them all under rules", r.Type)
	}
}

// aliases resolves the field that each alias stands for in each rule.
func (c *compiler) aliases(r *Rule, d *sigma.Document) {
	for _, a := range d.Correlation.Aliases {
		out := Alias{Name: a.Name.S, By: map[int]*activity.FieldRef{}}
		for _, f := range a.For {
			i, known := c.resolve(f.Rule.S)
			if !known || !slices.Contains(r.Inputs, i) {
				c.fault(d, f.Rule.At, "alias %s: %q is not among the correlation's rules; name one of them", a.Name.S, f.Rule.S)
				continue
			}
			if ref := c.field(d, f.Field, c.rawRule(i, nil)); ref != nil {
				out.By[i] = ref
			}
		}
		for _, i := range r.Inputs {
			if out.By[i] == nil && len(out.By) > 0 {
				c.fault(d, a.Name.At, "alias %s says nothing of rule %q, whose matches would belong to no group; add its field", a.Name.S, title(c.docs[i]))
			}
		}
		if !slices.ContainsFunc(d.Correlation.GroupBy, func(g sigma.Text) bool { return g.S == a.Name.S }) {
			c.fault(d, a.Name.At, "alias %s is not used; name it in group-by or remove it", a.Name.S)
		}
		r.Aliases = append(r.Aliases, out)
	}
}

func (c *compiler) countedField(r *Rule, d *sigma.Document) {
	k := d.Correlation
	needs := slices.Contains([]Type{TypeValueCount, TypeValueSum, TypeValueAvg, TypeValuePercentile}, r.Type)
	switch {
	case !needs && len(k.Fields) > 0:
		c.fault(d, k.Fields[0].At, "condition field belongs to value_count; remove it, or change the type to value_count")
	case needs && len(k.Fields) == 0:
		c.fault(d, k.CondAt, "%s %s the values of a field; add for example \"field: ip\" to the condition", r.Type, doesWith(r.Type))
	case len(k.Fields) > 1 && r.Type != TypeValueCount:
		c.fault(d, k.Fields[1].At, "%s %s the values of one field, and only value_count takes several; name one", r.Type, doesWith(r.Type))
	case needs:
		c.countedFields(r, d)
	}
}

// countedFields resolves the fields whose values, or combinations of values,
// count.
func (c *compiler) countedFields(r *Rule, d *sigma.Document) {
	k := d.Correlation
	for i, name := range k.Fields {
		f := c.field(d, name, c.raw(k.Rules))
		switch {
		case f == nil:
		case slices.ContainsFunc(k.Fields[:i], func(o sigma.Text) bool { return o.S == name.S }):
			c.fault(d, name.At, "condition names the field %q twice; remove one", name.S)
		case i == 0:
			r.Field = f
		default:
			r.With = append(r.With, *f)
		}
	}
}

func doesWith(t Type) string {
	switch t {
	case TypeValueSum:
		return "adds up"
	case TypeValueAvg:
		return "averages"
	case TypeValuePercentile:
		return "ranks"
	default:
		return "counts"
	}
}

// raw reports whether all inputs are rules for a source's own events, so that
// field names are looked up there.
func (c *compiler) raw(refs []sigma.Text) bool {
	some := false
	for _, ref := range refs {
		if i, ok := c.resolve(ref.S); ok {
			if !c.rawRule(i, nil) {
				return false
			}
			some = true
		}
	}
	return some
}

// rawRule reports whether everything that feeds a rule is for a source's own
// events. above are the rules on the way to it, against circles.
func (c *compiler) rawRule(i int, above []int) bool {
	d := c.docs[i]
	if d.Detection != nil || slices.Contains(above, i) {
		return !isPicket(d.Logsource)
	}
	for _, ref := range feeders(d) {
		if j, ok := c.resolve(ref.S); ok && !c.rawRule(j, append(above, i)) {
			return false
		}
	}
	return true
}

// groupBy resolves the fields, account first. A correlation may lack account,
// which makes it one across accounts; over a source's own events it must say so.
func (c *compiler) groupBy(d *sigma.Document, names []sigma.Text, raw bool) []activity.FieldRef {
	var out []activity.FieldRef
	account, before := false, len(c.faults)
	for _, name := range names {
		f := &activity.FieldRef{Name: name.S}
		if !isAlias(d, name.S) {
			f = c.field(d, name, raw && name.S != "account")
		}
		if f == nil {
			continue
		}
		if slices.ContainsFunc(out, func(g activity.FieldRef) bool { return g.Name == f.Name }) {
			c.fault(d, name.At, "group-by names %q twice; remove one", name.S)
			continue
		}
		if f.Name == "account" {
			account = true
			out = slices.Insert(out, 0, *f)
			continue
		}
		out = append(out, *f)
	}
	switch {
	case account || len(c.faults) > before:
	case raw && !across(d):
		return c.ofAccount(out)
	case d.Correlation == nil:
		c.fault(d, names[0].At, "group-by lacks account: what is learned is learned of an account, only correlations are counted across accounts; add account to group-by")
	}
	return out
}

// ofAccount adds account to the groups of rules for a source's own events,
// whose authors do not know of it.
func (c *compiler) ofAccount(fields []activity.FieldRef) []activity.FieldRef {
	f, err := activity.LookupField("account")
	if err != nil {
		return fields
	}
	return slices.Insert(fields, 0, *f)
}

func isAlias(d *sigma.Document, name string) bool {
	return d.Correlation != nil && slices.ContainsFunc(d.Correlation.Aliases, func(a sigma.Alias) bool { return a.Name.S == name })
}

// field resolves a field name, under raw where it is one of a source's own
// events and not one of Picket's.
func (c *compiler) field(d *sigma.Document, name sigma.Text, raw bool) *activity.FieldRef {
	f, err := activity.LookupField(name.S)
	if err == nil {
		return f
	}
	if raw {
		if f, err := activity.LookupField("raw." + name.S); err == nil {
			return f
		}
	}
	c.fault(d, name.At, "%v", err)
	return nil
}

func isPicket(l *sigma.Logsource) bool {
	return l != nil && strings.EqualFold(l.Product.S, "picket")
}

// kindNames returns the kinds of activity as text.
func kindNames() []string {
	var out []string
	for _, k := range activity.Kinds() {
		out = append(out, string(k))
	}
	return out
}

func kindHint(word string) string { return suggest.Hint(word, kindNames()) }
