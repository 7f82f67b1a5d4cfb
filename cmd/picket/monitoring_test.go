package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestMonitoring holds what operators get, under deploy/monitoring, against a
// real Prometheus that scrapes a running Picket.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	needs(t, "prometheus", "promtool")
	t.Run("promtool", func(t *testing.T) {
		t.Parallel()
		for _, args := range [][]string{
			{"check", "rules", "picket.rules.yml"}, {"test", "rules", "picket.rules_test.yml"}, {"check", "config", "prometheus.yml"},
		} {
			cmd := exec.Command("promtool", args...)
			cmd.Dir = monitoring
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		}
	})
	t.Run("fresh", func(t *testing.T) {
		t.Parallel()
		freshStart(t)
	})
	t.Run("at work", func(t *testing.T) {
		t.Parallel()
		atWork(t)
	})
}

// needs skips a test where commands are missing, which continuous integration
// must not.
func needs(t *testing.T, commands ...string) {
	t.Helper()
	for _, name := range commands {
		_, err := exec.LookPath(name)
		switch {
		case err == nil:
		case os.Getenv("CI") == "true":
			t.Fatalf("%v: install Debian's package prometheus", err)
		default:
			t.Skipf("%v: install Debian's package prometheus to run this test", err)
		}
	}
}

// freshStart holds that a Picket with hardly anything to watch shows zeros, and
// nothing without data.
func freshStart(t *testing.T) {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.write(t, "picket.yaml", "data_dir: ./data\n"+embedded+"\nhttp: {listen: 127.0.0.1:0}\naccounts: [{account: x/acme}]\n")
	s.start(t)
	p := s.prometheus(t)
	d, _ := readDashboard(t)
	filled := []string{ // whatever is 0 on a fresh start but these
		"Daemons", "Coverage by rule", "Coverage", "Detector behind the log", "Rules", "Age of the checkpoint", "Disk", "Memory", "Processor",
	}
	for _, q := range d.queries() {
		for _, v := range p.data(t, q) {
			if v.value != 0 && !slices.Contains(filled, q.panel) {
				t.Errorf("%s shows %v %v on a fresh start, want 0", q.panel, v.value, v.labels)
			}
		}
	}
}

// atWork holds that every panel and every alert has data of a Picket with
// accounts, a budget and alerts, and that some panels show what is known of it.
func atWork(t *testing.T) {
	t.Helper()
	s := newSite(t, embedded)
	config, err := os.ReadFile(filepath.Join(s.dir, "picket.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "picket.yaml", strings.Replace(string(config), "{file: ./bearer}}", "{file: ./bearer}, budget_usd_per_month: 1000}", 1)+
		"sources: [{name: demo, collector: simulate, accounts: 4, seed: 7, every: 500ms}]\n")
	s.start(t)
	p := s.prometheus(t)
	p.await(t, `sum(picket_account_sight{sight="ok"})`, func(v sample) bool { return v.value == 4 })
	s.admin(t, "profiles", `{"account": "club", "set": {"name": "Official gifts"}}`)

	d, _ := readDashboard(t)
	queries := d.queries()
	for _, row := range []struct {
		panel, ref string
		want       func(sample) bool
	}{
		{"Daemons", "A", func(v sample) bool { return v.value == 1 }},
		{"Accounts and feeds", "A", func(v sample) bool { return v.value == 4 }},
		{"Accounts and feeds", "D", func(v sample) bool { return v.value == 0 }},
		{"Accounts and feeds", "E", func(v sample) bool { return v.value >= 1 }},
		{"Oldest last success", "A", func(v sample) bool { return v.value > 0 && v.value < patience.Seconds() }},
		{"Open alerts", "A", func(v sample) bool { return v.labels["level"] == "high" && v.value >= 1 }},
		{"Alerts raised, 1 h", "A", func(v sample) bool { return v.labels["rule"] == "profile_changed" && v.value > 0 }},
		{"Delay of alerts, 95th percentile", "A", func(v sample) bool { return v.labels["stage"] == "picket" && v.value > 0 }},
		{"Requests left", "A", func(v sample) bool { return v.labels["credential"] == "acme-x" && v.value > 0 }},
		{"Dollars left this month", "A", func(v sample) bool {
			return v.labels["credential"] == "acme-x" && v.value > 900 && v.value < 1000
		}},
		{"Coverage by rule", "A", func(v sample) bool {
			return v.labels["rule"] == "profile_changed" && v.labels["state"] == "active" && v.value == 7
		}},
		{"Rules", "A", func(v sample) bool { return v.labels["state"] == "loaded" && v.value > 5 }},
		{"Disk", "A", func(v sample) bool { return v.value > 1<<20 }},
	} {
		i := slices.IndexFunc(queries, func(q query) bool { return q.panel == row.panel && q.ref == row.ref })
		if i < 0 {
			t.Fatalf("no panel %q with target %s", row.panel, row.ref)
		}
		p.await(t, queries[i].expr, row.want)
	}
	for _, q := range queries {
		got := p.data(t, q)
		if len(got) > 1 && slices.ContainsFunc(got, func(v sample) bool { return len(v.labels) == 0 }) {
			t.Errorf("%s %s shows a zero beside its data: %v", q.panel, q.ref, got)
		}
	}
	for _, r := range readAlertRules(t) {
		p.data(t, query{"alert " + r.Alert, "", visible(r.Expr)})
	}
	p.evaluated(t)
}

