package detector_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/window"
	"github.com/picketd/picket/rules"
)

const testRules = `
title: Login
name: login
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: login}, condition: s}
picket: {generate: false}
---
title: New country
name: new_country
id: 00000000-0000-4000-8000-000000000002
level: high
baseline:
  type: new_value
  rules: [login]
  group-by: [account]
  field: geo.country
  learn: {period: 14d, events: 3}
  forget: 90d
picket: {quiet: 1h}
---
title: Post
name: post
id: 00000000-0000-4000-8000-000000000003
logsource: {product: picket}
detection: {s: {kind: [post, edit]}, condition: s}
---
title: Burst
name: burst
id: 00000000-0000-4000-8000-000000000004
level: medium
correlation:
  type: event_count
  rules: [post]
  group-by: [account]
  timespan: 10m
  condition: {gte: 3}
picket: {quiet: 30m}
---
title: Many apps
name: many_apps
id: 00000000-0000-4000-8000-000000000005
level: medium
correlation:
  type: value_count
  rules: [post]
  group-by: [account]
  timespan: 10m
  condition: {field: app, gte: 2}
picket: {quiet: 30m}
---
title: Missing approval
name: missing
id: 00000000-0000-4000-8000-000000000006
level: critical
baseline: {type: approval, rules: [post], verdict: missing, grace: 2m}
---
title: Edited approval
name: edited
id: 00000000-0000-4000-8000-000000000007
level: medium
baseline: {type: approval, rules: [post], verdict: edited, grace: 2m}
---
title: Expired approval
name: expired
id: 00000000-0000-4000-8000-000000000008
level: medium
baseline: {type: approval, rules: [post], verdict: expired, grace: 2m}
---
title: Wrong account
name: wrong_account
id: 00000000-0000-4000-8000-000000000009
level: critical
baseline: {type: approval, rules: [post], verdict: wrong_account, grace: 2m}
---
title: Sees again
name: sees
id: 00000000-0000-4000-8000-00000000000a
logsource: {product: picket}
detection: {s: {kind: poll, poll.state: complete}, condition: s}
picket: {generate: false}
---
title: Blind
name: blind
id: 00000000-0000-4000-8000-00000000000b
level: high
logsource: {product: picket}
detection: {s: {kind: poll, poll.state: [forbidden, gap]}, condition: s}
picket: {quiet: 2h, resolved-by: [sees]}
`

func plan(t testing.TB, yaml string, accounts ...detector.Account) *detector.Plan {
	t.Helper()
	p, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "test.yml", Data: []byte(yaml)}}, Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// log feeds an engine and writes what it finds, one line each.
type log struct {
	e     *detector.Engine
	seq   uint64
	lines []string
	found []detector.Finding
}

func newLog(t testing.TB, accounts ...detector.Account) *log {
	t.Helper()
	return &log{e: detector.NewEngine(0, plan(t, testRules, accounts...), detector.EngineOptions{})}
}

func (l *log) note(found []detector.Finding) {
	for _, f := range found {
		line := fmt.Sprintf("%s %s %s ×%d %s", f.LogTime.Sub(start), f.Phase, f.Rule.Name, f.Count, f.Account)
		if f.Closed != "" {
			line += " (" + f.Closed + ")"
		}
		if f.Held != "" {
			line += " held"
		}
		l.lines = append(l.lines, line)
		l.found = append(l.found, f)
	}
}

func (l *log) put(at time.Duration, acts ...activity.Activity) {
	l.batch(at, activity.Batch{Activities: acts})
}

func (l *log) batch(at time.Duration, b activity.Batch) {
	l.seq++
	for i := range b.Activities {
		a := &b.Activities[i]
		if a.Time.IsZero() {
			a.Time = start.Add(at)
		}
		if a.Account == "" {
			a.Account = "x/acme"
		}
		a.Network, _, _ = strings.Cut(a.Account, "/")
		if a.ID == "" {
			a.ID = fmt.Sprintf("%d-%d", l.seq, i)
		}
	}
	l.note(l.e.Apply(l.seq, start.Add(at), &b))
}

func (l *log) tick(at time.Duration) {
	l.seq++
	l.note(l.e.Tick(l.seq, start.Add(at)))
}

