package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting/notify"
)

// courier brings one receiver its messages.
type courier struct {
	name      string
	notifier  notify.Notifier
	words     func(m *notify.Message) *notify.Message
	deadlines Deadlines
	pace      pace
	heartbeat time.Duration // between two; 0: none
	healthy   func(ctx context.Context) error
	ledger    ledger
	receipts  func(ctx context.Context, receiver string) (map[string]string, error)
	open      func(ctx context.Context) (source, error)
	now       func() time.Time
	chance    func() float64
	observer  Observer
	log       *zap.Logger

	mu     sync.Mutex
	alive  bool // messages are read and tried
	told   bool // the output knows what was told before; for session alone
	core   *core
	behind uint64 // in the stream, not taken yet
	health health
	wake   chan struct{} // something happened that next may depend on; holds one
	group  sync.WaitGroup
}

// health is what can be said of a receiver by what it answered.
type health struct {
	Opened time.Time // when the breaker opened; zero: closed
	Worked time.Time // the last message that it took
	Died   time.Time // the last message that was given up
	Denied time.Time // since when it denies a message until a setting is mended; zero: it does not
	Fault  string    // of the last try that failed
}

// run brings messages, and heartbeats, until ctx ends.
func (c *courier) run(ctx context.Context) {
	if beater, ok := c.notifier.(notify.Beater); ok && c.heartbeat > 0 {
		var beating sync.WaitGroup
		defer beating.Wait()
		beating.Go(func() { c.beat(ctx, beater) })
	}
	if runner, ok := c.notifier.(interface {
		Run(ctx context.Context) error
	}); ok {
		var running sync.WaitGroup
		defer running.Wait()
		running.Go(func() {
			if err := runner.Run(ctx); err != nil && ctx.Err() == nil {
				c.log.Error("a receiver is not listened to any more", zap.String("receiver", c.name), zap.Error(err))
			}
		})
	}
	wait := time.Duration(0)
	for ctx.Err() == nil {
		began := c.now()
		err := c.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if c.now().Sub(began) > time.Minute {
			wait = 0
		}
		wait = min(max(2*wait, c.pace.own/4), 15*time.Second)
		c.log.Warn("notifications of a receiver cannot be read; trying again", zap.String("receiver", c.name), zap.Duration("in", wait), zap.Error(err))
		sleep(ctx, wait)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// session reads the source from its beginning until ctx ends or it cannot be
// read on. What the breaker and the receiver's wish to be left alone have come
// to outlives it.
func (c *courier) session(ctx context.Context) error {
	src, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer src.close()
	if err := c.resume(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	before := c.core
	c.core = newCore(c.deadlines, c.pace, c.chance)
	if before != nil {
		c.core.breaker, c.core.quiet = before.breaker, before.quiet
		c.core.breaker.probing = false
	}
	c.alive = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.alive = false
	}()
	// Tries go on for a moment when ctx ends.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer c.finish(cancel)
	ended := make(chan error, 1)
	taking, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer stop()
	reader.Go(func() { ended <- c.read(taking, src) })
	return c.loop(ctx, work, src, ended)
}

// resume lets the output go on with what was told before a restart.
func (c *courier) resume(ctx context.Context) error {
	resumer, ok := c.notifier.(notify.Resumer)
	if !ok || c.told {
		return nil
	}
	receipts, err := c.receipts(ctx, c.name)
	if err != nil {
		return err
	}
	resumer.Resume(receipts)
	c.told = true
	return nil
}

// finish waits for tries under way, and then for less.
func (c *courier) finish(cancel context.CancelFunc) {
	timer := time.AfterFunc(c.pace.stop, cancel)
	defer timer.Stop()
	c.group.Wait()
	cancel()
}

func (c *courier) read(ctx context.Context, src source) error {
	for {
		p, err := src.take(ctx)
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.core.add(p)
		c.behind = p.behind
		c.mu.Unlock()
		c.nudge()
	}
}

func (c *courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *courier) loop(ctx, work context.Context, src source, ended <-chan error) error {
	keep := time.NewTicker(keepEvery)
	defer keep.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		until := c.pump(work, src)
		timer.Stop()
		if !until.IsZero() {
			timer.Reset(max(until.Sub(c.now()), 0))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			return err
		case <-c.wake:
		case <-timer.C:
		case <-keep.C:
			c.keep()
		}
	}
}

// keep tells the server of every message held that it is still worked on.
func (c *courier) keep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.core.lanes {
		for _, p := range l.parcels {
			// A failure means that the connection is away: the source tells.
			_ = p.ack.InProgress()
		}
	}
}

// pump starts all that is due, and returns when something is next.
func (c *courier) pump(work context.Context, src source) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		s := c.core.next(c.now())
		if s.lane == nil {
			c.tell()
			return s.until
		}
		c.group.Go(func() {
			c.carry(work, src, s)
			c.nudge()
		})
	}
}

// tell reports how the receiver is; the lock is held.
func (c *courier) tell() {
	c.health.Opened, c.health.Denied = c.core.breaker.opened, c.core.denied()
	c.observer.Pending(c.name, c.core.held+int(c.behind)) //nolint:gosec // messages of one stream
	c.observer.Up(c.name, c.health.up())
}

func (h *health) up() bool {
	return h.Opened.IsZero() && h.Denied.IsZero() && !h.Died.After(h.Worked)
}

