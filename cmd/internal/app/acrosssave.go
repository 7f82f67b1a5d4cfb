package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// The checkpoints of the second stage.

// restore loads the newest checkpoint that fits the stream of matches, or begins
// where that begins.
func (a *across) restore(ctx context.Context) error {
	if err := a.journal.EnsureMatches(ctx); err != nil {
		return err
	}
	head, _, err := a.journal.MatchHead(ctx)
	if err != nil {
		return err
	}
	a.created, a.unsaved = head.Created, false
	mark, ok, err := a.marks.Get(ctx, a.partition)
	if err != nil {
		return err
	}
	if a.told = 0; ok && mark.Created.Equal(head.Created) {
		a.told = mark.Sequence
	}
	for _, path := range []string{a.files.newest, a.files.previous} {
		m, err := readAcross(path)
		if errors.Is(err, errNoCheckpoint) {
			continue
		}
		if err == nil {
			err = a.resume(ctx, m, head)
		}
		if err == nil {
			a.log.Info("checkpoint restored", zap.Int("partition", a.partition))
			return nil
		}
		if !unusable(err) {
			return fmt.Errorf("restore checkpoint of rules across accounts: %w", err)
		}
		a.log.Warn("checkpoint not usable", zap.Int("partition", a.partition), zap.Error(err))
	}
	return a.fresh()
}

// fresh begins with empty memory, and no rules until partition 0 tells which.
func (a *across) fresh() error {
	none, err := detector.Compile(detector.Set{})
	if err != nil {
		return err
	}
	a.engine, a.program = a.newEngine(none), ""
	a.cursors = make([]acrossCursor, a.partition)
	return nil
}

func (a *across) newEngine(plan *detector.Plan) *detector.Keyed {
	return detector.NewKeyed(a.partition, plan, detector.EngineOptions{Lateness: a.lateness})
}

// resume goes on from a checkpoint.
func (a *across) resume(ctx context.Context, m *acrossMemory, head journal.Head) error {
	lost := func(of acrossCursor) bool { return of.Sequence > head.Last }
	switch {
	case !m.Created.Equal(head.Created):
		return fmt.Errorf("%w: the stream of matches was created %s, the checkpoint is of one created %s",
			journal.ErrTruncated, head.Created.Format(time.RFC3339Nano), m.Created.Format(time.RFC3339Nano))
	case slices.ContainsFunc(m.Cursors, lost):
		return fmt.Errorf("%w: the stream of matches ends at %d, before what the checkpoint covers", journal.ErrTruncated, head.Last)
	case len(m.Cursors) != a.partition:
		return fmt.Errorf("%w: it is of %d partitions, not of %d", errDamaged, len(m.Cursors), a.partition)
	}
	plan, err := detector.Compile(detector.Set{})
	if m.Program != "" {
		plan, err = a.plans.get(ctx, m.Program)
	}
	if err != nil {
		return err
	}
	engine := a.newEngine(plan)
	if err := engine.Restore(m.Engine); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	a.engine, a.program, a.cursors = engine, m.Program, m.Cursors
	return nil
}

// checkpoint saves the memory once every finding before it is durable. A failure
// costs only a longer start, so it is told and passed over.
func (a *across) checkpoint(ctx context.Context) {
	if !a.unsaved {
		return
	}
	start := time.Now()
	size, err := a.save(ctx, start)
	if err != nil {
		a.log.Warn("checkpoint not saved; the one before it stays", zap.Int("partition", a.partition), zap.Error(err))
		return
	}
	a.unsaved = false
	a.metrics.Checkpointed(a.partition, size, time.Since(start))
}

func (a *across) save(ctx context.Context, start time.Time) (int, error) {
	err := a.reports.drain(ctx)
	if err == nil {
		err = a.sink.Sync(ctx)
	}
	if err != nil {
		return 0, err
	}
	m := acrossMemory{Saved: start.UTC(), Created: a.created, Program: a.program, Cursors: a.cursors}
	if m.Engine, err = a.engine.Snapshot(); err != nil {
		return 0, err
	}
	size, err := m.write(a.files)
	at := a.engine.LogTime()
	mark := journal.Mark{Created: a.created, Sequence: uint64(max(at.UnixNano(), 0)), Time: at}
	a.mark(ctx, mark)
	return size, err
}

// mark keeps beside the log that every finding before a log time is durable.
func (a *across) mark(ctx context.Context, mark journal.Mark) {
	if mark.Sequence <= a.told || time.Since(a.marked) < markEvery && !a.stopping {
		return
	}
	if err := a.marks.Put(ctx, a.partition, mark); err != nil {
		a.log.Warn("how far alerts are told could not be kept", zap.Int("partition", a.partition), zap.Error(err))
		return
	}
	a.told, a.marked = mark.Sequence, time.Now()
}
