package incident_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

func at(minutes int) time.Time { return start().Add(time.Duration(minutes) * time.Minute) }

// guards says that okta/ed guards x/acme and x/beta.
type guards struct{}

func (guards) Account(name string) (alerting.AccountInfo, bool) {
	switch name {
	case "okta/ed":
		return alerting.AccountInfo{Guards: []string{"x/acme", "x/beta"}}, true
	case "x/acme", "x/beta":
		return alerting.AccountInfo{GuardedBy: []string{"okta/ed"}}, true
	}
	return alerting.AccountInfo{}, false
}

// alert is a firing one, as of a minute.
func alert(id, account string, minute int, change ...func(*alerting.Alert)) alerting.Alert {
	a := alerting.Alert{
		ID: id, Revision: 1, State: alerting.Firing, Change: alerting.ChangeOpened, Account: account,
		Opened: at(minute), First: at(minute), Updated: at(minute),
		Rule:     alerting.Rule{ID: "r", Title: "Posting burst", Level: rules.High, Mode: rules.Enforce},
		History:  []alerting.Transition{{At: at(minute), To: alerting.Firing}},
		Evidence: []activity.Activity{{Account: account, Actor: "actor of " + account, IP: "192.0.2.1", App: "Studio"}},
	}
	for _, f := range change {
		f(&a)
	}
	return a
}

func actor(name string) func(*alerting.Alert) {
	return func(a *alerting.Alert) { a.Evidence[0].Actor = name }
}

func odd(field string) func(*alerting.Alert) {
	return func(a *alerting.Alert) { a.Reasons = append(a.Reasons, detector.Reason{Field: field}) }
}

func group(name, value string, accounts ...string) func(*alerting.Alert) {
	return func(a *alerting.Alert) {
		a.Group, a.Accounts = []alerting.Label{{Name: name, Value: value}}, accounts
	}
}

func drill(a *alerting.Alert) { a.Evidence[0].Drill = "spring" }

func observing(a *alerting.Alert) { a.Rule.Mode = rules.Observe }

// next is a later revision.
func next(a alerting.Alert, state alerting.State, by string, minute int) alerting.Alert {
	a.Revision++
	a.History = append(slices.Clone(a.History), alerting.Transition{At: at(minute), From: a.State, To: state})
	a.State, a.Updated, a.Change = state, at(minute), alerting.ChangeUpdated
	a.Ack, a.Resolution = nil, nil
	switch state {
	case alerting.Acknowledged:
		a.Ack, a.Change = &alerting.Mark{By: by, At: at(minute)}, alerting.ChangeAcknowledged
	case alerting.Resolved:
		a.Resolution, a.Change = &alerting.Mark{By: by, At: at(minute)}, alerting.ChangeResolved
	case alerting.Firing:
		a.Change = alerting.ChangeReopened
	}
	return a
}

func TestJoin(t *testing.T) {
	resolved := next(alert("a", "x/acme", 0), alerting.Resolved, alerting.ByPicket, 10)
	tests := []struct {
		name   string
		alerts []alerting.Alert
		want   []string // alerts of each incident
	}{
		{"one account", []alerting.Alert{alert("a", "x/acme", 0), alert("b", "x/acme", 50)}, []string{"a b"}},
		{"two accounts in the same office with the same tool", []alerting.Alert{alert("a", "x/acme", 0), alert("b", "x/gamma", 1)}, []string{"a", "b"}},
		{"one actor", []alerting.Alert{alert("a", "x/acme", 0, actor("eve")), alert("b", "x/gamma", 1, actor("Eve"))}, []string{"a b"}},
		{"an odd address", []alerting.Alert{alert("a", "x/acme", 0, odd("ip")), alert("b", "x/gamma", 1, odd("ip"))}, []string{"a b"}},
		{"an address that is odd once", []alerting.Alert{alert("a", "x/acme", 0, odd("ip")), alert("b", "x/gamma", 1)}, []string{"a", "b"}},
		{"an odd app", []alerting.Alert{alert("a", "x/acme", 0, odd("app")), alert("b", "x/gamma", 1, odd("app"))}, []string{"a b"}},
		{"a rule across accounts", []alerting.Alert{
			alert("a", "x/gamma", 0), alert("b", "x/delta", 0), alert("c", "", 1, group("ip", "198.51.100.7", "x/delta", "x/gamma")),
		}, []string{"a c", "b"}},
		{"the identity that guards it", []alerting.Alert{alert("a", "okta/ed", 0), alert("b", "x/acme", 1)}, []string{"a b"}},
		{"two accounts of one identity, through its alert", []alerting.Alert{alert("a", "x/acme", 0), alert("b", "okta/ed", 1), alert("c", "x/beta", 2)}, []string{"a b c"}},
		{"two accounts of one identity without its alert", []alerting.Alert{alert("a", "x/acme", 0), alert("b", "x/beta", 1)}, []string{"a", "b"}},
		{"a drill and the real thing", []alerting.Alert{alert("a", "x/acme", 0, drill), alert("b", "x/acme", 1)}, []string{"a", "b"}},
		{"within the window", []alerting.Alert{resolved, alert("b", "x/acme", 70)}, []string{"a b"}},
		{"after the window", []alerting.Alert{resolved, alert("b", "x/acme", 71)}, []string{"a", "b"}},
		{"comes again after the window", []alerting.Alert{resolved, next(resolved, alerting.Firing, "", 90)}, []string{"a", "a"}},
		{"only observes", []alerting.Alert{alert("a", "x/acme", 0, observing), alert("b", "x/acme", 1)}, []string{"b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := incident.NewBook(incident.Config{})
			for i := range tt.alerts {
				b.Apply(&tt.alerts[i], guards{})
			}
			if diff := cmp.Diff(tt.want, members(b)); diff != "" {
				t.Errorf("incidents (-want +got):\n%s", diff)
			}
		})
	}
}

