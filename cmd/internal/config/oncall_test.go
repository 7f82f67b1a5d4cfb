package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestReferenceOnCall asks the schedules, quiet hours and windows of the
// reference.
func TestReferenceOnCall(t *testing.T) {
	text, _ := readReference(t)
	c, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	jane := oncall.Person{Name: "jane", FullName: "Jane Roe", Contacts: map[string]string{
		oncall.Email: "jane@acme.example", oncall.Phone: "+49 30 123456", oncall.Slack: "U012AB3CD", oncall.PagerDuty: "PJANE01",
	}}
	tom, ann := oncall.Person{Name: "tom", Contacts: map[string]string{}}, oncall.Person{Name: "ann", Contacts: map[string]string{}}
	tests := []struct {
		name, at string
		want     []oncall.Person
	}{
		{"the first week", "2026-01-05T10:00:00+01:00", []oncall.Person{jane}},
		{"its first night", "2026-01-05T20:00:00+01:00", []oncall.Person{ann}},
		{"Friday's night", "2026-01-09T20:00:00+01:00", []oncall.Person{tom, jane}},
		{"the second week, on Saturday", "2026-01-17T10:00:00+01:00", []oncall.Person{tom}},
		{"before the override", "2026-03-06T17:59:59+01:00", []oncall.Person{jane}},
		{"the override, at night", "2026-03-06T22:00:00+01:00", []oncall.Person{jane}},
		{"behind it", "2026-03-08T20:00:00+01:00", []oncall.Person{jane}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, c.Schedules[0].OnDuty(moment(t, tt.at))); diff != "" {
				t.Errorf("on duty (-want +got):\n%s", diff)
			}
		})
	}
	if s, ok := c.Schedule("primary"); !ok || s != &c.Schedules[0] {
		t.Errorf("schedule primary is %v, %v", s, ok)
	}
	if p, ok := c.Person("jane"); !ok || p.FullName != "Jane Roe" {
		t.Errorf("jane is %v, %v", p, ok)
	}
	_, schedule := c.Schedule("secondary")
	if _, person := c.Person("max"); schedule || person {
		t.Errorf("found a schedule %v or a person %v that is not there", schedule, person)
	}
	if until, ok := c.QuietHours.Until(rules.Medium, moment(t, "2026-01-05T23:00:00+01:00")); !ok || !until.Equal(moment(t, "2026-01-06T07:00:00+01:00")) {
		t.Errorf("quiet until %s, %v", until, ok)
	}
	w := c.Maintenance[0]
	s, ok := w.At(moment(t, "2026-01-18T01:59:59+01:00"))
	if !ok || !s.Silences(match.Set{"account": {"x/acme"}, "rule": {"many_messages_deleted"}, "level": {"critical"}}, s.Start) || s.Confirmed.By != "tom" {
		t.Errorf("the window is %+v, %v", s, ok)
	}
	if _, ok := w.At(moment(t, "2026-01-18T02:00:00+01:00")); ok {
		t.Error("the window lasts longer than 4 hours")
	}
	if gaps := c.Gaps(moment(t, "2026-01-05T09:00:00+01:00"), moment(t, "2026-12-01T00:00:00Z")); len(gaps) != 0 {
		t.Errorf("gaps %v, want none", gaps)
	}
}

func TestGaps(t *testing.T) {
	t.Chdir(write(t, map[string]string{"picket.yaml": `
accounts: [{account: x/acme}]
people: [{name: jane}]
schedules:
  - name: days
    time_zone: Europe/Berlin
    layers: [{people: [jane], start: 2026-01-05 09:00, only: Mon-Sat 09:00-24:00}]
`}))
	c, err := Load("picket.yaml", environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range c.Gaps(moment(t, "2026-03-27T12:00:00Z"), moment(t, "2026-03-30T12:00:00Z")) {
		got = append(got, g.Fault.Error())
	}
	want := []string{
		"picket.yaml:5:5: schedules[0]: nobody is on duty of days from 2026-03-28 00:00 to 2026-03-28 09:00 Europe/Berlin; add a layer below, or say otherwise where alerts go then",
		"picket.yaml:5:5: schedules[0]: nobody is on duty of days from 2026-03-29 00:00 to 2026-03-30 09:00 Europe/Berlin; add a layer below, or say otherwise where alerts go then",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// TestDiffOfUsed holds that asking schedules and windows changes nothing in
// them that a reload would take for a change.
func TestDiffOfUsed(t *testing.T) {
	text, _ := readReference(t)
	used, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	at := moment(t, "2026-03-29T00:30:00Z")
	used.Gaps(at, at.Add(week))
	if _, ok := used.Maintenance[0].At(at); !ok {
		t.Error("the window is not open")
	}
	fresh, err := loadReference(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if changes := Diff(used, fresh); len(changes) > 0 {
		t.Errorf("changes %v, want none", changes)
	}
}
