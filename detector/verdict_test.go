package detector_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// verdict is what a person says of the alert of a finding.
func verdict(alert, says string) activity.Activity {
	return activity.Activity{Kind: activity.KindVerdict, Verdict: activity.Verdict{Alert: alert, Says: says, By: "jane"}}
}

func until(a activity.Activity, at time.Duration) activity.Activity {
	a.Verdict.Until = start.Add(at)
	return a
}

// review is what a person says of what new_country has learned.
func review(says string, values ...string) activity.Activity {
	return activity.Activity{Kind: activity.KindVerdict, Verdict: activity.Verdict{Rule: "new_country", Says: says, Values: values, By: "jane"}}
}

// settled returns a log in which x/acme has logged in from DE for 16 days.
func settled(t *testing.T) *log {
	t.Helper()
	l := newLog(t)
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	return l
}

// toldOf returns the findings that opened an episode of which people are told.
func (l *log) toldOf() (out []detector.Finding) {
	told := map[string]bool{}
	for _, f := range l.found {
		if f.Held == "" && f.Phase != detector.Close && !told[f.Episode] {
			told[f.Episode] = true
			out = append(out, f)
		}
	}
	return out
}

func TestIntrudersTenthLoginIsOdd(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		paged int // alerts of ten logins
	}{
		{"within one alert", 10 * time.Minute, 1},
		{"each day, an alert each", day, 1},
		{"every other day, for longer than people are left alone", 2 * day, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := settled(t)
			for i := range 10 {
				l.put(17*day+time.Duration(i)*tt.every, login("RO"))
			}
			tenth := l.found[len(l.found)-1]
			if r := tenth.Reasons[0]; r.Seen != "country RO" || !strings.HasPrefix(r.Expected, "DE 5 in ") {
				t.Errorf("the tenth login is explained by %+v", r)
			}
			if got := len(l.toldOf()); got != tt.paged {
				t.Errorf("people were told %d times, want %d:\n%s", got, tt.paged, strings.Join(l.lines, "\n"))
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	at := 17 * day
	for _, tt := range []struct {
		name    string
		says    activity.Activity
		closed  bool          // the alert is quiet when it is judged
		later   time.Duration // after the first login
		country string
		want    []string // findings from the verdict on
	}{
		{"a new home does not page twice", verdict("", "expected"), false, 30 * day, "RO", []string{"409h0m0s close new_country ×1 x/acme (quiet)"}},
		{"nor once it was quiet", verdict("", "expected"), true, 30 * day, "RO", nil},
		{"a holiday is known while it lasts", until(verdict("", "expected"), at+10*day), false, 9 * day, "RO", []string{"409h0m0s close new_country ×1 x/acme (quiet)"}},
		{"and new when it is over", until(verdict("", "expected"), at+10*day), false, 11 * day, "RO", []string{
			"409h0m0s close new_country ×1 x/acme (quiet)", "672h0m0s open new_country ×1 x/acme",
		}},
		{"a false alarm is learned", verdict("", "false"), false, day, "RO", []string{"409h0m0s close new_country ×1 x/acme (quiet)"}},
		{"an intruder pages at once when he comes again", verdict("", "true"), false, time.Hour, "RO", []string{
			"408h5m0s close new_country ×1 x/acme (verdict: true)", "409h0m0s open new_country ×1 x/acme",
		}},
		{"also where the alert was quiet", verdict("", "true"), true, 3 * time.Hour, "RO", []string{"411h0m0s open new_country ×1 x/acme"}},
		{"another country soon after goes on with the alert", verdict("", "expected"), false, 10 * time.Minute, "FR", []string{"408h10m0s update new_country ×2 x/acme"}},
		{"a verdict on an alert that nobody knows", verdict("0123", "expected"), true, 3 * time.Hour, "RO", []string{"411h0m0s open new_country ×1 x/acme held"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := settled(t)
			l.put(at, login("RO"))
			said := at + 5*time.Minute
			if tt.closed {
				said = at + 2*time.Hour
				l.tick(said)
			}
			if tt.says.Verdict.Alert == "" {
				tt.says.Verdict.Alert = l.found[0].Episode
			}
			n := len(l.lines)
			l.put(said, tt.says)
			l.put(at+tt.later, login(tt.country))
			if d := cmp.Diff(tt.want, append([]string(nil), l.lines[n:]...)); d != "" {
				t.Errorf("findings from the verdict on (-want +got):\n%s", d)
			}
		})
	}
}

// TestSecondVerdictHolds: the newest of two verdicts does.
func TestSecondVerdictHolds(t *testing.T) {
	l := settled(t)
	l.put(17*day, login("RO"))
	alert := l.found[0].Episode
	l.put(17*day+time.Minute, verdict(alert, "expected"))
	l.put(18*day, login("RO"))
	l.put(18*day+time.Minute, verdict(alert, "true"))
	l.put(19*day, login("RO"))
	l.want(
		t,
		"408h0m0s open new_country ×1 x/acme",
		"409h0m0s close new_country ×1 x/acme (quiet)",
		"456h0m0s open new_country ×1 x/acme",
	)
}

// TestNewestWordHolds: what people said last of a value holds, whichever alert or
// review they said it of, and whether that or another alert of it is open.
func TestNewestWordHolds(t *testing.T) {
	const first, second = "first", "second" // alerts of RO
	on := func(alert, says string) activity.Activity { return verdict(alert, says) }
	again := func(alert, says string) activity.Activity { // the same verdict each time
		v := verdict(alert, says)
		v.ID, v.Time = alert+"-1", start.Add(17*day)
		return v
	}
	for _, tt := range []struct {
		name  string
		level string
		does  []activity.Activity // a day after the other; a login opens an alert
		known bool                // RO in the end
	}{
		{"true of an alert before the one that was expected", "high", []activity.Activity{login("RO"), login("RO"), on(second, "expected"), on(first, "true")}, false},
		{"true of the alert whose value was trusted", "high", []activity.Activity{login("RO"), review("trust", "RO"), on(first, "true")}, false},
		{"expected once more after that", "high", []activity.Activity{login("RO"), login("RO"), on(second, "expected"), on(first, "true"), on(second, "expected")}, true},
		{"expected once more of what was forgotten", "high", []activity.Activity{login("RO"), on(first, "expected"), review("forget", "RO"), on(first, "expected")}, true},
		{"not where the one verdict is told again", "high", []activity.Activity{login("RO"), again(first, "expected"), review("forget", "RO"), again(first, "expected")}, false},
		{"nor against what was said of another alert since", "high", []activity.Activity{login("RO"), login("RO"), again(second, "expected"), on(first, "true"), again(second, "expected")}, false},
		{"an intruder's value is not learned of the next alert", "medium", []activity.Activity{login("RO"), on(first, "true"), login("RO")}, false},
		{"unless somebody says so", "medium", []activity.Activity{login("RO"), on(first, "true"), login("RO"), on(second, "expected")}, true},
		{"without a verdict it is learned", "medium", []activity.Activity{login("RO")}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(testRules, "level: high", "level: "+tt.level, 1)), detector.EngineOptions{})}
			for i := range 5 {
				l.put(time.Duration(i)*4*day, login("DE"))
			}
			for i, a := range tt.does {
				var alerts []string
				for _, f := range l.found {
					if f.Phase == detector.Open {
						alerts = append(alerts, f.Episode)
					}
				}
				switch a.Verdict.Alert {
				case first:
					a.Verdict.Alert = alerts[0]
				case second:
					a.Verdict.Alert = alerts[1]
				}
				if a.ID != "" {
					l.crowded(time.Duration(17+i)*day - time.Hour)
				}
				l.put(time.Duration(17+i)*day, a)
			}
			l.tick(40 * day)
			if got := l.knows("new_country", "RO"); got != tt.known {
				t.Errorf("RO is known: %v, want %v", got, tt.known)
			}
		})
	}
}

