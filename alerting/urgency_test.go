package alerting

import (
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// TestUrgency goes through all levels, at day and at night, by importance and
// with and without configured hours.
func TestUrgency(t *testing.T) {
	day, night := time.Date(2026, 7, 14, 10, 0, 0, 0, time.UTC), time.Date(2026, 7, 14, 1, 12, 0, 0, time.UTC)
	hours := AccountInfo{Working: office(time.UTC), WorkingHours: "Mon-Fri 09:00-18:00"}
	critical, low := hours, hours
	critical.Importance, low.Importance = ImportanceCritical, "low"
	sre, test := []string{"attack.t1078", TagSRE}, []string{rules.TagTest}
	tests := []struct {
		name  string
		level rules.Level
		mode  rules.Mode
		tags  []string
		info  AccountInfo
		at    time.Time
		want  Urgency
		says  string // the Next line begins with it
	}{
		{"critical by day", rules.Critical, rules.Enforce, nil, hours, day, UrgencyPage, "paged now, at any hour"},
		{"critical by night", rules.Critical, rules.Enforce, nil, hours, night, UrgencyPage, "paged now, at any hour"},
		{"critical by night, unimportant account", rules.Critical, rules.Enforce, nil, low, night, UrgencyPage, "paged now, at any hour"},
		{"critical without hours", rules.Critical, rules.Enforce, nil, AccountInfo{}, night, UrgencyPage, "paged now, at any hour"},
		{"high by day", rules.High, rules.Enforce, nil, hours, day, UrgencyPage, "paged now, in working hours"},
		{"high by night", rules.High, rules.Enforce, nil, hours, night, UrgencyHours, "waits for working hours (in 8 h; Mon-Fri 09:00-18:00)"},
		{"high by night, unimportant account", rules.High, rules.Enforce, nil, low, night, UrgencyHours, "waits for working hours (in 8 h; "},
		{"high by night, critical account", rules.High, rules.Enforce, nil, critical, night, UrgencyPage, "paged now: the account is critical"},
		{"high by day, critical account", rules.High, rules.Enforce, nil, critical, day, UrgencyPage, "paged now, in working hours"},
		{"high without hours", rules.High, rules.Enforce, nil, AccountInfo{}, night, UrgencyPage, "paged now: working hours not configured"},
		{"high on Saturday", rules.High, rules.Enforce, nil, hours, time.Date(2026, 7, 18, 10, 0, 0, 0, time.UTC), UrgencyHours, "waits for working hours (in 47 h; "},
		{"high on Friday evening", rules.High, rules.Enforce, nil, hours, time.Date(2026, 7, 17, 18, 0, 0, 0, time.UTC), UrgencyHours, "waits for working hours (in 3 days; "},
		{"high just before work", rules.High, rules.Enforce, nil, hours, time.Date(2026, 7, 14, 8, 59, 30, 0, time.UTC), UrgencyHours, "waits for working hours (in 1 min; "},
		{"medium by day", rules.Medium, rules.Enforce, nil, hours, day, UrgencyChat, "chat only"},
		{"medium by night, critical account", rules.Medium, rules.Enforce, nil, critical, night, UrgencyChat, "chat only"},
		{"low by day", rules.Low, rules.Enforce, nil, hours, day, UrgencyDigest, "digest only"},
		{"low by night, critical account", rules.Low, rules.Enforce, nil, critical, night, UrgencyDigest, "digest only"},
		{"informational", rules.Informational, rules.Enforce, nil, hours, day, UrgencyDigest, "digest only"},
		{"a level of a newer Picket", "grave", rules.Enforce, nil, hours, day, UrgencyDigest, "digest only"},
		{"blind by night", rules.High, rules.Enforce, sre, hours, night, UrgencySRE, "goes to SREs"},
		{"blind, critical", rules.Critical, rules.Enforce, sre, critical, day, UrgencySRE, "goes to SREs"},
		{"observed", rules.Critical, rules.Observe, nil, critical, day, UrgencyNone, "recorded only"},
		{"observed, blind", rules.High, rules.Observe, sre, hours, day, UrgencyNone, "recorded only"},
		{"a test", rules.Low, rules.Enforce, test, AccountInfo{}, night, UrgencyDigest, "digest only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Alert{Rule: Rule{Level: tt.level, Mode: tt.mode, Tags: tt.tags}}
			if got := UrgencyOf(&a, tt.info, tt.at); got != tt.want {
				t.Errorf("urgency = %s, want %s", got, tt.want)
			}
			if got := telling(&a, tt.info, tt.at, ""); len(got) < len(tt.says) || got[:len(tt.says)] != tt.says {
				t.Errorf("text %q, want one that begins with %q", got, tt.says)
			}
		})
	}
}

