package detector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

const publicRules = `
title: Mentioned
name: mentioned
id: 00000000-0000-4000-8000-000000000030
logsource: {product: picket}
detection: {s: {kind: mention}, condition: s}
---
title: Counted
name: counted
id: 00000000-0000-4000-8000-000000000031
logsource: {product: picket}
detection: {s: {kind: followers}, condition: s}
---
title: Storm
name: storm
id: 00000000-0000-4000-8000-000000000032
baseline: {type: storm, rules: [mentioned], timespan: 5m, warm-up: 1d}
picket: {quiet: 30m}
---
title: Fell
name: fell
id: 00000000-0000-4000-8000-000000000033
baseline: {type: drift, rules: [counted], field: metrics.followers, direction: -1}
picket: {quiet: 2h}
---
title: Moved
name: moved
id: 00000000-0000-4000-8000-000000000034
baseline: {type: drift, rules: [counted], field: metrics.followers}
picket: {quiet: 2h}
`

func publicLog(t *testing.T) *log {
	t.Helper()
	return &log{e: detector.NewEngine(0, plan(t, publicRules), detector.EngineOptions{})}
}

func mention() activity.Activity { return activity.Activity{Kind: activity.KindMention} }

func followers(n float64) activity.Activity {
	return activity.Activity{Kind: activity.KindFollowers, Metrics: []activity.Metric{{Name: "followers", Value: n}}}
}

// talk mentions the account some times at once every five minutes.
func (l *log) talk(from, until time.Duration, each int) {
	for at := from; at < until; at += 5 * time.Minute {
		for range each + int(at/(5*time.Minute))%3 {
			l.put(at+time.Second, mention())
		}
	}
}

// burst mentions the account once a second.
func (l *log) burst(from time.Duration, n int) {
	for i := range n {
		l.put(from+time.Duration(i)*time.Second, mention())
	}
}

// opened returns the findings that opened an episode.
func (l *log) opened() []detector.Finding {
	var out []detector.Finding
	for _, f := range l.found {
		if f.Phase == detector.Open {
			out = append(out, f)
		}
	}
	return out
}

// TestStorm holds that a storm is told while its interval fills, is one episode
// and ends after quiet.
func TestStorm(t *testing.T) {
	l := publicLog(t)
	l.talk(0, 3*day, 3)
	if len(l.found) > 0 {
		t.Fatalf("findings before: %v", l.lines)
	}
	l.burst(3*day+2*time.Minute, 100)
	got := l.opened()
	if len(got) != 1 {
		t.Fatalf("%d episodes opened, want one: %v", len(got), l.lines)
	}
	f := got[0]
	if told := f.LogTime.Sub(start) - 3*day; told > 3*time.Minute {
		t.Errorf("told %s after the interval began, want before it is over", told)
	}
	if want := fmt.Sprintf("%d mentions in 5m", f.Count); f.Reasons[0].Seen != want || !strings.HasSuffix(f.Reasons[0].Expected, " at this hour") {
		t.Errorf("reason %+v, want %q and what is usual", f.Reasons[0], want)
	}
	d := f.Reasons[0].Detail // alerting reads the numbers there
	if d["of"] != "mentions" || d["span"] != "5m0s" || f.Reasons[0].Expected != d["low"]+" to "+d["high"]+" at this hour" {
		t.Errorf("detail %v, want the numbers of %q", d, f.Reasons[0].Expected)
	}
	if last := l.found[len(l.found)-1]; last.Count != 100 || last.Phase != detector.Update {
		t.Errorf("%s with %d mentions, want an update with all 100", last.Phase, last.Count)
	}
	l.tick(3*day + time.Hour)
	if last := l.found[len(l.found)-1]; last.Phase != detector.Close || last.Closed != "quiet" {
		t.Errorf("%s (%s), want that it closed after quiet", last.Phase, last.Closed)
	}
}

// TestStormSaysWhatItCounts holds that a series of something else than mentions
// is not called one of mentions.
func TestStormSaysWhatItCounts(t *testing.T) {
	both := strings.Replace(publicRules, "{s: {kind: mention}", "{s: {kind: [mention, reply]}", 1)
	l := &log{e: detector.NewEngine(0, plan(t, both), detector.EngineOptions{})}
	l.talk(0, 3*day, 3)
	l.burst(3*day, 100)
	if got := l.last(t, "storm").Reasons[0].Seen; got != "100 activities in 5m" {
		t.Errorf("reason %q, want 100 activities", got)
	}
}

// TestStormOfASample holds that mentions which stand for others that were left
// out count as many.
func TestStormOfASample(t *testing.T) {
	l := publicLog(t)
	l.talk(0, 3*day, 3)
	heavy := mention()
	heavy.Metrics = []activity.Metric{{Name: "weight", Value: 64}}
	for i := range 10 {
		l.put(3*day+2*time.Minute+time.Duration(i)*time.Second, heavy)
	}
	f := l.opened()[0]
	if f.Count != 64 || f.Reasons[0].Seen != "64 mentions in 5m" {
		t.Errorf("opened with %d, %q; want the 64 that the first stands for", f.Count, f.Reasons[0].Seen)
	}
	if last := l.found[len(l.found)-1]; last.Count != 640 || last.Reasons[0].Seen != "640 mentions in 5m" {
		t.Errorf("%d, %q after ten of them; want 640", last.Count, last.Reasons[0].Seen)
	}
}

