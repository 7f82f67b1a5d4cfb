package promexport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

func newTest(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	return New(reg, Options{
		Version: "0.1.0", Revision: "abc", Networks: []string{"x", "okta"},
		PollOutcomes: []string{"ok", "error"}, DropReasons: []string{"duplicate"},
		IntakeSources: []string{"webhook"}, IntakeReasons: []string{"invalid"}, APIReasons: []string{"unauthorized"}, JournalFaults: []string{"no_room"},
		Now: start,
	}), reg
}

func testRule(name string, level rules.Level) *rules.Rule {
	return &rules.Rule{ID: "id-" + name, Name: name, Level: level, Mode: rules.Enforce}
}

// exercise makes every metric appear.
func exercise(m *Metrics) {
	m.SetCollectors(map[string]Collectors{"x": {OldestSuccess: start(), Accounts: map[string]int{"complete": 2}, Sight: map[Sight]int{SightOK: 2}}})
	m.SetCredentials(map[string]Credential{"main": {Requests: 180, RequestLimit: 900, Spent: 12.5, DollarLimit: 50, Units: 9400, UnitLimit: 10000, UsedUp: start().Add(time.Hour)}})
	m.SetDisk(5<<30, 1<<30)
	m.RulesLoaded([]*rules.Rule{testRule("burst", rules.High)}, 0)
	m.Sampled(61)
	m.Cost(testRule("burst", rules.High), time.Millisecond, 10, 2)
	m.OverBudget(0, testRule("burst", rules.High), true)
	m.Progress(0, 10, 3, start().Add(-2*time.Second))
	m.Checkpointed(0, 4096, 20*time.Millisecond)
	m.Reloaded(true)
	m.SetGeoFiles(map[string]bool{"city": true})
	m.Awaited(0, time.Second)
	m.Learned(0, "burst", 3, 4)
	m.Remembered(0, 7, 7000)
	learns := testRule("learns", rules.Medium)
	learns.Type, learns.Params = rules.TypeProfile, rules.Params{"budget": .5}
	m.RulesLoaded([]*rules.Rule{testRule("burst", rules.High), learns}, 0)
	m.SetBudgetUsed(map[*rules.Rule]float64{learns: .25})
	m.Receivers([]string{"on_call"})
	m.Up("on_call", true)
}

func TestLint(t *testing.T) {
	m, reg := newTest(t)
	exercise(m)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	// In OpenMetrics a counter's family has no _total: it must not meet a gauge.
	names := map[string]string{}
	for _, f := range got {
		if !strings.HasPrefix(f.GetName(), namespace) { // the Go collector's own do meet
			continue
		}
		base := strings.TrimSuffix(f.GetName(), "_total")
		if first, ok := names[base]; ok {
			t.Errorf("%s and %s are one family in OpenMetrics", first, f.GetName())
		}
		names[base] = f.GetName()
	}
}

