package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
)

const posts = `title: Posts
id: 929a690e-bef0-4204-a928-ef5e620d6fcc
name: posts
logsource: {product: picket}
detection:
  sel:
    kind: post
  condition: sel
`

func TestCompileCorrelation(t *testing.T) {
	p := compileRules(t, posts+`---
title: Burst
id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9
name: burst
description: Too many.
level: low
tags: [attack.t1078]
references: [https://example.org]
falsepositives: [A campaign]
correlation:
  type: value_count
  rules: [929A690E-bef0-4204-a928-ef5e620d6fcc]
  group-by: [app, account]
  timespan: 10m
  condition: {gt: 11, field: ip}
picket:
  quiet: 90m
  mode: observe
  resolved-by: [posts]
  response: [Phone them.]
`)
	want := &Rule{
		Index: 1, ID: "08fbc97d-0a2f-491c-ae21-8ffcfd3174e9", Name: "burst", Title: "Burst", Description: "Too many.",
		Level: Low, Mode: Observe, Tags: []string{"attack.t1078"}, References: []string{"https://example.org"},
		FalsePositives: []string{"A campaign"}, Type: TypeValueCount,
		Inputs: []int{0}, Timespan: 10 * time.Minute, Condition: Condition{Min: 12, Bounds: []Bound{{"gt", 11}}, Text: "gt: 11"},
		Quiet: 90 * time.Minute, ResolvedBy: []int{0}, Response: []string{"Phone them."},
	}
	got := p.Rules()[1]
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Rule{}, "Version", "GroupBy", "Field")); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	if names := fieldNames(got.GroupBy); !slices.Equal(names, []string{"account", "app"}) {
		t.Errorf("grouped by %v, want account first", names)
	}
	if got.Field == nil || got.Field.Name != "ip" {
		t.Errorf("field %v, want ip", got.Field)
	}
}

// TestTitlesAreOneLine: a title is told in tables, subjects and terminals. What
// makes it several lines, or steers a terminal, is not part of it; the id made
// from a title stays that of the title as it is written.
func TestTitlesAreOneLine(t *testing.T) {
	const body = "\nlogsource: {product: picket}\ndetection: {s: {kind: post}, condition: s}\n"
	for _, tt := range []struct{ name, title, want string }{
		{"folded", ">\n  Posts at\n  night", "Posts at night"},
		{"literal", "|\n  Posts\n\n    at night", "Posts at night"},
		{"escapes of a terminal", `"Posts\e[31m at\u202e night\x07"`, "Posts[31m at night"},
		{"joined emoji", "Family 👨‍👩‍👧", "Family 👨‍👩‍👧"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := compileRules(t, "title: "+tt.title+body)
			r := p.Rules()[0]
			if r.Title != tt.want {
				t.Errorf("title %q, want %q", r.Title, tt.want)
			}
			if docs := documents(p, []File{{Name: "test.yml", Data: []byte("title: " + tt.title + body)}}); docs[0] == nil {
				t.Error("its document is not found")
			}
		})
	}
	if got, want := compileRules(t, "title: >\n  Posts"+body).Rules()[0].ID, deriveID("Posts\n"); got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

func fieldNames(fields []activity.FieldRef) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return out
}

// TestOrderedCondition: a temporal_ordered correlation may say that all of its
// rules must match, as converters write it, and nothing else.
func TestOrderedCondition(t *testing.T) {
	rule := func(condition string) string {
		return "title: A\nname: a\nlogsource: {product: picket}\ndetection: {s: {kind: post}, condition: s}\n---\n" +
			"title: B\nname: b\nlogsource: {product: picket}\ndetection: {s: {kind: reply}, condition: s}\n---\n" +
			"title: C\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [account], timespan: 1h" + condition + "}\n"
	}
	bare := compileRules(t, rule("")).Rules()[2]
	for _, condition := range []string{", condition: {gte: 2}", ", condition: {eq: 2}"} {
		got := compileRules(t, rule(condition)).Rules()[2]
		if d := cmp.Diff(bare.Condition, got.Condition); d != "" {
			t.Errorf("%s (-without +with):\n%s", condition, d)
		}
	}
	for _, condition := range []string{", condition: {gte: 1}", ", condition: {eq: 3}", ", condition: {gt: 2}", ", condition: {gte: 2, lte: 2}"} {
		_, err := Compile([]File{{Name: "r.yml", Data: []byte(rule(condition))}})
		if want := "r.yml:12:89: temporal_ordered needs a match of all its 2 rules, in order; write condition: {gte: 2}, or none"; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", condition, err, want)
		}
	}
}