// carry does one step with the first message of a lane, from reading the record
// to writing it.
func (c *courier) carry(work context.Context, src source, s step) {
	outcome, retry := c.settle(work, src, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.core.free(s.lane, outcome, retry)
}

func (c *courier) settle(work context.Context, src source, s step) (outcome Outcome, retry time.Time) {
	l, p := s.lane, s.first
	if l.record == nil {
		r, err := c.ledger.record(work, c.name, l.incident)
		if err != nil {
			c.log.Warn("what a receiver was told cannot be read; trying again", zap.String("receiver", c.name), zap.String("key", p.message.Key), zap.Error(err))
			return unmade, c.now().Add(c.pace.own)
		}
		l.record = r
	}
	if l.record.covers(src.log(), p) {
		c.acknowledge(work, p)
		return known, time.Time{}
	}
	c.mu.Lock()
	l.record.resume(p)
	c.mu.Unlock()
	var receipt string
	if s.bury {
		outcome = Dead
	} else if receipt, outcome = c.try(work, l, p); outcome == unmade {
		return unmade, c.now().Add(c.pace.own)
	}
	return c.conclude(work, src, s, outcome, receipt), c.now().Add(c.pace.own)
}

// try tells the receiver once.
func (c *courier) try(work context.Context, l *lane, p *parcel) (receipt string, outcome Outcome) {
	m := p.message
	m.Receipt = l.record.Receipt
	ctx, cancel := context.WithTimeout(work, attemptTime)
	defer cancel()
	receipt, err := c.notify(ctx, &m)
	if err != nil && work.Err() != nil {
		return "", unmade // cut short by us
	}
	now := c.now()
	c.mu.Lock()
	outcome = c.core.done(now, l, err)
	switch outcome {
	case Delivered:
		c.health.Worked = now
	case Retried, Dead, known, unmade:
		c.health.Fault = p.fault
	}
	c.mu.Unlock()
	if err != nil {
		c.log.Warn("a receiver has not taken a message", zap.String("receiver", c.name), zap.String("key", m.Key),
			zap.Int("attempt", p.attempts), zap.String("outcome", string(outcome)), zap.Error(err))
	}
	return receipt, outcome
}

// notify tells the receiver in its own words. It turns a panic of the output
// into an error: one output must not take the others down.
func (c *courier) notify(ctx context.Context, m *notify.Message) (receipt string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = notify.Permanent(fmt.Errorf("the output failed, which is a fault of Picket: %v", r))
		}
	}()
	if c.words != nil {
		m = c.words(m)
	}
	return c.notifier.Notify(ctx, m)
}

// conclude makes what came of a try durable, and returns the outcome, or unmade
// where delivery ended before that.
func (c *courier) conclude(work context.Context, src source, s step, outcome Outcome, receipt string) Outcome {
	l, p := s.lane, s.first
	now := c.now()
	if outcome == Retried {
		c.observer.Told(c.name, Retried, 0)
		next := l.record.failed(now, p)
		if err := c.ledger.write(work, c.name, l.incident, next); err == nil {
			l.record = next
		}
		return Retried
	}
	fault := ""
	if outcome == Dead {
		fault = lastFault(p)
		if err := c.insist(work, func() error { return c.ledger.bury(work, c.letter(p, now), p.seq) }); err != nil {
			return unmade
		}
		c.died(now, fault)
		c.log.Error("a message became a dead letter", zap.String("receiver", c.name), zap.String("key", p.message.Key),
			zap.Int("attempts", p.attempts), zap.String("error", fault))
	}
	next := l.record.settled(src.log(), now, p, receipt, fault)
	if err := c.insist(work, func() error { return c.ledger.write(work, c.name, l.incident, next) }); err != nil {
		return unmade
	}
	l.record = next
	c.observer.Told(c.name, outcome, now.Sub(p.queued))
	c.acknowledge(work, p)
	return outcome
}

// insist repeats what must become durable until it is, or ctx ends.
func (c *courier) insist(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		c.log.Warn("what a receiver was told cannot be kept; trying again", zap.String("receiver", c.name), zap.Error(err))
		sleep(ctx, c.pace.own)
	}
}

// acknowledge tells the server that a message is settled. Where that fails, the
// server gives it out again, and its record says that it is settled.
func (c *courier) acknowledge(ctx context.Context, p *parcel) {
	ctx, cancel := context.WithTimeout(ctx, c.pace.stop)
	defer cancel()
	c.mu.Lock()
	ack := p.ack
	c.mu.Unlock()
	if err := ack.DoubleAck(ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.log.Debug("a settled message was not acknowledged", zap.String("receiver", c.name), zap.String("key", p.message.Key), zap.Error(err))
	}
}

// died notes when the last message was given up, and why.
func (c *courier) died(at time.Time, fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.health.Died) {
		c.health.Died, c.health.Fault = at, fault
	}
}

func (c *courier) letter(p *parcel, now time.Time) *Letter {
	return &Letter{V: letterVersion, Message: p.message, Error: lastFault(p), Attempts: p.attempts, Queued: p.queued, Died: now}
}

// lastFault says why a message was given up.
func lastFault(p *parcel) string {
	if p.fault == "" {
		return "not tried: the receiver did not work until the message's time was over"
	}
	return p.fault
}

// report returns how the receiver is now.
func (c *courier) report() health {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.health
}