func TestZeroFromTheStart(t *testing.T) {
	m, reg := newTest(t)
	m.RulesLoaded([]*rules.Rule{
		testRule("burst", rules.High), testRule("", rules.Low),
		{ID: "silent", Silent: true, Mode: rules.Enforce},
		{ID: "off", Mode: rules.Off},
	}, 1)
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP picket_alert_publications_failed_total Revisions of alerts that an attempt to publish them on NATS failed for; they are tried again.
# TYPE picket_alert_publications_failed_total counter
picket_alert_publications_failed_total 0
# HELP picket_alerts_raised_total Alerts raised, by rule and level, also by rules that only observe.
# TYPE picket_alerts_raised_total counter
picket_alerts_raised_total{level="high",rule="burst"} 0
picket_alerts_raised_total{level="low",rule="id-"} 0
# HELP picket_dropped_activities_total Polled items that were not journaled, by reason.
# TYPE picket_dropped_activities_total counter
picket_dropped_activities_total{network="okta",reason="duplicate"} 0
picket_dropped_activities_total{network="x",reason="duplicate"} 0
# HELP picket_findings_total Findings of the detector.
# TYPE picket_findings_total counter
picket_findings_total{rule="burst"} 0
picket_findings_total{rule="id-"} 0
# HELP picket_intake_refused_total Pushed items or whole bodies that were refused, by reason.
# TYPE picket_intake_refused_total counter
picket_intake_refused_total{reason="invalid",source="webhook"} 0
# HELP picket_rules Rules of the newest rule set, by whether they could be loaded.
# TYPE picket_rules gauge
picket_rules{state="failed"} 1
picket_rules{state="loaded"} 4
`), "picket_alerts_raised_total", "picket_dropped_activities_total", "picket_findings_total",
		"picket_intake_refused_total", "picket_alert_publications_failed_total", "picket_rules")
	if err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(m.open); n != 10 {
		t.Errorf("%d series of open alerts, want 5 levels by 2 states", n)
	}
}

func TestCounting(t *testing.T) {
	m, reg := newTest(t)
	exercise(m)
	opened := &alerting.Alert{ID: "3fa29c51", Change: alerting.ChangeOpened, Rule: alerting.Rule{Name: "burst", Level: rules.High}}
	m.Revised(opened)
	m.Revised(&alerting.Alert{ID: "3fa29c51", Change: alerting.ChangeUpdated, Rule: opened.Rule})
	m.Revised(&alerting.Alert{ID: strings.Repeat("f", 200), Change: alerting.ChangeOpened, Rule: opened.Rule})
	m.Published(opened, start())
	m.PublishFailed(3)
	m.Conflicted()
	m.Finding(testRule("burst", rules.High))
	m.Polled("x", "ok", time.Second, -time.Second)
	m.Collected("x", 7)
	m.Dropped("x", "duplicate", 2)
	m.IntakeAccepted("webhook", 5)
	m.IntakeRefused("webhook", "invalid", 1)
	m.APIRefused("unauthorized")
	m.JournalAppended(7, 900)
	m.JournalRefused("no_room", 4)
	m.JournalFenced()
	m.Damaged(0)
	m.Late(0, 2)
	m.Evicted(0, detector.Evicted{Accounts: 3, Groups: 5, Values: 8})
	m.Reloaded(false)
	m.CountAlerts(func() []alerting.Count {
		return []alerting.Count{{Level: rules.High, State: alerting.Firing, N: 3}, {Level: "urgent", State: alerting.Firing, N: 1}}
	})
	want := map[string]float64{
		`picket_alerts_raised_total{high,burst}`:                2,
		`picket_alert_revisions_total{opened}`:                  2,
		`picket_alert_revisions_total{updated}`:                 1,
		`picket_alert_publications_total{}`:                     1,
		`picket_alert_publications_failed_total{}`:              3,
		`picket_alert_conflicts_total{}`:                        1,
		`picket_findings_total{burst}`:                          1,
		`picket_polls_total{x,ok}`:                              1,
		`picket_collected_activities_total{x}`:                  7,
		`picket_dropped_activities_total{x,duplicate}`:          2,
		`picket_intake_accepted_activities_total{webhook}`:      5,
		`picket_alert_api_refused_requests_total{unauthorized}`: 1,
		`picket_intake_refused_total{invalid,webhook}`:          1,
		`picket_journal_appended_activities_total{}`:            7,
		`picket_journal_appended_bytes_total{}`:                 900,
		`picket_journal_appended_messages_total{}`:              1,
		`picket_journal_refused_activities_total{no_room}`:      4,
		`picket_journal_fenced_total{}`:                         1,
		`picket_detector_damaged_messages_total{0}`:             1,
		`picket_detector_late_activities_total{0}`:              2,
		`picket_detector_evicted_accounts_total{0}`:             3,
		`picket_detector_evicted_groups_total{0}`:               5,
		`picket_detector_evicted_values_total{0}`:               8,
		`picket_config_reloads_total{success}`:                  1,
		`picket_config_reloads_total{failure}`:                  1,
		`picket_config_last_reload_successful{}`:                0,
		`picket_config_last_reload_success_timestamp_seconds{}`: 1773454320,
		`picket_alerts_open{high,firing}`:                       3,
		`picket_alerts_open{other,firing}`:                      1,
		`picket_alerts_open{low,acknowledged}`:                  0,
		`picket_detector_lag_messages{0}`:                       3,
		`picket_detector_lag_seconds{0}`:                        2,
		`picket_detector_sequence{0}`:                           10,
		`picket_snapshot_age_seconds{0}`:                        0,
		`picket_snapshot_size_bytes{0}`:                         4096,
		`picket_collector_last_success_timestamp_seconds{x}`:    1773454320,
		`picket_accounts{x,complete}`:                           2,
		`picket_api_quota_remaining_requests{main}`:             180,
	}
	got := values(t, reg)
	for name, v := range want {
		if have, ok := got[name]; !ok || have != v {
			t.Errorf("%s = %v (present: %t), want %v", name, have, ok, v)
		}
	}
}

// values returns counters and gauges by "name{label values}".
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			out[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}

func TestLatencyIsSplit(t *testing.T) {
	m, reg := newTest(t)
	m.Latency("x", 2*time.Second, 0, 4*time.Millisecond)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]uint64{}
	for _, f := range families {
		if f.GetName() != "picket_activity_alert_latency_seconds" {
			continue
		}
		for _, s := range f.GetMetric() {
			h := s.GetHistogram()
			if s.GetLabel()[0].GetValue() == "x" {
				seen[s.GetLabel()[1].GetValue()] = h.GetSampleCount()
			}
			if len(h.GetBucket()) != 15 || h.Schema == nil {
				t.Errorf("histogram has %d classic buckets and native schema %v", len(h.GetBucket()), h.Schema)
			}
		}
	}
	if diff := cmp.Diff(map[string]uint64{"network": 1, "poll": 0, "picket": 1}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestHostileLabelsAreBounded(t *testing.T) {
	m, reg := newTest(t)
	credentials := map[string]Credential{}
	for i := range 3000 {
		m.Finding(&rules.Rule{ID: fmt.Sprint("rule ", i)})
		m.Polled(fmt.Sprint("network ", i), fmt.Sprint("outcome ", i), 0, 0)
		credentials[fmt.Sprint("credential ", i)] = Credential{Requests: i, RequestLimit: 9000}
		m.IntakeRefused(fmt.Sprint("source ", i), fmt.Sprint("reason ", i), 1)
	}
	m.SetCredentials(credentials)
	m.Finding(&rules.Rule{ID: "\xff\xfe" + strings.Repeat("ü", 500)})
	m.Collected("", 1)
	series := map[string]int{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		series[f.GetName()] = len(f.GetMetric())
	}
	for name, most := range map[string]int{
		"picket_findings_total": maxRules + 1, "picket_poll_duration_seconds": maxNetworks + 1,
		"picket_polls_total": 5 + 3*maxNetworks, "picket_api_quota_remaining_requests": maxOther + 1,
		"picket_intake_refused_total": 2 + 3*maxReasons,
	} {
		if series[name] < 2 || series[name] > most {
			t.Errorf("%s has %d series, want at most %d", name, series[name], most)
		}
	}
	got := values(t, reg)
	if got["picket_findings_total{other}"] != 3001-maxRules {
		t.Errorf("%v findings of other rules, want %d", got["picket_findings_total{other}"], 3001-maxRules)
	}
}

func TestReloadingRulesMakesRoom(t *testing.T) {
	m, reg := newTest(t)
	m.RulesLoaded([]*rules.Rule{testRule("old", rules.High), testRule("stays", rules.Low)}, 0)
	m.Finding(testRule("stays", rules.Low))
	m.RulesLoaded([]*rules.Rule{testRule("stays", rules.Low), testRule("new", rules.Low)}, 0)
	m.RulesFailed(2)
	got := values(t, reg)
	if _, there := got["picket_findings_total{old}"]; there {
		t.Error("a rule that is gone is still exported")
	}
	if got["picket_findings_total{stays}"] != 1 || got["picket_rules{failed}"] != 2 || got["picket_rules{loaded}"] != 2 {
		t.Errorf("stays %v, failed %v, loaded %v", got["picket_findings_total{stays}"], got["picket_rules{failed}"], got["picket_rules{loaded}"])
	}
	if _, there := got["picket_findings_total{new}"]; !there {
		t.Error("a new rule is not exported as zero")
	}
}

func TestLagGrowsWhileNothingIsRead(t *testing.T) {
	now := start()
	reg := prometheus.NewRegistry()
	m := New(reg, Options{Now: func() time.Time { return now }})
	m.Progress(3, 1, 0, now)
	m.Checkpointed(3, 1, time.Millisecond)
	now = now.Add(time.Minute)
	got := values(t, reg)
	if got["picket_detector_lag_seconds{3}"] != 60 || got["picket_snapshot_age_seconds{3}"] != 60 {
		t.Errorf("lag %v, age %v, want 60 and 60", got["picket_detector_lag_seconds{3}"], got["picket_snapshot_age_seconds{3}"])
	}
	m.Unchanged(3)
	if age := values(t, reg)["picket_snapshot_age_seconds{3}"]; age != 0 {
		t.Errorf("a memory that nothing changed is %v s old", age)
	}
	m.Unchanged(4) // of which nothing is known: it has no age
	if _, there := values(t, reg)["picket_snapshot_age_seconds{4}"]; there {
		t.Error("a partition that is not read has a snapshot")
	}
	m.Release(3)
	if _, there := values(t, reg)["picket_detector_lag_seconds{3}"]; there {
		t.Error("a partition that was given up is still exported")
	}
}
