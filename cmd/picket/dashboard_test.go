package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// monitoring is the folder of what operators get for Prometheus and Grafana.
const monitoring = "../../deploy/monitoring"

// dashboard is what these tests read of Grafana's dashboard model.
type dashboard struct {
	UID        string  `json:"uid"`
	Title      string  `json:"title"`
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct{ Name, Type string } `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name       string     `json:"name"`
			Expr       string     `json:"expr"`
			Datasource datasource `json:"datasource"`
		} `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Datasource  datasource `json:"datasource"`
	GridPos     struct{ H, W, X, Y int }
	Targets     []target `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			NoValue string `json:"noValue"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Options struct {
		Content string `json:"content"`
	} `json:"options"`
}

type target struct {
	RefID      string     `json:"refId"`
	Expr       string     `json:"expr"`
	Datasource datasource `json:"datasource"`
}

type datasource struct{ Type, UID string }

// query is one expression that Grafana sends for a panel.
type query struct {
	board, panel, ref, expr string
	mayBeEmpty              bool // the panel says what no data means
}

func readDashboards(t *testing.T) []dashboard {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(monitoring, "dashboards", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	all := make([]dashboard, len(paths))
	for i, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &all[i]); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if want := all[i].UID + ".json"; filepath.Base(path) != want {
			t.Errorf("%s: want it to be called %s", path, want)
		}
	}
	return all
}

// filled returns an expression as Grafana sends it, its variables filled in.
func filled(expr string) string {
	return strings.NewReplacer("$job", ".+", "$network", ".+", "$rule", ".+", "$level", ".+", "$__rate_interval", "1m").Replace(expr)
}

// queries returns what Grafana asks Prometheus for panels.
func queries(t *testing.T) []query {
	t.Helper()
	var out []query
	for _, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				out = append(out, query{d.UID, p.Title, q.RefID, filled(q.Expr), p.FieldConfig.Defaults.NoValue != ""})
			}
		}
	}
	return out
}

// TestDashboards holds each dashboard to what its readers need. That it is in
// Grafana's schema is held where it is made, in cmd/internal/monitoring.
func TestDashboards(t *testing.T) {
	t.Parallel()
	for _, d := range readDashboards(t) {
		t.Run(d.UID, func(t *testing.T) {
			if len(d.Templating.List) < 2 || d.Templating.List[0] != struct{ Name, Type string }{"datasource", "datasource"} ||
				d.Templating.List[1] != struct{ Name, Type string }{"job", "query"} {
				t.Errorf("variables %v, want the data source and the job first", d.Templating.List)
			}
			ids, taken, commands := map[int]bool{}, map[[2]int]string{}, 0
			for _, p := range d.Panels {
				if p.ID <= 0 || ids[p.ID] {
					t.Errorf("%s: id %d is taken, or none", p.Title, p.ID)
				}
				ids[p.ID] = true
				p.fits(t, taken)
				commands += p.commands(t)
				if p.Type != "row" && p.Type != "text" {
					p.check(t)
				}
			}
			if commands == 0 {
				t.Error("no command names who is behind its numbers")
			}
			for _, a := range d.Annotations.List {
				if a.Expr == "" || a.Datasource != (datasource{"prometheus", "${datasource}"}) {
					t.Errorf("annotation %s: expression %q of %v", a.Name, a.Expr, a.Datasource)
				}
			}
		})
	}
}

// commands parses each command that a panel tells of, and counts them.
func (p *panel) commands(t *testing.T) int {
	t.Helper()
	found := regexp.MustCompile("`picket ([^`]+)`").FindAllStringSubmatch(p.Description+p.Options.Content, -1)
	for _, m := range found {
		parser, err := newParser(io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(strings.Replace(m[1], "NEWDIR", ".", 1))); err != nil {
			t.Errorf("%s tells of picket %s: %v", p.Title, m[1], err)
		}
	}
	return len(found)
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
	return slices.DeleteFunc(all, func(r alertRule) bool { return r.Alert == "" }) // recorded
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
	played, err := os.ReadFile("faults_test.go")
	if err != nil {
		t.Fatal(err)
	}
	slow := []string{"PicketRuleOverBudget", "PicketSecondStageStuck"} // a real fault takes minutes
	names, sections := map[string]bool{}, runbooks(t)
	for _, r := range readAlertRules(t) {
		if !strings.Contains(string(played), strconv.Quote(r.Alert)) && !slices.Contains(slow, r.Alert) {
			t.Errorf("%s: no fault in faults_test.go makes it fire", r.Alert)
		}
		if r.Annotations["runbook_url"] != runbookURL+strings.ToLower(r.Alert) || !slices.Contains(sections, r.Alert) {
			t.Errorf("%s: its runbook is %s, and RUNBOOKS.md has %v", r.Alert, r.Annotations["runbook_url"], sections)
		}
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

const runbookURL = "https://github.com/picketd/picket/blob/main/deploy/monitoring/RUNBOOKS.md#"

// runbooks returns the titles of the runbooks' sections.
func runbooks(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(monitoring, "RUNBOOKS.md"))
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllSubmatch(raw, -1) {
		titles = append(titles, string(m[1]))
	}
	return titles
}
