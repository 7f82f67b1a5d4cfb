package ruletest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/ruletest"
	"github.com/picketd/picket/rules"
)

const threePosts = `
title: Three posts
about: A rule of its own, so that the test does not change with the pack.
accounts:
- {account: x/acme, approvals: required, guarded_by: [okta/editor-2]}
case:
- {at: day 2 10:00, account: x/acme, kind: post, repeat: 3, every: 1m, text: "Hello {n}"}
expect:
`

var countsPosts = []rules.File{{Name: "test.yml", Data: []byte(`
title: Post
name: post
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
title: Two posts
id: 00000000-0000-4000-8000-000000000001
name: two
level: high
correlation: {type: event_count, rules: [post], group-by: [account], timespan: 10m, condition: {gte: 2}}
picket: {quiet: 30m}
`)}}

// TestOpensAgain: an alert that opens again, since its window outlasts the quiet,
// is another finding: people are told again.
func TestOpensAgain(t *testing.T) {
	long := []rules.File{{Name: "test.yml", Data: []byte(strings.Replace(string(countsPosts[0].Data), "timespan: 10m", "timespan: 1d", 1))}}
	story := strings.Replace(threePosts, "expect:", "- {at: day 2 15:00, account: x/acme, kind: post}\nexpect:", 1)
	const first, second = "- {rule: two, account: x/acme, level: high, count: 3, at: day 2 10:01}\n", "- {rule: two, account: x/acme, level: high, count: 4, at: day 2 15:00}"
	for _, row := range []struct{ name, expect, want string }{
		{"both", first + second, ""},
		{"the first", first, "+ two x/acme high ×4 day 2 15:00:00: 4 activities in 5h\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := ruletest.Parse("f.yaml", []byte(story+row.expect))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ruletest.Run(t.Context(), s, long, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(row.want, got.Diff()); d != "" {
				t.Errorf("diff (-want +got):\n%s", d)
			}
		})
	}
}

// TestDiff gives the same story expectations that are right and ones that are
// wrong in one point each.
func TestDiff(t *testing.T) {
	const surprise = "+ two x/acme high ×3 day 2 10:01:00: 2 activities in 1m\n"
	for _, row := range []struct{ name, expect, want string }{
		{"right", "- {rule: two, account: x/acme, level: high, count: 3}", ""},
		{"right by id, to the second", "- {rule: 00000000-0000-4000-8000-000000000001, account: x/acme, level: high, count: 3, at: day 2 10:01, why: 2 activities}", ""},
		{"silence expected", " []", surprise},
		{"count", "- {rule: two, account: x/acme, level: high}", "- f.yaml:9: two x/acme high ×1 at any time\n" + surprise},
		{"level", "- {rule: two, account: x/acme, level: low, count: 3}", "- f.yaml:9: two x/acme low ×3 at any time\n" + surprise},
		{"account", "- {rule: two, account: okta/editor-2, level: high, count: 3}", "- f.yaml:9: two okta/editor-2 high ×3 at any time\n" + surprise},
		{"moment", "- {rule: two, account: x/acme, level: high, count: 3, at: day 2 10:02}", "- f.yaml:9: two x/acme high ×3 day 2 10:02:00\n" + surprise},
		{"words", "- {rule: two, account: x/acme, level: high, count: 3, why: four}", "- f.yaml:9: two x/acme high ×3 at any time: four\n" + surprise},
		{"related", "- {rule: two, account: x/acme, level: high, count: 3, related: [post]}", "- f.yaml:9: two x/acme high ×3 at any time after post\n" + surprise},
		{"once too often", "- {rule: two, account: x/acme, level: high, count: 3}\n- {rule: two, account: x/acme, level: high, count: 3}", "- f.yaml:10: two x/acme high ×3 at any time\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := ruletest.Parse("f.yaml", []byte(threePosts+row.expect))
			if err != nil {
				t.Fatal(err)
			}
			got, err := ruletest.Run(t.Context(), s, countsPosts, nil)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(row.want, got.Diff()); d != "" {
				t.Errorf("diff (-want +got):\n%s", d)
			}
		})
	}
}