// ticked makes the log one that somebody ticks.
func (l *log) ticked() {
	l.e = detector.NewEngine(0, l.e.Plan(), detector.EngineOptions{Ticked: true})
}

// ticks ticks each 10 seconds, as a log that is read goes on.
func (l *log) ticks(from, until time.Duration) {
	for at := from; at <= until; at += 10 * time.Second {
		l.tick(at)
	}
}

func (l *log) want(t *testing.T, lines ...string) {
	t.Helper()
	if d := cmp.Diff(lines, l.lines); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

func login(country string) activity.Activity {
	return activity.Activity{Kind: activity.KindLogin, Geo: activity.Geo{Country: country}}
}

func post(text string) activity.Activity {
	return activity.Activity{Kind: activity.KindPost, Text: text}
}

func approve(text string) activity.Activity {
	return activity.Activity{Kind: activity.KindApproval, Approval: activity.Approval{Text: text, Approvers: []string{"ceo"}}}
}

const day = 24 * time.Hour

func TestNewValue(t *testing.T) {
	t.Run("learns, then judges", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			l.put(time.Duration(i)*4*day, login("DE"))
		}
		l.put(17*day, login("RO"))
		l.want(t, "408h0m0s open new_country ×1 x/acme")
		r := l.found[0].Reasons[0]
		if r.Field != "geo.country" || r.Seen != "country RO" || r.Expected != "DE 5 in 17 days" {
			t.Errorf("reason %+v", r)
		}
	})
	t.Run("tells whom it still learns", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			known, fresh := login("DE"), login("DE")
			known.Account, fresh.Account = "x/known", "x/fresh"
			l.put(time.Duration(i)*4*day, known)
			if i == 4 {
				l.put(time.Duration(i)*4*day, fresh)
			}
		}
		if got := l.e.Learning()["new_country"]; got != (detector.LearnState{Learning: 1, Active: 1}) {
			t.Errorf("learning %+v, want one learning and one active", got)
		}
	})
	t.Run("stays silent while learning", func(t *testing.T) {
		l := newLog(t)
		for i, c := range []string{"DE", "AT", "FR", "IT"} {
			l.put(time.Duration(i)*day, login(c))
		}
		l.want(t)
	})
	t.Run("a sparse account stops waiting after three periods", func(t *testing.T) {
		l := newLog(t)
		l.put(0, login("DE"))
		l.put(42*day, login("RO"))
		l.want(t, "1008h0m0s open new_country ×1 x/acme")
	})
	t.Run("an open episode does not learn, nor does one that nobody judged", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			l.put(time.Duration(i)*4*day, login("DE"))
		}
		at := 17 * day
		l.put(at, login("RO"))
		l.put(at+10*time.Minute, login("RO"))
		l.tick(at + 71*time.Minute)
		l.put(at+2*time.Hour, login("RO"))
		l.want(
			t,
			"408h0m0s open new_country ×1 x/acme",
			"408h10m0s update new_country ×2 x/acme",
			"409h10m0s close new_country ×2 x/acme (quiet)",
			"410h0m0s open new_country ×1 x/acme held",
		)
		if got := l.found[1].Reasons[0].Expected; got != "DE 5 in 17 days" {
			t.Errorf("the intruder's second login is explained by %q", got)
		}
	})
	t.Run("a forgotten value is new again", func(t *testing.T) {
		l := newLog(t)
		l.put(0, login("FR"))
		for i := range 5 {
			l.put(time.Duration(i)*20*day, login("DE"))
		}
		l.put(91*day, login("FR"))
		l.want(t, "2184h0m0s open new_country ×1 x/acme")
	})
	t.Run("backfill teaches and never fires", func(t *testing.T) {
		l := newLog(t)
		var b activity.Batch
		b.Backfill = true
		for i := range 20 {
			a := login([]string{"DE", "AT"}[i%2])
			a.Time = start.Add(time.Duration(i-20) * day)
			b.Activities = append(b.Activities, a)
		}
		l.batch(0, b)
		l.put(time.Hour, login("AT"))
		l.put(2*time.Hour, login("RO"))
		l.want(t, "2h0m0s open new_country ×1 x/acme")
	})
	t.Run("accounts do not teach each other", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			a := login("RO")
			a.Account = "x/other"
			l.put(time.Duration(i)*4*day, login("DE"), a)
		}
		l.put(17*day, login("RO"))
		l.want(t, "408h0m0s open new_country ×1 x/acme")
	})
}

