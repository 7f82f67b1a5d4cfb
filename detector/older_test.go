package detector_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/detector"
)

// groupedRules learn values and peaks of groups that are more than the account, too.
const groupedRules = `
---
title: New site of an app
name: new_site
id: 00000000-0000-4000-8000-0000000000a1
level: low
baseline: {type: new_value, rules: [post], group-by: [account, app], field: link_domains, learn: {period: 1d, events: 3}, forget: 30d}
---
title: Busy app
name: busy_app
id: 00000000-0000-4000-8000-0000000000a2
level: low
baseline: {type: peak, rules: [post], group-by: [account, app], timespan: 10m, factor: 2, floor: 3, learn: {period: 1d, events: 3}, forget: 30d}
`

// TestKilledAfterOlder goes on from a snapshot of random lives that has wide heads,
// or only wide peaks, with images, increments and kills after it: all findings, and all that is known in
// the end, are those of an engine that never was an older one.
func TestKilledAfterOlder(t *testing.T) {
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	plans := []*detector.Plan{
		plan(t, loudRules+groupedRules, facts...),
		plan(t, strings.NewReplacer("then: [face, password]", "then: [face]", "factor: 2", "factor: 3").Replace(loudRules+groupedRules), facts...),
	}
	groups, kills := 0, 0
	for seed := range (*lives + 1) / 2 {
		rng := rand.New(rand.NewPCG(seed, 29))
		log := randomLog(rng, plans, 250)
		opts := detector.EngineOptions{MaxAccounts: []int{0, 30}[seed%2]}
		plain := detector.NewEngine(0, plans[0], opts)
		var want [][]string
		for i := range log {
			want = append(want, apply(plain, &log[i]))
		}
		at := 80 + rng.IntN(120)
		older := detector.NewEngine(0, plans[0], opts)
		for i := range at {
			apply(older, &log[i])
		}
		groups += older.Groups()
		now := older.Plan()
		wide, err := older.OlderSnapshot(4 + int(seed)%2)
		if err != nil {
			t.Fatal(err)
		}
		k := &killed{t: t, rng: rng, log: log, first: plans[0], opts: opts, file: saved{[][]byte{wide}, []int{at - 1}, []*detector.Plan{now}}}
		for i := k.kill() + 1; i < len(log); i++ {
			if d := cmp.Diff(want[i], apply(k.e, &log[i])); d != "" {
				t.Fatalf("seed %d, message %d (-undisturbed +killed):\n%s", seed, i, d)
			}
			k.save(i)
			if rng.IntN(40) == 0 {
				i = k.kill()
			}
		}
		kills += k.kills
		if d := cmp.Diff(plain.Windows(), k.e.Windows()); d != "" {
			t.Errorf("seed %d: windows (-undisturbed +killed):\n%s", seed, d)
		}
		for _, account := range []string{"x/a", "x/b", "okta/e", "x/one-of-many-1", "x/one-of-many-2"} {
			if d := cmp.Diff(known(plain, account), known(k.e, account)); d != "" {
				t.Errorf("seed %d: known of %s (-undisturbed +killed):\n%s", seed, account, d)
			}
		}
	}
	if groups == 0 || kills < int(*lives) {
		t.Errorf("only %d groups with learned values, and %d kills", groups, kills)
	}
}

// known is what an engine knows of an account, without the rules, which are those
// of a plan.
func known(e *detector.Engine, account string) []detector.Baseline {
	all := e.Baselines(account, "")
	for i := range all {
		all[i].Rule = nil
	}
	return all
}
