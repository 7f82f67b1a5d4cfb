package detector_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// everyRule go beside loudRules: a rule of each other type that learns, quick to
// know an account, and rules that join others.
const everyRule = `
---
title: New app
name: new_app
level: low
baseline: {type: new_value, rules: [post], group-by: [account], field: app, learn: {period: 1d, events: 3}, forget: 20d}
picket: {quiet: 3h, joins: [unlike]}
---
title: New address of a system
name: new_address
level: medium
baseline: {type: new_value, rules: [login], group-by: [account, device], field: ip, learn: {period: 1d, events: 3}, forget: 30d}
picket: {quiet: 3h, joins: [risky]}
---
title: Impossible travel
name: travel
level: high
baseline: {type: travel, rules: [login]}
picket: {quiet: 6h, joins: [risky]}
---
title: Unlike the person
name: risky
level: high
baseline: {type: login_risk, rules: [login], learn: {period: 3d, events: 5}}
picket: {quiet: 6h}
---
title: Seldom country
name: seldom
level: low
baseline: {type: rare_value, rules: [login], field: geo.country, learn: {period: 3d, events: 5}}
picket: {quiet: 6h, joins: [risky]}
---
title: Rhythm
name: rhythm
baseline: {type: rate, rules: [post], every: 30d, gap: 6h, warm-up: 8d, least: 3}
picket: {quiet: 2d}
---
title: Unlike itself
name: unlike
level: high
baseline: {type: profile, rules: [post], learn: {period: 5d, events: 20}, budget: 8}
picket: {quiet: 1h}
---
title: Spoken of
name: spoken_of
logsource: {product: picket}
detection: {s: {kind: mention}, condition: s}
---
title: Public storm
name: public
baseline: {type: storm, rules: [spoken_of], timespan: 10m, warm-up: 3d, least: 3}
picket: {quiet: 1h}
---
title: Counted
name: counted
logsource: {product: picket}
detection: {s: {kind: followers}, condition: s}
---
title: Followers
name: fans
baseline: {type: drift, rules: [counted], field: metrics.followers, share: 0.02, least: 5, times: 2, days: 2}
picket: {quiet: 1h}
`

// anyActivity is randomActivity with what rules of other types look at.
func anyActivity(rng *rand.Rand, now time.Time) activity.Activity {
	a := randomActivity(rng, now)
	switch rng.IntN(12) {
	case 0:
		a.Kind = activity.KindMention
	case 1:
		a.Kind = activity.KindFollowers
		a.Metrics = []activity.Metric{{Name: "followers", Value: float64(1000 + rng.IntN(100)*rng.IntN(10))}}
	}
	if a.Kind == activity.KindLogin {
		intruder := rng.IntN(6) == 0
		a.IP, a.UserAgent, a.Device = fmt.Sprintf("192.0.2.%d", rng.IntN(3)), laptop, []string{"laptop", "phone\x1fold", "phone"}[rng.IntN(3)]
		a.Geo.Lat, a.Geo.Lon, a.Geo.ASN = activity.Some(52), activity.Some(13), activity.Some(float64(64500+rng.IntN(2)))
		if intruder {
			a.IP, a.UserAgent = fmt.Sprintf("198.51.100.%d", rng.IntN(200)), "curl/8.0"
			a.Geo.Lat, a.Geo.Lon, a.Geo.ASN = activity.Some(rng.Float64()*180-90), activity.Some(rng.Float64()*360-180), activity.Some(float64(rng.IntN(60000)))
		}
	}
	if a.Kind == activity.KindPost && rng.IntN(20) == 0 {
		a.App, a.Text = fmt.Sprint("app ", rng.IntN(30)), "Send one coin and get two back"
	}
	return a
}

