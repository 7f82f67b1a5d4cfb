package alerting

import (
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/rules"
)

// Urgency says how people are told of an alert.
type Urgency string

// The urgencies.
const (
	UrgencyPage   Urgency = "page"   // wake somebody
	UrgencyHours  Urgency = "hours"  // page when the account's working hours begin
	UrgencyChat   Urgency = "chat"   // a message in the team's chat
	UrgencyDigest Urgency = "digest" // a line in the next summary
	UrgencySRE    Urgency = "sre"    // those who run Picket, as urgently as they handle such alerts
	UrgencyNone   Urgency = "none"   // nobody: the rule only observes
)

// TagSRE on a rule sends its alerts to those who run Picket: it is about what
// Picket can see, not about what happened on an account.
const TagSRE = "picket.sre"

// ImportanceCritical is the importance of accounts for which people are woken.
const ImportanceCritical = "critical"

// UrgencyOf says how people are told of an alert at a moment:
//
//	critical              page, at any hour
//	denied                page, at any hour: asked, the person whose login or
//	                      account it is said that it was not them
//	high                  page in the account's working hours; outside them page
//	                      where the account's importance is critical, else hours
//	medium                chat
//	low, informational    digest
//	rules with TagSRE     sre
//	rules that observe    none
//
// Without configured working hours nobody knows when people are at work, so a
// high alert pages at any hour. It does not depend on the alert's state: who
// pages leaves out those that are acknowledged or resolved.
func UrgencyOf(a *Alert, info AccountInfo, at time.Time) Urgency {
	switch {
	case a.Rule.Mode == rules.Observe:
		return UrgencyNone
	case slices.Contains(a.Rule.Tags, TagSRE):
		return UrgencySRE
	case a.denied():
		return UrgencyPage
	}
	switch a.Rule.Level {
	case rules.Critical:
		return UrgencyPage
	case rules.High:
		if info.Importance == ImportanceCritical || info.Working == nil || info.Working(at) {
			return UrgencyPage
		}
		return UrgencyHours
	case rules.Medium:
		return UrgencyChat
	case rules.Low, rules.Informational:
	}
	return UrgencyDigest
}

// denied reports whether somebody said that it was not them.
func (a *Alert) denied() bool { return a.Answered != nil && !a.Answered.Me }

// Urgency says how people are told of an alert at a moment, by what dir, which
// may be nil, says of its account.
func (a *Alert) Urgency(dir Directory, at time.Time) Urgency {
	var info AccountInfo
	if dir != nil {
		info, _ = dir.Account(a.Account)
	}
	return UrgencyOf(a, info, at)
}

// telling says in words who is told how, now, and who next; escalation is empty
// where none is configured.
func telling(a *Alert, info AccountInfo, at time.Time, escalation string) string {
	last := "; no escalation configured"
	if escalation != "" {
		last = "; " + escalation
	}
	switch UrgencyOf(a, info, at) {
	case UrgencyNone:
		return "recorded only: the rule observes, nobody is told"
	case UrgencySRE:
		return "goes to SREs, not to the account's people" + last
	case UrgencyHours:
		return "waits for working hours (" + opening(info, at) + ")"
	case UrgencyChat:
		return "chat only, pages nobody"
	case UrgencyDigest:
		return "digest only, pages nobody"
	case UrgencyPage:
	}
	switch {
	case a.denied():
		return "paged now: " + clean(a.Answered.By) + " says it was not them" + last
	case a.Rule.Level == rules.Critical:
		return "paged now, at any hour" + last
	case info.Working == nil:
		return "paged now: working hours not configured" + last
	case info.Working(at):
		return "paged now, in working hours" + last
	}
	return "paged now: the account is critical" + last
}

// opening says when working hours begin: "in 5 h; Mon-Fri 09:00-18:00".
func opening(info AccountInfo, at time.Time) string {
	hours := clean(info.WorkingHours)
	start, ok := opens(info.Working, at)
	if !ok {
		return hours
	}
	return "in " + roughly(start.Sub(at)) + "; " + hours
}

// Opens returns the first moment after at that is in the account's working
// hours, to the minute, and false where none are configured or none comes within
// a week.
func (i *AccountInfo) Opens(at time.Time) (time.Time, bool) {
	if i.Working == nil {
		return time.Time{}, false
	}
	return opens(i.Working, at)
}

// opens returns the first moment after at that is in working hours, to the
// minute, and false where none is found within a week.
func opens(working func(time.Time) bool, at time.Time) (time.Time, bool) {
	// Steps that skip hours shorter than themselves, which nobody has.
	const step = 5 * time.Minute
	at = at.Truncate(time.Minute)
	for t := at.Add(step); t.Sub(at) <= 7*24*time.Hour+step; t = t.Add(step) {
		if !working(t) {
			continue
		}
		for t.After(at) && working(t.Add(-time.Minute)) {
			t = t.Add(-time.Minute)
		}
		return t, true
	}
	return time.Time{}, false
}

// roughly writes a duration as people say it: "40 min", "5 h", "3 days".
func roughly(d time.Duration) string {
	switch {
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", max(1, int(d.Round(time.Minute)/time.Minute)))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour)/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d.Round(24*time.Hour)/(24*time.Hour)))
}
