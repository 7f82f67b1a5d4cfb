package app

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/detector"
)

// maxUnreported bounds the findings that wait for alerting; beyond it the
// detector waits.
const maxUnreported = 4096

// errNotReported says that findings were left when their time was up.
var errNotReported = errors.New("findings not delivered in time")

// reporter hands findings to alerting beside the detector: while one batch
// becomes durable the next one gathers, so that a slow disk costs latency and
// not throughput. Order is kept.
type reporter struct {
	sink      alertSink
	metrics   workerMetrics
	log       *zap.Logger
	partition int

	mu      sync.Mutex
	changed *sync.Cond
	next    batchOfFindings
	waiting bool   // next has something to report
	told    uint64 // all up to this sequence is reported
	busy    bool
	stopped bool
}

// batchOfFindings is what one call of alerting gets.
type batchOfFindings struct {
	found             []detector.Finding
	since             []origin
	logTime           time.Time
	sequence, pending uint64
}

func newReporter(w *worker) *reporter { return reporterOf(w.sink, w.metrics, w.log, w.partition) }

func reporterOf(sink alertSink, metrics workerMetrics, log *zap.Logger, partition int) *reporter {
	r := &reporter{sink: sink, metrics: metrics, log: log, partition: partition}
	r.changed = sync.NewCond(&r.mu)
	return r
}

// add queues what one message gave, which may be nothing but time. It waits
// for room, at most until ctx ends.
func (r *reporter) add(ctx context.Context, b batchOfFindings) error {
	defer r.wakeAt(ctx)()
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.next.found) >= maxUnreported {
		if err := ctx.Err(); err != nil || r.stopped {
			return errors.Join(errNotReported, err)
		}
		r.changed.Wait()
	}
	r.next.found = append(r.next.found, b.found...)
	r.next.since = append(r.next.since, b.since...)
	r.next.logTime, r.next.sequence, r.next.pending = b.logTime, b.sequence, b.pending
	r.waiting = true
	r.changed.Broadcast()
	return nil
}

// wakeAt wakes whoever waits when ctx ends; the function it returns undoes it.
func (r *reporter) wakeAt(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
}

// run reports until ctx ends.
func (r *reporter) run(ctx context.Context) {
	wake := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stopped = true
		r.changed.Broadcast()
	})
	defer wake()
	var spare batchOfFindings
	for {
		r.mu.Lock()
		r.busy, r.told = false, max(r.told, spare.sequence)
		r.changed.Broadcast()
		for !r.waiting && !r.stopped {
			r.changed.Wait()
		}
		if r.stopped {
			r.mu.Unlock()
			return
		}
		batch := r.next
		r.next = batchOfFindings{found: spare.found[:0], since: spare.since[:0]}
		r.waiting, r.busy = false, true
		r.changed.Broadcast()
		r.mu.Unlock()
		if !r.deliver(ctx, &batch) {
			return // busy stays: what was not delivered is not done
		}
		clear(batch.found) // lets go of the evidence
		spare = batch
	}
}

// deliver makes one batch durable as alerts. It tries until ctx ends: going on
// without it would lose findings.
func (r *reporter) deliver(ctx context.Context, b *batchOfFindings) bool {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := r.try(ctx, b)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return false
		}
		r.log.Warn("findings not delivered; trying again", zap.Int("partition", r.partition), zap.Int("findings", len(b.found)), zap.Error(err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
	now := time.Now()
	for i := range b.since {
		if o := &b.since[i]; !o.kept.IsZero() {
			r.metrics.Latency(o.network, between(o.happened, o.seen), between(o.seen, o.kept), between(o.kept, now))
		}
	}
	r.metrics.Progress(r.partition, b.sequence, b.pending, b.logTime)
	return true
}

func (r *reporter) try(ctx context.Context, b *batchOfFindings) error {
	if len(b.found) > 0 {
		if err := r.sink.Report(ctx, b.found); err != nil {
			return err
		}
	}
	return r.sink.Flush(ctx, b.logTime)
}

// drain waits until everything added is reported, or ctx ends.
func (r *reporter) drain(ctx context.Context) error { return r.await(ctx, math.MaxUint64) }

// await waits until everything added up to a sequence is reported, or ctx ends.
func (r *reporter) await(ctx context.Context, sequence uint64) error {
	defer r.wakeAt(ctx)()
	r.mu.Lock()
	defer r.mu.Unlock()
	for (r.waiting || r.busy) && r.told < sequence {
		if ctx.Err() != nil || r.stopped {
			return errors.Join(errNotReported, ctx.Err())
		}
		r.changed.Wait()
	}
	return nil
}
