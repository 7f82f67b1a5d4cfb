package detector_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// loudRules are stepRules with a sequence over a rule that raises alerts
// itself, so that each login of an intruder is a step.
var loudRules = strings.NewReplacer(
	"rules: [odd_country]", "rules: [new_country]",
	"forget: 90d\npicket: {quiet: 1h}", "forget: 90d\npicket: {quiet: 1h, generate: true}",
).Replace(stepRules)

// far is when the logins of okta/eve are known.
const far = 20 * day

// learned is a log of loudRules that knows okta/eve's logins from DE.
func learned(t *testing.T) *log {
	t.Helper()
	l := &log{e: detector.NewEngine(0, plan(t, loudRules, detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}}), detector.EngineOptions{})}
	for i := range 4 {
		l.put(time.Duration(i)*5*day, of("okta/eve", login("DE")))
	}
	return l
}

// said returns the lines about one rule.
func (l *log) said(rule string) (out []string) {
	for _, line := range l.lines {
		if strings.Contains(line, " "+rule+" ") {
			out = append(out, line)
		}
	}
	return out
}

// last returns the latest finding of a rule.
func (l *log) last(t *testing.T, rule string) detector.Finding {
	t.Helper()
	for _, f := range slices.Backward(l.found) {
		if f.Rule.Name == rule {
			return f
		}
	}
	t.Fatalf("no finding of %s", rule)
	return detector.Finding{}
}

func (l *log) activate(t *testing.T, when time.Duration, yaml string) {
	t.Helper()
	l.seq++
	p := plan(t, yaml, detector.Account{Name: "x/acme", GuardedBy: []string{"okta/eve"}})
	l.note(l.e.Activate(l.seq, start.Add(when), p))
}