func TestEventCount(t *testing.T) {
	t.Run("opens with its window and goes on as one episode", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			l.put(time.Duration(i)*time.Minute, post("p"))
		}
		l.tick(35 * time.Minute)
		l.want(
			t,
			"2m0s open burst ×3 x/acme",
			"3m0s update burst ×4 x/acme",
			"4m0s update burst ×5 x/acme",
			"34m0s close burst ×5 x/acme (quiet)",
		)
		f := l.found[0]
		if f.First != start || len(f.Evidence) != 3 || f.Evidence[0].ID != "1-0" {
			t.Errorf("first %s, evidence %d: want the whole window from its first post", f.First, len(f.Evidence))
		}
		if got := f.Reasons[0]; got.Seen != "3 activities in 2m" || got.Expected != "fewer than 3 in 10m" {
			t.Errorf("reason %+v", got)
		}
	})
	t.Run("counts by occurrence, not by arrival", func(t *testing.T) {
		l := newLog(t)
		for i := range 3 {
			a := post("late")
			a.Time = start.Add(time.Duration(i) * 20 * time.Minute)
			l.put(time.Hour+time.Duration(i)*time.Second, a)
		}
		l.want(t)
	})
	t.Run("a late activity completes its window", func(t *testing.T) {
		l := newLog(t)
		l.put(0, post("a"))
		l.put(9*time.Minute, post("b"))
		a := post("between")
		a.Time = start.Add(5 * time.Minute)
		l.put(12*time.Minute, a)
		l.want(t, "12m0s open burst ×3 x/acme")
	})
	t.Run("a time in the future counts as now", func(t *testing.T) {
		l := newLog(t)
		a := post("tomorrow")
		a.Time = start.Add(day)
		l.put(0, a)
		l.put(time.Minute, post("b"))
		l.put(2*time.Minute, post("c"))
		l.want(t, "2m0s open burst ×3 x/acme")
	})
	t.Run("the same activity twice counts once", func(t *testing.T) {
		l := newLog(t)
		for i := range 5 {
			a := post("again")
			a.ID = "same"
			l.put(time.Duration(i)*time.Minute, a)
		}
		l.want(t)
		if s := l.e.Stats(); s.Duplicates != 4 || s.Activities != 1 {
			t.Errorf("stats %+v, want 4 duplicates of 1 activity", s)
		}
	})
	t.Run("a long episode keeps bounded evidence", func(t *testing.T) {
		l := newLog(t)
		for i := range 40 {
			l.put(time.Duration(i)*time.Second, post("p"))
		}
		last := l.found[len(l.found)-1]
		if len(last.Evidence) != detector.MaxEvidence || last.Evidence[0].ID != "1-0" || last.Evidence[7].ID != "40-0" {
			t.Errorf("evidence %d from %s to %s", len(last.Evidence), last.Evidence[0].ID, last.Evidence[7].ID)
		}
	})
}

func TestValueCount(t *testing.T) {
	l := newLog(t)
	for i, app := range []string{"web", "web", "bot"} {
		a := post("p")
		a.App = app
		l.put(time.Duration(i)*4*time.Minute, a)
	}
	l.want(t, "8m0s open burst ×3 x/acme", "8m0s open many_apps ×2 x/acme")
}

