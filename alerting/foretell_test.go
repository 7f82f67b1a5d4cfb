package alerting

import (
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/rules"
)

// wall has a plan on it: it knows of no account, and who is told next.
type wall struct{ next string }

func (wall) Account(string) (AccountInfo, bool) { return AccountInfo{}, false }
func (o wall) Next(a *Alert, at time.Time) string {
	return o.next + " of " + a.ID + " at " + at.Format(time.RFC3339)
}

// TestForeteller: a directory that knows who is told next says so wherever nobody
// else does, of an alert that waits for somebody.
func TestForeteller(t *testing.T) {
	a := Alert{ID: "3fa29c", State: Firing, Opened: start(), Updated: start(), Rule: Rule{ID: "r", Title: "Burst", Level: rules.Critical, Mode: rules.Enforce}}
	next := func(a Alert, dir Directory, t Telling) string {
		for _, s := range Sections(a, dir, t) {
			if s.Label == LabelNext {
				return s.Text
			}
		}
		return ""
	}
	acked := a
	acked.State, acked.Ack = Acknowledged, &Mark{By: "jane", At: start()}
	for _, tt := range []struct {
		name string
		a    Alert
		dir  Directory
		t    Telling
		want string
	}{
		{"it knows", a, wall{"escalates"}, Telling{At: start()}, "paged now, at any hour; escalates of 3fa29c at 2026-03-14T02:12:00Z"},
		{"somebody else does", a, wall{"escalates"}, Telling{At: start(), Escalation: "escalates at 03:23 to Jane"}, "paged now, at any hour; escalates at 03:23 to Jane"},
		{"nobody does", a, nil, Telling{At: start()}, "paged now, at any hour; no escalation configured"},
		{"somebody is on it", acked, wall{"escalates"}, Telling{At: start()}, "jane is on it; nobody else is told"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := next(tt.a, tt.dir, tt.t); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if text := Text(a, wall{"escalates"}); !strings.Contains(text, "escalates of 3fa29c") {
		t.Errorf("the text on NATS and the terminal does not say who is next:\n%s", text)
	}
}
