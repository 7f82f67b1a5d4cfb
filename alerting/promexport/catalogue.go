package promexport

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind is the type of a metric.
type Kind string

// The types of metrics. Histograms are classic and native at once.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Description is what can be said of a metric without its values.
type Description struct {
	Name   string // as Prometheus stores it; of a histogram without its suffixes
	Kind   Kind
	Labels []string // sorted
	Help   string
}

// Catalogue describes every metric of Picket, by name. What the client library
// tells of the process and of Go is not among them.
func Catalogue() []Description {
	m := New(prometheus.NewRegistry(), Options{})
	for i := range m.catalogue {
		m.catalogue[i].Labels = slices.Sorted(slices.Values(m.catalogue[i].Labels))
	}
	slices.SortFunc(m.catalogue, func(a, b Description) int { return cmp.Compare(a.Name, b.Name) })
	return m.catalogue
}