func (l *log) memory(t *testing.T) []byte {
	t.Helper()
	data, err := l.e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestFloodOfStepsHidesNothing repeats what an intruder can repeat.
func TestFloodOfStepsHidesNothing(t *testing.T) {
	t.Run("logins after the change, which is told last", func(t *testing.T) {
		l := learned(t)
		for i := range 60 {
			l.put(far+time.Duration(i)*5*time.Second, of("okta/eve", login("RO")))
		}
		l.put(far+6*time.Minute, at(far+time.Second, kind(activity.KindProfile)))
		same(t, l.said("taken"), "480h6m0s open taken ×1 x/acme")
	})
	t.Run("changes of the identity's password", func(t *testing.T) {
		l := learned(t)
		l.put(far, of("okta/eve", login("RO")))
		for i := range 60 {
			l.put(far+time.Minute+time.Duration(i)*time.Second, of("okta/eve", kind(activity.KindPasswordChange)))
		}
		l.put(far+5*time.Minute, kind(activity.KindProfile))
		if said := l.said("taken"); !slices.Contains(said, "480h5m0s open taken ×1 x/acme") {
			t.Errorf("the last finding is %s, want one of the account", said[len(said)-1])
		}
	})
	t.Run("the alert tells what was done all the same", func(t *testing.T) {
		l := learned(t)
		for i := range 12 {
			l.put(far+time.Duration(i)*time.Minute, of("okta/eve", login("RO")))
		}
		l.put(far+20*time.Minute, kind(activity.KindProfile))
		f := l.last(t, "taken")
		if n := len(f.Related); n != 8 || f.Related[0].Time.Sub(start) != far || f.Related[7].Rule != "face" {
			t.Errorf("%d related, the last by %s: want 8, from the first login to the change", n, f.Related[n-1].Rule)
		}
	})
}

// TestStepsToldLate: sources have outages, and what they tell after one still
// belongs together, once.
func TestStepsToldLate(t *testing.T) {
	t.Run("a login that is told hours later", func(t *testing.T) {
		l := learned(t)
		l.put(far+10*time.Minute, kind(activity.KindProfile))
		l.put(far+5*time.Hour, of("okta/eve", at(far, login("RO"))))
		same(t, l.said("taken"), "485h0m0s open taken ×1 x/acme")
	})
	t.Run("a second login does not count the change again", func(t *testing.T) {
		l := learned(t)
		l.put(far, of("okta/eve", login("RO")))
		l.put(far+10*time.Minute, kind(activity.KindProfile))
		l.put(far+12*time.Minute, of("okta/eve", at(far+time.Minute, login("RO"))))
		same(t, l.said("taken"), "480h10m0s open taken ×1 x/acme", "480h12m0s update taken ×1 x/acme")
		if n := len(l.last(t, "taken").Related); n != 3 {
			t.Errorf("%d related, want both logins and the change", n)
		}
	})
	t.Run("nor opens a closed alert again", func(t *testing.T) {
		l := learned(t)
		l.put(far, of("okta/eve", login("RO")))
		l.put(far+10*time.Minute, kind(activity.KindProfile))
		l.tick(far + 3*time.Hour)
		l.put(far+4*time.Hour, of("okta/eve", at(far+time.Minute, login("FR"))))
		same(t, l.said("taken"), "480h10m0s open taken ×1 x/acme", "481h10m0s close taken ×1 x/acme (quiet)")
	})
	t.Run("what happened before the login was told is told with it", func(t *testing.T) {
		l := learned(t)
		l.put(20*day, post("before"))
		for i := range 3 {
			l.put(20*day+time.Duration(2+i)*time.Minute, post("free coins"))
		}
		l.put(20*day+10*time.Minute, of("okta/eve", at(20*day+time.Minute, login("RO"))))
		f := l.last(t, "new_country")
		if f.Since == nil || f.Since.Count != 3 || len(f.Since.Activities) != 3 {
			t.Fatalf("since %+v, want 3 posts", f.Since)
		}
	})
}

// TestStepsOverAReload changes the second steps of a sequence between its
// halves.
func TestStepsOverAReload(t *testing.T) {
	t.Run("the first step stays", func(t *testing.T) {
		l := learned(t)
		l.put(far, of("okta/eve", login("RO")))
		l.activate(t, far+time.Minute, strings.Replace(loudRules, "then: [face, password]", "then: [face]", 1))
		l.put(far+2*time.Minute, kind(activity.KindProfile))
		same(t, l.said("taken"), "480h2m0s open taken ×1 x/acme")
	})
	t.Run("what is no step any more is none", func(t *testing.T) {
		l := learned(t)
		l.put(far+time.Minute, kind(activity.KindPasswordChange))
		l.activate(t, far+2*time.Minute, strings.Replace(loudRules, "then: [face, password]", "then: [face]", 1))
		l.put(far+3*time.Minute, of("okta/eve", at(far, login("RO"))))
		same(t, l.said("taken"))
	})
	t.Run("a sequence that is gone leaves nothing", func(t *testing.T) {
		l := learned(t)
		l.put(far, of("okta/eve", login("RO")))
		l.activate(t, far+time.Minute, testRules)
		l.tick(far + 2*time.Hour)
		if data := l.memory(t); bytes.Contains(data, []byte(`"steps"`)) || bytes.Contains(data, []byte(`000000000010/`)) || bytes.Contains(data, []byte(`000000000018/`)) {
			t.Errorf("memory keeps what rules learned that are gone: %s", data)
		}
	})
}

func TestPeaksOfAnotherSpanAreGivenUp(t *testing.T) {
	l := newStepLog(t)
	for d := range 2 {
		var b activity.Batch
		for i := range 30 {
			b.Activities = append(b.Activities, at(time.Duration(d)*day+time.Duration(i)*time.Second, kind(activity.KindRepost)))
		}
		b.Backfill = true
		l.batch(2*day, b)
	}
	l.activate(t, 2*day, strings.Replace(stepRules, "timespan: 10m, floor: 3", "timespan: 1m, floor: 3", 1))
	for i := range 3 {
		l.put(3*day+time.Duration(i)*time.Second, kind(activity.KindRepost))
	}
	same(t, l.said("peak"), "72h0m2s open peak ×3 x/acme")
}

// TestPeakThatFillsItsWindow: after two such days a window cannot count as far
// as a multiple of them.
func TestPeakThatFillsItsWindow(t *testing.T) {
	l := newStepLog(t)
	for d := range 3 {
		b := activity.Batch{Backfill: d < 2}
		for i := range 4096 {
			b.Activities = append(b.Activities, at(time.Duration(d)*day+time.Duration(i)*time.Millisecond, kind(activity.KindRepost)))
		}
		l.batch(time.Duration(d)*day+time.Minute, b)
	}
	same(t, l.said("peak"), "48h1m0s open peak ×4096 x/acme")
}

// TestHistoryTeachesPeaksWhateverItsOrder: networks give it page by page, the
// newest first.
func TestHistoryTeachesPeaksWhateverItsOrder(t *testing.T) {
	l := newStepLog(t)
	for _, d := range []int{5, 3, 2} {
		b := activity.Batch{Backfill: true}
		for i := range 6 {
			b.Activities = append(b.Activities, at(time.Duration(d)*day+time.Duration(i)*time.Second, kind(activity.KindRepost)))
		}
		l.batch(6*day, b)
	}
	for i := range 12 {
		l.put(7*day+time.Duration(i)*time.Second, kind(activity.KindRepost))
	}
	same(t, l.said("peak"), "168h0m11s open peak ×12 x/acme")
	if got := l.last(t, "peak").Reasons[0].Detail["own_peak"]; got != "6" {
		t.Errorf("own peak %s, want 6", got)
	}
}

// TestGroupsOfOneRuleDoNotBlindAnother fills an account's memory with groups
// that an intruder chooses.
func TestGroupsOfOneRuleDoNotBlindAnother(t *testing.T) {
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, testRules+`
---
title: App by language
id: 00000000-0000-4000-8000-000000000020
baseline: {type: new_value, rules: [post], group-by: [account, lang], field: app}
`), detector.EngineOptions{})
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	for i := range 1100 {
		a := post("p")
		a.Lang, a.App = fmt.Sprint("l", i), "web"
		l.put(17*day+time.Duration(i)*time.Hour, a)
	}
	l.put(64*day, login("RO"))
	same(t, l.said("new_country"), "1536h0m0s open new_country ×1 x/acme")
}

