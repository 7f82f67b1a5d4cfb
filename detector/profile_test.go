package detector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

const profileRules = `
title: Published
name: published
logsource: {product: picket}
detection: {s: {kind: [post, reply, repost]}, condition: s}
---
title: Unlike itself
name: unlike
id: 00000000-0000-4000-8000-0000000000a1
level: high
baseline:
  type: profile
  rules: [published]
  learn: {period: 20d, events: 60}
  budget: 1
picket: {quiet: 1h}
`

// spoken is a day's posts of an account that posts in the morning and at noon.
func spoken(account string, day time.Time, app, about string) []activity.Activity {
	var out []activity.Activity
	for k := range 4 {
		out = append(out, activity.Activity{
			ID: fmt.Sprint(account, day.Unix(), k), Network: "x", Account: account, Kind: activity.KindPost, App: app, Lang: "en",
			Time: day.Add(time.Duration(9*60+55*k) * time.Minute),
			Text: fmt.Sprintf("%s number %d for %s", about, day.YearDay()*4+k, day.Weekday()),
		})
	}
	return out
}

func feed(e *detector.Engine, seq *uint64, backfill bool, as ...activity.Activity) []detector.Finding {
	var out []detector.Finding
	for i := range as {
		*seq++
		out = append(out, e.Apply(*seq, as[i].Time, &activity.Batch{Backfill: backfill, Activities: as[i : i+1]})...)
	}
	return out
}

// restarting is feed with a restart before each activity, and returns the alerts that
// open: what people may say of them outlives it.
func restarting(t *testing.T, e *detector.Engine, seq *uint64, as ...activity.Activity) (alerts []string) {
	t.Helper()
	for i := range as {
		data, err := e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Restore(data); err != nil {
			t.Fatal(err)
		}
		for _, f := range feed(e, seq, false, as[i]) {
			if f.Phase == detector.Open {
				alerts = append(alerts, f.Episode)
			}
		}
	}
	return alerts
}

func TestProfile(t *testing.T) {
	p := plan(t, profileRules)
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name     string
		backfill bool // the history comes as such
	}{{"live", false}, {"imported", true}} {
		t.Run(row.name, func(t *testing.T) {
			e := detector.NewEngine(0, p, detector.EngineOptions{})
			var seq uint64
			var quiet []detector.Finding
			for d := range 60 {
				day := start.AddDate(0, 0, d)
				quiet = append(quiet, feed(e, &seq, row.backfill, spoken("x/acme", day, "Suite", "Fresh bread and coffee")...)...)
				quiet = append(quiet, feed(e, &seq, row.backfill, spoken("x/other", day, "Phone", "Football results tonight")...)...)
			}
			opened := 0
			for _, f := range quiet {
				if f.Phase == detector.Open {
					opened++
				}
			}
			if most := map[bool]int{false: 4, true: 0}[row.backfill]; opened > most {
				t.Errorf("%d alerts in two quiet months of two accounts, want at most %d", opened, most)
			}
			saved, err := e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			again := detector.NewEngine(0, p, detector.EngineOptions{})
			if err := again.Restore(saved); err != nil {
				t.Fatal(err)
			}
			day := start.AddDate(0, 0, 60)
			attack := spoken("x/acme", day, "Bitly", "Fresh bread and coffee")
			seq2 := seq
			got := feed(e, &seq, false, attack...)
			if len(got) == 0 || got[0].Phase != detector.Open || got[0].Rule.Name != "unlike" || got[0].Account != "x/acme" {
				t.Fatalf("findings %+v, want one that opens", got)
			}
			if why := got[0].Reasons[0]; why.Field != "app" || !strings.Contains(why.Seen, "Bitly") || why.Detail["weight"] == "" {
				t.Errorf("the weightiest reason is %+v, want the new app", why)
			}
			if restored := feed(again, &seq2, false, attack...); fmt.Sprintf("%+v", restored) != fmt.Sprintf("%+v", got) {
				t.Error("a restored engine finds something else")
			}
			// Once the alert is over, its app is known.
			tomorrow := feed(e, &seq, false, spoken("x/acme", day.AddDate(0, 0, 1), "Bitly", "Fresh bread and coffee")...)
			for _, f := range tomorrow {
				if f.Phase == detector.Open {
					t.Errorf("the same app opens an alert again: %+v", f.Reasons)
				}
			}
		})
	}
}

