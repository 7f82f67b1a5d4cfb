package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

// TestMonitoring holds what operators get, under deploy/monitoring, against a
// real Prometheus that scrapes a running Picket.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	needs(t, "prometheus", "promtool")
	t.Run("promtool", func(t *testing.T) {
		t.Parallel()
		for _, args := range [][]string{
			{"check", "rules", "--lint=all", "--lint-fatal", "picket.rules.yml"}, {"test", "rules", "picket.rules_test.yml"}, {"check", "config", "prometheus.yml"},
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
// nothing without data but what says why.
func freshStart(t *testing.T) {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.write(t, "picket.yaml", "data_dir: ./data\n"+embedded+"\nhttp: {listen: 127.0.0.1:0}\naccounts: [{account: x/acme}]\n")
	s.start(t)
	wellFormed(t, s)
	p := s.prometheus(t, asWritten)
	filled := []string{ // whatever is 0 on a fresh start but these
		"Daemons", "Without a source", "Coverage by rule", "Coverage", "Detector behind the log", "Messages read", "Rules",
		"Age of the snapshot", "Size of the snapshot", "Duration of snapshots, 95th percentile", "Disk", "Memory", "Processor",
	}
	for _, q := range queries(t) {
		if q.mayBeEmpty {
			if _, err := p.ask(q.expr); err != nil {
				t.Errorf("%s, %s %s: %v", q.board, q.panel, q.ref, err)
			}
			continue
		}
		for _, v := range p.data(t, q) {
			if v.value != 0 && !slices.Contains(filled, q.panel) {
				t.Errorf("%s, %s shows %v %v on a fresh start, want 0", q.board, q.panel, v.value, v.labels)
			}
		}
	}
}

// wellFormed holds what the daemon serves to what promtool asks of metrics.
func wellFormed(t *testing.T, s *site) {
	t.Helper()
	body, err := get(s.http + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// configure changes the site's configuration: each pair is what to find and what
// to put in its place.
func (s *site) configure(t *testing.T, pairs ...string) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(s.dir, "picket.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q:\n%s", pairs[i], text)
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	s.write(t, "picket.yaml", text)
}

const demo = "\nsources: [{name: demo, collector: simulate, accounts: 4, seed: 7, every: 500ms}]\n"

// atWork holds that every panel, every mark and every alert has data of a Picket
// with accounts, budgets, alerts and verdicts, and that some panels show what is
// known of it.
func atWork(t *testing.T) {
	t.Helper()
	s := newSite(t, embedded)
	channel := s.watchChannel(t)
	s.configure(t, "{file: ./bearer}}", "{file: ./bearer}, budget_usd_per_month: 1000}", "\nintake:", demo+s.receiver(t)+"budget: 1 per account per month\ndetector: {checkpoint: 2s}\nintake:")
	s.start(t)
	p := s.prometheus(t, asWritten)
	p.await(t, `sum(picket_account_sight{sight="ok"})`, func(v sample) bool { return v.value == 5 })
	s.admin(t, "profiles", `{"account": "club", "set": {"name": "Official gifts"}}`)
	p.await(t, `picket_alerts_raised_total{rule="profile_changed"}`, func(v sample) bool { return v.value > 0 })
	s.configure(t, "level: debug", "level: info")

	all := queries(t)
	p.shows(t, all, channel)
	s.judge(t, p)
	s.picket(t, "receivers", "test", "siren")
	for _, d := range readDashboards(t) {
		for _, a := range d.Annotations.List {
			if !strings.Contains(a.Expr, "ALERTS") { // nothing is wrong with this Picket; see faults
				p.happened(t, a.Name, filled(a.Expr))
			}
		}
	}
	for _, q := range all {
		got := p.data(t, q)
		if len(got) > 1 && slices.ContainsFunc(got, func(v sample) bool { return len(v.labels) == 0 }) {
			t.Errorf("%s, %s %s shows a zero beside its data: %v", q.board, q.panel, q.ref, got)
		}
	}
	for _, r := range readAlertRules(t) {
		// Those whose metric is there only with a geo file, a slow rule, or matches
		// that wait.
		if !slices.Contains([]string{"PicketGeoFileUnused", "PicketRuleOverBudget", "PicketSecondStageStuck"}, r.Alert) {
			p.data(t, query{board: "alert " + r.Alert, expr: visible(r.Expr)})
		}
	}
	p.evaluated(t)
	wellFormed(t, s)
}

// watchChannel has the site watch a channel of a fake YouTube, the one network of
// the site that counts units. The channel's history takes so much of the hour's
// requests that they look like coming to an end before the hour does, while the
// polls after it leave enough for longer than a test goes on.
func (s *site) watchChannel(t *testing.T) *youtubetest.Server {
	t.Helper()
	const key, history = "key-of-the-fake-channel", 500
	channel := youtubetest.New(youtubetest.Options{Key: key, Units: unitsADay})
	for i := range history {
		channel.Upload(youtubetest.Video{Title: fmt.Sprint("How we made anvil ", i), At: time.Now().AddDate(0, 0, i-history)})
	}
	web := httptest.NewServer(channel)
	t.Cleanup(web.Close)
	s.write(t, "youtube-key", key)
	s.configure(t,
		"\naccounts:\n", fmt.Sprintf("\n  acme-youtube: {collector: youtube, base_url: %q, api_key: {file: ./youtube-key}, units: %d, requests: {limit: 80, per: 1h}}\naccounts:\n", web.URL, unitsADay),
		"\nintake:", fmt.Sprintf("\n  - {account: youtube/acme, credential: acme-youtube, every: 30s, watch: 50, backfill: %d}\nintake:", history))
	return channel
}

// unitsADay is what the fake YouTube grants.
const unitsADay = 5000

// shows holds that panels show what is known of the site.
func (p *prometheus) shows(t *testing.T, all []query, channel *youtubetest.Server) {
	t.Helper()
	for _, row := range []struct {
		board, panel, ref string
		want              func(sample) bool
	}{
		{"picket-overview", "Daemons", "A", func(v sample) bool { return v.value == 1 }},
		{"picket-overview", "Accounts and feeds", "A", func(v sample) bool { return v.value == 5 }},
		{"picket-overview", "Accounts and feeds", "D", func(v sample) bool { return v.value == 0 }},
		{"picket-overview", "Rules that still learn", "A", func(v sample) bool { return v.value >= 1 }},
		{"picket-overview", "Oldest last success", "A", func(v sample) bool { return v.value > 0 && v.value < patience.Seconds() }},
		{"picket-overview", "Open alerts", "A", func(v sample) bool { return v.labels["level"] == "high" && v.value >= 1 }},
		{"picket-overview", "Alerts raised, 1 h", "A", func(v sample) bool { return v.labels["rule"] == "profile_changed" && v.value > 0 }},
		{"picket-overview", "Delay of alerts, 95th percentile", "A", func(v sample) bool { return v.labels["stage"] == "picket" && v.value > 0 }},
		{"picket-collectors", "Requests left", "A", func(v sample) bool {
			return v.labels["credential"] == "acme-x" && v.value > 0 && v.value <= 1
		}},
		{"picket-collectors", "Dollars left this month", "A", func(v sample) bool {
			return v.labels["credential"] == "acme-x" && v.value > 900 && v.value < 1000
		}},
		{"picket-collectors", "Units left today", "A", func(v sample) bool {
			used := channel.Used()
			return v.labels["credential"] == "acme-youtube" && used > 0 && v.value == float64(unitsADay-used)
		}},
		{"picket-collectors", "Used up in", "A", func(v sample) bool {
			return v.labels["credential"] == "acme-youtube" && v.value > 60 && v.value < time.Hour.Seconds()
		}},
		{"picket-collectors", "Disk", "A", func(v sample) bool { return v.value > 1<<20 }},
		{"picket-detector", "Accounts", "A", func(v sample) bool { return v.value >= 8 }},
		{"picket-detector", "Memory", "B", func(v sample) bool { return v.value > 0 }},
		{"picket-rules", "Coverage by rule", "A", func(v sample) bool {
			return v.labels["rule"] == "profile_changed" && v.labels["state"] == "active" && v.value == 8
		}},
		{"picket-rules", "Rules", "A", func(v sample) bool { return v.labels["state"] == "loaded" && v.value > 5 }},
		{"picket-rules", "Reloads, 1 h", "A", func(v sample) bool { return v.labels["outcome"] == "success" && v.value > 0 }},
	} {
		p.await(t, exprOf(t, all, row.board, row.panel, row.ref), row.want)
	}
}

// exprOf returns the expression of a panel's target.
func exprOf(t *testing.T, all []query, board, panel, ref string) string {
	t.Helper()
	i := slices.IndexFunc(all, func(q query) bool { return q.board == board && q.panel == panel && q.ref == ref })
	if i < 0 {
		t.Fatalf("%s: no panel %q with target %s", board, panel, ref)
	}
	return all[i].expr
}

// receiver writes a program that takes messages, as a receiver, but while there
// is a file "away" or "refuses" beside it.
func (s *site) receiver(t *testing.T) string {
	t.Helper()
	s.write(t, "siren", "#!/bin/sh\ncd "+s.dir+"\n[ -e away ] && exit 75\n[ -e refuses ] && exit 65\nexit 0\n")
	path := filepath.Join(s.dir, "siren")
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("receivers: [{name: siren, type: exec, command: [%s]}]\n", path)
}

// judge handles an alert as people do, and holds that it shows.
func (s *site) judge(t *testing.T, p *prometheus) {
	t.Helper()
	number := s.alert(t, "x/club")
	s.picket(t, "alerts", "ack", number)
	p.await(t, `picket_alert_acknowledge_seconds_count{level="high"}`, func(v sample) bool { return v.value == 1 })
	s.picket(t, "alerts", "resolve", number, "-v", "true", "-m", "it was us")
	p.await(t, `picket_alert_resolve_seconds_count{level="high", by="person"}`, func(v sample) bool { return v.value == 1 })
	p.await(t, `job_rule:picket_alert_precision:ratio{rule="profile_changed"}`, func(v sample) bool { return v.value == 1 })
}

// alert waits for an open alert of an account and returns its number.
func (s *site) alert(t *testing.T, account string) (number string) {
	t.Helper()
	if err := poll(func() error {
		list := s.picket(t, "alerts", "ls", "--account", account)
		if number = regexp.MustCompile(`PK-[0-9A-F]{6}`).FindString(list); number == "" {
			return fmt.Errorf("no alert of %s: %s", account, list)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return number
}
