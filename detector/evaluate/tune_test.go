package evaluate_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/evaluate"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

const burstRules = `
title: Post
name: post
id: 00000000-0000-4000-8000-000000000001
logsource: {product: picket}
detection: {s: {kind: post}, condition: s}
---
title: Burst
name: burst
id: 00000000-0000-4000-8000-000000000002
correlation: {type: event_count, rules: [post], group-by: [account], timespan: 10m, condition: {gte: 5}}
picket: {quiet: 30m}
`

func burstPlan(t *testing.T) *detector.Plan {
	t.Helper()
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "burst.yml", Data: []byte(burstRules)}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// bursts is x/acme's life: on day d a burst of sizes[d], and what people said.
func bursts(said map[int]activity.Activity, sizes ...int) replay.Source {
	var as []activity.Activity
	start := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	put := func(a activity.Activity, at time.Time) {
		a.ID, a.Network, a.Account, a.Time = at.Format(time.RFC3339), "x", "x/acme", at
		as = append(as, a)
	}
	for d, n := range sizes {
		for i := range n {
			put(activity.Activity{Kind: activity.KindPost}, start.AddDate(0, 0, d).Add(time.Duration(i)*time.Second))
		}
		if v, ok := said[d]; ok {
			put(v, start.AddDate(0, 0, d).Add(2*time.Hour))
		}
	}
	i := 0
	return replay.Merge([]replay.Feed{func() (activity.Activity, error) {
		if i == len(as) {
			return activity.Activity{}, io.EOF
		}
		i++
		return as[i-1], nil
	}}, time.Time{})
}

func label(day int, verdict string) evaluate.Label {
	at := time.Date(2026, 1, 1+day, 12, 30, 0, 0, time.UTC)
	return evaluate.Label{Account: "x/acme", Rule: "burst", Verdict: verdict, From: at, Until: at}
}

type point struct {
	Value          float64
	Alerts         int
	Kept, Harmless int
	AsItIs         bool
}

func points(c evaluate.Curve) (out []point) {
	for _, p := range c.Points {
		out = append(out, point{p.Value, p.Alerts, p.Kept, p.Harmless, p.AsItIs})
	}
	return out
}

