package collectors

import (
	"context"
	"net/http"
	"time"
)

// units is what a network counts beside requests in a day.
type units struct {
	limit int
	zone  *time.Location
	cost  func(*http.Request) int

	day        string // of used, as Spend knows it: "units-2026-07-14"
	start, end time.Time
	used       int
	unsaved    int  // part of used that Spend does not know
	looked     bool // Spend was asked for this day
	owned      bool // something else than mentions uses it
	share      share
	pace       pace
}

func newUnits(opts *BudgetOptions) *units {
	u := &units{limit: opts.Units, zone: opts.Zone, cost: opts.Cost}
	if u.zone == nil {
		u.zone = time.UTC
	}
	if u.cost == nil {
		u.cost = func(*http.Request) int { return 1 }
	}
	u.pace.over = 2 * time.Hour
	return u
}

// turn begins another day when one has begun. Days with a change of the clock
// are an hour shorter or longer. Where our clock was set back to a day before, what
// was used counts there: it was used just now.
func (u *units) turn(now time.Time) {
	back := !u.end.IsZero() && now.Before(u.start)
	if !u.end.IsZero() && now.Before(u.end) && !back {
		return
	}
	y, m, d := now.In(u.zone).Date()
	u.start = time.Date(y, m, d, 0, 0, 0, 0, u.zone).UTC()
	u.end = time.Date(y, m, d+1, 0, 0, 0, 0, u.zone).UTC()
	u.day = "units-" + now.In(u.zone).Format(time.DateOnly)
	if u.looked = false; back {
		u.unsaved = u.used
	} else {
		u.used, u.unsaved = 0, 0
	}
	u.share.reset()
}

func (u *units) span() span { return span{u.start, u.end, float64(u.limit)} }

func (u *units) count(c *claim, now time.Time) {
	u.used += c.cost
	u.unsaved += c.cost
	u.owned = u.owned || !c.mentions
	u.share.add(c.turn, float64(c.cost))
	u.pace.add(float64(c.cost), now)
}

// lookAt asks what was used today before this process began, which must be
// known before anything is sent.
func (b *Budget) lookAt(ctx context.Context) error {
	if b.units == nil {
		return nil
	}
	b.mu.Lock()
	b.units.turn(b.opts.Now())
	looked := b.units.looked
	b.mu.Unlock()
	if looked {
		return nil
	}
	return b.saveUnits(ctx, true)
}

// Save keeps what was used since it was called last, where that outlives this
// process. On error it counts here and is saved with the next call.
func (b *Budget) Save(ctx context.Context) error {
	if b.units == nil {
		return nil
	}
	return b.saveUnits(ctx, false)
}

func (b *Budget) saveUnits(ctx context.Context, look bool) error {
	b.spending.Lock()
	defer b.spending.Unlock()
	u := b.units
	b.mu.Lock()
	u.turn(b.opts.Now())
	day, n := u.day, u.unsaved
	done := u.looked && (look || n == 0)
	if b.opts.Spend == nil {
		u.looked, u.unsaved = true, 0
		done = true
	}
	b.mu.Unlock()
	if done {
		return nil
	}
	sum, err := b.opts.Spend.Add(ctx, b.name, day, float64(n))
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.day == day {
		u.unsaved -= n
		u.used, u.looked = int(sum)+u.unsaved, true
	}
	return nil
}
