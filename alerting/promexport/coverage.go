package promexport

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// CoverageTally counts how many accounts of one partition each rule watches.
// The zero value has counted none.
type CoverageTally struct {
	rules    map[ruleState]int
	accounts map[detector.CoverageState]int
}

// ruleState is one rule's state of coverage.
type ruleState struct {
	rule  string // unbounded label
	state detector.CoverageState
}

// Add counts one account: how each rule covers it.
func (t *CoverageTally) Add(account []detector.Coverage) {
	if t.rules == nil {
		t.rules, t.accounts = map[ruleState]int{}, map[detector.CoverageState]int{}
	}
	met := map[detector.CoverageState]bool{}
	for i := range account {
		c := &account[i]
		t.rules[ruleState{ruleLabel(c.Rule.Name, c.Rule.ID), c.State}]++
		if !met[c.State] {
			met[c.State] = true
			t.accounts[c.State]++
		}
	}
}

func coverageStates() []detector.CoverageState {
	return []detector.CoverageState{detector.CoverageActive, detector.CoverageLearning, detector.CoverageNoSource, detector.CoverageOff}
}

// coverage holds the tally of each partition and sums them when scraped.
type coverage struct {
	bound func(rule string) string

	mu    sync.Mutex
	rules []string // exported as zero where nothing is counted
	at    map[int]*CoverageTally

	byRule, byState *prometheus.Desc
}

func newCoverage(f factory, bound func(string) string) *coverage {
	return &coverage{
		bound: bound, at: map[int]*CoverageTally{},
		byRule:  f.desc("coverage", "Accounts by how a rule covers them: active, learning, no_source or off.", "rule", "state"),
		byState: f.desc("coverage_accounts", "Accounts with at least one rule in this state of coverage; most are in several.", "state"),
	}
}

// expect exports these rules as zero until they are counted, and no others
// beside those that are counted.
func (c *coverage) expect(loaded []*rules.Rule) {
	names := make([]string, 0, len(loaded))
	for _, r := range loaded {
		if !r.Silent && !r.Shadow && !slices.Contains(r.Tags, rules.TagTest) {
			names = append(names, c.bound(ruleLabel(r.Name, r.ID)))
		}
	}
	slices.Sort(names)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rules = slices.Compact(names)
}

// SetCoverage tells how the accounts of a partition are covered. The tally must
// not change any more.
func (m *Metrics) SetCoverage(partition int, tally *CoverageTally) {
	m.coverage.mu.Lock()
	defer m.coverage.mu.Unlock()
	m.coverage.at[partition] = tally
}

func (c *coverage) release(partition int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.at, partition)
}

// Describe implements prometheus.Collector.
func (c *coverage) Describe(out chan<- *prometheus.Desc) {
	out <- c.byRule
	out <- c.byState
}

// Collect implements prometheus.Collector.
func (c *coverage) Collect(out chan<- prometheus.Metric) {
	byRule, byState := c.sum()
	for at, n := range byRule {
		out <- prometheus.MustNewConstMetric(c.byRule, prometheus.GaugeValue, float64(n), at.rule, string(at.state))
	}
	for state, n := range byState {
		out <- prometheus.MustNewConstMetric(c.byState, prometheus.GaugeValue, float64(n), string(state))
	}
}

func (c *coverage) sum() (byRule map[ruleState]int, byState map[detector.CoverageState]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	byRule, byState = map[ruleState]int{}, map[detector.CoverageState]int{}
	for _, state := range coverageStates() {
		byState[state] = 0
		for _, rule := range c.rules {
			byRule[ruleState{rule, state}] = 0
		}
	}
	for _, tally := range c.at {
		for at, n := range tally.rules {
			byRule[ruleState{c.bound(at.rule), detector.CoverageState(known(at.state, coverageStates()))}] += n
		}
		for state, n := range tally.accounts {
			byState[detector.CoverageState(known(state, coverageStates()))] += n
		}
	}
	return byRule, byState
}
