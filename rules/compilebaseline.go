package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/rules/sigma"
)

// Compiling baselines, each type of which takes keys of its own.

// baselineKeys are the keys that each type takes besides type, rules and
// group-by.
func baselineKeys(t Type) []string {
	switch t {
	case TypeNewValue:
		return []string{"field", "learn", "forget"}
	case TypeApproval:
		return []string{"verdict", "grace"}
	case TypeSequence:
		return []string{"then", "within"}
	case TypeWithout:
		return []string{"without", "within"}
	case TypeTravel:
		return []string{"without"}
	case TypeLoginRisk:
		return []string{"learn"}
	case TypeRareValue:
		return []string{"field", "learn"}
	case TypePeak:
		return []string{"timespan", "floor", "factor", "learn", "forget"}
	case TypeProfile:
		return []string{"learn"}
	case TypeStorm:
		return []string{"timespan"}
	case TypeDrift:
		return []string{"field"}
	default: // rate has numbers only
	}
	return nil
}

func (c *compiler) baseline(r *Rule, d *sigma.Document) {
	b := d.Baseline
	c.foreign(r, d)
	c.params(r, d)
	if r.Type == TypeSequence {
		r.Inputs = c.steps(d, b.Rules, "sequence rules")
	} else {
		r.Inputs = c.detections(d, b.Rules, string(r.Type)+" rules")
	}
	groups := b.GroupBy
	if len(groups) == 0 {
		groups = []sigma.Text{{At: b.At, S: "account"}}
	}
	r.GroupBy = c.groupBy(d, groups, c.raw(b.Rules))
	switch r.Type {
	case TypeNewValue:
		c.newValue(r, d)
	case TypeApproval:
		c.approval(r, d)
	case TypeSequence:
		c.sequence(r, d)
	case TypeWithout:
		c.without(r, d)
	case TypePeak:
		c.peak(r, d)
	case TypeProfile:
		c.profile(r, d)
	case TypeTravel, TypeLoginRisk, TypeRareValue:
		c.loginModel(r, d)
	case TypeStorm:
		c.storm(r, d)
	case TypeDrift:
		c.drift(r, d)
	case TypeRate:
		c.accountOnly(r, d, "a rhythm is of an account")
	default:
	}
}

// foreign reports keys that another type of baseline takes.
func (c *compiler) foreign(r *Rule, d *sigma.Document) {
	b := d.Baseline
	first := func(ts []sigma.Text) sigma.Pos {
		if len(ts) == 0 {
			return sigma.Pos{}
		}
		return ts[0].At
	}
	learn := sigma.Pos{}
	if b.Learn != nil {
		learn = b.Learn.At
	}
	given := map[string]sigma.Pos{
		"field": b.Field.At, "learn": learn, "forget": b.Forget.At, "verdict": b.Verdict.At, "grace": b.Grace.At,
		"then": first(b.Then), "without": first(b.Without), "within": b.Within.At,
		"timespan": b.Timespan.At, "floor": b.Floor.At, "factor": b.Factor.At,
	}
	own := baselineKeys(r.Type)
	for key, at := range given {
		if at != (sigma.Pos{}) && !slices.Contains(own, key) {
			c.fault(d, at, "%s does not belong to a baseline of type %s; remove it", key, r.Type)
		}
	}
}

func (c *compiler) newValue(r *Rule, d *sigma.Document) {
	b := d.Baseline
	if b.Field.S == "" {
		c.fault(d, b.At, `new_value needs the field whose values are learned; add for example "field: geo.country"`)
	} else {
		r.Field = c.field(d, b.Field, c.raw(b.Rules))
	}
	c.memory(r, d)
}

// memory compiles how long a model learns and when it forgets.
func (c *compiler) memory(r *Rule, d *sigma.Document) {
	b := d.Baseline
	r.Forget = cmp.Or(b.Forget.D, defaultForget)
	r.Learn = c.learn(d)
	if r.Forget < r.Learn.Period {
		at, period := b.At, "14d"
		if b.Forget.D > 0 {
			at = b.Forget.At
		}
		if b.Learn != nil {
			period = b.Learn.Period.Text
		}
		c.fault(d, at, "values are forgotten after less time than is learned, so learning would never end; make forget at least %s", period)
	}
}

