package collectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
)

// meter is a network that counts what reaches it, in fixed windows and in any
// span, and tells of its windows or does not.
type meter struct {
	limit  int
	every  time.Duration
	fixed  bool // windows on a grid; else any span counts
	tells  bool // in headers
	offset time.Duration
	slow   time.Duration // the longest way there, and back

	mu       sync.Mutex
	rng      *rand.Rand
	arrived  []time.Time
	exceeded int
}

func (m *meter) delay() {
	m.mu.Lock()
	d := time.Duration(m.rng.Int64N(int64(m.slow)))
	m.mu.Unlock()
	time.Sleep(d)
}

func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	m.delay()
	resp := m.serve(req)
	m.delay()
	return resp, nil
}

func (m *meter) window(at time.Time) time.Time {
	return at.Add(-m.offset).Truncate(m.every).Add(m.offset)
}

func (m *meter) serve(req *http.Request) *http.Response {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	from := now.Add(-m.every)
	if m.fixed {
		from = m.window(now).Add(-1)
	}
	i, _ := slices.BinarySearchFunc(m.arrived, from.Add(1), time.Time.Compare)
	used := len(m.arrived) - i + 1
	m.arrived = append(m.arrived, now)
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: req}
	if m.tells {
		resp.Header.Set("X-Rate-Limit-Limit", strconv.Itoa(m.limit))
		resp.Header.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(0, m.limit-used)))
		resp.Header.Set("X-Rate-Limit-Reset", strconv.FormatInt(m.window(now).Add(m.every).Unix(), 10))
	}
	if used > m.limit {
		m.exceeded++
		resp.StatusCode = http.StatusTooManyRequests
	}
	return resp
}

// hourly counts the requests of each hour from the first one on.
func (m *meter) hourly(from time.Time, hours int) []int {
	out := make([]int, hours)
	for _, at := range m.arrived {
		if h := int(at.Sub(from) / time.Hour); h < hours {
			out[h]++
		}
	}
	return out
}

// demanding needs more requests than there are: each poll sends some, and asks
// for more.
func demanding(client *http.Client, perPoll int, more bool) collectors.Collector {
	return collector(func(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
		for range perPoll {
			if err := get(ctx, client, "https://x.test/"); err != nil {
				return collectors.Page{}, err
			}
		}
		return collectors.Page{Cursor: cursorOf(number(cursor) + 1), More: more}, nil
	})
}

// TestQuotasHoldWhateverTheyAre draws networks, credentials and accounts at
// random. No window and no span has more requests than it may, and of what is
// granted to somebody who needs it at least 95 % is used in every hour.
func TestQuotasHoldWhateverTheyAre(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 7))
				m := &meter{
					rng: rng, fixed: seed%3 != 0, tells: seed%3 == 1,
					every:  []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}[rng.IntN(3)],
					offset: time.Duration(rng.IntN(300)) * time.Second,
					slow:   time.Duration(50+rng.IntN(1500)) * time.Millisecond,
				}
				m.limit = 40 + rng.IntN(int(m.every/time.Second)/2)
				opts := collectors.BudgetOptions{}
				if !m.tells {
					opts = collectors.BudgetOptions{Requests: m.limit, Per: m.every}
				}
				accounts, perPoll := 1+rng.IntN(30), 1+rng.IntN(3)
				what := fmt.Sprintf("limit %d in %s, fixed %t, told %t, ways of %s, %d accounts, %d requests a poll",
					m.limit, m.every, m.fixed, m.tells, m.slow, accounts, perPoll)
				budget := collectors.NewBudget("main", opts)
				client := collectors.NewClient(budget, collectors.ClientOptions{Base: m})
				var tasks []collectors.Task
				for i := range accounts {
					tasks = append(tasks, collectors.Task{
						Source: fmt.Sprint("x/", i), Network: "x", Every: time.Minute, Budget: budget,
						Collector: demanding(client, perPoll, i%2 == 0),
					})
				}
				// It begins with a window, so that hours hold whole windows.
				time.Sleep(time.Until(m.window(time.Now()).Add(m.every)))
				began := time.Now()
				const hours = 3
				d := run(t, collectors.Options{Logs: collectortest.NewLogs(), PerCredential: 16}, tasks...)
				time.Sleep(hours * time.Hour)
				d.stop()
				m.mu.Lock()
				defer m.mu.Unlock()
				if m.exceeded > 0 {
					t.Errorf("limit exceeded %d times: %s", m.exceeded, what)
				}
				granted := m.limit * int(time.Hour/m.every)
				for h, n := range m.hourly(began, hours) {
					if n > granted+m.limit*b2i(!m.fixed) || m.fixed && n > granted {
						t.Errorf("hour %d: %d requests of %d granted: %s", h, n, granted, what)
					}
					if n < granted*95/100 {
						t.Errorf("hour %d: %d requests, want 95 %% of the %d granted: %s", h, n, granted, what)
					}
				}
			})
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A span that slides cannot hold more than its requests anywhere, whatever the
// time that they take to arrive.
func TestNoSpanHasTooMany(t *testing.T) {
	for _, c := range []struct {
		name    string
		limit   int
		every   time.Duration
		slow    time.Duration
		atLeast int // in an hour
	}{
		{"five in ten seconds, slow", 5, 10 * time.Second, 2 * time.Second, 1400},
		{"a hundred a minute", 100, time.Minute, time.Second, 5700},
		{"three hundred in fifteen minutes", 300, 15 * time.Minute, 3 * time.Second, 1140},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &meter{rng: rand.New(rand.NewPCG(3, 3)), limit: c.limit, every: c.every, slow: c.slow}
				budget := collectors.NewBudget("main", collectors.BudgetOptions{Requests: c.limit, Per: c.every})
				client := collectors.NewClient(budget, collectors.ClientOptions{Base: m})
				d := run(t, collectors.Options{Logs: collectortest.NewLogs(), PerCredential: 32}, greedyTasks(client, budget, 20)...)
				time.Sleep(time.Hour)
				d.stop()
				want(t, "requests beyond the limit", m.exceeded, 0)
				for i := c.limit; i < len(m.arrived); i++ {
					if d := m.arrived[i].Sub(m.arrived[i-c.limit]); d < c.every {
						t.Fatalf("%d requests within %s, limit %d in %s", c.limit+1, d, c.limit, c.every)
					}
				}
				if len(m.arrived) < c.atLeast {
					t.Errorf("%d requests in an hour, want at least %d", len(m.arrived), c.atLeast)
				}
			})
		})
	}
}

