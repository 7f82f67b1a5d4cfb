package promexport

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/rules"
)

func TestDispatching(t *testing.T) {
	m, _ := newTest(t)
	m.Incidents([]dispatch.Count{{State: alerting.Firing, Level: rules.High, N: 7}})
	m.Incidents([]dispatch.Count{{State: alerting.Firing, Level: rules.Critical, N: 2}, {State: "odd", Level: "odd", N: 1}})
	m.Withheld(map[dispatch.Reason]int{dispatch.HeldSilenced: 4})
	m.Withheld(map[dispatch.Reason]int{dispatch.HeldBudget: 3, "odd": 9})
	m.Held(dispatch.HeldBudget)
	m.Held("odd")
	m.Decided(notify.Opened, alerting.UrgencyPage)
	m.Decided("odd", "odd")
	m.SetSilences(map[silence.State]int{silence.Active: 2, silence.Over: 5})
	m.DamagedDocument(dispatch.Stream)
	m.DamagedDocument("odd")
	for _, row := range []struct {
		name string
		of   prometheus.Collector
		want float64
	}{
		{"the newest count of incidents", m.incidents.WithLabelValues("firing", "critical"), 2},
		{"what is gone is zero", m.incidents.WithLabelValues("firing", "high"), 0},
		{"an odd state and level", m.incidents.WithLabelValues("other", "other"), 1},
		{"what is withheld no more", m.withheld.WithLabelValues("silenced"), 0},
		{"withheld", m.withheld.WithLabelValues("budget"), 3},
		{"began to be withheld", m.withholdings.WithLabelValues("budget"), 1},
		{"nothing of the kind", m.withholdings.WithLabelValues("quiet_hours"), 0},
		{"an odd reason", m.withholdings.WithLabelValues("other"), 1},
		{"a page", m.decided.WithLabelValues("opened", "page"), 1},
		{"an odd message", m.decided.WithLabelValues("other", "other"), 1},
		{"silences", m.silences.WithLabelValues("active"), 2},
		{"none scheduled", m.silences.WithLabelValues("scheduled"), 0},
		{"a damaged document", m.documents.WithLabelValues("INCIDENTS"), 1},
		{"none damaged", m.documents.WithLabelValues("ALERTS"), 0},
		{"an odd stream", m.documents.WithLabelValues("other"), 1},
	} {
		if got := testutil.ToFloat64(row.of); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
