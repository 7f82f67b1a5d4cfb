package dispatch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

// assigned is the next revision of an alert, given to somebody.
func assigned(a alerting.Alert, to, by string, at time.Time) alerting.Alert {
	a.Revision++
	a.Updated, a.Change = at, alerting.ChangeAssigned
	a.Assigned = &alerting.Assignment{To: to, By: by, At: at, Reason: "you know the tool"}
	return a
}

// reached is a policy with people, and receivers that reach some of them.
func reached(receivers ...string) *Policy {
	p := policy()
	p.Root.Receivers = receivers
	p.Persons = []oncall.Person{
		{Name: "jane", FullName: "Jane Roe", Contacts: map[string]string{"email": "jane@acme.example", "slack": "U012AB3CD"}},
		{Name: "tom", Contacts: map[string]string{"email": "tom@acme.example"}},
		{Name: "kim"},
	}
	p.Reaches = map[string]Reach{"chat": {Contact: "slack"}, "mail": {Contact: "email", Alone: true}, "hook": {}}
	return p
}

// TestAssigned: whoever an alert is given to hears of it, once, where they can be
// reached.
func TestAssigned(t *testing.T) {
	a := firing("aaaaaa11", "x/acme", rules.High, start())
	b := firing("bbbbbb22", "x/acme", rules.High, start())
	silenced := quietSet{`{account="x/acme"}`: after(time.Hour)}
	type step = []alerting.Alert
	for _, tt := range []struct {
		name      string
		receivers []string
		silences  Silences
		steps     []step
		want      []string
	}{
		{"in the chat that was told", []string{"chat", "pager"}, nil, []step{{a}, {assigned(a, "jane", "tom", after(0))}}, []string{"chat opened", "pager opened", "chat assigned for Jane Roe"}},
		{"by another name of theirs", []string{"chat"}, nil, []step{{a}, {assigned(a, "JANE ROE", "tom", after(0))}}, []string{"chat opened", "chat assigned for Jane Roe"}},
		{"not in the chat, by mail", []string{"chat"}, nil, []step{{a}, {assigned(a, "tom", "jane", after(0))}}, []string{"chat opened", "mail assigned for tom"}},
		{"only by name", []string{"chat", "hook"}, nil, []step{{a}, {assigned(a, "kim", "tom", after(0))}}, []string{"chat opened", "hook opened", "hook assigned for kim"}},
		{"by address before by name", []string{"hook", "mail"}, nil, []step{{a}, {assigned(a, "tom", "jane", after(0))}}, []string{"hook opened", "mail opened", "mail assigned for tom"}},
		{"nobody reaches them", []string{"pager"}, nil, []step{{a}, {assigned(a, "kim", "tom", after(0))}}, []string{"pager opened"}},
		{"nobody knows them", []string{"chat", "hook"}, nil, []step{{a}, {assigned(a, "somebody", "tom", after(0))}}, []string{"chat opened", "hook opened"}},
		{"by themselves", []string{"chat"}, nil, []step{{a}, {assigned(a, "jane", "Jane", after(0))}}, []string{"chat opened"}},
		{"again to the same", []string{"chat"}, nil, []step{{a}, {assigned(a, "jane", "tom", after(0))}, {assigned(a, "jane", "kim", after(time.Minute))}}, []string{"chat opened", "chat assigned for Jane Roe"}},
		{
			"to another and back",
			[]string{"chat"},
			nil,
			[]step{{a}, {assigned(a, "jane", "kim", after(0))}, {assigned(a, "tom", "jane", after(time.Minute))}, {assigned(a, "jane", "tom", after(2*time.Minute))}},
			[]string{"chat opened", "chat assigned for Jane Roe", "mail assigned for tom", "chat assigned for Jane Roe"},
		},
		{
			"all alerts of an incident, one after the other",
			[]string{"chat"},
			nil,
			[]step{{a, b}, {assigned(a, "jane", "tom", after(0))}, {assigned(b, "jane", "tom", after(0))}},
			[]string{"chat opened", "chat assigned for Jane Roe"},
		},
		{
			"two alerts to two people",
			[]string{"chat"},
			nil,
			[]step{{a, b}, {assigned(a, "jane", "kim", after(0)), assigned(b, "tom", "kim", after(0))}},
			[]string{"chat opened", "chat assigned for Jane Roe", "mail assigned for tom"},
		},
		{"before anybody was told", []string{"chat"}, silenced, []step{{a}, {assigned(a, "jane", "tom", after(0))}}, []string{"chat assigned for Jane Roe"}},
		{"after it is over", []string{"chat"}, nil, []step{{a}, {moved(a, alerting.Resolved, "tom", after(time.Minute))}, {assigned(moved(a, alerting.Resolved, "tom", after(time.Minute)), "jane", "tom", after(time.Minute))}}, []string{"chat opened", "chat resolved"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(reached(tt.receivers...), nil, tt.silences)
			var got []notify.Message
			for i, alerts := range tt.steps {
				for j := range alerts {
					alerts[j].Revision = uint64(i + 1) //nolint:gosec // a row's few steps
				}
				got = append(got, r.apply(after(time.Duration(i)*time.Minute), alerts...)...)
			}
			if d := cmp.Diff(tt.want, told(got)); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		})
	}
}

