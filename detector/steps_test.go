package detector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// stepRules go beside testRules: a silent rule that learns, a sequence over it,
// a match that another excuses, and an account's own peaks.
const stepRules = testRules + `
---
title: Odd country
name: odd_country
id: 00000000-0000-4000-8000-000000000010
baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 2}}
---
title: Profile changed
name: face
id: 00000000-0000-4000-8000-000000000011
level: high
logsource: {product: picket}
detection: {s: {kind: profile}, condition: s}
picket: {generate: true}
---
title: Password changed
name: password
id: 00000000-0000-4000-8000-000000000012
logsource: {product: picket}
detection: {s: {kind: password_change}, condition: s}
---
title: Taken over
name: taken
id: 00000000-0000-4000-8000-000000000013
level: critical
baseline: {type: sequence, rules: [odd_country], then: [face, password], within: 60m}
---
title: Factor removed
name: removed
id: 00000000-0000-4000-8000-000000000014
logsource: {product: picket}
detection: {s: {kind: mfa_change, changed: mfa_removed}, condition: s}
---
title: Factor added
name: added
id: 00000000-0000-4000-8000-000000000015
logsource: {product: picket}
detection: {s: {kind: mfa_change, changed: mfa_added}, condition: s}
---
title: Factor gone
name: gone
id: 00000000-0000-4000-8000-000000000016
level: critical
baseline: {type: without, rules: [removed], without: [added], within: 15m}
---
title: Repost
name: repost
id: 00000000-0000-4000-8000-000000000017
logsource: {product: picket}
detection: {s: {kind: repost}, condition: s}
---
title: Repost storm
name: peak
id: 00000000-0000-4000-8000-000000000018
baseline: {type: peak, rules: [repost], timespan: 10m, floor: 3, factor: 2}
picket: {quiet: 30m}
`

// newStepLog has x/acme, which okta/eve guards, and x/other, which nobody does.
func newStepLog(t testing.TB) *log {
	t.Helper()
	p := plan(t, stepRules,
		detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}, TimeZone: "Europe/Berlin"}, detector.Account{Name: "x/other"})
	return &log{e: detector.NewEngine(0, p, detector.EngineOptions{})}
}

func of(account string, a activity.Activity) activity.Activity {
	a.Account = account
	return a
}

func at(when time.Duration, a activity.Activity) activity.Activity {
	a.Time = start.Add(when)
	return a
}

func kind(k activity.Kind, changed ...string) activity.Activity {
	return activity.Activity{Kind: k, Changed: changed}
}