// TestExcusesAreBounded: excuses to a group that is known drive out no other,
// and all are dropped in the end.
func TestExcusesAreBounded(t *testing.T) {
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, strings.Replace(stepRules, "without: [added], within: 15m", "without: [added], group-by: [account, device], within: 15m", 1)), detector.EngineOptions{})
	factor := func(device, changed string) activity.Activity {
		a := kind(activity.KindMFAChange, changed)
		a.Device = device
		return a
	}
	for i := range 1024 {
		l.put(time.Duration(i)*time.Millisecond, factor(fmt.Sprint("d", i), "mfa_added"))
	}
	for i := range 20 {
		l.put(time.Minute+time.Duration(i)*time.Second, factor("d7", "mfa_added"))
	}
	l.put(2*time.Minute, factor("d0", "mfa_removed"))
	same(t, l.said("gone"))
	l.tick(27 * time.Hour)
	if data := l.memory(t); bytes.Contains(data, []byte(`"excuses"`)) {
		t.Error("excuses are kept a day after the last match that they can excuse")
	}
}

// TestIntruderDoesNotDriveOutWhatIsKnown opens one alert with more values than a
// model keeps.
func TestIntruderDoesNotDriveOutWhatIsKnown(t *testing.T) {
	domains := strings.Replace(testRules, "rules: [login]\n  group-by: [account]\n  field: geo.country", "rules: [post]\n  group-by: [account]\n  field: link_domains", 1)
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, domains), detector.EngineOptions{})
	with := func(domains ...string) activity.Activity {
		a := post("p")
		a.LinkDomains = domains
		return a
	}
	for i := range 5 {
		l.put(time.Duration(i)*4*day, with("acme.example"))
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("d%d.example", i))
	}
	l.put(17*day, with(many...))
	if n := len(l.found[0].Reasons); n != 8 {
		t.Errorf("%d reasons, want 8", n)
	}
	l.tick(18 * day)
	l.put(18*day, with("acme.example"))
	same(t, l.said("new_country"), "408h0m0s open new_country ×1 x/acme", "409h0m0s close new_country ×1 x/acme (quiet)")
}

