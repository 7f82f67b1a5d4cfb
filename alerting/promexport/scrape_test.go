package promexport

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/delivery"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// hostile makes distinct values that no label should hold as they are.
func hostile(i int) string {
	switch i % 4 {
	case 0:
		return fmt.Sprintf("\x00\x1b[31m%d\r\n\u0085\"} 1", i)
	case 1:
		return fmt.Sprint(i, strings.Repeat("long ", 2000)) // 10 kB
	case 2:
		return fmt.Sprintf("\xff\xfe%d\xc3\x28", i)
	default:
		return fmt.Sprintf("{__name__=\"up\",x=~\".*\"} %d \u202e", i)
	}
}

// assault feeds values from..to to everything that takes one.
func assault(m *Metrics, from, to int) {
	credentials, networks := map[string]Credential{}, map[string]Collectors{}
	geo, spent, counts := map[string]bool{}, map[*rules.Rule]float64{}, []alerting.Count{}
	var loaded []*rules.Rule
	var said []alerting.RuleVerdicts
	var tally CoverageTally
	for i := from; i < to; i++ {
		v := hostile(i)
		r := &rules.Rule{ID: "id" + v, Name: v, Level: rules.Level(v), Mode: rules.Enforce, Type: rules.TypeProfile, Params: rules.Params{"budget": 1}}
		loaded, said = append(loaded, r), append(said, alerting.RuleVerdicts{Rule: v, Tally: alerting.Tally{True: 1}})
		credentials[v] = Credential{Requests: 1, RequestLimit: 2, Spent: 1, DollarLimit: 2}
		networks[v] = Collectors{OldestSuccess: start(), Accounts: map[string]int{v: 1}, Sight: map[Sight]int{SightOK: 1, "odd": 1}}
		counts = append(counts, alerting.Count{Level: rules.Level(v), State: alerting.State(v), N: 1})
		geo[v], spent[r] = true, 1
		tally.Add([]detector.Coverage{{Rule: r, State: detector.CoverageState(v)}, {Rule: r, State: detector.CoverageActive}})
		m.Incidents([]dispatch.Count{{State: alerting.State(v), Level: rules.Level(v), N: 1}})
		m.Withheld(map[dispatch.Reason]int{dispatch.Reason(v): 1})
		m.Held(dispatch.Reason(v))
		m.Decided(notify.Kind(v), alerting.Urgency(v))
		m.SetSilences(map[silence.State]int{silence.State(v): 1})
		m.DamagedDocument(v)
		m.Finding(r)
		m.Cost(r, time.Second, 1, 1)
		m.OverBudget(0, r, true)
		m.Learned(0, v, 1, 1)
		m.Latency(v, time.Second, time.Second, time.Second)
		m.Polled(v, v, 0, 0)
		m.Collected(v, 1)
		m.Dropped(v, v, 1)
		m.IntakeAccepted(v, 1)
		m.IntakeRefused(v, v, 1)
		m.APIRefused(v)
		m.JournalRefused(v, 1)
		m.Told(v, delivery.Delivered, time.Second)
		m.Told(v, delivery.Dead, time.Second)
		m.Told(v, delivery.Outcome(v), time.Second)
		m.Pending(v, 1)
		m.Up(v, true)
		m.Handled(alerting.Handling{Step: alerting.Step(v), Level: rules.Level(v)})
		m.Handled(alerting.Handling{Step: alerting.StepResolved, Level: rules.Level(v)})
		for _, held := range []string{"", v} {
			m.Revised(&alerting.Alert{ID: v, Change: alerting.ChangeOpened, Held: held, Rule: alerting.Rule{ID: v, Name: v, Level: rules.Level(v)}})
		}
		m.Revised(&alerting.Alert{ID: v, Change: alerting.Change(v)})
	}
	m.SetCollectors(networks)
	m.SetCredentials(credentials)
	m.SetGeoFiles(geo)
	m.RulesLoaded(loaded, 0)
	m.SetBudgetUsed(spent)
	m.CountAlerts(func() []alerting.Count { return counts })
	m.CountVerdicts(func() []alerting.RuleVerdicts { return said })
	m.SetCoverage(0, &tally)
}

// TestSeriesAreBounded: whatever rules, networks, outcomes and the rest are
// called, and however many there are, there are no more series than this.
func TestSeriesAreBounded(t *testing.T) {
	m, reg := newTest(t)
	exercise(m)
	assault(m, 0, maxRules+100)
	first := hostileSeries(t, reg)
	assault(m, maxRules+100, 2*maxRules+200)
	for name, n := range hostileSeries(t, reg) {
		// Most are of coverage: five states of each rule that has a label, and of
		// all others together.
		if n > first[name] || n > 5*(maxRules+1) {
			t.Errorf("%s has %d series, after half as many names %d", name, n, first[name])
		}
	}
}

