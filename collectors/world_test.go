package collectors_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pollFunc is a collector that is one function; its address makes it
// comparable.
type pollFunc struct {
	poll func(ctx context.Context, cursor json.RawMessage) (collectors.Page, error)
}

func (f *pollFunc) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	return f.poll(ctx, cursor)
}

func collector(poll func(ctx context.Context, cursor json.RawMessage) (collectors.Page, error)) collectors.Collector {
	return &pollFunc{poll}
}

// counting yields one item at each poll, numbered by its cursor.
func counting(account string) collectors.Collector {
	return collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
		n := number(cursor)
		return collectors.Page{Activities: posts(account, n), Cursor: cursorOf(n + 1)}, nil
	})
}

func number(cursor json.RawMessage) int {
	n, _ := strconv.Atoi(string(cursor))
	return n
}

func cursorOf(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

func post(account string, n int) activity.Activity {
	return activity.Activity{
		ID: strconv.Itoa(n), Network: "x", Account: account, Kind: activity.KindPost, Time: time.Now().UTC(),
	}
}

func posts(account string, numbers ...int) []activity.Activity {
	var out []activity.Activity
	for _, n := range numbers {
		out = append(out, post(account, n))
	}
	return out
}

// quiet yields nothing, and counts.
type quiet struct {
	mu    sync.Mutex
	times []time.Time
	err   error
	page  collectors.Page
}

func (q *quiet) Poll(context.Context, json.RawMessage) (collectors.Page, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.times = append(q.times, time.Now())
	return q.page, q.err
}

func (q *quiet) polls() []time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]time.Time(nil), q.times...)
}

func (q *quiet) answer(page collectors.Page, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.page, q.err = page, err
}

// tally is an Observer that counts.
type tally struct {
	mu       sync.Mutex
	outcomes map[string]int
	drops    map[string]int
	items    int
	late     time.Duration
}

func newTally() *tally { return &tally{outcomes: map[string]int{}, drops: map[string]int{}} }

func (c *tally) PollDone(_, outcome string, _, late time.Duration) {
	if !slices.Contains(collectors.Outcomes(), outcome) {
		panic("outcome " + outcome + " is not in Outcomes")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outcomes[outcome]++
	c.late = max(c.late, late)
}

func (c *tally) Activities(_ string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items += n
}

func (c *tally) Dropped(_, reason string, n int) {
	if !slices.Contains(collectors.DropReasons(), reason) {
		panic("reason " + reason + " is not in DropReasons")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops[reason] += n
}

func (c *tally) outcome(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes[name]
}

func (c *tally) drop(reason string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.drops[reason]
}

func (c *tally) wantDrops(t *testing.T, want map[string]int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !maps.Equal(c.drops, want) {
		t.Errorf("dropped %v, want %v", c.drops, want)
	}
}

// daemon is a scheduler that runs until the test ends or stop.
type daemon struct {
	*collectors.Scheduler
	stop func()
}

func run(t *testing.T, opts collectors.Options, tasks ...collectors.Task) *daemon {
	t.Helper()
	if opts.Rand == nil {
		opts.Rand = func() float64 { return 0.5 }
	}
	s := collectors.NewScheduler(opts)
	if err := s.Set(tasks); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	d := &daemon{Scheduler: s, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})}
	t.Cleanup(d.stop)
	return d
}

func acme(c collectors.Collector) collectors.Task {
	return collectors.Task{Source: "x/acme", Network: "x", Collector: c, Every: time.Minute}
}

// said returns the states of the poll activities in a log.
func said(logs *collectortest.Logs, source string) []string {
	out := []string{}
	for _, a := range logs.Polls(source) {
		out = append(out, a.Poll.State)
	}
	return out
}

// ids returns the ids in a log without those of poll activities.
func ids(logs *collectortest.Logs, source string) []string {
	out := []string{}
	for _, a := range logs.Activities(source) {
		if a.Kind != activity.KindPoll {
			out = append(out, a.ID)
		}
	}
	return out
}

func want[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}
