package detector_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// correlated are detection rules for the correlations of a test.
const correlated = `
title: Login
name: login
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
---
title: Profile changed
name: profile
logsource: {product: picket}
detection: {s: {kind: profile}, condition: s}
---
title: Post
name: post
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
`

// feedAll gives an engine activities, written as "minute kind [app] [likes]".
func feedAll(t *testing.T, yaml string, script ...string) *log {
	t.Helper()
	l := &log{e: detector.NewEngine(0, plan(t, yaml, detector.Account{Name: "x/acme", Approvals: true}), detector.EngineOptions{})}
	for _, line := range script {
		words := append(strings.Fields(line), "", "", "")
		minute, err := strconv.Atoi(words[0])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kind, app := words[1], words[2]
		at := time.Duration(minute) * time.Minute
		if kind == "tick" {
			l.tick(at)
			continue
		}
		a := activity.Activity{Kind: activity.Kind(kind), App: app, Actor: app}
		if likes, err := strconv.ParseFloat(words[3], 64); err == nil {
			a.Metrics = []activity.Metric{{Name: "likes", Value: likes}}
		}
		l.put(at, a)
	}
	return l
}

func TestCorrelationTypes(t *testing.T) {
	for _, tt := range []struct {
		name, rule string
		script     []string
		want       []string
	}{
		{
			"temporal takes any order", "{type: temporal, rules: [login, profile, post], group-by: account, timespan: 10m}",
			[]string{"0 post", "4 login", "5 login", "9 profile"},
			[]string{"9m0s open c ×3 x/acme"},
		},
		{
			"temporal lacks one within its span", "{type: temporal, rules: [login, profile, post], group-by: account, timespan: 10m}",
			[]string{"0 post", "4 login", "10 profile"},
			nil,
		},
		{
			"temporal of so many", "{type: temporal, rules: [login, profile, post], group-by: account, timespan: 10m, condition: {gte: 2}}",
			[]string{"0 post", "4 login"},
			[]string{"4m0s open c ×2 x/acme"},
		},
		{
			"ordered", "{type: temporal_ordered, rules: [login, profile, post], group-by: account, timespan: 10m}",
			[]string{"0 login", "4 profile", "5 post", "6 post"},
			[]string{"5m0s open c ×3 x/acme", "6m0s update c ×4 x/acme"},
		},
		{
			"out of order", "{type: temporal_ordered, rules: [login, profile, post], group-by: account, timespan: 10m}",
			[]string{"0 profile", "4 login", "5 post"},
			nil,
		},
		{
			"ordered, the first step again", "{type: temporal_ordered, rules: [login, post], group-by: account, timespan: 10m}",
			[]string{"0 login", "9 login", "15 post"},
			[]string{"15m0s open c ×2 x/acme"},
		},
		{
			"sum", "{type: value_sum, rules: [post], group-by: account, timespan: 10m, condition: {gt: 100, field: metrics.likes}}",
			[]string{"0 post a 60", "1 post a 40", "11 post a 60", "12 post a 41"},
			[]string{"12m0s open c ×2 x/acme"},
		},
		{
			"average", "{type: value_avg, rules: [post], group-by: account, timespan: 10m, condition: {lt: 50, field: metrics.likes}}",
			[]string{"0 post a 60", "1 post a 40", "2 post a 20"},
			[]string{"2m0s open c ×3 x/acme"},
		},
		{
			"percentile", "{type: value_percentile, rules: [post], group-by: account, timespan: 1h, condition: {lte: 25, field: app}}",
			[]string{"0 post a", "1 post a", "2 post a", "3 post b"},
			[]string{"3m0s open c ×4 x/acme"},
		},
		{
			"a range opens and what lies beyond it is silent", "{type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 2, lte: 3}}",
			[]string{"0 post", "1 post", "2 post", "3 post"},
			[]string{"1m0s open c ×2 x/acme", "2m0s update c ×3 x/acme"},
		},
		{
			"combinations of two fields", "{type: value_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 3, field: [app, metrics.likes]}}",
			[]string{"0 post a 1", "1 post a 2", "2 post a 1", "3 post b", "4 post b 1", "5 post b 1"},
			[]string{"4m0s open c ×3 x/acme", "5m0s update c ×4 x/acme"},
		},
		{
			"an alias is another field in each rule", "{type: temporal, rules: [login, post], aliases: {who: {login: actor, post: text}}, group-by: [account, who], timespan: 10m}",
			[]string{"0 login a", "1 post a"},
			nil,
		},
		{
			"an alias groups", "{type: temporal, rules: [login, post], aliases: {who: {login: app, post: app}}, group-by: [account, who], timespan: 10m}",
			[]string{"0 login a", "1 post b", "2 post a"},
			[]string{"2m0s open c ×2 x/acme"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+"title: C\nname: c\ncorrelation: "+tt.rule+"\n", tt.script...)
			if diff := cmp.Diff(tt.want, l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefire holds what rules/doc.go says of conditions that go on holding.
func TestRefire(t *testing.T) {
	const burst = "title: Burst\nname: burst\ncorrelation: {type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 2}}\npicket: {quiet: 30m}\n"
	const twice = "---\ntitle: Twice\nname: twice\ncorrelation: {type: event_count, rules: [burst], group-by: account, timespan: 2h, condition: {gte: 2}}\n"
	posts := []string{"0 post", "1 post", "2 post", "3 post", "40 tick", "60 post", "61 post", "62 post"}
	for _, tt := range []struct{ name, yaml, want string }{
		{
			"one finding opens and later matches update it", burst,
			`1m0s open burst ×2 x/acme
2m0s update burst ×3 x/acme
3m0s update burst ×4 x/acme
33m0s close burst ×4 x/acme (quiet)
1h1m0s open burst ×2 x/acme
1h2m0s update burst ×3 x/acme`,
		},
		{
			"a correlation counts once for the one above it until it was quiet", burst + twice,
			`1h1m0s open twice ×2 x/acme`,
		},
		{
			"generate lets the rules below raise findings, too", burst + strings.Replace(twice, "{gte: 2}}", "{gte: 2}, generate: true}", 1),
			`1m0s open burst ×2 x/acme
2m0s update burst ×3 x/acme
3m0s update burst ×4 x/acme
33m0s close burst ×4 x/acme (quiet)
1h1m0s open burst ×2 x/acme
1h1m0s open twice ×2 x/acme
1h2m0s update burst ×3 x/acme`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+tt.yaml, posts...)
			// Closing says its own log time.
			if diff := cmp.Diff(strings.Split(tt.want, "\n"), l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			data, err := l.e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			again := detector.NewEngine(0, l.e.Plan(), detector.EngineOptions{})
			if err := again.Restore(data); err != nil {
				t.Fatal(err)
			}
			if same, err := again.Snapshot(); err != nil || string(same) != string(data) {
				t.Errorf("memory changes on its way through a snapshot: %v", err)
			}
		})
	}
}

// TestOverSequenceAndApproval counts findings of rules that judge by more than
// one activity: each counts once, when it opens.
func TestOverSequenceAndApproval(t *testing.T) {
	const takeover = "title: Takeover\nname: takeover\nbaseline: {type: sequence, rules: [login], then: [profile], within: 10m}\npicket: {quiet: 5m}\n"
	const unapproved = "title: Unapproved\nname: unapproved\nbaseline: {type: approval, rules: [post], verdict: missing, grace: 2m}\npicket: {quiet: 5m}\n"
	for _, tt := range []struct {
		name, yaml string
		script     []string
		want       []string
	}{
		{
			"two takeovers in a day", takeover + "---\ntitle: Twice\nname: c\ncorrelation: {type: event_count, rules: [takeover], group-by: account, timespan: 1d, condition: {gte: 2}}\n",
			[]string{"0 login", "1 profile", "2 profile", "30 tick", "60 login", "61 profile"},
			[]string{"1h1m0s open c ×2 x/acme"},
		},
		{
			"a takeover and then a post that nobody approved", takeover + "---\n" + unapproved +
				"---\ntitle: Both\nname: c\ncorrelation: {type: temporal_ordered, rules: [takeover, unapproved], group-by: account, timespan: 1h}\n",
			[]string{"0 login", "1 profile", "3 post", "10 tick"},
			[]string{"5m0s open c ×2 x/acme"},
		},
		{
			"a post before its takeover is the wrong order", takeover + "---\n" + unapproved +
				"---\ntitle: Both\nname: c\ncorrelation: {type: temporal_ordered, rules: [takeover, unapproved], group-by: account, timespan: 1h}\n",
			[]string{"0 post", "3 login", "4 profile", "10 tick"},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+tt.yaml, tt.script...)
			if diff := cmp.Diff(tt.want, l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCoverageOverSequence: a correlation over a sequence guards as well as the
// sequence does, and over an approval rule where approvals are asked for.
func TestCoverageOverSequence(t *testing.T) {
	yaml := correlated + "title: Takeover\nname: takeover\nbaseline: {type: sequence, rules: [login], then: [profile], within: 10m}\n" +
		"---\ntitle: Unapproved\nname: unapproved\nbaseline: {type: approval, rules: [post], verdict: missing}\n" +
		"---\ntitle: Twice\nname: twice\ncorrelation: {type: event_count, rules: [takeover, unapproved], group-by: account, timespan: 1d, condition: {gte: 2}}\n" +
		"---\ntitle: Both\nname: both\ncorrelation: {type: temporal, rules: [takeover, unapproved], group-by: account, timespan: 1d}\n"
	e := detector.NewEngine(0, plan(t, yaml, detector.Account{Name: "x/acme", Approvals: true}), detector.EngineOptions{})
	sight := func(_ string, k activity.Kind, _ string) detector.Sight {
		return detector.Sight{Seen: k == activity.KindPost || k == activity.KindProfile, Why: "nobody shows " + string(k)}
	}
	got := map[string]string{}
	for _, c := range e.Coverage([]string{"x/acme", "x/free"}, sight) {
		got[c.Account+" "+c.Rule.Name] = strings.TrimSpace(string(c.State) + " " + c.Why)
	}
	for key, want := range map[string]string{
		"x/acme twice": "active",
		"x/acme both":  "no_source nobody shows login",
		"x/free twice": "no_source nobody shows login",
		"x/free both":  "off posts of this account need no approval",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
}

func TestTuning(t *testing.T) {
	const burst = "title: Burst\nname: burst\ncorrelation: {type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 2}}\n"
	const tune = "---\ntitle: Match days\ntune:\n  rule: burst\n  set: {condition.gte: 4}\n  accounts: [%s]\n  owner: jane\n  reason: live tickers\n  until: %s\n"
	posts := []string{"0 post", "1 post", "2 post", "3 post"}
	for _, tt := range []struct{ name, account, until, want string }{
		{"for this account", "x/acme", "2026-03-03", "3m0s open burst ×4 x/acme"},
		{"for another account", "x/other", "2026-03-03", "1m0s open burst ×2 x/acme\n2m0s update burst ×3 x/acme\n3m0s update burst ×4 x/acme"},
		{"expired", "x/acme", "2026-03-02", "1m0s open burst ×2 x/acme\n2m0s update burst ×3 x/acme\n3m0s update burst ×4 x/acme"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := feedAll(t, correlated+burst+fmt.Sprintf(tune, tt.account, tt.until), posts...)
			if diff := cmp.Diff(strings.Split(tt.want, "\n"), l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
