package collectors

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

const (
	// leaseRecheck is how often a credential is asked for whose lease another
	// process holds.
	leaseRecheck = time.Second
	// longestHold bounds what a network can make a credential wait before it
	// is tried again.
	longestHold = 24 * time.Hour
	idleWait    = time.Minute
)

// Run polls until ctx ends, and returns nil when the last poll has ended. It
// can run once.
func (s *Scheduler) Run(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	var visits sync.WaitGroup
	defer visits.Wait()
	s.mu.Lock()
	s.beside = func(f func(context.Context)) context.CancelFunc {
		ctx, cancel := context.WithCancel(ctx)
		visits.Go(func() { defer cancel(); f(ctx) })
		return cancel
	}
	s.mu.Unlock()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(s.dispatch(ctx, &visits))
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-timer.C:
		}
	}
}

func (s *Scheduler) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return errors.New("run scheduler: it ran already; make a new one")
	}
	s.started = true
	now := stampOf(s.opts.Now())
	for _, t := range s.tasks {
		t.since = now
	}
	return nil
}

// dispatch starts every visit that is due and has a place, and returns how long
// nothing else will be due.
func (s *Scheduler) dispatch(ctx context.Context, visits *sync.WaitGroup) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	s.mind(stampOf(now))
	s.checkLeases(stampOf(now))
	for s.running < s.opts.Workers && len(s.queue) > 0 && s.queue[0].next <= stampOf(now) && ctx.Err() == nil {
		t := s.queue[0]
		s.queue.remove(t)
		s.admit(ctx, t, stampOf(now), visits)
	}
	wait := idleWait
	if len(s.parked) > 0 {
		wait = leaseRecheck
	}
	if s.running < s.opts.Workers && len(s.queue) > 0 {
		wait = min(wait, s.queue[0].next.time().Sub(now))
	}
	return wait
}

// admit starts a task's visit, or makes it wait: for its credential's lease,
// for one of its places, or until it may send again.
func (s *Scheduler) admit(ctx context.Context, t *task, now stamp, visits *sync.WaitGroup) {
	g := t.group
	leased := s.leased(g, now)
	if !leased || g.running >= s.opts.PerCredential {
		g.waiting.push(t, t.due)
		t.waiting = true
		if !leased {
			s.unwatch(t)
			s.parked[g] = struct{}{}
		}
		return
	}
	held, limit := g.held, g.why
	if t.src != nil && t.src.held > held {
		held, limit = t.src.held, t.src.why
	}
	if held <= now {
		limit = nil
	} else if overdue := t.tellAt(limit, now); overdue > now {
		s.queue.push(t, min(held, overdue))
		return
	}
	s.visit(ctx, t, limit, now, visits)
}

// tellAt is when a task that must wait has to say why. That money is spent it
// says at once: it goes on for days and does not mend itself.
func (t *task) tellAt(why error, now stamp) stamp {
	if _, spent := exhausted(why); spent && (t.status == nil || t.status.reported.State != activity.PollExhausted) {
		return now
	}
	return max(t.overdue, max(t.since, t.group.since).add(failingIntervals*t.longest()+time.Millisecond))
}

func (s *Scheduler) leased(g *group, now stamp) bool {
	held := s.opts.Leases.Held(g.lease)
	if held && !g.leased {
		g.term++
		g.since = now
	}
	g.leased = held
	return held
}

// checkLeases lets the tasks of leases go on that were gained.
func (s *Scheduler) checkLeases(now stamp) {
	if len(s.parked) == 0 || now < s.leaseCheck {
		return
	}
	s.leaseCheck = now.add(leaseRecheck)
	for g := range s.parked {
		if s.leased(g, now) {
			delete(s.parked, g)
			s.admitAll(g)
		}
	}
}

// admitWaiting puts as many waiting tasks of g back into the queue as g has
// places.
func (s *Scheduler) admitWaiting(g *group) {
	for range s.opts.PerCredential - g.running {
		if len(g.waiting) == 0 || !g.leased {
			return
		}
		s.unwait(g)
	}
}

func (s *Scheduler) admitAll(g *group) {
	for len(g.waiting) > 0 {
		s.unwait(g)
	}
}

func (s *Scheduler) unwait(g *group) {
	t := g.waiting[0]
	g.waiting.remove(t)
	t.waiting = false
	s.queue.push(t, t.due)
}

func (s *Scheduler) visit(ctx context.Context, t *task, limit error, now stamp, visits *sync.WaitGroup) {
	g := t.group
	if t.src == nil {
		t.src = &source{}
		t.status = &status{}
	}
	if t.src.term != g.term || t.src.watched.IsZero() {
		// Another process may have polled meanwhile, and has to be thanked or
		// blamed for the time until now.
		t.src.term, t.src.ledger = g.term, nil
		t.src.watched = max(t.since, g.since).time()
	}
	t.visiting, t.anew = true, false
	s.running++
	g.running++
	v := &visit{opts: &s.opts, task: t.Task, turn: &turn{account: t.hash}, extra: t.extra && t.regular > now, src: t.src, limit: limit}
	late := max(0, time.Duration(now-t.due)*time.Millisecond)
	visits.Go(func() {
		res := v.run(ctx)
		if res.polled {
			s.opts.Observer.PollDone(v.task.Network, res.outcome, res.took, late)
		}
		s.finish(t, g, v, res)
	})
}