// visible makes an alert's expression give its data whether it fires or not.
func visible(expr string) string {
	expr = regexp.MustCompile(`\babsent\(([^()]*)\)`).ReplaceAllString(expr, "$1")
	return regexp.MustCompile(`\s(<=|>=|==|!=|<|>)\s`).ReplaceAllString(expr, " $1 bool ")
}

// prometheus is a running Prometheus.
type prometheus struct {
	url     string
	process *process
}

// prometheus starts one as deploy/monitoring says, but for its intervals, and
// waits until it has scraped the site's daemon.
func (s *site) prometheus(t *testing.T) *prometheus {
	t.Helper()
	for _, name := range []string{"prometheus.yml", "picket.rules.yml"} {
		text, err := os.ReadFile(filepath.Join(monitoring, name))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, strings.NewReplacer("127.0.0.1:9465", strings.TrimPrefix(s.http, "http://"), "scrape_interval: 15s", "scrape_interval: 1s").Replace(string(text)))
	}
	config, err := os.OpenFile(filepath.Join(s.dir, "prometheus.yml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.WriteString("\nglobal: {evaluation_interval: 1s}\n")
	if closing := config.Close(); err != nil || closing != nil {
		t.Fatal(err, closing)
	}
	p := &prometheus{process: s.run(t, "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=prometheus-data", "--web.listen-address=127.0.0.1:0")}
	listening := regexp.MustCompile(`Listening on.*address=(\S+)`)
	if err := poll(func() error {
		log, err := os.ReadFile(p.process.errOut)
		if err != nil {
			return err
		}
		at := listening.FindSubmatch(log)
		switch {
		case at != nil:
			p.url = "http://" + string(at[1])
			return nil
		case p.process.ended():
			return final{fmt.Errorf("prometheus ended: %s", log)}
		}
		return fmt.Errorf("prometheus does not say where it listens: %s", log)
	}); err != nil {
		t.Fatal(err)
	}
	p.await(t, `up{job="picket"}`, func(v sample) bool { return v.value == 1 })
	return p
}

// sample is one series of an answer.
type sample struct {
	labels map[string]string
	value  float64
}

// ask evaluates an expression now.
func (p *prometheus) ask(expr string) ([]sample, error) {
	body, err := get(p.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("%w: %s", err, body) // it may be starting
	}
	if answer.Status != "success" {
		return nil, final{fmt.Errorf("%s: %s", expr, answer.Error)}
	}
	var out []sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, final{fmt.Errorf("%s: value %v", expr, r.Value)}
		}
		out = append(out, sample{r.Metric, v})
	}
	return out, nil
}

// data waits until an expression gives data, and returns it. NaN is none.
func (p *prometheus) data(t *testing.T, q query) []sample {
	t.Helper()
	var got []sample
	if err := poll(func() (err error) {
		if got, err = p.ask(q.expr); err != nil {
			return err
		}
		if len(got) == 0 || slices.ContainsFunc(got, func(v sample) bool { return math.IsNaN(v.value) }) {
			return fmt.Errorf("no data: %v", got)
		}
		return nil
	}); err != nil {
		t.Errorf("%s %s: %v\n%s", q.panel, q.ref, err, q.expr)
	}
	return got
}

// await waits until an expression gives some series as wanted.
func (p *prometheus) await(t *testing.T, expr string, want func(sample) bool) {
	t.Helper()
	if err := poll(func() error {
		got, err := p.ask(expr)
		if err == nil && !slices.ContainsFunc(got, want) {
			err = fmt.Errorf("%s gives %v", expr, got)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// evaluated waits until Prometheus has evaluated every rule, and tells of those
// that it could not.
func (p *prometheus) evaluated(t *testing.T) {
	t.Helper()
	want := len(readAlertRules(t))
	if err := poll(func() error {
		body, err := get(p.url + "/api/v1/rules")
		if err != nil {
			return err
		}
		var answer struct {
			Data struct {
				Groups []struct {
					Rules []struct{ Name, Health, LastError string }
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err
		}
		well := 0
		for _, g := range answer.Data.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" {
					return final{fmt.Errorf("rule %s: %s", r.Name, r.LastError)}
				}
				if r.Health == "ok" {
					well++
				}
			}
		}
		if well != want {
			return fmt.Errorf("%d of %d rules evaluated", well, want)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