func TestSequence(t *testing.T) {
	const far = 3 * day // the logins before are learned
	eve := func(a activity.Activity) activity.Activity { return of("okta/eve", a) }
	rows := []struct {
		name string
		play func(l *log)
		want []string
	}{
		{"an odd login of the identity, then the account's profile", func(l *log) {
			l.put(far, eve(login("RO")))
			l.put(far+12*time.Minute, kind(activity.KindProfile))
		}, []string{"72h12m0s open face ×1 x/acme", "72h12m0s open taken ×1 x/acme"}},
		{"and then the identity's password", func(l *log) {
			l.put(far, eve(login("RO")))
			l.put(far+time.Minute, eve(kind(activity.KindPasswordChange)))
		}, []string{"72h1m0s open taken ×1 okta/eve"}},
		{"the first step comes later in the log", func(l *log) {
			l.put(far+12*time.Minute, kind(activity.KindProfile))
			l.put(far+14*time.Minute, eve(at(far, login("RO"))))
		}, []string{"72h12m0s open face ×1 x/acme", "72h14m0s open taken ×1 x/acme"}},
		{"an hour and a second later", func(l *log) {
			l.put(far, eve(login("RO")))
			l.put(far+time.Hour+time.Second, kind(activity.KindProfile))
		}, []string{"73h0m1s open face ×1 x/acme", "74h0m1s close face ×1 x/acme (quiet)"}},
		{"the wrong way round", func(l *log) {
			l.put(far, eve(kind(activity.KindPasswordChange)))
			l.put(far+time.Minute, eve(login("RO")))
		}, nil},
		{"on an account that the identity does not guard", func(l *log) {
			l.put(far, eve(login("RO")))
			l.put(far+time.Minute, of("x/other", kind(activity.KindProfile)))
		}, []string{"72h1m0s open face ×1 x/other"}},
		{"after a usual login", func(l *log) {
			l.put(far, eve(login("DE")))
			l.put(far+time.Minute, eve(kind(activity.KindPasswordChange)))
		}, nil},
		{"history teaches only", func(l *log) {
			l.batch(far, activity.Batch{Backfill: true, Activities: []activity.Activity{eve(login("RO")), eve(at(far+time.Second, kind(activity.KindPasswordChange)))}})
		}, nil},
		{"a second change updates", func(l *log) {
			l.put(far, eve(login("RO")))
			l.put(far+time.Minute, eve(kind(activity.KindPasswordChange)))
			l.put(far+2*time.Minute, eve(kind(activity.KindPasswordChange)))
		}, []string{"72h1m0s open taken ×1 okta/eve", "72h2m0s update taken ×2 okta/eve"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := newStepLog(t)
			for i := range 4 {
				l.put(time.Duration(i)*12*time.Hour, eve(login("DE")))
			}
			row.play(l)
			var got []string
			for _, line := range l.lines { // new_country of testRules is about the same login
				if !strings.Contains(line, "new_country") {
					got = append(got, line)
				}
			}
			if row.name == "an hour and a second later" {
				l.tick(far + 2*time.Hour + time.Second)
				got = append(got, l.lines[len(l.lines)-1])
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

func TestSequenceSaysItsSteps(t *testing.T) {
	l := newStepLog(t)
	for i := range 4 {
		l.put(time.Duration(i)*12*time.Hour, of("okta/eve", login("DE")))
	}
	l.put(3*day, of("okta/eve", login("RO")))
	face := kind(activity.KindProfile, "name")
	l.put(3*day+12*time.Minute, face)
	f := l.found[len(l.found)-1]
	want := []detector.Reason{
		{Seen: "okta/eve: odd country (country RO)"},
		{Seen: "then 12m later: profile changed (kind profile)"},
	}
	if d := cmp.Diff(want, f.Reasons); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	var steps []string
	for _, r := range f.Related {
		steps = append(steps, fmt.Sprintf("%s %s %s %v %s", r.Time.Sub(start), r.Rule, r.Account, r.Episode != "", r.Words))
	}
	if d := cmp.Diff([]string{"72h0m0s odd_country okta/eve false country RO", "72h12m0s face x/acme true kind profile"}, steps); d != "" {
		t.Errorf("related (-want +got):\n%s", d)
	}
	if len(f.Evidence) != 2 || f.Evidence[0].Account != "okta/eve" || f.Evidence[1].Kind != activity.KindProfile {
		t.Errorf("evidence %+v, want the login and the change", f.Evidence)
	}
}

const oddNetwork = `
---
title: Odd network
name: odd_network
id: 00000000-0000-4000-8000-000000000019
baseline: {type: new_value, rules: [login], field: geo.asn, learn: {period: 1d, events: 2}}
`

// evesLogin is a login of the identity that guards x/acme, by country and network.
func evesLogin(country string, asn float64) activity.Activity {
	a := of("okta/eve", login(country))
	a.Geo.ASN = activity.Some(asn)
	return a
}

// TestSequenceSaysOneLoginOnce holds that a login which several rules find odd is
// one piece of evidence, and that what is odd of it is said once.
func TestSequenceSaysOneLoginOnce(t *testing.T) {
	const more = oddNetwork + `---
title: Country of nobody
name: nobodys
id: 00000000-0000-4000-8000-000000000020
baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 2}}
`
	l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(stepRules, "rules: [odd_country]", "rules: [odd_country, odd_network, nobodys]", 1)+more,
		detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}}), detector.EngineOptions{})}
	for i := range 4 {
		l.put(time.Duration(i)*12*time.Hour, evesLogin("DE", 64500))
	}
	l.put(3*day, evesLogin("RO", 64511))
	l.put(3*day+time.Minute, of("okta/eve", kind(activity.KindPasswordChange)))
	f := l.last(t, "taken")
	want := []detector.Reason{
		{Seen: "odd country (country RO)"},
		{Seen: "odd network (network AS64511)"}, // and not the country again
		{Seen: "then 1m later: password changed (kind password_change)"},
	}
	if d := cmp.Diff(want, f.Reasons); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	if len(f.Evidence) != 2 || f.Evidence[0].Kind != activity.KindLogin || f.Evidence[1].Kind != activity.KindPasswordChange {
		t.Errorf("evidence %+v, want the login and the change", f.Evidence)
	}
	if len(f.Related) != 4 {
		t.Errorf("related %+v, want the three rules about the login, and the change", f.Related)
	}
}

