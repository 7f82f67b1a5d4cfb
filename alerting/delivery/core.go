package delivery

import (
	"time"

	"github.com/picketd/picket/alerting/notify"
)

// core decides for one receiver which message is tried when. It does no I/O,
// and time and chance are arguments: the same calls give the same answers.
type core struct {
	deadlines Deadlines
	pace      pace
	chance    func() float64 // in [0, 1)

	lanes   []*lane // in the order in which they began
	at      map[string]*lane
	held    int
	busy    int       // lanes with a message under way
	quiet   time.Time // the receiver has asked to be left alone until then
	breaker breaker
}

// lane holds the messages of one incident, the oldest first.
type lane struct {
	incident string
	parcels  []*parcel
	busy     bool      // the first one is under way
	due      time.Time // of the next try
	tried    time.Time // the last one
	blocked  time.Time // not before, for reasons of our own
	record   *Record   // what became of the incident's messages; nil: not read yet
}

// parcel is one message on its way.
type parcel struct {
	message notify.Message
	seq     uint64
	queued  time.Time
	behind  uint64 // messages in the stream behind it, when it was taken
	ack     acknowledger

	attempts int
	fault    string    // of the last try
	denied   time.Time // when the first of the last tries in a row was denied; zero: the last one was not
	probe    bool      // the try under way decides whether the breaker closes
}

func newCore(deadlines Deadlines, p pace, chance func() float64) *core {
	return &core{deadlines: deadlines, pace: p, chance: chance, at: map[string]*lane{}}
}

// add takes a message in. One that is held is not taken again: its way to be
// acknowledged is replaced by the newer one.
func (c *core) add(p *parcel) {
	l := c.at[p.message.Incident]
	if l == nil {
		l = &lane{incident: p.message.Incident}
		c.at[l.incident] = l
		c.lanes = append(c.lanes, l)
	}
	at := len(l.parcels)
	for at > 0 && l.parcels[at-1].seq >= p.seq {
		at--
	}
	if at < len(l.parcels) && l.parcels[at].seq == p.seq {
		l.parcels[at].ack = p.ack
		return
	}
	if at == 0 && l.busy {
		at = 1 // the one under way stays first
	}
	l.parcels = append(l.parcels, nil)
	copy(l.parcels[at+1:], l.parcels[at:])
	l.parcels[at] = p
	c.held++
}

// step is what to do next.
type step struct {
	lane  *lane     // nil: wait
	first *parcel   // the lane's first message
	bury  bool      // its first message's time is over
	until time.Time // for how long to wait; zero: until something happens
}

// next chooses what to do at a moment. The message of a lane that it returns is
// under way until free is called for the lane.
func (c *core) next(now time.Time) step {
	if c.busy >= parallel {
		return step{}
	}
	var wait time.Time
	until := func(t time.Time) {
		if wait.IsZero() || t.Before(wait) {
			wait = t
		}
	}
	var best *lane
	for _, l := range c.lanes {
		if l.busy {
			continue
		}
		p := l.parcels[0]
		end := c.end(p)
		if l.blocked.After(end) {
			end = l.blocked
		}
		// What waited while Picket was down is tried once, however late.
		if gone := p.attempts > 0 || c.breaker.open(); gone && !now.Before(end) {
			return c.start(l, true)
		} else if gone {
			until(end)
		}
		due := c.due(l)
		if due.After(now) {
			until(due)
			continue
		}
		if best == nil || c.before(l, best) {
			best = l
		}
	}
	if best == nil || c.breaker.probing {
		return step{until: wait}
	}
	return c.start(best, false)
}

// end returns when a message's time is over.
func (c *core) end(p *parcel) time.Time {
	end := p.queued.Add(c.deadlines.of(p.message.Level))
	if mended := p.denied.Add(mendTime); !p.denied.IsZero() && mended.Before(end) {
		return mended
	}
	return end
}

// denied returns since when a message that waits has been denied until a setting
// is mended, zero where none is.
func (c *core) denied() time.Time {
	var first time.Time
	for _, l := range c.lanes {
		if at := l.parcels[0].denied; first.IsZero() || !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// due returns when a lane may be tried.
func (c *core) due(l *lane) time.Time {
	due := l.due
	if c.breaker.open() {
		due = c.breaker.until // a probe is due by the breaker alone
	}
	for _, t := range []time.Time{c.quiet, l.blocked} {
		if t.After(due) {
			due = t
		}
	}
	return due
}

// before says which of two lanes comes first. Probes take turns: a message that
// alone is at fault must not keep the others from showing that the receiver
// works.
func (c *core) before(a, b *lane) bool {
	if c.breaker.open() && !a.tried.Equal(b.tried) {
		return a.tried.Before(b.tried)
	}
	pa, pb := a.parcels[0], b.parcels[0]
	if la, lb := pressing(pa.message.Level), pressing(pb.message.Level); la != lb {
		return la < lb
	}
	return pa.seq < pb.seq
}

func (c *core) start(l *lane, bury bool) step {
	l.busy = true
	c.busy++
	p := l.parcels[0]
	if !bury {
		p.probe = c.breaker.open()
		c.breaker.probing = p.probe
	}
	return step{lane: l, first: p, bury: bury}
}

// Outcome is what came of one try.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered"
	Retried   Outcome = "retried" // it failed and is tried again
	Dead      Outcome = "dead"    // it became a dead letter

	known  Outcome = "known" // told before a crash
	unmade Outcome = "none"  // never reached the receiver
)

// Outcomes returns those that are counted.
func Outcomes() []Outcome { return []Outcome{Delivered, Retried, Dead} }

// done takes in what the receiver answered to the first message of a lane.
func (c *core) done(now time.Time, l *lane, err error) Outcome {
	p := l.parcels[0]
	l.tried = now
	defer func() { p.probe = false }()
	if err == nil || notify.IsPermanent(err) {
		p.attempts++
		c.answered(now)
		if err == nil {
			return Delivered
		}
		p.fault = err.Error()
		return Dead
	}
	p.attempts++
	p.fault = err.Error()
	if !notify.IsDenied(err) {
		p.denied = time.Time{}
	} else if p.denied.IsZero() {
		p.denied = now
	}
	if asked := min(notify.After(err), mostAsked); asked > 0 && now.Add(asked).After(c.quiet) {
		c.quiet = now.Add(asked)
	}
	c.breaker.fail(now, p.probe, &c.pace, c.chance())
	if !now.Before(c.end(p)) {
		return Dead
	}
	l.due = now.Add(c.pace.backoff(p.attempts, c.chance()))
	return Retried
}

// answered takes in that the receiver works, or at least answers: what waited
// for its own next try need not wait any longer.
func (c *core) answered(now time.Time) {
	if !c.breaker.succeed() {
		return
	}
	for _, l := range c.lanes {
		l.due = now
	}
}

// free ends what start began. The lane's first message is let go of where its
// outcome is final; else the lane waits until it is due.
func (c *core) free(l *lane, o Outcome, retry time.Time) {
	p := l.parcels[0]
	l.busy = false
	c.busy--
	if p.probe {
		p.probe, c.breaker.probing = false, false
	}
	switch o {
	case Retried:
		return
	case unmade:
		l.blocked = retry
		return
	case Delivered, Dead, known:
	}
	c.held--
	l.parcels = l.parcels[1:]
	if len(l.parcels) > 0 {
		return
	}
	delete(c.at, l.incident)
	for i := range c.lanes {
		if c.lanes[i] == l {
			c.lanes = append(c.lanes[:i], c.lanes[i+1:]...)
			return
		}
	}
}
