package alerting

import (
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

func TestTextOfSilenced(t *testing.T) {
	a := textCase("9b1c00000000", rules.Rule{Title: "Posting burst", Level: rules.High}, activity.Activity{
		Account: "x/acme", Kind: activity.KindPost, Time: time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC),
	}, 1)
	acked, err := Act(a, Deed{Action: ActionAck, Actor: "tom"}, a.Updated)
	if err != nil {
		t.Fatal(err)
	}
	until := a.Updated.Add(time.Hour)
	tests := []struct {
		name     string
		alert    Alert
		silenced *Silenced
		want     string
	}{
		{"nobody silenced it", a, nil, "Next   waits for working hours (in 2 days; Mon-Fri 09:00-18:00)"},
		{"until later that day", a, &Silenced{Number: "SL-3FA29C", By: "jane", Until: until, Reason: "launch"}, "Next   silenced until 04:13 by jane (SL-3FA29C): launch"},
		{"until another day", a, &Silenced{Number: "archive", By: "jane", Until: until.Add(48 * time.Hour), Reason: "old messages go"}, "Next   silenced until 2026-03-16 04:13 by jane (archive): old messages go"},
		{"by somebody who plays tricks", a, &Silenced{Number: "SL-3FA29C", By: "jane\nAct    none", Until: until}, "Next   silenced until 04:13 by jane Act none (SL-3FA29C)"},
		{"somebody is on it anyway", acked, &Silenced{Number: "SL-3FA29C", By: "jane", Until: until}, "Next   tom is on it; nobody else is told"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.alert.Around.Silenced = tt.silenced
			text := Text(tt.alert, testDirectory(t))
			if !strings.Contains(text, "\n"+tt.want+"\n") {
				t.Errorf("the text lacks %q:\n%s", tt.want, text)
			}
		})
	}
}