// finish decides when a task is visited next.
func (s *Scheduler) finish(t *task, g *group, v *visit, res result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.nudge()
	now := stampOf(s.opts.Now())
	s.mind(now)
	s.running--
	g.running--
	t.visiting = false
	if res.polled && res.outcome == OutcomeOK {
		g.limits = 0
	}
	var limited *RateLimited
	switch {
	case !res.polled || !errors.As(res.err, &limited):
	case isKept(res.err):
		t.src.wait(limited, res.err, now)
	default:
		s.hold(t, g, limited, res.err, now)
	}
	if g.held > now {
		s.admitAll(g) // each learns that it must wait
	} else {
		s.admitWaiting(g)
	}
	if t.gone {
		s.unwatch(t)
		s.leave(t)
		delete(s.tasks, t.Source)
		return
	}
	if t.anew {
		t.src.held = 0
	}
	t.extra = res.outcome == OutcomeOK && res.more && v.turn.mentions.Load()
	t.overdue = s.overdue(t, now)
	t.status.note(v, res, s.opts.Now())
	s.logResult(t, res)
	next := s.following(t, v, now)
	s.queue.push(t, next)
	if _, spent := exhausted(res.err); spent {
		s.unwatch(t) // what is heard may cost, and nothing would be polled for it
	}
	s.watch(t, res)
}

// following sets when t falls due again, and returns when to look at it.
func (s *Scheduler) following(t *task, v *visit, now stamp) stamp {
	res := &v.result
	if res.outcome != OutcomeLimited {
		t.refused = false
	}
	switch {
	case t.anew:
		t.due = now
	case res.outcome == OutcomeOK, inPart(res.err):
		t.due = s.usual(t, v, now)
	case res.outcome == OutcomeFenced:
		t.due = nextOnGrid(t.hash, t.Every, now)
	case res.outcome == OutcomeLimited && isKept(res.err):
		t.due = t.src.held // this account has had its part
		return now
	case res.outcome == OutcomeLimited:
		// It keeps its turn, but not twice: a source that needs more than is
		// ever left would keep the others from theirs.
		if res.polled && t.refused {
			t.due = now
		}
		if res.polled {
			t.refused = !t.refused
		}
		return now // admit finds out how long it must wait
	case res.outcome == OutcomeForbidden:
		t.due = now.add(around(forbiddenWait, s.opts.Rand()))
	default:
		next := now.add(backoff(t.src.retries, s.opts.Rand()))
		if res.polled {
			t.due = next
		}
		return next
	}
	return t.due
}

// hold makes the credential wait for as long as the network said, or with
// growing patience where it said nothing or a time that has passed.
//
// The first that is told to wait does so alone: it may have a quota of its own,
// and what all share the next one is told, too.
func (s *Scheduler) hold(t *task, g *group, limited *RateLimited, why error, now stamp) {
	until := stampOf(limited.Until)
	if limited.Until.IsZero() || until <= now {
		g.limits++
		until = now.add(max(backoffBase, backoff(g.limits, s.opts.Rand())))
	} else {
		g.limits = 0
	}
	until = min(until, now.add(longestHold))
	_, spent := exhausted(why)
	if !spent && g.tasks > 1 && (g.struck == t || g.struckUntil <= now) {
		g.struck, g.struckUntil = t, until
		t.src.held, t.src.why = until, why
		return
	}
	if until >= g.held {
		g.held, g.why = until, why
	}
}

// overdue is when a task that must wait has to say that it fails.
func (s *Scheduler) overdue(t *task, now stamp) stamp {
	at := stampOf(t.src.health.overdue(t.longest())).add(time.Millisecond)
	if t.src.ledger != nil && t.src.ledger.reported.blind() {
		at = min(t.src.ledger.reported.Written, now).add(repeatReport)
	}
	return max(at, now.add(time.Second))
}

func (s *Scheduler) logResult(t *task, res result) {
	fields := []zap.Field{
		zap.String("source", t.Source), zap.String("outcome", res.outcome),
		zap.Int("items", res.items), zap.Duration("took", res.took), zap.Bool("more", res.more),
	}
	if res.err == nil {
		s.opts.Log.Debug("polled", fields...)
		return
	}
	fields = append(fields, zap.String("error", describe(res.err)))
	if res.outcome == OutcomeFenced {
		s.opts.Log.Info("another writer polls this source too; going on from its cursor", fields...)
		return
	}
	s.opts.Log.Warn("poll", fields...)
}
