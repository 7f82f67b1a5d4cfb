package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/picketd/picket/alerting/silence"
)

// Change is one difference between two configurations. It names no value, so
// it shows no secret.
type Change struct {
	Field   string // "journal.partitions", "accounts x/acme"
	What    string // "added", "removed" or "changed"
	Restart bool   // takes effect at the next start only; else a reload applies it
}

func (c Change) String() string {
	when := "applied by reload"
	if c.Restart {
		when = "needs a restart"
	}
	return fmt.Sprintf("%s %s: %s", c.Field, c.What, when)
}

// Diff lists what a reload from old to next changes, sorted by field. Rule
// documents and the contents of other files are not looked into.
func Diff(old, next *Config) []Change {
	var changes []Change
	field := func(name string, restart bool, a, b any) {
		if !reflect.DeepEqual(a, b) {
			changes = append(changes, Change{name, "changed", restart})
		}
	}
	field("data_dir", true, old.DataDir, next.DataDir)
	field("instance", true, old.Instance, next.Instance)
	field("nats", true, old.NATS, next.NATS)
	field("journal.partitions", true, old.Journal.Partitions, next.Journal.Partitions)
	field("journal.durability", true, old.Journal.Durability, next.Journal.Durability)
	field("journal.retention", true, old.Journal.Retention, next.Journal.Retention)
	field("journal.max_bytes", true, old.Journal.MaxBytes, next.Journal.MaxBytes)
	field("journal.reserve", true, old.Journal.Reserve, next.Journal.Reserve)
	field("journal.replicas", true, old.Journal.Replicas, next.Journal.Replicas)
	field("journal.mentions_per_minute", true, old.Journal.Mentions, next.Journal.Mentions)
	field("http.listen", true, old.HTTP.Listen, next.HTTP.Listen)
	field("log.format", true, old.Log.Format, next.Log.Format)
	field("intake.nats", true, old.Intake.NATS, next.Intake.NATS)
	field("evidence", true, old.Evidence, next.Evidence)
	field("detector", true, old.Detector, next.Detector)

	field("organisation", false, old.Organisation, next.Organisation)
	field("http.public_url", false, old.HTTP.PublicURL, next.HTTP.PublicURL)
	field("http.api", false, old.HTTP.API, next.HTTP.API)
	field("log.level", false, old.Log.Level, next.Log.Level)
	field("log.personal", false, old.Log.Personal, next.Log.Personal)
	field("rules", false, old.Rules, next.Rules)
	field("budget", false, old.Budget, next.Budget)
	field("enrich", false, old.Enrich, next.Enrich)
	field("intake.webhook", false, old.Intake.Webhook, next.Intake.Webhook)
	field("intake.approvals_file", false, old.Intake.ApprovalsFile, next.Intake.ApprovalsFile)
	changes = append(changes, members("credentials", old.Credentials, next.Credentials, func(c Credential) string { return c.Name })...)
	changes = append(changes, members("sources", old.Sources, next.Sources, func(s Source) string { return s.Name })...)
	changes = append(changes, members("accounts", old.Accounts, next.Accounts, func(a Account) string { return a.Name })...)
	changes = append(changes, members("identities", old.Identities, next.Identities, func(i Identity) string { return i.Identity })...)
	field("people", false, old.People, next.People)
	field("schedules", false, old.Schedules, next.Schedules)
	field("quiet_hours", false, old.QuietHours, next.QuietHours)
	changes = append(changes, members("maintenance", old.Maintenance, next.Maintenance, func(w silence.Window) string { return w.Name })...)
	changes = append(changes, members("receivers", old.Receivers, next.Receivers, func(r Receiver) string { return r.Name })...)
	field("routes", false, old.Routes, next.Routes)
	field("inhibit", false, old.Inhibit, next.Inhibit)
	field("escalation", false, old.Escalation, next.Escalation)
	field("incidents", false, old.Incidents, next.Incidents)
	field("notifications", false, old.Notifications, next.Notifications)
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Field, b.Field) })
	return changes
}

// members compares two lists by the names of their members; their order means
// nothing. All of it is applied by reload.
func members[T any](list string, old, next []T, name func(T) string) []Change {
	before := make(map[string]T, len(old))
	for _, m := range old {
		before[name(m)] = m
	}
	var changes []Change
	for _, m := range next {
		was, ok := before[name(m)]
		delete(before, name(m))
		switch {
		case !ok:
			changes = append(changes, Change{Field: list + " " + name(m), What: "added"})
		case !reflect.DeepEqual(was, m):
			changes = append(changes, Change{Field: list + " " + name(m), What: "changed"})
		}
	}
	for n := range before {
		changes = append(changes, Change{Field: list + " " + n, What: "removed"})
	}
	return changes
}