func TestApproval(t *testing.T) {
	required := detector.Account{Name: "x/acme", Approvals: true}
	text := "Our new product is here, see https://acme.example/new?utm_source=x"
	tests := []struct {
		name string
		play func(l *log)
		want []string
	}{
		{"approved before", func(l *log) {
			l.put(0, approve(text))
			l.put(time.Minute, post("Our  new product is here, see https://www.acme.example/new"))
			l.tick(time.Hour)
		}, nil},
		{"approved within the grace", func(l *log) {
			l.put(0, post(text))
			l.put(time.Minute, approve(text))
			l.tick(time.Hour)
		}, nil},
		{"approved after the grace", func(l *log) {
			l.put(0, post(text))
			l.tick(2 * time.Minute)
			l.put(3*time.Minute, approve(text))
		}, []string{"2m0s open missing ×1 x/acme"}},
		{"nothing like it", func(l *log) {
			l.put(0, approve(text))
			l.put(time.Minute, post("Giving back! https://gift.example"))
			l.tick(3 * time.Minute)
		}, []string{"3m0s open missing ×1 x/acme"}},
		{"edited", func(l *log) {
			l.put(0, approve(text))
			l.put(time.Minute, post("Our new product is late, see https://acme.example/new"))
			l.tick(3 * time.Minute)
		}, []string{"3m0s open edited ×1 x/acme"}},
		{"used up", func(l *log) {
			l.put(0, approve(text))
			l.put(time.Minute, post(text))
			l.put(2*time.Minute, post(text))
			l.tick(5 * time.Minute)
		}, []string{"4m0s open expired ×1 x/acme"}},
		{"too late", func(l *log) {
			a := approve(text)
			a.Approval.Until = start.Add(time.Minute)
			l.put(0, a)
			l.put(5*time.Minute, post(text))
			l.tick(8 * time.Minute)
		}, []string{"7m0s open expired ×1 x/acme"}},
		{"approved for another account", func(l *log) {
			a := approve(text)
			a.Account = "x/acme-shop"
			l.put(0, a)
			l.put(time.Minute, post(text))
			l.tick(4 * time.Minute)
		}, []string{"3m0s open wrong_account ×1 x/acme"}},
		{"two posts wait, one is approved", func(l *log) {
			l.put(0, post(text), post("Another thing entirely"))
			l.put(time.Minute, approve("Another thing entirely"))
			l.tick(2 * time.Minute)
		}, []string{"2m0s open missing ×1 x/acme"}},
		{"an account that needs none", func(l *log) {
			a := post("anything")
			a.Account = "x/free"
			l.put(0, a)
			l.tick(time.Hour)
		}, nil},
		{"an edit of an approved post", func(l *log) {
			l.put(0, approve(text))
			l.put(time.Minute, post(text))
			e := post("Our new product is free, see https://acme.example/new")
			e.Kind = activity.KindEdit
			l.put(2*time.Minute, e)
			l.tick(4 * time.Minute)
		}, []string{"4m0s open edited ×1 x/acme"}},
		{"downtime gives the grace back", func(l *log) {
			l.ticked()
			l.put(0, post(text))
			l.tick(time.Hour) // nobody ticked meanwhile
			l.put(time.Hour+20*time.Second, approve(text))
			l.tick(3 * time.Hour)
		}, nil},
		{"after a downtime the grace runs out all the same", func(l *log) {
			l.ticked()
			l.put(0, post(text))
			l.ticks(time.Hour, time.Hour+3*time.Minute)
		}, []string{"1h2m0s open missing ×1 x/acme"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLog(t, required)
			tt.play(l)
			l.want(t, tt.want...)
		})
	}
}

func TestApprovalReasonShowsTheDifference(t *testing.T) {
	l := newLog(t, detector.Account{Name: "x/acme", Approvals: true})
	l.put(0, approve("We open at nine on Monday"))
	l.put(time.Minute, post("We open at ten on Monday"))
	l.tick(3 * time.Minute)
	l.want(t, "3m0s open edited ×1 x/acme")
	r := l.found[0].Reasons[0]
	if got := r.Detail["difference"]; got != "We open at [-nine-] {+ten+} on Monday" {
		t.Errorf("difference %q", got)
	}
	if r.Detail["approvers"] != "ceo" || r.Detail["similarity"] != "83 %" {
		t.Errorf("detail %v", r.Detail)
	}
}

func TestResolvedBy(t *testing.T) {
	l := newLog(t)
	poll := func(state string) activity.Activity {
		return activity.Activity{Kind: activity.KindPoll, Poll: activity.Poll{State: state, Reason: "401"}}
	}
	l.put(0, poll(activity.PollForbidden))
	l.put(time.Hour, poll(activity.PollForbidden))
	l.put(90*time.Minute, poll(activity.PollComplete))
	l.put(100*time.Minute, poll(activity.PollGap))
	l.want(
		t,
		"0s open blind ×1 x/acme",
		"1h0m0s update blind ×2 x/acme",
		"1h30m0s close blind ×2 x/acme (Sees again)",
		"1h40m0s open blind ×1 x/acme",
	)
	if l.found[0].Episode == l.found[3].Episode {
		t.Error("two episodes share an id")
	}
}