// TestSequenceSaysAnAlertOnce holds that of rules which joined one alert about a
// login the first is named: the alert tells the others.
func TestSequenceSaysAnAlertOnce(t *testing.T) {
	const silent = "baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 2}}\n"
	const more = oddNetwork + `picket: {generate: true, joins: [odd_country]}
`
	rules := strings.Replace(stepRules, silent, silent+"picket: {generate: true}\n", 1)
	rules = strings.Replace(rules, "rules: [odd_country]", "rules: [odd_country, odd_network]", 1) + more
	l := &log{e: detector.NewEngine(0, plan(t, rules, detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}}), detector.EngineOptions{})}
	for i := range 4 {
		l.put(time.Duration(i)*12*time.Hour, evesLogin("DE", 64500))
	}
	l.put(3*day, evesLogin("RO", 64511))
	l.put(3*day+time.Minute, of("okta/eve", kind(activity.KindPasswordChange)))
	want := []detector.Reason{
		{Seen: "odd country (country RO)"},
		{Seen: "then 1m later: password changed (kind password_change)"},
	}
	if d := cmp.Diff(want, l.last(t, "taken").Reasons); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}

// TestVerdictEndsASequence: a login that a person called their own begins no
// takeover, and one that nobody vouches for, or that came after, does.
func TestVerdictEndsASequence(t *testing.T) {
	const silent = "baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 1d, events: 2}}\n"
	loud := strings.Replace(stepRules, silent, silent+"picket: {generate: true}\n", 1)
	eve := func(a activity.Activity) activity.Activity { return of("okta/eve", a) }
	rows := []struct {
		name string
		says string
		more func(l *log, said activity.Activity)
		want []string
	}{
		{"their own", activity.VerdictExpected, func(*log, activity.Activity) {}, nil},
		{"no reason to tell anybody", activity.VerdictFalse, func(*log, activity.Activity) {}, nil},
		{"an intruder's", activity.VerdictTrue, func(*log, activity.Activity) {}, []string{"72h20m0s open taken ×1 okta/eve"}},
		{"their own, and then another", activity.VerdictExpected, func(l *log, said activity.Activity) {
			l.put(3*day+10*time.Minute, eve(login("FR")))
			l.put(3*day+12*time.Minute, eve(at(3*day+5*time.Minute, said))) // told again
		}, []string{"72h20m0s open taken ×1 okta/eve"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, loud, detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}}), detector.EngineOptions{})}
			for i := range 4 {
				l.put(time.Duration(i)*12*time.Hour, eve(login("DE")))
			}
			l.put(3*day, eve(login("RO")))
			said := verdict(l.last(t, "odd_country").Episode, row.says)
			said.ID = "said"
			l.put(3*day+5*time.Minute, eve(said))
			row.more(l, said)
			l.put(3*day+20*time.Minute, eve(kind(activity.KindPasswordChange)))
			if d := cmp.Diff(row.want, l.said("taken")); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

