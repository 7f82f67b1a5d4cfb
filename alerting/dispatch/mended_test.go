package dispatch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// TestMended holds what once went wrong: pages that were lost, or came for
// nothing.
func TestMended(t *testing.T) {
	low, high := firing("a", "x/acme", rules.Low, start()), firing("a", "x/acme", rules.High, start())
	beside := firing("b", "x/acme", rules.High, after(time.Minute))
	critical := firing("c", "x/acme", rules.Critical, after(30*time.Minute))
	denied := deed(t, low, alerting.Deed{Action: alerting.ActionAnswer, Actor: "jane"}, time.Minute)
	over := moved(high, alerting.Resolved, alerting.ByPicket, after(3*time.Minute))
	judged := deed(t, over, alerting.Deed{Action: alerting.ActionResolve, Actor: "jane", Verdict: alerting.VerdictFalse}, 5*time.Hour)
	continued := policy()
	continued.Root.Routes = []Route{
		{Name: "r0", Receivers: []string{"chat"}, Wait: -1, Continue: true},
		{Name: "r1", Receivers: []string{"ops"}, Escalation: "crit", Wait: -1},
	}
	continued.Escalation = map[string]Escalation{"crit": {Steps: []Step{{After: 10 * time.Minute, Receivers: []string{"boss"}}}}}
	two := policy()
	two.Root.Routes = []Route{
		{Name: "r0", Receivers: []string{"ops"}, Escalation: "crit", Wait: -1, Matchers: matchers(t, `{level="critical"}`)},
		{Name: "r1", Receivers: []string{"ops"}, Escalation: "high", Wait: -1},
	}
	two.Escalation = map[string]Escalation{
		"high": {Steps: []Step{{After: 5 * time.Minute, Receivers: []string{"lead"}}, {After: 10 * time.Minute, Receivers: []string{"head"}}}},
		"crit": {Steps: []Step{{After: 10 * time.Minute, Receivers: []string{"boss"}}, {After: 20 * time.Minute, Receivers: []string{"ceo"}}}},
	}
	for _, tt := range []struct {
		name   string
		policy *Policy
		quiet  Silences
		steps  []step
	}{
		{"somebody says that it was not them", policy(), nil, []step{happens(0, low), happens(time.Minute, denied, "ops opened")}},
		{
			"the same of a silenced alert", policy(),
			quietSet{`{account="x/acme"}`: after(time.Hour)},
			[]step{happens(0, low), happens(time.Minute, denied, "ops opened")},
		},
		{"low, then critical", policy(), nil, []step{happens(0, low), happens(time.Minute, raised(low, rules.Critical, after(time.Minute)), "ops opened")}},
		{
			"a verdict long after", policy(), nil,
			[]step{happens(0, high, "ops opened"), happens(3*time.Minute, over, "ops resolved"), happens(5*time.Hour, judged), passes(6 * time.Hour)},
		},
		{
			"over before the second alert was told", policy(), nil,
			[]step{
				happens(0, high, "ops opened"), happens(time.Minute, beside),
				{3 * time.Minute, []alerting.Alert{over, moved(beside, alerting.Resolved, alerting.ByPicket, after(3*time.Minute))}, []string{"ops updated", "ops resolved"}},
				passes(time.Hour),
			},
		},
		{"a route that goes on before one that escalates", continued, nil, []step{happens(0, high, "chat opened", "ops opened"), passes(11*time.Minute, "boss escalated")}},
		{
			"another escalation begins at its first step", two, nil,
			[]step{
				happens(0, high, "ops opened"), passes(20*time.Minute, "lead escalated", "head escalated"),
				happens(30*time.Minute, critical, "ops updated"), passes(41*time.Minute, "boss escalated"), passes(51*time.Minute, "ceo escalated"),
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(tt.policy, nil, tt.quiet)
			for i, s := range tt.steps {
				got := r.until(after(s.after))
				if len(s.alerts) > 0 {
					got = append(got, r.apply(after(s.after), s.alerts...)...)
				}
				if d := cmp.Diff(append([]string{}, s.want...), told(got)); d != "" {
					t.Errorf("step %d (-want +got):\n%s", i+1, d)
				}
			}
		})
	}
}

// deed is the next revision of an alert, by what a person did.
func deed(t *testing.T, a alerting.Alert, d alerting.Deed, at time.Duration) alerting.Alert {
	t.Helper()
	next, err := alerting.Act(a, d, after(at))
	if err != nil {
		t.Fatal(err)
	}
	next.Revision++
	if next.Change = alerting.ChangeNoted; d.Action == alerting.ActionAnswer {
		next.Change = alerting.ChangeAnswered
	}
	return next
}
