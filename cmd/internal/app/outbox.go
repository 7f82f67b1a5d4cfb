package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

const (
	// maxUnsent bounds the matches that wait to be passed on; beyond it the
	// detector waits. maxSent bounds those of one message.
	maxUnsent, maxSent = 8192, 200
	// watermarkEvery is how far log time moves on until a partition without
	// matches says how far it has come. It is less than the tick of a log that
	// somebody waits for.
	watermarkEvery = 900 * time.Millisecond
	// sentWait bounds one attempt to append, and how long a checkpoint waits.
	sentWait = 5 * time.Second
)

// matchLog is where an outbox appends; *journal.MatchLog implements it.
type matchLog interface {
	Last(ctx context.Context) (journal.Steps, error)
	Append(ctx context.Context, s journal.Steps) error
}

// outbox passes a partition's matches on to the second stage, beside the
// detector: while one message becomes durable the next one gathers. Whoever
// reads the partition again after a crash makes the same matches, so what is
// there already is left out, whoever appended it.
type outbox struct {
	log       matchLog
	ensure    func(context.Context) error // makes the stream
	created   time.Time                   // of the partition's log
	end       uint64                      // where that log ended when its reader began
	partition int
	logger    *zap.Logger
	there     *journal.Steps // what was passed on last; nil where that has to be read. The goroutine of run alone uses it

	mu      sync.Mutex
	changed *sync.Cond
	steps   []journal.Step
	waiting int       // matches in steps
	until   uint64    // how far the partition has been read
	at      time.Time // log time there
	sent    time.Time // log time up to which others know
	began   string    // program of the last step that began one, and so in force for the second stage
	known   bool      // something is to be passed on, or was
	flying  uint64    // the first message whose step is being appended; the highest number for none
	stopped bool
}

func newOutbox(w *worker) *outbox {
	o := &outbox{
		log: w.journal.Matches(w.partition), ensure: w.journal.EnsureMatches,
		created: w.created, end: w.end, partition: w.partition, logger: w.log,
		known: w.engine.Plan().Keyed(), flying: math.MaxUint64,
	}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// add takes what the message at sequence gave at log time at, under a program.
// Without rules across accounts, there and before, nothing is passed on. It waits
// for room, at most until ctx ends.
func (o *outbox) add(ctx context.Context, sequence uint64, at time.Time, program string, plan *detector.Plan, matches []detector.Match) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !plan.Keyed() && !o.known {
		return nil
	}
	if err := o.room(ctx); err != nil {
		return err
	}
	o.known = plan.Keyed()
	step := journal.Step{Sequence: sequence, Time: at}
	if program != o.began {
		step.Program, o.began = program, program
	}
	for i := range matches {
		m := &matches[i]
		step.Matches = append(step.Matches, journal.StepMatch{Rules: slices.Clone(m.Rules), Backfill: m.Backfill, Activity: m.Activity.Clone()})
	}
	if o.until, o.at = sequence, at; step.Program != "" || len(matches) > 0 {
		o.steps = append(o.steps, step)
		o.waiting += len(matches)
	}
	if o.due() {
		o.changed.Broadcast()
	}
	return nil
}

// room waits until there is room for more, or ctx ends.
func (o *outbox) room(ctx context.Context) error {
	if o.waiting < maxUnsent {
		return nil
	}
	defer o.wakeAt(ctx)()
	for o.waiting >= maxUnsent {
		if err := ctx.Err(); err != nil || o.stopped {
			return errors.Join(errNotPassed, err)
		}
		o.changed.Wait()
	}
	return nil
}

// errNotPassed says that matches were left when their time was up.
var errNotPassed = errors.New("matches not passed on in time")

// due reports whether there is something to append.
func (o *outbox) due() bool { return len(o.steps) > 0 || o.known && o.at.Sub(o.sent) >= watermarkEvery }

// wakeAt wakes whoever waits when ctx ends; the function it returns undoes it.
func (o *outbox) wakeAt(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.changed.Broadcast()
	})
}