// TestSequenceSaysEachStepOnce holds that the second step is not buried under
// first ones that are all the same, such as posts of one new app.
func TestSequenceSaysEachStepOnce(t *testing.T) {
	const learns = "field: geo.country, learn: {period: 1d, events: 2}}\n"
	const open = learns + "picket: {generate: true, quiet: 6h}\n" // what is open is not learned
	l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(stepRules, learns, open, 1),
		detector.Account{Name: "x/acme", TimeZone: "Europe/Berlin"}), detector.EngineOptions{})}
	for i := range 4 {
		l.put(time.Duration(i)*12*time.Hour, login("DE"))
	}
	for i := range 5 {
		l.put(3*day+time.Duration(i)*time.Minute, login("RO"))
	}
	l.put(3*day+12*time.Minute, kind(activity.KindProfile, "name"))
	f := l.found[len(l.found)-1]
	want := []detector.Reason{{Seen: "odd country (country RO)"}, {Seen: "then 8m later: profile changed (kind profile)"}}
	if d := cmp.Diff(want, f.Reasons); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
	if len(f.Related) != 6 {
		t.Errorf("%d related, want five logins and the change", len(f.Related))
	}
}

func TestWithout(t *testing.T) {
	removed, added := kind(activity.KindMFAChange, "mfa_removed"), kind(activity.KindMFAChange, "mfa_added")
	rows := []struct {
		name string
		play func(l *log)
		want []string
	}{
		{"nothing before", func(l *log) { l.put(0, removed) }, []string{"0s open gone ×1 x/acme"}},
		{"a new one just before", func(l *log) { l.put(0, added); l.put(15*time.Minute, removed) }, nil},
		{"a new one long before", func(l *log) { l.put(0, added); l.put(16*time.Minute, removed) }, []string{"16m0s open gone ×1 x/acme"}},
		{"a new one only after", func(l *log) { l.put(0, removed); l.put(time.Minute, added) }, []string{"0s open gone ×1 x/acme"}},
		{"both in one", func(l *log) { l.put(0, kind(activity.KindMFAChange, "mfa_removed", "mfa_added")) }, nil},
		{"another account's", func(l *log) { l.put(0, of("x/other", added)); l.put(time.Minute, removed) }, []string{"1m0s open gone ×1 x/acme"}},
		{
			"a new one before, told late", func(l *log) { l.put(10*time.Minute, removed); l.put(11*time.Minute, at(5*time.Minute, added)) },
			[]string{"10m0s open gone ×1 x/acme", "11m0s close gone ×1 x/acme (factor added before it, told late)"},
		},
		{"in history", func(l *log) {
			l.batch(0, activity.Batch{Backfill: true, Activities: []activity.Activity{removed}})
		}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := newStepLog(t)
			row.play(l)
			l.want(t, row.want...)
		})
	}
}