// hostileSeries counts the series of each metric and looks at their labels.
func hostileSeries(t *testing.T, reg *prometheus.Registry) map[string]int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, f := range families {
		n[f.GetName()] = len(f.GetMetric())
		for _, s := range f.GetMetric() {
			for _, l := range s.GetLabel() {
				if v := l.GetValue(); len(v) > maxLabel || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) || v == "" {
					t.Fatalf("%s has a label %s=%q", f.GetName(), l.GetName(), v)
				}
			}
		}
	}
	return n
}

// large is a daemon that watches 10,000 accounts by 60 rules that all learn.
func large(reg *prometheus.Registry) *Metrics {
	const accounts, count = 10_000, 60
	networks := []string{"x", "mastodon", "okta", "file", "bluesky"}
	m := New(reg, Options{
		Networks: networks, PollOutcomes: []string{"ok", "error", "limited", "forbidden", "gap", "lost"}, DropReasons: []string{"duplicate", "old", "invalid", "unguarded"},
		IntakeSources: []string{"webhook", "nats"}, IntakeReasons: []string{"invalid", "form", "unknown", "too_large"}, JournalFaults: []string{"no_room", "invalid", "journal"}, Now: start,
	})
	exercise(m)
	var loaded []*rules.Rule
	for i := range count {
		r := testRule(fmt.Sprint("a_rule_with_a_long_name_", i), rules.High)
		r.Type, r.Params = rules.TypeProfile, rules.Params{"budget": .1}
		loaded = append(loaded, r)
	}
	m.RulesLoaded(loaded, 0)
	for p := range 4 {
		var tally CoverageTally
		covered := make([]detector.Coverage, count)
		for range accounts / 4 {
			for i, r := range loaded {
				covered[i] = detector.Coverage{Rule: r, State: coverageStates()[i%4]}
			}
			tally.Add(covered)
		}
		m.SetCoverage(p, &tally)
		m.Progress(p, 1_000_000, 3, start())
		m.Checkpointed(p, 1<<20, time.Second)
		m.Remembered(p, accounts/4, 1<<20)
		for _, r := range loaded {
			m.Learned(p, r.Name, 1000, 1500)
		}
	}
	credentials, collectors, spent := map[string]Credential{}, map[string]Collectors{}, map[*rules.Rule]float64{}
	for i := range 50 {
		credentials[fmt.Sprint("credential-", i)] = Credential{Requests: 10, RequestLimit: 900, Spent: 1, DollarLimit: 100}
	}
	for _, r := range loaded {
		m.Cost(r, time.Millisecond, 1000, 10)
		spent[r] = .123
	}
	for i, network := range networks {
		collectors[network] = Collectors{OldestSuccess: start(), Accounts: map[string]int{"complete": accounts / 5, "failing": 1}, Sight: map[Sight]int{SightOK: accounts / 5}}
		for spread := range 500 {
			took := time.Duration(spread*spread*(i+1)) * time.Millisecond // fills native buckets
			m.Polled(network, "ok", took, took)
			m.Latency(network, took, took, took)
		}
	}
	m.SetCredentials(credentials)
	m.SetCollectors(collectors)
	m.SetBudgetUsed(spent)
	return m
}

// scrape fetches metrics as Prometheus does without a proxy, uncompressed.
func scrape(tb testing.TB, h http.Handler) int {
	tb.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	r.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	n, err := io.Copy(io.Discard, w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		tb.Fatalf("%d: %v", w.Code, err)
	}
	return int(n)
}

// TestScrapeIsSmall: accounts cost no series.
func TestScrapeIsSmall(t *testing.T) {
	if n := scrape(t, large(prometheus.NewRegistry()).Handler()); n > 1<<20 {
		t.Errorf("a scrape of 10,000 accounts and 60 rules takes %d bytes, more than 1 MiB", n)
	}
}

// BenchmarkScrape tells the time and the bytes of a scrape of a daemon that
// watches 10,000 accounts by 60 rules.
func BenchmarkScrape(b *testing.B) {
	h := large(prometheus.NewRegistry()).Handler()
	size := 0
	for b.Loop() {
		size = scrape(b, h)
	}
	b.ReportMetric(float64(size), "bytes/scrape")
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/scrape")
}