// run appends until ctx ends.
func (o *outbox) run(ctx context.Context) {
	defer o.wakeAt(ctx)()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.stopped = true
		o.changed.Broadcast()
	}()
	for {
		o.mu.Lock()
		o.flying = math.MaxUint64
		o.changed.Broadcast()
		for !o.due() && ctx.Err() == nil {
			o.changed.Wait()
		}
		if ctx.Err() != nil {
			o.mu.Unlock()
			return
		}
		steps, until, at := o.steps, o.until, o.at
		o.steps, o.waiting, o.sent = nil, 0, at
		if len(steps) > 0 {
			o.flying = steps[0].Sequence
		}
		o.changed.Broadcast()
		o.mu.Unlock()
		if !o.deliver(ctx, steps, until, at) {
			return // it goes on flying: what was not appended is not done
		}
	}
}

// deliver makes steps durable. It tries until ctx ends.
func (o *outbox) deliver(ctx context.Context, steps []journal.Step, until uint64, at time.Time) bool {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := o.try(ctx, steps, until, at)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		o.logger.Warn("matches not passed on; trying again", zap.Int("partition", o.partition), zap.Int("steps", len(steps)), zap.Error(err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

// try appends what is missing of steps.
func (o *outbox) try(ctx context.Context, steps []journal.Step, until uint64, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, sentWait)
	defer cancel()
	if o.there == nil {
		last, err := o.last(ctx)
		if err != nil {
			return err
		}
		o.there = &last
	}
	for {
		last := o.there
		done := last.Until
		if !last.Log.Equal(o.created) {
			done = 0 // of another log
		}
		there, _ := slices.BinarySearchFunc(steps, done+1, func(s journal.Step, seq uint64) int { return cmp.Compare(s.Sequence, seq) })
		steps = steps[there:]
		if until <= done {
			return nil
		}
		next := journal.Steps{Log: o.created, Program: last.InForce(), After: done, Until: until, Time: at, Steps: steps}
		if n := fits(steps); n < len(steps) {
			next.Steps, next.Until, next.Time = steps[:n], steps[n-1].Sequence, steps[n-1].Time
		}
		if err := o.log.Append(ctx, next); err != nil {
			o.there = nil // it may be stored, or another's
			return err
		}
		o.there = &journal.Steps{Log: next.Log, Program: next.InForce(), Until: next.Until}
	}
}

// fits returns how many steps make one message, at least one.
func fits(steps []journal.Step) int {
	n := 0
	for i := range steps {
		if n += len(steps[i].Matches); n > maxSent && i > 0 {
			return i
		}
	}
	return len(steps)
}

// last reads what is there. A message that cannot be read is gone over: what it
// said is passed on again, which the reader passes over.
func (o *outbox) last(ctx context.Context) (journal.Steps, error) {
	if err := o.ensure(ctx); err != nil {
		return journal.Steps{}, err
	}
	last, err := o.log.Last(ctx)
	switch {
	case errors.Is(err, journal.ErrSteps):
		o.logger.Error("what was passed on last cannot be read", zap.Int("partition", o.partition), zap.Error(err))
		return journal.Steps{}, nil
	case err == nil && last.Log.Equal(o.created) && last.Until > o.end:
		// The end of the log was lost, with what came of it; others follow in its
		// place.
		last.Until = o.end
	}
	if err == nil {
		o.end = math.MaxUint64
	}
	return last, err
}

// drain waits until everything added that says more than how late it is has
// been appended.
func (o *outbox) drain(ctx context.Context) error { return o.await(ctx, math.MaxUint64-1) }

// await is drain for what was added up to a sequence. It waits a moment at most.
func (o *outbox) await(ctx context.Context, sequence uint64) error {
	ctx, cancel := context.WithTimeout(ctx, sentWait)
	defer cancel()
	defer o.wakeAt(ctx)()
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.flying <= sequence || len(o.steps) > 0 && o.steps[0].Sequence <= sequence {
		if ctx.Err() != nil || o.stopped {
			return fmt.Errorf("%w: %d steps", errNotPassed, len(o.steps))
		}
		o.changed.Wait()
	}
	return nil
}
