package detector_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

const loginRules = `
title: Login
name: login
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
---
title: On the way
name: aloft
logsource: {product: picket}
detection: {s: {geo.as_org: Skynet}, condition: s}
---
title: New country
name: new_country
level: high
baseline: {type: new_value, rules: [login], field: geo.country, learn: {period: 14d, events: 20}}
picket: {quiet: 6h}
---
title: Impossible travel
name: travel
level: high
baseline: {type: travel, rules: [login], without: [aloft]}
picket: {quiet: 6h}
---
title: Unlike the person
name: unlike
level: high
baseline: {type: login_risk, rules: [login]}
picket: {quiet: 6h}
---
title: Seldom app
name: seldom
level: low
baseline: {type: rare_value, rules: [login], field: app, learn: {period: 14d, events: 20}}
picket: {quiet: 6h}
`

const laptop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

// home and away are logins of the person and of an intruder.
func home() activity.Activity {
	return activity.Activity{
		Kind: activity.KindLogin, IP: "192.0.2.7", UserAgent: laptop, App: "portal",
		Geo: activity.Geo{Country: "DE", ASN: activity.Some(64500), Lat: activity.Some(52.52), Lon: activity.Some(13.405), Radius: activity.Some(20), Proxy: "none"},
	}
}

func away() activity.Activity {
	return activity.Activity{
		Kind: activity.KindLogin, IP: "203.0.113.9", UserAgent: "curl/8.5", App: "console",
		Geo: activity.Geo{Country: "VN", City: "Hanoi", ASN: activity.Some(64511), Lat: activity.Some(21.03), Lon: activity.Some(105.8), Radius: activity.Some(20), Proxy: "hosting"},
	}
}

// atHome is a log of someone who logged in twice a day for 30 days, the last
// time 20 minutes before intrusion.
const intrusion = 30*day + 20*time.Minute

func atHome(t testing.TB, src string, accounts ...detector.Account) *log {
	t.Helper()
	l := &log{e: detector.NewEngine(0, plan(t, src, accounts...), detector.EngineOptions{})}
	for d := range 30 {
		l.put(time.Duration(d)*day, home())
		l.put(time.Duration(d)*day+5*time.Hour, home())
	}
	l.put(30*day, home())
	if len(l.lines) > 0 {
		t.Fatalf("the person's own logins: %v", l.lines)
	}
	return l
}

// TestTenthLogin holds that nothing is learned of an intruder whose alert is
// open: the tenth login is as odd as the first.
func TestTenthLogin(t *testing.T) {
	l := atHome(t, loginRules)
	first := map[string]detector.Finding{}
	for n := range 10 {
		l.put(intrusion+time.Duration(n)*time.Hour, away())
		l.put(intrusion+time.Duration(n)*time.Hour+40*time.Minute, home()) // the person goes on
		if n == 0 {
			for _, f := range l.found {
				first[f.Rule.Name] = f
			}
		}
	}
	for _, row := range []struct {
		rule, field, seen string
		count             int
	}{
		{"new_country", "geo.country", "country VN", 10},
		{"travel", "geo", "8,", 10},
		{"unlike", "geo.country", "country VN", 10},
		{"seldom", "app", "app console", 10},
	} {
		f := l.last(t, row.rule)
		why := func(f detector.Finding) string {
			for _, r := range f.Reasons {
				if r.Field == row.field && strings.HasPrefix(r.Seen, row.seen) {
					return r.Seen
				}
			}
			return ""
		}
		if f.Count != row.count || f.Phase != detector.Update || why(f) == "" || why(first[row.rule]) == "" {
			t.Errorf("%s: %s ×%d, first %+v, tenth %+v; want an update ×%d about %s", row.rule, f.Phase, f.Count, first[row.rule].Reasons, f.Reasons, row.count, row.field)
		}
	}
	for _, line := range l.lines {
		if strings.Contains(line, "×11") {
			t.Errorf("the person's own login counts, too: %s", line)
		}
	}
}