// TestIntrudersNextAlertIsOpen: the verdict on one alert holds for the next one of
// the same value, which is open already.
func TestIntrudersNextAlertIsOpen(t *testing.T) {
	l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(testRules, "level: high", "level: medium", 1)), detector.EngineOptions{})}
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	l.put(17*day, login("RO"))
	l.put(18*day, review("forget", "RO"))
	l.put(19*day, login("RO"))
	l.put(19*day+time.Minute, verdict(l.found[0].Episode, "true"))
	l.tick(20 * day)
	if l.knows("new_country", "RO") {
		t.Error("an intruder's value is learned when the next alert ends")
	}
}

// TestVerdictToldAgainWhileOpen: what an alert sees after a verdict waits for another
// one, however often the first is told.
func TestVerdictToldAgainWhileOpen(t *testing.T) {
	l := settled(t)
	l.put(17*day, login("RO"))
	v := verdict(l.found[0].Episode, "expected")
	v.ID = "v1"
	l.put(17*day+time.Minute, v)
	l.put(17*day+2*time.Minute, login("MD"))
	v.Time = start.Add(17*day + time.Minute)
	l.crowded(17*day + 2*time.Hour)
	l.put(17*day+4*time.Hour, v)
	l.tick(30 * day)
	if !l.knows("new_country", "RO") || l.knows("new_country", "MD") {
		t.Errorf("RO is known: %v, want true; MD: %v, want false", l.knows("new_country", "RO"), l.knows("new_country", "MD"))
	}
}

