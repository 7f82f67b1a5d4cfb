package alertmanager_test

import (
	"testing"
	"time"

	"github.com/picketd/picket/alerting/alertmanager"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// TestWaitsAgain holds that what waits for somebody again after it was acknowledged
// is another alert, since Alertmanager tells nobody anew of one that fires on, and
// that the one before it is over.
func TestWaitsAgain(t *testing.T) {
	r := newReceiver(t)
	o := newOutput(t, alertmanager.Config{URLs: []string{r.server.URL}, Client: r.server.Client(), Hold: time.Hour})
	receipt := ""
	for _, tt := range []struct {
		kind  notify.Kind
		level rules.Level
		want  []string
	}{
		{notify.Opened, rules.High, []string{"PicketIncident in-1 high 1h0m0s"}},
		{notify.Updated, rules.High, []string{"PicketIncident in-1 high 1h0m0s"}},
		{notify.Acknowledged, rules.High, []string{"PicketIncident in-1 high 1h0m0s"}},
		{notify.Updated, rules.High, []string{"PicketIncident in-1 high again 2 1h0m0s", "PicketIncident in-1 high 0s"}},
		{notify.Escalated, rules.High, []string{"PicketIncident in-1 high again 2 1h0m0s"}},
		{notify.Acknowledged, rules.High, []string{"PicketIncident in-1 high again 2 1h0m0s"}},
		{notify.Updated, rules.Critical, []string{"PicketIncident in-1 critical again 3 1h0m0s", "PicketIncident in-1 high again 3 0s", "PicketIncident in-1 high again 2 0s"}},
		{notify.Resolved, rules.Critical, []string{"PicketIncident in-1 critical again 3 0s", "PicketIncident in-1 high again 3 0s"}},
		{notify.Opened, rules.High, []string{"PicketIncident in-1 high again 3 1h0m0s"}},
	} {
		receipt = tell(t, o, incident("in-1", tt.kind, tt.level, receipt))
		equal(t, string(tt.kind), r.take(t), tt.want...)
	}
}
