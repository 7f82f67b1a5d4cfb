package promexport

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting"
)

// partitions holds how far the detector has read. Lags and ages are computed
// when they are scraped, so that they grow while the detector stands still.
type partitions struct {
	now func() time.Time

	mu sync.Mutex
	at map[int]progress

	sequence, lagMessages, lagSeconds, logTime *prometheus.Desc
	snapshotAge, snapshotBytes                 *prometheus.Desc
}

// progress is what is known of one partition.
type progress struct {
	sequence, pending uint64
	logTime           time.Time
	saved             time.Time // when memory was last as in a snapshot; before the first, since when there is a memory
	size              int
}

func newPartitions(f factory, now func() time.Time) *partitions {
	const label = "partition"
	return &partitions{
		now: now, at: map[int]progress{},
		sequence:      f.desc("detector_sequence", "Sequence of the last journal message that the detector has applied.", label),
		lagMessages:   f.desc("detector_lag_messages", "Journal messages that the detector has not read yet.", label),
		lagSeconds:    f.desc("detector_lag_seconds", "How far log time at the detector is behind now; up to about ten seconds when idle.", label),
		logTime:       f.desc("detector_log_timestamp_seconds", "Log time at the detector.", label),
		snapshotAge:   f.desc("snapshot_age_seconds", "Time since the detector's memory was saved as it was, or since it is read where it never was; it does not grow while nothing changes the memory.", label),
		snapshotBytes: f.desc("snapshot_size_bytes", "Size of the last snapshot of the detector's memory.", label),
	}
}

func (p *partitions) update(partition int, change func(*progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.at[partition]
	change(&at)
	p.at[partition] = at
}

// Describe implements prometheus.Collector.
func (p *partitions) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{p.sequence, p.lagMessages, p.lagSeconds, p.logTime, p.snapshotAge, p.snapshotBytes} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (p *partitions) Collect(out chan<- prometheus.Metric) {
	p.mu.Lock()
	at := maps.Clone(p.at)
	p.mu.Unlock()
	now := p.now()
	gauge := func(d *prometheus.Desc, v float64, partition int) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, partitionLabel(partition))
	}
	for _, partition := range slices.Sorted(maps.Keys(at)) {
		s := at[partition]
		if !s.logTime.IsZero() {
			gauge(p.sequence, float64(s.sequence), partition)
			gauge(p.lagMessages, float64(s.pending), partition)
			gauge(p.lagSeconds, max(0, now.Sub(s.logTime).Seconds()), partition)
			gauge(p.logTime, unix(s.logTime), partition)
		}
		if !s.saved.IsZero() {
			gauge(p.snapshotAge, max(0, now.Sub(s.saved).Seconds()), partition)
			gauge(p.snapshotBytes, float64(s.size), partition)
		}
	}
}

// Release forgets a partition that another process owns now.
func (m *Metrics) Release(partition int) {
	m.partitions.mu.Lock()
	defer m.partitions.mu.Unlock()
	delete(m.partitions.at, partition)
	m.coverage.release(partition)
	m.releaseOvers(partition)
	m.remembered.DeleteLabelValues(partitionLabel(partition))
	m.memory.DeleteLabelValues(partitionLabel(partition))
	m.baselines.DeletePartialMatch(prometheus.Labels{"partition": partitionLabel(partition)})
}

// openAlerts counts the open alerts when they are scraped.
type openAlerts struct {
	mu     sync.Mutex
	counts func() []alerting.Count
	open   *prometheus.Desc
}

func newOpenAlerts(f factory) *openAlerts {
	return &openAlerts{open: f.desc("alerts_open", "Alerts that are not resolved, by level and state.", "level", "state")}
}

// CountAlerts sets where the number of open alerts comes from, such as
// alerting.Manager.Counts.
func (m *Metrics) CountAlerts(counts func() []alerting.Count) {
	m.open.mu.Lock()
	defer m.open.mu.Unlock()
	m.open.counts = counts
}

// Describe implements prometheus.Collector.
func (o *openAlerts) Describe(out chan<- *prometheus.Desc) { out <- o.open }

// Collect implements prometheus.Collector.
func (o *openAlerts) Collect(out chan<- prometheus.Metric) {
	o.mu.Lock()
	counts := o.counts
	o.mu.Unlock()
	n := map[[2]string]int{}
	for _, level := range levels() {
		for _, state := range []alerting.State{alerting.Firing, alerting.Acknowledged} {
			n[[2]string{string(level), string(state)}] = 0
		}
	}
	if counts != nil {
		for _, c := range counts() {
			n[[2]string{levelLabel(c.Level), known(c.State, alerting.States())}] += c.N
		}
	}
	for labels, v := range n {
		out <- prometheus.MustNewConstMetric(o.open, prometheus.GaugeValue, float64(v), labels[:]...)
	}
}
