package collectortest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// day is the run that kill tests repeat: history of several pages, live items,
// late ones, a malformed one, a burst.
func day(r *rig) {
	r.t.Helper()
	step := 3 * r.h.Every / 2
	r.publish(130)
	r.start()
	r.run(step)
	r.publish(3)
	r.run(step)
	r.late(2)
	if r.fake.Malformed != nil {
		r.expect(r.fake.Malformed())
	}
	r.run(step)
	r.publish(40)
	r.run(step)
	r.publish(1)
	r.settle()
	r.check()
	r.wantState(activity.PollComplete)
}

// killAtAppends repeats the day once for each append in it, kills the process
// at that one, and returns how many there are.
func killAtAppends(t *testing.T, h Harness, fate Fate) int {
	t.Helper()
	return killAtEvery(t, h, fate, 1, 1)
}

// killAtEvery does so at every step-th append, from the one given on.
func killAtEvery(t *testing.T, h Harness, fate Fate, from, step int) int {
	t.Helper()
	const most = 500
	for k := from; k <= most; k += step {
		reached := false
		t.Run(fmt.Sprintf("n=%d", k), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h, uint64(k))
				r.logs.Intercept = func(n int, _ string, _ *activity.Batch) Fate {
					switch {
					case n == k:
						reached = true
						r.kill()
						return fate
					case r.isDead():
						return Fail
					}
					return Store
				}
				day(r)
			})
		})
		if !reached || t.Failed() {
			return k - 1
		}
	}
	t.Errorf("more than %d appends in a run: batches are too small", most)
	return most
}

// killAtRequests kills the process at requests spread over the day.
func killAtRequests(t *testing.T, h Harness) {
	t.Helper()
	total := 0
	t.Run("none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, h, 1)
			day(r)
			total = r.net.count()
		})
	})
	runs := short(10, 4)
	step := max(total/runs, 1)
	for k := 1; k <= total && !t.Failed(); k += step {
		t.Run(fmt.Sprintf("n=%d", k), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, h, uint64(k))
				r.logs.Intercept = r.buried
				r.net.inject(func(n int) fault {
					if n == k {
						r.kill()
						return reset
					}
					return healthy
				})
				day(r)
			})
		})
	}
}

// buried lets nothing of a dead process into the journal.
func (r *rig) buried(int, string, *activity.Batch) Fate {
	if r.isDead() {
		return Fail
	}
	return Store
}

// testRandom does everything at random: items, late ones, faults of the network
// and of the journal, a second writer, kills.
func testRandom(r *rig) {
	plan := r.dice
	faults, fates := plan.Float64()*0.3, plan.Float64()*0.2
	r.logs.Intercept = func(int, string, *activity.Batch) Fate {
		switch {
		case r.isDead():
			return Fail
		case plan.Float64() < fates:
			return Fate(plan.IntN(int(NoRoom) + 1))
		}
		return Store
	}
	r.net.inject(func(int) fault {
		if plan.Float64() >= faults {
			return healthy
		}
		return fault(plan.IntN(int(lastFault)))
	})
	r.publish(plan.IntN(300))
	r.start()
	for range 60 {
		r.publish(plan.IntN(6))
		if plan.IntN(4) == 0 {
			r.late(1 + plan.IntN(3))
		}
		if r.fake.Malformed != nil && plan.IntN(10) == 0 {
			r.expect(r.fake.Malformed())
		}
		if plan.IntN(6) == 0 {
			r.kill()
		}
		r.run(time.Duration(plan.Float64() * 3 * float64(r.h.Every)))
	}
	r.heal()
	r.recover()
	r.check()
	r.wantState(activity.PollComplete)
}

// dice is a source of random numbers for several goroutines.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// Float64 returns a number in [0, 1).
func (d *dice) Float64() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64()
}

// IntN returns a number in [0, n).
func (d *dice) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// heal ends all faults.
func (r *rig) heal() {
	r.net.inject(nil)
	r.stop()
	r.logs.Intercept = nil
	r.start()
}
