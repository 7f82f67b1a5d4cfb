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
