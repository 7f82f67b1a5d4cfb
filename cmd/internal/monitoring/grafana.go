package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

const (
	sourceVariable = "datasource"
	jobVariable    = "job"
	tag            = "picket"
	// docs is where readers of a dashboard find these files.
	docs = "https://github.com/picketd/picket/blob/main/deploy/monitoring/"
)

// render returns a board as the JSON that Grafana imports.
func render(b *board) ([]byte, error) {
	//nolint:staticcheck // the classic model is the one that every Grafana imports and provisions
	d := dashboard.NewDashboardBuilder(b.title).Uid(b.uid).Description(b.what).Tags([]string{tag}).
		Time("now-6h", "now").Refresh("30s").Timezone("browser").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Link(dashboard.NewDashboardLinkBuilder("Picket").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{tag}).AsDropdown(true).IncludeVars(true).KeepTime(true)).
		Link(dashboard.NewDashboardLinkBuilder("Runbooks").Type(dashboard.DashboardLinkTypeLink).Url(docs + "RUNBOOKS.md").TargetBlank(true)).
		Link(dashboard.NewDashboardLinkBuilder("Metrics").Type(dashboard.DashboardLinkTypeLink).Url(docs + "METRICS.md").TargetBlank(true)).
		WithVariable(dashboard.NewDatasourceVariableBuilder(sourceVariable).Label("Data source").Type("prometheus")).
		WithVariable(choice(jobVariable, "picket_build_info"))
	for _, v := range b.variables {
		d.WithVariable(choice(v.name, series(v.metric)))
	}
	for _, a := range annotations() {
		d.Annotation(a)
	}
	id := uint32(0)
	next := func() uint32 { id++; return id }
	for i := range b.sections {
		d.WithRow(dashboard.NewRowBuilder(b.sections[i].title).Id(next()))
		for j := range b.sections[i].panels {
			d.WithPanel(b.sections[i].panels[j].builder(next()))
		}
	}
	d.WithRow(dashboard.NewRowBuilder("Who is behind a number").Id(next()))
	d.WithPanel(text.NewPanelBuilder().Id(next()).Title("Commands").Transparent(true).Height(5).Span(24).Content(commandList(b.commands)))
	built, err := d.Build()
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.uid, err)
	}
	for i := range built.Links { // else newer Grafanas hide them in a menu
		built.Links[i].Placement = nil
	}
	for i := range built.Annotations.List {
		built.Annotations.List[i].Placement = nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(built); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.uid, err)
	}
	return out.Bytes(), nil
}

func source() common.DataSourceRef {
	kind, uid := "prometheus", "${"+sourceVariable+"}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}

// choice lets the reader choose among the values of a label, all of them at
// first.
func choice(name, selector string) *dashboard.QueryVariableBuilder {
	all, values := "All", "label_values("+selector+", "+name+")"
	current := "$__all"
	return dashboard.NewQueryVariableBuilder(name).Label(strings.ToUpper(name[:1]) + name[1:]).Datasource(source()).
		Query(dashboard.StringOrMap{String: &values}).Definition(values).Multi(true).IncludeAll(true).AllValue(".+").
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).
		Current(dashboard.VariableOption{Text: dashboard.StringOrArrayOfString{String: &all}, Value: dashboard.StringOrArrayOfString{String: &current}})
}