func TestTune(t *testing.T) {
	plan := burstPlan(t)
	burst, err := plan.Find("burst")
	if err != nil {
		t.Fatal(err)
	}
	got, err := evaluate.Tune(t.Context(), plan, bursts(nil, 3, 4, 6, 9, 12, 3), detector.EngineOptions{}, evaluate.Tuning{
		Rule: burst, Number: "condition.gte", Values: []float64{3, 10}, Budget: 13,
		Labels: []evaluate.Label{label(3, "true"), label(4, "false"), {Account: "x/acme", Rule: "other", Verdict: "true", From: time.Unix(0, 0)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []point{{3, 6, 1, 1, false}, {5, 3, 1, 1, true}, {10, 1, 0, 1, false}}
	if d := cmp.Diff(want, points(got)); d != "" {
		t.Errorf("points (-want +got):\n%s", d)
	}
	// Five days are 0.164 months, in which a budget of 13 has room for two alerts
	// and not for three.
	if got.Meets != 2 || got.Incidents != 1 || got.Harmless != 1 || got.Accounts != 1 {
		t.Errorf("%+v", got)
	}
}

// TestTuneAgreesWithReplay: at each value there are the alerts of a whole replay
// with that value, whatever else is in the rules.
func TestTuneAgreesWithReplay(t *testing.T) {
	plan := social(t)
	rule, err := plan.Find("posting_burst")
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{3, 14, 6, 40, 12, 3, 25, 30, 13, 80, 5, 20}
	got, err := evaluate.Tune(t.Context(), plan, bursts(nil, sizes...), detector.EngineOptions{}, evaluate.Tuning{
		Rule: rule, Number: "floor", Values: []float64{6, 12, 24},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Points {
		r, err := rule.Having("floor", p.Value)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := plan.With(r)
		if err != nil {
			t.Fatal(err)
		}
		res, err := replay.Run(t.Context(), whole, bursts(nil, sizes...), detector.EngineOptions{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range res.Rules {
			if c.Name == "posting_burst" && c.Findings != p.Alerts {
				t.Errorf("floor %g: %d alerts, a replay has %d", p.Value, p.Alerts, c.Findings)
			}
		}
	}
}

// TestTuneCountsOpenings: where a window outlasts the quiet, one alert opens
// several times, and people are told each time.
func TestTuneCountsOpenings(t *testing.T) {
	long := strings.Replace(burstRules, "timespan: 10m", "timespan: 1d", 1)
	plan, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "burst.yml", Data: []byte(long)}}})
	if err != nil {
		t.Fatal(err)
	}
	burst, err := plan.Find("burst")
	if err != nil {
		t.Fatal(err)
	}
	said := map[int]activity.Activity{0: {Kind: activity.KindPost}} // two hours after the burst, which its window still holds
	src := func() replay.Source { return bursts(said, 6) }
	alerts := map[string]int{}
	res, err := replay.Run(t.Context(), plan, src(), detector.EngineOptions{}, func(f detector.Finding) error {
		if f.Phase == detector.Open {
			alerts[f.Episode]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(alerts) != 1 {
		t.Fatalf("alerts %v, want one that opens twice", alerts)
	}
	var told int
	for _, c := range res.Rules {
		if c.Name == "burst" {
			told = c.Findings
		}
	}
	got, err := evaluate.Tune(t.Context(), plan, src(), detector.EngineOptions{}, evaluate.Tuning{
		Rule: burst, Number: "condition.gte", Values: []float64{7},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []point{{5, told, 0, 0, true}, {7, 1, 0, 0, false}}
	if d := cmp.Diff(want, points(got)); d != "" || told != 2 {
		t.Errorf("a replay has %d, points (-want +got):\n%s", told, d)
	}
}

// TestVerdictsAreLabels: a verdict in the log is placed where its alert was, and
// the newest of several counts.
func TestVerdictsAreLabels(t *testing.T) {
	plan := burstPlan(t)
	burst, err := plan.Find("burst")
	if err != nil {
		t.Fatal(err)
	}
	var alert string
	_, err = replay.Run(t.Context(), plan, bursts(nil, 6), detector.EngineOptions{}, func(f detector.Finding) error {
		if f.Rule.Name == "burst" {
			alert = f.Episode
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	say := func(alert, says string) activity.Activity {
		return activity.Activity{Kind: activity.KindVerdict, Verdict: activity.Verdict{Alert: alert, Rule: burst.ID, Says: says, By: "jane"}}
	}
	said := map[int]activity.Activity{0: say(alert, "false"), 1: say(alert, "true"), 2: say("0123", "true")}
	got, err := evaluate.Tune(t.Context(), plan, bursts(said, 6, 1, 1), detector.EngineOptions{}, evaluate.Tuning{
		Rule: burst, Number: "condition.gte", Values: []float64{7},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []point{{5, 1, 1, 0, true}, {7, 0, 0, 0, false}}
	if d := cmp.Diff(want, points(got)); d != "" || got.Incidents != 1 || got.Harmless != 0 || got.Unplaced != 1 {
		t.Errorf("%+v, points (-want +got):\n%s", got, d)
	}
}

func TestTuneWithAttacks(t *testing.T) {
	plan := social(t)
	rule, err := plan.Find("posting_burst")
	if err != nil {
		t.Fatal(err)
	}
	p := hijackAgain(4)
	got, err := evaluate.Tune(t.Context(), plan, bursts(nil, 3, 14, 3), detector.EngineOptions{}, evaluate.Tuning{
		Rule: rule, Number: "floor", Values: []float64{8, 40}, Budget: 100,
		Attacks: &p, Histories: []*hijack.History{history("victim", 400, 1), history("donor", 400, 2)},
	})
	if err != nil {
		t.Fatal(err)
	}
	caught := map[float64]int{}
	for _, pt := range got.Points {
		for _, row := range pt.Attacks {
			if row.Attack == "burst" {
				caught[pt.Value] = row.Within[2].Count
			}
		}
	}
	if want := map[float64]int{8: 8, 12: 0, 40: 0}; cmp.Diff(want, caught) != "" {
		t.Errorf("bursts of 8 caught within ten posts, by floor: %v, want %v", caught, want)
	}
	if got.Points[got.Meets].Value != 8 {
		t.Errorf("chosen: %g, want the one that catches the most", got.Points[got.Meets].Value)
	}
}

func TestReadLabels(t *testing.T) {
	got, err := evaluate.ReadLabels("labels.jsonl", strings.NewReader(`{"account":"x/acme","rule":"burst","verdict":"true","from":"2026-03-01T12:00:00Z","until":"2026-03-01T12:20:00Z","by":"jane","reason":"the intern"}

{"account":"x/acme","verdict":"false","from":"2026-03-02T12:00:00Z"}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	want := []evaluate.Label{
		{Account: "x/acme", Rule: "burst", Verdict: "true", From: at, Until: at.Add(20 * time.Minute), By: "jane", Reason: "the intern"},
		{Account: "x/acme", Verdict: "false", From: at.AddDate(0, 0, 1), Until: at.AddDate(0, 0, 1)},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(evaluate.Label{})); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
}

func TestBadLabels(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"no account", `{"verdict":"true","from":"2026-03-01T12:00:00Z"}`, "l:1: account: missing; expected the account that it happened on"},
		{"no such verdict", "\n" + `{"account":"x/a","verdict":"bad","from":"2026-03-01T12:00:00Z"}`, `l:2: verdict: "bad"; expected one of true, expected, false`},
		{"no time", `{"account":"x/a","verdict":"true"}`, "l:1: from: missing; expected when it began, such as 2026-03-01T12:00:00Z"},
		{"ends before", `{"account":"x/a","verdict":"true","from":"2026-03-01T12:00:00Z","until":"2026-02-01T12:00:00Z"}`, "l:1: until: is before from; swap or correct them"},
		{"typo", `{"acount":"x/a"}`, `l:1: label: json: unknown field "acount"; expected {"account":"x/acme","verdict":"true","from":"2026-03-01T12:00:00Z"} with rule, until, by and reason as needed`},
		{"two", `{"account":"x/a","verdict":"true","from":"2026-03-01T12:00:00Z"} {}`, "l:1: label: something stands behind the object; write one a line"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := evaluate.ReadLabels("l", strings.NewReader(tt.in), nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if _, err := evaluate.ReadLabels("l", errReader{}, nil); err == nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want the fault of the file", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzLabels(f *testing.F) {
	f.Add(`{"account":"x/acme","verdict":"true","from":"2026-03-01T12:00:00Z"}`)
	f.Fuzz(func(t *testing.T, in string) {
		labels, err := evaluate.ReadLabels("l", strings.NewReader(in), nil)
		for _, l := range labels {
			if l.Account == "" || l.From.IsZero() || l.Until.Before(l.From) {
				t.Errorf("%+v taken from %q (%v)", l, in, err)
			}
		}
	})
}