func TestActivateKeepsMemoryAndClosesRemovedRules(t *testing.T) {
	l := newLog(t)
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	at := 17 * day
	l.put(at, activity.Activity{Kind: activity.KindPoll, Poll: activity.Poll{State: activity.PollForbidden}})
	// Another level and threshold, and no rule about blindness any more.
	changed, _, _ := strings.Cut(testRules, "---\ntitle: Sees again")
	changed = strings.Replace(changed, "level: high", "level: critical", 1)
	l.seq++
	l.note(l.e.Activate(l.seq, start.Add(at+time.Minute), plan(t, changed)))
	l.put(at+2*time.Minute, login("RO"))
	l.want(
		t,
		"408h0m0s open blind ×1 x/acme",
		"408h1m0s close blind ×1 x/acme (rule removed)",
		"408h2m0s open new_country ×1 x/acme",
	)
	if got := l.found[2].Rule.Level; got != rules.Critical {
		t.Errorf("level %s after the reload, want critical", got)
	}
}

// TestSnapshotAnywhere replaces the engine by one restored from its snapshot
// at random points: what it finds is the same to the byte.
func TestSnapshotAnywhere(t *testing.T) {
	t.Parallel()
	facts := []detector.Account{{Name: "x/a", Approvals: true, GuardedBy: []string{"okta/e"}}, {Name: "x/b", GuardedBy: []string{"okta/e"}}}
	p := plan(t, loudRules, facts...)
	// Another plan, in force for a while: other second steps, other peaks, a rule less.
	other := plan(t, strings.NewReplacer("then: [face, password]", "then: [face]", "factor: 2", "factor: 3, timespan: 20m", "timespan: 10m, floor: 3, ", "floor: 3, ",
		"title: Edited approval\nname: edited\nid: 00000000-0000-4000-8000-000000000007", "title: Edited approval\nname: edited\nid: 00000000-0000-4000-8000-000000000077").Replace(loudRules), facts...)
	plans := []*detector.Plan{p, other}
	total := 0
	unmet := map[string]bool{}
	for _, member := range []string{"steps", "told", "excuses", "recent", "learn", "since", "changes", "deleted", "related", "usual"} {
		unmet[member] = true
	}
	for seed := range uint64(30) {
		plain := replay(t, plans, seed, nil)
		cut := rand.New(rand.NewPCG(seed, 99))
		broken := replay(t, plans, seed, func(e *detector.Engine) *detector.Engine {
			if cut.IntN(15) != 0 {
				return e
			}
			data, err := e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(unmet, func(member string, _ bool) bool { return bytes.Contains(data, []byte(`"`+member+`":`)) })
			fresh := detector.NewEngine(0, e.Plan(), detector.EngineOptions{})
			if err := fresh.Restore(data); err != nil {
				t.Fatal(err)
			}
			again, err := fresh.Snapshot()
			if err != nil || !bytes.Equal(data, again) {
				t.Fatalf("seed %d: a restored engine encodes to other bytes (%v)", seed, err)
			}
			return fresh
		})
		if d := cmp.Diff(plain, broken); d != "" {
			t.Fatalf("seed %d (-undisturbed +restored):\n%s", seed, d)
		}
		total += len(plain)
	}
	if total < 500 {
		t.Errorf("only %d findings compared", total)
	}
	if len(unmet) > 0 {
		t.Errorf("no snapshot held %v", slices.Sorted(maps.Keys(unmet)))
	}
}

// line writes a finding out.
func line(f *detector.Finding) string {
	return fmt.Sprintf("%+v %s %s %s %v %v %d %+v %d %s %+v %+v %+v %v",
		f.Position, f.Episode, f.Phase, f.Rule.Name, f.First, f.Last, f.Count, f.Reasons, len(f.Evidence), f.Closed, f.Usual, f.Related, f.Since, f.Deleted)
}