func TestUrgencyAsksTheDirectory(t *testing.T) {
	a := unapproved()
	a.Rule.Level = rules.High
	night := time.Date(2026, 7, 14, 1, 12, 0, 0, time.UTC)
	if got := a.Urgency(testDirectory(t), night); got != UrgencyHours {
		t.Errorf("urgency = %s, want hours", got)
	}
	if got := a.Urgency(nil, night); got != UrgencyPage {
		t.Errorf("urgency without a directory = %s, want page", got)
	}
}

func TestOpens(t *testing.T) {
	at := time.Date(2026, 7, 14, 1, 12, 40, 0, time.UTC)
	tests := []struct {
		name    string
		working func(time.Time) bool
		want    time.Time
		ok      bool
	}{
		{"at an odd minute", func(t time.Time) bool { return t.Hour() == 7 && t.Minute() >= 13 }, time.Date(2026, 7, 14, 7, 13, 0, 0, time.UTC), true},
		{"at once", func(x time.Time) bool { return !x.Before(at.Truncate(time.Minute).Add(time.Minute)) }, time.Date(2026, 7, 14, 1, 13, 0, 0, time.UTC), true},
		{"in a week", func(x time.Time) bool { return x.Weekday() == time.Tuesday && x.Day() != 14 }, time.Date(2026, 7, 21, 0, 0, 0, 0, time.UTC), true},
		{"always, as nobody asks", func(time.Time) bool { return true }, time.Date(2026, 7, 14, 1, 12, 0, 0, time.UTC), true},
		{"never", func(time.Time) bool { return false }, time.Time{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := opens(tt.working, at)
			if !got.Equal(tt.want) || ok != tt.ok {
				t.Errorf("opens = %s, %t, want %s, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
	info := AccountInfo{Working: func(time.Time) bool { return false }, WorkingHours: "Mon 09:00-09:01"}
	if got, want := opening(info, at), "Mon 09:00-09:01"; got != want {
		t.Errorf("opening = %q, want %q", got, want)
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "1 min", 40 * time.Minute: "40 min", 99 * time.Minute: "99 min", 100 * time.Minute: "2 h",
		6*time.Hour + 10*time.Minute: "6 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days", 80 * time.Hour: "3 days",
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestLate(t *testing.T) {
	at := start()
	for name, tt := range map[string]struct {
		seen time.Time
		want time.Duration
	}{
		"at once":      {at, 0},
		"in time":      {at.Add(LateFrom - time.Second), 0},
		"late":         {at.Add(LateFrom), LateFrom},
		"hours late":   {at.Add(6 * time.Hour), 6 * time.Hour},
		"not known":    {time.Time{}, 0},
		"before it is": {at.Add(-time.Hour), 0},
	} {
		a := Alert{Evidence: []activity.Activity{{Time: at, Seen: tt.seen}}}
		if got := a.Late(); got != tt.want {
			t.Errorf("%s: late by %s, want %s", name, got, tt.want)
		}
	}
	none := Alert{}
	if got := none.Late(); got != 0 {
		t.Errorf("without evidence: late by %s, want 0", got)
	}
}

// A drill must never hide an attack.
func TestOneRealActivityMakesAnAlertReal(t *testing.T) {
	tests := []struct {
		name, account string
		drills        []string
		drill         string
		test          bool
	}{
		{"no evidence", "x/acme", nil, "", false},
		{"real", "x/acme", []string{"", ""}, "", false},
		{"drill", "x/acme", []string{"spring", "spring"}, "spring", false},
		{"real, then drill", "x/acme", []string{"", "spring"}, "", false},
		{"drill, then real", "x/acme", []string{"spring", ""}, "", false},
		{"test", TestAccount, []string{TestDrill}, TestDrill, true},
		{"a drill named test", "x/acme", []string{TestDrill}, TestDrill, false},
		{"another drill of the test account", TestAccount, []string{"spring"}, "spring", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := Alert{Account: tt.account}
			for _, d := range tt.drills {
				a.Evidence = append(a.Evidence, activity.Activity{Drill: d})
			}
			if a.Drill() != tt.drill || a.Test() != tt.test {
				t.Errorf("drill %q, test %t, want %q, %t", a.Drill(), a.Test(), tt.drill, tt.test)
			}
		})
	}
}
