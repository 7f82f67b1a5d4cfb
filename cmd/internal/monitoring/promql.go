package monitoring

import (
	"fmt"
	"strings"
)

// series selects the chosen job's series of a metric, and those that matchers
// such as sight="ok" select among them.
func series(metric string, matchers ...string) string {
	return metric + "{" + strings.Join(append([]string{`job=~"$job"`}, matchers...), ",") + "}"
}

// rate is how often something is counted a second, by labels; 0 for what is
// counted seldom, rather than nothing.
func rate(by, metric string, matchers ...string) string {
	s := series(metric, matchers...)
	return fmt.Sprintf("%s (rate(%s[$__rate_interval])) or 0 * %[1]s (%[2]s)", sum(by), s)
}

// within is how often something was counted in a span, by labels.
func within(span, by, metric string, matchers ...string) string {
	s := series(metric, matchers...)
	return fmt.Sprintf("%s (increase(%s[%s])) or 0 * %[1]s (%[2]s)", sum(by), s, span)
}

// quantile is what so many of the observations of an hour stay below, by labels;
// 0 where there were none.
func quantile(q float64, by, metric string, matchers ...string) string {
	group := strings.TrimPrefix(by+", le", ", ")
	return fmt.Sprintf("histogram_quantile(%g, sum by (%s) (rate(%s[1h]))) >= 0 or 0 * sum by (%s) (%s)",
		q, group, series(metric+"_bucket", matchers...), by, series(metric+"_count", matchers...))
}

// sum adds up by labels, or all.
func sum(by string) string {
	if by == "" {
		return "sum"
	}
	return "sum by (" + by + ")"
}

// orZero is 0 while a daemon answers and has no such series: nothing of the kind
// has happened, or there is nothing that it could happen to.
func orZero(expr string) string {
	return expr + " or on() 0 * max(" + series("picket_build_info") + ")"
}

// shared is about what every daemon on a store knows alike, so that several do
// not count twice.
func shared(by, metric string, matchers ...string) string {
	return fmt.Sprintf("max by (%s) (sum by (%[1]s, instance) (%s))", by, series(metric, matchers...))
}

// sharedWithin is how often something was counted in a span that every daemon on
// a store counts.
func sharedWithin(span, by, metric string, matchers ...string) string {
	s := series(metric, matchers...)
	return fmt.Sprintf("max by (%s) (sum by (%[1]s, instance) (increase(%s[%s]))) or 0 * sum by (%[1]s) (%[2]s)", by, s, span)
}
