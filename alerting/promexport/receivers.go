package promexport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting/delivery"
)

// receiverMetrics are about telling receivers.
type receiverMetrics struct {
	told     *prometheus.CounterVec
	toldDead *prometheus.CounterVec
	toldTook *prometheus.HistogramVec
	waiting  *prometheus.GaugeVec
	up       *prometheus.GaugeVec
}

var _ delivery.Observer = (*Metrics)(nil)

func newReceiverMetrics(f factory) receiverMetrics {
	return receiverMetrics{
		told:     f.counters("notifications_total", "Attempts to tell receivers, by what came of them: delivered, retried or dead.", "receiver", "outcome"),
		toldDead: f.counters("notifications_dead_total", "Messages that were given up and became dead letters.", "receiver"),
		toldTook: f.durations("notification_seconds", "How long delivered messages took from the queue to the receiver.",
			[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14400, 86400}, "receiver"),
		waiting: f.gauges("notifications_pending", "Messages that wait for a receiver.", "receiver"),
		up:      f.gauges("receiver_up", "1 if a receiver takes messages, 0 if it is left alone after failures, or the last message to it was given up.", "receiver"),
	}
}

// Receivers tells which receivers there are. Those that are gone lose their
// counters.
func (m *Metrics) Receivers(names []string) {
	for _, gone := range m.receiver.keep(names) {
		labels := prometheus.Labels{"receiver": gone}
		m.told.DeletePartialMatch(labels)
		m.toldDead.DeletePartialMatch(labels)
		m.toldTook.DeletePartialMatch(labels)
		m.waiting.DeletePartialMatch(labels)
		m.up.DeletePartialMatch(labels)
	}
	for _, name := range names {
		r := m.receiver.bound(name)
		for _, o := range delivery.Outcomes() {
			m.told.WithLabelValues(r, string(o))
		}
		m.toldDead.WithLabelValues(r)
		m.toldTook.WithLabelValues(r)
		m.waiting.WithLabelValues(r)
	}
}

// Told counts an attempt to tell a receiver and what came of it.
func (m *Metrics) Told(receiver string, o delivery.Outcome, took time.Duration) {
	r := m.receiver.bound(receiver)
	switch o {
	case delivery.Delivered:
		m.toldTook.WithLabelValues(r).Observe(max(0, took.Seconds()))
	case delivery.Dead:
		m.toldDead.WithLabelValues(r).Inc()
	case delivery.Retried:
	default:
		return
	}
	m.told.WithLabelValues(r, string(o)).Inc()
}

// Pending tells how many messages wait for a receiver.
func (m *Metrics) Pending(receiver string, n int) {
	m.waiting.WithLabelValues(m.receiver.bound(receiver)).Set(float64(n))
}

// Up tells whether a receiver takes messages.
func (m *Metrics) Up(receiver string, up bool) {
	value := 0.0
	if up {
		value = 1
	}
	m.up.WithLabelValues(m.receiver.bound(receiver)).Set(value)
}
