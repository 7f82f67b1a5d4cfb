package promexport

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/rules"
)

// costMetrics are about what rules cost, measured on a sample of activities:
// time per activity is the seconds of a rule by the sampled activities.
type costMetrics struct {
	sampled    prometheus.Counter
	time       *prometheus.CounterVec
	candidates *prometheus.CounterVec
	matches    *prometheus.CounterVec
	over       *prometheus.GaugeVec
	overs      *overs
}

// overs holds which rules are over their budget in which partitions, by label:
// rules without a label of their own share one.
type overs struct {
	mu      sync.Mutex
	at      map[string]map[place]struct{}
	inForce map[string]bool // ids of rules; nil: not told yet
}

// place is where a rule is over its budget.
type place struct {
	partition int
	rule      string // its id
}

func newCostMetrics(f factory) costMetrics {
	return costMetrics{
		sampled:    f.counter("rule_sampled_activities_total", "Activities on which the cost of rules was measured."),
		time:       f.counters("rule_sampled_seconds_total", "Time that a rule took on the sampled activities.", "rule"),
		candidates: f.counters("rule_sampled_candidates_total", "How often the condition of a rule was evaluated on the sampled activities.", "rule"),
		matches:    f.counters("rule_sampled_matches_total", "How often a rule matched, or took a match of another rule, on the sampled activities.", "rule"),
		over:       f.gauges("rule_over_budget", "1 for each rule that takes more time an activity than its budget.", "rule"),
		overs:      &overs{at: map[string]map[place]struct{}{}},
	}
}

// Sampled counts activities on which the cost of rules was measured.
func (m *Metrics) Sampled(activities uint64) { m.sampled.Add(float64(activities)) }

// Cost adds what a rule took on sampled activities.
func (m *Metrics) Cost(r *rules.Rule, took time.Duration, candidates, matches uint64) {
	name := m.rule.bound(ruleLabel(r.Name, r.ID))
	m.time.WithLabelValues(name).Add(took.Seconds())
	m.candidates.WithLabelValues(name).Add(float64(candidates))
	m.matches.WithLabelValues(name).Add(float64(matches))
}

// OverBudget tells whether a rule takes more time than its budget in a partition.
// It is over its budget as long as it is in one of those that are worked on. A
// partition that has not come to the rules in force yet says nothing of others.
func (m *Metrics) OverBudget(partition int, r *rules.Rule, over bool) {
	m.overs.mu.Lock()
	defer m.overs.mu.Unlock()
	over = over && (m.overs.inForce == nil || m.overs.inForce[r.ID])
	m.setOver(place{partition, r.ID}, m.rule.bound(ruleLabel(r.Name, r.ID)), over)
}

// setOver notes it for a label; the lock is held.
func (m *Metrics) setOver(at place, name string, over bool) {
	in := m.overs.at[name]
	if over {
		if in == nil {
			in = map[place]struct{}{}
			m.overs.at[name] = in
		}
		in[at] = struct{}{}
		m.over.WithLabelValues(name).Set(1)
		return
	}
	if delete(in, at); len(in) == 0 {
		delete(m.overs.at, name)
		m.over.DeleteLabelValues(name)
	}
}

// releaseOvers forgets a partition that another daemon works on.
func (m *Metrics) releaseOvers(partition int) {
	m.overs.mu.Lock()
	defer m.overs.mu.Unlock()
	m.dropOvers(func(at place) bool { return at.partition == partition })
}

// keepOvers forgets all rules but these.
func (m *Metrics) keepOvers(inForce map[string]bool) {
	m.overs.mu.Lock()
	defer m.overs.mu.Unlock()
	m.overs.inForce = inForce
	m.dropOvers(func(at place) bool { return !inForce[at.rule] })
}

// dropOvers forgets what is gone; the lock is held.
func (m *Metrics) dropOvers(gone func(place) bool) {
	for name, in := range m.overs.at {
		for at := range in {
			if gone(at) {
				m.setOver(at, name, false)
			}
		}
	}
}

// forgetCosts drops the counters of a rule that is not in force any more.
func (m *Metrics) forgetCosts(name string) {
	for _, v := range []*prometheus.CounterVec{m.time, m.candidates, m.matches} {
		v.DeleteLabelValues(name)
	}
	m.overs.mu.Lock()
	defer m.overs.mu.Unlock()
	delete(m.overs.at, name)
	m.over.DeleteLabelValues(name)
}
