package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/natspub"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// hasty makes alert rules fire within seconds: what they wait for and look back
// on takes seconds, and limits of hours and minutes are seconds. What they ask
// stays as it is.
func hasty(rules string) string {
	rules = regexp.MustCompile(`for: \d+[mh]`).ReplaceAllString(rules, "for: 1s")
	rules = regexp.MustCompile(`\[\d+[mhd]\]`).ReplaceAllString(rules, "[6s]")
	return strings.NewReplacer(
		"offset 15m", "offset 6s",
		"> 3600", "> 12", "> 7200", "> 8", // the oldest success, the age of the checkpoint
		"picket_across_awaited_seconds) > 60", "picket_across_awaited_seconds) > 4",
		"picket_detector_lag_seconds) > 60", "picket_detector_lag_seconds) > 4",
		"))) > 5", "))) > 2", // seconds from the log to the alert
		"count >= 10", "count >= 1", // verdicts
	).Replace(rules)
}

// fires waits until alerts about Picket have fired, from a little before now on: in
// haste some do so for seconds only, which a busy machine lets pass between two
// looks.
func (p *prometheus) fires(t *testing.T, alerts ...string) {
	t.Helper()
	p.firesWhile(t, func() error { return nil }, alerts...)
}

// firesWhile is fires for a fault that passes, and is made again before each look: a
// busy machine may let the seconds that a rule looks back on pass without a scrape.
func (p *prometheus) firesWhile(t *testing.T, fault func() error, alerts ...string) {
	t.Helper()
	began := time.Now()
	for _, name := range alerts {
		if err := poll(func() error {
			if err := fault(); err != nil {
				return err
			}
			since := 5 + int(time.Since(began).Seconds())
			got, err := p.ask(fmt.Sprintf(`max_over_time(ALERTS{alertname=%q,alertstate="firing"}[%ds])`, name, since))
			if err == nil && len(got) == 0 {
				err = fmt.Errorf("%s has not fired", name)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// end waits until none of these alerts fires.
func (p *prometheus) end(t *testing.T, alerts ...string) {
	t.Helper()
	for _, name := range alerts {
		if err := poll(func() error { return p.over(name) }); err != nil {
			t.Fatal(err)
		}
	}
}

// over returns an error while an alert fires or is about to.
func (p *prometheus) over(alert string) error {
	got, err := p.ask(fmt.Sprintf(`ALERTS{alertname=%q}`, alert))
	if err == nil && len(got) > 0 {
		err = fmt.Errorf("%s still fires: %v", alert, got)
	}
	return err
}

// TestFaults has alerts about Picket fire by real faults of what Picket works
// with, and end when these are mended: with the rules of deploy/monitoring, but in
// haste.
func TestFaults(t *testing.T) {
	t.Parallel()
	needs(t, "prometheus")
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		s, p := faulty(t, ", max_accounts: 2")
		s.restart(t, p)
	})
	t.Run("network", func(t *testing.T) {
		t.Parallel()
		s, p := faulty(t, "")
		s.networkFaults(t, p)
		s.pushRubbish(t, p)
	})
	t.Run("budgets and configuration", func(t *testing.T) {
		t.Parallel()
		s, p := faulty(t, "")
		s.spend(t, p)
		s.misconfigure(t, p)
	})
	t.Run("a rule that takes long", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded)
		s.configure(t, "dirs: [./rules]}", "dirs: [./slow], budget: {time: 5us, span: 1s}}") // no rule beside it
		s.write(t, "slow/slow.yml", slowRule)
		s.start(t)
		s.overspend(t, s.prometheus(t, hasty))
	})
	t.Run("alerts and checkpoints", func(t *testing.T) {
		t.Parallel()
		s, p := faulty(t, "")
		s.failReceiver(t, p)
		s.ignoreCritical(t, p)
		s.loseCheckpoints(t, p)
	})
	t.Run("disk", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded)
		s.smallDisk(t)
		s.configure(t, "reserve: 1MiB", "reserve: 16MiB", "\nintake:", demo+"intake:")
		s.start(t)
		s.fillDisk(t, s.prometheus(t, hasty))
	})
	t.Run("NATS server", func(t *testing.T) {
		t.Parallel()
		serverFaults(t)
	})
}

// faulty starts a site with demo accounts and small bounds, and a Prometheus in
// haste.
func faulty(t *testing.T, detector string) (*site, *prometheus) {
	t.Helper()
	s := newSite(t, embedded)
	s.configure(t, "{file: ./bearer}}", "{file: ./bearer}, budget_usd_per_month: 10}",
		"\nintake:", demo+s.receiver(t)+"detector: {checkpoint: 1s"+detector+"}\nintake:")
	s.start(t)
	return s, s.prometheus(t, hasty)
}