// TestStormNeedsToKnow holds that nothing is told before the warm-up is over.
func TestStormNeedsToKnow(t *testing.T) {
	l := publicLog(t)
	l.talk(0, 6*time.Hour, 3)
	l.burst(6*time.Hour, 200)
	l.want(t)
	c := l.e.Coverage([]string{"x/acme"}, func(string, activity.Kind, string) detector.Sight { return detector.Sight{Seen: true} })
	for _, row := range c {
		if row.Rule.Name == "storm" && (row.State != detector.CoverageLearning || row.Why != "0 of 1 days") {
			t.Errorf("coverage %s %q, want learning, 0 of 1 days", row.State, row.Why)
		}
	}
}

// TestStormCountsWhatIsLate holds that mentions which are told within the
// lateness count in their interval, and that older ones are counted as late.
func TestStormCountsWhatIsLate(t *testing.T) {
	l := publicLog(t)
	l.talk(0, 3*day, 3)
	at := 3*day + 11*time.Minute
	for i := range 60 {
		a := mention()
		a.Time = start.Add(3*day + time.Minute)
		l.put(at+time.Duration(i)*time.Millisecond, a)
	}
	if got := l.opened(); len(got) != 1 || !got[0].First.Equal(start.Add(3*day)) {
		t.Errorf("%v, want one storm in the interval that began with the day", l.lines)
	}
	old := mention()
	old.Time = start.Add(2 * day)
	before := l.e.Stats().Late
	l.put(at+time.Minute, old)
	if got := l.e.Stats().Late - before; got != 1 {
		t.Errorf("%d activities counted as late, want 1", got)
	}
}

// TestStormDoesNotDependOnTicks holds that findings are the same however the log
// ticks, and over a snapshot anywhere.
func TestStormDoesNotDependOnTicks(t *testing.T) {
	play := func(spacing time.Duration, restart bool) []string {
		l := publicLog(t)
		for hour := range 4 * 24 {
			from := time.Duration(hour) * time.Hour
			l.talk(from, from+20*time.Minute, 2+hour%5)
			for at := from + 25*time.Minute; spacing > 0 && at < from+time.Hour; at += spacing {
				l.tick(at)
			}
			if restart {
				l.e = restored(t, l.e)
			}
		}
		l.burst(4*day, 60)
		l.burst(15*day, 60)
		l.tick(16 * day)
		return l.lines
	}
	once := play(0, false)
	if len(once) < 20 {
		t.Fatalf("only %d findings", len(once))
	}
	if d := cmp.Diff(once, play(7*time.Minute, false)); d != "" {
		t.Errorf("with ticks (-without +with):\n%s", d)
	}
	if d := cmp.Diff(once, play(0, true)); d != "" {
		t.Errorf("restored each hour (-undisturbed +restored):\n%s", d)
	}
}

func restored(t *testing.T, e *detector.Engine) *detector.Engine {
	t.Helper()
	data, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	fresh := detector.NewEngine(0, e.Plan(), detector.EngineOptions{})
	if err := fresh.Restore(data); err != nil {
		t.Fatal(err)
	}
	return fresh
}

func TestDrift(t *testing.T) {
	steady := func(l *log, days int) {
		for i := range 4 * days {
			l.put(time.Duration(i)*6*time.Hour, followers(12000+float64(i)))
		}
	}
	rows := []struct {
		name string
		days int
		then []float64 // each an hour after the one before
		want []string  // rules that opened
	}{
		{"a fall", 20, []float64{10500}, []string{"fell", "moved"}},
		{"a rise", 20, []float64{14000}, []string{"moved"}},
		{"a small fall", 20, []float64{11900}, nil},
		{"a fall in steps", 20, []float64{11900, 11700, 11500, 11300}, []string{"fell", "moved"}},
		{"of an account that is not known yet", 5, []float64{6000}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := publicLog(t)
			steady(l, row.days)
			for i, n := range row.then {
				l.put(time.Duration(row.days)*day+time.Duration(i)*time.Hour, followers(n))
			}
			var got []string
			for _, f := range l.opened() {
				got = append(got, f.Rule.Name)
			}
			if d := cmp.Diff(row.want, got); d != "" {
				t.Errorf("rules that opened (-want +got):\n%s", d)
			}
		})
	}
}

func TestDriftReason(t *testing.T) {
	l := publicLog(t)
	for i := range 80 {
		l.put(time.Duration(i)*6*time.Hour, followers(12000))
	}
	l.put(20*day, followers(10800))
	got := l.opened()[0].Reasons[0]
	want := detector.Reason{
		Field: "metrics.followers", Seen: "followers fell from 12000 to 10800 (-10.0 %) in 24h", Expected: "-5.0 to 5.0 % in that time",
		Detail: map[string]string{"from": "12000", "to": "10800", "share": "-10.0"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