func greedyTasks(client *http.Client, budget *collectors.Budget, n int) []collectors.Task {
	var tasks []collectors.Task
	for i := range n {
		tasks = append(tasks, collectors.Task{
			Source: fmt.Sprint("x/greedy", i), Network: "x", Every: time.Minute, Budget: budget, Collector: demanding(client, 1, true),
		})
	}
	return tasks
}

// lateness is how late polls began against their schedule, by network.
type lateness struct {
	tally
	mu  sync.Mutex
	all map[string][]time.Duration
}

func newLateness() *lateness {
	return &lateness{tally: *newTally(), all: map[string][]time.Duration{}}
}

func (l *lateness) PollDone(network, outcome string, took, late time.Duration) {
	l.tally.PollDone(network, outcome, took, late)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[network] = append(l.all[network], late)
}

func (l *lateness) most(network string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Max(append(l.all[network], 0))
}

// gaps returns the longest time between two polls of a collector.
func (q *quiet) gap() time.Duration {
	var longest time.Duration
	times := q.polls()
	for i := 1; i < len(times); i++ {
		longest = max(longest, times[i].Sub(times[i-1]))
	}
	return longest
}

// asking polls with one request, and counts.
type asking struct {
	quiet
	client *http.Client
}

func (a *asking) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	if err := get(ctx, a.client, "https://x.test/"); err != nil {
		return collectors.Page{}, err
	}
	return a.quiet.Poll(ctx, cursor)
}

// A single greedy account, whose history never ends, leaves the others theirs,
// and takes what they do not need.
func TestOneGreedyAccountLeavesTheOthersTheirs(t *testing.T) {
	for _, c := range []struct {
		name string
		net  *meter
		opts collectors.BudgetOptions
	}{
		{"told", &meter{limit: 300, every: 15 * time.Minute, fixed: true, tells: true}, collectors.BudgetOptions{}},
		{"configured", &meter{limit: 300, every: 15 * time.Minute}, collectors.BudgetOptions{Requests: 300, Per: 15 * time.Minute}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := c.net
				m.rng, m.slow = rand.New(rand.NewPCG(5, 5)), 300*time.Millisecond
				budget := collectors.NewBudget("main", c.opts)
				client := collectors.NewClient(budget, collectors.ClientOptions{Base: m})
				tasks := greedyTasks(client, budget, 1)
				var others []*asking
				for i := range 9 { // they need 135 of 300
					a := &asking{client: client}
					others = append(others, a)
					tasks = append(tasks, collectors.Task{Source: fmt.Sprint("x/", i), Network: "x", Every: time.Minute, Budget: budget, Collector: a})
				}
				run(t, collectors.Options{Logs: collectortest.NewLogs()}, tasks...)
				time.Sleep(6 * time.Hour)
				for i, a := range others {
					if gap := a.gap(); gap > 100*time.Second {
						t.Errorf("x/%d: %s between two polls, want a minute ± 20 %% and little more", i, gap)
					}
					if n := len(a.polls()); n < 350 {
						t.Errorf("x/%d: %d polls in 6 h, want about 360", i, n)
					}
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				want(t, "requests beyond the limit", m.exceeded, 0)
				if n, granted := len(m.arrived), 24*300; n < granted*95/100 {
					t.Errorf("%d of %d requests used although somebody needs them", n, granted)
				}
			})
		})
	}
}

