package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Live describes a world that runs beside the clock.
type Live struct {
	// Seed chooses the world.
	Seed uint64
	// Accounts is the number of connected accounts, at least 1.
	Accounts int
	// Speed is how fast the world's clock runs: 60 has an hour's activities
	// happen in a minute. Nothing is dated in the future: times are those at
	// which it happened by the clock of the daemon. 0 means 1.
	Speed float64
}

const (
	history  = 30 * 24 * time.Hour // what the first polls return
	pageSize = 500
	// missed is how long ago an attack's activity may be and still be told: a
	// daemon that comes back after a night finds no night full of attacks.
	missed  = 10 * time.Minute
	topPace = 10_000
	// briskly is how much shorter than in life attacks are for people who watch.
	briskly = 1.0 / 80
)

// Collector reads a live world: one source, "simulated", with the activities
// of all its accounts and identities. Its first pages are the 30 days before
// the first poll, without attacks, marked as backfill. Then life goes on, and
// the attacks come: within ten seconds of the daemon's clock one of each kind
// that a newcomer should see, then a random one about every minute. It is not
// safe for concurrent use.
type Collector struct {
	live  Live
	now   func() time.Time
	world *World
	at    position // of the world
	// next is the activity after at.Taken, read from the world but not given out.
	next      activity.Activity
	nextLabel *Label
}

// position is the collector's cursor.
type position struct {
	Seed     uint64    `json:"seed"`
	Accounts int       `json:"accounts"`
	Speed    float64   `json:"speed"`
	Started  time.Time `json:"started"` // time of the first poll
	Taken    uint64    `json:"taken"`   // activities read from the world so far
}

// NewCollector returns a collector of the world that l describes. Of deps it
// needs the clock only.
func NewCollector(l Live, deps collectors.Deps) (*Collector, error) {
	if l.Speed == 0 {
		l.Speed = 1
	}
	switch {
	case l.Accounts < 1:
		return nil, fmt.Errorf("simulated source: accounts is %d, want at least 1", l.Accounts)
	case math.IsNaN(l.Speed) || l.Speed < 0.01 || l.Speed > topPace:
		return nil, fmt.Errorf("simulated source: speed is %v, want 0.01 to %d", l.Speed, topPace)
	case deps.Now == nil:
		return nil, errors.New("simulated source: no clock given")
	}
	return &Collector{live: l, now: deps.Now}, nil
}

// Accounts describes the accounts that the collector tells about.
func (c *Collector) Accounts() []Account { return c.live.Members() }

// Members describes the accounts of the world, which its seed and size decide.
func (l Live) Members() []Account {
	return newWorld(Config{Seed: l.Seed, Accounts: l.Accounts, Start: time.Unix(0, 0)}).Accounts()
}

// Poll implements collectors.Collector.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	now := c.now().UTC()
	if err := c.seek(ctx, cursor, now); err != nil {
		return collectors.Page{}, err
	}
	page := collectors.Page{Backfill: c.next.Time.Before(c.at.Started)}
	for !c.next.Time.After(now) && c.next.Time.Before(c.at.Started) == page.Backfill {
		if len(page.Activities) == pageSize {
			break
		}
		attack := c.nextLabel != nil && !c.nextLabel.Benign
		if !attack || now.Sub(c.next.Time) <= missed {
			c.next.Seen = now
			page.Activities = append(page.Activities, c.next)
		}
		c.advance()
	}
	page.More = !c.next.Time.After(now)
	var err error
	if page.Cursor, err = json.Marshal(c.at); err != nil {
		return collectors.Page{}, fmt.Errorf("simulated source: write cursor: %w", err)
	}
	return page, nil
}

// seek brings the world to where the cursor says.
func (c *Collector) seek(ctx context.Context, cursor json.RawMessage, now time.Time) error {
	to := position{
		Seed: c.live.Seed, Accounts: c.live.Accounts, Speed: c.live.Speed,
		Started: now.Truncate(time.Millisecond),
	}
	if cursor != nil {
		var err error
		if to, err = c.parse(cursor, now); err != nil {
			return &collectors.Malformed{Field: "cursor", Err: err}
		}
	}
	if c.world != nil && c.at == to {
		return nil
	}
	c.begin(to)
	for c.at.Taken < to.Taken {
		if c.next.Time.Sub(now) > time.Hour {
			c.world = nil
			return &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
				"taken is %d, but only %d activities have happened by now; check the clock", to.Taken, c.at.Taken)}
		}
		if c.at.Taken%4096 == 0 && ctx.Err() != nil {
			c.world = nil
			return fmt.Errorf("simulated source: find the cursor's place: %w", ctx.Err())
		}
		c.advance()
	}
	return nil
}

func (c *Collector) parse(cursor json.RawMessage, now time.Time) (position, error) {
	var p position
	dec := json.NewDecoder(bytes.NewReader(cursor))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, fmt.Errorf("want what an earlier poll returned: %w", err)
	}
	if p.Seed != c.live.Seed || p.Accounts != c.live.Accounts || p.Speed != c.live.Speed {
		return p, fmt.Errorf("made for seed %d, accounts %d, speed %v, but the source now says %d, %d, %v: "+
			"set them back, or give the source another name to begin a new world",
			p.Seed, p.Accounts, p.Speed, c.live.Seed, c.live.Accounts, c.live.Speed)
	}
	if p.Started.Year() <= firstYear || p.Started.Sub(now) > time.Hour || !p.Started.Truncate(time.Millisecond).Equal(p.Started) {
		return p, fmt.Errorf("started is %s, want a time before now, in whole milliseconds",
			p.Started.Format(time.RFC3339Nano))
	}
	p.Started = p.Started.UTC()
	return p, nil
}

// begin makes the world anew, at its first activity.
func (c *Collector) begin(to position) {
	w := newWorld(Config{Seed: c.live.Seed, Accounts: c.live.Accounts, Start: to.Started.Add(-history)})
	start, speed := to.Started.UnixMilli(), c.live.Speed
	after := func(seconds float64) int64 { return start + int64(seconds*speed*float64(second)) }
	w.director = newDirector(c.live.Seed, after(30), float64(minute)*speed)
	w.director.stretch = briskly * speed
	w.director.scripted(after(1), UnapprovedPost)
	w.director.scripted(after(2), NewCountryLogin)
	w.director.scripted(after(4), PostingBurst)
	w.director.scripted(after(6), ProfileTakeover)
	w.director.scripted(after(8), MassDeletion)
	w.enter(len(w.accounts)+len(w.people), &w.director.queue)
	c.world, c.at = w, to
	c.at.Taken = 0
	c.read()
}

func (c *Collector) advance() {
	c.at.Taken++
	c.read()
}

// read reads the activity that comes next.
func (c *Collector) read() {
	var ok bool
	if c.next, c.nextLabel, ok = c.world.Next(); !ok {
		// An endless world does not end; were it to, nothing more would happen.
		c.next.Time = time.Unix(math.MaxInt32*2, 0)
		return
	}
	for _, t := range []*time.Time{
		&c.next.Time, &c.next.Approval.From, &c.next.Approval.Until,
		&c.next.Poll.From, &c.next.Poll.Until, &c.next.Poll.LastOK,
	} {
		*t = c.wall(*t)
	}
}

// wall turns the world's time into the clock's: from the first poll on the
// world runs at its own speed.
func (c *Collector) wall(t time.Time) time.Time {
	if t.IsZero() || !t.After(c.at.Started) {
		return t
	}
	return c.at.Started.Add(time.Duration(float64(t.Sub(c.at.Started)) / c.live.Speed))
}