func (c *compiler) learn(d *sigma.Document) Learn {
	l := d.Baseline.Learn
	if l == nil {
		return Learn{Period: defaultLearnPeriod, Events: defaultLearnEvents, AtMost: patience * defaultLearnPeriod}
	}
	n := c.whole(d, l.Events, "learn events", 0, maxEvents)
	out := Learn{Period: l.Period.D, Events: n, Either: l.Need.S == "either", AtMost: cmp.Or(l.AtMost.D, patience*l.Period.D)}
	if out.AtMost < out.Period {
		c.fault(d, l.AtMost.At, "learn at-most: %s is less than the period %s; make it at least that", l.AtMost.Text, l.Period.Text)
	}
	return out
}

// whole takes a whole number within bounds.
func (c *compiler) whole(d *sigma.Document, n sigma.Number, what string, least, most int) int {
	v := int(max(min(n.V, float64(most)), float64(least)))
	if n.V != float64(v) {
		c.fault(d, n.At, "%s: %s is not a whole number from %d to %d", what, n.Text, least, most)
	}
	return v
}

func (c *compiler) approval(r *Rule, d *sigma.Document) {
	b := d.Baseline
	if r.Verdict = b.Verdict.S; r.Verdict == "" {
		c.fault(d, b.At, "approval needs the verdict that it reports; add verdict: and one of %s", strings.Join(sigma.Verdicts(), ", "))
	}
	c.accountOnly(r, d, "approval is judged for each message of an account")
	r.Grace = cmp.Or(b.Grace.D, defaultGrace)
}

func (c *compiler) accountOnly(r *Rule, d *sigma.Document, why string) {
	if len(r.GroupBy) > 1 {
		c.fault(d, d.Baseline.GroupBy[0].At, "%s; write group-by: [account] or leave it out", why)
	}
}

func (c *compiler) sequence(r *Rule, d *sigma.Document) {
	b := d.Baseline
	r.Then = c.steps(d, b.Then, "sequence then")
	r.Within = c.within(d)
	if len(b.Then) == 0 {
		c.fault(d, b.At, "sequence needs its second steps; add then: with the rules of which one must follow")
	}
	c.accountOnly(r, d, "a sequence is followed for each account and the identities that guard it")
}

func (c *compiler) without(r *Rule, d *sigma.Document) {
	b := d.Baseline
	r.Without = c.detections(d, b.Without, "without")
	r.Within = c.within(d)
	if len(b.Without) == 0 {
		c.fault(d, b.At, "without needs the rules that excuse a match; add without: with their names")
	}
	for _, i := range r.Without {
		if slices.Contains(r.Inputs, i) {
			c.fault(d, b.Without[0].At, "without names a rule that is among rules, so nothing would ever fire; remove it from one of the two")
		}
	}
}

// maxWithin bounds how long single matches are remembered.
const maxWithin = 7 * 24 * time.Hour

func (c *compiler) within(d *sigma.Document) time.Duration {
	b := d.Baseline
	switch {
	case b.Within.D == 0:
		c.fault(d, b.At, "%s needs a span; add for example within: 60m", d.Baseline.Type.S)
	case b.Within.D > maxWithin:
		c.fault(d, b.Within.At, "within: %s is more than 7d; make it shorter", b.Within.Text)
	}
	return b.Within.D
}

func (c *compiler) profile(r *Rule, d *sigma.Document) {
	c.accountOnly(r, d, "a profile is of an account")
	r.Learn = Learn{Period: profilePeriod, Events: profileEvents, AtMost: patience * profilePeriod}
	if d.Baseline.Learn != nil {
		r.Learn = c.learn(d)
	}
}

func (c *compiler) peak(r *Rule, d *sigma.Document) {
	b := d.Baseline
	if r.Timespan = b.Timespan.D; r.Timespan == 0 {
		c.fault(d, b.At, "peak needs the span that it counts in; add for example timespan: 10m")
	}
	if b.Floor.Text == "" {
		c.fault(d, b.At, "peak needs the count below which nothing is a burst; add for example floor: 12")
	} else {
		r.Floor = c.whole(d, b.Floor, "floor", 1, MaxWindow)
	}
	if r.Factor = defaultFactor; b.Factor.Text != "" {
		r.Factor = b.Factor.V
	}
	if !(r.Factor >= 1 && r.Factor <= 100) {
		c.fault(d, b.Factor.At, "factor: %s is not a number from 1 to 100", b.Factor.Text)
	}
	c.memory(r, d)
}
