package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// sink is an alertSink that fails as long as it is told to.
type sink struct {
	down     atomic.Bool
	reported atomic.Int64
}

func (s *sink) Report(_ context.Context, f []detector.Finding) error {
	if s.down.Load() {
		return errors.New("alerting is down")
	}
	s.reported.Add(int64(len(f)))
	return nil
}
func (s *sink) Flush(context.Context, time.Time) error { return nil }
func (s *sink) Sync(context.Context) error             { return nil }

type noMetrics struct{}

func (noMetrics) Progress(int, uint64, uint64, time.Time)                     {}
func (noMetrics) Latency(string, time.Duration, time.Duration, time.Duration) {}
func (noMetrics) Damaged(int)                                                 {}
func (noMetrics) Remembered(int, int, int64)                                  {}
func (noMetrics) Unchanged(int)                                               {}
func (noMetrics) Late(int, uint64)                                            {}
func (noMetrics) Evicted(int, detector.Evicted)                               {}
func (noMetrics) Finding(*rules.Rule)                                         {}
func (noMetrics) Learned(int, string, int, int)                               {}
func (noMetrics) Checkpointed(int, int, time.Duration)                        {}

func newTestReporter(s *sink) (*reporter, context.CancelFunc) {
	r := newReporter(&worker{sink: s, metrics: noMetrics{}, log: zap.NewNop()})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }()
	return r, func() { cancel(); <-done }
}

func TestReporterDoesNotBlockForEver(t *testing.T) {
	s := &sink{}
	s.down.Store(true)
	r, stop := newTestReporter(s)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var err error
	for n := 0; err == nil; n++ {
		if n > 10*maxUnreported {
			t.Fatal("findings pile up without bound")
		}
		err = r.add(ctx, batchOfFindings{found: make([]detector.Finding, 100)})
	}
	if !errors.Is(err, errNotReported) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("add: %v", err)
	}
	if err := r.drain(ctx); !errors.Is(err, errNotReported) {
		t.Errorf("drain: %v", err)
	}
}

func TestReporterDeliversAllOnceAlertingIsBack(t *testing.T) {
	s := &sink{}
	s.down.Store(true)
	r, stop := newTestReporter(s)
	defer stop()
	for range 30 {
		if err := r.add(t.Context(), batchOfFindings{found: make([]detector.Finding, 10)}); err != nil {
			t.Fatal(err)
		}
	}
	s.down.Store(false)
	if err := r.drain(t.Context()); err != nil || s.reported.Load() != 300 {
		t.Errorf("%d findings reported (%v), want 300", s.reported.Load(), err)
	}
}