// TestAssignedAfterRestart: who was told of what is theirs is not told again.
func TestAssignedAfterRestart(t *testing.T) {
	a := firing("aaaaaa11", "x/acme", rules.High, start())
	given := assigned(a, "jane", "tom", start())
	r := newRig(reached("chat"), nil, nil)
	r.apply(start(), given)
	stored := Stored{Records: []Record{*r.core.records[r.core.book.Of(a.ID).ID]}}
	again := newRig(reached("chat"), nil, nil)
	again.core.Load(stored)
	if got := told(again.apply(after(time.Minute), given)); len(got) != 0 {
		t.Errorf("told again: %v", got)
	}
}

// TestAssignedText: the message says who gave it to whom and why, and then what
// the alert itself says.
func TestAssignedText(t *testing.T) {
	a := firing("aaaaaa11", "x/acme", rules.Critical, start())
	b := firing("bbbbbb22", "x/acme", rules.High, start())
	r := newRig(reached("chat"), nil, nil)
	r.apply(start(), a, b)
	b = assigned(b, "jane", "tom", after(time.Minute))
	got := r.apply(after(time.Minute), b)
	if len(got) != 1 || got[0].Kind != notify.Assigned {
		t.Fatalf("told %v, want one assignment", told(got))
	}
	m := got[0]
	if m.Alerts[0].ID != b.ID {
		t.Errorf("it is about %s first, want the one that was given, %s", m.Alerts[0].ID, b.ID)
	}
	Dress(&m, &b, nil)
	want := notify.Message{
		Title: "HIGH x/acme: posting burst [PK-BBBBBB]",
		Lines: []notify.Line{
			{Label: "State", Text: "assigned to jane by tom 02:13Z: you know the tool"},
			{Label: "What", Text: "02:12Z: no text"},
			{Label: "Why", Text: "the rule's condition is met; it gives no further reason. App: not shown by X"},
			{Label: "Also", Text: "02:12Z critical Posting burst (PK-AAAAAA); all in IN-AAAAAA"},
			{Label: "Reach", Text: "not shown by X; whether still up: not shown by X"},
			{Label: "Sure", Text: "counting rule; verdicts here none yet"},
			{Label: "Do", Text: "owner not configured.  1 phone the owner, not by direct message"},
			{Label: "Next", Text: "paged now: working hours not configured; no escalation configured"},
			{Label: "Act", Text: "picket alerts ack PK-BBBBBB · assign · resolve -v expected|false|true"},
		},
	}
	if d := cmp.Diff(want, notify.Message{Title: m.Title, Lines: m.Lines}); d != "" {
		t.Errorf("message (-want +got):\n%s", d)
	}
}
