package rules

import (
	"fmt"
	"strings"
)

// rateParams are the numbers of the type rate.
func rateParams() []param {
	return []param{
		{name: "every", kind: spanParam, otherwise: 1825 * dayInSeconds, least: 7 * dayInSeconds, most: 3650 * dayInSeconds, words: "what the account reaches more often than once in this is usual"},
		{name: "least", kind: wholeParam, otherwise: 12, least: 1, most: 100_000, words: "fewer in a window are never too many"},
		{name: "gap", kind: spanParam, otherwise: dayInSeconds, least: 60 * 60, most: 365 * dayInSeconds, words: "a shorter silence is never too long"},
		{name: "warm-up", kind: spanParam, otherwise: 30 * dayInSeconds, least: dayInSeconds, most: 365 * dayInSeconds, words: "how long an account is learned before it is judged"},
		{name: "direction", kind: wholeParam, otherwise: 0, least: -1, most: 1, words: "-1 reports silences only, 1 too many only, 0 both"},
	}
}

// rateNeeds is needs for the type rate.
func rateNeeds(r *Rule, per string) []string {
	var ways []string
	every := span(r.Params.Span("every"))
	if r.Params["direction"] >= 0 {
		ways = append(ways, fmt.Sprintf("at least %d matches for the same %s in 10 minutes, an hour or a day: a pace that it reaches at such hours less often than once in %s", r.Params.Count("least"), per, every))
	}
	if r.Params["direction"] <= 0 {
		ways = append(ways, fmt.Sprintf("no match for the same %s in %s or more: a silence that, with its nights and weekends taken out, is longer than any that it has once in %s", per, span(r.Params.Span("gap")), every))
	}
	return []string{strings.Join(ways, "; or "), "a rhythm that was learned for " + span(r.Params.Span("warm-up"))}
}