// TestEvents pins what habits and entries of a case become.
func TestEvents(t *testing.T) {
	s, err := ruletest.Parse("f.yaml", []byte(`
title: A week
about: Of everything one.
connected: day 2 12:00
accounts:
- {account: x/acme, guarded_by: [okta/editor-2]}
habits:
- {account: okta/editor-2, kind: login, days: 4-9, each: workday, at: ["08:00", "13:00:30"], geo: {country: "NO", asn: 64500}}
- {account: x/acme, kind: post, days: 1-8, each: monday, at: ["09:00"], text: "Week {n}"}
case:
- {at: day 3 10:00, account: x/acme, kind: post, text: "Late {n}", late: 90s, approved: 1h, repeat: 2, every: 10s, links: ["https://acme.example"], media: [{hash: "sha256:aa"}]}
expect: []
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range s.Events {
		a := &e.Activity
		line := strings.Join([]string{
			short(e.Log), short(a.Time), a.Account, string(a.Kind), a.Geo.Country, a.Text + a.Approval.Text,
			strings.Join(append(a.Approval.Links, a.Approval.Media...), " "),
		}, "|")
		if e.Backfill {
			line += " history"
		}
		got = append(got, line)
	}
	want := []string{
		"6 12:00:00|5 09:00:00|x/acme|post||Week 1| history",
		"7 09:00:00|7 09:00:00|x/acme|approval||Late 1|https://acme.example sha256:aa",
		"7 09:00:10|7 09:00:10|x/acme|approval||Late 2|https://acme.example sha256:aa",
		"7 10:01:30|7 10:00:00|x/acme|post||Late 1|",
		"7 10:01:40|7 10:00:10|x/acme|post||Late 2|",
		"8 08:00:00|8 08:00:00|okta/editor-2|login|NO||",
		"8 13:00:30|8 13:00:30|okta/editor-2|login|NO||",
		"9 08:00:00|9 08:00:00|okta/editor-2|login|NO||",
		"9 13:00:30|9 13:00:30|okta/editor-2|login|NO||",
		"12 08:00:00|12 08:00:00|okta/editor-2|login|NO||",
		"12 09:00:00|12 09:00:00|x/acme|post||Week 2|",
		"12 13:00:30|12 13:00:30|okta/editor-2|login|NO||",
		"13 08:00:00|13 08:00:00|okta/editor-2|login|NO||",
		"13 13:00:30|13 13:00:30|okta/editor-2|login|NO||",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("events (-want +got):\n%s", d)
	}
}

func short(t time.Time) string { return t.Format("2 15:04:05") }

// TestTicksChangeNothing plays the last day of a case as the daemon does, with
// a tick each second, and as Run does, without.
func TestTicksChangeNothing(t *testing.T) {
	s := load(t, "incidents")["okta_help_desk_2023"]
	want, err := ruletest.Run(t.Context(), s, social(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := detector.Compile(detector.Set{Rules: social(t), Accounts: s.Accounts})
	if err != nil {
		t.Fatal(err)
	}
	engine := detector.NewEngine(0, plan, detector.EngineOptions{})
	var got []string
	note := func(found []detector.Finding) {
		for _, f := range found {
			if f.Phase == detector.Open {
				got = append(got, f.Rule.Name+" "+short(f.LogTime))
			}
		}
	}
	seq, lastDay := uint64(0), ruletest.Start().AddDate(0, 0, 30)
	now := lastDay
	for _, e := range s.Events {
		for ; !e.Log.Before(lastDay) && now.Before(e.Log); now = now.Add(time.Second) {
			seq++
			note(engine.Tick(seq, now))
		}
		seq++
		note(engine.Apply(seq, e.Log, &activity.Batch{Activities: []activity.Activity{e.Activity}}))
	}
	for range 3600 {
		seq++
		note(engine.Tick(seq, now))
		now = now.Add(time.Second)
	}
	var all []string
	for _, o := range want.Opened {
		all = append(all, o.Rule.Name+" "+short(o.At))
	}
	if d := cmp.Diff(all, got); d != "" || len(got) == 0 {
		t.Errorf("with ticks (-without +with):\n%s", d)
	}
}

// FuzzParse holds that whatever is no scenario is told with file and line.
func FuzzParse(f *testing.F) {
	for _, dir := range []string{"testdata/bad", ofPack} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			f.Add(string(data))
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ruletest.Parse("f.yaml", []byte(text))
		var faults rules.Faults
		switch {
		case err == nil:
			for i := range s.Events {
				if err := s.Events[i].Activity.Validate(); err != nil {
					t.Errorf("event %d: %v", i, err)
				}
			}
		case !errors.As(err, &faults) || len(faults) == 0:
			t.Errorf("error %v is not faults", err)
		default:
			for _, fault := range faults {
				if fault.File != "f.yaml" || fault.At.Line < 1 || fault.At.Column < 1 || fault.Message == "" {
					t.Errorf("fault %+v has no place or no words", fault)
				}
			}
		}
	})
}
