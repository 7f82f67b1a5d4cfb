package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/rules/internal/suggest"
)

// Number is a number of a rule that may be another one without the rule meaning
// something else: a bound of a condition, floor and factor of a peak, a number of
// a model.
type Number struct {
	Name  string // "condition.gte", "floor", "budget"
	Value float64
	Span  bool // in seconds
}

// Numbers returns the numbers of a rule that Having takes, in a fixed order.
func (r *Rule) Numbers() []Number {
	var out []Number
	for _, b := range r.Condition.Bounds {
		if r.Type != TypeTemporalOrdered {
			out = append(out, Number{Name: "condition." + b.Op, Value: b.V})
		}
	}
	if r.Type == TypePeak {
		out = append(out, Number{Name: "floor", Value: float64(r.Floor)}, Number{Name: "factor", Value: r.Factor})
	}
	for _, p := range paramsOf(r.Type) {
		out = append(out, Number{Name: p.name, Value: r.Params[p.name], Span: p.kind == spanParam})
	}
	return out
}

// Number returns one of Numbers. The error says which there are.
func (r *Rule) Number(name string) (Number, error) {
	all := r.Numbers()
	i := slices.IndexFunc(all, func(n Number) bool { return n.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for k := range all {
		names[k] = all[k].Name
	}
	if len(names) == 0 {
		return Number{}, fmt.Errorf("rule %q has no number that could be another one", r.Title)
	}
	return Number{}, fmt.Errorf("rule %q has no number %q; expected %s%s", r.Title, name, strings.Join(names, ", "), suggest.Hint(name, names))
}

// Having returns a copy of the rule in which one of Numbers is v. What is tuned for
// single accounts stays as it is.
func (r *Rule) Having(name string, v float64) (*Rule, error) {
	if _, err := r.Number(name); err != nil {
		return nil, err
	}
	out := *r
	op, bound := strings.CutPrefix(name, "condition.")
	switch {
	case bound:
		return r.bounded(op, v)
	case name == "floor" && r.Type == TypePeak:
		if v != float64(int(v)) || v < 1 || v > MaxWindow {
			return nil, fmt.Errorf("floor: %g is not a whole number from 1 to %d", v, MaxWindow)
		}
		out.Floor = int(v)
	case name == "factor" && r.Type == TypePeak:
		if !(v >= 1 && v <= 100) {
			return nil, fmt.Errorf("factor: %g is not a number from 1 to 100", v)
		}
		out.Factor = v
	default:
		known := paramsOf(r.Type)
		p := &known[slices.IndexFunc(known, func(p param) bool { return p.name == name })]
		if err := p.bounds(v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Params = maps.Clone(r.Params)
		out.Params[name] = v
	}
	return &out, nil
}

// bounds reports a value that a number cannot have.
func (p *param) bounds(v float64) error {
	switch {
	case p.kind == spanParam && !(v >= p.least && v <= p.most):
		return fmt.Errorf("%s is not a span from %s to %s (%s)", seconds(v), seconds(p.least), seconds(p.most), p.words)
	case p.kind == wholeParam && v != float64(int64(v)):
		return fmt.Errorf("%g is not a whole number from %g to %g (%s)", v, p.least, p.most, p.words)
	case !(v >= p.least && v <= p.most):
		return fmt.Errorf("%g is not a number from %g to %g (%s)", v, p.least, p.most, p.words)
	}
	return nil
}

// bounded returns a copy of a correlation with another bound.
func (r *Rule) bounded(op string, v float64) (*Rule, error) {
	out := *r
	counts := r.Type == TypeEventCount || r.Type == TypeValueCount || r.Type == TypeTemporal
	if counts && (v != float64(int(v)) || v < 0 || v > maxCount) {
		return nil, fmt.Errorf("condition.%s: %g is not a whole number from 0 to %d", op, v, maxCount)
	}
	c := Condition{Bounds: slices.Clone(r.Condition.Bounds)}
	words := make([]string, len(c.Bounds))
	for i := range c.Bounds {
		if c.Bounds[i].Op == op {
			c.Bounds[i].V = v
		}
		words[i] = c.Bounds[i].Op + ": " + strconv.FormatFloat(c.Bounds[i].V, 'g', -1, 64)
		if counts {
			c.count(c.Bounds[i])
		}
	}
	c.Text = strings.Join(words, ", ")
	switch {
	case counts && c.Min < 1:
		return nil, fmt.Errorf("condition.%s: %g would hold without any event", op, v)
	case c.Max > 0 && c.Max < c.Min:
		return nil, fmt.Errorf("condition %s can never hold", c.Text)
	}
	out.Condition = c
	return &out, nil
}

// count takes a bound of a count into its range.
func (c *Condition) count(b Bound) {
	n := int(b.V)
	switch b.Op {
	case "gte":
		c.Min = n
	case "gt":
		c.Min = n + 1
	case "eq":
		c.Min, c.Max = n, n
	case "lte":
		c.Max = n
	case "lt":
		c.Max = n - 1
	}
}