// TestLongValuesAreKeptShort posts with apps as long as an activity allows.
func TestLongValuesAreKeptShort(t *testing.T) {
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, strings.Replace(testRules, "  type: event_count\n  rules: [post]\n  group-by: [account]", "  type: event_count\n  rules: [post]\n  group-by: [account, app]", 1)), detector.EngineOptions{})
	for i := range 50 {
		a, in := post("p"), login("DE")
		a.App = strings.Repeat("é", 40_000) + fmt.Sprint(i)
		in.Device = a.App
		a.LinkDomains = []string{a.App}
		l.put(time.Duration(i)*time.Hour, a, in)
	}
	if n := len(l.memory(t)); n > 1_000_000 { // of evidence, mostly
		t.Errorf("memory is %d bytes", n)
	}
}

// TestDeletedForgetsWhatIsNoEvidence posts and deletes in turn.
func TestDeletedForgetsWhatIsNoEvidence(t *testing.T) {
	l := newStepLog(t)
	for i := range 60 {
		p, gone := post("spam"), kind(activity.KindDelete)
		p.ID = fmt.Sprint("p", i)
		gone.Object, gone.ID = p.ID, "gone"+p.ID
		l.put(time.Duration(i)*time.Second, p)
		l.put(time.Duration(i)*time.Second, gone)
	}
	f := l.last(t, "burst")
	if n := len(f.Deleted); n > detector.MaxEvidence || f.Deleted["p59"].IsZero() {
		t.Errorf("%d deleted: %v", n, f.Deleted)
	}
}

func TestCoverageOfWhatFellSilent(t *testing.T) {
	none := func(string, activity.Kind, string) detector.Sight { return detector.Sight{Why: "nothing sends it"} }
	l := newStepLog(t)
	for i := range 20 {
		l.put(time.Duration(i)*day, login("DE"))
	}
	state := func(rule string) string {
		for _, c := range l.e.Coverage([]string{"x/acme"}, none) {
			if c.Rule.Name == rule {
				return string(c.State)
			}
		}
		return ""
	}
	l.tick(40 * day)
	same(t, []string{state("new_country"), state("face")}, "active", "no_source")
	l.tick(50 * day)
	same(t, []string{state("new_country"), state("face")}, "no_source", "no_source")
}

func TestReasonOfAFewHours(t *testing.T) {
	l := newLog(t)
	l.e = detector.NewEngine(0, plan(t, strings.Replace(testRules, "learn: {period: 14d, events: 3}", "learn: {period: 14d, events: 3, need: either}", 1)), detector.EngineOptions{})
	for i := range 3 {
		l.put(time.Duration(i)*time.Hour, login("DE"))
	}
	l.put(3*time.Hour, login("RO"))
	if got := l.last(t, "new_country").Reasons[0].Expected; got != "DE 3 in less than a day" {
		t.Errorf("expected %q", got)
	}
}

// TestReloadOfAnotherField: what an open alert withholds is not learned as a value
// of the field that its rule looks at since.
func TestReloadOfAnotherField(t *testing.T) {
	medium := strings.Replace(testRules, "level: high", "level: medium", 1)
	l := &log{e: detector.NewEngine(0, plan(t, medium), detector.EngineOptions{})}
	for i := range 5 {
		l.put(time.Duration(i)*4*day, login("DE"))
	}
	l.put(17*day, login("RO"))
	l.activate(t, 17*day+time.Minute, strings.Replace(medium, "field: geo.country", "field: ip", 1))
	other := login("DE")
	other.IP = "192.0.2.1"
	l.put(17*day+2*time.Minute, other)
	l.tick(18 * day)
	if l.knows("new_country", "RO") || !l.knows("new_country", "192.0.2.1") {
		t.Errorf("learned: %+v", l.e.Baselines("x/acme", "new_country"))
	}
}