func TestProfileCoverage(t *testing.T) {
	e := detector.NewEngine(0, plan(t, profileRules), detector.EngineOptions{})
	var seq uint64
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	sight := func(string, activity.Kind, string) detector.Sight { return detector.Sight{Seen: true} }
	state := func() detector.Coverage { return e.Coverage([]string{"x/acme"}, sight)[0] }
	if c := state(); c.State != detector.CoverageLearning || c.Events != 0 {
		t.Errorf("nothing seen: %+v", c)
	}
	for d := range 10 {
		feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, d), "Suite", "Bread")...)
	}
	if c := state(); c.State != detector.CoverageLearning || c.Days != 9 || c.Events != 40 || c.NeedDays != 20 || c.NeedEvents != 60 {
		t.Errorf("after ten days: %+v", c)
	}
	for d := range 15 {
		feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, 10+d), "Suite", "Bread")...)
	}
	if c := state(); c.State != detector.CoverageActive {
		t.Errorf("after 25 days: %+v", c)
	}
}

// TestNewAppWithinTheBudget holds that an app is told of alone while the profile
// still learns, and after that as the profile's budget allows: an account that
// takes up a new app each week has no alert of each.
func TestNewAppWithinTheBudget(t *testing.T) {
	const newApp = `
---
title: New app
name: new_app
id: 00000000-0000-4000-8000-0000000000a2
level: medium
baseline: {type: new_value, rules: [published], group-by: [account], field: app, learn: {period: 5d, events: 10, need: both}, forget: 90d}
picket: {quiet: 1h, joins: [unlike]}
`
	for _, row := range []struct {
		name, rules string
		// Of findings that open: new apps that are told, new apps that are held back for
		// the budget, and posts that are unlike the account, at least and at most.
		told, held, unlike [2]int
	}{
		{"a profile that weighs it", profileRules + newApp, [2]int{2, 3}, [2]int{15, 22}, [2]int{1, 7}},
		{"a profile that only observes", strings.Replace(profileRules, "{quiet: 1h}", "{quiet: 1h, mode: observe}", 1) + newApp, [2]int{24, 25}, [2]int{0, 0}, [2]int{1, 7}},
		{"no profile joined", profileRules + strings.Replace(newApp, ", joins: [unlike]", "", 1), [2]int{24, 25}, [2]int{0, 0}, [2]int{1, 7}},
		{"critical is told whatever the budget", strings.Replace(profileRules, "level: high", "level: critical", 1) + strings.Replace(newApp, "level: medium", "level: critical", 1), [2]int{10, 25}, [2]int{0, 0}, [2]int{1, 7}},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := detector.NewEngine(0, plan(t, row.rules), detector.EngineOptions{})
			start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
			var seq uint64
			var told, held, unlike int
			known := map[string]bool{} // episodes that people are told of; one may begin as held
			for d := range 26 * 7 {
				for _, f := range feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, d), fmt.Sprintf("App %d", d/7), "Fresh bread and coffee")...) {
					switch {
					case f.Phase == detector.Open && f.Rule.Name == "unlike":
						unlike++
					case f.Phase == detector.Open && f.Held == detector.HeldBudget && f.Rule.Mode == "observe":
						held++
					case f.Phase != detector.Close && f.Rule.Name == "new_app" && f.Held == "" && !known[f.Episode]:
						known[f.Episode] = true
						told++
					}
				}
			}
			for what, got := range map[string][2]any{"told": {told, row.told}, "held": {held, row.held}, "unlike": {unlike, row.unlike}} {
				if n, within := got[0].(int), got[1].([2]int); n < within[0] || n > within[1] {
					t.Errorf("%s: %d, want %d to %d", what, n, within[0], within[1])
				}
			}
		})
	}
}