// annotations mark on every panel what happened.
func annotations() []cog.Builder[dashboard.AnnotationQuery] {
	mark := func(name, color, expr, title, words string) cog.Builder[dashboard.AnnotationQuery] {
		return dashboard.NewAnnotationQueryBuilder().Name(name).Datasource(source()).Enable(true).Hide(false).
			IconColor(color).Expr(expr).Step("30s").TitleFormat(title).TextFormat(words)
	}
	return []cog.Builder[dashboard.AnnotationQuery]{
		mark("Alarms about Picket", "red", `ALERTS{alertname=~"Picket.*",alertstate="firing"}`, "{{alertname}}", "{{severity}} {{instance}} {{network}} {{credential}}"),
		mark("Alerts of level high and critical", "orange",
			"sum by (rule, level) (changes("+series("picket_alerts_raised_total", `level=~"high|critical"`)+"[1m])) > 0", "{{level}}: {{rule}}", "picket alerts ls"),
		mark("Reloads", "blue",
			"sum by (instance, outcome) (changes("+series("picket_config_reloads_total")+"[1m])) > 0", "Configuration reloaded: {{outcome}}", "{{instance}}"),
	}
}

func commandList(all []command) string {
	var b strings.Builder
	b.WriteString("No metric names an account. These commands do:\n\n")
	for _, c := range all {
		fmt.Fprintf(&b, "- `%s`: %s\n", c.line, c.shows)
	}
	return b.String()
}

// builder makes the panel. It has a place among others by the order they come.
func (p *panel) builder(id uint32) cog.Builder[dashboard.Panel] {
	switch p.view {
	case asNumber:
		out := stat.NewPanelBuilder().Id(id).Title(p.title).Description(p.description()).Datasource(source()).
			Height(4).Span(p.span(6)).Unit(p.unit).Thresholds(p.thresholds()).
			GraphMode(common.BigValueGraphModeNone).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
		if p.none != "" {
			out.NoValue(p.none)
		}
		return out.Targets(p.targets())
	case asTable:
		out := table.NewPanelBuilder().Id(id).Title(p.title).Description(p.description()).Datasource(source()).
			Height(10).Span(p.span(8)).Unit(p.unit).Transformations(p.transformations()).
			Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{}))
		if p.none != "" {
			out.NoValue(p.none)
		}
		return out.Targets(p.targets())
	default:
		out := timeseries.NewPanelBuilder().Id(id).Title(p.title).Description(p.description()).Datasource(source()).
			Height(8).Span(p.span(12)).Unit(p.unit).Min(0).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
			Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
			Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
		if p.none != "" {
			out.NoValue(p.none)
		}
		return out.Targets(p.targets())
	}
}

func (p *panel) span(usual uint32) uint32 {
	if p.width > 0 {
		return p.width
	}
	return usual
}

func (p *panel) description() string {
	if p.who == "" {
		return p.what
	}
	return p.what + "\n\nWho: `" + p.who + "`"
}

func (p *panel) thresholds() cog.Builder[dashboard.ThresholdsConfig] {
	steps := []dashboard.Threshold{{Color: "green"}}
	for i := range p.worse {
		steps = append(steps, dashboard.Threshold{Value: &p.worse[i].from, Color: p.worse[i].color})
	}
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

func (p *panel) targets() []cog.Builder[variants.Dataquery] {
	var out []cog.Builder[variants.Dataquery]
	for i := range p.queries {
		q := &p.queries[i]
		d := prometheus.NewDataqueryBuilder().RefId(string(rune('A' + i))).Datasource(source()).Expr(q.expr).LegendFormat(q.legend)
		switch p.view {
		case asTable:
			d.Instant().Format(prometheus.PromQueryFormatTable)
		case asNumber:
			d.Instant()
		default:
			d.Range()
		}
		if q.exemplars {
			d.Exemplar(true)
		}
		out = append(out, d)
	}
	return out
}

// transformations join a table's queries by their labels and name its columns.
func (p *panel) transformations() []dashboard.DataTransformerConfig {
	hidden, named := map[string]bool{}, map[string]string{}
	for field, name := range p.columns {
		if name == "" {
			hidden[field] = true
		} else {
			named[field] = name
		}
	}
	out := []dashboard.DataTransformerConfig{{Id: "organize", Options: map[string]any{"excludeByName": hidden, "renameByName": named}}}
	if len(p.queries) > 1 {
		out = slices.Insert(out, 0, dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}})
	}
	return out
}