// TestReloadTeachesNothing: an alert that waits for a verdict goes on to do so when
// its rule is switched off, observes or becomes less urgent while it is open.
func TestReloadTeachesNothing(t *testing.T) {
	for _, tt := range []struct{ name, was, is string }{
		{"it observes", "picket: {quiet: 1h}", "picket: {quiet: 1h, mode: observe}"},
		{"it is off", "picket: {quiet: 1h}", "picket: {quiet: 1h, mode: \"off\"}"},
		{"it is less urgent", "level: high", "level: medium"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := settled(t)
			l.put(17*day, login("RO"))
			l.activate(t, 17*day+time.Minute, strings.Replace(testRules, tt.was, tt.is, 1))
			l.tick(18 * day)
			l.activate(t, 18*day, testRules)
			if l.knows("new_country", "RO") {
				t.Error("what the alert saw is learned without a verdict")
			}
			l.put(19*day, verdict(l.found[0].Episode, "expected"))
			if !l.knows("new_country", "RO") {
				t.Error("the verdict teaches nothing")
			}
		})
	}
}

// TestGroupsAreToldApart: strangers choose values, and may put into one what
// stands between two.
func TestGroupsAreToldApart(t *testing.T) {
	yaml := testRules + `
---
title: Twice
name: twice
level: medium
correlation:
  type: event_count
  rules: [post]
  group-by: [account, app, text]
  timespan: 10m
  condition: {gte: 2}
`
	for _, tt := range []struct {
		name string
		a, b [2]string // app and text
		want []string
	}{
		{"one group", [2]string{"a\x1fb", "c"}, [2]string{"a\x1fb", "c"}, []string{"1m0s open twice ×2 x/acme"}},
		{"the mark between values", [2]string{"a\x1fb", "c"}, [2]string{"a", "b\x1fc"}, nil},
		{"what stands for it in a value", [2]string{"a\x1e1b", "c"}, [2]string{"a\x1fb", "c"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, yaml), detector.EngineOptions{})}
			for k, v := range [][2]string{tt.a, tt.b} {
				p := post(v[1])
				p.App = v[0]
				l.put(time.Duration(k)*time.Minute, p)
			}
			same(t, l.said("twice"), tt.want...)
		})
	}
	t.Run("as people read them", func(t *testing.T) {
		l := &log{e: detector.NewEngine(0, plan(t, strings.Replace(testRules, "group-by: [account]\n  field: geo.country", "group-by: [account, app]\n  field: geo.country", 1)), detector.EngineOptions{})}
		a := login("DE")
		a.App = "a\x1fb\x1e"
		l.put(0, a)
		if got := l.e.Baselines("x/acme", "new_country")[0].Group; !slices.Equal(got, []string{"a\x1fb\x1e"}) {
			t.Errorf("group %q", got)
		}
	})
}

// TestLateIsCounted: what is dropped since it is late is counted, and nothing else.
func TestLateIsCounted(t *testing.T) {
	const both = testRules + `
---
title: Counted
name: counted
logsource: {product: picket}
detection: {s: {kind: followers}, condition: s}
---
title: Moved
name: moved
baseline: {type: drift, rules: [counted], field: metrics.followers}
---
title: App
name: by_app
logsource: {product: picket}
detection: {s: {app: Suite}, condition: s}
---
title: Some
name: some
correlation: {type: event_count, rules: [post, by_app], group-by: account, timespan: 10m, condition: {gte: 9}}
---
title: Tags
name: tags
correlation: {type: value_count, rules: [post], group-by: account, timespan: 10m, condition: {field: hashtags, gte: 9}}
`
	history := at(-time.Hour, post(""))
	history.ID = "history"
	suite := post("")
	suite.App = "Suite"
	tagged := post("")
	tagged.Hashtags = []string{"sale", "sale"}
	for _, tt := range []struct {
		name        string
		first, then activity.Activity
		want        uint64
	}{
		{"a count", followers(100), at(-time.Hour, followers(101)), 1},
		{"once, of two windows that would count it", post(""), at(-time.Hour, post("")), 1},
		{"not what matches two rules of one count", suite, at(time.Minute, suite), 0},
		{"not a value that is said twice", tagged, at(time.Minute, tagged), 0},
		{"not of a history", post(""), history, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &log{e: detector.NewEngine(0, plan(t, both), detector.EngineOptions{})}
			l.put(0, tt.first)
			l.batch(2*time.Minute, activity.Batch{Backfill: tt.then.ID == history.ID, Activities: []activity.Activity{tt.then}})
			if got := l.e.Stats().Late; got != tt.want {
				t.Errorf("%d counted as late, want %d", got, tt.want)
			}
		})
	}
}