// TestTravelNeedsAPlace holds what is no journey.
func TestTravelNeedsAPlace(t *testing.T) {
	with := func(change func(a *activity.Activity)) activity.Activity {
		a := away()
		change(&a)
		return a
	}
	for _, row := range []struct {
		name string
		a    activity.Activity
		want int
	}{
		{"far away", away(), 1},
		{"on an aircraft", with(func(a *activity.Activity) { a.Geo.ASOrg = "Skynet" }), 0},
		{"no coordinates", with(func(a *activity.Activity) { a.Geo.Lat = activity.Opt{} }), 0},
		{"history", with(func(a *activity.Activity) { a.ID = "backfill" }), 0},
		{"may be anywhere", with(func(a *activity.Activity) {
			a.Geo.Lat, a.Geo.Lon, a.Geo.Radius = activity.Some(48.14), activity.Some(11.58), activity.Some(500)
		}), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := atHome(t, loginRules)
			if row.a.ID == "backfill" {
				l.batch(intrusion, activity.Batch{Backfill: true, Activities: []activity.Activity{row.a}})
			} else {
				l.put(intrusion, row.a)
			}
			if got := len(l.said("travel")); got != row.want {
				t.Errorf("%d findings, want %d: %v", got, row.want, l.lines)
			}
		})
	}
}

// TestTravelWords holds the words of a journey.
func TestTravelWords(t *testing.T) {
	l := atHome(t, loginRules)
	l.put(intrusion+21*time.Minute, away())
	got := l.last(t, "travel").Reasons[0]
	want := detector.Reason{
		Field: "geo", Seen: "8,325 km in 41 min = 12,183 km/h",
		Detail: map[string]string{"limit": "900", "km": "8325", "slack_km": "40", "km_per_hour": "12183", "to": "Hanoi"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

// joinedRules lets the others join what is unlike the person.
var joinedRules = strings.NewReplacer(
	"learn: {period: 14d, events: 20}}\npicket: {quiet: 6h}", "learn: {period: 14d, events: 20}}\npicket: {quiet: 6h, joins: [unlike]}",
	"without: [aloft]}\npicket: {quiet: 6h}", "without: [aloft]}\npicket: {quiet: 6h, joins: [unlike]}",
).Replace(loginRules)

// TestOneLoginIsOneFinding holds that what several rules find about one login
// is one finding with the reasons of all.
func TestOneLoginIsOneFinding(t *testing.T) {
	l := atHome(t, joinedRules)
	l.put(intrusion, away())
	if len(l.found) != 1 {
		t.Fatalf("findings: %v, want one", l.lines)
	}
	f := l.found[0]
	var got []string
	for _, r := range f.Reasons {
		got = append(got, r.Field+": "+r.Seen)
	}
	want := []string{
		"geo: 8,325 km in 20 min = 24,975 km/h",
		"geo.country: country VN",
		"device: no system that is known",
		"geo.asn: network AS64511",
		"app: app console",
		": 3,200 times likelier somebody else's login than this person's",
	}
	if diff := cmp.Diff(want, got); diff != "" || f.Rule.Name != "unlike" || f.Phase != detector.Open || f.Count != 1 {
		t.Errorf("%s %s ×%d, reasons (-want +got):\n%s", f.Rule.Name, f.Phase, f.Count, diff)
	}
	if f.Reasons[1].Expected != "DE 61 in 30 days" || f.Reasons[1].Detail["weight"] == "" {
		t.Errorf("the country is explained by %+v, want the learned countries and the weight", f.Reasons[1])
	}
	l.put(intrusion+time.Hour, away())
	if f := l.found[len(l.found)-1]; len(l.found) != 2 || f.Count != 2 || f.Phase != detector.Update {
		t.Errorf("after a second login: %v, want one update ×2", l.lines)
	}
}

// TestLowOdds holds that a rule which tells even of likely logins does not call
// them unlikely.
func TestLowOdds(t *testing.T) {
	l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(loginRules, "{type: login_risk, rules: [login]}", "{type: login_risk, rules: [login], odds: 0.001}", 1)), detector.EngineOptions{})}
	for d := range 31 {
		a := home()
		if d%4 == 0 {
			a.IP = "198.51.100.9"
		}
		l.put(time.Duration(d)*day, a)
	}
	late := home()
	late.IP = "203.0.113.40"
	l.put(31*day, late)
	why := l.last(t, "unlike").Reasons
	for _, r := range why[:len(why)-1] {
		if !strings.HasPrefix(r.Seen, "address ") {
			t.Errorf("reason %q, want only what speaks against it", r.Seen)
		}
	}
	if got := why[len(why)-1].Seen; !strings.HasSuffix(got, " times likelier this person's login than somebody else's") {
		t.Errorf("last reason %q, want that it is likelier this person's", got)
	}
}