// crowded lets so much come of other accounts that what came before is no longer
// known to be told twice.
func (l *log) crowded(at time.Duration) {
	posts := make([]activity.Activity, 17_000)
	for i := range posts {
		posts[i] = activity.Activity{Account: fmt.Sprintf("x/other-%d", i), Kind: activity.KindPost}
	}
	l.put(at, posts...)
}

// knows reports whether a rule has learned a value of x/acme.
func (l *log) knows(rule, value string) bool {
	for _, b := range l.e.Baselines("x/acme", rule) {
		if slices.ContainsFunc(b.Values, func(v detector.KnownValue) bool { return v.Value == value }) {
			return true
		}
	}
	return false
}

// TestReviewOfOpenAlerts: what a person says of a value while an alert that saw it
// is open is not undone when that ends, whether the rule has the alert or joins
// that of another one.
func TestReviewOfOpenAlerts(t *testing.T) {
	trust := review("trust", "VN")
	trust.Verdict.Until = start.Add(intrusion + 12*time.Hour)
	for _, tt := range []struct {
		name  string
		joins string
		says  activity.Activity
	}{
		{"forgotten", "", review("forget", "VN")},
		{"forgotten with everything", "", review("forget")},
		{"trusted for a while", "", trust},
		{"forgotten, of a rule that joins", ", joins: [unlike]", review("forget", "VN")},
		{"forgotten with everything, of a rule that joins", ", joins: [unlike]", review("forget")},
		{"trusted for a while, of a rule that joins", ", joins: [unlike]", trust},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const of = "field: geo.country, learn: {period: 14d, events: 20}}\npicket: {quiet: 6h"
			l := atHome(t, strings.NewReplacer(of, of+tt.joins, "title: New country\nname: new_country\nlevel: high", "title: New country\nname: new_country\nlevel: low").Replace(loginRules))
			l.put(intrusion, away())
			l.put(intrusion+time.Hour, tt.says)
			l.put(intrusion+2*time.Hour, home()) // a model to be taught
			l.tick(intrusion + 2*day)
			if l.knows("new_country", "VN") {
				t.Error("it is learned when the alert ends")
			}
		})
	}
}

