package collectortest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

//nolint:gochecknoglobals // flags
var (
	soakPolls = flag.Int("contract-soak", 300, "polls that the contract's soak takes; one in 200, and at least 5, is killed")
	soakSeed  = flag.Uint64("contract-soak-seed", 1, "seed of the contract's soak")
)

// Soak lets a collector live through that many polls, in virtual time: items,
// late ones (up to Harness.Lag), bursts and silences come at random, pages
// come doubled and in another order, and spells of weather change: a network
// that fails now and then, is out, grants few requests, or a journal that
// refuses. At kills random polls the process dies, before, in or after a
// request, or before or after its page is in the journal, and starts again. In
// the end the journal must hold exactly what was published, each once; no
// request may have been sent before the time that a 429 told to wait for.
func Soak(t *testing.T, h Harness, polls, kills int) {
	t.Helper()
	if kills > polls {
		t.Fatalf("%d kills in %d polls; want at most one each", kills, polls)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSoak(newRig(t, h, *soakSeed), polls, kills)
		s.live()
		s.end()
	})
}

// soak is one long life of a rig.
type soak struct {
	r     *rig
	polls int

	mu      sync.Mutex
	killAt  []int // numbers of polls, ascending, that are still to come
	armed   death // what the next occasion brings
	weather weather
	until   time.Time // end of weather
	tally   tally
}

// tally is what happened.
type tally struct {
	polls, failed, doubled, mixed int
	kills                         [lastDeath]int
	fates                         [NoRoom + 1]int
	published, late               int
}

// death is the moment at which a process dies.
type death int

const (
	alive         death = iota
	beforeRequest       // the poll begins
	atRequest           // a request is on its way
	afterPoll           // the page is in hand
	beforeStore         // the journal has not stored the batch
	afterStore          // the journal has, and nobody learned it
	lastDeath
)

// weather is what goes wrong for a while.
type weather struct {
	gusts float64 // share of the requests that fail at random
	out   fault   // how all requests fail
	quota int     // requests granted per window
	fates float64 // share of the appends that fail at random
}

func newSoak(r *rig, polls, kills int) *soak {
	s := &soak{r: r, polls: polls}
	for _, i := range rand.New(rand.NewPCG(*soakSeed, 2)).Perm(polls)[:kills] {
		s.killAt = append(s.killAt, i+1)
	}
	slices.Sort(s.killAt)
	r.wrap = s.wrap
	r.logs.Intercept = s.fate
	r.net.inject(s.fault)
	return s
}

// live goes on until there were enough polls and deaths.
func (s *soak) live() {
	r, plan := s.r, s.r.dice
	r.start()
	for step := 0; s.goesOn(); step++ {
		if step > 10_000+20*s.polls {
			r.t.Fatalf("%+v after %d steps: the collector is polled no more", s.tally, step)
		}
		s.publish()
		s.change()
		pause := plan.Float64() * 3 * float64(r.h.Every)
		if plan.IntN(60) == 0 {
			pause *= 10 // nothing happens for a while
		}
		r.run(time.Duration(pause))
	}
}

func (s *soak) goesOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tally.polls < s.polls || len(s.killAt) > 0 || s.armed != alive
}

func (s *soak) publish() {
	r, plan := s.r, s.r.dice
	n := plan.IntN(5)
	if plan.IntN(40) == 0 {
		n = plan.IntN(150)
	}
	late := 0
	if plan.IntN(3) == 0 {
		late = 1 + plan.IntN(3)
	}
	r.publish(n)
	s.tally.published += n
	switch {
	case r.h.Lag > 0:
		for range late {
			by := time.Second + time.Duration(plan.Float64()*float64(r.h.Lag-time.Second))
			if plan.IntN(8) == 0 {
				by = r.h.Lag
			}
			r.expect(r.fake.Delayed(1, by))
		}
		s.tally.late += late
	case r.fake.Late != nil:
		r.late(late)
		s.tally.late += late
	}
	if r.fake.Malformed != nil && plan.IntN(20) == 0 {
		r.expect(r.fake.Malformed())
	}
}

// change lets the weather change when its time has come.
func (s *soak) change() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.until) {
		return
	}
	plan := s.r.dice
	lasts := plan.Float64() * 10 * float64(s.r.h.Every)
	s.weather = weather{}
	switch plan.IntN(7) {
	case 0, 1:
		s.weather.gusts = plan.Float64() * 0.4
	case 2:
		s.weather.out = 1 + fault(plan.IntN(int(lastFault)-1))
		lasts = plan.Float64() * float64(2*time.Hour)
	case 3:
		s.weather.quota = 1 + plan.IntN(30)
	case 4:
		s.weather.fates = plan.Float64() * 0.4
	}
	s.until = now.Add(time.Duration(lasts))
	s.r.net.grant(s.weather.quota)
}

