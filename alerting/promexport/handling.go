package promexport

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// handlingMetrics are about what people make of alerts: how soon they see to
// them, what they say of them, and how much of their patience is spent.
type handlingMetrics struct {
	acknowledged, resolved *prometheus.HistogramVec
	reception              *reception
}

// Who resolved an alert.
const (
	byPerson = "person"
	byItself = "itself" // it ended after quiet
)

func newHandlingMetrics(f factory) handlingMetrics {
	const minute, hour, day = 60, 3600, 86400
	buckets := []float64{10, minute, 5 * minute, 15 * minute, 30 * minute, hour, 4 * hour, 8 * hour, day, 3 * day, 7 * day}
	h := handlingMetrics{
		acknowledged: f.durations("alert_acknowledge_seconds",
			"How long alerts fired until a person acknowledged them, or resolved them without doing so; drills left out. Every daemon on a store counts all of them.", buckets, "level"),
		resolved: f.durations("alert_resolve_seconds",
			"How long it took from when alerts fired until they were resolved, by a person or by itself after quiet; drills left out. Every daemon on a store counts all of them.", buckets, "level", "by"),
		reception: newReception(f),
	}
	f.reg.MustRegister(h.reception)
	return h
}

// Handled takes one step with an alert.
func (m *Metrics) Handled(h alerting.Handling) {
	level, took := levelLabel(h.Level), h.After.Seconds()
	switch h.Step {
	case alerting.StepAcknowledged:
		m.acknowledged.WithLabelValues(level).Observe(took)
	case alerting.StepResolved:
		m.resolved.WithLabelValues(level, byPerson).Observe(took)
	case alerting.StepEnded:
		m.resolved.WithLabelValues(level, byItself).Observe(took)
	}
}

// reception is how alerts were received, in numbers that are looked up rather
// than counted. A scrape sees one look or the next, never half of one.
type reception struct {
	said, used *prometheus.Desc

	mu     sync.Mutex
	counts func() []alerting.RuleVerdicts
	labels map[string]string  // of the rules in force, by id
	names  []string           // exported as zero where nothing was said
	spent  map[string]float64 // by label; replaced as a whole
}

func newReception(f factory) *reception {
	return &reception{
		said: f.desc("alert_verdicts",
			"Alerts that are kept, by what people said of them; drills left out, rules that are not in force any more under other.", "rule", "verdict"),
		used: f.desc("alert_budget_used",
			"Alerts of the last month (30.44 days) per account, of each rule whose alerts count against the alert budget; what picket budget shows.", "rule"),
	}
}

// CountVerdicts sets where verdicts come from, such as alerting.Manager.Verdicts.
func (m *Metrics) CountVerdicts(counts func() []alerting.RuleVerdicts) {
	m.reception.mu.Lock()
	defer m.reception.mu.Unlock()
	m.reception.counts = counts
}

// SetBudgetUsed replaces what is known of how the alert budget is used: alerts
// per account in the last 30 days, by rule.
func (m *Metrics) SetBudgetUsed(byRule map[*rules.Rule]float64) {
	spent := make(map[string]float64, len(byRule))
	for r, alerts := range byRule { // those beyond the label's limit add up
		spent[m.rule.bound(ruleLabel(r.Name, r.ID))] += alerts
	}
	m.reception.mu.Lock()
	defer m.reception.mu.Unlock()
	m.reception.spent = spent
}

// expect exports these rules from now on.
func (r *reception) expect(loaded []*rules.Rule, bound func(string) string) {
	labels := map[string]string{}
	var names []string
	for _, rule := range loaded {
		if !rule.Silent && rule.Mode != rules.Off {
			labels[rule.ID] = bound(ruleLabel(rule.Name, rule.ID))
			names = append(names, labels[rule.ID])
		}
	}
	slices.Sort(names)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.labels, r.names = labels, slices.Compact(names)
}

// Describe implements prometheus.Collector.
func (r *reception) Describe(out chan<- *prometheus.Desc) {
	out <- r.said
	out <- r.used
}

// Collect implements prometheus.Collector.
func (r *reception) Collect(out chan<- prometheus.Metric) {
	byRule, spent := r.sum()
	for rule, t := range byRule {
		for verdict, n := range map[alerting.Verdict]int{
			alerting.VerdictTrue: t.True, alerting.VerdictExpected: t.Expected, alerting.VerdictFalse: t.False,
		} {
			out <- prometheus.MustNewConstMetric(r.said, prometheus.GaugeValue, float64(n), rule, string(verdict))
		}
	}
	for rule, alerts := range spent {
		out <- prometheus.MustNewConstMetric(r.used, prometheus.GaugeValue, alerts, rule)
	}
}

func (r *reception) sum() (byRule map[string]alerting.Tally, spent map[string]float64) {
	r.mu.Lock()
	counts, labels, names, spent := r.counts, r.labels, r.names, r.spent
	r.mu.Unlock()
	byRule = make(map[string]alerting.Tally, len(names))
	for _, name := range names {
		byRule[name] = alerting.Tally{}
	}
	if counts == nil {
		return byRule, spent
	}
	for _, c := range counts() {
		label, inForce := labels[c.Rule]
		if !inForce {
			label = other
		}
		t := byRule[label]
		byRule[label] = alerting.Tally{True: t.True + c.True, Expected: t.Expected + c.Expected, False: t.False + c.False}
	}
	return byRule, spent
}