func replay(t *testing.T, plans []*detector.Plan, seed uint64, swap func(*detector.Engine) *detector.Engine) []string {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	e := detector.NewEngine(0, plans[0], detector.EngineOptions{})
	now := start
	var lines []string
	note := func(found []detector.Finding) {
		for _, f := range found {
			lines = append(lines, line(&f))
		}
	}
	for seq := range uint64(400) {
		pace := []time.Duration{5 * time.Minute, 6 * time.Hour}[seq/20%2]
		now = now.Add(time.Duration(rng.ExpFloat64() * float64(pace)))
		if rng.IntN(3) == 0 {
			now = now.Add(-2 * time.Hour) // a batch that the broker stamped together
		}
		b := activity.Batch{Backfill: rng.IntN(20) == 0}
		for i := range rng.IntN(7) {
			a := activity.Activity{
				ID: fmt.Sprint(rng.IntN(900)), Account: []string{"x/a", "x/b", "okta/e"}[rng.IntN(3)],
				Time: now.Add(-time.Duration(rng.IntN(600)) * time.Second),
			}
			a.Network, _, _ = strings.Cut(a.Account, "/")
			switch rng.IntN(11) {
			case 9:
				a.Kind, a.Object = activity.KindDelete, fmt.Sprint(rng.IntN(900))
				if n := len(b.Activities); n > 0 {
					a.Object, a.Account, a.Network = b.Activities[n-1].ID, b.Activities[n-1].Account, b.Activities[n-1].Network
				}
			case 10:
				for k := range 3 + rng.IntN(5) {
					more := a
					more.Kind, more.ID = activity.KindRepost, fmt.Sprint(seq, "-", i, "-", k)
					b.Activities = append(b.Activities, more)
				}
				a.Kind = activity.KindRepost
			case 6:
				a.Kind, a.Changed = activity.KindMFAChange, []string{[]string{"mfa_added", "mfa_removed"}[rng.IntN(2)]}
			case 7:
				a.Kind = []activity.Kind{activity.KindProfile, activity.KindPasswordChange}[rng.IntN(2)]
			case 8:
				a.Kind = activity.KindRepost
			case 0:
				a.Kind, a.Geo.Country = activity.KindLogin, []string{"DE", "AT", "RO", "FR"}[rng.IntN(4)]
			case 1:
				a.Kind, a.Approval.Text = activity.KindApproval, fmt.Sprint("text ", rng.IntN(20))
			case 2:
				a.Kind, a.Poll.State = activity.KindPoll, []string{"forbidden", "complete"}[rng.IntN(2)]
			default:
				a.Kind, a.Text, a.App = activity.KindPost, fmt.Sprint("text ", rng.IntN(20)), []string{"web", "bot"}[i%2]
			}
			b.Activities = append(b.Activities, a)
		}
		note(e.Apply(2*seq+1, now, &b))
		if seq%90 == 89 {
			note(e.Activate(2*seq+2, now, plans[seq/90%2]))
		}
		if swap != nil {
			e = swap(e)
		}
	}
	return lines
}

// TestTickSpacingDoesNotMatter: what becomes due is settled in its order and at
// its own time, however large the step.
func TestTickSpacingDoesNotMatter(t *testing.T) {
	play := func(spacing time.Duration) []string {
		l := newLog(t, detector.Account{Name: "x/acme", Approvals: true})
		for i := range 4 {
			l.put(time.Duration(i)*time.Minute, post(fmt.Sprint("unapproved ", i)))
		}
		for at := 4 * time.Minute; at <= 3*time.Hour; at += spacing {
			l.tick(at)
		}
		l.tick(3 * time.Hour)
		return l.lines
	}
	fine, coarse := play(time.Second), play(2*time.Hour)
	if d := cmp.Diff(fine, coarse); d != "" || len(fine) < 6 {
		t.Errorf("%d findings (-ticks each second +one step):\n%s", len(fine), d)
	}
}

// TestRewordedRuleKeepsItsMemory changes everything about a feeding rule but
// what it matches.
func TestRewordedRuleKeepsItsMemory(t *testing.T) {
	l := newLog(t)
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	changed := strings.Replace(testRules, "title: Login", "title: Somebody logs in\ndescription: better words\nlevel: low", 1)
	l.seq++
	l.note(l.e.Activate(l.seq, start.Add(17*day), plan(t, changed)))
	l.put(17*day+time.Minute, login("RO"))
	l.want(t, "408h1m0s open new_country ×1 x/acme")
}