func TestOnlyLastingFaultsCostMemory(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"torn checkpoint", fmt.Errorf("x: %w", errDamaged), true},
		{"another log", fmt.Errorf("x: %w", journal.ErrTruncated), true},
		{"a program that is nowhere", fmt.Errorf("read program: %w", jetstream.ErrObjectNotFound), true},
		{"a program of another version", fmt.Errorf("x: %w", detector.ErrSet), true},
		{"a program that does not compile", fmt.Errorf("x: %w", rules.Faults{{}}), true},
		{"a damaged control message", fmt.Errorf("x: %w", journal.ErrControl), true},
		{"no answer in time", context.DeadlineExceeded, false},
		{"no leader", jetstream.ErrNoStreamResponse, false},
		{"anything else", errors.New("connection reset"), false},
	}
	for _, tt := range tests {
		if got := unusable(tt.err); got != tt.want {
			t.Errorf("%s: unusable = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestIdle says when log time may stand still: never for longer than ten
// seconds, whatever the clock on the wall does.
func TestIdle(t *testing.T) {
	now := time.Date(2026, 3, 14, 2, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixNano() }
	tests := []struct {
		name             string
		seen, found, due int64
		want             bool
	}{
		{"something came just now", ago(time.Second / 4), 0, 0, true},
		{"nothing is due", ago(2 * time.Second), 0, 0, true},
		{"the last tick is long ago", ago(tickIdle), 0, 0, false},
		{"alerts were told just now", ago(time.Second), ago(time.Second), 0, false},
		{"alerts were told a while ago", ago(8 * time.Second), ago(8 * time.Second), 0, true},
		{"something is due", ago(time.Second), 0, ago(0), false},
		{"something will be due", ago(time.Second), 0, ago(-time.Second), true},
		{"nothing was ever read", 0, 0, 0, false},
		{"the clock was set back", ago(-time.Hour), 0, 0, false},
		{"the clock was set back after a finding", ago(-time.Hour), ago(-time.Hour), 0, false},
	}
	for _, tt := range tests {
		w := &worker{coverage: &coverer{}}
		w.lastSeen.Store(tt.seen)
		w.found.Store(tt.found)
		w.due.Store(tt.due)
		if got := w.idle(now); got != tt.want {
			t.Errorf("%s: idle %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestTestAccountTakesOnlyTests: whoever may push for it must not page anybody
// through it, nor teach what is usual in the organisation.
func TestTestAccountTakesOnlyTests(t *testing.T) {
	in := knownOnly{cfg: newCurrent(configured(t, "accounts: [{account: x/acme, guarded_by: [okta/ann]}]\n"))}
	tests := []struct {
		account string
		kind    activity.Kind
		drill   string
		want    bool
	}{
		{"picket/test", activity.KindMessage, "test", true},
		{"picket/test", activity.KindMessage, "", false},
		{"picket/test", activity.KindMessage, "spring", false},
		{"picket/test", activity.KindLogin, "test", false},
		{"picket/test", activity.KindMFAChange, "test", false},
		{"picket/test", activity.KindApproval, "test", false},
		{"picket/tests", activity.KindMessage, "test", false},
		{"picket/journal-0", activity.KindMessage, "test", false},
		{"x/acme", activity.KindLogin, "", true},
		{"okta/ann", activity.KindLogin, "spring", true},
		{"okta/bob", activity.KindLogin, "", false},
	}
	for _, tt := range tests {
		err := in.refusal(&activity.Activity{Account: tt.account, Kind: tt.kind, Drill: tt.drill})
		if (err == nil) != tt.want || err != nil && !errors.Is(err, collectors.ErrUnknownAccount) {
			t.Errorf("%s of %s, drill %q: %v, want it taken: %v", tt.kind, tt.account, tt.drill, err, tt.want)
		}
	}
}

// TestOldThingsAreNotToldAnew: memory that is made anew from a log whose
// beginning is gone takes what it has forgotten for new. That was judged when
// it happened, and is not told again.
func TestOldThingsAreNotToldAnew(t *testing.T) {
	login := func(country string, days int) activity.Activity {
		at := time.Now().UTC().AddDate(0, 0, -days)
		return activity.Activity{ID: fmt.Sprint(country, days), Network: "okta", Account: "okta/ann", Kind: activity.KindLogin, Time: at, Geo: activity.Geo{Country: country}}
	}
	s := newSite(t, "")
	r := s.run(t)
	r.push(login("AT", 30))
	for day := 29; day > 3; day-- {
		r.push(login("DE", day))
	}
	r.push(login("AT", 2)) // known
	r.checkpointed()
	r.end()
	files := checkpointsOf(s.data(), 0)
	if err := errors.Join(os.RemoveAll(files.newest), os.RemoveAll(files.previous)); err != nil {
		t.Fatal(err)
	}
	s.offline(t, func(js jetstream.JetStream) {
		stream, err := js.Stream(t.Context(), journal.StreamName(0))
		if err != nil {
			t.Fatal(err)
		}
		for seq := uint64(1); ; seq++ { // as if the first login had expired
			msg, err := stream.GetMsg(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.DeleteMsg(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(msg.Data), "AT30") {
				return
			}
		}
	})
	r = s.run(t)
	r.push(login("RO", 1))
	found := r.alerts("login_new_country", 1)
	if len(found) != 1 || found[0].Trigger().Geo.Country != "RO" {
		t.Errorf("%d alerts, the first from %s; want one, from RO", len(found), found[0].Trigger().Geo.Country)
	}
}
