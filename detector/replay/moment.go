package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// Opening names the moment at which an episode opened.
type Opening struct {
	Episode string    // its id
	From    time.Time // log time before which it had not opened
}

// ErrNotRaised says that a log does not raise an episode.
var ErrNotRaised = errors.New("the log does not raise it")

// Moment replays src until an episode opens and returns the finding that opens
// it. Before each step from o.From on, look is given the engine that takes it, so
// that the last thing it saw is what was known just before. The error is
// ErrNotRaised where the log ends first.
func Moment(ctx context.Context, plan *detector.Plan, src Source, opts detector.EngineOptions, o Opening, look func(*detector.Engine)) (detector.Finding, error) {
	var found detector.Finding
	r := newRun(src, plan, opts, func(f detector.Finding) error {
		if f.Episode == o.Episode && found.Episode == "" {
			found = f
		}
		return nil
	})
	for found.Episode == "" {
		m, err := src.Next(ctx)
		var item *ItemError
		switch {
		case errors.Is(err, io.EOF):
			return found, ErrNotRaised
		case errors.As(err, &item):
			continue
		case err != nil:
			return found, fmt.Errorf("replay: %w", err)
		}
		if err := r.step(&m, o.From, look, func() bool { return found.Episode != "" }); err != nil {
			return found, err
		}
	}
	return found, nil
}

// step gives a message to its engine: from a time on one activity after the other,
// until it is done.
func (r *run) step(m *Message, from time.Time, look func(*detector.Engine), done func() bool) error {
	if m.Plan != nil {
		r.list(m.Plan)
	}
	if m.Time.Before(from) {
		return r.judge(m)
	}
	engine := r.engine(m.Partition)
	if m.Batch == nil || m.Plan != nil {
		look(engine)
		return r.judge(m)
	}
	for i := range m.Batch.Activities {
		one := *m
		one.Batch = &activity.Batch{Backfill: m.Batch.Backfill, Activities: m.Batch.Activities[i : i+1]}
		look(engine)
		if err := r.judge(&one); err != nil || done() {
			return err
		}
	}
	return nil
}
