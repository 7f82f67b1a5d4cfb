package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// detectorMetrics are about rules and findings.
type detectorMetrics struct {
	rules        *prometheus.GaugeVec
	findings     *prometheus.CounterVec
	latency      *prometheus.HistogramVec
	damaged      *prometheus.CounterVec
	late         *prometheus.CounterVec
	evicted      evictedMetrics
	snapshotTook *prometheus.HistogramVec
	baselines    *prometheus.GaugeVec
	awaited      *prometheus.GaugeVec
	remembered   *prometheus.GaugeVec
	memory       *prometheus.GaugeVec
	partitions   *partitions
	coverage     *coverage
}

func newDetectorMetrics(f factory, now func() time.Time, rule func(string) string) detectorMetrics {
	d := detectorMetrics{
		rules:    f.gauges("rules", "Rules of the newest rule set, by whether they could be loaded.", "state"),
		findings: f.counters("findings_total", "Findings of the detector.", "rule"),
		latency: f.durations("activity_alert_latency_seconds",
			"How long an activity that led to a finding took until its alert was published: on the network until seen, from there until journaled, in Picket.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 60, 300, 1800}, "network", "stage"),
		damaged: f.counters("detector_damaged_messages_total", "Journal messages that could not be decoded and were passed over.", "partition"),
		late:    f.counters("detector_late_activities_total", "Activities that at least one rule passed over, since they came later than detector.lateness after newer ones; those of an account's history do not count.", "partition"),
		evicted: evictedMetrics{
			accounts: f.counters("detector_evicted_accounts_total", "Accounts that the detector has forgotten since it remembered as many as it may.", "partition"),
			groups:   f.counters("detector_evicted_groups_total", "Groups beside the account, such as addresses, that the detector has forgotten since a rule had as many of one account as it may; the least recent ones.", "partition"),
			values:   f.counters("detector_evicted_values_total", "Learned values that the detector has forgotten since a rule knew as many of one account as it may; the least recent ones.", "partition"),
		},
		snapshotTook: f.durations("snapshot_duration_seconds", "How long snapshots of the detector's memory take.", []float64{.005, .01, .05, .1, .5, 1, 5, 30}, "partition"),
		baselines:    f.gauges("baseline_accounts", "Accounts that a learning rule knows well enough to judge (active) or not yet (learning).", "partition", "rule", "state"),
		awaited:      f.gauges("across_awaited_seconds", "For how long matches of rules across accounts have waited for this partition to say how far it is; 0 when they do not.", "partition"),
		remembered:   f.gauges("detector_accounts", "Accounts and identities that the detector remembers.", "partition"),
		memory:       f.gauges("detector_memory_bytes", "Bytes of the detector's memory of accounts, without what only some of them have.", "partition"),
		partitions:   newPartitions(f, now),
		coverage:     newCoverage(f, rule),
	}
	f.reg.MustRegister(d.partitions, d.coverage)
	return d
}

// evictedMetrics are those of what the detector forgets for lack of room.
type evictedMetrics struct{ accounts, groups, values *prometheus.CounterVec }

// Stages of an activity's way to an alert.
const (
	stageNetwork = "network"
	stagePoll    = "poll"
	stagePicket  = "picket"
)

const (
	ruleLoaded = "loaded"
	ruleFailed = "failed"
)

// RulesLoaded tells which rules are in force and how many could not be loaded.
// Rules that are not in force any more lose their counters.
func (m *Metrics) RulesLoaded(loaded []*rules.Rule, failed int) {
	var names, silent []string // silent ones cost time, and come last where there are too many
	inForce := map[string]bool{}
	for _, r := range loaded {
		inForce[r.ID] = r.Mode != rules.Off
		switch name := tidy(ruleLabel(r.Name, r.ID)); {
		case r.Mode == rules.Off:
		case r.Silent:
			silent = append(silent, name)
		default:
			names = append(names, name)
		}
	}
	names = append(names, silent...)
	for _, name := range m.rule.keep(names) {
		m.findings.DeleteLabelValues(name)
		for _, level := range append(levels(), other) {
			m.raised.DeleteLabelValues(name, string(level))
		}
		for _, reason := range []string{detector.HeldTold, detector.HeldBudget, other} {
			m.held.DeleteLabelValues(name, reason)
		}
		m.baselines.DeletePartialMatch(prometheus.Labels{"rule": name})
		m.forgetCosts(name)
	}
	m.keepOvers(inForce)
	m.budget.Reset()
	for _, r := range loaded {
		if !r.Silent && r.Mode != rules.Off {
			name := m.rule.bound(ruleLabel(r.Name, r.ID))
			m.findings.WithLabelValues(name)
			m.raised.WithLabelValues(name, levelLabel(r.Level))
			if detector.Learns(r) {
				m.held.WithLabelValues(name, detector.HeldTold)
				m.held.WithLabelValues(name, detector.HeldBudget)
			}
			if share, ok := detector.Share(r); ok {
				m.budget.WithLabelValues(name).Set(share)
			}
		}
	}
	m.coverage.expect(loaded)
	m.reception.expect(loaded, m.rule.bound)
	m.rules.WithLabelValues(ruleLoaded).Set(float64(len(loaded)))
	m.rules.WithLabelValues(ruleFailed).Set(float64(failed))
}

// RulesFailed tells that a rule set was refused; the one before stays in force.
func (m *Metrics) RulesFailed(failed int) { m.rules.WithLabelValues(ruleFailed).Set(float64(failed)) }

// Finding counts a finding of the detector.
func (m *Metrics) Finding(r *rules.Rule) {
	m.findings.WithLabelValues(m.rule.bound(ruleLabel(r.Name, r.ID))).Inc()
}

// Latency takes the three parts of an activity's way to its alert: from its
// occurrence until it was seen, from there until it was journaled, and from
// there until the alert was published. Parts that are not known are 0 and not
// observed.
func (m *Metrics) Latency(network string, occurrence, poll, picket time.Duration) {
	n := m.network.bound(network)
	for _, part := range []struct {
		stage string
		took  time.Duration
	}{{stageNetwork, occurrence}, {stagePoll, poll}, {stagePicket, picket}} {
		if part.took > 0 {
			m.latency.WithLabelValues(n, part.stage).Observe(part.took.Seconds())
		}
	}
}

// Progress tells how far the detector of a partition has read: the sequence
// that it is at, how many messages wait behind it, and log time there.
func (m *Metrics) Progress(partition int, sequence, pending uint64, logTime time.Time) {
	m.partitions.update(partition, func(p *progress) {
		p.sequence, p.pending, p.logTime = sequence, pending, logTime
		if p.saved.IsZero() {
			p.saved = m.now()
		}
	})
	m.damaged.WithLabelValues(partitionLabel(partition))
	m.Late(partition, 0)
	m.Evicted(partition, detector.Evicted{})
	m.snapshotTook.WithLabelValues(partitionLabel(partition))
}

// Awaited tells for how long the rules across accounts have waited for a
// partition; 0 when they do not.
func (m *Metrics) Awaited(partition int, d time.Duration) {
	m.awaited.WithLabelValues(partitionLabel(partition)).Set(d.Seconds())
}

// Damaged counts a journal message that could not be decoded.
func (m *Metrics) Damaged(partition int) { m.damaged.WithLabelValues(partitionLabel(partition)).Inc() }

// Late counts activities that a rule of a partition's detector passed over, since
// they came too late for it.
func (m *Metrics) Late(partition int, activities uint64) {
	m.late.WithLabelValues(partitionLabel(partition)).Add(float64(activities))
}

// Evicted counts what the detector of a partition forgot since there was too much
// of it.
func (m *Metrics) Evicted(partition int, n detector.Evicted) {
	label := partitionLabel(partition)
	m.evicted.accounts.WithLabelValues(label).Add(float64(n.Accounts))
	m.evicted.groups.WithLabelValues(label).Add(float64(n.Groups))
	m.evicted.values.WithLabelValues(label).Add(float64(n.Values))
}

// Remembered tells how many accounts the detector of a partition remembers, and
// how many bytes that takes.
func (m *Metrics) Remembered(partition, accounts int, bytes int64) {
	m.remembered.WithLabelValues(partitionLabel(partition)).Set(float64(accounts))
	m.memory.WithLabelValues(partitionLabel(partition)).Set(float64(bytes))
}

// Unchanged tells that the memory of a partition is as it was last saved.
func (m *Metrics) Unchanged(partition int) {
	m.partitions.update(partition, func(p *progress) {
		if !p.saved.IsZero() {
			p.saved = m.now()
		}
	})
}

// Checkpointed tells of a snapshot of the detector's memory.
func (m *Metrics) Checkpointed(partition, size int, took time.Duration) {
	m.partitions.update(partition, func(p *progress) { p.saved, p.size = m.now(), size })
	m.snapshotTook.WithLabelValues(partitionLabel(partition)).Observe(took.Seconds())
}

// Learned tells of how many accounts a rule still learns, and how many it
// knows well enough to judge.
func (m *Metrics) Learned(partition int, rule string, learning, active int) {
	p, r := partitionLabel(partition), m.rule.bound(rule)
	m.baselines.WithLabelValues(p, r, "learning").Set(float64(learning))
	m.baselines.WithLabelValues(p, r, "active").Set(float64(active))
}

// alertMetrics are about alerts.
type alertMetrics struct {
	raised, revisions      *prometheus.CounterVec
	held                   *prometheus.CounterVec
	budget                 *prometheus.GaugeVec
	conflicts              prometheus.Counter
	published, undelivered prometheus.Counter
	open                   *openAlerts
}

func newAlertMetrics(f factory) alertMetrics {
	a := alertMetrics{
		raised:      f.counters("alerts_raised_total", "Alerts raised, by rule and level, also by rules that only observe.", "rule", "level"),
		held:        f.counters("alerts_held_total", "Alerts that were recorded and told to nobody, by rule and why: told already and not judged (told), or no room in the alert budget (budget).", "rule", "reason"),
		budget:      f.gauges("alert_budget", "Alerts per account and month that a rule keeps to, of those whose thresholds follow the budget.", "rule"),
		revisions:   f.counters("alert_revisions_total", "Revisions of alerts stored, by what they are about.", "change"),
		conflicts:   f.counter("alert_conflicts_total", "Revisions that another writer was ahead of; they are tried again."),
		published:   f.counter("alert_publications_total", "Revisions of alerts published on NATS, from where receivers are told."),
		undelivered: f.counter("alert_publications_failed_total", "Revisions of alerts that an attempt to publish them on NATS failed for; they are tried again."),
	}
	a.open = newOpenAlerts(f)
	f.reg.MustRegister(a.open)
	return a
}

const maxExemplar = 100

// Revised counts a durable revision of an alert.
func (m *Metrics) Revised(a *alerting.Alert) {
	switch {
	case a.Change == alerting.ChangeOpened && a.Held != "":
		m.held.WithLabelValues(m.rule.bound(ruleLabel(a.Rule.Name, a.Rule.ID)), heldLabel(a.Held)).Inc()
	case a.Change == alerting.ChangeOpened:
		raised := m.raised.WithLabelValues(m.rule.bound(ruleLabel(a.Rule.Name, a.Rule.ID)), levelLabel(a.Rule.Level))
		// An exemplar holds 128 characters at most; a longer one would panic.
		if with, ok := raised.(prometheus.ExemplarAdder); ok && len(a.ID) <= maxExemplar {
			with.AddWithExemplar(1, prometheus.Labels{"alert": tidy(a.ID)})
		} else {
			raised.Inc()
		}
	}
	m.revisions.WithLabelValues(known(a.Change, alerting.Changes())).Inc()
}

// heldLabel bounds the reasons to those that are known.
func heldLabel(reason string) string {
	if reason == detector.HeldTold || reason == detector.HeldBudget {
		return reason
	}
	return "other"
}

// Published counts a public copy.
func (m *Metrics) Published(*alerting.Alert, time.Time) {
	m.published.Inc()
}

// PublishFailed counts an attempt to publish that failed.
func (m *Metrics) PublishFailed(copies int) {
	m.undelivered.Add(float64(max(0, copies)))
}

// Conflicted counts a revision that another writer was ahead of.
func (m *Metrics) Conflicted() { m.conflicts.Inc() }
