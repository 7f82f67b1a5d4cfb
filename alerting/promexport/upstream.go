package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collectorMetrics are about polling.
type collectorMetrics struct {
	lastSuccess, accounts *prometheus.GaugeVec
	polls                 *prometheus.CounterVec
	pollTook, pollLate    *prometheus.HistogramVec
	collected, dropped    *prometheus.CounterVec
	quota                 *prometheus.GaugeVec
}

func newCollectorMetrics(f factory) collectorMetrics {
	polling := []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	return collectorMetrics{
		lastSuccess: f.gauges("collector_last_success_timestamp_seconds", "When the account that was read longest ago was last read successfully; 0 if one never was.", "network"),
		accounts:    f.gauges("accounts", "Accounts by the state of their collector.", "network", "state"),
		polls:       f.counters("polls_total", "Polls by outcome.", "network", "outcome"),
		pollTook:    f.durations("poll_duration_seconds", "How long polls take, journal included.", polling, "network"),
		pollLate:    f.durations("poll_delay_seconds", "How late polls begin against their schedule.", polling, "network"),
		collected:   f.counters("collected_activities_total", "Polled activities that became durable.", "network"),
		dropped:     f.counters("dropped_activities_total", "Polled items that were not journaled, by reason.", "network", "reason"),
		quota:       f.gauges("api_quota_remaining_requests", "Requests that a credential may still send in its current window.", "credential"),
	}
}

// Collectors is how the collectors of one network are doing.
type Collectors struct {
	OldestSuccess time.Time      // of all accounts; zero if one was never read
	Accounts      map[string]int // by state
}

// SetCollectors replaces what is known of all networks.
func (m *Metrics) SetCollectors(byNetwork map[string]Collectors) {
	m.lastSuccess.Reset()
	m.accounts.Reset()
	for network, c := range byNetwork {
		n := m.network.bound(network)
		m.lastSuccess.WithLabelValues(n).Set(unix(c.OldestSuccess))
		for state, count := range c.Accounts {
			m.accounts.WithLabelValues(n, m.outcome.bound(state)).Add(float64(count))
		}
	}
}

// Polled counts a poll, how long it took and how late it began.
func (m *Metrics) Polled(network, outcome string, took, late time.Duration) {
	n := m.network.bound(network)
	m.polls.WithLabelValues(n, m.outcome.bound(outcome)).Inc()
	m.pollTook.WithLabelValues(n).Observe(took.Seconds())
	m.pollLate.WithLabelValues(n).Observe(max(0, late.Seconds()))
}

// Collected counts polled activities that became durable.
func (m *Metrics) Collected(network string, n int) {
	m.collected.WithLabelValues(m.network.bound(network)).Add(float64(max(0, n)))
}

// Dropped counts polled items that were not journaled.
func (m *Metrics) Dropped(network, reason string, n int) {
	m.dropped.WithLabelValues(m.network.bound(network), m.reason.bound(reason)).Add(float64(max(0, n)))
}

// SetQuota tells how many requests a credential may still send.
func (m *Metrics) SetQuota(credential string, remaining int) {
	m.quota.WithLabelValues(m.credential.bound(credential)).Set(float64(remaining))
}

// intakeMetrics are about what others push, and about the journal.
type intakeMetrics struct {
	accepted, refused     *prometheus.CounterVec
	appended, bytes       prometheus.Counter
	messages, fenced      prometheus.Counter
	journalRefused        *prometheus.CounterVec
	reloads               *prometheus.CounterVec
	reloadOK, reloadStamp prometheus.Gauge
}

func newIntakeMetrics(f factory) intakeMetrics {
	return intakeMetrics{
		accepted:       f.counters("intake_accepted_activities_total", "Pushed activities that became durable, by way in.", "source"),
		refused:        f.counters("intake_refused_total", "Pushed items or whole bodies that were refused, by reason.", "source", "reason"),
		appended:       f.counter("journal_appended_activities_total", "Activities appended to the journal."),
		bytes:          f.counter("journal_appended_bytes_total", "Bytes appended to the journal."),
		messages:       f.counter("journal_appended_messages_total", "Messages with activities appended to the journal."),
		fenced:         f.counter("journal_fenced_total", "Appends refused because another writer was ahead."),
		journalRefused: f.counters("journal_refused_activities_total", "Activities that the journal did not accept, by reason.", "reason"),
		reloads:        f.counters("config_reloads_total", "Attempts to reload the configuration.", "outcome"),
		reloadOK:       f.gauge("config_last_reload_successful", "1 if the configuration in force is the newest, 0 if the last reload failed and the old one stays."),
		reloadStamp:    f.gauge("config_last_reload_success_timestamp_seconds", "When the configuration was last read successfully."),
	}
}

const (
	success = "success"
	failure = "failure"
)

// IntakeAccepted counts pushed activities that became durable.
func (m *Metrics) IntakeAccepted(source string, n int) {
	m.accepted.WithLabelValues(m.source.bound(source)).Add(float64(max(0, n)))
}

// IntakeRefused counts pushed items or bodies that were refused.
func (m *Metrics) IntakeRefused(source, reason string, n int) {
	m.refused.WithLabelValues(m.source.bound(source), m.reason.bound(reason)).Add(float64(max(0, n)))
}

// JournalAppended counts one durable message with its activities.
func (m *Metrics) JournalAppended(activities, bytes int) {
	m.messages.Inc()
	m.appended.Add(float64(max(0, activities)))
	m.bytes.Add(float64(max(0, bytes)))
}

// JournalRefused counts activities that the journal did not accept.
func (m *Metrics) JournalRefused(reason string, activities int) {
	m.journalRefused.WithLabelValues(m.reason.bound(reason)).Add(float64(max(0, activities)))
}

// JournalFenced counts an append that another writer was ahead of.
func (m *Metrics) JournalFenced() { m.fenced.Inc() }

// Reloaded counts an attempt to reload the configuration. The first reading,
// at the start, is one.
func (m *Metrics) Reloaded(ok bool) {
	if !ok {
		m.reloads.WithLabelValues(failure).Inc()
		m.reloadOK.Set(0)
		return
	}
	m.reloads.WithLabelValues(success).Inc()
	m.reloadOK.Set(1)
	m.reloadStamp.Set(unix(m.now()))
}
