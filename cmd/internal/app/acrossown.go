package app

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
)

// Who runs the second stage, and how it asks for what it waits for.

// acrossLease names the lease on it.
const acrossLease = "across"

// tickSubject is where whoever reads a partition is asked to let its log time
// move each second, since something waits for it. The message says nothing.
func tickSubject(partition int) string { return "picket.tick." + strconv.Itoa(partition) }

func (a *App) newAcross(cfg *config.Config, p *parts) *across {
	return &across{
		partition: cfg.Journal.Partitions, journal: p.journal, marks: p.marks, sink: p.manager, plans: p.plans,
		files: acrossCheckpoints(cfg.DataDir), every: cfg.Detector.Checkpoint, lateness: cfg.Detector.Lateness,
		metrics: a.metrics, log: a.log,
		want: func(partition int) {
			if err := p.nc.Publish(tickSubject(partition), nil); err != nil {
				a.log.Debug("partition not asked for", zap.Int("partition", partition), zap.Error(err))
			}
		},
	}
}

// heed lets a partition's log time move while somebody asks for it. The function
// that it returns ends that.
func (a *App) heed(p *parts, w *worker) (stop func()) {
	sub, err := p.nc.Subscribe(tickSubject(w.partition), func(*nats.Msg) { w.wanted.Store(time.Now().UnixNano()) })
	if err != nil { // it ticks all the same, every ten seconds
		a.log.Warn("questions for a partition are not heard", zap.Int("partition", w.partition), zap.Error(err))
		return func() {}
	}
	return func() { _ = sub.Unsubscribe() } // fails only on a connection that is closed
}

// needed reports whether anything is to be done across accounts: the rules in
// force ask for it, or others did before and may have left alerts open.
func (a *App) needed(ctx context.Context, p *parts) bool {
	if plan, err := p.plans.get(ctx, p.plans.current()); err == nil && plan.Keyed() {
		return true
	}
	_, there, err := p.journal.MatchHead(ctx)
	return err == nil && there
}

// ownAcross runs the second stage while it is needed and this daemon holds its
// lease.
func (a *App) ownAcross(ctx context.Context, p *parts, s *across) {
	if !await(ctx, time.Second, func() bool { return a.needed(ctx, p) }) {
		return
	}
	held := func() bool { return p.leases.Held(acrossLease) }
	wait := time.Duration(0)
	for await(ctx, 50*time.Millisecond, held) {
		started := time.Now()
		err := a.tendAcross(ctx, held, s)
		a.metrics.Release(s.partition)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			a.log.Warn("rules across accounts given up to another daemon")
			continue
		case time.Since(started) > time.Minute:
			wait = 0
		}
		wait = min(max(2*wait, 250*time.Millisecond), 15*time.Second)
		a.log.Error("rules across accounts are not evaluated; trying again", zap.Duration("in", wait), zap.Error(err))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// tendAcross runs the second stage until the lease is lost, which is no error,
// or ctx ends.
func (a *App) tendAcross(ctx context.Context, held func() bool, s *across) error {
	ctx, lost := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer lost()
	group.Go(func() {
		defer lost()
		await(ctx, 50*time.Millisecond, func() bool { return !held() })
	})
	err := s.run(ctx)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// await waits until something holds, asking every now and then; false where ctx
// ended first.
func await(ctx context.Context, every time.Duration, holds func() bool) bool {
	clock := time.NewTicker(every)
	defer clock.Stop()
	for ctx.Err() == nil {
		if holds() {
			return true
		}
		select {
		case <-ctx.Done():
		case <-clock.C:
		}
	}
	return false
}