func TestPeak(t *testing.T) {
	burst := func(l *log, when time.Duration, n int) {
		for i := range n {
			l.put(when+time.Duration(i)*time.Second, kind(activity.KindRepost))
		}
		l.tick(when + time.Hour)
		l.tick(when + 2*time.Hour)
	}
	opened := func(l *log) (out []string) {
		for i := range l.found {
			if f := &l.found[i]; f.Phase == detector.Open {
				out = append(out, f.LogTime.Sub(start).String()+" "+f.Reasons[0].Seen+" ("+f.Reasons[0].Expected+")")
			}
		}
		return out
	}
	rows := []struct {
		name string
		play func(l *log)
		want []string
	}{
		{
			"the floor judges a new account", func(l *log) { burst(l, 0, 2); burst(l, day, 3) },
			[]string{"24h0m2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)"},
		},
		{
			"one busy day does not raise the limit, two do", func(l *log) { burst(l, 0, 4); burst(l, day, 4); burst(l, 2*day, 7); burst(l, 3*day, 9) },
			[]string{
				"2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)",
				"24h0m2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)",
				"72h0m7s 8 activities in 7s (fewer than 8 in 10m, 2 × its own peak of 4 in 3 days)",
			},
		},
		{
			"peaks are forgotten", func(l *log) { burst(l, 0, 4); burst(l, day, 4); burst(l, 100*day, 4) },
			[]string{
				"2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)",
				"24h0m2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)",
				"2400h0m2s 3 activities in 2s (fewer than 3 in 10m; its own pace is not known yet)",
			},
		},
		{"history teaches", func(l *log) {
			for d := range 2 {
				var b activity.Batch
				for i := range 5 {
					b.Activities = append(b.Activities, at(time.Duration(d)*day+time.Duration(i)*time.Second, kind(activity.KindRepost)))
				}
				b.Backfill = true
				l.batch(3*day, b)
			}
			burst(l, 4*day, 9)
			burst(l, 5*day, 10)
		}, []string{"120h0m9s 10 activities in 9s (fewer than 10 in 10m, 2 × its own peak of 5 in 5 days)"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := newStepLog(t)
			row.play(l)
			if d := cmp.Diff(row.want, opened(l)); d != "" {
				t.Errorf("opened (-want +got):\n%s", d)
			}
		})
	}
}

