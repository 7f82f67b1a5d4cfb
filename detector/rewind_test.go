package detector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// TestNewestWordOfAnyAlertHolds holds that what people say of one alert puts back nothing that
// they called an intruder's in another one.
func TestNewestWordOfAnyAlertHolds(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	at := func(day int) time.Time { return start.AddDate(0, 0, day).Add(20 * time.Hour) }
	type step struct {
		app  string // that is used on a day of its own, which opens an alert
		of   string // else: of the alert of which app people say something
		says string
	}
	first, second := step{app: "Bitly"}, step{app: "Crosspost"}
	isTrue := func(app string) step { return step{of: app, says: "true"} }
	isExpected := func(app string) step { return step{of: app, says: "expected"} }
	for _, row := range []struct {
		name  string
		steps []step
		want  string // what is known in the end: of four posts a day the first is judged before its alert begins
	}{
		{"nothing said", []step{first, second}, "248 posts since 2026-01-05"},
		{"the first", []step{first, second, isTrue("Bitly")}, "241 posts since 2026-01-05"},
		{"the second", []step{first, second, isTrue("Crosspost")}, "245 posts since 2026-01-05"},
		{"both", []step{first, second, isTrue("Bitly"), isTrue("Crosspost")}, "241 posts since 2026-01-05"},
		{"both, the second first", []step{first, second, isTrue("Crosspost"), isTrue("Bitly")}, "241 posts since 2026-01-05"},
		{"the first taken back", []step{first, second, isTrue("Bitly"), isExpected("Bitly")}, "248 posts since 2026-01-05"},
		{"the first taken back after the second was judged", []step{
			first, second, isTrue("Bitly"), isTrue("Crosspost"), isExpected("Bitly"),
		}, "245 posts since 2026-01-05"},
		{"both taken back", []step{
			first, second, isTrue("Bitly"), isTrue("Crosspost"), isExpected("Crosspost"), isExpected("Bitly"),
		}, "248 posts since 2026-01-05"},
		{"the second after the first was taken back", []step{
			first, second, isTrue("Bitly"), isExpected("Bitly"), isTrue("Crosspost"),
		}, "245 posts since 2026-01-05"},
		{"the first again after the second, which came between, was judged", []step{
			first, isTrue("Bitly"), second, isExpected("Bitly"), isTrue("Crosspost"), isTrue("Bitly"),
		}, "242 posts since 2026-01-05"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := detector.NewEngine(0, plan(t, profileRules), detector.EngineOptions{})
			var seq uint64
			for d := range 60 {
				feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, d), "Suite", "Fresh bread and coffee")...)
			}
			day, alerts := 60, map[string]string{}
			for i, s := range row.steps {
				if s.app != "" {
					told := restarting(t, e, &seq, spoken("x/acme", start.AddDate(0, 0, day), s.app, "Fresh bread and coffee")...)
					if len(told) != 1 {
						t.Fatalf("%s opens %d alerts, want one", s.app, len(told))
					}
					alerts[s.app] = told[0]
					day++
					continue
				}
				restarting(t, e, &seq, activity.Activity{
					ID: fmt.Sprint("said", i), Kind: activity.KindVerdict, Network: "x", Account: "x/acme", Time: at(day - 1).Add(time.Duration(i) * time.Minute),
					Verdict: activity.Verdict{Alert: alerts[s.of], Says: s.says, By: "jane"},
				})
			}
			if got := e.Knows("x/acme", "00000000-0000-4000-8000-0000000000a1"); len(got) != 1 || got[0] != row.want {
				t.Errorf("it knows %q, want %q", got, row.want)
			}
		})
	}
}

// TestNothingOfARemovedRuleIsPutBack holds that a rule which was removed for more than
// an hour and comes back knows nothing of before, whatever people say of its alerts.
func TestNothingOfARemovedRuleIsPutBack(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	p, without := plan(t, profileRules), plan(t, `
title: Published
name: published
id: 00000000-0000-4000-8000-0000000000a0
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
`)
	e := detector.NewEngine(0, p, detector.EngineOptions{})
	var seq uint64
	for d := range 60 {
		feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, d), "Suite", "Fresh bread and coffee")...)
	}
	day := start.AddDate(0, 0, 60)
	got := feed(e, &seq, false, spoken("x/acme", day, "Bitly", "Fresh bread and coffee")...)
	if len(got) == 0 || got[0].Phase != detector.Open {
		t.Fatalf("findings %+v, want one that opens", got)
	}
	for i, now := range []*detector.Plan{without, p} {
		seq++
		e.Activate(seq, day.Add(time.Duration(20+2*i)*time.Hour), now)
		seq++
		e.Tick(seq, day.Add(time.Duration(22+2*i)*time.Hour))
	}
	day = start.AddDate(0, 0, 62)
	feed(e, &seq, false, spoken("x/acme", day, "Suite", "Fresh bread and coffee")...)
	want := e.Knows("x/acme", "00000000-0000-4000-8000-0000000000a1")
	feed(e, &seq, false, activity.Activity{
		ID: "said", Kind: activity.KindVerdict, Network: "x", Account: "x/acme", Time: day.Add(20 * time.Hour),
		Verdict: activity.Verdict{Alert: got[0].Episode, Says: "true", By: "jane"},
	})
	if is := e.Knows("x/acme", "00000000-0000-4000-8000-0000000000a1"); len(want) != 1 || fmt.Sprint(is) != fmt.Sprint(want) {
		t.Errorf("it knows %q after the verdict, want %q as before", is, want)
	}
}

// TestVerdictOnWhatWasToldLate holds that people have a week from an alert for their
// verdict, also where its activities were told long after they happened.
func TestVerdictOnWhatWasToldLate(t *testing.T) {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		late time.Duration // how much later than they happened the posts of the alert are told
		said time.Duration // after that
		want string
	}{
		{"at once, said on the next day", 0, 24 * time.Hour, "241 posts since 2026-01-05"},
		{"after ten days, said on the next day", 10 * 24 * time.Hour, 24 * time.Hour, "241 posts since 2026-01-05"},
		{"said after nine days", 0, 9 * 24 * time.Hour, "244 posts since 2026-01-05"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := detector.NewEngine(0, plan(t, profileRules), detector.EngineOptions{})
			var seq uint64
			for d := range 60 {
				feed(e, &seq, false, spoken("x/acme", start.AddDate(0, 0, d), "Suite", "Fresh bread and coffee")...)
			}
			alert, now := "", start.AddDate(0, 0, 60).Add(12*time.Hour+row.late)
			for _, a := range spoken("x/acme", start.AddDate(0, 0, 60), "Bitly", "Fresh bread and coffee") {
				seq++
				for _, f := range e.Apply(seq, now, &activity.Batch{Activities: []activity.Activity{a}}) {
					alert = f.Episode
				}
			}
			for range int(row.said / time.Hour) {
				seq++
				now = now.Add(time.Hour)
				e.Tick(seq, now)
			}
			feed(e, &seq, false, activity.Activity{
				ID: "said", Kind: activity.KindVerdict, Network: "x", Account: "x/acme", Time: now,
				Verdict: activity.Verdict{Alert: alert, Says: "true", By: "jane"},
			})
			if got := e.Knows("x/acme", "00000000-0000-4000-8000-0000000000a1"); alert == "" || len(got) != 1 || got[0] != row.want {
				t.Errorf("alert %q: it knows %q, want %q", alert, got, row.want)
			}
		})
	}
}