func TestCompileConditions(t *testing.T) {
	for _, tt := range []struct {
		condition string
		want      Condition
	}{
		{"{gte: 12}", Condition{Min: 12, Bounds: []Bound{{"gte", 12}}, Text: "gte: 12"}},
		{"{gt: 0}", Condition{Min: 1, Bounds: []Bound{{"gt", 0}}, Text: "gt: 0"}},
		{"{eq: 3}", Condition{Min: 3, Max: 3, Bounds: []Bound{{"eq", 3}}, Text: "eq: 3"}},
		{"{gte: 3, lt: 9}", Condition{Min: 3, Max: 8, Bounds: []Bound{{"gte", 3}, {"lt", 9}}, Text: "gte: 3, lt: 9"}},
		{"{gt: 3, neq: 5}", Condition{Min: 4, Bounds: []Bound{{"gt", 3}, {"neq", 5}}, Text: "gt: 3, neq: 5"}},
	} {
		p := compileRules(t, posts+"---\ntitle: C\ncorrelation: {type: event_count, rules: [posts], group-by: account, timespan: 1h, condition: "+tt.condition+"}\n")
		if diff := cmp.Diff(tt.want, p.Rules()[1].Condition); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.condition, diff)
		}
	}
}

func TestCompileBaselines(t *testing.T) {
	p := compileRules(t, posts+`---
title: Defaults
baseline: {type: new_value, rules: [posts], field: app}
---
title: Written out
baseline: {type: new_value, rules: [posts], field: profile.name, group-by: [account, app], learn: {period: 7d, events: 0}, forget: 1y}
---
title: Approval
baseline: {type: approval, rules: [posts], verdict: edited}
---
title: Patient approval
baseline: {type: approval, rules: [posts], verdict: missing, grace: 1h, group-by: [account]}
`)
	r := p.Rules()
	day := 24 * time.Hour
	if got := (Learn{Period: 14 * day, Events: 20, AtMost: 42 * day}); r[1].Learn != got || r[1].Forget != 90*day || r[1].Quiet != time.Hour || r[1].Level != Medium {
		t.Errorf("defaults: learn %v, forget %v, quiet %v, level %v", r[1].Learn, r[1].Forget, r[1].Quiet, r[1].Level)
	}
	if names := fieldNames(r[1].GroupBy); !slices.Equal(names, []string{"account"}) {
		t.Errorf("default group-by %v, want account", names)
	}
	if r[2].Learn != (Learn{Period: 7 * day, AtMost: 21 * day}) || r[2].Forget != 365*day || r[2].Field.Name != "profile.name" || len(r[2].GroupBy) != 2 {
		t.Errorf("written out: %+v", r[2])
	}
	if r[3].Type != TypeApproval || r[3].Verdict != "edited" || r[3].Grace != 2*time.Minute || r[3].Forget != 0 {
		t.Errorf("approval: %+v", r[3])
	}
	if r[4].Grace != time.Hour || r[4].Verdict != "missing" {
		t.Errorf("patient approval: %+v", r[4])
	}
}

// TestCompileRawFields checks that group-by and field of correlations over a
// source's own events are looked up there, and Picket's own names first.
func TestCompileRawFields(t *testing.T) {
	p := compileRules(t, `title: Failed
name: failed
logsource: {product: okta}
detection: {sel: {eventType: user.authentication.failed}, condition: sel}
---
title: Many
correlation: {type: value_count, rules: [failed], group-by: [account, client.ipAddress], timespan: 1h, condition: {gte: 5, field: actor.alternateId}}
---
title: Own
correlation: {type: value_count, rules: [failed], group-by: [account], timespan: 1h, condition: {gte: 5, field: ip}}
`)
	r := p.Rules()
	if names := fieldNames(r[1].GroupBy); !slices.Equal(names, []string{"account", "raw.client.ipAddress"}) || r[1].Field.Name != "raw.actor.alternateId" {
		t.Errorf("grouped by %v over %s", names, r[1].Field.Name)
	}
	if r[2].Field.Name != "ip" {
		t.Errorf("field %s, want ip", r[2].Field.Name)
	}
}

