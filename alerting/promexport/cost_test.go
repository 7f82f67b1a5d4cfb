package promexport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/picketd/picket/rules"
)

// TestCosts: costs add up by rule, and leave with a rule that is not in force
// any more.
func TestCosts(t *testing.T) {
	m, reg := newTest(t)
	burst, feeder := testRule("burst", rules.High), testRule("posts", rules.Low)
	feeder.Silent = true
	m.RulesLoaded([]*rules.Rule{burst, feeder}, 0)
	for range 2 {
		m.Sampled(100)
		m.Cost(burst, 250*time.Millisecond, 3, 1)
		m.Cost(feeder, time.Second, 100, 50)
	}
	m.OverBudget(0, burst, true)
	m.OverBudget(1, burst, true)
	m.OverBudget(0, burst, false) // it still is in the other partition
	m.OverBudget(0, feeder, true)
	m.OverBudget(0, feeder, false)
	const head = "# HELP picket_rule_sampled_seconds_total Time that a rule took on the sampled activities.\n# TYPE picket_rule_sampled_seconds_total counter\n"
	const overHead = "# HELP picket_rule_over_budget 1 for each rule that takes more time an activity than its budget.\n# TYPE picket_rule_over_budget gauge\n"
	want := overHead + `picket_rule_over_budget{rule="burst"} 1` + "\n" + head +
		`picket_rule_sampled_seconds_total{rule="burst"} 0.5` + "\n" + `picket_rule_sampled_seconds_total{rule="posts"} 2` + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "picket_rule_sampled_seconds_total", "picket_rule_over_budget"); err != nil {
		t.Error(err)
	}
	m.OverBudget(0, feeder, true)
	m.Release(0)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "picket_rule_sampled_seconds_total", "picket_rule_over_budget"); err != nil {
		t.Errorf("after a partition has gone: %v", err)
	}
	m.RulesLoaded([]*rules.Rule{feeder}, 0)
	want = head + `picket_rule_sampled_seconds_total{rule="posts"} 2` + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "picket_rule_sampled_seconds_total", "picket_rule_over_budget"); err != nil {
		t.Error(err)
	}
}

// TestOverBudgetOfMany: rules beyond those that have a label of their own share
// one, which says that one of them is over its budget as long as one is.
func TestOverBudgetOfMany(t *testing.T) {
	m, reg := newTest(t)
	for i := range maxRules { // each has its own
		m.OverBudget(0, testRule(fmt.Sprint("r", i), rules.High), false)
	}
	m.OverBudget(0, testRule("one", rules.High), true)
	m.OverBudget(0, testRule("another", rules.High), false)
	const want = "# HELP picket_rule_over_budget 1 for each rule that takes more time an activity than its budget.\n# TYPE picket_rule_over_budget gauge\n" +
		`picket_rule_over_budget{rule="other"} 1` + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "picket_rule_over_budget"); err != nil {
		t.Error(err)
	}
}

// TestOverBudgetOfGone: what a partition says of a rule that is not in force any
// more, since it has not come to the new ones yet, stays nowhere.
func TestOverBudgetOfGone(t *testing.T) {
	m, reg := newTest(t)
	burst, feeder := testRule("burst", rules.High), testRule("posts", rules.Low)
	m.RulesLoaded([]*rules.Rule{burst, feeder}, 0)
	m.RulesLoaded([]*rules.Rule{feeder}, 0)
	m.OverBudget(0, burst, true)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(""), "picket_rule_over_budget"); err != nil {
		t.Error(err)
	}
}