// TestSinceTheLogin: the alert about an identity's login says what happened on
// the accounts that it guards.
func TestSinceTheLogin(t *testing.T) {
	l := newStepLog(t)
	for i := range 4 {
		l.put(time.Duration(i)*5*day, of("okta/eve", login("DE")))
	}
	l.put(20*day, of("okta/eve", login("RO")))
	l.put(20*day+time.Minute, at(20*day-time.Minute, post("before")), post("hello"), of("x/other", post("elsewhere")))
	for i := range 7 {
		l.put(20*day+time.Duration(2+i)*time.Minute, kind(activity.KindDelete))
	}
	var got []string
	for i := range l.found {
		if f := &l.found[i]; f.Rule.Name == "new_country" {
			got = append(got, fmt.Sprintf("%s %s %d %d as of %s", f.LogTime.Sub(start), f.Phase, f.Since.Count, len(f.Since.Activities), f.Since.AsOf.Sub(start)))
		}
	}
	want := []string{
		"480h0m0s open 0 0 as of 480h0m0s",
		"480h1m0s update 1 1 as of 480h1m0s",
		"480h2m0s update 2 2 as of 480h2m0s",
		"480h3m0s update 3 3 as of 480h3m0s",
		"480h4m0s update 4 4 as of 480h4m0s",
		"480h8m0s update 8 4 as of 480h8m0s",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestSinceTheTakeover: the alert that an identity is being taken over says it,
// too, from the login on: it is the one that people read at night.
func TestSinceTheTakeover(t *testing.T) {
	l := newStepLog(t)
	for i := range 4 {
		l.put(time.Duration(i)*12*time.Hour, of("okta/eve", login("DE")))
	}
	l.put(3*day, at(3*day-time.Minute, post("before")), of("okta/eve", login("RO")))
	l.put(3*day+time.Minute, post("hello"), of("x/other", post("elsewhere")))
	l.put(3*day+2*time.Minute, of("okta/eve", kind(activity.KindPasswordChange)))
	l.put(3*day+3*time.Minute, post("again"))
	var got []string
	for i := range l.found {
		if f := &l.found[i]; f.Rule.Name == "taken" && f.Account == "okta/eve" {
			got = append(got, fmt.Sprintf("%s %s %d", f.LogTime.Sub(start), f.Phase, f.Since.Count))
		}
	}
	if d := cmp.Diff([]string{"72h2m0s open 1", "72h3m0s update 2"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestDeletedEvidence: an alert about a post says when it is gone.
func TestDeletedEvidence(t *testing.T) {
	l := newStepLog(t)
	for i := range 3 {
		p := post("spam")
		p.ID = fmt.Sprint("p", i)
		l.put(time.Duration(i)*time.Second, p)
	}
	gone := kind(activity.KindDelete)
	gone.Object = "p1"
	l.put(time.Minute, gone)
	gone.ID = "again"
	l.put(2*time.Minute, gone)
	gone.Object, gone.ID = "another", "other"
	l.put(3*time.Minute, gone)
	l.want(t, "2s open burst ×3 x/acme", "1m0s update burst ×3 x/acme")
	if got := l.found[1].Deleted; len(got) != 1 || !got["p1"].Equal(start.Add(time.Minute)) {
		t.Errorf("deleted %v, want p1 after a minute", got)
	}
}

// TestCoverageOfSeveralIdentities: a rule that guards an account through one
// identity says which others nothing shows.
func TestCoverageOfSeveralIdentities(t *testing.T) {
	p := plan(t, stepRules, detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve", "entra/bob"}})
	l := &log{e: detector.NewEngine(0, p, detector.EngineOptions{})}
	for i := range 20 {
		l.put(time.Duration(i)*day, of("okta/eve", login("DE")))
	}
	sight := func(account string, k activity.Kind, _ string) detector.Sight {
		return detector.Sight{Seen: account == "okta/eve" && k == activity.KindLogin, Why: "nothing sends logins", Mend: "connect Entra"}
	}
	for _, c := range l.e.Coverage([]string{"x/acme"}, sight) {
		switch c.Rule.Name {
		case "new_country":
			if c.State != detector.CoverageActive || c.Why != "through okta/eve; not for entra/bob: nothing sends logins" || c.Mend != "connect Entra" {
				t.Errorf("new_country: %s %q %q", c.State, c.Why, c.Mend)
			}
		case "burst":
			if c.State != detector.CoverageNoSource || c.Why != "nothing sends logins" {
				t.Errorf("burst: %s %q", c.State, c.Why)
			}
		}
	}
}

func TestCoverage(t *testing.T) {
	sight := func(account string, k activity.Kind, field string) detector.Sight {
		switch {
		case account == "okta/eve" && k == activity.KindLogin:
			return detector.Sight{Seen: true}
		case account == "x/acme" && (k == activity.KindPost || k == activity.KindRepost || k == activity.KindProfile) && field == "":
			return detector.Sight{Seen: true}
		}
		return detector.Sight{Why: "nobody shows " + strings.TrimSpace(string(k)+" "+field), Mend: "connect " + account}
	}
	l := newStepLog(t)
	for i := range 3 {
		l.put(time.Duration(i)*day, of("okta/eve", login("DE")))
	}
	l.put(9*day, kind(activity.KindRepost))
	got := map[string]string{}
	for _, c := range l.e.Coverage([]string{"x/acme", "x/other", "okta/eve"}, sight) {
		got[c.Account+" "+c.Rule.Name] = strings.TrimSpace(fmt.Sprintf("%s %s", c.State, c.Why))
	}
	for key, want := range map[string]string{
		"x/acme new_country":  "learning through okta/eve: 9 of 14 days and 3 of 3 activities; waits 42 days at most",
		"x/acme burst":        "active",
		"x/acme missing":      "off posts of this account need no approval",
		"x/acme many_apps":    "no_source nobody shows post app",
		"x/acme face":         "active",
		"x/acme taken":        "active",
		"okta/eve missing":    "no_source nobody shows post",
		"x/other taken":       "no_source nobody shows login geo.country",
		"x/acme gone":         "no_source nobody shows mfa_change",
		"x/acme peak":         "active only from 3 on, until it knows the account: 0 of 14 days and 1 of 20 activities; waits 42 days at most",
		"x/other face":        "no_source nobody shows profile",
		"x/other new_country": "no_source nobody shows login geo.country",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
}
