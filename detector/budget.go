package detector

import (
	"fmt"

	"github.com/picketd/picket/rules"
)

// The alert budget: how many alerts a month an account's people bear from rules
// that judge by what they have learned. It moves the thresholds of these rules
// and nothing else: what a policy forbids, and what is critical, is always told.

// budgetNumber is the number of a model that holds its part of the budget, in
// alerts per account and month.
const budgetNumber = "budget"

// Learns reports whether a rule judges an account by what it has learned of it.
func Learns(r *rules.Rule) bool {
	switch r.Type {
	case rules.TypeNewValue, rules.TypePeak, rules.TypeRareValue, rules.TypeLoginRisk, rules.TypeTravel,
		rules.TypeRate, rules.TypeProfile, rules.TypeDrift, rules.TypeStorm:
		return true
	default:
		return false
	}
}

// Budgeted reports whether the alerts of a rule count against the budget: it
// learns, tells people, and is not critical.
func Budgeted(r *rules.Rule) bool {
	return Learns(r) && r.Mode == rules.Enforce && r.Level != rules.Critical && !r.Silent
}

// Share returns the part of the budget that a rule keeps to, in alerts per
// account and month; false where its thresholds are not moved by one.
func Share(r *rules.Rule) (float64, bool) {
	v, ok := r.Params[budgetNumber]
	return v, ok && Budgeted(r)
}

// share gives each rule whose thresholds a budget moves an equal part of it. A
// budget of 0 leaves the rules as they are written.
func share(all []*rules.Rule, budget float64) ([]*rules.Rule, error) {
	if budget == 0 {
		return all, nil
	}
	n := 0
	for _, r := range all {
		if _, ok := Share(r); ok {
			n++
		}
	}
	out := make([]*rules.Rule, len(all))
	for i, r := range all {
		out[i] = r
		if _, ok := Share(r); !ok {
			continue
		}
		var err error
		if out[i], err = r.Having(budgetNumber, budget/float64(n)); err != nil {
			return nil, fmt.Errorf("rule %q: a budget of %g alerts per account and month, shared by %d rules: %w", r.Title, budget, n, err)
		}
	}
	return out, nil
}

// budget gives the rules of a plan their parts.
func (p *Plan) budget(of float64) error {
	shared, err := share(p.Rules(), of)
	if err != nil {
		return err
	}
	for i, r := range shared {
		p.rules[i].put(r)
	}
	return nil
}
