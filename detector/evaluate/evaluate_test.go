package evaluate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
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
	out, err := evaluate.Run(t.Context(), plan, p, histories, nil)
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
	_, err := evaluate.Run(t.Context(), social(t), hijackAgain(2), []*hijack.History{short}, nil)
	const want = "no history is long enough: one needs more than 300 posts and 30 days of warm-up, and as much again to be judged"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
