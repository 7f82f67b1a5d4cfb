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
	if r.Type != TypeEventCount && r.Type != TypeValueCount {
		c.fault(d, k.Type.At, "correlation type %s is not supported by this version of Picket; use event_count or value_count", r.Type)
		return
	}
	if len(k.Aliases) > 0 {
		c.fault(d, k.Aliases[0].Name.At, "correlation aliases are not supported by this version of Picket; group by fields that all rules share")
	}
	r.Inputs = c.detections(d, k.Rules, string(r.Type)+" rules")
	r.Timespan = k.Timespan.D
	if len(k.GroupBy) == 0 {
		c.fault(d, k.At, `correlation has no group-by; add "group-by: [account]"`)
	} else {
		r.GroupBy = c.groupBy(d, k.GroupBy, c.raw(r.Inputs))
	}
	r.Condition = c.condition(d)
	c.countedField(r, d)
}

func (c *compiler) countedField(r *Rule, d *sigma.Document) {
	k := d.Correlation
	switch {
	case r.Type == TypeEventCount && len(k.Fields) > 0:
		c.fault(d, k.Fields[0].At, "condition field belongs to value_count; remove it, or change the type to value_count")
	case r.Type == TypeValueCount && len(k.Fields) == 0:
		c.fault(d, k.CondAt, "value_count counts the values of a field; add for example \"field: ip\" to the condition")
	case len(k.Fields) > 1:
		c.fault(d, k.Fields[1].At, "condition with several fields is not supported by this version of Picket; name one")
	case r.Type == TypeValueCount:
		r.Field = c.field(d, k.Fields[0], c.raw(r.Inputs))
	}
}

// condition turns the bounds of a correlation into a range.
func (c *compiler) condition(d *sigma.Document) Condition {
	k := d.Correlation
	var out Condition
	for i, b := range k.Bounds {
		at, n := b.Op.At, int(min(b.Value.V, maxCount))
		switch op := b.Op.S; {
		case op != "gt" && op != "gte" && op != "eq":
			c.fault(d, at, "condition %s is not supported by this version of Picket: it would hold for every account that does nothing; use gte, gt or eq", op)
			continue
		case i > 0:
			c.fault(d, at, "condition has a second bound %s; keep one of gte, gt and eq", op)
			continue
		case b.Value.V != float64(n) || n < 0:
			c.fault(d, b.Value.At, "condition %s: %s is not a whole number from 0 to %d", op, b.Value.Text, maxCount)
			continue
		case op == "gt":
			n++
		case n == 0:
			c.fault(d, b.Value.At, "condition %s: 0 would hold without any event; write 1 or more", op)
			continue
		}
		out = Condition{Min: n, Text: b.Op.S + ": " + b.Value.Text}
		if b.Op.S == "eq" {
			out.Max = n
		}
	}
	return out
}

// raw reports whether all inputs are rules for a source's own events, so that
// field names are looked up there.
func (c *compiler) raw(inputs []int) bool {
	return len(inputs) > 0 && !slices.ContainsFunc(inputs, func(i int) bool { return isPicket(c.docs[i].Logsource) })
}

// groupBy resolves the fields, account first.
func (c *compiler) groupBy(d *sigma.Document, names []sigma.Text, raw bool) []activity.FieldRef {
	var out []activity.FieldRef
	account, before := false, len(c.faults)
	for _, name := range names {
		f := c.field(d, name, raw && name.S != "account")
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
	if !account && len(c.faults) == before {
		c.fault(d, names[0].At, "group-by lacks account: rules across accounts are not supported by this version of Picket; add account to group-by")
	}
	return out
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
