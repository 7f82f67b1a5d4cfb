package rules

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/sigma"
)

// placeholders takes what placeholder documents say.
func (c *compiler) takePlaceholders() {
	slices.SortStableFunc(c.values, func(a, b *sigma.Document) int { // those in force first
		switch sa, sb := c.shadows.has(a), c.shadows.has(b); {
		case sa == sb:
			return 0
		case sa:
			return 1
		}
		return -1
	})
	for _, d := range c.values {
		for _, h := range d.Placeholders {
			first, taken := c.placeholders[h.Name.S]
			if taken && c.shadows.has(d) {
				continue
			}
			if taken {
				c.fault(d, h.Name.At, "placeholder %q already has values (first: %s); write all of them in one place", h.Name.S, first[0])
				continue
			}
			if len(h.Values) > 0 {
				c.placeholders[h.Name.S] = h.Values
			}
		}
	}
}

// expanded compiles a value with placeholders. One that has no values makes
// the rule dormant: it is checked and matches nothing.
func (b *detectionBuilder) expanded(t sigma.Test, mods modifiers, v sigma.Value) []predicate {
	parts := sigma.Placeholders(v.Text)
	if len(parts) == 1 && !slices.ContainsFunc(t.Values, func(v sigma.Value) bool { return len(sigma.Placeholders(v.Text)) > 1 }) {
		b.fault(v.At, `expand: %s has no placeholder; write one such as %%admins%%, or remove the modifier`, v)
		return nil
	}
	values := []sigma.Value{{At: v.At, Kind: sigma.String}}
	for i, part := range parts {
		with := []sigma.Value{{Kind: sigma.String, Text: strings.ReplaceAll(part, `\%`, "%")}}
		if i%2 == 1 {
			var known bool
			if with, known = b.placeholders[part]; !known {
				b.lacks(part)
				return nil
			}
		}
		values = product(values, with)
		if len(values) > maxVariants {
			b.fault(v.At, "expand gives more than %d texts to look for in %s; use fewer placeholders", maxVariants, v)
			return nil
		}
	}
	mods.expand = false
	var out []predicate
	for _, v := range values {
		out = append(out, b.value(t, mods, v)...)
	}
	return out
}

// product appends each text to each value. What is empty leaves the other as
// it is, so that a placeholder alone may stand for a number.
func product(values, with []sigma.Value) []sigma.Value {
	if len(with) == 1 && with[0].Text == "" {
		return values
	}
	var out []sigma.Value
	for _, v := range values {
		for _, w := range with {
			made := sigma.Value{At: v.At, Kind: sigma.String, Text: v.Text + w.Text}
			if v.Text == "" {
				made.Kind = w.Kind
			}
			out = append(out, made)
		}
	}
	return out
}

// lacks notes a placeholder without values.
func (b *detectionBuilder) lacks(name string) {
	if !slices.Contains(b.missing, name) {
		b.missing = append(b.missing, name)
		slices.SortFunc(b.missing, strings.Compare)
	}
}