// refused asks for what the network answers with 429.
func refused(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return &collectors.RateLimited{Until: collectors.RetryAt(resp, time.Now()), Err: errors.New(resp.Status)}
}

// One account that hangs, is refused, or answers with huge pages does not keep
// any of a hundred on its credential, or another credential, from its schedule.
func TestOneBadAccountAmongAHundred(t *testing.T) {
	flood := func() collectors.Collector {
		n := 0
		return collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
			page := collectors.Page{Cursor: cursorOf(n), More: true, Overlap: time.Now().Add(-time.Minute)}
			for range 1000 {
				n++
				page.Activities = append(page.Activities, post("x/bad", n))
			}
			time.Sleep(20 * time.Second)
			return page, nil
		})
	}
	for _, c := range []struct {
		name string
		bad  func(client *http.Client) collectors.Collector
	}{
		{"hangs", func(*http.Client) collectors.Collector {
			return collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
				<-ctx.Done()
				return collectors.Page{}, ctx.Err()
			})
		}},
		{"hangs on the network", func(client *http.Client) collectors.Collector {
			return collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
				return collectors.Page{}, get(ctx, client, "https://x.test/hang")
			})
		}},
		{"huge pages", func(*http.Client) collectors.Collector { return flood() }},
		{"is forbidden", func(*http.Client) collectors.Collector {
			return &quiet{err: &collectors.Forbidden{Mend: "renew", Err: io.EOF}}
		}},
		{"fails", func(*http.Client) collectors.Collector { return &quiet{err: io.EOF} }},
		{"panics", func(*http.Client) collectors.Collector {
			return collector(func(context.Context, json.RawMessage) (collectors.Page, error) { panic("boom") })
		}},
		{"is told to wait", func(client *http.Client) collectors.Collector {
			return collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
				return collectors.Page{}, refused(ctx, client, "https://x.test/limited")
			})
		}},
		{"is told to wait, not how long", func(*http.Client) collectors.Collector {
			return &quiet{err: &collectors.RateLimited{Err: io.EOF}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := collectortest.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Path {
					case "/hang":
						<-r.Context().Done()
					case "/limited": // a quota of the account, not of the credential
						w.Header().Set("Retry-After", "600")
						w.WriteHeader(http.StatusTooManyRequests)
					}
				}))
				first := collectors.NewBudget("first", collectors.BudgetOptions{Endpoint: func(r *http.Request) string { return r.URL.Path }})
				second := collectors.NewBudget("second", collectors.BudgetOptions{})
				client := collectors.NewClient(first, collectors.ClientOptions{Base: base})
				bad := c.bad(client)
				tasks := []collectors.Task{{Source: "x/bad", Network: "bad", Every: time.Minute, Budget: first, Collector: bad}}
				for i := range 100 {
					tasks = append(tasks,
						collectors.Task{Source: fmt.Sprint("x/", i), Network: "x", Every: time.Minute, Budget: first, Collector: &asking{client: client}},
						collectors.Task{Source: fmt.Sprint("y/", i), Network: "y", Every: time.Minute, Budget: second, Collector: &quiet{}})
				}
				late := newLateness()
				run(t, collectors.Options{Logs: collectortest.NewLogs(), Observer: late}, tasks...)
				time.Sleep(30 * time.Minute)
				for _, network := range []string{"x", "y"} {
					if most := late.most(network); most > 2*time.Second {
						t.Errorf("a poll of %s began %s late, want 2s at most", network, most)
					}
					if n := len(late.all[network]); n < 2900 {
						t.Errorf("%d polls of %s in half an hour, want about 3000", n, network)
					}
				}
			})
		})
	}
}