func TestSilent(t *testing.T) {
	burst := func(extra string) string {
		return "---\ntitle: Burst\ncorrelation: {type: event_count, rules: [posts], group-by: [account], timespan: 1h, condition: {gte: 5}" + extra + "\n"
	}
	for _, tt := range []struct {
		name, src string
		want      bool
	}{
		{"alone", posts, false},
		{"feeds a correlation", posts + burst("}"), true},
		{"feeds a baseline", posts + "---\ntitle: B\nbaseline: {type: new_value, rules: [posts], field: app}\n", true},
		{"resolves", posts + "---\n" + detectionRule("sel: {kind: edit}\ncondition: sel") + "picket: {resolved-by: [posts]}\n", true},
		{"correlation generates", posts + burst("}\ngenerate: true"), false},
		{"correlation generates, written within", posts + burst(", generate: true}"), false},
		{"correlation says it does not", posts + burst("}\ngenerate: false"), true},
		{"one of two correlations generates", posts + burst("}") + burst("}\ngenerate: true"), false},
		{"generates itself", posts + "picket: {generate: true}\n" + burst("}"), false},
		{"does not generate, alone", posts + "picket: {generate: false}\n", true},
		{"does not generate, over the correlation", posts + "picket: {generate: false}\n" + burst("}\ngenerate: true"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := compileRules(t, tt.src).Rules()[0].Silent; got != tt.want {
				t.Errorf("silent: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOrderAndFileNames(t *testing.T) {
	doc := func(title string) string {
		return strings.Replace(testRule("kind: post"), "title: T", "title: "+title, 1)
	}
	files := []File{
		{Name: "b.yml", Data: []byte(doc("b1") + "---\n" + doc("b2"))},
		{Name: "a.yml", Data: []byte(doc("a1"))},
	}
	p, err := Compile(files)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for i, r := range p.Rules() {
		if r.Index != i {
			t.Errorf("rule %d has index %d", i, r.Index)
		}
		titles = append(titles, r.Title)
	}
	if want := []string{"a1", "b1", "b2"}; !slices.Equal(titles, want) {
		t.Errorf("order %v, want %v", titles, want)
	}
	if files[0].Name != "b.yml" {
		t.Error("Compile reordered its caller's files")
	}
}

func TestDerivedID(t *testing.T) {
	p := compileRules(t, testRule("kind: post")+"---\n"+strings.Replace(testRule("kind: post"), "title: T", "title: T\nname: named", 1))
	for i, want := range []string{"2e1df560-ff5a-8a82-adf9-3df5741f4f43", "0e306a44-c645-8ca7-a2b1-12ab649ea87f"} {
		if got := p.Rules()[i].ID; got != want {
			t.Errorf("rule %d has id %s, want %s", i, got, want)
		}
	}
}

func TestVersion(t *testing.T) {
	burst := "---\ntitle: Burst\nname: burst\ncorrelation: {type: event_count, rules: [posts], group-by: [account], timespan: 1h, condition: {gte: 5}}\n"
	versions := func(src string) []string {
		var out []string
		for _, r := range compileRules(t, src).Rules() {
			out = append(out, r.Version)
		}
		return out
	}
	base := versions(posts + burst)
	for _, v := range base {
		if len(v) != 12 || strings.Trim(v, "0123456789abcdef") != "" {
			t.Errorf("version %q, want 12 hexadecimal digits", v)
		}
	}
	for _, tt := range []struct {
		name, src     string
		first, second bool // whether the version changes
	}{
		{"the same", posts + burst, false, false},
		{"comments, spelling and order of attributes", "# c\nname: posts\n" + strings.Replace(posts, "name: posts\n", "", 1) + burst, false, false},
		{"threshold", posts + strings.Replace(burst, "gte: 5", "gte: 6", 1), false, true},
		{"what feeds it", strings.Replace(posts, "kind: post", "kind: reply", 1) + burst, true, true},
	} {
		got := versions(tt.src)
		if (got[0] != base[0]) != tt.first || (got[1] != base[1]) != tt.second {
			t.Errorf("%s: versions %v, before %v", tt.name, got, base)
		}
	}
}

func TestDuplicatesAcrossFiles(t *testing.T) {
	_, err := Compile([]File{{Name: "b.yml", Data: []byte(posts)}, {Name: "a.yml", Data: []byte(posts)}})
	want := `b.yml:2:5: id "929a690e-bef0-4204-a928-ef5e620d6fcc" is already used by "Posts" at a.yml:1; give each rule its own
b.yml:3:7: name "posts" is already used by "Posts" at a.yml:1; give each rule its own`
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}

func TestCompileNothing(t *testing.T) {
	p, err := Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	a := post("x")
	if got := p.Match(&a, p.NewMatcher()); len(got) != 0 || len(p.Rules()) != 0 {
		t.Errorf("no rules match %v", got)
	}
}
