package detector_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

const rateRules = `
title: Spoke
name: spoke
id: 00000000-0000-4000-8000-000000000040
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
title: Rhythm
name: rhythm
id: 00000000-0000-4000-8000-000000000041
baseline: {type: rate, rules: [spoke], every: 730d}
picket: {quiet: 20d}
`

const hours = time.Hour

// rhythmLog has ninety days of a post each six hours, the last of them at hour
// 2154.
func rhythmLog(t *testing.T, opts detector.EngineOptions) *log {
	t.Helper()
	l := &log{e: detector.NewEngine(0, plan(t, rateRules), opts)}
	for h := time.Duration(0); h < 90*24*hours; h += 6 * hours {
		l.put(h, activity.Activity{Kind: activity.KindPost})
	}
	return l
}

func TestSilence(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{})
	l.note(l.e.Tick(9000, start.Add(2154*hours+23*hours)))
	if len(l.lines) != 0 {
		t.Fatalf("found %q within a day", l.lines)
	}
	l.note(l.e.Tick(9001, start.Add(2154*hours+60*hours)))
	l.put(2300*hours, activity.Activity{Kind: activity.KindPost})
	want := []string{"2179h13m58s open rhythm ×1 x/acme", "2300h0m0s close rhythm ×1 x/acme (heard of again)"}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if why := l.found[0].Reasons[0].Seen; why != "nothing for 25 hours, since 2026-05-31 06:00Z" {
		t.Errorf("reason %q", why)
	}
}

// TestSilenceTicks holds that the spacing of ticks, a restart and a reload
// between them change nothing.
func TestSilenceTicks(t *testing.T) {
	want := []string{"2179h13m58s open rhythm ×1 x/acme"}
	for _, row := range []struct {
		name  string
		every time.Duration
		also  func(t *testing.T, l *log)
	}{
		{"seldom", 70 * hours, func(*testing.T, *log) {}},
		{"each hour", hours, func(*testing.T, *log) {}},
		{"restarts", 7 * hours, func(t *testing.T, l *log) {
			data, err := l.e.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			l.e = detector.NewEngine(0, l.e.Plan(), detector.EngineOptions{})
			if err := l.e.Restore(data); err != nil {
				t.Fatal(err)
			}
		}},
		{"reloads", 7 * hours, func(t *testing.T, l *log) {
			l.note(l.e.Activate(9000, l.e.LogTime(), plan(t, rateRules)))
		}},
		{"forks", 7 * hours, func(t *testing.T, l *log) {
			f, err := l.e.Fork("x/acme")
			if err != nil {
				t.Fatal(err)
			}
			l.e = f
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := rhythmLog(t, detector.EngineOptions{})
			for h := row.every; h <= 70*hours; h += row.every {
				row.also(t, l)
				l.note(l.e.Tick(9000, start.Add(2154*hours+h)))
			}
			if diff := cmp.Diff(want, l.lines); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSilenceDowntime holds that nobody is silent while Picket is down, nor
// before it has read what happened meanwhile.
func TestSilenceDowntime(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{Ticked: true})
	up := 2154*hours + 30*hours
	l.note(l.e.Tick(9000, start.Add(up)))
	l.note(l.e.Tick(9001, start.Add(up+10*time.Second)))
	l.put(up+20*time.Second, activity.Activity{Kind: activity.KindPost, Time: start.Add(up - hours)})
	for h := 20 * time.Second; h < 20*hours; h += 20 * time.Second {
		l.note(l.e.Tick(9002, start.Add(up+h)))
	}
	if len(l.lines) != 0 {
		t.Errorf("found %q", l.lines)
	}
}

func TestRateBurst(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{})
	for i := range 40 {
		l.put(2155*hours+time.Duration(i)*10*time.Second, activity.Activity{Kind: activity.KindPost})
	}
	opened := l.opened()
	if len(opened) != 1 || opened[0].Reasons[0].Seen != "a pace of 12 in 1h" {
		t.Fatalf("opened %v", opened)
	}
	l.batch(2156*hours, activity.Batch{Backfill: true, Activities: slices.Repeat([]activity.Activity{{Kind: activity.KindPost}}, 40)})
	if n := len(l.opened()); n != 1 {
		t.Errorf("%d alerts with history, want 1", n)
	}
}

// TestEnded holds that a log that ends is no silence.
func TestEnded(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{})
	l.e.Ended()
	if due, ok := l.e.Pending(); ok {
		t.Errorf("due at %v", due)
	}
}

// TestSilenceGoesOnOverWhatIsLate: an activity from before the silence, told late,
// does not end it, so that it is not told twice.
func TestSilenceGoesOnOverWhatIsLate(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{})
	l.tick(2154*hours + 60*hours)
	l.put(2300*hours, activity.Activity{Kind: activity.KindPost, Time: start.Add(2154*hours - 5*time.Minute)})
	l.put(2301*hours, activity.Activity{Kind: activity.KindPost})
	l.want(t, "2179h13m58s open rhythm ×1 x/acme", "2301h0m0s close rhythm ×1 x/acme (heard of again)")
}

// TestSilenceOfARuleThatWasOff: while a rule is off it hears of nothing, which is no
// silence of the account: the next one is told as if the rule had never been off.
func TestSilenceOfARuleThatWasOff(t *testing.T) {
	l := rhythmLog(t, detector.EngineOptions{})
	l.activate(t, 2155*hours, strings.Replace(rateRules, "quiet: 20d", "quiet: 20d, mode: \"off\"", 1))
	h := 2160 * hours
	for ; h < 2160*hours+60*24*hours; h += 6 * hours {
		l.put(h, activity.Activity{Kind: activity.KindPost})
	}
	l.activate(t, h-hours, rateRules)
	for end := h + 14*24*hours; h < end; h += 6 * hours {
		l.put(h, activity.Activity{Kind: activity.KindPost})
	}
	l.tick(h + 20*24*hours)
	if len(l.found) == 0 {
		t.Fatal("no silence is told in 20 days")
	}
	if after := l.found[0].LogTime.Sub(start) - (h - 6*hours); after > 36*hours {
		t.Errorf("told after %s, want within a day and a half", after)
	}
}