// TestHistoryOfAnIntruder: a source that is connected while an alert waits tells
// its history, and the intruder's login is in it. That teaches nothing; what is
// older does.
func TestHistoryOfAnIntruder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		said   string        // of the alert, "" for nothing
		before time.Duration // of the use in the history, before the alert's
		after  time.Duration // when the history is read, after it
		known  bool
	}{
		{"the alert is open", "", 0, 10 * time.Minute, false},
		{"it waits for a verdict", "", 0, 5 * time.Hour, false},
		{"it was an intruder", "true", 0, 5 * time.Hour, false},
		{"it was expected", "expected", 0, 5 * time.Hour, true},
		{"a use of the month before", "", 30 * day, 5 * time.Hour, true},
		{"one while the alert is open", "", 30 * day, 10 * time.Minute, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, testRules), detector.EngineOptions{})}
			for i := range 12 {
				l.put(time.Duration(i)*4*day, login("DE"))
			}
			l.put(45*day, login("RO"))
			if tt.said != "" {
				l.put(45*day+time.Minute, verdict(l.found[0].Episode, tt.said))
			}
			l.batch(45*day+tt.after, activity.Batch{Backfill: true, Activities: []activity.Activity{at(45*day-tt.before, login("RO"))}})
			if got := l.knows("new_country", "RO"); got != tt.known {
				t.Errorf("RO is known: %v, want %v", got, tt.known)
			}
		})
	}
}

// TestToldOnceInTwoWeeks: what people are told in a finding that observed until
// then counts from there.
func TestToldOnceInTwoWeeks(t *testing.T) {
	type use struct {
		after   time.Duration // since the first alert, which saw RO
		country string
	}
	for _, tt := range []struct {
		name string
		uses []use
		want []string // when people are told
	}{
		{
			"it never ends: they are told again after two weeks",
			[]use{{day, "RO"}, {14*day - 20*time.Minute, "RO"}, {14*day + 20*time.Minute, "RO"}, {17 * day, "RO"}, {19 * day, "RO"}},
			[]string{"408h0m0s", "744h20m0s"},
		},
		{
			"another value is told, and after that not for two weeks",
			[]use{{10 * day, "RO"}, {10*day + time.Hour, "FR"}, {15 * day, "FR"}, {23 * day, "FR"}},
			[]string{"408h0m0s", "649h0m0s"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := settled(t)
			l.put(17*day, login("RO"))
			l.tick(17*day + 20*time.Hour)
			for _, u := range tt.uses {
				l.put(17*day+u.after, login(u.country))
			}
			var got []string
			for _, f := range l.toldOf() {
				got = append(got, f.LogTime.Sub(start).String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("people were told (-want +got):\n%s\n%s", d, strings.Join(l.lines, "\n"))
			}
		})
	}
}

func TestReviews(t *testing.T) {
	for _, tt := range []struct {
		name string
		says activity.Activity
		then activity.Activity
		want []string
	}{
		{"a trusted value is known", review("trust", "RO"), login("RO"), nil},
		{"until it is not", until(review("trust", "RO"), 17*day), login("RO"), []string{"480h0m0s open new_country ×1 x/acme"}},
		{"a forgotten value is new", review("forget", "DE"), login("DE"), []string{"480h0m0s open new_country ×1 x/acme"}},
		{"all is forgotten: it learns anew", review("forget"), login("RO"), nil},
		{"another rule's values stay", activity.Activity{Kind: activity.KindVerdict, Verdict: activity.Verdict{Rule: "burst", Says: "forget", Values: []string{"DE"}, By: "jane"}}, login("DE"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := settled(t)
			l.put(16*day+time.Hour, tt.says)
			l.put(20*day, tt.then)
			l.want(t, tt.want...)
		})
	}
	t.Run("trust without values is trust in what waits", func(t *testing.T) {
		l := settled(t)
		l.put(17*day, login("RO"))
		l.tick(18 * day)
		l.put(18*day, review("trust"))
		l.put(40*day, login("RO"))
		l.want(t, "408h0m0s open new_country ×1 x/acme", "409h0m0s close new_country ×1 x/acme (quiet)")
	})
	t.Run("what was an intruder's does not wait", func(t *testing.T) {
		l := settled(t)
		l.put(17*day, login("RO"))
		l.put(17*day+time.Minute, verdict(l.found[0].Episode, "true"))
		if got := l.e.Baselines("x/acme", "new_country")[0].Waiting; got != nil {
			t.Errorf("it waits: %+v", got)
		}
		l.put(18*day, review("trust"))
		l.put(40*day, login("RO"))
		l.want(t, "408h0m0s open new_country ×1 x/acme", "408h1m0s close new_country ×1 x/acme (verdict: true)", "960h0m0s open new_country ×1 x/acme")
	})
	t.Run("what an open alert saw can be trusted", func(t *testing.T) {
		l := settled(t)
		l.put(17*day, login("RO"))
		l.put(17*day+time.Minute, until(review("trust", "RO"), 20*day))
		l.put(19*day, login("RO"))
		l.put(21*day, login("RO"))
		l.want(t, "408h0m0s open new_country ×1 x/acme", "409h0m0s close new_country ×1 x/acme (quiet)", "504h0m0s open new_country ×1 x/acme")
	})
}

func TestBaselines(t *testing.T) {
	l := settled(t)
	l.put(17*day, login("RO"))
	l.tick(18 * day)
	l.put(18*day, until(review("trust", "AT"), 30*day))
	got := l.e.Baselines("x/acme", "new_country")
	if len(got) != 1 {
		t.Fatalf("%d baselines, want one", len(got))
	}
	b := got[0]
	b.Rule = nil
	want := detector.Baseline{
		Account: "x/acme", Since: start, Events: 5, AsOf: start.Add(18 * day), Forget: 90 * day,
		Values:  []detector.KnownValue{{Value: "DE", Count: 5, Last: start.Add(16 * day)}},
		Trusted: []detector.TrustedFor{{Value: "AT", Until: start.Add(30 * day)}},
		Waiting: []detector.WaitingFor{{Alert: l.found[0].Episode, Values: []string{"RO"}, Last: start.Add(17 * day)}},
	}
	if d := cmp.Diff(want, b); d != "" {
		t.Errorf("baseline (-want +got):\n%s", d)
	}
	if got := l.e.Baselines("x/acme", "burst"); got != nil {
		t.Errorf("a rule that learns nothing has %+v", got)
	}
}

// TestVerdictsSurviveRestarts: what waits for a verdict, and what one said, is
// part of the memory.
func TestVerdictsSurviveRestarts(t *testing.T) {
	story := func(l *log, again func()) {
		l.put(17*day, login("RO"))
		again()
		l.tick(18 * day)
		again()
		l.put(18*day, until(verdict(l.found[0].Episode, "expected"), 25*day))
		again()
		l.put(20*day, login("RO"))
		l.put(26*day, login("RO"))
	}
	once, restarted := settled(t), settled(t)
	story(once, func() {})
	story(restarted, func() {
		data, err := restarted.e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		fresh := detector.NewEngine(0, restarted.e.Plan(), detector.EngineOptions{})
		if err := fresh.Restore(data); err != nil {
			t.Fatal(err)
		}
		restarted.e = fresh
	})
	restarted.want(t, once.lines...)
	a, errA := once.e.Snapshot()
	b, errB := restarted.e.Snapshot()
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("memories differ after restarts (%v, %v)", errA, errB)
	}
}

