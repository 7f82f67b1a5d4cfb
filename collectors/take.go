package collectors

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"
)

// claim is a request that wants to be sent.
type claim struct {
	key      string // its endpoint
	cost     int    // units
	mentions bool
	turn     *turn // nil: of no account
}

func (b *Budget) claimOf(req *http.Request) *claim {
	c := &claim{mentions: forMentions(req.Context()), turn: turnOf(req.Context())}
	if b.opts.Endpoint != nil {
		c.key = b.opts.Endpoint(req)
	}
	if b.units != nil {
		c.cost = max(0, b.units.cost(req))
	}
	return c
}

// acquire counts one request, waiting at most wait until it may be sent. It
// returns the claim to settle the request with, or a *RateLimited. Mentions
// do not wait, so that they hold nothing else up.
func (b *Budget) acquire(req *http.Request, wait time.Duration) (*claim, error) {
	c, ctx := b.claimOf(req), req.Context()
	if err := b.solvent(ctx); err != nil {
		return nil, err
	}
	if err := b.lookAt(ctx); err != nil {
		return nil, fmt.Errorf("nothing is sent before it is known how many units were used: %w", err)
	}
	deadline := b.opts.Now().Add(wait)
	for {
		no := b.take(c)
		if no == nil {
			if c.turn != nil {
				c.turn.sent.Add(1)
				if c.mentions {
					c.turn.mentions.Store(true)
				}
			}
			return c, nil
		}
		now := b.opts.Now()
		if no.why != nil {
			return nil, &RateLimited{Until: no.until, Err: no.why}
		}
		if no.until.After(deadline) || c.mentions && !no.until.IsZero() {
			return nil, &RateLimited{Until: no.until, Err: b.exhausted(c.key)}
		}
		if no.until.IsZero() {
			no.until = now.Add(time.Minute) // another request's answer comes first
		}
		if err := pause(ctx, no.until.Sub(now), no.changed); err != nil {
			return nil, err
		}
	}
}

// pause waits until something changed, for at most d.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-timer.C:
	}
	return nil
}

func (b *Budget) exhausted(key string) error {
	if key == "" {
		return fmt.Errorf("credential %s has no request left", b.name)
	}
	return fmt.Errorf("credential %s has no request left for %s", b.name, key)
}

// refusal says that a request may not be sent now.
type refusal struct {
	until   time.Time // zero when that depends on an answer to come
	why     error     // nil: there is nothing left, and waiting helps
	changed <-chan struct{}
}

// take counts one request if it may be sent now.
func (b *Budget) take(c *claim) *refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opts.Now()
	w := b.windows[c.key]
	if w == nil {
		b.sweep(now)
		w = &window{limit: -1}
		b.windows[c.key] = w
	}
	if until, ok := w.open(now); !ok {
		return &refusal{until: until, changed: b.changed}
	}
	if b.own != nil {
		if left, until := b.own.left(now); left <= 0 {
			return &refusal{until: until, changed: b.changed}
		}
	}
	if u := b.units; u != nil {
		u.turn(now)
		switch left := u.limit - u.used; {
		case c.cost <= left:
		case left > 0 && c.mentions && u.owned: // it may still do for the accounts' own timelines
			return &refusal{until: u.end, why: b.kept(c, "units")}
		default:
			return &refusal{until: u.end, why: &UnitsSpent{Credential: b.name, Used: u.used, Limit: u.limit, Cost: c.cost, Until: u.end}}
		}
	}
	if no := b.keep(c, w, now); no != nil {
		return no
	}
	b.count(c, w, now)
	return nil
}

// grant is something that is granted for a span and divided.
type grant struct {
	name  string
	span  span
	used  float64
	need  float64 // of the request
	owned bool    // something else than mentions uses it
	share *share
}

