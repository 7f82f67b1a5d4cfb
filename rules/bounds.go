package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/sigma"
)

// Conditions of correlations.

// MaxWindow is how many matches a window holds at most, so that a higher count
// is never reached. Package detector/window keeps no more.
const MaxWindow = 4096

// bounds compiles the comparisons of a correlation's condition.
func (c *compiler) bounds(d *sigma.Document, t Type, k *sigma.Correlation, bounds []sigma.Bound) Condition {
	if t == TypeTemporal && len(bounds) == 0 || t == TypeTemporalOrdered {
		n := len(k.Rules)
		if len(bounds) > 0 && !all(bounds, n) {
			c.fault(d, k.CondAt, "temporal_ordered needs a match of all its %d rules, in order; write condition: {gte: %d}, or none", n, n)
		}
		return Condition{Min: n, Bounds: []Bound{{"gte", float64(n)}}, Text: "all of them"}
	}
	var out Condition
	var words []string
	for i, b := range bounds {
		if c.clash(d, bounds[:i], b) {
			continue
		}
		out.Bounds = append(out.Bounds, Bound{b.Op.S, b.Value.V})
		words = append(words, b.Op.S+": "+b.Value.Text)
	}
	out.Text = strings.Join(words, ", ")
	if t == TypeEventCount || t == TypeValueCount || t == TypeTemporal {
		c.countRange(d, bounds, &out)
	}
	return out
}

// all reports whether bounds say that n of n rules must match.
func all(bounds []sigma.Bound, n int) bool {
	return len(bounds) == 1 && (bounds[0].Op.S == "gte" || bounds[0].Op.S == "eq") && bounds[0].Value.V == float64(n)
}

// clash reports a bound that says again what one before it says.
func (c *compiler) clash(d *sigma.Document, before []sigma.Bound, b sigma.Bound) bool {
	side := func(op string) string {
		switch op {
		case "gt", "gte":
			return "lower"
		case "lt", "lte":
			return "upper"
		}
		return op
	}
	for _, o := range before {
		if side(o.Op.S) == side(b.Op.S) || o.Op.S == "eq" || b.Op.S == "eq" {
			c.fault(d, b.Op.At, "condition has a second bound %s beside %s; keep one of them", b.Op.S, o.Op.S)
			return true
		}
	}
	return false
}

// countRange takes the bounds of a count, which are whole numbers, as a range.
func (c *compiler) countRange(d *sigma.Document, bounds []sigma.Bound, out *Condition) {
	lower := slices.ContainsFunc(bounds, func(b sigma.Bound) bool { return b.Op.S == "gt" || b.Op.S == "gte" || b.Op.S == "eq" })
	for _, b := range bounds {
		n := int(max(min(b.Value.V, maxCount), 0))
		op := b.Op.S
		switch {
		case !lower:
			c.fault(d, b.Op.At, "condition %s alone would hold for every account that does nothing; add gte or gt, or use eq", op)
			return
		case b.Value.V != float64(n):
			c.fault(d, b.Value.At, "condition %s: %s is not a whole number from 0 to %d", op, b.Value.Text, maxCount)
			return
		case n == 0 && (op == "gte" || op == "eq"):
			c.fault(d, b.Value.At, "condition %s: 0 would hold without any event; write 1 or more", op)
			return
		}
		if least := n; op != "lte" && op != "lt" && op != "neq" {
			if op == "gt" {
				least++
			}
			if least > MaxWindow {
				c.fault(d, b.Value.At, "condition %s: %s is never reached, a window holds at most %d; lower it", op, b.Value.Text, MaxWindow)
				return
			}
		}
		switch op {
		case "gte":
			out.Min = n
		case "gt":
			out.Min = n + 1
		case "eq":
			out.Min, out.Max = n, n
		case "lte":
			out.Max = n
		case "lt":
			out.Max = n - 1
		}
	}
	upper := slices.ContainsFunc(bounds, func(b sigma.Bound) bool { return b.Op.S == "lt" || b.Op.S == "lte" })
	if upper && out.Max < out.Min {
		c.fault(d, bounds[0].Op.At, "condition %s can never hold; make the upper bound the larger one", out.Text)
	}
}