// TestStateDoesNotAliasMessages overwrites each message after it was applied,
// as a decoder that reuses its memory does.
func TestStateDoesNotAliasMessages(t *testing.T) {
	l := newLog(t)
	var dec activity.Decoder
	var b activity.Batch
	data := make([]byte, 0, 4096)
	for i := range 5 {
		for _, account := range []string{`x/a"b`, `x/z"y`} {
			a := login("DE")
			a.ID, a.Network, a.Account, a.Time = fmt.Sprint(i), "x", account, start.Add(time.Duration(i)*4*day)
			data = activity.AppendBatch(data[:0], &activity.Batch{Activities: []activity.Activity{a}})
			if err := dec.Batch(data, &b); err != nil {
				t.Fatal(err)
			}
			l.seq++
			l.note(l.e.Apply(l.seq, a.Time, &b))
		}
	}
	memory, err := l.e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{`x/a"b`, `x/z"y`} {
		if n := bytes.Count(memory, []byte(account)); n != 1 {
			t.Errorf("memory holds %s %d times, want once", account, n)
		}
	}
}

// TestRepeatedLongAfter delivers the same activities again after a downtime
// longer than the horizon.
func TestRepeatedLongAfter(t *testing.T) {
	l := newLog(t)
	a, b := post("a"), post("b")
	a.ID, b.ID, a.Time, b.Time = "a", "b", start, start
	l.put(0, a, b)
	l.put(26*time.Hour, a, b)
	l.want(t)
	if s := l.e.Stats(); s.Activities != 2 || s.Duplicates != 2 {
		t.Errorf("stats %+v, want 2 activities and 2 duplicates", s)
	}
}

// TestMemoryOfChosenKeysIsBounded groups by what an attacker chooses.
func TestMemoryOfChosenKeysIsBounded(t *testing.T) {
	byIP := strings.Replace(testRules, "  type: event_count\n  rules: [post]\n  group-by: [account]", "  type: event_count\n  rules: [post]\n  group-by: [account, ip]", 1)
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, byIP), detector.EngineOptions{})
	size := func() int {
		data, err := l.e.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(data, []byte(`\u001f`))
	}
	for i := range 3000 {
		a := post("p")
		a.IP = fmt.Sprintf("203.0.%d.%d", i/250, i%250)
		l.put(time.Duration(i)*time.Millisecond, a)
	}
	if n := size(); n > 2200 { // each stands with its window and with its evidence
		t.Errorf("%d groups kept, want about a thousand", n/2)
	}
	if n := l.e.Stats().Evicted.Groups; n != 3000-1024 {
		t.Errorf("%d groups counted as evicted, want those beyond 1,024 of 3,000", n)
	}
	l.tick(48 * time.Hour)
	if n := size(); n != 0 {
		t.Errorf("%d groups kept after their windows have passed, want none", n)
	}
}

func TestGraceIsTheRulesOwn(t *testing.T) {
	longer := strings.Replace(testRules, "verdict: expired, grace: 2m", "verdict: expired, grace: 12h", 1)
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, longer, detector.Account{Name: "x/acme", Approvals: true}), detector.EngineOptions{})
	l.put(0, post("nobody approved this"))
	l.tick(24 * time.Hour)
	l.want(t, "2m0s open missing ×1 x/acme", "1h2m0s close missing ×1 x/acme (quiet)")
}

func TestListValuesAreOneMatch(t *testing.T) {
	domains := strings.Replace(testRules, "rules: [login]\n  group-by: [account]\n  field: geo.country", "rules: [post]\n  group-by: [account]\n  field: link_domains", 1)
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, domains), detector.EngineOptions{})
	for i := range 5 {
		a := post("p")
		a.LinkDomains = []string{"a.example"}
		l.put(time.Duration(i)*4*day, a)
	}
	a := post("p")
	a.LinkDomains = []string{"b.example", "a.example", "c.example", "b.example"}
	l.put(17*day, a)
	l.want(t, "408h0m0s open new_country ×1 x/acme")
	if f := l.found[0]; len(f.Reasons) != 2 || len(f.Evidence) != 1 {
		t.Errorf("%d reasons and %d activities as evidence, want 2 and 1", len(f.Reasons), len(f.Evidence))
	}
}

func TestUnreachableCountIsRefused(t *testing.T) {
	_, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "t.yml", Data: []byte(strings.Replace(testRules, "condition: {gte: 3}", "condition: {gte: 5000}", 1))}}})
	if err == nil || !strings.Contains(err.Error(), "condition gte: 5000 is never reached, a window holds at most 4096") {
		t.Errorf("Compile: %v", err)
	}
	if rules.MaxWindow != window.MaxEvents {
		t.Errorf("rules say that a window holds %d matches, it holds %d", rules.MaxWindow, window.MaxEvents)
	}
}

