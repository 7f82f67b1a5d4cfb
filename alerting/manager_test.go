package alerting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

func TestUpdatesAreCoalesced(t *testing.T) {
	louder := finding("e1", detector.Update, 1.3, 4)
	louder.Rule.Level = rules.Critical
	tests := []struct {
		name     string
		findings []detector.Finding // each its own Report
		flush    float64            // log second, 0: none
		want     []string
	}{
		{"two matches in a second wait", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 2), finding("e1", detector.Update, 1.9, 3),
		}, 0, []string{"1 opened firing 1"}},
		{"the next second carries them", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 2), finding("e1", detector.Update, 2, 3),
		}, 0, []string{"1 opened firing 1", "2 updated firing 3"}},
		{"a flush too early", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 2),
		}, 1.9, []string{"1 opened firing 1"}},
		{"a flush in time", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 2),
		}, 2, []string{"1 opened firing 1", "2 updated firing 2"}},
		{"closing carries them at once", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 2), finding("e1", detector.Close, 1.4, 2),
		}, 0, []string{"1 opened firing 1", "2 resolved resolved 2"}},
		{"a change of level carries them at once", []detector.Finding{
			finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 1.2, 3), louder,
		}, 0, []string{"1 opened firing 1", "2 updated firing 4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newMemory()
			m := manager(t, s)
			for _, f := range tt.findings {
				report(t, m, f)
			}
			if tt.flush > 0 {
				if err := m.Flush(t.Context(), start().Add(time.Duration(tt.flush*float64(time.Second)))); err != nil {
					t.Fatal(err)
				}
			}
			if got := changes(s.log); !slices.Equal(got, tt.want) {
				t.Errorf("revisions %q, want %q", got, tt.want)
			}
			if got := changes(s.copies); !slices.Equal(got, tt.want) {
				t.Errorf("copies %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSyncLosesNothing(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	report(t, m, finding("e1", detector.Open, 1, 1), finding("e2", detector.Open, 1, 1))
	report(t, m, finding("e1", detector.Update, 1.1, 2))
	report(t, m, finding("e1", detector.Update, 1.2, 3))
	if err := m.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.get("e1"); got.Count != 3 || got.Applied.Sequence != 13 {
		t.Errorf("after Sync count %d at sequence %d, want 3 at 13", got.Count, got.Applied.Sequence)
	}
	if err := m.Sync(t.Context()); err != nil || len(s.log) != 3 {
		t.Errorf("a second Sync made %d revisions (%v), want still 3", len(s.log), err)
	}
}

func TestOneReportKeepsTransitionsApart(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	report(t, m,
		finding("e1", detector.Open, 1, 1), finding("e2", detector.Open, 1, 1),
		finding("e1", detector.Update, 2, 2), finding("e1", detector.Close, 900, 2),
		finding("e2", detector.Update, 901, 5))
	want := []string{"1 opened firing 2", "1 opened firing 5", "2 resolved resolved 2"}
	if got := changes(s.copies); !slices.Equal(got, want) {
		t.Errorf("copies %q, want %q", got, want)
	}
}

func TestReplayChangesNothing(t *testing.T) {
	s := newMemory()
	findings := []detector.Finding{
		finding("e1", detector.Open, 1, 1), finding("e1", detector.Update, 3, 2), finding("e1", detector.Close, 900, 2),
		finding("e2", detector.Open, 901, 1),
	}
	report(t, manager(t, s), findings...)
	want := changes(s.log)
	again := manager(t, s) // after a crash, without Recover
	report(t, again, findings...)
	for _, f := range findings {
		report(t, again, f)
	}
	if got := changes(s.log); !slices.Equal(got, want) {
		t.Errorf("revisions after the replay %q, want %q", got, want)
	}
	if len(s.copies) != 3 {
		t.Errorf("%d copies after the replay, want 3", len(s.copies))
	}
}

func recoverAlerts(t *testing.T, m *Manager) error {
	t.Helper()
	return m.Recover(t.Context())
}

func TestCrashBetweenStateAndCopy(t *testing.T) {
	tests := []struct {
		name    string
		later   time.Duration
		restart func(t *testing.T, m *Manager) error
		want    int // copies
	}{
		{"the finding comes again", time.Minute, func(t *testing.T, m *Manager) error {
			t.Helper()
			return m.Report(t.Context(), []detector.Finding{finding("e1", detector.Open, 1, 1)})
		}, 1},
		{"recovery", time.Minute, recoverAlerts, 1},
		{"an action", time.Minute, func(t *testing.T, m *Manager) error {
			t.Helper()
			_, err := m.Act(t.Context(), "e1", acking("jana", ""))
			return err
		}, 2},
		{"too late to tell a double", time.Hour, recoverAlerts, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newMemory()
			s.failPublish = func([]Alert) error { return errFault }
			err := manager(t, s).Report(t.Context(), []detector.Finding{finding("e1", detector.Open, 1, 1)})
			if !errors.Is(err, errFault) {
				t.Fatalf("error = %v, want the publisher's", err)
			}
			s.failPublish = nil
			s.now = func() time.Time { return start().Add(tt.later) }
			if err := tt.restart(t, manager(t, s)); err != nil {
				t.Fatal(err)
			}
			if len(s.copies) != tt.want {
				t.Errorf("%d copies, want %d", len(s.copies), tt.want)
			}
		})
	}
}

func TestFailedPublishIsRetried(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	s.failPublish = func([]Alert) error { return errFault }
	if err := m.Report(t.Context(), []detector.Finding{finding("e1", detector.Open, 1, 1)}); !errors.Is(err, errFault) {
		t.Fatalf("error = %v, want the publisher's", err)
	}
	s.failPublish = nil
	if err := m.Flush(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	if got := changes(s.copies); !slices.Equal(got, []string{"1 opened firing 1"}) {
		t.Errorf("copies %q", got)
	}
}

func TestLostAcknowledgement(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	s.lostAck = func(Write) bool { return true }
	findings := []detector.Finding{finding("e1", detector.Open, 1, 1)}
	if err := m.Report(t.Context(), findings); !errors.Is(err, errFault) {
		t.Fatalf("error = %v, want the store's", err)
	}
	s.lostAck = nil
	report(t, m, findings...)
	if got := changes(s.log); !slices.Equal(got, []string{"1 opened firing 1"}) {
		t.Errorf("revisions %q", got)
	}
	if len(s.copies) != 1 {
		t.Errorf("%d copies, want 1", len(s.copies))
	}
}

func TestOneFaultSparesTheNeighbours(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	s.failPut = func(w Write) error {
		if w.Alert.ID == "e2" {
			return errFault
		}
		return nil
	}
	err := m.Report(t.Context(), []detector.Finding{
		finding("e1", detector.Open, 1, 1), finding("e2", detector.Open, 1, 1), finding("e3", detector.Open, 1, 1),
	})
	if !errors.Is(err, errFault) || !strings.Contains(err.Error(), "store alert e2") {
		t.Fatalf("error = %v, want the store's about e2", err)
	}
	if len(s.copies) != 2 {
		t.Errorf("%d copies, want 2", len(s.copies))
	}
}

func TestAnotherWriterIsRespected(t *testing.T) {
	s := newMemory()
	daemon, person := manager(t, s), manager(t, s)
	report(t, daemon, finding("e1", detector.Open, 1, 1))
	if _, err := person.Act(t.Context(), "e1", acking("jana", "on it")); err != nil {
		t.Fatal(err)
	}
	report(t, daemon, finding("e1", detector.Update, 3, 2))
	if _, err := person.Act(t.Context(), "e1", resolving("jana", "spam")); err != nil {
		t.Fatal(err)
	}
	report(t, daemon, finding("e1", detector.Update, 5, 3))
	if _, err := person.Act(t.Context(), "e1", resolving("jana", "spam")); err != nil {
		t.Fatal(err)
	}
	report(t, daemon, finding("e1", detector.Close, 900, 3))
	want := []string{
		"1 opened firing 1", "2 acknowledged acknowledged 1", "3 updated acknowledged 2", "4 resolved resolved 2",
		"5 reopened firing 3", "6 resolved resolved 3", "7 noted resolved 3",
	}
	if got := changes(s.log); !slices.Equal(got, want) {
		t.Errorf("revisions %q, want %q", got, want)
	}
	if got := changes(s.copies); !slices.Equal(got, want[:6]) {
		t.Errorf("copies %q, want the first six revisions", got)
	}
	if got := s.get("e1"); len(got.History) != 5 || got.Resolution.By != "jana" {
		t.Errorf("history %+v, resolved by %q", got.History, got.Resolution.By)
	}
}

func TestActionCarriesWaitingMatches(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	report(t, m, finding("e1", detector.Open, 1, 1))
	report(t, m, finding("e1", detector.Update, 1.5, 7))
	a, err := m.Act(t.Context(), "e1", acking("jana", ""))
	if err != nil || a.Count != 7 {
		t.Fatalf("acknowledged with count %d (%v), want 7", a.Count, err)
	}
	if err := m.Sync(t.Context()); err != nil || len(s.log) != 2 {
		t.Errorf("%d revisions (%v), want 2", len(s.log), err)
	}
}

func TestWatchedRevisionsAreReadBeforeTheNextMatch(t *testing.T) {
	s := newMemory()
	daemon := manager(t, s)
	report(t, daemon, finding("e1", detector.Open, 1, 1))
	if _, err := manager(t, s).Act(t.Context(), "e1", resolving("jana", "")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := daemon.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := firing(daemon); n != 0 {
		t.Errorf("%d alerts firing after another process resolved the only one", n)
	}
	report(t, daemon, finding("e1", detector.Update, 1.1, 2)) // within a second: only a reopening is written at once
	if got := s.get("e1"); got.Change != ChangeReopened {
		t.Errorf("change = %s, want reopened", got.Change)
	}
	if n := firing(daemon); n != 1 {
		t.Errorf("%d alerts firing, want 1", n)
	}
}

func firing(m *Manager) int {
	n := 0
	for _, c := range m.Counts() {
		if c.State == Firing {
			n += c.N
		}
	}
	return n
}

func TestLookUps(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	other := finding("abce0000aa", detector.Open, 2, 1)
	other.Account, other.Rule.Level = "x/other", rules.Low
	report(t, m, finding("abcd0000aa", detector.Open, 1, 1), other, finding("ffff111122", detector.Open, 3, 1))
	if _, err := m.Act(t.Context(), "ffff111122", acking("jana", "")); err != nil {
		t.Fatal(err)
	}
	refs := []struct{ name, ref, id, err string }{
		{"whole id", "abcd0000aa", "abcd0000aa", ""},
		{"number", "PK-FFFF11", "ffff111122", ""},
		{"number in lower case", "pk-ffff11", "ffff111122", ""},
		{"beginning", "abcd", "abcd0000aa", ""},
		{"too short", "abc", "", "at least 4 digits"},
		{"unknown", "PK-123456", "", "no such alert"},
	}
	for _, tt := range refs {
		t.Run(tt.name, func(t *testing.T) {
			id, err := m.Find(t.Context(), tt.ref)
			if id != tt.id || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Find(%q) = %q, %v, want %q, %q", tt.ref, id, err, tt.id, tt.err)
			}
		})
	}
	filters := []struct {
		name   string
		filter Filter
		want   []string
	}{
		{"all, newest first", Filter{}, []string{"ffff111122", "abce0000aa", "abcd0000aa"}},
		{"firing", Filter{States: []State{Firing}}, []string{"abce0000aa", "abcd0000aa"}},
		{"level", Filter{Levels: []rules.Level{rules.Low}}, []string{"abce0000aa"}},
		{"account", Filter{Account: "x/acme"}, []string{"ffff111122", "abcd0000aa"}},
		{"rule by name", Filter{Rule: "posting_burst", Limit: 1}, []string{"ffff111122"}},
		{"nothing", Filter{Network: "okta"}, nil},
	}
	for _, tt := range filters {
		t.Run(tt.name, func(t *testing.T) {
			got, err := m.List(t.Context(), tt.filter)
			var ids []string
			for _, a := range got {
				ids = append(ids, a.ID)
			}
			if err != nil || !slices.Equal(ids, tt.want) {
				t.Errorf("List = %q, %v, want %q", ids, err, tt.want)
			}
		})
	}
	if _, err := m.Get(t.Context(), "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get of an unknown alert: %v", err)
	}
	if _, err := m.Act(t.Context(), "nope", resolving("jana", "")); !errors.Is(err, ErrNotFound) {
		t.Errorf("Resolve of an unknown alert: %v", err)
	}
	if len(m.entries) != 3 {
		t.Errorf("%d alerts in memory, want the 3 open ones", len(m.entries))
	}
}

func TestAmbiguousNumber(t *testing.T) {
	s := newMemory()
	m := manager(t, s)
	report(t, m, finding("abcdef01", detector.Open, 1, 1), finding("abcdef02", detector.Open, 1, 1))
	if _, err := m.Find(t.Context(), "PK-ABCDEF"); err == nil || !strings.Contains(err.Error(), "abcdef01, abcdef02") {
		t.Errorf("error = %v, want one that names both", err)
	}
}

func TestReportRefusesWhatIsNoFinding(t *testing.T) {
	f := finding("e1", detector.Open, 1, 1)
	f.Rule = nil
	err := manager(t, newMemory()).Report(t.Context(), []detector.Finding{f})
	if err == nil || !strings.Contains(err.Error(), "partition 0, sequence 11, index 0") {
		t.Errorf("error = %v, want one with the position", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a Manager without a store was made")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := newMemory()
	m, err := New(Config{Store: s, Publisher: s, Now: s.now, MaxCached: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		report(t, m, finding(fmt.Sprintf("e%02d", i), detector.Open, float64(i), 1))
	}
	if len(m.entries) > 11 {
		t.Errorf("%d alerts in memory, want at most 11", len(m.entries))
	}
	if n := firing(m); n != 50 {
		t.Errorf("%d firing, want 50", n)
	}
	report(t, m, finding("e40", detector.Update, 99, 2))
	if got := s.get("e40"); got.Count != 2 || got.Revision != 2 {
		t.Errorf("a forgotten alert has count %d, revision %d, want 2 and 2", got.Count, got.Revision)
	}
}

// latencies is an Observer that keeps what it is told.
type latencies struct {
	noObserver
	mu   sync.Mutex
	took []time.Duration
}

func (l *latencies) Published(a *Alert, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, at.Sub(a.Trigger().Seen))
}

func TestOnlyFirstPublicationsAreObserved(t *testing.T) {
	s := newMemory()
	f := finding("e1", detector.Open, 1, 1)
	f.Evidence = []activity.Activity{{ID: "1", Kind: activity.KindPost, Network: "x", Account: "x/acme", Seen: start().Add(-40 * time.Millisecond)}}
	seen := &latencies{}
	for range 2 {
		m, err := New(Config{Store: s, Publisher: s, Now: s.now, Observer: seen})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		report(t, m, f)
	}
	if !slices.Equal(seen.took, []time.Duration{40 * time.Millisecond}) {
		t.Errorf("latencies %v, want 40ms once", seen.took)
	}
}
