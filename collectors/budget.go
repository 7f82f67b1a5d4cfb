package collectors

import (
	"cmp"
	"context"
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
	// Units bounds what a network counts beside requests in a day that begins
	// at midnight in Zone, nil for UTC; 0: no bound. Cost says how many units a
	// request takes, nil for one each.
	Units int
	Zone  *time.Location
	Cost  func(*http.Request) int
	// Spend keeps the sums of dollars and units; nil keeps them in memory only.
	Spend Spend
	// Reserve is the part of every quota, from 0 to 1, that requests marked with
	// ForMentions cannot have; 0 means a half, less than 0 nothing. A quota that
	// nothing but mentions uses is theirs.
	Reserve float64
	// Endpoint names the quota of a request, its method and path template:
	// "GET /2/users/:id/tweets". Networks that count all requests together
	// leave it nil.
	Endpoint func(*http.Request) string
	// Now is time.Now by default.
	Now func() time.Time
}

// Spend keeps what a credential has used of a quota, over restarts and beyond
// this machine. It is safe for concurrent use.
type Spend interface {
	// Add adds n to what credential has used in a period and returns the sum;
	// adding 0 reads it. The period is a month ("2026-07") for US dollars, and
	// "units-2026-07-14" for the units of a day.
	Add(ctx context.Context, credential, period string, n float64) (float64, error)
}

// Budget is what one credential may use: requests, as the network's answers
// tell and as configured, units, and dollars. It is safe for concurrent use.
//
// Every quota is divided: a part is kept from mentions, and an account that
// uses more than its part leaves room for the credential's others, see share.
//
// Requests are counted when they are sent and corrected by each answer. Of an
// endpoint whose quota is not known, at first and whenever its window has
// ended, one request is sent and the others wait for its answer, so that no
// limit is overrun on guesswork.
type Budget struct {
	name string
	opts BudgetOptions

	mu       sync.Mutex
	windows  map[string]*window
	own      *sliding      // nil: no configured bound
	mentions *sliding      // the part of own that mentions may have
	ownShare share         // of own
	owned    bool          // something else than mentions uses own
	units    *units        // nil: no bound
	accounts int           // that polls are for
	changed  chan struct{} // closed and replaced whenever somebody may go on

	spending sync.Mutex // held while Spend is called
	month    string     // of spent, empty before the first look; guarded by mu
	spent    float64    // in month; guarded by mu
	dollars  share      // of spent; guarded by mu
	outlay   pace       // of spent; guarded by mu
	charged  string     // the month that spent counts in, looked up or not; guarded by spending
	unsaved  float64    // part of spent that Spend does not know; guarded by spending
}

// NewBudget returns the budget of the credential of that name.
func NewBudget(name string, opts BudgetOptions) *Budget {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Reserve == 0 {
		opts.Reserve = 0.5
	}
	opts.Reserve = min(1, max(0, opts.Reserve))
	b := &Budget{name: name, opts: opts, windows: map[string]*window{}, changed: make(chan struct{})}
	b.outlay.over = 24 * time.Hour
	if opts.Requests > 0 && opts.Per > 0 {
		b.own = newSliding(opts.Requests, opts.Per)
		b.mentions = newSliding(int(float64(opts.Requests)*(1-opts.Reserve)), opts.Per)
	}
	if opts.Units > 0 {
		b.units = newUnits(&opts)
	}
	return b
}

// join adds to the number of accounts that the budget is divided among.
func (b *Budget) join(accounts int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts += accounts
}

// Name returns the credential's name, empty for a nil Budget.
func (b *Budget) Name() string {
	if b == nil {
		return ""
	}
	return b.name
}

// BudgetStatus is what is left of a budget. The times at which something is
// used up are forecasts from how fast it was used lately: now where nothing is
// left, zero where it lasts until it is granted anew, and where too little is
// known.
type BudgetStatus struct {
	Name      string
	Endpoints []EndpointStatus // ordered by name
	Month     string           // "2026-07"; empty before the first request
	Spent     float64          // dollars in Month
	Dollars   float64          // bound of Spent, 0 for none
	BrokeAt   time.Time        // when Spent comes to Dollars
	Units     int              // used today
	UnitLimit int              // bound of Units, 0 for none
	UnitReset time.Time        // when Units is 0 again
	UnitsEnd  time.Time        // when Units comes to UnitLimit
}

// UsedUp returns when the first of the budget's quotas is used up at this pace,
// zero when all last.
func (s *BudgetStatus) UsedUp() time.Time {
	first := s.BrokeAt
	earlier := func(t time.Time) {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	earlier(s.UnitsEnd)
	for i := range s.Endpoints {
		earlier(s.Endpoints[i].UsedUp)
	}
	return first
}

// EndpointStatus is what is left of one quota.
type EndpointStatus struct {
	Endpoint  string // as BudgetOptions.Endpoint names it; "configured" for BudgetOptions.Requests
	Limit     int    // requests per window, -1 if unknown
	Remaining int
	Reset     time.Time // when Remaining is Limit again, zero if unknown
	UsedUp    time.Time // when Remaining comes to 0 at this pace, see BudgetStatus
}

// Status returns what is left; endpoints of which nothing is known are absent.
func (b *Budget) Status() BudgetStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.opts.Now()
	st := BudgetStatus{Name: b.name, Month: b.month, Spent: b.spent, Dollars: b.opts.Dollars}
	if m := monthOf(now); b.opts.Dollars > 0 && b.month == m.name {
		st.BrokeAt = b.outlay.usedUp(b.opts.Dollars-b.spent, now, m.end)
	}
	for name, w := range b.windows {
		if w.known && now.Before(w.reset) {
			st.Endpoints = append(st.Endpoints, EndpointStatus{
				Endpoint: name, Limit: w.limit, Remaining: w.left, Reset: w.reset, UsedUp: w.usedUp(now),
			})
		}
	}
	if b.own != nil {
		left, reset := b.own.left(now)
		st.Endpoints = append(st.Endpoints, EndpointStatus{
			Endpoint: "configured", Limit: b.own.n, Remaining: left, Reset: reset, UsedUp: b.own.usedUp(now),
		})
	}
	if u := b.units; u != nil {
		u.turn(now)
		st.Units, st.UnitLimit, st.UnitReset = u.used, u.limit, u.end
		st.UnitsEnd = u.pace.usedUp(float64(u.limit-u.used), now, u.end)
	}
	slices.SortFunc(st.Endpoints, func(x, y EndpointStatus) int { return cmp.Compare(x.Endpoint, y.Endpoint) })
	return st
}

// lasts reports whether every quota lasts, at this pace, until it is granted
// anew.
func (b *Budget) lasts() bool {
	st := b.Status()
	return st.UsedUp().IsZero()
}
