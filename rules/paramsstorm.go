package rules

import (
	"strings"
	"time"

	"github.com/picketd/picket/rules/sigma"
)

// The numbers of the types storm and drift, and how their documents compile.

const (
	dayInSeconds = 24 * 60 * 60
	// minSeries and maxSeries bound the intervals that a storm counts in.
	minSeries, maxSeries = time.Minute, time.Hour
)

// stormParams are the numbers of a storm.
func stormParams() []param {
	return []param{
		{name: "least", kind: wholeParam, otherwise: 10, least: 1, most: 100_000, words: "fewer matches in a timespan are no storm"},
		{name: "threshold", kind: realParam, otherwise: 0.5, least: 0.05, most: 0.95, words: "the score from which it is one"},
		{name: "warm-up", kind: spanParam, otherwise: 3 * dayInSeconds, least: dayInSeconds, most: 90 * dayInSeconds, words: "how long an account is learned before it is judged"},
	}
}

// driftParams are the numbers of a drift.
func driftParams() []param {
	return []param{
		{name: "share", kind: realParam, otherwise: 0.05, least: 0.001, most: 100, words: "a change by a smaller share of the count is never sudden"},
		{name: "least", kind: wholeParam, otherwise: 100, least: 1, most: 999_999, words: "a change by fewer is never sudden"},
		{name: "times", kind: realParam, otherwise: 8, least: 1, most: 1000, words: "how many times its usual daily variation a change must be"},
		{name: "days", kind: wholeParam, otherwise: 7, least: 1, most: 365, words: "days of which the changes must be known"},
		{name: "direction", kind: wholeParam, otherwise: 0, least: -1, most: 1, words: "-1 reports falls only, 1 rises only, 0 both"},
	}
}

// storm compiles the interval that matches are counted in.
func (c *compiler) storm(r *Rule, d *sigma.Document) {
	b := d.Baseline
	c.accountOnly(r, d, "a series is learned for each account, since the public chooses all other values and a series of each would fill the memory")
	switch r.Timespan = b.Timespan.D; {
	case r.Timespan == 0:
		c.fault(d, b.At, "storm needs the span that it counts in; add for example timespan: 5m")
	case r.Timespan < minSeries || r.Timespan > maxSeries:
		c.fault(d, b.Timespan.At, "timespan: %s is not a span from 1m to 1h; with longer ones a storm would be over before it is told", b.Timespan.Text)
	}
}

// drift compiles the field whose value is followed.
func (c *compiler) drift(r *Rule, d *sigma.Document) {
	b := d.Baseline
	c.accountOnly(r, d, "a count is followed for each account")
	if b.Field.S == "" {
		c.fault(d, b.At, `drift needs the count that it follows; add for example "field: metrics.followers"`)
		return
	}
	if r.Field = c.field(d, b.Field, c.raw(b.Rules)); r.Field != nil && !strings.HasPrefix(r.Field.Name, "metrics.") {
		c.fault(d, b.Field.At, "drift follows a count, and %s is none; name one of metrics, for example metrics.followers", b.Field.S)
	}
}
