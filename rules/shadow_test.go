package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
)

const inForce = `title: Post
id: 929a690e-bef0-4204-a928-ef5e620d6fcc
name: post
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
picket: {generate: true}
---
title: Burst
id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9
name: burst
level: high
correlation: {type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 12}}
---
title: No bots
logsource: {product: picket}
filter: {rules: [post], no: {app: Bot}, condition: not no}
---
title: Match days
tune: {rule: burst, set: {condition.gte: 40}, accounts: [x/acme], owner: jane, reason: live tickers, until: 2026-04-01}
`

func TestShadow(t *testing.T) {
	next := strings.NewReplacer("kind: post", "kind: [post, reply]", "gte: 12", "gte: 10").Replace(strings.Join(strings.SplitAfter(inForce, "---\n")[:2], ""))
	next = strings.TrimSuffix(next, "---\n")
	p, err := Compile([]File{{Name: "a.yml", Data: []byte(inForce)}, {Name: "b.yml", Data: []byte(next), Shadow: true}})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Compile([]File{{Name: "a.yml", Data: []byte(inForce)}})
	if err != nil {
		t.Fatal(err)
	}
	replaced, err := Compile([]File{{Name: "a.yml", Data: []byte(next + "---\n" + strings.SplitAfterN(inForce, "---\n", 3)[2])}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Rules() {
		got = append(got, fmt.Sprintf("%s %s %s %v inputs %v tuned %d", r.Name, r.Title, r.Mode, r.Shadow, r.Inputs, len(r.Tunings)))
	}
	want := []string{
		"post Post enforce false inputs [] tuned 0", "burst Burst enforce false inputs [0] tuned 1",
		"post.shadow Post (shadow) observe true inputs [] tuned 0", "burst.shadow Burst (shadow) observe true inputs [2] tuned 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rules\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range 2 {
		if a, b := p.Rules()[i], alone.Rules()[i]; a.ID != b.ID || a.Version != b.Version || a.Silent != b.Silent || a.Mode != b.Mode {
			t.Errorf("rule %s in force is changed by its shadow: %+v, before %+v", a.Name, a, b)
		}
		a, b := p.Rules()[i+2], replaced.Rules()[i]
		if a.Version != b.Version || a.Level != b.Level {
			t.Errorf("shadowed %s has version %s and level %s, in force it would have %s and %s", a.Name, a.Version, a.Level, b.Version, b.Level)
		}
		if a.ID == b.ID {
			t.Errorf("shadowed %s has the id of the rule in force", a.Name)
		}
	}
	m := p.NewMatcher()
	for _, tt := range []struct {
		kind activity.Kind
		app  string
		want []int
	}{{activity.KindPost, "", []int{0, 2}}, {activity.KindReply, "", []int{2}}, {activity.KindReply, "Bot", nil}} {
		if got := p.Match(&activity.Activity{Kind: tt.kind, App: tt.app}, m); !slices.Equal(got, tt.want) {
			t.Errorf("%s with app %q matches %v, want %v", tt.kind, tt.app, got, tt.want)
		}
	}
}

// TestShadowLeavesFeedersLoud: a shadowed correlation over a rule in force does
// not silence it.
func TestShadowLeavesFeedersLoud(t *testing.T) {
	over := "title: Over\nname: over\ncorrelation: {type: event_count, rules: [posts], group-by: account, timespan: 1h, condition: {gte: 2}}\n"
	p, err := Compile([]File{{Name: "a.yml", Data: []byte(posts)}, {Name: "b.yml", Data: []byte(over), Shadow: true}})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Rules()[0]; r.Silent {
		t.Error("the rule in force raises nothing any more")
	}
}

func TestShadowChangesNothingInForce(t *testing.T) {
	filter := "title: F\nlogsource: {product: picket}\nfilter: {rules: [burst, post], no: {app: x}, condition: not no}\n"
	tune := "---\ntitle: T\ntune: {rule: burst, set: {condition.gte: 4}, accounts: [x/a], owner: j, reason: r, until: 2026-04-01}\n"
	_, err := Compile([]File{{Name: "a.yml", Data: []byte(inForce)}, {Name: "b.yml", Data: []byte(filter + tune), Shadow: true}})
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("compiled: %v", err)
	}
	want := `b.yml:3:18: a shadowed document changes nothing in force, and "burst" is; shadow that rule, too
b.yml:3:25: a shadowed document changes nothing in force, and "post" is; shadow that rule, too
b.yml:6:14: a shadowed document changes nothing in force, and "burst" is; shadow that rule, too`
	if faults.Error() != want {
		t.Errorf("faults\n%s\nwant\n%s", faults.Error(), want)
	}
}

// TestShadowJoinsShadows holds that a shadowed rule joins the shadowed version
// of another, so that what is in force tells nothing of either.
func TestShadowJoinsShadows(t *testing.T) {
	const text = `title: Login
name: login
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
---
title: Odd
name: odd
baseline: {type: login_risk, rules: [login]}
---
title: Jump
name: jump
baseline: {type: travel, rules: [login]}
picket: {joins: [odd]}
`
	p, err := Compile([]File{{Name: "a.yml", Data: []byte(text)}, {Name: "b.yml", Data: []byte(text), Shadow: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Rules() {
		for _, i := range r.Joins {
			if other := p.Rules()[i]; other.Shadow != r.Shadow {
				t.Errorf("%s joins %s, want the one of its own kind", r.Name, other.Name)
			}
		}
	}
	if n := len(p.Rules()[5].Joins); n != 1 {
		t.Errorf("%s joins %d rules, want one", p.Rules()[5].Name, n)
	}
}
