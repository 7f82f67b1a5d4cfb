package monitoring

import (
	"fmt"
	"strings"

	"github.com/picketd/picket/alerting/promexport"
)

// metricsTable is the table of all metrics, in Markdown.
func metricsTable() []byte {
	var b strings.Builder
	b.WriteString(`# Metrics

Written by ` + "`go generate ./cmd/internal/monitoring`" + ` from the metrics that
Picket registers; a test holds it current. Times are in seconds, sizes in bytes.
Histograms are classic and native at once. No label holds an account, and every
label is bounded: values beyond its limit are counted as ` + "`other`" + `. Beside these
are the metrics of the process (` + "`process_…`" + `) and of Go (` + "`go_…`" + `).

| Metric | Type | Labels | Meaning |
|---|---|---|---|
`)
	for _, d := range promexport.Catalogue() {
		labels := ""
		if len(d.Labels) > 0 {
			labels = "`" + strings.Join(d.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Kind, labels, strings.ReplaceAll(d.Help, "|", `\|`))
	}
	return []byte(b.String())
}
