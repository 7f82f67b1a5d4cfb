// Package promexport keeps Picket's metrics and serves them to Prometheus,
// beside the health and readiness of the daemon. It decides names, labels and
// buckets; when something is counted belongs to whoever counts it.
//
// Names begin with picket_ and carry base units. No label holds an account:
// 10,000 accounts by 10 rules would cost 64 MB and 1.6 s a scrape. Identity is
// in alerts, and the alert's id is the exemplar of picket_alerts_raised_total.
// Every label is bounded: values beyond its limit are counted as "other".
// Everything that can be known at the start is exported as zero from the
// start, so that the first event is visible as a rate.
package promexport

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// Options are what is known at the start.
type Options struct {
	Version  string // of this Picket
	Revision string // commit that it was built from

	Networks      []string // that accounts are configured for
	PollOutcomes  []string
	DropReasons   []string // why items of a page are not journaled
	IntakeSources []string // ways in: "webhook", "nats", "file"
	IntakeReasons []string // why pushed items are refused
	JournalFaults []string // why the journal refuses activities
	APIReasons    []string // why requests to the HTTP API are refused

	Now func() time.Time // nil: time.Now
}

// How many distinct values a label may have.
const (
	maxNetworks = 64
	maxRules    = 2000
	maxReasons  = 64
	maxOther    = 256
)

// Metrics holds all of Picket's metrics. Its methods are safe for concurrent
// use. It implements alerting.Observer.
type Metrics struct {
	reg *prometheus.Registry
	now func() time.Time

	collectorMetrics
	intakeMetrics
	detectorMetrics
	alertMetrics
	costMetrics
	handlingMetrics
	receiverMetrics
	dispatchMetrics

	catalogue []Description

	network, rule, outcome, reason, source, credential, receiver *label
}

var _ alerting.Observer = (*Metrics)(nil)

// New registers all metrics with reg, which must not have any of them.
func New(reg *prometheus.Registry, opts Options) *Metrics {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	m := &Metrics{
		reg: reg, now: opts.Now,
		network: newLabel(maxNetworks), rule: newLabel(maxRules), outcome: newLabel(maxReasons),
		reason: newLabel(maxReasons), source: newLabel(maxReasons), credential: newLabel(maxOther), receiver: newLabel(maxOther),
	}
	f := factory{reg, &m.catalogue}
	m.collectorMetrics, m.intakeMetrics = newCollectorMetrics(f), newIntakeMetrics(f)
	m.detectorMetrics, m.alertMetrics = newDetectorMetrics(f, opts.Now, m.rule.bound), newAlertMetrics(f)
	m.costMetrics, m.handlingMetrics = newCostMetrics(f), newHandlingMetrics(f)
	m.receiverMetrics, m.dispatchMetrics = newReceiverMetrics(f), newDispatchMetrics(f)
	build := f.gauges("build_info", "Constant 1, labelled by what this Picket was built from.", "version", "revision", "goversion")
	build.WithLabelValues(tidy(opts.Version), tidy(opts.Revision), runtime.Version()).Set(1)
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.zero(&opts)
	return m
}

// zero exports what is known at the start.
func (m *Metrics) zero(opts *Options) {
	for _, network := range opts.Networks {
		n := m.network.bound(network)
		m.sources.networks = append(m.sources.networks, n)
		for _, outcome := range opts.PollOutcomes {
			m.polls.WithLabelValues(n, m.outcome.bound(outcome))
		}
		for _, reason := range opts.DropReasons {
			m.dropped.WithLabelValues(n, m.reason.bound(reason))
		}
		m.pollTook.WithLabelValues(n)
		m.pollLate.WithLabelValues(n)
		m.collected.WithLabelValues(n)
		for _, stage := range []string{stageNetwork, stagePoll, stagePicket} {
			m.latency.WithLabelValues(n, stage)
		}
	}
	for _, source := range opts.IntakeSources {
		s := m.source.bound(source)
		m.accepted.WithLabelValues(s)
		for _, reason := range opts.IntakeReasons {
			m.refused.WithLabelValues(s, m.reason.bound(reason))
		}
	}
	for _, reason := range opts.APIReasons {
		m.apiRefused.WithLabelValues(m.reason.bound(reason))
	}
	for _, reason := range opts.JournalFaults {
		m.journalRefused.WithLabelValues(m.reason.bound(reason))
	}
	for _, outcome := range []string{success, failure} {
		m.reloads.WithLabelValues(outcome)
	}
	for _, change := range alerting.Changes() {
		m.revisions.WithLabelValues(string(change))
	}
	for _, state := range []string{ruleLoaded, ruleFailed} {
		m.rules.WithLabelValues(state)
	}
	for _, level := range levels() {
		m.acknowledged.WithLabelValues(string(level))
		m.resolved.WithLabelValues(string(level), byPerson)
		m.resolved.WithLabelValues(string(level), byItself)
	}
	m.dispatchMetrics.zero(m)
}

// ruleLabel is how a rule is called in metrics: by its name, else by its id.
func ruleLabel(name, id string) string {
	if name != "" {
		return name
	}
	return id
}

// levelLabel keeps unknown levels out.
func levelLabel(l rules.Level) string {
	return known(l, levels())
}

func levels() []rules.Level {
	return []rules.Level{rules.Informational, rules.Low, rules.Medium, rules.High, rules.Critical}
}

// known keeps values out that are not among those of their type.
func known[T ~string](value T, all []T) string {
	if slices.Contains(all, value) {
		return string(value)
	}
	return other
}

// other stands for all values beyond a label's limit.
const other = "other"

// label admits the first values that it meets, up to a limit.
type label struct {
	limit int
	mu    sync.RWMutex
	known map[string]bool
}

func newLabel(limit int) *label { return &label{limit: limit, known: map[string]bool{}} }

func (l *label) bound(value string) string {
	l.mu.RLock()
	known := l.known[value]
	l.mu.RUnlock()
	if known {
		return value
	}
	value = tidy(value)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.known[value] {
		if len(l.known) >= l.limit {
			return other
		}
		l.known[value] = true
	}
	return value
}

// keep admits these values instead of the known ones, so that reloading rules
// makes room, and returns those that it has forgotten.
func (l *label) keep(values []string) (gone []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.known
	l.known = map[string]bool{}
	for _, v := range values {
		if len(l.known) < l.limit {
			l.known[v] = true
		}
	}
	for v := range before {
		if !l.known[v] {
			gone = append(gone, v)
		}
	}
	return gone
}

func partitionLabel(p int) string { return strconv.Itoa(p) }
