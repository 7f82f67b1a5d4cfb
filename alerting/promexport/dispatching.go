package promexport

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
)

// dispatchMetrics are about deciding who is told: of several daemons on a store,
// one decides and counts.
type dispatchMetrics struct {
	incidents    *prometheus.GaugeVec
	decided      *prometheus.CounterVec
	withheld     *prometheus.GaugeVec
	withholdings *prometheus.CounterVec
	silences     *prometheus.GaugeVec
	documents    *prometheus.CounterVec
}

var _ dispatch.Observer = (*Metrics)(nil)

func newDispatchMetrics(f factory) dispatchMetrics {
	return dispatchMetrics{
		incidents:    f.gauges("incidents", "Incidents that alerts may still join or change, by state and level; resolved ones until their window is over. The daemon that decides who is told counts them, the others say 0.", "state", "level"),
		decided:      f.counters("incident_messages_total", "Messages that were decided and queued for receivers, by kind and urgency: page wakes somebody. A summary stands for many incidents.", "kind", "urgency"),
		withheld:     f.gauges("alerts_withheld", "Alerts that wait for somebody and that a receiver is not told of for now, by reason; budget: told in a summary alone.", "reason"),
		withholdings: f.counters("alert_withholdings_total", "How often an alert began to be withheld from a receiver, by reason.", "reason"),
		silences:     f.gauges("silences", "Silences that are in effect (active), have not begun (scheduled), or wait for a second person (awaiting); maintenance windows are not counted.", "state"),
		documents:    f.counters("alerting_damaged_documents_total", "Stored documents of alerting that could not be read and were passed over, by stream.", "stream"),
	}
}

func silenceStates() []silence.State {
	return []silence.State{silence.Active, silence.Scheduled, silence.Awaiting}
}

func documentStreams() []string {
	return []string{natspub.Stream, natspub.SilenceStream, dispatch.Stream, delivery.Stream, delivery.RecordsName, delivery.DeadName}
}

// urgencies are those of messages.
func urgencies() []alerting.Urgency {
	return []alerting.Urgency{alerting.UrgencyPage, alerting.UrgencyHours, alerting.UrgencyChat, alerting.UrgencyDigest, alerting.UrgencySRE, alerting.UrgencyNone}
}

// zero exports what is known at the start.
func (d *dispatchMetrics) zero(m *Metrics) {
	m.Incidents(nil)
	m.Withheld(nil)
	m.SetSilences(nil)
	for _, urgency := range []alerting.Urgency{alerting.UrgencyPage, alerting.UrgencyChat} {
		for _, kind := range notify.Kinds() {
			if kind != notify.Test { // of the receiver; nobody decides it
				d.decided.WithLabelValues(string(kind), string(urgency))
			}
		}
	}
	d.decided.WithLabelValues(string(notify.Summary), string(alerting.UrgencyDigest))
	for _, why := range dispatch.Reasons() {
		d.withholdings.WithLabelValues(string(why))
	}
	for _, stream := range documentStreams() {
		d.documents.WithLabelValues(stream)
	}
}

// Incidents replaces what is known of how many incidents there are.
func (m *Metrics) Incidents(counts []dispatch.Count) {
	n := map[[2]string]int{}
	for _, state := range alerting.States() {
		for _, level := range levels() {
			n[[2]string{string(state), string(level)}] = 0
		}
	}
	for _, c := range counts {
		n[[2]string{known(c.State, alerting.States()), levelLabel(c.Level)}] += c.N
	}
	for labels, v := range n {
		m.incidents.WithLabelValues(labels[:]...).Set(float64(v))
	}
}

// Withheld replaces what is known of how many alerts are withheld, and why.
func (m *Metrics) Withheld(alerts map[dispatch.Reason]int) {
	for _, why := range dispatch.Reasons() {
		m.withheld.WithLabelValues(string(why)).Set(float64(alerts[why]))
	}
}

// Held counts an alert that begins to be withheld.
func (m *Metrics) Held(why dispatch.Reason) {
	m.withholdings.WithLabelValues(known(why, dispatch.Reasons())).Inc()
}

// Decided counts a message that is queued.
func (m *Metrics) Decided(kind notify.Kind, urgency alerting.Urgency) {
	m.decided.WithLabelValues(known(kind, notify.Kinds()), known(urgency, urgencies())).Inc()
}

// SetSilences replaces what is known of how many silences there are.
func (m *Metrics) SetSilences(counts map[silence.State]int) {
	for _, state := range silenceStates() {
		m.silences.WithLabelValues(string(state)).Set(float64(counts[state]))
	}
}

// DamagedDocument counts a stored document of a stream that could not be read.
func (m *Metrics) DamagedDocument(stream string) {
	m.documents.WithLabelValues(known(stream, documentStreams())).Inc()
}
