package main

import (
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// TestLevels holds how urgently people are told of each rule of the social
// pack, out of the box: critical ones page at any hour, high ones in the
// account's working hours and at night where the account is critical, medium
// ones go to the chat, low ones into the digest, and what Picket cannot see to
// those who run it.
func TestLevels(t *testing.T) {
	const (
		page, hours, chat = alerting.UrgencyPage, alerting.UrgencyHours, alerting.UrgencyChat
		digest, sre       = alerting.UrgencyDigest, alerting.UrgencySRE
	)
	rows := []struct {
		rule     string
		level    rules.Level
		day      alerting.Urgency // in working hours
		night    alerting.Urgency // outside them
		critical alerting.Urgency // outside them, of an account with importance: critical
	}{
		{"message_not_approved", rules.Critical, page, page, page},
		{"message_wrong_account", rules.Critical, page, page, page},
		{"mfa_removed", rules.Critical, page, page, page},
		{"takeover", rules.Critical, page, page, page},
		{"login_new_country", rules.High, page, hours, page},
		{"login_unlike_person", rules.High, page, hours, page},
		{"impossible_travel", rules.High, page, hours, page},
		{"profile_changed", rules.High, page, hours, page},
		{"many_deletions", rules.High, page, hours, page},
		{"unlike_itself", rules.Medium, chat, chat, chat},
		{"posting_burst", rules.Medium, chat, chat, chat},
		{"new_client_app", rules.Medium, chat, chat, chat},
		{"new_token_app", rules.Medium, chat, chat, chat},
		{"password_spray", rules.Medium, chat, chat, chat},
		{"message_edited", rules.Medium, chat, chat, chat},
		{"message_expired", rules.Medium, chat, chat, chat},
		{"public_storm", rules.Medium, chat, chat, chat},
		{"criticism_storm", rules.Medium, chat, chat, chat},
		{"followers_fell", rules.Medium, chat, chat, chat},
		{"followers_rose", rules.Low, digest, digest, digest},
		{"gone_silent", rules.Low, digest, digest, digest},
		{"login_new_network", rules.Low, digest, digest, digest},
		{"collector_blind", rules.High, sre, sre, sre},
	}
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	prog, err := rules.Compile(files)
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	midnight := noon.Add(-12 * time.Hour)
	normal := alerting.AccountInfo{Working: func(at time.Time) bool { return at.Hour() >= 9 && at.Hour() < 18 }}
	critical := normal
	critical.Importance = alerting.ImportanceCritical
	listed := map[string]bool{}
	for _, row := range rows {
		listed[row.rule] = true
		t.Run(row.rule, func(t *testing.T) {
			i := slices.IndexFunc(prog.Rules(), func(r *rules.Rule) bool { return r.Name == row.rule })
			if i < 0 {
				t.Fatal("the pack has no such rule")
			}
			r := prog.Rules()[i]
			a := alerting.Alert{Rule: alerting.Rule{Level: r.Level, Mode: r.Mode, Tags: r.Tags}}
			got := row
			got.level = r.Level
			got.day = alerting.UrgencyOf(&a, normal, noon)
			got.night = alerting.UrgencyOf(&a, normal, midnight)
			got.critical = alerting.UrgencyOf(&a, critical, midnight)
			if got != row {
				t.Errorf("is %+v\nwant %+v", got, row)
			}
		})
	}
	for _, r := range prog.Rules() {
		if !r.Silent && !slices.Contains(r.Tags, rules.TagTest) && !listed[r.Name] {
			t.Errorf("rule %s is not in the table", r.Name)
		}
	}
}
