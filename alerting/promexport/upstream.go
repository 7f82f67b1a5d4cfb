package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collectorMetrics are about polling.
type collectorMetrics struct {
	sources            *sources
	credentials        *credentials
	polls              *prometheus.CounterVec
	pollTook, pollLate *prometheus.HistogramVec
	collected, dropped *prometheus.CounterVec
}

func newCollectorMetrics(f factory) collectorMetrics {
	polling := []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	c := collectorMetrics{
		sources: newSources(f), credentials: newCredentials(f),
		polls:     f.counters("polls_total", "Polls by outcome.", "network", "outcome"),
		pollTook:  f.durations("poll_duration_seconds", "How long polls take, journal included.", polling, "network"),
		pollLate:  f.durations("poll_delay_seconds", "How late polls begin against their schedule.", polling, "network"),
		collected: f.counters("collected_activities_total", "Polled activities that became durable.", "network"),
		dropped:   f.counters("dropped_activities_total", "Polled items that were not journaled, by reason.", "network", "reason"),
	}
	f.reg.MustRegister(c.sources, c.credentials)
	return c
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

// intakeMetrics are about what others push, and about the journal.
type intakeMetrics struct {
	accepted, refused     *prometheus.CounterVec
	apiRefused            *prometheus.CounterVec
	appended, bytes       prometheus.Counter
	messages, fenced      prometheus.Counter
	journalRefused        *prometheus.CounterVec
	reloads               *prometheus.CounterVec
	reloadOK, reloadStamp prometheus.Gauge
	diskFree, diskReserve *prometheus.GaugeVec
	geoFiles              *prometheus.GaugeVec
}

func newIntakeMetrics(f factory) intakeMetrics {
	return intakeMetrics{
		accepted:       f.counters("intake_accepted_activities_total", "Pushed activities that became durable, by way in.", "source"),
		refused:        f.counters("intake_refused_total", "Pushed items or whole bodies that were refused, by reason.", "source", "reason"),
		apiRefused:     f.counters("alert_api_refused_requests_total", "Requests to the HTTP API for alerts that were refused before they were looked into, by reason.", "reason"),
		appended:       f.counter("journal_appended_activities_total", "Activities appended to the journal."),
		bytes:          f.counter("journal_appended_bytes_total", "Bytes appended to the journal."),
		messages:       f.counter("journal_appended_messages_total", "Messages with activities appended to the journal."),
		fenced:         f.counter("journal_fenced_total", "Appends refused because another writer was ahead."),
		journalRefused: f.counters("journal_refused_activities_total", "Activities that the journal did not accept, by reason.", "reason"),
		reloads:        f.counters("config_reloads_total", "Attempts to reload the configuration.", "outcome"),
		reloadOK:       f.gauge("config_last_reload_successful", "1 if the configuration in force is the newest, 0 if the last reload failed and the old one stays."),
		reloadStamp:    f.gauge("config_last_reload_success_timestamp_seconds", "When the configuration was last read successfully."),
		diskFree:       f.gauges("disk_free_bytes", "Free bytes on the disk that holds the embedded server's store."),
		geoFiles:       f.gauges("geo_file_ready", "1 if a configured geo file is in use, 0 if it is missing, damaged or replaced by one that is.", "use"),
		diskReserve:    f.gauges("disk_reserve_bytes", "Free bytes below which nothing is taken in any more."),
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

// APIRefused counts a request to the HTTP API that was refused.
func (m *Metrics) APIRefused(reason string) {
	m.apiRefused.WithLabelValues(m.reason.bound(reason)).Inc()
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

// SetDisk tells how many bytes are free where the embedded server keeps its
// store, and below how many nothing is taken in. Without it neither is
// exported: an external server watches its own disk.
func (m *Metrics) SetDisk(free, reserve int64) {
	m.diskFree.WithLabelValues().Set(float64(free))
	m.diskReserve.WithLabelValues().Set(float64(reserve))
}

// SetGeoFiles tells of each configured geo file, by its use, whether it is in
// use as it is on disk.
func (m *Metrics) SetGeoFiles(ready map[string]bool) {
	m.geoFiles.Reset()
	for use, ok := range ready {
		value := 0.0
		if ok {
			value = 1
		}
		m.geoFiles.WithLabelValues(m.source.bound(use)).Set(value)
	}
}