// TestHeldForTheBudgetIsNotTold: an app that was held back for the budget is told
// once nothing weighs it any more: nobody knows of it yet.
func TestHeldForTheBudgetIsNotTold(t *testing.T) {
	const newApp = `
---
title: New app
name: new_app
id: 00000000-0000-4000-8000-0000000000a2
level: high
baseline: {type: new_value, rules: [published], group-by: [account], field: app, learn: {period: 5d, events: 10, need: both}, forget: 90d}
picket: {quiet: 1h, joins: [unlike]}
`
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for usual := 3; usual < 20; usual++ { // apps that are known before; the more, the less odd is another one
		e := detector.NewEngine(0, plan(t, profileRules+newApp), detector.EngineOptions{})
		var seq uint64
		for d := range 60 {
			feed(e, &seq, true, spoken("x/acme", start.AddDate(0, 0, d), fmt.Sprint("App ", d%usual), "Fresh bread and coffee")...)
		}
		day, held := start.AddDate(0, 0, 60), false
		for _, f := range feed(e, &seq, false, spoken("x/acme", day, "Another", "Fresh bread and coffee")[:1]...) {
			held = held || f.Rule.Name == "new_app" && f.Phase == detector.Open && f.Held == detector.HeldBudget
		}
		if !held {
			continue
		}
		seq++
		e.Activate(seq, day.Add(20*time.Hour), plan(t, strings.Replace(profileRules, "{quiet: 1h}", "{quiet: 1h, mode: observe}", 1)+newApp))
		for _, f := range feed(e, &seq, false, spoken("x/acme", day.AddDate(0, 0, 1), "Another", "Fresh bread and coffee")...) {
			if f.Rule.Name == "new_app" && f.Phase == detector.Open {
				if f.Held != "" {
					t.Errorf("held back as %q: %+v", f.Held, f.Reasons)
				}
				return
			}
		}
		t.Fatal("the app is told of no more")
	}
	t.Fatal("nothing was held back for the budget")
}

// TestVerdictPutsProfileBack holds that nothing of what an intruder posted is
// learned, also where a person says so after the alert has ended, and that the
// newest word holds.
func TestVerdictPutsProfileBack(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	verdict := func(alert, says string, at time.Time) activity.Activity {
		return activity.Activity{
			ID: fmt.Sprint(says, at.Unix()), Kind: activity.KindVerdict, Network: "x", Account: "x/acme", Time: at,
			Verdict: activity.Verdict{Alert: alert, Says: says, By: "jane"},
		}
	}
	later, tomorrow := day(61).Add(20*time.Hour), day(62).Add(20*time.Hour)
	for _, row := range []struct {
		name string
		// when, and what, people say of the alert of day 60 before the app is used again
		// on day 63
		verdicts func(alert string) []activity.Activity
		again    bool // the app is told of again
	}{
		{"nothing", func(string) []activity.Activity { return nil }, false},
		{"expected", func(alert string) []activity.Activity { return []activity.Activity{verdict(alert, "expected", later)} }, false},
		{"true while it fires", func(alert string) []activity.Activity {
			return []activity.Activity{verdict(alert, "true", day(60).Add(12*time.Hour))}
		}, true},
		{"true a day later", func(alert string) []activity.Activity { return []activity.Activity{verdict(alert, "true", later)} }, true},
		{"true, told twice", func(alert string) []activity.Activity {
			v := verdict(alert, "true", later)
			return []activity.Activity{v, v}
		}, true},
		{"true, then expected", func(alert string) []activity.Activity {
			return []activity.Activity{verdict(alert, "true", later), verdict(alert, "expected", tomorrow)}
		}, false},
		{"expected, then true", func(alert string) []activity.Activity {
			return []activity.Activity{verdict(alert, "expected", later), verdict(alert, "true", tomorrow)}
		}, true},
		{"of another alert", func(string) []activity.Activity { return []activity.Activity{verdict("0", "true", later)} }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := detector.NewEngine(0, plan(t, profileRules), detector.EngineOptions{})
			var seq uint64
			for d := range 60 {
				feed(e, &seq, false, spoken("x/acme", day(d), "Suite", "Fresh bread and coffee")...)
			}
			got := feed(e, &seq, false, spoken("x/acme", day(60), "Bitly", "Fresh bread and coffee")...)
			if len(got) == 0 || got[0].Phase != detector.Open {
				t.Fatalf("findings %+v, want one that opens", got)
			}
			opens := func(as ...activity.Activity) int { return len(restarting(t, e, &seq, as...)) }
			said := row.verdicts(got[0].Episode)
			for d := 61; d < 63; d++ {
				for len(said) > 0 && said[0].Time.Before(day(d)) {
					opens(said[0])
					said = said[1:]
				}
				opens(spoken("x/acme", day(d), "Suite", "Fresh bread and coffee")...)
			}
			opens(said...)
			if n := opens(spoken("x/acme", day(63), "Bitly", "Fresh bread and coffee")...); n > 0 != row.again {
				t.Errorf("%d alerts when the app is used again, want them: %v", n, row.again)
			}
		})
	}
}