// fault decides about one request.
func (s *soak) fault(int) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.dies(atRequest):
		return reset
	case s.weather.out != healthy:
		return s.weather.out
	case s.r.dice.Float64() < s.weather.gusts:
		return 1 + fault(s.r.dice.IntN(int(lastFault)-1))
	}
	return healthy
}

// fate decides about one append.
func (s *soak) fate(int, string, *activity.Batch) Fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	fate := Store
	switch {
	case s.r.isDead(), s.dies(beforeStore):
		return Fail
	case s.dies(afterStore):
		return StoreAndFail
	case s.r.dice.Float64() < s.weather.fates:
		fate = Fate(1 + s.r.dice.IntN(int(NoRoom)))
	}
	s.tally.fates[fate]++
	return fate
}

// dies kills the process if this is the occasion.
func (s *soak) dies(now death) bool {
	if s.armed != now || s.r.isDead() {
		return false
	}
	s.armed = alive
	s.tally.kills[now]++
	s.r.kill()
	return true
}

// begin counts a poll and arms the death that is due.
func (s *soak) begin() (killed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.polls++
	if s.armed == alive && len(s.killAt) > 0 && s.killAt[0] <= s.tally.polls {
		s.killAt = s.killAt[1:]
		s.armed = beforeRequest + death(len(s.killAt)%(int(lastDeath)-1))
		if s.armed == atRequest && s.r.fake.Handler == nil {
			s.armed = beforeStore
		}
	}
	return s.dies(beforeRequest)
}

// errDead is what the poll of a process gives that dies.
var errDead = errors.New("the process is dead")

// poll is one poll of a collector.
func (s *soak) poll(ctx context.Context, c collectors.Collector, cursor json.RawMessage) (collectors.Page, error) {
	if s.begin() {
		return collectors.Page{}, errDead
	}
	page, err := c.Poll(ctx, cursor)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.tally.failed++
		return page, err
	}
	if s.dies(afterPoll) {
		return page, nil
	}
	s.shake(&page)
	return page, nil
}

// shake doubles some items of a page and changes their order, as the contract
// of Collector lets it come.
func (s *soak) shake(page *collectors.Page) {
	plan := s.r.dice
	if len(page.Activities) == 0 {
		return
	}
	if plan.IntN(3) == 0 {
		again := page.Activities[plan.IntN(len(page.Activities))]
		page.Activities = append(page.Activities, again.Clone())
		s.tally.doubled++
	}
	if plan.IntN(3) == 0 {
		as := page.Activities
		for i := range as {
			j := i + plan.IntN(len(as)-i)
			as[i], as[j] = as[j], as[i]
		}
		s.tally.mixed++
	}
}

// wrap counts the polls of a collector, and keeps one that watches one.
func (s *soak) wrap(c collectors.Collector) collectors.Collector {
	w := &shaken{s: s, Collector: c}
	if watcher, ok := c.(collectors.Watcher); ok {
		return &shakenWatcher{shaken: w, watcher: watcher}
	}
	return w
}

type shaken struct {
	collectors.Collector
	s *soak
}

func (c *shaken) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	return c.s.poll(ctx, c.Collector, cursor)
}

type shakenWatcher struct {
	*shaken
	watcher collectors.Watcher
}

// Watch implements collectors.Watcher.
func (c *shakenWatcher) Watch(ctx context.Context, hint func()) error {
	return c.watcher.Watch(ctx, hint)
}

// end lets the weather clear up, and compares.
func (s *soak) end() {
	r := s.r
	r.net.grant(0)
	r.heal()
	r.recover()
	r.check()
	r.wantState(activity.PollComplete)
	n := &s.tally
	r.t.Logf("%d polls in %s of virtual time, %d failed; %d items published, %d of them late; %d pages with a doubled item, %d in another order",
		n.polls, time.Since(epoch).Round(time.Hour), n.failed, len(r.want), n.late, n.doubled, n.mixed)
	r.t.Logf("deaths: %d before a request, %d at one, %d with the page in hand, %d before the batch was stored, %d after",
		n.kills[beforeRequest], n.kills[atRequest], n.kills[afterPoll], n.kills[beforeStore], n.kills[afterStore])
	f := &r.net.faults
	r.t.Logf("%d requests: %d answered, %d times 429, %d times 500, %d times 503, %d cut, %d reset, %d hung, %d refused; at most %d granted per %s; %d before a reset",
		r.net.requests, f[healthy], f[limited], f[broken], f[unavailable], f[cut], f[reset], f[hang], f[refused], r.net.busiest, quotaWindow, r.net.tooEarly)
	r.t.Logf("appends: %d stored, %d failed, %d stored and failed, %d fenced, %d without room",
		n.fates[Store], n.fates[Fail], n.fates[StoreAndFail], n.fates[Fence], n.fates[NoRoom])
}
