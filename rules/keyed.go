package rules

import (
	"slices"

	"github.com/picketd/picket/rules/sigma"
)

// Correlations across accounts: what may be said of them and what they may feed.

// across reports whether a document asks to be counted across accounts.
func across(d *sigma.Document) bool {
	return d.Picket != nil && d.Picket.Across != nil && d.Picket.Across.On
}

// keyed checks that whoever takes the matches of a rule across accounts is one
// itself, and that only rules which can be ask for it.
func (c *compiler) keyed() {
	for i, d := range c.docs {
		r := c.program.rules[i]
		if !d.Faulty && across(d) && !r.Keyed {
			c.notAcross(d)
		}
		c.joinsAcross(d, r)
		if r.Keyed {
			continue
		}
		for _, ref := range feeders(d) {
			j, known := c.resolve(ref.S)
			if !known || !c.program.rules[j].Keyed || !slices.Contains(r.refers(), j) {
				continue
			}
			if d.Correlation == nil {
				c.fault(d, ref.At, "%s: rule %q is counted across accounts, and this one follows single accounts; name rules of an account", r.Type, ref.S)
				continue
			}
			c.fault(d, ref.At, `%s rules: rule %q is counted across accounts, so what it feeds is, too; %s`, r.Type, ref.S, acrossHint(d))
		}
	}
}

// acrossHint says how a correlation becomes one across accounts.
func acrossHint(d *sigma.Document) string {
	if slices.ContainsFunc(d.Correlation.GroupBy, func(g sigma.Text) bool { return g.S == "account" }) {
		return "remove account from group-by"
	}
	return `write "picket: {across-accounts: true}"`
}

// notAcross tells why a document cannot be counted across accounts.
func (c *compiler) notAcross(d *sigma.Document) {
	at := d.Picket.Across.At
	if d.Correlation == nil {
		c.fault(d, at, "across-accounts belongs to correlations; remove it")
		return
	}
	c.fault(d, at, "across-accounts does not go with account in group-by, which keeps accounts apart; remove one of the two")
}

// joinsAcross refuses joins of a rule across accounts: an alert that it could
// become a reason of is of one account.
func (c *compiler) joinsAcross(d *sigma.Document, r *Rule) {
	if r.Keyed && len(r.Joins) > 0 {
		c.fault(d, d.Picket.Joins[0].At, "joins: a rule across accounts is of no account, so it joins no alert of one; remove it")
	}
}
