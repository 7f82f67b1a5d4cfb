package collectors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counted is a server with fixed windows that counts what it is sent. Answers
// take a random time and so overtake each other.
type counted struct {
	limit, alien int
	every        time.Duration
	ahead        time.Duration // its clock against ours
	headers      bool

	mu       sync.Mutex
	rng      *rand.Rand
	ends     time.Time
	used     int
	total    int
	exceeded int
}

func (s *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	there, back := time.Duration(s.rng.IntN(300))*time.Millisecond, time.Duration(s.rng.IntN(300))*time.Millisecond
	s.mu.Unlock()
	time.Sleep(there)
	rec := httptest.NewRecorder()
	s.serve(rec)
	time.Sleep(back)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

func (s *counted) serve(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !now.Before(s.ends) {
		s.ends, s.used = now.Truncate(s.every).Add(s.every), 0
	}
	if s.alien > 0 && s.rng.IntN(s.alien) == 0 && s.used < s.limit {
		s.used++ // somebody else uses the credential too
	}
	s.total++
	s.used++
	if s.headers {
		w.Header().Set("Date", now.Add(s.ahead).UTC().Format(http.TimeFormat))
		w.Header().Set("X-Rate-Limit-Limit", strconv.Itoa(s.limit))
		w.Header().Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, s.limit-s.used)))
		w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(s.ends.Add(s.ahead).Unix(), 10))
	}
	if s.used > s.limit {
		s.exceeded++
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// hammer sends requests from many goroutines for hours, each as soon as it may.
func hammer(client *http.Client, workers int, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.test/", nil)
				resp, err := client.Do(req)
				var limited *RateLimited
				switch {
				case err == nil:
					_ = resp.Body.Close()
				case errors.As(err, &limited):
					time.Sleep(time.Until(limited.Until))
				}
			}
		})
	}
	wg.Wait()
}

func TestLimitsAreNeverExceededAndWellUsed(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  *counted
		options BudgetOptions
		atLeast float64 // share of what was granted that was used
	}{
		{"headers", &counted{limit: 900, every: 15 * time.Minute, headers: true}, BudgetOptions{}, 0.99},
		{"few", &counted{limit: 15, every: 15 * time.Minute, headers: true}, BudgetOptions{}, 0.99},
		{"fewer than workers", &counted{limit: 3, every: 15 * time.Minute, headers: true}, BudgetOptions{}, 0.99},
		{"their clock is ahead", &counted{limit: 60, every: time.Minute, ahead: 40 * time.Second, headers: true}, BudgetOptions{}, 0.95},
		{"their clock is behind", &counted{limit: 60, every: time.Minute, ahead: -40 * time.Second, headers: true}, BudgetOptions{}, 0.95},
		{"configured", &counted{limit: 300, every: 15 * time.Minute}, BudgetOptions{Requests: 300, Per: 15 * time.Minute}, 0.95},
		{"configured, few seconds", &counted{limit: 5, every: 10 * time.Second}, BudgetOptions{Requests: 5, Per: 10 * time.Second}, 0.90},
		{"both", &counted{limit: 900, every: 15 * time.Minute, headers: true}, BudgetOptions{Requests: 450, Per: 15 * time.Minute}, 0.49},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := c.server
				server.rng = rand.New(rand.NewPCG(1, 1))
				client := NewClient(NewBudget("main", c.options), ClientOptions{Base: server})
				const hours = 4
				hammer(client, 8, hours*time.Hour)
				granted := server.limit * int(hours*time.Hour/server.every)
				t.Logf("used %d of %d", server.total, granted)
				if server.exceeded > 0 {
					t.Errorf("limit exceeded %d times", server.exceeded)
				}
				if float64(server.total) < c.atLeast*float64(granted) {
					t.Errorf("%d of %d granted requests used, want %.0f %%", server.total, granted, c.atLeast*100)
				}
			})
		})
	}
}