// TestJoinsWakeNobodyLess holds that a match goes into another alert only where
// that reaches whoever an alert of its own would.
func TestJoinsWakeNobodyLess(t *testing.T) {
	for _, row := range []struct {
		name      string
		overrides []detector.Override
		want      []string // the rules that have an alert of their own
	}{
		{"as written", nil, []string{"unlike"}},
		{"the other only observes", []detector.Override{{Rule: "unlike", Mode: rules.Observe}}, []string{"new_country", "seldom", "travel", "unlike"}},
		{"the other is less urgent", []detector.Override{{Rule: "unlike", Level: rules.Medium}}, []string{"new_country", "travel", "unlike"}},
		{"one observes", []detector.Override{{Rule: "travel", Mode: rules.Observe}}, []string{"travel", "unlike"}},
		{"both observe", []detector.Override{{Rule: "travel", Mode: rules.Observe}, {Rule: "unlike", Mode: rules.Observe}}, []string{"new_country", "seldom", "unlike"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := atHome(t, joinedRules)
			set := detector.Set{Rules: []rules.File{{Name: "rules.yml", Data: []byte(joinedRules)}}, Overrides: row.overrides}
			p, err := detector.Compile(set)
			if err != nil {
				t.Fatal(err)
			}
			l.e.Activate(l.seq+1, start.Add(intrusion), p)
			l.put(intrusion, away())
			var got []string
			for _, f := range l.found {
				got = append(got, f.Rule.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLaterSignIsItsOwnAlert holds that a sign as urgent as an open alert, which
// that did not have, wakes somebody: the alert may be acknowledged by then.
func TestLaterSignIsItsOwnAlert(t *testing.T) {
	curl := home() // another device at the same place
	curl.UserAgent, curl.IP = "curl/8.5", "198.51.100.9"
	curl.Geo.ASN, curl.Geo.Proxy = activity.Some(64599), "hosting"
	l := atHome(t, joinedRules)
	l.put(intrusion, curl)
	if got := l.found[len(l.found)-1]; len(l.found) != 1 || got.Rule.Name != "unlike" {
		t.Fatalf("another device: %v, want one alert", l.lines)
	}
	l.put(intrusion+20*time.Minute, away())
	opened := map[string]bool{}
	for _, f := range l.found[1:] {
		if f.Phase == detector.Open {
			opened[f.Rule.Name] = true
		}
	}
	if want := map[string]bool{"new_country": true, "travel": true}; !maps.Equal(opened, want) {
		t.Errorf("from another country: %v opened, want the two that are as urgent and new: %v", opened, l.lines)
	}
	if last := l.last(t, "unlike"); !slices.ContainsFunc(last.Reasons, func(r detector.Reason) bool { return r.Field == "app" }) {
		t.Errorf("reasons %+v, want the less urgent seldom app among them", last.Reasons)
	}
}

// TestNothingJoinsWhatIsMuted holds that a finding does not go into an episode
// that pages nobody because people were told of another login's country.
func TestNothingJoinsWhatIsMuted(t *testing.T) {
	l := atHome(t, strings.Replace(loginRules, "without: [aloft]}\npicket: {quiet: 6h}", "without: [aloft]}\npicket: {quiet: 6h, joins: [new_country]}", 1))
	l.put(intrusion, away())
	l.put(intrusion+2*day, home())
	n := len(l.found)
	other := away() // by another network elsewhere in the country
	other.Geo.ASN, other.Geo.Lat, other.Geo.Lon = activity.Some(64533), activity.Some(10.8), activity.Some(106.6)
	l.put(intrusion+2*day+time.Hour, other)
	var got []string
	for _, f := range l.found[n:] {
		if f.Rule.Name == "travel" || f.Rule.Name == "new_country" {
			got = append(got, fmt.Sprintf("%s %s %s", f.Phase, f.Rule.Name, f.Rule.Mode))
		}
	}
	if want := []string{"open new_country observe", "open travel enforce"}; !slices.Equal(got, want) {
		t.Errorf("findings %v, want %v", got, want)
	}
}

// TestJoinedAreQuarantined holds that what joined an alert is learned when that
// closes, and not before; a country waits for a verdict and is not told anew.
func TestJoinedAreQuarantined(t *testing.T) {
	l := atHome(t, joinedRules)
	l.put(intrusion, away())
	l.tick(intrusion + 7*time.Hour)
	if got := l.lines[len(l.lines)-1]; !strings.Contains(got, "close unlike") {
		t.Fatalf("last: %s, want the alert closed", got)
	}
	n := len(l.lines)
	l.put(intrusion+2*day, away())
	for _, line := range l.lines[n:] {
		if strings.Contains(line, "new_country") && !strings.HasSuffix(line, " held") || strings.Contains(line, "travel") {
			t.Errorf("after it closed: %s, want the place known and the country held", line)
		}
	}
}

// TestLoginMemorySurvives plays logins with a snapshot and a restart after each.
func TestLoginMemorySurvives(t *testing.T) {
	play := func(restart bool) (lines []string, memory []byte) {
		l := &log{e: detector.NewEngine(0, plan(t, joinedRules), detector.EngineOptions{})}
		for d := range 40 {
			a := home()
			if d == 33 || d == 34 {
				a = away()
			}
			l.put(time.Duration(d)*day, a)
			l.put(time.Duration(d)*day+20*time.Minute, home())
			if restart {
				data, err := l.e.Snapshot()
				if err != nil {
					t.Fatal(err)
				}
				l.e = detector.NewEngine(0, plan(t, joinedRules), detector.EngineOptions{})
				if err := l.e.Restore(data); err != nil {
					t.Fatal(err)
				}
			}
		}
		data, err := l.e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range l.found {
			lines = append(lines, fmt.Sprintf("%s %s %v", f.Rule.Name, f.Phase, f.Reasons))
		}
		return lines, data
	}
	want, memory := play(false)
	got, restored := play(true)
	if len(want) < 4 {
		t.Fatalf("%d findings, want some: %v", len(want), want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with restarts (-without +with):\n%s", diff)
	}
	if !bytes.Equal(memory, restored) {
		t.Error("the memory differs after restarts")
	}
}

// TestVerdictPutsLoginsBack holds that of an intruder's login nothing stays learned
// where a person says whose it was after its alerts have ended.
func TestVerdictPutsLoginsBack(t *testing.T) {
	for _, row := range []struct {
		name, says string
		unlike     string // what it is held against when it comes again; "" where it is not odd
		seldom     string
	}{
		{"nothing", "", "", "this was 1 of the last 62"},
		{"expected", "expected", "", "this was 1 of the last 62"},
		{"true", "true", "0 of its last 61 logins", "this was 0 of the last 61"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := atHome(t, loginRules)
			l.put(intrusion, away())
			first := map[string]detector.Finding{"unlike": l.last(t, "unlike"), "seldom": l.last(t, "seldom")}
			l.tick(intrusion + 7*time.Hour)
			for rule := range first {
				if f := l.last(t, rule); f.Phase != detector.Close {
					t.Fatalf("%s is %s after seven hours, want it closed", rule, f.Phase)
				}
			}
			if row.says != "" {
				l.put(intrusion+8*time.Hour, verdict(first["unlike"].Episode, row.says), verdict(first["seldom"].Episode, row.says))
			}
			l.put(intrusion+9*time.Hour, away())
			for rule, want := range map[string]string{"unlike": row.unlike, "seldom": row.seldom} {
				f := l.last(t, rule)
				if again := f.Episode != first[rule].Episode && f.Phase == detector.Open; again != (want != "") {
					t.Errorf("%s: %s, %+v, want it open anew: %v", rule, f.Phase, f.Reasons, want != "")
				} else if again && !strings.Contains(f.Reasons[0].Expected, want) {
					t.Errorf("%s: %+v, want it held against %q", rule, f.Reasons, want)
				}
			}
		})
	}
}
