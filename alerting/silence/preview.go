package silence

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/rules"
)

// PreviewSpan is how far back people look at what a silence would have matched.
const PreviewSpan = 7 * 24 * time.Hour

// Preview says which of some alerts matchers match: those that are open, and
// those that had a finding since a moment, open ones among them, both in their
// order. Alerts of rules that only observe are left out: nobody is told of them
// anyway.
func Preview(m match.Matchers, alerts []alerting.Alert, since time.Time) (open, recent []alerting.Alert) {
	for i := range alerts {
		a := &alerts[i]
		if a.Rule.Mode == rules.Observe || !m.Matches(match.Labels(a)) {
			continue
		}
		if a.State != alerting.Resolved {
			open = append(open, *a)
		}
		if !a.LogTime.Before(since) {
			recent = append(recent, *a)
		}
	}
	return slices.Clip(open), slices.Clip(recent)
}