func TestRestoreRefuses(t *testing.T) {
	e := detector.NewEngine(0, plan(t, testRules), detector.EngineOptions{})
	whole, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	version := func(v string) string { return strings.Replace(string(whole), `{"v":6`, `{"v":`+v, 1) }
	for name, data := range map[string]string{"not JSON": "{", "an older version": version("2"), "a newer version": version("7")} {
		if err := e.Restore([]byte(data)); err == nil {
			t.Errorf("%s is restored", name)
		}
	}
	for _, v := range []string{"3", "4", "5", "6"} {
		if err := e.Restore([]byte(version(v))); err != nil {
			t.Errorf("version %s: %v", v, err)
		}
	}
}

// TestOlderSnapshot goes on from a snapshot whose learned values have wide heads,
// and from it with the first increment that follows it.
func TestOlderSnapshot(t *testing.T) {
	before := func(l *log) {
		for i := range 5 {
			l.put(time.Duration(i)*4*day, login("DE"))
			a := post("p")
			a.App, a.LinkDomains = "suite", []string{"a.example"}
			l.put(time.Duration(i)*4*day+time.Hour, a)
		}
		for i := range 2 {
			l.put(17*day+time.Duration(i)*time.Minute, post("p"))
		}
	}
	after := func(l *log) {
		l.put(17*day+4*time.Minute, post("p")) // the third in ten minutes
		l.put(17*day+5*time.Minute, login("FR"))
		l.put(17*day+6*time.Minute, login("DE"))
	}
	undisturbed := newLog(t)
	before(undisturbed)
	n := len(undisturbed.lines)
	after(undisturbed)
	if len(undisturbed.lines) < n+2 {
		t.Fatalf("findings %v, want a burst and a country", undisturbed.lines[n:])
	}
	known := undisturbed.e.Baselines("x/acme", "")

	origin := newLog(t)
	before(origin)
	wide, err := origin.e.OlderSnapshot(4)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t)
	if err := l.e.Restore(wide); err != nil {
		t.Fatal(err)
	}
	im := l.e.Image(false)
	var increment []byte
	for done := false; !done; {
		increment, done = im.Step(increment, 1<<20)
	}
	if increment, err = im.Root(increment); err != nil {
		t.Fatal(err)
	}
	again := newLog(t)
	loader := again.e.Load()
	if err := errors.Join(loader.Add(wide), loader.Add(increment), loader.Finish()); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*log{"the snapshot": l, "the snapshot and an increment": again} {
		l.seq, l.lines = origin.seq, nil
		after(l)
		if d := cmp.Diff(undisturbed.lines[n:], l.lines); d != "" {
			t.Errorf("findings after %s (-undisturbed +restored):\n%s", name, d)
		}
		if d := cmp.Diff(known, l.e.Baselines("x/acme", ""), cmpopts.IgnoreFields(detector.Baseline{}, "Rule")); d != "" {
			t.Errorf("known after %s (-undisturbed +restored):\n%s", name, d)
		}
	}
}

func TestSetRoundTrip(t *testing.T) {
	s := detector.Set{
		Rules:     []rules.File{{Name: "a.yml", Data: []byte("title: x")}},
		Overrides: []detector.Override{{Rule: "burst", Mode: rules.Observe}},
		Accounts:  []detector.Account{{Name: "x/b"}, {Name: "x/a", Approvals: true}},
	}
	data, hash, err := s.Encode()
	if err != nil || !strings.HasPrefix(hash, "sha256:") {
		t.Fatal(hash, err)
	}
	back, err := detector.ParseSet(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, again, _ := back.Encode(); again != hash {
		t.Errorf("hash %s after a round trip, want %s", again, hash)
	}
	if _, err := detector.ParseSet([]byte(`{"rulez":[]}`)); err == nil {
		t.Error("a misspelt member is accepted")
	}
	if _, err := detector.Compile(detector.Set{Overrides: s.Overrides}); err == nil || !strings.Contains(err.Error(), `"burst"`) {
		t.Errorf("override of an unknown rule: %v", err)
	}
}
