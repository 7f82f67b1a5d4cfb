package silence_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/rules"
)

func TestPreview(t *testing.T) {
	alert := func(id, account string, state alerting.State, mode rules.Mode, ago time.Duration) alerting.Alert {
		return alerting.Alert{ID: id, Account: account, State: state, Rule: alerting.Rule{Mode: mode}, LogTime: noon().Add(-ago)}
	}
	const day = 24 * time.Hour
	alerts := []alerting.Alert{
		alert("open", "x/acme", alerting.Firing, rules.Enforce, time.Hour),
		alert("acknowledged", "x/acme", alerting.Acknowledged, rules.Enforce, 2*day),
		alert("resolved", "x/acme", alerting.Resolved, rules.Enforce, 7*day),
		alert("open for long", "x/acme", alerting.Firing, rules.Enforce, 8*day),
		alert("resolved long ago", "x/acme", alerting.Resolved, rules.Enforce, 7*day+1),
		alert("observed", "x/acme", alerting.Firing, rules.Observe, time.Hour),
		alert("another", "x/beta", alerting.Firing, rules.Enforce, time.Hour),
	}
	open, recent := silence.Preview(matchers(t, `account="x/acme"`), alerts, noon().Add(-silence.PreviewSpan))
	ids := func(alerts []alerting.Alert) (out []string) {
		for i := range alerts {
			out = append(out, alerts[i].ID)
		}
		return out
	}
	if diff := cmp.Diff([]string{"open", "acknowledged", "open for long"}, ids(open)); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"open", "acknowledged", "resolved"}, ids(recent)); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}
	if got := (&silence.Set{}).Of(&alerts[0], noon()); got != nil {
		t.Errorf("an empty set silences %+v", got)
	}
	var set silence.Set
	set.Note(make1(t, `account="x/acme", level!="critical"`, time.Time{}, noon().Add(time.Hour)))
	got := set.Of(&alerts[0], noon())
	if got == nil || got.By != "jane" || got.Reason != "campaign" || !got.Until.Equal(noon().Add(time.Hour)) || got.Number[:3] != "SL-" {
		t.Errorf("silenced %+v, want by jane for an hour", got)
	}
}
