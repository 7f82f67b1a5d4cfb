package collectors_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
)

// lagging reads its own timeline with one request a poll, and has mentions that
// wait for a part of the budget that comes a while after each poll. No mention
// is ever let through: what reaches the network is the account's own.
type lagging struct {
	after  time.Duration
	budget *collectors.Budget

	mu    sync.Mutex
	own   []time.Time
	hints func()
	slow  time.Duration
	cost  float64
}

func (l *lagging) Poll(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
	time.Sleep(l.slow)
	client := collectors.NewClient(l.budget, collectors.ClientOptions{Base: roundTripper(func(req *http.Request) (*http.Response, error) {
		l.mu.Lock()
		l.own = append(l.own, time.Now())
		l.mu.Unlock()
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
	})})
	if err := get(ctx, client, "https://x.test/"); err != nil {
		return collectors.Page{}, err
	}
	page := collectors.Page{Cost: l.cost}
	if l.after > 0 {
		page.Behind = &collectors.RateLimited{Until: time.Now().Add(l.after), Err: &collectors.Kept{Credential: "main", Quota: "requests", Mentions: true}}
	}
	return page, nil
}

func (l *lagging) Watch(ctx context.Context, hint func()) error {
	l.mu.Lock()
	l.hints = hint
	l.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

func (l *lagging) hint() {
	l.mu.Lock()
	hint := l.hints
	l.mu.Unlock()
	hint()
}

// since counts the own requests after a time.
func (l *lagging) since(from time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, at := range l.own {
		if at.After(from) {
			n++
		}
	}
	return n
}

// A poll that is due for the sake of mentions alone does not stand in for one
// of the account itself that a hint, or an alert, asks for.
func TestMentionsThatWaitDoNotKeepTheAccountFromBeingPolledSooner(t *testing.T) {
	for _, c := range []struct {
		name string
		ask  func(d *daemon, l *lagging)
		own  int // own requests in the minute thereafter, at least
	}{
		{"a hint", func(_ *daemon, l *lagging) { l.hint() }, 1},
		{"an alert", func(d *daemon, _ *lagging) { d.Hasten("x/acme", time.Now().Add(time.Hour)) }, 4},
		{"nothing", func(*daemon, *lagging) {}, 0},
	} {
		for _, after := range []time.Duration{5 * time.Second, 20 * time.Second} {
			t.Run(c.name+" with mentions in "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := &lagging{after: after, budget: collectors.NewBudget("main", collectors.BudgetOptions{Requests: 10_000, Per: time.Hour, Reserve: 1})}
					task := acme(l)
					task.Every, task.Fastest, task.Budget = 30*time.Minute, 10*time.Second, l.budget
					d := run(t, collectors.Options{Logs: collectortest.NewLogs()}, task)
					time.Sleep(2 * time.Second) // its first poll is over
					began := time.Now()
					if n := l.since(time.Time{}); n != 1 {
						t.Fatalf("%d own requests, want the first poll's one", n)
					}
					time.Sleep(time.Millisecond)
					c.ask(d, l)
					time.Sleep(time.Minute)
					if n := l.since(began); n < c.own || c.own == 0 && n > 0 {
						t.Errorf("%d own requests in a minute, want %d or more (0 is exact)", n, c.own)
					}
				})
			})
		}
	}
}

// Hints that come while a poll is under way spend no more than those between
// polls: nothing, once the month's dollars would not last.
func TestHintsDoNotSpendTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lagging{cost: 1, slow: time.Second, budget: collectors.NewBudget("main", collectors.BudgetOptions{Dollars: 44_000})}
		task := acme(l)
		task.Budget = l.budget
		run(t, collectors.Options{Logs: collectortest.NewLogs()}, task)
		time.Sleep(2 * time.Second)
		for end := time.Now().Add(6 * time.Hour); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
			l.hint()
		}
		if n := l.since(time.Now().Add(-10 * time.Minute)); n < 9 || n > 13 {
			t.Errorf("%d polls in ten minutes of hints, want about 10: the budget would not last", n)
		}
	})
}
