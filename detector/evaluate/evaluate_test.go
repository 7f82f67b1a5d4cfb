package evaluate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/packs"
)

// history makes an account that posts a few times a day in its own hours, from
// two clients, and now and then from a new one.
func history(name string, days int, seed uint64) *hijack.History {
	rng := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2024, 1, 1, 9, 0, 0, 0, time.UTC)
	var as []activity.Activity
	post := func(at time.Time) {
		app := name + " web"
		if rng.IntN(4) == 0 {
			app = name + " phone"
		}
		as = append(as, activity.Activity{
			ID: fmt.Sprint(name, len(as)), Network: "x", Account: "x/" + name, Kind: activity.KindPost, App: app,
			Time: at, Text: fmt.Sprintf("%s says hello %d", name, rng.IntN(50)), Lang: "en",
		})
	}
	for d := range days {
		at := start.AddDate(0, 0, d)
		for range 4 {
			at = at.Add(time.Duration(30+rng.IntN(90)) * time.Minute)
			post(at)
		}
		if d%60 == 59 {
			app := fmt.Sprint(name, " app of day ", d)
			post(at.Add(time.Hour))
			as[len(as)-1].App = app
		}
	}
	return hijack.NewHistory("x/"+name, false, as)
}

func social(t *testing.T, accounts ...detector.Account) *detector.Plan {
	t.Helper()
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := detector.Compile(detector.Set{Rules: files, Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func run(t *testing.T, plan *detector.Plan, p hijack.Protocol, histories ...*hijack.History) evaluate.Report {
	t.Helper()
	out, err := evaluate.Run(t.Context(), plan, p, histories, evaluate.Donors{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAttacksDisturbNothing: engines that attacks are played on are copies, so
// the real posts raise the same alerts with them and without.
func TestAttacksDisturbNothing(t *testing.T) {
	p := hijackAgain(12)
	victim, donor := history("victim", 400, 1), history("donor", 400, 2)
	attacked := run(t, social(t), p, victim, donor)
	p.Attacks = nil
	calm := run(t, social(t), p, victim, donor)
	for i := range calm.Accounts {
		if d := cmp.Diff(calm.Accounts[i].False, attacked.Accounts[i].False); d != "" {
			t.Errorf("%s: false alerts (-without +with attacks):\n%s", calm.Accounts[i].Account, d)
		}
		if len(calm.Accounts[i].False) == 0 {
			t.Errorf("%s: no false alert at all, so the comparison says nothing", calm.Accounts[i].Account)
		}
		if d := cmp.Diff(calm.Accounts[i].ByRule, attacked.Accounts[i].ByRule); d != "" {
			t.Errorf("%s: by rule (-without +with attacks):\n%s", calm.Accounts[i].Account, d)
		}
	}
}

func hijackAgain(moments int) hijack.Protocol {
	p := hijack.Standard()
	p.Moments = moments
	return p
}

// TestWhatRulesCatch: the built-in rules see strange clients, hours and words at
// the first post or soon after, and bursts within ten.
func TestWhatRulesCatch(t *testing.T) {
	p := hijackAgain(10)
	got := map[string][3]int{}
	for _, row := range run(t, social(t), p, history("victim", 400, 1), history("donor", 400, 2)).Table.Rows {
		got[row.Attack] = [3]int{row.Within[0].Count, row.Within[1].Count, row.Within[2].Count}
	}
	want := map[string][3]int{
		"splice": {20, 20, 20}, "splice-mimic": {17, 20, 20}, "campaign": {20, 20, 20}, "campaign-mimic": {18, 18, 18},
		"client-switch": {20, 20, 20}, "odd-hour": {20, 20, 20}, "burst": {10, 20, 20},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("noticed of 20 (-want +got):\n%s", d)
	}
}

// TestApprovals: where posts need an approval, real ones have it and an
// attacker's first one is told, though only when its grace is over.
func TestApprovals(t *testing.T) {
	p := hijackAgain(5)
	report := run(t, social(t, detector.Account{Name: "x/victim", Approvals: true}), p, history("victim", 400, 1), history("donor", 400, 2))
	for _, c := range report.Accounts[0].Attacks {
		if c.Attack == "unapproved" && (c.Played != 5 || c.Within != [3]int{5, 5, 5}) {
			t.Errorf("unapproved posts: %+v, want all of 5 noticed", c)
		}
		if c.Attack == "splice-mimic" && c.Within[0] != 5 {
			t.Errorf("attack that no approval covers: %+v, want all of 5 noticed at the first post", c)
		}
	}
	for _, r := range report.Rules {
		if r.Rule.Name == "message_not_approved" {
			t.Errorf("%d approved posts raised %s", r.Alerts, r.Rule.Name)
		}
	}
}

func TestTooShort(t *testing.T) {
	short := history("short", 20, 3)
	report := run(t, social(t), hijackAgain(2), history("victim", 400, 1), history("donor", 400, 2), short)
	if d := cmp.Diff([]string{"x/short"}, report.Short); d != "" {
		t.Errorf("too short (-want +got):\n%s", d)
	}
	_, err := evaluate.Run(t.Context(), social(t), hijackAgain(2), []*hijack.History{short}, evaluate.Donors{})
	const want = "no history is long enough: the first 300 posts and 30 days of one are warm-up, and what follows must last 28 days to be judged"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// without is a history whose posts do not say which client they came from.
func without(h *hijack.History) *hijack.History {
	all := make([]activity.Activity, h.Len())
	for i := range all {
		all[i] = *h.At(i)
		all[i].App = ""
	}
	return hijack.NewHistory(h.Account, false, all)
}

// TestWhoLends: attackers send posts of the accounts that are named, else of
// those that are evaluated, else of made-up ones, and one account to which none
// of the others can lend does not keep them from being evaluated.
func TestWhoLends(t *testing.T) {
	// The text of every first post that no rule noticed is in the report, and no
	// rule notices anything.
	files := []rules.File{{Name: "none.yml", Data: []byte("title: None\nid: 00000000-0000-4000-8000-000000000001\nlogsource: {product: picket}\ndetection: {s: {kind: login}, condition: s}\n")}}
	plan, err := detector.Compile(detector.Set{Rules: files})
	if err != nil {
		t.Fatal(err)
	}
	made := func() ([]*hijack.History, error) {
		return []*hijack.History{history("made", 20, 5), without(history("bare", 20, 6))}, nil
	}
	for _, tc := range []struct {
		name      string
		histories []*hijack.History
		donors    evaluate.Donors
		want      []string // whose posts are sent
		made      []string
	}{
		{"the other one", []*hijack.History{history("a", 400, 1), history("b", 400, 2)}, evaluate.Donors{Made: made}, []string{"a", "b"}, nil},
		{"those that are named, and no others", []*hijack.History{history("a", 400, 1), history("b", 400, 2)}, evaluate.Donors{Named: []*hijack.History{history("c", 20, 3)}, Made: made}, []string{"c"}, nil},
		{"the other one, though it is short", []*hijack.History{history("a", 400, 1), history("b", 20, 2)}, evaluate.Donors{Made: made}, []string{"b"}, nil},
		{"made-up ones for one alone", []*hijack.History{history("a", 400, 1)}, evaluate.Donors{Made: made}, []string{"made"}, []string{"x/a"}},
		{"made-up ones for the one without clients", []*hijack.History{history("a", 400, 1), history("b", 400, 2), without(history("c", 400, 3))}, evaluate.Donors{Made: made}, []string{"a", "b", "bare"}, []string{"x/c"}},
		{"made-up ones where those that are named have no clients", []*hijack.History{history("a", 400, 1)}, evaluate.Donors{Named: []*hijack.History{without(history("c", 20, 3))}, Made: made}, []string{"made"}, []string{"x/a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := hijackAgain(6)
			p.Attacks = slices.DeleteFunc(p.Attacks, func(a hijack.Attack) bool { return a.Name != "splice-mimic" })
			report, err := evaluate.Run(t.Context(), plan, p, tc.histories, tc.donors)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range report.Accounts {
				for _, m := range a.Attacks[0].Missed {
					got = append(got, strings.Fields(m.First)[0])
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(tc.want, slices.Compact(got)); d != "" {
				t.Errorf("whose posts are sent (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.made, report.Made); d != "" {
				t.Errorf("attacked with made-up posts (-want +got):\n%s", d)
			}
		})
	}
}

const silenceRules = `
title: Post
name: post
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
picket: {generate: false}
---
title: Silent
name: silent
id: 00000000-0000-4000-8000-000000000002
baseline: {type: rate, rules: [post], group-by: [account], direction: -1, every: 90d, gap: 12h, warm-up: 20d}
picket: {quiet: 1h}
`

// TestSilence: a silence is no attacker's doing, so that it catches none; it is a
// false alert, and of the rule that raised it.
func TestSilence(t *testing.T) {
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "silent.yml", Data: []byte(silenceRules)}}})
	if err != nil {
		t.Fatal(err)
	}
	report := run(t, plan, hijackAgain(40), gaps("victim", 1), gaps("donor", 2))
	for _, row := range report.Table.Rows {
		if row.Within[2].Count > 0 {
			t.Errorf("%s: %d of %d noticed, want none", row.Attack, row.Within[2].Count, row.Played)
		}
	}
	if report.Table.Alerts == 0 || len(report.Rules) != 1 || report.Rules[0].Alerts != report.Table.Alerts {
		t.Errorf("%d false alerts, by rule %+v; want some, all of the one rule", report.Table.Alerts, report.Rules)
	}
}

// gaps is a history in which each day but some has posts.
func gaps(name string, seed uint64) *hijack.History {
	rng := rand.New(rand.NewPCG(seed, 2))
	whole := history(name, 500, seed)
	var as []activity.Activity
	for day := range 500 {
		if rng.IntN(12) > 0 {
			for i := range 4 {
				as = append(as, *whole.At(day*4 + i))
			}
		}
	}
	return hijack.NewHistory(whole.Account, false, as)
}
