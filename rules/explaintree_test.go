package rules_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

var updateTrees = flag.Bool("update-trees", false, "write the goldens of explanations anew")

const treeRules = `
title: Many words
name: words
logsource: {product: picket, category: post}
detection:
  sale:
    text|contains|all: [free, coins]
    link_domains|endswith: [.example, .test]
  harmless:
    - app: Studio
    - lang: [de, en]
      reply_to: null
  about: [coins, wallets]
  condition: sale and about and not harmless
---
title: Okta says so
name: okta
logsource: {product: okta, service: okta}
detection:
  selection:
    eventType: user.session.start
    actor.alternateId|re: '^admin'
  filter_a: {outcome.result: FAILURE}
  filter_b: {outcome.result: DENY}
  condition: selection and not 1 of filter_*
---
title: Two of three
name: two
logsource: {product: picket}
detection:
  a: {kind: post}
  b: {lang: de}
  c: {app|neq: Studio}
  condition: [2 of them, "a and (b or c)"]
---
title: Many posts
name: many
correlation: {type: event_count, rules: [words, two], group-by: [account], timespan: 10m, condition: {gte: 5}}
---
title: A new app
name: new_app
baseline: {type: new_value, rules: [two], field: app, learn: {period: 14d, events: 20}, forget: 90d}
---
title: One after the other
name: after
baseline: {type: sequence, rules: [new_app], then: [words], within: 60m}
---
title: Unasked
name: unasked
baseline: {type: without, rules: [two], without: [words], within: 15m}
---
title: Far more than ever
name: peak
baseline: {type: peak, rules: [two], timespan: 90m, floor: 12, factor: 1.5, learn: {period: 7d, events: 5, need: either}, forget: 30d}
---
title: Approved by nobody
name: approval
baseline: {type: approval, rules: [two], verdict: missing}
---
title: Apps
name: apps
correlation: {type: value_count, rules: [two], group-by: [account, lang], timespan: 2d, condition: {gt: 3, field: app}}
---
title: Talked about
name: talked
baseline: {type: storm, rules: [two], timespan: 5m, least: 20}
---
title: Followers move
name: moved
baseline: {type: drift, rules: [two], field: metrics.followers, days: 14}
---
title: Out of its rhythm
name: rhythm
baseline: {type: rate, rules: [two], every: 365d}`

func post() activity.Activity {
	return activity.Activity{
		ID: "1", Network: "x", Account: "x/acme", Kind: activity.KindPost, Lang: "de", App: "Claimer",
		Text: "Free coins for all", Links: []string{"https://drain.example/claim"}, LinkDomains: []string{"drain.example"},
	}
}

func oktaLogin() activity.Activity {
	return activity.Activity{
		ID: "2", Network: "okta", Account: "okta/editor-2", Kind: activity.KindLogin,
		Raw: []byte(`{"eventType":"user.session.start","actor":{"alternateId":"editor"},"outcome":{"result":"FAILURE"}}`),
	}
}

// TestExplainTrees pins how explanations read.
func TestExplainTrees(t *testing.T) {
	e, err := rules.NewExplainer([]rules.File{{Name: "mine.yml", Data: []byte(treeRules)}})
	if err != nil {
		t.Fatal(err)
	}
	reply := post()
	reply.Kind, reply.App, reply.LinkDomains, reply.Links = activity.KindReply, "Studio", nil, nil
	for _, row := range []struct {
		golden, rule string
		a            activity.Activity
	}{
		{"words_match", "words", post()},
		{"words_not", "Many words", reply},
		{"okta_not", "okta", oktaLogin()},
		{"okta_foreign", "okta", post()},
		{"two", "two", reply},
		{"event_count", "many", post()},
		{"value_count", "apps", post()},
		{"sequence", "after", post()},
		{"without", "unasked", post()},
		{"peak", "peak", post()},
		{"storm", "talked", post()},
		{"drift", "moved", post()},
		{"rate", "rhythm", post()},
		{"approval", "approval", post()},
	} {
		t.Run(row.golden, func(t *testing.T) {
			r, err := e.Find(row.rule)
			if err != nil {
				t.Fatal(err)
			}
			x, err := e.Explain(r, &row.a)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "explain", row.golden+".txt")
			if *updateTrees {
				if err := os.WriteFile(path, []byte(x.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), x.String()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestExplainerFind(t *testing.T) {
	e, err := rules.NewExplainer([]rules.File{{Name: "mine.yml", Data: []byte(treeRules)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Find("unaskd")
	if want := `no rule has the name, id or title "unaskd"; did you mean "unasked"?`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