// restart: a daemon that remembers too little is stopped, and started again with
// more.
func (s *site) restart(t *testing.T, p *prometheus) {
	t.Helper()
	p.fires(t, "PicketAccountsForgotten")
	p.happened(t, "alarms", `ALERTS{alertname=~"Picket.*",alertstate="firing"}`)
	if err := s.daemon.stop(); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "PicketDown", "PicketInstanceDown")
	s.configure(t, ", max_accounts: 2", "", "http: {listen: 127.0.0.1:0", "http: {listen: "+strings.TrimPrefix(s.http, "http://"))
	s.start(t)
	p.end(t, "PicketDown", "PicketInstanceDown", "PicketAccountsForgotten")
}

// networkFaults: the network refuses, and hangs.
func (s *site) networkFaults(t *testing.T, p *prometheus) {
	t.Helper()
	s.admin(t, "faults", `{"kind": "503"}`)
	p.fires(t, "PicketAccountBlind")
	s.admin(t, "faults/clear", `{}`)
	p.end(t, "PicketAccountBlind")

	s.hang(t, true)
	p.fires(t, "PicketAccountLate", "PicketOldestSuccessTooOld")
	s.hang(t, false)
	p.end(t, "PicketAccountLate", "PicketOldestSuccessTooOld")
}

// hang stops the network's process, or lets it go on.
func (s *site) hang(t *testing.T, on bool) {
	t.Helper()
	signal := syscall.SIGCONT
	if on {
		signal = syscall.SIGSTOP
		t.Cleanup(func() { _ = s.fake.cmd.Process.Signal(syscall.SIGCONT) }) // else it could not end
	}
	if err := s.fake.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// spend: requests and dollars are spent, and their bounds raised.
func (s *site) spend(t *testing.T, p *prometheus) {
	t.Helper()
	const few = "requests: {limit: 4, per: 1h}, "
	s.configure(t, "budget_usd", few+"budget_usd")
	p.fires(t, "PicketQuotaNearlyGone")
	p.await(t, exprOf(t, queries(t), "picket-collectors", "Used up in", "A"), func(v sample) bool {
		return v.labels["credential"] == "acme-x" && v.value == 0 // it has no line below its axis
	})
	s.configure(t, few, "")
	p.end(t, "PicketQuotaNearlyGone")

	for i := range 5 {
		s.tweet(t, "club", fmt.Sprint("A post that costs half a cent to read, ", i), time.Time{})
	}
	p.fires(t, "PicketCreditWillNotLast")
	s.configure(t, "budget_usd_per_month: 10", "budget_usd_per_month: 0.01")
	p.fires(t, "PicketCreditGone", "PicketCreditNearlyGone")
	s.configure(t, "budget_usd_per_month: 0.01", "budget_usd_per_month: 1000000000")
	p.end(t, "PicketCreditGone", "PicketCreditNearlyGone", "PicketCreditWillNotLast")
}

// slowRule is a regular expression that no word of a text rules out, and that
// goes on to the text's end.
const slowRule = `title: Slow
id: 6f0a8f0e-5d1a-4b76-9f5f-64c3c2a4a7aa
name: slow
logsource: {product: picket, category: post}
detection:
  s:
    text|re: '^([a-z]+ ?)+[.!?]$'
  condition: s
level: low
`

// overspend: a rule that takes more time than the 5 µs which it may, on whatever
// machine, and does not once it is written better. What it takes is measured on one of 61
// activities, and judged by a hundred such, so there have to be thousands.
func (s *site) overspend(t *testing.T, p *prometheus) {
	t.Helper()
	const at = "2026-03-14T08:00:00Z"
	long, n := strings.Repeat("many words that never end ", 16), 0
	until := func(done func() error) {
		t.Helper()
		var err error
		push := func() error {
			posts := make([]string, 400)
			for i := range posts {
				posts[i] = fmt.Sprintf(`{"id":"%d","account":"x/acme","kind":"post","time":%q,"text":%q}`, n, at, long)
				n++
			}
			s.push(t, posts...)
			return done()
		}
		for range 4 { // thousands of posts take a busy machine its time
			if err = poll(push); err == nil {
				return
			}
		}
		t.Fatal(err)
	}
	until(func() error {
		got, err := p.ask(`ALERTS{alertname="PicketRuleOverBudget",alertstate="firing"}`)
		if err == nil && len(got) == 0 {
			err = errors.New("PicketRuleOverBudget does not fire")
		}
		return err
	})
	s.write(t, "slow/slow.yml", strings.Replace(slowRule, "text|re: '^([a-z]+ ?)+[.!?]$'", "text: stop", 1))
	until(func() error { return p.over("PicketRuleOverBudget") })
}

// misconfigure: a rule that does not load, and a geo file that is not there.
func (s *site) misconfigure(t *testing.T, p *prometheus) {
	t.Helper()
	s.write(t, "rules/broken.yml", "title: Broken\nlogsource: {product: picket}\ndetection: {condition: nothing}\n")
	p.fires(t, "PicketReloadFailed", "PicketRulesFailed")
	if err := os.Remove(filepath.Join(s.dir, "rules", "broken.yml")); err != nil {
		t.Fatal(err)
	}
	p.end(t, "PicketReloadFailed", "PicketRulesFailed")

	const enrich = "enrich: {location: ./missing.mmdb}\n"
	s.configure(t, "\nintake:", "\n"+enrich+"intake:")
	p.fires(t, "PicketGeoFileUnused")
	s.configure(t, enrich, "")
	p.end(t, "PicketGeoFileUnused")
}

// pushRubbish: a sender that does not know how, and tries again.
func (s *site) pushRubbish(t *testing.T, p *prometheus) {
	t.Helper()
	p.firesWhile(t, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.http+"/v1/activities", strings.NewReader("no JSON"))
		if err != nil {
			return final{err}
		}
		req.Header.Set("Authorization", "Bearer "+webhookToken)
		resp, err := web().Do(req)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode == http.StatusOK {
			return final{fmt.Errorf("rubbish was answered %s", resp.Status)}
		}
		return nil
	}, "PicketSenderRefused")
	p.end(t, "PicketSenderRefused")
}