// members writes the alerts of each incident in a line.
func members(b *incident.Book) []string {
	var out []string
	for _, id := range b.IDs() {
		var ids []string
		for _, m := range b.Get(id).Members {
			ids = append(ids, m.Alert)
		}
		out = append(out, strings.Join(ids, " "))
	}
	return out
}

func TestState(t *testing.T) {
	a, c := alert("a", "x/acme", 0), alert("b", "x/acme", 1)
	c.Rule.Level = rules.Critical
	b := incident.NewBook(incident.Config{})
	for i, tt := range []struct {
		alert alerting.Alert
		want  string
	}{
		{a, "firing high"},
		{c, "firing critical"},
		{next(a, alerting.Acknowledged, "jane", 2), "firing critical"},
		{next(c, alerting.Acknowledged, "jane", 3), "acknowledged critical"},
		{next(next(c, alerting.Acknowledged, "jane", 3), alerting.Resolved, "jane", 4), "acknowledged high"},
		{next(next(a, alerting.Acknowledged, "jane", 2), alerting.Resolved, alerting.ByPicket, 5), "resolved critical"},
		{next(next(next(a, alerting.Acknowledged, "jane", 2), alerting.Resolved, alerting.ByPicket, 5), alerting.Firing, "", 6), "firing high"},
	} {
		ch := b.Apply(&tt.alert, nil)
		if ch.Incident == nil {
			t.Fatalf("step %d changed nothing", i)
		}
		if got := fmt.Sprintf("%s %s", ch.Incident.State, ch.Incident.Level); got != tt.want {
			t.Errorf("step %d: %s, want %s", i, got, tt.want)
		}
	}
	in := b.Of("a")
	if in.Reopened != 1 || !in.Ended.IsZero() || !in.Firing.Equal(at(6)) {
		t.Errorf("reopened %d times, ended %v, firing since %v", in.Reopened, in.Ended, in.Firing)
	}
	if got := incident.Number("3fa29c01d2e4-tp8cp3"); got != "IN-3FA29C" {
		t.Errorf("number %s, want IN-3FA29C", got)
	}
	var lines []string
	for _, e := range in.Timeline {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.At.Format("15:04"), e.Alert, e.What, e.By)))
	}
	if diff := cmp.Diff([]string{
		"02:12 a opened", "02:13 b opened", "02:14 a acknowledged jane", "02:15 b acknowledged jane",
		"02:16 b resolved jane", "02:17 a resolved picket", "02:18 a reopened",
	}, lines); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestOldRevisions(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	a := alert("a", "x/acme", 0)
	b.Apply(&a, nil)
	resolved := next(a, alerting.Resolved, "jane", 1)
	b.Apply(&resolved, nil)
	if ch := b.Apply(&a, nil); ch.Incident != nil || b.Of("a").State != alerting.Resolved {
		t.Errorf("an old revision changed the incident: %+v", ch)
	}
}

func TestMissedRevisions(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	a := alert("a", "x/acme", 0)
	b.Apply(&a, nil)
	again := next(next(a, alerting.Resolved, alerting.ByPicket, 1), alerting.Firing, "", 2)
	if ch := b.Apply(&again, nil); !ch.Began || ch.Incident.Members[0].Openings != 2 {
		t.Errorf("it came again unseen: %+v", ch)
	}
}

// TestBounds: a hostile number of alerts and changes stays within bounds, and
// begins another incident.
func TestBounds(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	for i := range 250 {
		a := alert(fmt.Sprintf("%04d", i), "x/acme", i/10, actor(fmt.Sprint("actor ", i)))
		b.Apply(&a, nil)
	}
	if b.Len() != 3 {
		t.Errorf("%d incidents, want 3", b.Len())
	}
	for _, id := range b.IDs() {
		in := b.Get(id)
		if len(in.Members) > incident.MaxMembers || len(in.Timeline) > incident.MaxTimeline || len(in.Subjects) > 64 {
			t.Errorf("%s: %d members, %d entries, %d subjects", id, len(in.Members), len(in.Timeline), len(in.Subjects))
		}
		if n := len(in.Timeline) + in.Forgotten; n != len(in.Members) || in.Timeline[0].Alert != in.Members[0].Alert {
			t.Errorf("%s: %d entries for %d alerts, the first about %s", id, n, len(in.Members), in.Timeline[0].Alert)
		}
	}
}

