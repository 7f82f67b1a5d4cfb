package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// TestBudgetUsed: counted are the last month's alerts of rules that learn and
// tell people, by account.
func TestBudgetUsed(t *testing.T) {
	now := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	learns := &rules.Rule{ID: "learns", Type: rules.TypeProfile, Mode: rules.Enforce, Level: rules.Medium}
	calm := &rules.Rule{ID: "calm", Type: rules.TypePeak, Mode: rules.Enforce, Level: rules.Low}
	all := []*rules.Rule{
		learns, calm,
		{ID: "critical", Type: rules.TypePeak, Mode: rules.Enforce, Level: rules.Critical},
		{ID: "observes", Type: rules.TypePeak, Mode: rules.Observe, Level: rules.Low},
		{ID: "policy", Mode: rules.Enforce, Level: rules.High},
	}
	told := func(rule string, ago time.Duration) alerting.Head {
		return alerting.Head{Brief: alerting.Brief{Rule: rule, Mode: rules.Enforce, Opened: now.Add(-ago)}}
	}
	heads := []alerting.Head{
		told("learns", 0), told("learns", 29*24*time.Hour), told("learns", 31*24*time.Hour),
		told("critical", 0), told("policy", 0), told("gone", 0),
	}
	for _, row := range []struct {
		name     string
		accounts int
		want     map[*rules.Rule]float64
	}{
		{"four accounts", 4, map[*rules.Rule]float64{learns: .5, calm: 0}},
		{"none is watched yet", 0, map[*rules.Rule]float64{learns: 2, calm: 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, budgetUsed(all, heads, row.accounts, now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
