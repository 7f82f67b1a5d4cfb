package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

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
