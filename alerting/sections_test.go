package alerting_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

func TestSections(t *testing.T) {
	at := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	a := alerting.Alert{
		ID: "3fa29c", State: alerting.Firing, Account: "x/acme", Network: "x", Updated: at,
		Rule: alerting.Rule{Title: "Posting burst", Level: rules.Critical},
	}
	next := func(escalation string) string {
		for _, s := range alerting.Sections(a, nil, alerting.Telling{At: at, Escalation: escalation}) {
			if s.Label == alerting.LabelNext {
				return s.Text
			}
		}
		return ""
	}
	if got, want := next("escalates at 02:22Z to Jane"), "paged now, at any hour; escalates at 02:22Z to Jane"; got != want {
		t.Errorf("Next %q, want %q", got, want)
	}
	if got, want := next(""), "paged now, at any hour; no escalation configured"; got != want {
		t.Errorf("Next %q, want %q", got, want)
	}
	var labels []string
	for _, s := range alerting.Sections(a, nil, alerting.Telling{At: at}) {
		labels = append(labels, s.Label)
	}
	if diff := cmp.Diff([]string{"", "What", "Why", "Sure", "Do", "Next", "Act"}, labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	today := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	tests := []struct {
		name string
		at   time.Time
		zone *time.Location
		want string
	}{
		{"no zone", today, nil, "02:12Z"},
		{"the same day", today, berlin, "03:12 Berlin (02:12Z)"},
		{"another day", today.AddDate(0, 0, 2), berlin, "2026-03-16 03:12 Berlin (02:12Z)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := alerting.Clock(tt.at, tt.zone, today); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
