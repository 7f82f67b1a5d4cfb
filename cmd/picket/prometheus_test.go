package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

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

// asWritten leaves rules as they are.
func asWritten(rules string) string { return rules }

// prometheus starts one as deploy/monitoring says, but for its intervals and
// what becomes of its rules, and waits until it has scraped the site's daemon.
func (s *site) prometheus(t *testing.T, rules func(string) string) *prometheus {
	t.Helper()
	for _, name := range []string{"prometheus.yml", "picket.rules.yml"} {
		text, err := os.ReadFile(filepath.Join(monitoring, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "picket.rules.yml" {
			text = []byte(rules(string(text)))
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
	return p.query("/api/v1/query?query="+url.QueryEscape(expr), expr)
}

// happened waits until an expression has been true at some moment of the last
// minutes, as Grafana asks for marks.
func (p *prometheus) happened(t *testing.T, name, expr string) {
	t.Helper()
	if err := poll(func() error {
		now := time.Now()
		got, err := p.query(fmt.Sprintf("/api/v1/query_range?query=%s&start=%d&end=%d&step=1", url.QueryEscape(expr), now.Add(-5*time.Minute).Unix(), now.Unix()), expr)
		if err == nil && len(got) == 0 {
			err = fmt.Errorf("nothing has happened: %s", expr)
		}
		return err
	}); err != nil {
		t.Errorf("mark %q: %v", name, err)
	}
}

// query asks for a path of Prometheus' API. Of a range it returns the last value
// of each series.
func (p *prometheus) query(path, expr string) ([]sample, error) {
	body, err := get(p.url + path)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
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
		if n := len(r.Values); n > 0 {
			r.Value = r.Values[n-1]
		}
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
		t.Errorf("%s, %s %s: %v\n%s", q.board, q.panel, q.ref, err, q.expr)
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
	var file struct {
		Groups []struct{ Rules []alertRule }
	}
	readYAML(t, "picket.rules.yml", &file)
	want := 0
	for _, g := range file.Groups {
		want += len(g.Rules)
	}
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