// When somebody else uses the credential too, a limit can be overrun by what
// is in flight, and no more.
func TestSharedCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{limit: 100, alien: 2, every: 15 * time.Minute, headers: true, rng: rand.New(rand.NewPCG(1, 1))}
		hammer(NewClient(NewBudget("main", BudgetOptions{}), ClientOptions{Base: server}), 8, 4*time.Hour)
		if windows := 16; server.exceeded > 4*windows {
			t.Errorf("limit exceeded %d times in %d windows", server.exceeded, windows)
		}
	})
}

func TestSilentServerIsNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{limit: 1 << 30, every: time.Hour, rng: rand.New(rand.NewPCG(1, 1))}
		hammer(NewClient(NewBudget("main", BudgetOptions{}), ClientOptions{Base: server}), 8, 10*time.Minute)
		if server.total < 8*600*2 {
			t.Errorf("%d requests in 10 minutes of 8 workers at 0.3 s each", server.total)
		}
	})
}

type memorySpend struct {
	sums map[string]float64
	err  error
}

func (m *memorySpend) Add(_ context.Context, credential, month string, dollars float64) (float64, error) {
	if m.err != nil {
		return 0, m.err
	}
	m.sums[credential+" "+month] += dollars
	return m.sums[credential+" "+month], nil
}

func TestDollars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		store := &memorySpend{sums: map[string]float64{"main 2000-01": 4}}
		sent := 0
		base := roundTrip(func(req *http.Request) (*http.Response, error) {
			sent++
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
		})
		start := func() (*Budget, *http.Client) {
			b := NewBudget("main", BudgetOptions{Dollars: 10, Spend: store})
			return b, NewClient(b, ClientOptions{Base: base})
		}
		fetch := func(c *http.Client) error {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://x.test/", nil)
			resp, err := c.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			return err
		}
		budget, client := start()
		if err := fetch(client); err != nil {
			t.Fatal(err)
		}
		if st := budget.Status(); st.Spent != 4 || st.Month != "2000-01" || st.Dollars != 10 {
			t.Errorf("status %+v, want the 4 dollars of an earlier process", st)
		}
		store.err = errors.New("journal is away")
		if err := budget.Charge(ctx, 5); err == nil {
			t.Error("charge that was not saved gave no error")
		}
		if st := budget.Status(); st.Spent != 9 {
			t.Errorf("spent %v, want 9: it counts although it was not saved", st.Spent)
		}
		store.err = nil
		if err := budget.Charge(ctx, 1.5); err != nil {
			t.Error(err)
		}
		if got := store.sums["main 2000-01"]; got != 10.5 {
			t.Errorf("saved %v, want 10.5", got)
		}
		for range 2 {
			err := fetch(client)
			var limited *RateLimited
			if !errors.As(err, &limited) || !IsOverBudget(err) {
				t.Fatalf("error %v, want over budget", err)
			}
			if text := "credential main has spent $10.50 of its $10.00 for 2000-01"; !strings.Contains(err.Error(), text) {
				t.Errorf("error %v, want one with %q", err, text)
			}
			if want := time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC); !limited.Until.Equal(want) {
				t.Errorf("until %s, want %s", limited.Until, want)
			}
			_, client = start() // a restart changes nothing
		}
		if sent != 1 {
			t.Errorf("%d requests sent, want 1", sent)
		}
		time.Sleep(31 * 24 * time.Hour)
		if err := fetch(client); err != nil {
			t.Errorf("in the next month: %v", err)
		}
		store.err = errors.New("journal is away")
		_, client = start()
		if err := fetch(client); err == nil {
			t.Error("a request was sent before it was known what was spent")
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestCarelessEndpointNames(t *testing.T) {
	now := noon
	b := NewBudget("main", BudgetOptions{Now: func() time.Time { return now }})
	for i := range 5000 {
		key := fmt.Sprintf("GET /posts/%d", i)
		if b.take(&claim{key: key}) != nil {
			t.Fatal("refused")
		}
		b.settle(&claim{key: key}, &http.Response{StatusCode: http.StatusOK, Header: http.Header{}})
	}
	if n := len(b.windows); n > 1000 {
		t.Errorf("%d endpoints are remembered", n)
	}
}