// says is a person's verdict on one of the latest findings, or a review.
func says(rng *rand.Rand, found []detector.Finding, now time.Time) activity.Activity {
	a := activity.Activity{Kind: activity.KindVerdict, Time: now, ID: fmt.Sprint("said ", now.UnixNano(), rng.IntN(1000)), Account: "x/a"}
	var until time.Time
	if rng.IntN(2) == 0 {
		until = now.Add(time.Duration(rng.IntN(10*24)) * time.Hour)
	}
	if len(found) == 0 || rng.IntN(3) == 0 {
		a.Account = []string{"x/a", "x/b", "okta/e"}[rng.IntN(3)]
		a.Verdict = activity.Verdict{By: "jane", Rule: []string{"", "new_country", "new_app", "peak", "new_address"}[rng.IntN(5)]}
		if rng.IntN(3) == 0 {
			a.Verdict.Values = []string{[]string{"RO", "FR", "bot", "app 3", "2026-03-20"}[rng.IntN(5)]}
		}
		if a.Verdict.Says = "trust"; rng.IntN(2) == 0 {
			a.Verdict.Says = "forget"
		} else {
			a.Verdict.Until = until
		}
	} else {
		f := found[len(found)-1-rng.IntN(min(len(found), 60))]
		a.Account = f.Account
		a.Verdict = activity.Verdict{By: "jane", Alert: f.Episode, Rule: f.Rule.ID, Says: []string{"true", "false", "expected"}[rng.IntN(3)]}
		if a.Verdict.Says == "expected" {
			a.Verdict.Until = until
		}
	}
	a.Network, _, _ = strings.Cut(a.Account, "/")
	return a
}

// TestKilledWithEveryRule is TestKilled with rules of every type, verdicts and
// reviews, and reloads that change the type, the field or the span of a rule, or
// take one away and bring it back.
func TestKilledWithEveryRule(t *testing.T) {
	t.Parallel()
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}, TimeZone: "Europe/Berlin"}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	all := loudRules + everyRule
	gone := all[:strings.Index(all, "---\ntitle: Impossible travel")] + all[strings.Index(all, "---\ntitle: Unlike the person"):]
	plans := []*detector.Plan{
		plan(t, all, facts...),
		plan(t, strings.NewReplacer("field: ip", "field: app", "timespan: 10m, warm-up", "timespan: 20m, warm-up", "field: geo.country, learn: {period: 3d", "field: ip, learn: {period: 3d").Replace(all), facts...),
		plan(t, strings.Replace(gone, "type: login_risk, rules: [login], learn: {period: 3d, events: 5}", "type: new_value, field: user_agent, rules: [login], learn: {period: 1d, events: 2}", 1), facts...),
	}
	types := map[string]int{}
	for seed := range *lives {
		rng := rand.New(rand.NewPCG(seed, 91))
		opts := detector.EngineOptions{MaxAccounts: []int{0, 30}[seed%2], Ticked: seed%4 > 1}
		plain := detector.NewEngine(0, plans[0], opts)
		var log []entry
		var want [][]string
		var found []detector.Finding
		now := start
		for seq := range uint64(400) {
			now = now.Add(time.Duration(rng.ExpFloat64() * float64([]time.Duration{5 * time.Minute, 4 * time.Hour}[seq/20%2])))
			e := entry{seq: seq + 1, at: now, b: activity.Batch{Backfill: rng.IntN(20) == 0}}
			if seq%90 == 89 {
				e.plan = plans[rng.IntN(len(plans))]
			}
			for range rng.IntN(9) {
				e.b.Activities = append(e.b.Activities, anyActivity(rng, now))
			}
			if rng.IntN(6) == 0 {
				e.b.Activities = append(e.b.Activities, says(rng, found, now))
			}
			log = append(log, e)
			got := plain.Apply(e.seq, e.at, &e.b)
			if e.plan != nil {
				got = plain.Activate(e.seq, e.at, e.plan)
			}
			var lines []string
			for i := range got {
				lines = append(lines, line(&got[i]))
				if got[i].Phase == detector.Open {
					types[got[i].Rule.Name]++
				}
			}
			want, found = append(want, lines), append(found, got...)
		}
		memory, err := plain.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		k := &killed{t: t, rng: rng, log: log, first: plans[0], opts: opts}
		k.play(want)
		if again, err := k.e.Snapshot(); err != nil || !bytes.Equal(memory, again) {
			t.Errorf("seed %d: the memory in the end is another one (%v)", seed, err)
		}
	}
	for _, name := range []string{"new_country", "new_app", "new_address", "travel", "risky", "seldom", "unlike", "fans"} {
		if types[name] == 0 {
			t.Errorf("rule %s fired nowhere", name)
		}
	}
}
