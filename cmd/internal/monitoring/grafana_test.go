package monitoring

import (
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// TestSchema holds the dashboards to Grafana's schema, in which nothing is
// unknown, of a wrong type or missing.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, b := range boards() {
		data, err := render(&b)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard                                                //nolint:staticcheck // the classic model, as in grafana.go
		if err := d.UnmarshalJSONStrict(data); err != nil && err.Error() != "" { // it returns an empty list for none
			t.Errorf("%s: %v", b.uid, err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", b.uid, err)
		}
	}
}
