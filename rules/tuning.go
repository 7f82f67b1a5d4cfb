package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/rules/internal/suggest"
	"github.com/picketd/picket/rules/sigma"
)

// Tuning sets thresholds of one rule for some accounts, for a time.
type Tuning struct {
	Title    string // of the tune document
	Accounts []string
	From     time.Time // it does not hold before, log time; zero where it has no beginning
	Until    time.Time // from here on it no longer holds, log time; see Ends
	Owner    string    // who answers for it
	Reason   string
	Set      string // as written: "condition.gte: 40"

	rule *Rule // with the thresholds
}

// Rule returns the rule with the thresholds.
func (t *Tuning) Rule() *Rule { return t.rule }

// Planned reports whether the tuning is for a time that was planned: it has a
// beginning. What is only planned is not what the account usually does.
func (t *Tuning) Planned() bool { return !t.From.IsZero() }

// Ends returns when thresholds are the rule's own again: at Until, or where it
// was planned, once no window holds what was seen before.
func (t *Tuning) Ends() time.Time {
	if t.Planned() {
		return t.Until.Add(t.rule.Timespan)
	}
	return t.Until
}

// Tuned returns the tuning that holds for an account at a time of the log, nil
// for none.
func (r *Rule) Tuned(account string, at time.Time) *Tuning {
	for i := range r.Tunings {
		t := &r.Tunings[i]
		if !at.Before(t.From) && at.Before(t.Ends()) && slices.Contains(t.Accounts, account) {
			return t
		}
	}
	return nil
}

// For returns the rule with the thresholds that hold for an account at a time
// of the log: r itself where nothing is tuned. The result is shared; a copy of
// r with another mode or level stays as it is in all but thresholds.
func (r *Rule) For(account string, at time.Time) *Rule {
	t := r.Tuned(account, at)
	switch {
	case t == nil:
		return r
	case t.rule.Mode == r.Mode && t.rule.Level == r.Level:
		return t.rule
	}
	tuned := *r
	tuned.Condition, tuned.Floor, tuned.Factor = t.rule.Condition, t.rule.Floor, t.rule.Factor
	return &tuned
}

// tune applies the tune documents to their rules.
func (c *compiler) tune() {
	for _, d := range c.tunes {
		t := d.Tune
		if d.Faulty {
			continue
		}
		i, known := c.resolve(t.Rule.S)
		if !known {
			c.fault(d, t.Rule.At, "tune rule: no rule has the name or id %q; add it or remove this document%s", t.Rule.S, suggest.Hint(t.Rule.S, c.names()))
			continue
		}
		if c.docs[i].Faulty || c.foreignTo(d, t.Rule.At, i) {
			continue
		}
		for _, j := range c.twins(i) {
			if j == i || c.program.rules[j].Type == c.program.rules[i].Type && !c.tunesItself(j) {
				c.tuneRule(d, c.program.rules[j])
			}
		}
	}
	for _, r := range c.program.rules {
		for i := range r.Tunings {
			r.Tunings[i].rule.Silent = r.Silent
		}
	}
}

// tunesItself reports whether a shadowed rule has tune documents of its own.
func (c *compiler) tunesItself(i int) bool {
	return slices.ContainsFunc(c.tunes, func(d *sigma.Document) bool {
		j, ok := c.resolve(d.Tune.Rule.S)
		return ok && j == i
	})
}

// tuneRule applies one tune document to a rule.
func (c *compiler) tuneRule(d *sigma.Document, r *Rule) {
	t := d.Tune
	if r.Keyed {
		c.fault(d, t.Rule.At, "tune rule: %q is counted across accounts, so no account has a threshold of its own; change the rule, or except accounts with a filter for what feeds it", t.Rule.S)
		return
	}
	tuning := Tuning{
		Title: d.Title.S, Accounts: plain(t.Accounts), From: sigma.Moment(t.From.S), Until: sigma.Moment(t.Until.S),
		Owner: t.Owner.S, Reason: t.Reason.S, rule: c.tuned(d, r),
	}
	var set []string
	for _, s := range t.Set {
		set = append(set, s.Name.S+": "+s.Value.Text)
	}
	tuning.Set = strings.Join(set, ", ")
	c.overlap(d, r, tuning)
	r.Tunings = append(r.Tunings, tuning)
}

// overlap reports accounts for which a rule is tuned twice at one time.
func (c *compiler) overlap(d *sigma.Document, r *Rule, t Tuning) {
	for _, other := range r.Tunings {
		if !t.From.Before(other.Ends()) || !other.From.Before(t.Ends()) {
			continue
		}
		for i, account := range t.Accounts {
			if slices.Contains(other.Accounts, account) {
				c.fault(d, d.Tune.Accounts[i].At, "tune: %s is already tuned for rule %q by %q; keep one", account, title(c.docs[r.Index]), other.Title)
			}
		}
	}
}

// tuned returns a copy of a rule with the numbers that a document sets.
func (c *compiler) tuned(d *sigma.Document, r *Rule) *Rule {
	out := *r
	known := numbers(c.docs[r.Index])
	for _, s := range d.Tune.Set {
		if !slices.Contains(known, s.Name.S) {
			hint := "it has none that can be tuned"
			if len(known) > 0 {
				hint = "expected " + strings.Join(known, ", ")
			}
			c.fault(d, s.Name.At, "tune set: rule %q has no number %q; %s", title(c.docs[r.Index]), s.Name.S, hint)
			continue
		}
		switch s.Name.S {
		case "floor":
			out.Floor = c.whole(d, s.Value, "tune set floor", 1, MaxWindow)
		case "factor":
			if out.Factor = s.Value.V; !(out.Factor >= 1 && out.Factor <= 100) {
				c.fault(d, s.Value.At, "tune set factor: %s is not a number from 1 to 100", s.Value.Text)
			}
		}
	}
	if k := c.docs[r.Index].Correlation; k != nil {
		out.Condition = c.bounds(d, r.Type, k, replaced(k.Bounds, d.Tune.Set))
	}
	return &out
}

// numbers returns the names of the numbers of a rule that can be tuned.
func numbers(d *sigma.Document) []string {
	var out []string
	switch {
	case d.Correlation != nil:
		for _, b := range d.Correlation.Bounds {
			out = append(out, "condition."+b.Op.S)
		}
	case d.Baseline != nil && Type(d.Baseline.Type.S) == TypePeak:
		out = []string{"floor", "factor"}
	}
	return out
}

// replaced returns bounds with the values that a document sets.
func replaced(bounds []sigma.Bound, set []sigma.Setting) []sigma.Bound {
	out := slices.Clone(bounds)
	for i := range out {
		for _, s := range set {
			if s.Name.S == "condition."+out[i].Op.S {
				out[i].Op.At, out[i].Value = cmp.Or(s.Name.At, out[i].Op.At), s.Value
			}
		}
	}
	return out
}
