package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/lint"
	"github.com/picketd/picket/rules/packs"
)

// of writes a detection rule for activities, with its mode off so that only
// the detection is told about.
func of(detection string) string {
	return "title: T\nname: t\nlogsource: {product: picket}\npicket: {mode: observe}\ndetection:\n" + detection
}

const feeder = `
---
title: F
name: f
logsource: {product: picket, category: login}
detection: {s: {geo.country: [DE, FR], outcome: success}, condition: s}
---
title: M
picket: {mode: observe}
`

// TestWarnings gives each warning a rule that deserves it, and neighbours that
// do not.
func TestWarnings(t *testing.T) {
	for _, row := range []struct{ name, rules, want string }{
		{"nothing", of("  a: {kind: post}\n  condition: a"), ""},
		{"unused", of("  a: {kind: post}\n  b: {lang: de}\n  condition: a"), `7:3 unused-selection no condition names "b"; name it or remove it`},
		{"used by pattern", of("  a: {kind: post}\n  b_1: {lang: de}\n  condition: a and not 1 of b_*"), ""},
		{"dead", of("  a: {kind: post}\n  condition: a and not a"), "7:14 dead-condition the condition can never hold, whatever the selections say; the rule never fires"},
		{"always", of("  a: {kind: post}\n  condition: a or not a"), "7:14 always-holds the condition always holds, whatever the selections say; the rule fires for everything"},
		{"no effect", of("  a: {kind: post}\n  b: {lang: de}\n  condition: a or a and b"), `7:3 no-effect the condition names "b", and its verdict is the same with and without it; check "and", "or" and the parentheses`},
		{"kinds exclude each other", of("  a: {kind: post}\n  b: {kind: login}\n  condition: a and b"), "8:14 dead-condition the condition can never hold: no kind of activity passes its tests of kind and the log source's category"},
		{"values exclude each other", of("  a:\n    lang: de\n    text: x\n    app: y\n  condition: a"), ""},
		{
			"category excludes", strings.Replace(of("  a: {kind: post}\n  condition: a"), "picket}", "picket, category: login}", 1),
			"6:7 dead-condition kind is post here and must be login as well; the two never hold together",
		},
		{"numbers exclude", of("  a: {metrics.followers|gt: 10, metrics.followers|lt: 5}\n  condition: a"), "6:33 dead-condition metrics.followers is above 10 and below 5 here; no number is"},
		{"numbers meet", of("  a: {metrics.followers|gt: 5, metrics.followers|lt: 10}\n  condition: a"), ""},
		{"part of another kind", of("  a: {kind: post, poll.state: gap}\n  condition: a"), "6:19 dead-condition only activities of kind poll have poll.state, and this is about post"},
		{"metric", of("  a: {metrics.folowers|gt: 10}\n  condition: a"), `6:7 unknown-field no source tells metrics.folowers; did you mean "metrics.followers"?`},
		{"profile", of("  a: {profile.nmae: x}\n  condition: a"), `6:7 unknown-field no source tells profile.nmae; did you mean "profile.name"?`},
		{"kind", of("  a: {kind: [post, pots]}\n  condition: a"), `6:20 unknown-value kind is never "pots"; expected one of post, repost, reply, edit, delete, message, login, login_failure, logout, session, token_grant, token_revoke, mfa_change, password_change, role_change, profile, followers, mention, approval, poll, verdict; did you mean "post"?`},
		{"outcome", of("  a: {outcome: failed}\n  condition: a"), `6:16 unknown-value outcome is never "failed"; expected one of success, failure`},
		{"outcome with a wildcard", of("  a: {outcome: fail*}\n  condition: a"), ""},
		{"country", of("  a: {geo.country: Germany}\n  condition: a"), `6:20 unknown-value geo.country is never "Germany"; write the two letters of ISO 3166, such as DE`},
		{"account", of("  a: {account: acme}\n  condition: a"), `6:16 unknown-value account is never "acme"; write network/name, such as x/acme`},
		{"twice", of("  a: {lang: [de, DE, en]}\n  condition: a"), `6:18 repeated-value "DE" is already listed in line 6, since case is ignored; remove one`},
		{"twice, cased", of("  a: {lang|cased: [de, DE]}\n  condition: a"), ""},
		{"group-by", feeder + "correlation: {type: value_count, rules: [f], group-by: [account, ip], timespan: 1h, condition: {gte: 2, field: ip}}", `10:21 dead-window ip has at most 1 different values here (it is one of group-by), so the count gte: 2 is never reached`},
		{"pinned", feeder + "correlation: {type: value_count, rules: [f], group-by: [account], timespan: 1h, condition: {gte: 3, field: geo.country}}", `10:21 dead-window geo.country has at most 2 different values here (de, fr), so the count gte: 3 is never reached`},
		{"pinned enough", feeder + "correlation: {type: value_count, rules: [f], group-by: [account], timespan: 1h, condition: {gte: 2, field: geo.country}}", ""},
		{"placeholder without values", of("  a: {kind: post}\n  b: {actor|expand: [jane, '%editors%'], text|contains|expand: 'x%who%y'}\n  condition: a and not b"), "7:28 dead-condition the rule matches nothing: editors has no values; add a placeholders document that says what %editors% stands for\n7:64 dead-condition the rule matches nothing: who has no values; add a placeholders document that says what %who% stands for"},
		{"placeholder of a rule for others", strings.Replace(feeder, "s: {", "s: {actor|expand: '%editors%', ", 1) + "correlation: {type: event_count, rules: [f], group-by: [account], timespan: 1h, condition: {gte: 2}}", ""},
		{"placeholder with values", of("  a: {actor|expand: '%editors%'}\n  condition: a") + "\n---\ntitle: P\nplaceholders: {editors: [jane]}\n", ""},
		{"more rules than there are", feeder + "correlation: {type: temporal, rules: [f, g], group-by: [account], timespan: 1h, condition: {gte: 3}}\n---\ntitle: G\nname: g\nlogsource: {product: picket}\ndetection: {s: {kind: post}, condition: s}", `10:21 dead-window it is about 2 rules, so the count gte: 3 is never reached`},
		{"one value is never new", feeder + "baseline: {type: new_value, rules: [f], field: outcome}", `10:18 dead-window outcome has only one value here (success), so none is ever new once it is learned`},
		{
			"fed by the dead", strings.Replace(feeder, "s: {", "s: {kind: post, ", 1) + "correlation: {type: event_count, rules: [f], group-by: [account], timespan: 1h, condition: {gte: 2}}",
			"6:17 dead-condition kind is post here and must be login as well; the two never hold together\n" +
				"10:21 dead-window none of the rules that feed it can ever match",
		},
		{"same title", of("  a: {kind: post}\n  condition: a") + "\n---\n" + strings.Replace(of("  a: {kind: reply}\n  condition: a"), "name: t", "name: u", 1), `9:8 duplicate-title title "T" is already used at r.yml:1; alerts of the two look the same`},
		{"same logic", of("  a: {kind: post}\n  condition: a") + "\n---\n" + strings.NewReplacer("name: t", "name: u", "title: T", "title: U").Replace(of("  a: {kind: post}\n  condition: a")), `9:8 duplicate-logic matches exactly what "T" at r.yml:1 matches; remove one, or refer to it`},
		{
			"no response, no test", strings.Replace(of("  a: {kind: post}\n  condition: a"), "picket: {mode: observe}\n", "", 1),
			"1:8 no-response the rule tells people and does not say what to do; add picket: {response: [...]}, or mode: observe\n1:8 no-test no test expects this rule to fire; add a .test.yml beside it",
		},
		{"fault", of("  a: {knid: post}\n  condition: a"), `6:7 fault unknown field "knid"; did you mean "kind"?`},
		{"source's own field", okta("eventType", "eventType", "eventType", "eventtype"), `26:7 unknown-field no other rule for product "okta" uses the field eventtype; did you mean "eventType"?`},
		{"source's field with letters swapped", okta("eventType", "eventType", "eventType", "evnetType"), `26:7 unknown-field no other rule for product "okta" uses the field evnetType; did you mean "eventType"?`},
		{"source's field of another name", okta("FileName", "FileName", "FileName", "HiveName"), ""},
		{"source's numbered fields", okta("param1", "param1", "param1", "param2"), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, p := range lint.Check([]rules.File{{Name: "r.yml", Data: []byte(row.rules)}}, lint.Options{Tested: func(*rules.Rule) bool { return false }}) {
				got = append(got, fmt.Sprintf("%d:%d %s %s", p.At.Line, p.At.Column, p.Code, p.Message))
			}
			if d := cmp.Diff(row.want, strings.Join(got, "\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func okta(fields ...string) string {
	var docs []string
	for i, f := range fields {
		docs = append(docs, fmt.Sprintf("title: R%d\nlogsource: {product: okta}\npicket: {mode: observe}\ndetection:\n  s: {%s: v%d}\n  condition: s", i, f, i))
	}
	return strings.ReplaceAll(strings.Join(docs, "\n---\n"), "\n\n", "\n")
}

// TestCodes holds that every code is told about once.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range lint.Codes() {
		if seen[c.Code] || c.About == "" {
			t.Errorf("code %q is listed twice or not told about", c.Code)
		}
		seen[c.Code] = true
	}
}

// TestPacks holds that the built-in packs deserve no warning but, without their
// tests at hand, none about tests.
func TestPacks(t *testing.T) {
	for _, name := range packs.Names() {
		files, err := packs.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range lint.Check(files, lint.Options{}) {
			t.Errorf("%s:%d:%d: %s: %s", p.File, p.At.Line, p.At.Column, p.Code, p.Message)
		}
	}
}
