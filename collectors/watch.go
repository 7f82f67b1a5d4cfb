package collectors

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

const (
	// hintGap is the least time between two polls that hints call for.
	hintGap = 3 * time.Second
	// steady is how long a stream runs before its trouble counts as new.
	steady = time.Minute
)

// watching is the stream of one task.
type watching struct {
	source    string
	collector Watcher
	cancel    context.CancelFunc // nil once it is to end
	done      chan struct{}      // closed when it has ended
	next      stamp              // no poll for a hint before
}

// turn returns when a hint may bring a poll, and takes that time.
func (w *watching) turn(now stamp) stamp {
	at := max(now, w.next)
	w.next = at.add(hintGap)
	return at
}

// watch begins a task's stream once it could be read: not before its lease is
// held and its credential is good.
func (s *Scheduler) watch(t *task, res result) {
	if res.outcome != OutcomeOK || t.watching != nil && t.watching.cancel != nil || s.beside == nil {
		return
	}
	c := watcherOf(t.Collector)
	if c == nil {
		return
	}
	before := t.watching
	w := &watching{source: t.Source, collector: c, done: make(chan struct{})}
	t.watching = w
	w.cancel = s.beside(func(ctx context.Context) {
		defer close(w.done)
		if before != nil {
			<-before.done
		}
		s.listen(ctx, w, func() { s.hint(t, w) })
	})
}

// watcherOf returns the Watcher that a collector is, or is wrapped around, nil
// if there is none.
func watcherOf(c Collector) Watcher {
	for c != nil {
		if w, ok := c.(Watcher); ok {
			return w
		}
		around, ok := c.(interface{ Inner() Collector })
		if !ok {
			return nil
		}
		c = around.Inner()
	}
	return nil
}

// unwatch ends a task's stream. Its place is kept until it has ended, so that
// no two of one collector run at once.
func (s *Scheduler) unwatch(t *task) {
	if w := t.watching; w != nil && w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
}

// hint brings a task's next poll forward, or has one follow the poll that is
// under way.
func (s *Scheduler) hint(t *task, w *watching) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.watching != w || w.cancel == nil {
		return // it was told to end
	}
	if t.visiting {
		t.hinted = true
		return
	}
	now := stampOf(s.opts.Now())
	if at := max(now, w.next); max(t.due, t.regular) > at {
		w.next = at.add(hintGap)
		s.forward(t, at)
	}
}

// listen keeps a stream open until ctx ends.
func (s *Scheduler) listen(ctx context.Context, w *watching, hint func()) {
	for n := 1; ctx.Err() == nil; n++ {
		began := s.opts.Now()
		err := s.hear(ctx, w, hint)
		if ctx.Err() != nil {
			return
		}
		now := s.opts.Now()
		if now.Sub(began) >= steady {
			n = 1
		}
		wait := max(backoffBase, backoff(n, s.opts.Rand()))
		if limited, ok := asLimited(err); ok && limited.Until.After(now) {
			wait = max(wait, min(limited.Until.Sub(now), longestHold))
		}
		if _, forbidden := errors.AsType[*Forbidden](err); forbidden {
			wait = forbiddenWait
		}
		if err == nil {
			err = errors.New("it ended")
		}
		s.opts.Log.Info("stream broken; polls go on as they would without it",
			zap.String("source", w.source), zap.Duration("again_in", wait), zap.String("error", describe(err)))
		_ = pause(ctx, wait, nil)
	}
}

// hear opens a stream once.
func (s *Scheduler) hear(ctx context.Context, w *watching, hint func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("collector panicked", zap.String("source", w.source), zap.Any("panic", p), zap.Stack("stack"))
			err = errPanic(p)
		}
	}()
	ctx, cancel := context.WithCancel(forStream(ctx))
	defer cancel()
	return w.collector.Watch(ctx, hint)
}

func asLimited(err error) (*RateLimited, bool) {
	if err == nil {
		return nil, false
	}
	return errors.AsType[*RateLimited](err)
}