// TestSameSequence: the same revisions make the same incidents, and an alert that
// is forgotten leaves nothing behind.
func TestSameSequence(t *testing.T) {
	run := func() (*incident.Book, []string) {
		r := rand.New(rand.NewPCG(3, 5))
		b := incident.NewBook(incident.Config{Window: 20 * time.Minute})
		known := map[string]alerting.Alert{}
		for i := range 2000 {
			id := fmt.Sprintf("%03d", r.IntN(60)+i/100*10)
			a, ok := known[id]
			if !ok {
				a = alert(id, fmt.Sprint("x/a", r.IntN(12)), i)
			} else {
				a = next(a, alerting.States()[r.IntN(3)], "jane", i)
			}
			known[id] = a
			b.Apply(&a, guards{})
		}
		var out []string
		for _, id := range b.IDs() {
			out = append(out, fmt.Sprintf("%+v", *b.Get(id)))
		}
		return b, out
	}
	b, first := run()
	_, second := run()
	if diff := cmp.Diff(first, second); diff != "" {
		t.Fatalf("the same sequence made other incidents:\n%s", diff)
	}
	if len(first) < 5 {
		t.Errorf("too little happened: %d incidents", len(first))
	}
	for _, id := range b.IDs() {
		b.Forget(id)
	}
	if a := alert("zz", "x/acme", 3000); b.Len() != 0 || b.Of("000") != nil || !b.Apply(&a, guards{}).Began {
		t.Errorf("%d incidents are left", b.Len())
	}
}

// TestTwoIncidents: an alert that came again long after one incident was over
// belongs to the later one, whichever is put first after a restart.
func TestTwoIncidents(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	a := alert("a", "x/acme", 0)
	first := b.Apply(&a, nil).Incident
	a = next(a, alerting.Resolved, "jane", 10)
	b.Apply(&a, nil)
	a = next(a, alerting.Firing, "", 200)
	second := b.Apply(&a, nil).Incident
	if first.ID == second.ID {
		t.Fatalf("the alert came again after three hours, in the same incident")
	}
	for _, order := range [][]*incident.Incident{{first, second}, {second, first}} {
		again := incident.NewBook(incident.Config{})
		for _, in := range order {
			again.Put(in)
		}
		if got := again.Of("a"); got.ID != second.ID {
			t.Errorf("put %s first: the alert is in %s, want %s", order[0].ID, got.ID, second.ID)
		}
	}
}

// TestTakenBack: that it was them after all is worth a document, though neither
// state nor level changes.
func TestTakenBack(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	a := alert("a", "x/acme", 0, func(a *alerting.Alert) { a.Rule.Level = rules.Critical })
	b.Apply(&a, nil)
	for i, tt := range []struct{ me, denied bool }{{false, true}, {true, false}} {
		a.Revision++
		a.Change, a.Answered = alerting.ChangeAnswered, &alerting.Answer{Me: tt.me, By: "ann", At: at(i)}
		ch := b.Apply(&a, nil)
		if !ch.Material || ch.Incident.Members[0].Denied != tt.denied {
			t.Errorf("answer %v: material %v, denied %v; want true, %v", tt.me, ch.Material, ch.Incident.Members[0].Denied, tt.denied)
		}
	}
}

// TestLongNameAfterRestart: a name that is cut to its bound is the same one once
// its incident was stored and read again.
func TestLongNameAfterRestart(t *testing.T) {
	long := actor("x" + strings.Repeat("é", 120))
	b := incident.NewBook(incident.Config{})
	first := alert("a1", "x/acme", 0, long)
	data, err := json.Marshal(b.Apply(&first, nil).Incident)
	if err != nil {
		t.Fatal(err)
	}
	var stored incident.Incident
	if err := json.Unmarshal(data, &stored); err != nil {
		t.Fatal(err)
	}
	b = incident.NewBook(incident.Config{})
	b.Put(&stored)
	second := alert("a2", "x/beta", 1, long)
	if got := b.Apply(&second, nil).Incident.ID; got != stored.ID {
		t.Errorf("a second alert of the same person is in %s, want %s", got, stored.ID)
	}
}

// TestHostileLabels: whoever chooses what a rule groups by cannot make an
// incident too large to be stored, so that nobody is told of anything any more.
func TestHostileLabels(t *testing.T) {
	b := incident.NewBook(incident.Config{})
	largest := 0
	for i := range 100 {
		a := alert(fmt.Sprint("a", i), "x/acme", 0, func(a *alerting.Alert) {
			for g := range 4 { // JSON writes six bytes for each
				a.Group = append(a.Group, alerting.Label{Name: fmt.Sprint("field", g), Value: strings.Repeat("\x01", 500) + fmt.Sprint(i)})
			}
		})
		in := b.Apply(&a, nil).Incident
		data, err := json.Marshal(in)
		if err != nil || in.Member(a.ID) < 0 {
			t.Fatalf("alert %d: %v", i, err)
		}
		largest = max(largest, len(data))
	}
	if most := 512 << 10; largest > most {
		t.Errorf("an incident has %d bytes, want at most %d", largest, most)
	}
}
