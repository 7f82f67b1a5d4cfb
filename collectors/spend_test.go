package collectors

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata" // midnight of California, wherever the tests run
)

// unitsOf is what a search costs at the network that counts units, and a list.
func unitsOf(req *http.Request) int {
	if req.URL.Path == "/search" {
		return 100
	}
	return 1
}

func pacific(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// fetchWith sends one request.
func fetchWith(ctx context.Context, b *Budget, path string) error {
	base := roundTrip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.test"+path, nil)
	if err != nil {
		return err
	}
	resp, err := NewClient(b, ClientOptions{Base: base}).Do(req)
	if err == nil {
		err = resp.Body.Close()
	}
	return err
}

func TestUnitsOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &memorySpend{sums: map[string]float64{}}
		start := func() *Budget {
			return NewBudget("tube", BudgetOptions{Units: 10_000, Zone: pacific(t), Cost: unitsOf, Spend: store})
		}
		b := start() // at midnight UTC: four in the afternoon in California
		for range 90 {
			if err := fetchWith(ctx, b, "/search"); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Save(ctx); err != nil {
			t.Fatal(err)
		}
		if got := store.sums["tube units-1999-12-31"]; got != 9000 {
			t.Errorf("saved %v units of the 31st, want 9000", got)
		}
		b = start() // a restart forgets nothing
		for range 950 {
			if err := fetchWith(ctx, b, "/list"); err != nil {
				t.Fatal(err)
			}
		}
		st := b.Status()
		if st.Units != 9950 || st.UnitLimit != 10_000 || !st.UnitReset.Equal(time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC)) {
			t.Errorf("status %+v, want 9950 of 10000 until 2000-01-01 08:00 UTC", st)
		}
		err := fetchWith(ctx, b, "/search")
		var limited *RateLimited
		if !errors.As(err, &limited) || !IsOverBudget(err) || !limited.Until.Equal(st.UnitReset) {
			t.Fatalf("error %v, want units spent until %s", err, st.UnitReset)
		}
		const words = "credit exhausted: credential tube has used 9950 of its 10000 units of this day, and the next request takes 100; nothing is read until 2000-01-01 08:00 UTC; " +
			"to mend it: ask the network for more units, poll less often, or spread the accounts over more credentials"
		if got := describe(err); got != words {
			t.Errorf("got  %s\nwant %s", got, words)
		}
		if err := fetchWith(ctx, b, "/list"); err != nil {
			t.Errorf("what is left is enough for a list: %v", err)
		}
		time.Sleep(8 * time.Hour)
		if err := fetchWith(ctx, b, "/search"); err != nil {
			t.Errorf("after midnight in California: %v", err)
		}
		if err := b.Save(ctx); err != nil || store.sums["tube units-2000-01-01"] != 100 || store.sums["tube units-1999-12-31"] != 9000 {
			t.Errorf("saved %v (%v), want 100 units of the 1st", store.sums, err)
		}
		store.err = errors.New("journal is away")
		if err := fetchWith(ctx, start(), "/list"); err == nil {
			t.Error("a request was sent before it was known what was used")
		}
	})
}

func TestForecasts(t *testing.T) {
	for _, c := range []struct {
		name string
		opts BudgetOptions
		use  func(ctx context.Context, b *Budget) error // every minute
		runs time.Duration
		want time.Duration // from now until something is used up, 0 for never
		give time.Duration
	}{
		{
			"units at 50 a minute",
			BudgetOptions{Units: 10_000, Cost: func(*http.Request) int { return 50 }},
			func(ctx context.Context, b *Budget) error { return fetchWith(ctx, b, "/") }, 100 * time.Minute, 100 * time.Minute, 5 * time.Minute,
		},
		{
			"units that last",
			BudgetOptions{Units: 10_000, Cost: func(*http.Request) int { return 5 }},
			func(ctx context.Context, b *Budget) error { return fetchWith(ctx, b, "/") }, 4 * time.Hour, 0, 0,
		},
		{
			"a dollar a minute",
			BudgetOptions{Dollars: 20_000},
			func(ctx context.Context, b *Budget) error {
				return errors.Join(b.Charge(ctx, 1), fetchWith(ctx, b, "/"))
			}, 10_000 * time.Minute, 10_000 * time.Minute, 200 * time.Minute,
		},
		{
			"dollars that last",
			BudgetOptions{Dollars: 50_000},
			func(ctx context.Context, b *Budget) error {
				return errors.Join(b.Charge(ctx, 1), fetchWith(ctx, b, "/"))
			}, 10_000 * time.Minute, 0, 0,
		},
		{
			"too little is known",
			BudgetOptions{Dollars: 100},
			func(ctx context.Context, b *Budget) error {
				return errors.Join(b.Charge(ctx, 1), fetchWith(ctx, b, "/"))
			}, 10 * time.Minute, 0, 0,
		},
		{
			"configured requests",
			BudgetOptions{Requests: 30, Per: time.Hour},
			func(ctx context.Context, b *Budget) error { return fetchWith(ctx, b, "/") }, 20 * time.Minute, 15 * time.Minute, 10 * time.Minute,
		},
		{
			"configured requests that last",
			BudgetOptions{Requests: 70, Per: time.Hour},
			func(ctx context.Context, b *Budget) error { return fetchWith(ctx, b, "/") }, 40 * time.Minute, 0, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := NewBudget("main", c.opts)
				for range int(c.runs / time.Minute) {
					time.Sleep(time.Minute)
					if err := c.use(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				st := b.Status()
				at := st.UsedUp()
				if c.want == 0 {
					if !at.IsZero() {
						t.Errorf("used up at %s, want never", at)
					}
					return
				}
				if d := time.Until(at); d < c.want-c.give || d > c.want+c.give {
					t.Errorf("used up in %s, want about %s", d, c.want)
				}
			})
		})
	}
}

