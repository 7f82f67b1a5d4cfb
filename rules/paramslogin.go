package rules

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// Numbers of the models that judge logins, and how rules join an alert.

const day = 24 * 3600 // seconds

// loginParams are the numbers of the models of logins and seldom values. What
// each does to false alarms and to what is found is measured in
// cmd/internal/logintrial.
func loginParams(t Type) []param {
	switch t {
	case TypeTravel:
		return []param{
			{"distance", realParam, 100, 0, 20000, "km below which nothing is a journey"},
			{"speed", realParam, 900, 50, 100000, "km/h above which nobody travels"},
			{"radius", realParam, 50, 0, 1000, "km that a place may be off where the source does not say"},
			{"gateway", realParam, 400, 0, 5000, "km that a network which the account has used elsewhere in the country may be off"},
		}
	case TypeLoginRisk:
		return []param{
			{"odds", realParam, 0.5, 1e-3, 1e12, "how many times likelier somebody else's a login must be"},
			{"half-life", spanParam, 60 * day, day, 3650 * day, "after which what was seen counts half"},
		}
	case TypeRareValue:
		return []param{
			{"share", realParam, 0.02, 0.001, 0.5, "share of the account's uses below which a value is seldom"},
			{"half-life", spanParam, 60 * day, day, 3650 * day, "after which what was seen counts half"},
		}
	default:
		return nil
	}
}

// loginModel compiles what the models of logins and seldom values take besides
// their numbers.
func (c *compiler) loginModel(r *Rule, d *sigma.Document) {
	b := d.Baseline
	c.accountOnly(r, d, "what is usual is learned for each account")
	switch r.Type {
	case TypeTravel:
		r.Without = c.detections(d, b.Without, "without")
		for _, i := range r.Without {
			if slices.Contains(r.Inputs, i) {
				c.fault(d, b.Without[0].At, "without names a rule that is among rules, so no login would have a place; remove it from one of the two")
			}
		}
		return
	case TypeRareValue:
		if b.Field.S == "" {
			c.fault(d, b.At, `rare_value needs the field whose values are counted; add for example "field: lang"`)
		} else {
			r.Field = c.field(d, b.Field, c.raw(b.Rules))
		}
	default:
	}
	r.Learn = c.learn(d)
}

// joins resolves the rules whose open episode takes up a rule's matches.
func (c *compiler) joins(r *Rule, d *sigma.Document) {
	refs := d.Picket.Joins
	r.Joins = c.references(d, refs, "joins", func(ref sigma.Text, i int) bool {
		other := c.docs[i]
		grouped := other.Baseline != nil && (len(other.Baseline.GroupBy) == 0 || len(other.Baseline.GroupBy) == 1 && other.Baseline.GroupBy[0].S == "account")
		switch {
		case i == r.Index:
			c.fault(d, ref.At, "joins: the rule would join itself; name the rule whose alert its matches belong to")
		case !grouped:
			c.fault(d, ref.At, "joins: %q is no baseline with group-by: [account], so which of its alerts is meant could not be told; name one that is", ref.S)
		case c.program.rules[i].Level.Rank() < r.Level.Rank():
			c.fault(d, ref.At, "joins: %q is of level %s and this rule of level %s, so its matches would wake fewer people than they should; name an alert that is at least as urgent, or change one of the levels", ref.S, c.program.rules[i].Level, r.Level)
		default:
			return true
		}
		return false
	})
}

// loginNeeds is needs for the models of logins and seldom values.
func loginNeeds(r *Rule, a *activity.Activity) []string {
	number := func(name string) string { return strconv.FormatFloat(r.Params[name], 'f', -1, 64) }
	switch r.Type {
	case TypeTravel:
		return []string{
			fmt.Sprintf("a login with coordinates and an earlier or later one of the same account: more than %s km apart, what both may be off taken away, and faster than %s km/h", number("distance"), number("speed")),
			"a network that the account has not used there before",
		}
	case TypeLoginRisk:
		return []string{
			fmt.Sprintf("address, network, country, user agent and hour that are together %s times likelier of somebody else", number("odds")),
			learned(r),
		}
	default:
		return []string{
			fmt.Sprintf("a value of %s that is less than %s %% of what the account used; %s", r.Field.Name, strconv.FormatFloat(100*r.Params["share"], 'f', -1, 64), here(r, a)),
			learned(r),
		}
	}
}