// keep refuses a request for which there is something left that it may not
// have.
func (b *Budget) keep(c *claim, w *window, now time.Time) *refusal {
	grants := make([]grant, 0, 2)
	if w.known {
		grants = append(grants, grant{"requests", w.span(), w.used(), 1, w.owned, &w.share})
	} else if c.mentions && w.owned && !w.silent {
		// Whoever finds out what there is should be who it is kept for.
		return &refusal{why: b.kept(c, "requests")}
	}
	if u := b.units; u != nil {
		grants = append(grants, grant{"units", u.span(), float64(u.used), float64(c.cost), u.owned, &u.share})
	}
	for i := range grants {
		if no := b.divide(c, &grants[i], now); no != nil {
			return no
		}
	}
	return b.divideOwn(c, now)
}

func (b *Budget) kept(c *claim, quota string) *Kept {
	return &Kept{Credential: b.name, Endpoint: c.key, Quota: quota, Mentions: c.mentions}
}

// divide holds a request against a quota.
func (b *Budget) divide(c *claim, q *grant, now time.Time) *refusal {
	kept := q.span.kept(b.opts.Reserve, now)
	if q.need > 0 { // requests and units are whole, dollars are not
		kept = math.Ceil(kept)
	}
	if c.mentions && q.owned && q.span.granted-q.used-q.need < kept {
		return &refusal{until: q.span.end, why: b.kept(c, q.name)}
	}
	if !b.mustYield(c) || !q.share.over(c.turn, q.span.granted, b.accounts) || q.span.onPace(q.used, now) {
		return nil
	}
	if at := q.span.onPaceAt(q.used); q.share.next.Before(at) {
		q.share.next = at
	}
	why := b.kept(c, q.name)
	why.Mentions = false
	return &refusal{until: q.share.wait(now, q.span.step(q.need), q.span.end), why: why}
}

// divideOwn is divide for the bound that is configured, which holds in any
// span.
func (b *Budget) divideOwn(c *claim, now time.Time) *refusal {
	if b.own == nil {
		return nil
	}
	if c.mentions && b.owned {
		if left, until := b.mentions.left(now); left <= 0 {
			return &refusal{until: until, why: b.kept(c, "requests")}
		}
	}
	s, n := &b.ownShare, float64(b.own.n)
	s.slide(now, b.opts.Per)
	q := span{s.since, s.since.Add(b.opts.Per), n}
	if !b.mustYield(c) || s.lately(c.turn, now, b.opts.Per) < n/float64(b.accounts) || q.onPace(s.total, now) && b.own.roomy() {
		return nil
	}
	if at := q.onPaceAt(s.total); s.next.Before(at) {
		s.next = at
	}
	why := b.kept(c, "requests")
	why.Mentions = false
	return &refusal{until: s.wait(now, q.step(1), now.Add(b.opts.Per)), why: why}
}

// mustYield reports whether a request can be asked to leave room for other
// accounts.
func (b *Budget) mustYield(c *claim) bool {
	if c.turn == nil || b.accounts < 2 {
		return false
	}
	sent := c.turn.sent.Load()
	return sent == 0 || sent >= begun
}

// count notes a request that is sent.
func (b *Budget) count(c *claim, w *window, now time.Time) {
	w.sent()
	w.share.add(c.turn, 1)
	w.owned = w.owned || !c.mentions
	if b.own != nil {
		b.own.sent()
		b.ownShare.add(c.turn, 1)
		b.owned = b.owned || !c.mentions
		if c.mentions {
			b.mentions.sent()
		}
	}
	if b.units != nil {
		b.units.count(c, now)
	}
}

// sweep keeps a careless Endpoint, which names each request differently, from
// filling the memory.
func (b *Budget) sweep(now time.Time) {
	const plenty = 1000
	if len(b.windows) < plenty {
		return
	}
	for key, w := range b.windows {
		if w.inflight == 0 && !now.Before(w.reset) {
			delete(b.windows, key)
		}
	}
}

// settle learns from the answer to a request; resp is nil when none came.
func (b *Budget) settle(c *claim, resp *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opts.Now()
	if w := b.windows[c.key]; w != nil {
		w.settle(resp, now)
	}
	if b.own != nil {
		b.own.settle(now)
		if c.mentions {
			b.mentions.settle(now)
		}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}