// A window that the network tells of is foreseen to be used up, too.
func TestForecastOfAWindow(t *testing.T) {
	now := noon
	w := &window{limit: 100}
	w.learn(quota{limit: 100, remaining: 100, reset: now.Add(15 * time.Minute)}, now)
	for range 40 {
		w.sent()
	}
	now = now.Add(3 * time.Minute)
	if at := w.usedUp(now); !at.Equal(now.Add(4*time.Minute + 30*time.Second)) {
		t.Errorf("used up at %s, want 60 at 40 in 3 minutes: in 4m30s", at.Sub(now))
	}
	if at := w.usedUp(noon.Add(8 * time.Minute)); !at.IsZero() {
		t.Errorf("40 in 8 minutes are used up at %s, want never", at)
	}
}

// Of what is used up already no pace need be known, nor is any left.
func TestForecastOfWhatIsUsedUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		opts  BudgetOptions
		uses  int           // requests at first
		later time.Duration // and none until then
		fails bool          // the last of them is refused
	}{
		{"configured requests, before any come back", BudgetOptions{Requests: 4, Per: time.Hour}, 4, 40 * time.Minute, false},
		{"units, by the process before", BudgetOptions{Units: 100, Spend: spentBefore()}, 1, time.Second, true},
		{"dollars, by the process before", BudgetOptions{Dollars: 10, Spend: spentBefore()}, 1, time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := NewBudget("main", c.opts)
				for i := range c.uses {
					if err := fetchWith(t.Context(), b, "/"); (err != nil) != (c.fails && i == c.uses-1) {
						t.Fatal(err)
					}
				}
				time.Sleep(c.later)
				st := b.Status()
				if at := st.UsedUp(); !at.Equal(time.Now()) {
					t.Errorf("used up at %s, want now, %s", at, time.Now())
				}
			})
		})
	}
	w := &window{limit: 100}
	w.learn(quota{limit: 100, remaining: 0, reset: noon.Add(15 * time.Minute)}, noon)
	if at := w.usedUp(noon); !at.Equal(noon) {
		t.Errorf("a window of which nothing was left is used up at %s, want when that was seen", at)
	}
}

// spentBefore is a store that knows of a process that has used everything up.
func spentBefore() Spend {
	return &memorySpend{sums: map[string]float64{"main units-2000-01-01": 100, "main 2000-01": 10}}
}

// Mentions have no more than their part, and what nobody else uses.
func TestMentionsHaveTheirPart(t *testing.T) {
	told := func(n *int) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			*n++
			resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req, Header: http.Header{}}
			resp.Header.Set("X-Rate-Limit-Limit", "100")
			resp.Header.Set("X-Rate-Limit-Remaining", strconv.Itoa(100-*n))
			resp.Header.Set("X-Rate-Limit-Reset", strconv.Itoa(int(noon.Add(15*time.Minute).Unix())))
			return resp, nil
		})
	}
	for _, c := range []struct {
		name     string
		opts     BudgetOptions
		told     bool
		dollars  float64 // a request
		own      int     // requests before
		later    time.Duration
		mentions int // that are let through
	}{
		{"configured", BudgetOptions{Requests: 100, Per: time.Hour}, false, 0, 1, 0, 50},
		{"configured, a fifth reserved", BudgetOptions{Requests: 100, Per: time.Hour, Reserve: 0.2}, false, 0, 1, 0, 80},
		{"configured, nothing reserved", BudgetOptions{Requests: 100, Per: time.Hour, Reserve: -1}, false, 0, 1, 0, 99},
		{"configured, own in need", BudgetOptions{Requests: 100, Per: time.Hour}, false, 0, 70, 0, 30},
		{"configured, nobody else uses it", BudgetOptions{Requests: 100, Per: time.Hour}, false, 0, 0, 0, 100},
		{"units", BudgetOptions{Units: 100}, false, 0, 1, 0, 74},     // at noon half of the day is left, and a half of that kept
		{"dollars", BudgetOptions{Dollars: 100}, false, 1, 1, 0, 50}, // on the first of a month
		{"told", BudgetOptions{}, true, 0, 1, 0, 49},
		{"told, near the end", BudgetOptions{}, true, 0, 1, 12 * time.Minute, 89},
		{"told, in the last minute", BudgetOptions{}, true, 0, 1, 14*time.Minute + 30*time.Second, 92},
		{"told, own in need", BudgetOptions{}, true, 0, 60, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, n := noon, 0
			opts := c.opts
			opts.Now = func() time.Time { return now }
			b := NewBudget("main", opts)
			var base http.RoundTripper = roundTrip(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
			})
			if c.told {
				base = told(&n)
			}
			client := NewClient(b, ClientOptions{Base: base, MaxWait: time.Nanosecond})
			send := func(ctx context.Context) error {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.test/", nil)
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				return errors.Join(resp.Body.Close(), b.Charge(ctx, c.dollars))
			}
			for range c.own {
				if err := send(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(c.later)
			through := 0
			var err error
			for err == nil {
				if err = send(ForMentions(t.Context())); err == nil {
					through++
				}
			}
			if through != c.mentions {
				t.Errorf("%d mentions let through, want %d; then %v", through, c.mentions, err)
			}
			if !IsOverBudget(err) && c.own > 0 && c.own+through < 100 {
				if err := send(t.Context()); err != nil {
					t.Errorf("the account's own: %v", err)
				}
			}
		})
	}
}