// failReceiver: a receiver is away, and refuses.
func (s *site) failReceiver(t *testing.T, p *prometheus) {
	t.Helper()
	tell := func() error {
		cmd := exec.Command("picket", "receivers", "test", "siren", "--timeout", "3s")
		cmd.Dir = s.dir
		return cmd.Run()
	}
	fault := func(file string, alerts ...string) {
		s.write(t, file, "")
		if err := tell(); err == nil {
			t.Fatalf("a receiver with %q took a message", file)
		}
		p.fires(t, alerts...)
		if err := os.Remove(filepath.Join(s.dir, file)); err != nil {
			t.Fatal(err)
		}
		if err := poll(tell); err != nil {
			t.Fatal(err)
		}
		p.end(t, alerts...)
	}
	fault("away", "PicketNotificationsWaiting")
	fault("refuses", "PicketReceiverDown", "PicketNotificationsDead")
}

// ignoreCritical: a critical alert that nobody takes, and one that was wrong.
func (s *site) ignoreCritical(t *testing.T, p *prometheus) {
	t.Helper()
	s.tweet(t, "bank", "We give it all back: https://bank-gift.example/", time.Time{})
	p.fires(t, "PicketCriticalUnanswered")
	number := s.alert(t, "x/bank")
	if err := poll(func() error { // simulated attacks raise such alerts, too
		for line := range strings.SplitSeq(s.picket(t, "alerts", "ls", "--state", "firing"), "\n") {
			if strings.Contains(line, "critical") {
				s.picket(t, "alerts", "ack", regexp.MustCompile(`PK-[0-9A-F]{6}`).FindString(line))
			}
		}
		return p.over("PicketCriticalUnanswered")
	}); err != nil {
		t.Fatal(err)
	}
	s.picket(t, "alerts", "resolve", number, "-v", "false", "-m", "it was approved elsewhere")
	p.fires(t, "PicketRuleImprecise")
	s.picket(t, "alerts", "resolve", number, "-v", "true", "-m", "it was not")
	p.end(t, "PicketRuleImprecise")
}

// loseCheckpoints: the folder of checkpoints cannot be written.
func (s *site) loseCheckpoints(t *testing.T, p *prometheus) {
	t.Helper()
	folder := filepath.Join(s.dir, "data", "checkpoints")
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "PicketCheckpointOld")
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	p.end(t, "PicketCheckpointOld")
}

