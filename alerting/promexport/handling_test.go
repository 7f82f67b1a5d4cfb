package promexport

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

func TestHandled(t *testing.T) {
	m, reg := newTest(t)
	for _, h := range []alerting.Handling{
		{Step: alerting.StepAcknowledged, Level: rules.High, After: 5 * time.Minute},
		{Step: alerting.StepResolved, Level: rules.High, After: time.Hour},
		{Step: alerting.StepEnded, Level: "urgent", After: 30 * time.Minute},
	} {
		m.Handled(h)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, s := range f.GetMetric() {
			if n := s.GetHistogram().GetSampleCount(); n > 0 && strings.HasPrefix(f.GetName(), "picket_alert_") {
				key := f.GetName()
				for _, l := range s.GetLabel() {
					key += " " + l.GetValue()
				}
				got[key] = s.GetHistogram().GetSampleSum()
			}
		}
	}
	want := map[string]float64{
		"picket_alert_acknowledge_seconds high":     300,
		"picket_alert_resolve_seconds person high":  3600,
		"picket_alert_resolve_seconds itself other": 1800,
	}
	for key, sum := range want {
		if got[key] != sum {
			t.Errorf("%s sums up to %v, want %v", key, got[key], sum)
		}
	}
	if len(got) != len(want) {
		t.Errorf("observed %v, want %v", got, want)
	}
}

func TestVerdictsAndBudgetUsed(t *testing.T) {
	m, reg := newTest(t)
	burst, quiet := testRule("burst", rules.High), testRule("quiet", rules.Low)
	off := testRule("off", rules.Low)
	off.Mode = rules.Off
	m.RulesLoaded([]*rules.Rule{burst, quiet, off, {ID: "feeder", Silent: true}}, 0)
	m.CountVerdicts(func() []alerting.RuleVerdicts {
		return []alerting.RuleVerdicts{
			{Rule: burst.ID, Tally: alerting.Tally{True: 3, Expected: 1, False: 2}},
			{Rule: "gone", Tally: alerting.Tally{True: 1}},
			{Rule: off.ID, Tally: alerting.Tally{True: 1}},
		}
	})
	m.SetBudgetUsed(map[*rules.Rule]float64{quiet: 3})
	m.SetBudgetUsed(map[*rules.Rule]float64{burst: .25})
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP picket_alert_budget_used Alerts of the last month (30.44 days) per account, of each rule whose alerts count against the alert budget; what picket budget shows.
# TYPE picket_alert_budget_used gauge
picket_alert_budget_used{rule="burst"} 0.25
# HELP picket_alert_verdicts Alerts that are kept, by what people said of them; drills left out, rules that are not in force any more under other.
# TYPE picket_alert_verdicts gauge
picket_alert_verdicts{rule="burst",verdict="expected"} 1
picket_alert_verdicts{rule="burst",verdict="false"} 2
picket_alert_verdicts{rule="burst",verdict="true"} 3
picket_alert_verdicts{rule="other",verdict="expected"} 0
picket_alert_verdicts{rule="other",verdict="false"} 0
picket_alert_verdicts{rule="other",verdict="true"} 2
picket_alert_verdicts{rule="quiet",verdict="expected"} 0
picket_alert_verdicts{rule="quiet",verdict="false"} 0
picket_alert_verdicts{rule="quiet",verdict="true"} 0
`), "picket_alert_budget_used", "picket_alert_verdicts")
	if err != nil {
		t.Error(err)
	}
}
