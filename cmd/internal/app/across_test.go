package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

// newAcrossSite is a site with accounts in two partitions.
func newAcrossSite(t *testing.T, natsLine string) *site {
	t.Helper()
	s := newSite(t, "- {account: x/a0}\n- {account: x/a1}\n- {account: x/a2}\n- {account: x/a3}\n- {account: x/a4}\n- {account: x/a5}\n")
	text := strings.Replace(s.text(t), "journal: {", "journal: {partitions: 2, ", 1)
	if natsLine != "" {
		text = strings.NewReplacer("nats: {listen: 127.0.0.1:0}", natsLine, ", durability: process, reserve: 1MiB", "").Replace(text)
	}
	s.write(t, text)
	in := map[int]int{}
	for i := range 6 {
		in[journal.Partition(fmt.Sprint("x/a", i), 2)]++
	}
	if len(in) != 2 {
		t.Fatalf("the accounts are in one partition: %v", in)
	}
	return s
}

func triedOn(account int) activity.Activity {
	return activity.Activity{
		ID: fmt.Sprint("try-", account), Network: "x", Account: fmt.Sprint("x/a", account), Kind: activity.KindLoginFailure,
		IP: "198.51.100.7", Time: time.Now().UTC(),
	}
}

// sprayed waits for the one alert of a password spray on so many accounts.
func (r *running) sprayed(accounts int) alerting.Alert {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		all := r.alerts("password_spray", 1)
		if len(all) != 1 {
			for i := range all {
				r.t.Logf("alert %s, revision %d, at %+v", all[i].ID, all[i].Revision, all[i].Applied)
			}
			r.t.Fatalf("%d alerts, want one", len(all))
		}
		if all[0].Count >= accounts || time.Now().After(deadline) {
			return all[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestAcrossAccounts: one address on accounts of two partitions is one alert,
// over a restart, with the memory from a checkpoint or made anew; and a replay
// of the journal finds the same at the same positions.
func TestAcrossAccounts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, f checkpointFiles)
	}{
		{"restored", func(*testing.T, checkpointFiles) {}},
		{"rebuilt", func(t *testing.T, f checkpointFiles) { tear(t, f.newest); _ = os.Remove(f.previous) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newAcrossSite(t, "")
			r := s.run(t)
			for i := range 3 {
				r.push(triedOn(i))
			}
			eventually(t, "the second stage is at work", func() bool { _, err := os.Stat(acrossCheckpoints(s.data()).newest); return err == nil })
			r.end()
			tt.damage(t, acrossCheckpoints(s.data()))
			r = s.run(t)
			for i := 3; i < 6; i++ {
				r.push(triedOn(i))
			}
			a := r.sprayed(6)
			r.end()
			want := []alerting.Label{{Name: "ip", Value: "198.51.100.7"}}
			if a.Account != "" || a.Count != 6 || !slices.Equal(a.Group, want) || a.Applied.Partition != 2 {
				t.Errorf("alert on %q %v with %d matches at %+v, want one of no account, by %v, with 6, in partition 2", a.Account, a.Group, a.Count, a.Applied, want)
			}
			replayed(t, s, &a)
		})
	}
}