// TestPeakUnlearned: what an intruder posted makes no next burst usual.
func TestPeakUnlearned(t *testing.T) {
	const rule = `
title: Post
name: post
id: 00000000-0000-4000-8000-000000000101
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
picket: {generate: false}
---
title: Peak
name: peak
id: 00000000-0000-4000-8000-000000000102
level: medium
baseline: {type: peak, rules: [post], timespan: 10m, floor: 3, factor: 2, learn: {period: 1d, events: 1}, forget: 90d}
picket: {quiet: 30m}
`
	for _, tt := range []struct {
		says  string
		limit int // of what comes after two bursts of 6 and this verdict on both
	}{
		{"expected", 12},
		{"true", 3},
	} {
		t.Run(tt.says, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, rule), detector.EngineOptions{})}
			for burst := range 2 {
				at := time.Duration(burst) * day
				for i := range 6 {
					l.put(at+time.Duration(i)*time.Second, post("give-away"))
				}
				l.tick(at + time.Hour)
				l.put(at+time.Hour, verdict(l.found[len(l.found)-1].Episode, tt.says))
			}
			l.tick(5 * day)
			b := l.e.Baselines("x/acme", "peak")
			if len(b) != 1 || b[0].Limit != tt.limit {
				t.Errorf("baseline %+v, want limit %d", b, tt.limit)
			}
		})
	}
}
