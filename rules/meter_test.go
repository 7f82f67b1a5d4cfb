package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// TestMeter: a measured match says the same, and charges each candidate with
// its own time.
func TestMeter(t *testing.T) {
	p := compileRules(t, strings.Join([]string{
		detectionRule("sel:\n  text|contains: coin\ncondition: sel"),
		detectionRule("sel:\n  text|contains: coin\n  app: Studio\ncondition: sel"),
		detectionRule("sel:\n  text|contains: never\ncondition: sel"),
	}, "---\n"))
	var now time.Duration
	meter := NewMeter(p, func() time.Duration { now += time.Millisecond; return now })
	m := p.NewMatcher()
	a := activity.Activity{Kind: activity.KindPost, Text: "free coins"}
	for range 2 {
		if got, want := slices.Clone(p.MatchMeasured(&a, m, meter)), p.Match(&a, m); !slices.Equal(got, want) {
			t.Errorf("measured it matches %v, else %v", got, want)
		}
	}
	meter.Enter(0)
	meter.Enter(2) // a rule that the first feeds
	meter.Took(2)
	meter.Leave()
	meter.Leave()
	meter.Drain(func(n uint64, costs []Cost) {
		want := []Cost{
			{Time: 4 * time.Millisecond, Candidates: 2, Matches: 2},
			{},
			{Time: time.Millisecond, Matches: 1},
		}
		if costs[1].Candidates > 0 { // which of its tests is its witness decides
			want[1] = Cost{Time: 2 * time.Millisecond, Candidates: 2}
		}
		if n != 2 || !slices.Equal(costs, want) {
			t.Errorf("%d activities: %v, want 2: %v", n, costs, want)
		}
	})
	meter.Drain(func(uint64, []Cost) { t.Error("told twice") })
}
