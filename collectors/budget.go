package collectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// BudgetOptions bound what one credential may use.
type BudgetOptions struct {
	// Requests bounds the requests in any span of Per, whatever the network
	// says; 0: only the network bounds them.
	Requests int
	Per      time.Duration
	// Dollars bounds what is spent in a calendar month (UTC); 0: no bound.
	Dollars float64
	// Spend keeps the sum; nil keeps it in memory only.
	Spend Spend
	// Endpoint names the quota of a request, its method and path template:
	// "GET /2/users/:id/tweets". Networks that count all requests together
	// leave it nil.
	Endpoint func(*http.Request) string
	// Now is time.Now by default.
	Now func() time.Time
}

// Spend keeps what a credential has spent in a calendar month, over restarts
// and beyond this machine. It is safe for concurrent use.
type Spend interface {
	// Add adds dollars to what credential has spent in month ("2026-07") and
	// returns the sum; adding 0 reads it.
	Add(ctx context.Context, credential, month string, dollars float64) (float64, error)
}

// Budget is what one credential may use: requests, as the network's answers
// tell and as configured, and dollars. It is safe for concurrent use.
//
// Requests are counted when they are sent and corrected by each answer. Of an
// endpoint whose quota is not known, at first and whenever its window has
// ended, one request is sent and the others wait for its answer, so that no
// limit is overrun on guesswork.
type Budget struct {
	name string
	opts BudgetOptions

	mu      sync.Mutex
	windows map[string]*window
	own     *sliding      // nil: no configured bound
	changed chan struct{} // closed and replaced whenever somebody may go on

	spending sync.Mutex // held while Spend is called
	month    string     // of spent, empty before the first look; guarded by mu
	spent    float64    // in month; guarded by mu
	unsaved  float64    // part of spent that Spend does not know; guarded by spending
}

// NewBudget returns the budget of the credential of that name.
func NewBudget(name string, opts BudgetOptions) *Budget {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	b := &Budget{name: name, opts: opts, windows: map[string]*window{}, changed: make(chan struct{})}
	if opts.Requests > 0 && opts.Per > 0 {
		b.own = newSliding(opts.Requests, opts.Per)
	}
	return b
}

// Name returns the credential's name, empty for a nil Budget.
func (b *Budget) Name() string {
	if b == nil {
		return ""
	}
	return b.name
}

// BudgetStatus is what is left of a budget.
type BudgetStatus struct {
	Name      string
	Endpoints []EndpointStatus // ordered by name
	Month     string           // "2026-07"; empty before the first request
	Spent     float64          // dollars in Month
	Dollars   float64          // bound of Spent, 0 for none
}

// EndpointStatus is what is left of one quota.
type EndpointStatus struct {
	Endpoint  string // as BudgetOptions.Endpoint names it; "configured" for BudgetOptions.Requests
	Limit     int    // requests per window, -1 if unknown
	Remaining int
	Reset     time.Time // when Remaining is Limit again, zero if unknown
}

// Status returns what is left; endpoints of which nothing is known are absent.
func (b *Budget) Status() BudgetStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opts.Now()
	st := BudgetStatus{Name: b.name, Month: b.month, Spent: b.spent, Dollars: b.opts.Dollars}
	for name, w := range b.windows {
		if w.known && now.Before(w.reset) {
			st.Endpoints = append(st.Endpoints, EndpointStatus{Endpoint: name, Limit: w.limit, Remaining: w.left, Reset: w.reset})
		}
	}
	if b.own != nil {
		left, reset := b.own.left(now)
		st.Endpoints = append(st.Endpoints, EndpointStatus{Endpoint: "configured", Limit: b.own.n, Remaining: left, Reset: reset})
	}
	slices.SortFunc(st.Endpoints, func(x, y EndpointStatus) int { return cmp.Compare(x.Endpoint, y.Endpoint) })
	return st
}

// Charge adds what a poll cost. On error the sum counts in this process and is
// saved with the next charge.
func (b *Budget) Charge(ctx context.Context, dollars float64) error {
	return b.account(ctx, dollars)
}

// account adds dollars to this month's sum and makes it known here.
func (b *Budget) account(ctx context.Context, dollars float64) error {
	b.spending.Lock()
	defer b.spending.Unlock()
	month := b.opts.Now().UTC().Format("2006-01")
	b.mu.Lock()
	if b.month != month {
		b.spent, b.unsaved = 0, 0
	}
	b.spent += dollars
	if b.opts.Spend == nil {
		b.month = month
	}
	b.mu.Unlock()
	b.unsaved += dollars
	if b.opts.Spend == nil {
		return nil
	}
	sum, err := b.opts.Spend.Add(ctx, b.name, month, b.unsaved)
	if err != nil {
		return err
	}
	b.unsaved = 0
	b.mu.Lock()
	b.month, b.spent = month, sum
	b.mu.Unlock()
	return nil
}

// acquire counts one request, waiting at most wait until it may be sent. It
// returns the endpoint to settle the request with, or a *RateLimited.
func (b *Budget) acquire(req *http.Request, wait time.Duration) (string, error) {
	key := ""
	if b.opts.Endpoint != nil {
		key = b.opts.Endpoint(req)
	}
	ctx := req.Context()
	if err := b.solvent(ctx); err != nil {
		return key, err
	}
	deadline := b.opts.Now().Add(wait)
	for {
		until, changed, ok := b.take(key)
		if ok {
			return key, nil
		}
		now := b.opts.Now()
		if until.After(deadline) {
			return key, &RateLimited{Until: until, Err: b.exhausted(key)}
		}
		if until.IsZero() {
			until = now.Add(time.Minute) // another request's answer comes first
		}
		timer := time.NewTimer(until.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return key, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (b *Budget) exhausted(key string) error {
	if key == "" {
		return fmt.Errorf("credential %s has no request left", b.name)
	}
	return fmt.Errorf("credential %s has no request left for %s", b.name, key)
}

// solvent refuses when this month's dollars are spent.
func (b *Budget) solvent(ctx context.Context) error {
	if b.opts.Dollars <= 0 {
		return nil
	}
	now := b.opts.Now().UTC()
	month := now.Format("2006-01")
	b.mu.Lock()
	looked := b.month == month
	b.mu.Unlock()
	if !looked {
		if err := b.account(ctx, 0); err != nil {
			return fmt.Errorf("nothing is sent before it is known what was spent: %w", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent < b.opts.Dollars {
		return nil
	}
	return &RateLimited{
		Until: time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC),
		Err:   &OverBudget{Credential: b.name, Month: month, Spent: b.spent, Limit: b.opts.Dollars},
	}
}

// take counts one request if it may be sent now, or returns when it may, zero
// when that depends on an answer to come, and what to watch meanwhile.
func (b *Budget) take(key string) (until time.Time, changed <-chan struct{}, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opts.Now()
	w := b.windows[key]
	if w == nil {
		b.sweep(now)
		w = &window{limit: -1}
		b.windows[key] = w
	}
	if until, ok = w.open(now); !ok {
		return until, b.changed, false
	}
	if b.own != nil {
		if until, ok = b.own.take(now); !ok {
			return until, b.changed, false
		}
	}
	w.sent()
	return time.Time{}, nil, true
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
func (b *Budget) settle(key string, resp *http.Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.windows[key]; w != nil {
		w.settle(resp, b.opts.Now())
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// IsOverBudget reports whether err says that a credential's dollars are spent.
func IsOverBudget(err error) bool {
	var spent *OverBudget
	return errors.As(err, &spent)
}
