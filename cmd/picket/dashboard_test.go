package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// monitoring is the folder of what operators get for Prometheus and Grafana.
const monitoring = "../../deploy/monitoring"

// dashboard is what these tests read of Grafana's dashboard model.
type dashboard struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct{ Name, Type string } `json:"list"`
	} `json:"templating"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	Targets     []target `json:"targets"`
}

type target struct {
	RefID      string     `json:"refId"`
	Expr       string     `json:"expr"`
	Datasource datasource `json:"datasource"`
}

type datasource struct{ Type, UID string }

// query is one expression that Grafana sends for a panel.
type query struct{ panel, ref, expr string }

func readDashboard(t *testing.T) (d dashboard, raw []byte) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(monitoring, "picket-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d, raw
}

// queries returns what Grafana asks Prometheus, its variables filled in.
func (d *dashboard) queries() []query {
	fill := strings.NewReplacer("$job", ".+", "$__rate_interval", "1m")
	var out []query
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			out = append(out, query{p.Title, q.RefID, fill.Replace(q.Expr)})
		}
	}
	return out
}

// TestDashboard holds the dashboard to Grafana's documented model, as far as
// that can be told without Grafana.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d, raw := readDashboard(t)
	if d.UID == "" || d.Title != "Picket" || d.SchemaVersion < 36 {
		t.Errorf("uid %q, title %q, schema version %d", d.UID, d.Title, d.SchemaVersion)
	}
	onlyKeys(t, "dashboard", raw, "annotations", "description", "editable", "fiscalYearStartMonth", "graphTooltip", "links", "panels",
		"refresh", "schemaVersion", "tags", "templating", "time", "timepicker", "timezone", "title", "uid", "version", "weekStart")
	var variables []string
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name+" "+v.Type)
	}
	if want := []string{"datasource datasource", "job query"}; !slices.Equal(variables, want) {
		t.Errorf("variables %v, want %v", variables, want)
	}
	var panels struct{ Panels []json.RawMessage }
	if err := json.Unmarshal(raw, &panels); err != nil {
		t.Fatal(err)
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for i, p := range d.Panels {
		if p.ID <= 0 || ids[p.ID] {
			t.Errorf("%s: id %d is taken, or none", p.Title, p.ID)
		}
		ids[p.ID] = true
		p.fits(t, taken)
		if p.Type == "row" {
			onlyKeys(t, p.Title, panels.Panels[i], "collapsed", "gridPos", "id", "panels", "title", "type")
			continue
		}
		onlyKeys(t, p.Title, panels.Panels[i], "datasource", "description", "fieldConfig", "gridPos", "id", "options", "targets", "title", "transformations", "type")
		p.check(t)
	}
}

// fits tells when a panel leaves Grafana's 24 columns or lies over another one.
func (p *panel) fits(t *testing.T, taken map[[2]int]string) {
	t.Helper()
	g := p.GridPos
	if g.H <= 0 || g.W <= 0 || g.X < 0 || g.X+g.W > 24 || g.Y < 0 {
		t.Errorf("%s: lies at %+v, outside of 24 columns", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other := taken[[2]int{x, y}]; other != "" {
				t.Errorf("%s lies over %s", p.Title, other)
				return
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

// metric finds the names of Picket's and Prometheus's own metrics, and what
// selects among their series.
var metric = regexp.MustCompile(`\b(picket_[a-z_]+|process_[a-z_]+|up)(\{[^}]*\})?`)

func (p *panel) check(t *testing.T) {
	t.Helper()
	chosen := datasource{"prometheus", "${datasource}"}
	if !slices.Contains([]string{"stat", "timeseries", "table"}, p.Type) || p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.Datasource != chosen {
		t.Errorf("panel %d %q: type %q, %d targets, data source %v, description %q", p.ID, p.Title, p.Type, len(p.Targets), p.Datasource, p.Description)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if q.RefID == "" || refs[q.RefID] || q.Datasource != chosen {
			t.Errorf("%s: target %q is there twice, or its data source is %v", p.Title, q.RefID, q.Datasource)
		}
		refs[q.RefID] = true
		found := metric.FindAllStringSubmatch(q.Expr, -1)
		for _, m := range found {
			if !strings.HasPrefix(m[2], `{job=~"$job"`) {
				t.Errorf("%s: %s is not limited to the chosen job: %s", p.Title, m[1], q.Expr)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s: no metric of Picket in %s", p.Title, q.Expr)
		}
	}
}

// onlyKeys tells of keys that are not documented, which Grafana ignores.
func onlyKeys(t *testing.T, what string, raw json.RawMessage, known ...string) {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	for key := range object {
		if !slices.Contains(known, key) {
			t.Errorf("%s has a key %q", what, key)
		}
	}
}

// alertRule is one rule of picket.rules.yml.
type alertRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readAlertRules(t *testing.T) []alertRule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []alertRule }
	}
	readYAML(t, "picket.rules.yml", &file)
	var all []alertRule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(monitoring, name))
	if err == nil {
		err = yaml.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestAlertRules holds each alert to what the person it reaches needs, and to a
// test in which it fires.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Checks []struct {
				Name   string `yaml:"alertname"`
				Alerts []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	readYAML(t, "picket.rules_test.yml", &file)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, c := range test.Checks {
			fires[c.Name] = fires[c.Name] || len(c.Alerts) > 0
			silent[c.Name] = silent[c.Name] || len(c.Alerts) == 0
		}
	}
	names := map[string]bool{}
	for _, r := range readAlertRules(t) {
		if names[r.Alert] || !strings.HasPrefix(r.Alert, "Picket") {
			t.Errorf("alert %q: there twice, or not of Picket", r.Alert)
		}
		names[r.Alert] = true
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s: severity %q", r.Alert, s)
		}
		for _, key := range []string{"summary", "description", "action"} {
			if r.Annotations[key] == "" {
				t.Errorf("%s: no %s", r.Alert, key)
			}
		}
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: its tests show it firing: %t, silent: %t", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
