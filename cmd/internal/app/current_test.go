package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

const guardedAccounts = `
accounts:
  - {account: x/acme, owner: Jane Roe, contact: "+49 30 1", time_zone: Europe/Berlin, working_hours: Mon-Fri 09:00-18:00, guarded_by: [okta/ann, okta/bob]}
  - {account: x/news, owner: Joe, importance: critical}
identities:
  - {identity: okta/bob, guards: [x/news], name: Bob, contact: "+49 30 2"}
  - {identity: okta/carol, guards: [x/news, x/acme], contact: "@carol"}
`

// TestPeople says who is called about whom, and when they are at work.
func TestPeople(t *testing.T) {
	dir := NewDirectory(configured(t, guardedAccounts))
	tests := []struct {
		account                    string
		owner, contact, importance string
		zone                       string
		hours                      bool // working hours are known
		guards, guardedBy          []string
	}{
		{"x/acme", "Jane Roe", "+49 30 1", "normal", "Europe/Berlin", true, nil, []string{"okta/ann", "okta/bob", "okta/carol"}},
		{"x/news", "Joe", "", "critical", "UTC", false, nil, []string{"okta/bob", "okta/carol"}},
		{"okta/ann", "Jane Roe", "+49 30 1", "normal", "Europe/Berlin", true, []string{"x/acme"}, nil},
		{"okta/bob", "Bob", "+49 30 2", "critical", "Europe/Berlin", true, []string{"x/acme", "x/news"}, nil},
		{"okta/carol", "", "@carol", "critical", "Europe/Berlin", true, []string{"x/acme", "x/news"}, nil},
	}
	night := time.Date(2026, 3, 6, 2, 0, 0, 0, time.UTC) // a Friday
	for _, tt := range tests {
		t.Run(tt.account, func(t *testing.T) {
			got, ok := dir.Account(tt.account)
			if !ok || got.Owner != tt.owner || got.Contact != tt.contact || got.Importance != tt.importance || got.TimeZone.String() != tt.zone {
				t.Errorf("got %+v, %v", got, ok)
			}
			if !slices.Equal(got.Guards, tt.guards) || !slices.Equal(got.GuardedBy, tt.guardedBy) {
				t.Errorf("guards %q, guarded by %q; want %q and %q", got.Guards, got.GuardedBy, tt.guards, tt.guardedBy)
			}
			if known := got.Working != nil; known != tt.hours || known && got.Working(night) {
				t.Errorf("working hours known: %v, want %v and none at night", known, tt.hours)
			}
		})
	}
	if info, ok := dir.Account("okta/nobody"); ok {
		t.Errorf("of somebody who guards nothing is known %+v", info)
	}
}

// TestSetSaysWhoGuards: rules that join logins with what they led to need it.
func TestSetSaysWhoGuards(t *testing.T) {
	cfg := configured(t, guardedAccounts+"sources: [{name: demo, collector: simulate, accounts: 1}]\n")
	set, err := BuildSet(cfg)
	if err != nil {
		t.Fatal(err)
	}
	made := simulated(cfg)[0]
	want := map[string][]string{
		"x/acme":  {"okta/ann", "okta/bob", "okta/carol"},
		"x/news":  {"okta/bob", "okta/carol"},
		made.Name: made.Identities,
	}
	if len(set.Accounts) != 3 || len(made.Identities) == 0 {
		t.Fatalf("%d accounts, want 3; %s is guarded by %q", len(set.Accounts), made.Name, made.Identities)
	}
	for _, a := range set.Accounts {
		if !slices.Equal(a.GuardedBy, want[a.Name]) {
			t.Errorf("%s is guarded by %q, want %q", a.Name, a.GuardedBy, want[a.Name])
		}
	}
}

// TestNext: whoever reads an alert's text learns who is told next, where an
// escalation is configured.
func TestNext(t *testing.T) {
	now := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	a := alerting.Alert{
		ID: "3fa29c", State: alerting.Firing, Network: "x", Account: "x/acme", Opened: now, Updated: now,
		Rule: alerting.Rule{ID: "r", Title: "Burst", Level: rules.Critical, Mode: rules.Enforce},
	}
	const receiver = `
receivers: [{name: siren, type: exec, command: [/bin/true]}]
people: [{name: jane, full_name: Jane Roe}]
`
	for _, tt := range []struct{ name, config string }{
		{"an escalation", receiver + "escalation: [{name: default, steps: [{people: [jane]}, {after: 10m, people: [jane]}]}]\n"},
		{"none", receiver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := NewDirectory(configured(t, "accounts: [{account: x/acme}]\n"+tt.config))
			text := alerting.Text(a, dir)
			escalates := strings.Contains(text, "escalates at 02:22Z to Jane Roe")
			if escalates != (tt.name == "an escalation") || strings.Contains(text, "no escalation configured") == escalates {
				t.Errorf("the text says of who is next:\n%s", text)
			}
		})
	}
}