// replayed holds that a replay of the journal finds what an alert holds.
func replayed(t *testing.T, s *site, a *alerting.Alert) {
	t.Helper()
	cfg, err := loadSite(s)
	if err != nil {
		t.Fatal(err)
	}
	set, err := BuildSet(cfg)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := detector.Compile(set)
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenJournalReplay(t.Context(), cfg, time.Time{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var last detector.Finding
	_, err = replay.Run(t.Context(), plan, src, detector.EngineOptions{Ticked: true, Lateness: cfg.Detector.Lateness}, func(f detector.Finding) error {
		if f.Rule.Keyed {
			last = f
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := alerting.Apply(alerting.Alert{}, last)
	for _, m := range []struct {
		what      string
		live, now any
	}{
		{"id", a.ID, again.ID},
		{"position", a.Applied, again.Applied},
		{"count", a.Count, again.Count},
		{"accounts", a.Accounts, again.Accounts},
		{"reasons", a.Reasons, again.Reasons},
		{"evidence", ids(a.Evidence), ids(again.Evidence)},
		{"log time", a.LogTime, again.LogTime},
	} {
		if d := cmp.Diff(m.live, m.now); d != "" {
			t.Errorf("%s (-live +replayed):\n%s", m.what, d)
		}
	}
}

func ids(of []activity.Activity) []string {
	var out []string
	for i := range of {
		out = append(out, of[i].Account+" "+of[i].ID)
	}
	return out
}

// TestAcrossAccountsWithTwoDaemons: whichever daemon reads a partition and runs
// the second stage, there is one alert, also when the one that does stops.
func TestAcrossAccountsWithTwoDaemons(t *testing.T) {
	srv := journaltest.Server(t, t.TempDir(), nil)
	line := fmt.Sprintf("nats: {url: %q}", srv.ClientURL())
	one, two := newAcrossSite(t, line), newAcrossSite(t, line)
	r1 := one.run(t)
	r2 := two.run(t)
	for i := range 3 {
		[]*running{r1, r2}[i%2].push(triedOn(i))
	}
	r1.end()
	for i := 3; i < 6; i++ {
		r2.push(triedOn(i))
	}
	if a := r2.sprayed(6); a.Count != 6 || len(a.Accounts) != 6 {
		t.Errorf("alert has %d matches on %v, want 6 on 6 accounts", a.Count, a.Accounts)
	}
}

// awaited notes for which partitions the second stage waits.
type awaited struct {
	noMetrics
	mu   sync.Mutex
	long map[int]time.Duration
}

func (a *awaited) Awaited(partition int, d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.long[partition] = d
}

func (a *awaited) of(partition int) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.long[partition]
}

// TestPartitionThatNobodyReads: what waits for it is told, and comes when it
// does.
func TestPartitionThatNobodyReads(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	marks, err := journal.OpenMarks(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	plans := newPlanStore(j)
	hash, _, err := plans.put(t.Context(), detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(sprayRule)}}})
	if err != nil {
		t.Fatal(err)
	}
	found := &sink{}
	waits := &awaited{long: map[int]time.Duration{}}
	wanted := make(chan int, 100)
	a := &across{
		partition: 2, journal: j, marks: marks, plans: plans, sink: found, files: acrossCheckpoints(t.TempDir()), every: time.Hour,
		metrics: waits, want: func(p int) { wanted <- p }, log: zap.NewNop(),
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	appendSteps(t, j, 0, hash, 3)
	select {
	case p := <-wanted:
		if p != 1 || found.reported.Load() != 0 {
			t.Errorf("partition %d is asked for with %d findings told, want 1 with none", p, found.reported.Load())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody is asked for")
	}
	eventually(t, "the wait is told", func() bool { return waits.of(1) > 0 && waits.of(0) == 0 })
	appendSteps(t, j, 1, hash, 0)
	eventually(t, "what waited is found", func() bool { return found.reported.Load() == 1 && waits.of(1) == 0 })
}

// appendSteps passes on that many accounts' failures, and then only time.
func appendSteps(t *testing.T, j *journal.Journal, partition int, program string, failures int) {
	t.Helper()
	s := journal.Steps{Log: epoch, Steps: []journal.Step{{Sequence: 1, Time: epoch, Program: program}}, Until: 100, Time: epoch.Add(time.Minute)}
	for i := range failures {
		f := triedOn(i)
		f.Time = epoch
		rule := acrossPlan(t, sprayRule).Rules()[0].ID
		s.Steps = append(s.Steps, journal.Step{Sequence: uint64(2 + i), Time: epoch.Add(time.Duration(1+i) * time.Second), Matches: []journal.StepMatch{{Rules: []string{rule}, Activity: f}}})
	}
	if err := j.EnsureMatches(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := j.Matches(partition)
	if _, err := l.Last(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not: %s", what)
		}
	}
}

// TestTickIsAskedFor: a daemon that reads a partition lets its log time move
// each second while it is asked to.
func TestTickIsAskedFor(t *testing.T) {
	s := newAcrossSite(t, "")
	r := s.run(t)
	last := func() time.Time {
		stream, err := r.js().Stream(t.Context(), journal.StreamName(1))
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().State.LastTime
	}
	js := r.js()
	before := last()
	eventually(t, "partition 1 ticks again soon", func() bool {
		if err := js.Conn().PublishMsg(&nats.Msg{Subject: tickSubject(1)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		now := last()
		step := now.Sub(before)
		before = now
		return step > 0 && step < tickIdle/2
	})
}
