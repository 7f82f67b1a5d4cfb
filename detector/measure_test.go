package detector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// TestMeasuringChangesNoFinding: the same log gives the same findings measured
// and not, and each rule is charged with what it took itself.
func TestMeasuringChangesNoFinding(t *testing.T) {
	const yaml = correlated + "title: Burst\nname: burst\ncorrelation: {type: event_count, rules: [post], group-by: account, timespan: 10m, condition: {gte: 2}}\n" +
		"---\ntitle: Takeover\nname: takeover\nbaseline: {type: sequence, rules: [login], then: [burst], within: 1h}\n"
	script := func(l *log) {
		for i, kind := range []activity.Kind{activity.KindLogin, activity.KindPost, activity.KindPost, activity.KindProfile, activity.KindPost} {
			l.put(time.Duration(i)*time.Minute, activity.Activity{Kind: kind})
		}
		l.tick(3 * time.Hour)
	}
	plain := &log{e: detector.NewEngine(0, plan(t, yaml), detector.EngineOptions{})}
	script(plain)
	var now time.Duration
	measured := &log{e: detector.NewEngine(0, plan(t, yaml), detector.EngineOptions{})}
	measured.e.Measure(2, func() time.Duration { now += time.Millisecond; return now })
	script(measured)
	if diff := cmp.Diff(plain.lines, measured.lines); diff != "" || len(plain.lines) == 0 {
		t.Errorf("findings (-plain +measured):\n%s", diff)
	}
	told := false
	measured.e.Costs(func(n uint64, costs []rules.Cost) {
		told = true
		if n != 2 { // the second and the fourth of five
			t.Errorf("%d activities measured, want 2", n)
		}
		var got []string
		for i, r := range measured.e.Plan().Rules() {
			if costs[i].Matches > 0 {
				got = append(got, r.Name)
			}
			if costs[i].Matches > 0 && costs[i].Time <= 0 {
				t.Errorf("%s matched and took no time", r.Name)
			}
		}
		if want := "profile post burst"; strings.Join(got, " ") != want {
			t.Errorf("rules with matches %v, want %s", got, want)
		}
	})
	if !told {
		t.Error("nothing was measured")
	}
}
