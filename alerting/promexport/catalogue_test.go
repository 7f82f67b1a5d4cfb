package promexport

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCatalogue: what is said of metrics is what a scrape gives, of every one.
func TestCatalogue(t *testing.T) {
	m, reg := newTest(t)
	exercise(m)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []Description
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), namespace+"_") {
			continue
		}
		d := Description{Name: f.GetName(), Kind: Kind(strings.ToLower(f.GetType().String())), Help: f.GetHelp()}
		for _, l := range f.GetMetric()[0].GetLabel() {
			d.Labels = append(d.Labels, l.GetName())
		}
		got = append(got, d)
	}
	if diff := cmp.Diff(Catalogue(), got); diff != "" {
		t.Errorf("the catalogue (-) is not what a scrape gives (+); exercise must make every metric appear:\n%s", diff)
	}
}
