package promexport

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "picket"

// factory makes metrics, registers them and writes each into the catalogue.
type factory struct {
	reg       prometheus.Registerer
	catalogue *[]Description
}

func (f factory) note(name string, kind Kind, help string, labels ...string) {
	*f.catalogue = append(*f.catalogue, Description{Name: namespace + "_" + name, Kind: kind, Labels: labels, Help: help})
}

func (f factory) counter(name, help string) prometheus.Counter {
	f.note(name, Counter, help)
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	f.reg.MustRegister(c)
	return c
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	f.note(name, Counter, help, labels...)
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.reg.MustRegister(c)
	return c
}

func (f factory) gauge(name, help string) prometheus.Gauge {
	f.note(name, Gauge, help)
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	f.reg.MustRegister(g)
	return g
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	f.note(name, Gauge, help, labels...)
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	f.reg.MustRegister(g)
	return g
}

// durations makes a histogram that is classic and native at once.
func (f factory) durations(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	f.note(name, Histogram, help, labels...)
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}, labels)
	f.reg.MustRegister(h)
	return h
}

// desc describes a gauge that is made when it is scraped.
func (f factory) desc(name, help string, labels ...string) *prometheus.Desc {
	f.note(name, Gauge, help, labels...)
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

const maxLabel = 128 // bytes

// tidy makes a label value that Prometheus accepts and people can read: valid
// UTF-8 without control characters, not long.
func tidy(s string) string {
	const odd = '\uFFFD'
	s = s[:min(len(s), 4*maxLabel)] // the rest is cut anyway
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return odd
		}
		return r // of what is no UTF-8, each byte comes as odd
	}, s)
	if len(s) > maxLabel {
		cut := maxLabel
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut]
	}
	if s == "" {
		return "unknown"
	}
	return s
}

// unix is a time as Prometheus writes it; 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
