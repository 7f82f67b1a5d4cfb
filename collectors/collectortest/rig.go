package collectortest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// rig is one fake source, its log, and the scheduler between them, which can be
// killed and started again.
type rig struct {
	t    *testing.T
	h    Harness
	fake Fake
	net  *network
	logs *Logs
	dice *dice
	want map[Item]int
	kept sessions // outlive the process
	// wrap, if set, stands between each process's collector and its scheduler.
	wrap func(collectors.Collector) collectors.Collector

	killed chan struct{} // the process shall die
	cancel context.CancelFunc
	done   chan error

	mu    sync.Mutex
	dead  bool // its appends reach the journal no more
	drops map[string]int
}

// epoch is the time at which tests start: the bubble's own, the year 2000, is
// before the ids of some networks can be.
var epoch = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

func newRig(t *testing.T, h Harness, seed uint64) *rig {
	t.Helper()
	time.Sleep(time.Until(epoch))
	if h.Every <= 0 {
		h.Every = time.Minute
	}
	if h.Settle <= 0 {
		h.Settle = 4 * h.Every
	}
	fake := h.Open(t)
	if fake.New == nil || fake.Publish == nil {
		t.Fatal("collectortest: Fake needs New and Publish")
	}
	if (h.Lag > 0) != (fake.Delayed != nil) || h.Lag > 0 && h.Lag < time.Second {
		t.Fatal("collectortest: Fake.Delayed and a Harness.Lag of at least 1s go together")
	}
	if fake.Late == nil && fake.Delayed != nil {
		fake.Late = func(n int) []Item { return fake.Delayed(n, min(2*h.Every, h.Lag)) }
	}
	r := &rig{
		t: t, h: h, fake: fake, logs: NewLogs(), want: map[Item]int{}, drops: map[string]int{},
		dice: &dice{rng: rand.New(rand.NewPCG(seed, 1))}, killed: make(chan struct{}, 1),
		net: newNetwork(fake),
	}
	t.Cleanup(r.stop)
	return r
}

// PollDone, Activities and Dropped make the rig a collectors.Observer.
func (r *rig) PollDone(string, string, time.Duration, time.Duration) {}

func (r *rig) Activities(string, int) {}

func (r *rig) Dropped(_, reason string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drops[reason] += n
}

func (r *rig) dropped(reason string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.drops[reason]
}

// collector returns a new collector and the budget of its client, as a process
// that starts has them.
func (r *rig) collector() (collectors.Collector, *collectors.Budget) {
	r.t.Helper()
	budget := collectors.NewBudget("contract", collectors.BudgetOptions{Endpoint: r.h.Endpoint})
	c, err := r.fake.New(collectors.Deps{
		HTTP: collectors.NewClient(budget, collectors.ClientOptions{Base: Transport(r.net)}),
		Log:  zap.NewNop(), Now: time.Now, Sessions: &r.kept,
	})
	if err != nil {
		r.t.Fatalf("new collector: %v", err)
	}
	if r.wrap != nil {
		c = r.wrap(c)
	}
	return c, budget
}

// start starts a process: a new collector under a new scheduler.
func (r *rig) start() {
	r.t.Helper()
	c, budget := r.collector()
	s := collectors.NewScheduler(collectors.Options{Logs: r.logs, Observer: r, Rand: r.dice.Float64})
	network, _, _ := strings.Cut(r.h.Source, "/")
	err := s.Set([]collectors.Task{{
		Source: r.h.Source, Network: network, Multi: r.h.Multi, Collector: c, Every: r.h.Every, Budget: budget,
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan error, 1)
	r.setDead(false)
	r.net.forgive()
	go func() { r.done <- s.Run(ctx) }()
}

func (r *rig) stop() {
	if r.cancel == nil {
		return
	}
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("scheduler: %v", err)
	}
	r.cancel = nil
}

// kill asks for the process to be replaced; until then nothing of it reaches
// the journal.
func (r *rig) kill() {
	r.setDead(true)
	select {
	case r.killed <- struct{}{}:
	default:
	}
}

func (r *rig) setDead(dead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = dead
}

func (r *rig) isDead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// run lets time pass, and starts the process again where it dies.
func (r *rig) run(d time.Duration) {
	r.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-r.killed:
			r.stop()
			r.start()
		}
	}
}

// settle lets everything that was published be read, the longest backoff
// included.
func (r *rig) settle() {
	r.t.Helper()
	r.run(r.h.Settle)
}

// recover lets a collector that had errors come back by itself: the longest
// backoff may be due more than once.
func (r *rig) recover() {
	r.t.Helper()
	r.run(35*time.Minute + 2*r.h.Settle)
}

func (r *rig) publish(n int) { r.expect(r.fake.Publish(n)) }

func (r *rig) expect(items []Item) {
	for _, it := range items {
		r.want[it]++
	}
}

// late adds late items if the source has such.
func (r *rig) late(n int) {
	if r.fake.Late != nil {
		r.expect(r.fake.Late(n))
	}
}

// check compares the journal with what was published.
func (r *rig) check() {
	r.t.Helper()
	got := map[Item]int{}
	for _, a := range r.logs.Activities(r.h.Source) {
		if a.Kind == activity.KindPoll || r.fake.Ignore != nil && r.fake.Ignore(&a) {
			continue
		}
		got[Item{Account: a.Account, Kind: a.Kind, ID: a.ID}]++
	}
	var faults []string
	for it, n := range r.want {
		if n > 1 {
			faults = append(faults, fmt.Sprintf("%v was published %d times: the fake must not repeat ids", it, n))
		}
		if got[it] != 1 {
			faults = append(faults, fmt.Sprintf("%v is %d times in the journal, want once", it, got[it]))
		}
	}
	for it, n := range got {
		if r.want[it] == 0 {
			faults = append(faults, fmt.Sprintf("%v is %d times in the journal, and was not published", it, n))
		}
	}
	slices.Sort(faults)
	const shown = 20
	for _, f := range faults[:min(len(faults), shown)] {
		r.t.Error(f)
	}
	if len(faults) > shown {
		r.t.Errorf("… and %d more of %d published", len(faults)-shown, len(r.want))
	}
	for _, reason := range []string{collectors.DropInvalid, collectors.DropForeign, collectors.DropTooLarge, collectors.DropHorizon} {
		if n := r.dropped(reason); n > 0 {
			r.t.Errorf("%d items dropped as %s, want none", n, reason)
		}
	}
	if early := r.net.early(); early > 0 {
		r.t.Errorf("%d requests were sent before the time that a 429 told to wait for", early)
	}
}

// lastState returns the poll state that was reported last.
func (r *rig) lastState() string {
	polls := r.logs.Polls(r.h.Source)
	if len(polls) == 0 {
		return "none"
	}
	return polls[len(polls)-1].Poll.State
}

func (r *rig) wantState(want string) {
	r.t.Helper()
	if got := r.lastState(); got != want {
		r.t.Errorf("poll state reported last is %s, want %s", got, want)
	}
}