// smallDisk puts the site's data on a disk of its own. It needs the right to
// mount, which a test run as root has; without it the test can only be skipped,
// except in CI.
func (s *site) smallDisk(t *testing.T) {
	t.Helper()
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", data, "tmpfs", 0, "size=64m"); err != nil {
		if os.Getenv("CI") != "true" && errors.Is(err, syscall.EPERM) {
			t.Skipf("cannot mount a small disk: %v", err)
		}
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(data, unix.MNT_DETACH) })
}

// fillDisk: the disk is filled beyond the reserve, which is a quarter of it.
func (s *site) fillDisk(t *testing.T, p *prometheus) {
	t.Helper()
	p.await(t, `sum(picket_account_sight{sight="ok",network="x"})`, func(v sample) bool { return v.value == 3 })
	ballast := filepath.Join(s.dir, "data", "ballast")
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Join(s.dir, "data"), &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ballast, make([]byte, int64(st.Bavail)*st.Bsize-8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s.tweet(t, "club", "What nobody takes in", time.Time{})
	p.fires(t, "PicketDiskNearlyFull", "PicketIntakeRefusing")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.end(t, "PicketDiskNearlyFull", "PicketIntakeRefusing")
}

// serverFaults does the same with faults of an external NATS server.
func serverFaults(t *testing.T) {
	t.Helper()
	store := t.TempDir()
	srv := journaltest.Server(t, store, nil)
	port := strings.TrimPrefix(srv.ClientURL(), "nats://127.0.0.1:")
	s := newSite(t, fmt.Sprintf("nats: {url: %q}\njournal: {partitions: 2}", srv.ClientURL()))
	s.configure(t, "\nintake:", demo+"intake:")
	s.start(t)
	p := s.prometheus(t, hasty)
	p.await(t, `sum(picket_account_sight{network="x",sight="ok"})`, func(v sample) bool { return v.value == 3 })

	js := journaltest.Connect(t, srv)
	p.firesWhile(t, func() error {
		_, err := js.Publish(t.Context(), "picket.activity.0.bulk", []byte("no activities"))
		return err
	}, "PicketLogDamaged")
	p.end(t, "PicketLogDamaged")

	if _, err := js.Publish(t.Context(), dispatch.IncidentSubject("none"), []byte("no incident")); err != nil {
		t.Fatal(err)
	}
	s.admin(t, "profiles", `{"account": "acme", "set": {"name": "Official rewards"}}`) // whoever tells of it reads first
	p.fires(t, "PicketDocumentsDamaged")
	p.end(t, "PicketDocumentsDamaged")

	s.holdPartition(t, p, js)

	// The stream takes states of alerts, and no copies for subscribers.
	stream, err := js.Stream(t.Context(), natspub.Stream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	deaf := config
	deaf.Subjects = config.Subjects[:1]
	if _, err := js.UpdateStream(t.Context(), deaf); err != nil {
		t.Fatal(err)
	}
	s.admin(t, "profiles", `{"account": "club", "set": {"name": "Official gifts"}}`)
	p.fires(t, "PicketPublishFailing")
	time.Sleep(3 * time.Second) // makes the alert late
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	p.fires(t, "PicketAlertsLate")
	p.end(t, "PicketPublishFailing", "PicketAlertsLate")

	journaltest.Stop(srv)
	p.fires(t, "PicketDetectorLag", "PicketNotDetecting")
	journaltest.Server(t, store, func(o *server.Options) {
		if _, err := fmt.Sscan(port, &o.Port); err != nil {
			t.Fatal(err)
		}
	})
	p.end(t, "PicketDetectorLag", "PicketNotDetecting")
}

// holdPartition: the stream between the two stages takes nothing of one
// partition, while a match of the other one waits for how far that is.
func (s *site) holdPartition(t *testing.T, p *prometheus, js jetstream.JetStream) {
	t.Helper()
	const account, partitions = "okta/editor-2", 2
	theirs := journal.Partition(account, partitions)
	stream, err := js.Stream(t.Context(), "MATCH_0")
	if err != nil {
		t.Fatal(err)
	}
	whole := stream.CachedInfo().Config
	half := whole
	half.Subjects = []string{fmt.Sprint("picket.match.0.", theirs)}
	if _, err := js.UpdateStream(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	s.push(t, strings.Replace(login("failed-1", "DE", time.Now()), `"result":"success"`, `"result":"failure"`, 1))
	p.fires(t, "PicketSecondStageStuck")
	p.await(t, `picket_across_awaited_seconds > 4`, func(v sample) bool {
		return v.labels["partition"] == fmt.Sprint(1-theirs)
	})
	if _, err := js.UpdateStream(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	p.end(t, "PicketSecondStageStuck")
}
