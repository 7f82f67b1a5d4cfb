package collectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestPollsKeepTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tasks []collectors.Task
		var sources []*quiet
		for i := range 300 {
			q := &quiet{}
			sources = append(sources, q)
			tasks = append(tasks, collectors.Task{Source: fmt.Sprintf("x/%d", i), Network: "x", Collector: q, Every: time.Minute})
		}
		run(t, collectors.Options{Logs: collectortest.NewLogs()}, tasks...)
		time.Sleep(time.Hour)
		perSecond := map[int64]int{}
		for _, q := range sources {
			polls := q.polls()
			if len(polls) < 58 || len(polls) > 62 {
				t.Fatalf("%d polls in an hour, want about 60", len(polls))
			}
			for i := 2; i < len(polls); i++ {
				if d := polls[i].Sub(polls[i-1]); d < 47*time.Second || d > 73*time.Second {
					t.Fatalf("%s between two polls, want a minute ± 20 %%", d)
				}
				perSecond[polls[i].Unix()]++
			}
		}
		for sec, n := range perSecond {
			if n > 20 {
				t.Errorf("%d of 300 polls in second %d: not spread", n, sec)
			}
		}
	})
}

func TestFewTasksStartAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quiet{}
		run(t, collectors.Options{Logs: collectortest.NewLogs()},
			collectors.Task{Source: "x/acme", Network: "x", Collector: q, Every: 24 * time.Hour})
		time.Sleep(time.Second)
		want(t, "polls in the first second", len(q.polls()), 1)
	})
}

func TestOneBadAccountDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := collectors.NewBudget("main", collectors.BudgetOptions{})
		good, other := &quiet{}, &quiet{}
		hang := collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
			<-ctx.Done()
			return collectors.Page{}, ctx.Err()
		})
		panics := collector(func(context.Context, json.RawMessage) (collectors.Page, error) { panic("boom") })
		tasks := []collectors.Task{
			{Source: "x/good", Collector: good, Every: time.Minute, Budget: budget},
			{Source: "y/other", Collector: other, Every: time.Minute},
			{Source: "x/panics", Collector: panics, Every: time.Minute, Budget: budget},
		}
		for i := range 3 {
			tasks = append(tasks, collectors.Task{Source: fmt.Sprintf("x/hangs%d", i), Collector: hang, Every: time.Minute, Budget: budget})
		}
		tally := newTally()
		d := run(t, collectors.Options{Logs: collectortest.NewLogs(), Observer: tally, Workers: 6, PerCredential: 5}, tasks...)
		time.Sleep(time.Hour)
		for _, q := range []*quiet{good, other} {
			if n := len(q.polls()); n < 58 {
				t.Errorf("%d polls of a good account in an hour, want about 60", n)
			}
		}
		for _, st := range d.Status() {
			switch {
			case strings.HasPrefix(st.Source, "x/hangs") && !strings.Contains(st.LastError, "did not answer in time"):
				t.Errorf("%s: error %q", st.Source, st.LastError)
			case st.Source == "x/panics" && !strings.Contains(st.LastError, "collector panicked: boom"):
				t.Errorf("%s: error %q", st.Source, st.LastError)
			}
		}
	})
}

func TestWorkersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		busy, most, done := map[string]int{}, map[string]int{}, map[string]int{}
		slow := func(credential string) collectors.Collector {
			return collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
				count := func(n int) {
					mu.Lock()
					defer mu.Unlock()
					for _, name := range []string{credential, "all"} {
						busy[name] += n
						most[name] = max(most[name], busy[name])
					}
				}
				count(1)
				time.Sleep(time.Second)
				count(-1)
				mu.Lock()
				defer mu.Unlock()
				done[credential]++
				return collectors.Page{}, nil
			})
		}
		var tasks []collectors.Task
		for _, name := range []string{"a", "b", "c"} {
			budget := collectors.NewBudget(name, collectors.BudgetOptions{})
			for i := range 20 {
				tasks = append(tasks, collectors.Task{Source: fmt.Sprintf("%s/%d", name, i), Collector: slow(name), Every: time.Minute, Budget: budget})
			}
		}
		run(t, collectors.Options{Logs: collectortest.NewLogs(), Workers: 10, PerCredential: 4}, tasks...)
		time.Sleep(30 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		want(t, "most polls at once", most, map[string]int{"a": 4, "b": 4, "c": 4, "all": 10})
		for name, n := range done {
			if n < 20 {
				t.Errorf("credential %s: %d of 20 polled", name, n)
			}
		}
	})
}

func TestSetChangesTasksLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		var nils int
		numbered := func() collectors.Collector {
			return collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
				if cursor == nil {
					nils++
				}
				n := number(cursor)
				return collectors.Page{Activities: posts("x/acme", n), Cursor: cursorOf(n + 1)}, nil
			})
		}
		other := &quiet{}
		d := run(t, collectors.Options{Logs: logs}, acme(numbered()), collectors.Task{Source: "x/other", Collector: other, Every: time.Minute})
		time.Sleep(10 * time.Minute)
		before, others := len(ids(logs, "x/acme")), len(other.polls())
		faster := acme(numbered())
		faster.Every = time.Second
		if err := d.Set([]collectors.Task{faster}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n := len(ids(logs, "x/acme")) - before; n < 55 || n > 65 {
			t.Errorf("%d polls in a minute after the interval became a second", n)
		}
		want(t, "polls of the removed task", len(other.polls()), others)
		want(t, "polls without cursor", nils, 1)
		if err := d.Set([]collectors.Task{acme(nil), {Source: ""}, acme(other), {Source: "x/fast", Collector: other}}); err == nil {
			t.Error("Set accepted nonsense")
		} else {
			want(t, "error of Set", err.Error(), "task 0: source x/acme has no collector\n"+
				"task 1: no source; name the account or file it polls\n"+
				"task 2: source x/acme is polled twice; remove one\n"+
				"task 3: source x/fast: interval 0s; want at least 1ms")
		}
		want(t, "tasks after a bad Set", len(d.Status()), 1)
	})
}

func TestSetWhileVisited(t *testing.T) {
	for _, c := range []struct {
		name  string
		set   func(replaced collectors.Collector) []collectors.Task
		polls int // of the collector set, within 10 s
	}{
		{"replaced", func(c collectors.Collector) []collectors.Task { return []collectors.Task{acme(c)} }, 1},
		{"removed", func(collectors.Collector) []collectors.Task { return nil }, 0},
		{"other budget", func(c collectors.Collector) []collectors.Task {
			task := acme(c)
			task.Budget = collectors.NewBudget("new", collectors.BudgetOptions{})
			return []collectors.Task{task}
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				slow := collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
					time.Sleep(10 * time.Second)
					return collectors.Page{}, &collectors.Forbidden{Mend: "renew", Err: errors.New("401")}
				})
				task := acme(slow)
				task.Budget = collectors.NewBudget("main", collectors.BudgetOptions{})
				d := run(t, collectors.Options{Logs: logs, PerCredential: 1}, task)
				time.Sleep(5 * time.Second)
				next := &quiet{}
				if err := d.Set(c.set(next)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
				want(t, "polls", len(next.polls()), c.polls)
				want(t, "tasks", len(d.Status()), c.polls)
			})
		})
	}
}

func TestMendedCollectorIsPolledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		bad := &quiet{err: &collectors.Forbidden{Mend: "renew the token", Err: errors.New("401")}}
		d := run(t, collectors.Options{Logs: logs}, acme(bad))
		time.Sleep(14 * time.Minute)
		want(t, "polls while forbidden", len(bad.polls()), 1)
		good := &quiet{}
		if err := d.Set([]collectors.Task{acme(good)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want(t, "polls of the new collector", len(good.polls()), 1)
		want(t, "states", said(logs, "x/acme"), []string{"forbidden", "complete"})
	})
}

// Where only a part is refused, the rest is read as usual, and hints count.
func TestARefusedPartKeepsNothingWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		hints := make(chan func(), 1)
		s := &stream{}
		s.watch = func(ctx context.Context, hint func()) error {
			hints <- hint
			<-ctx.Done()
			return ctx.Err()
		}
		run(t, collectors.Options{Logs: logs}, acme(s))
		hint := <-hints
		s.answer(collectors.Page{}, &collectors.Forbidden{Mend: "allow it", Err: errors.New("403"), Part: true})
		time.Sleep(14 * time.Minute)
		if n := len(s.polls()); n < 13 || n > 16 {
			t.Errorf("%d polls in 14 minutes, want about one a minute", n)
		}
		want(t, "states", said(logs, "x/acme"), []string{"complete", "forbidden"})
		for n := len(s.polls()); len(s.polls()) == n; {
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		n := len(s.polls())
		hint()
		time.Sleep(time.Second)
		want(t, "polls for a hint", len(s.polls())-n, 1)
	})
}

func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := &switchboard{}
		q, free := &quiet{}, &quiet{}
		task, file := acme(q), collectors.Task{Source: "file/history", Collector: free, Every: time.Minute}
		task.Budget = collectors.NewBudget("main", collectors.BudgetOptions{})
		d := run(t, collectors.Options{Logs: collectortest.NewLogs(), Leases: leases}, task, file)
		time.Sleep(time.Hour)
		want(t, "polls without the lease", len(q.polls())+len(free.polls()), 0)
		want(t, "standby", d.Status()[0].Standby && d.Status()[1].Standby, true)
		leases.hold("main", "file/history")
		time.Sleep(2 * time.Second)
		want(t, "polls soon after the lease", len(q.polls())+len(free.polls()), 2)
		time.Sleep(10 * time.Minute)
		leases.hold()
		n := len(q.polls())
		time.Sleep(time.Hour)
		want(t, "polls after the lease was lost", len(q.polls())-n, 0)
	})
}

func TestStandbyTasksCanBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := &switchboard{}
		budget := collectors.NewBudget("main", collectors.BudgetOptions{})
		var tasks []collectors.Task
		var sources []*quiet
		for i := range 10 {
			q := &quiet{}
			sources = append(sources, q)
			tasks = append(tasks, collectors.Task{Source: fmt.Sprintf("x/%d", i), Collector: q, Every: time.Minute, Budget: budget})
		}
		d := run(t, collectors.Options{Logs: collectortest.NewLogs(), Leases: leases}, tasks...)
		time.Sleep(time.Hour)
		if err := d.Set(tasks[4:6]); err != nil {
			t.Fatal(err)
		}
		leases.hold("main")
		time.Sleep(2 * time.Second)
		for i, q := range sources {
			polls := 0
			if i == 4 || i == 5 {
				polls = 1
			}
			want(t, fmt.Sprintf("polls of x/%d", i), len(q.polls()), polls)
		}
	})
}

type switchboard struct {
	mu   sync.Mutex
	held []string
}

func (s *switchboard) hold(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = names
}

func (s *switchboard) Held(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.held, name)
}

// Who takes a lease over reads the log first, and blames nobody for the time
// before.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		a, b := &switchboard{held: []string{"x/acme"}}, &switchboard{}
		run(t, collectors.Options{Logs: logs, Leases: a}, acme(counting("x/acme")))
		tally := newTally()
		run(t, collectors.Options{Logs: logs, Leases: b, Observer: tally}, acme(counting("x/acme")))
		for range 5 {
			time.Sleep(10 * time.Minute)
			a.hold()
			b.hold("x/acme")
			a, b = b, a
		}
		for i, id := range ids(logs, "x/acme") {
			want(t, "id in order", id, fmt.Sprint(i))
		}
		want(t, "pages refused by the fence", tally.outcome(collectors.OutcomeFenced), 0)
		want(t, "states", said(logs, "x/acme"), []string{"complete"})
	})
}

func TestScarceBudgetIsSharedInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := collectors.NewBudget("main", collectors.BudgetOptions{Requests: 65, Per: 15 * time.Minute})
		client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(okHandler), MaxWait: time.Millisecond})
		var mu sync.Mutex
		served := map[string]int{}
		var tasks []collectors.Task
		for i := range 30 {
			source := fmt.Sprintf("x/%d", i)
			tasks = append(tasks, collectors.Task{Source: source, Every: time.Minute, Budget: budget, Collector: collector(
				func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
					if err := get(ctx, client, "https://x.test/"); err != nil {
						return collectors.Page{}, err
					}
					mu.Lock()
					defer mu.Unlock()
					served[source]++
					return collectors.Page{}, nil
				})})
		}
		run(t, collectors.Options{Logs: collectortest.NewLogs(), PerCredential: 1}, tasks...)
		time.Sleep(10 * time.Hour)
		mu.Lock()
		defer mu.Unlock()
		least, most, sum := 1<<30, 0, 0
		for _, n := range served {
			least, most, sum = min(least, n), max(most, n), sum+n
		}
		if len(served) != 30 || most-least > 15 { // of 87; what is left over goes to who falls due first
			t.Errorf("polls per account from %d to %d: not in turn", least, most)
		}
		if limit := 65 * 40; sum > limit+65 || sum < limit*95/100 {
			t.Errorf("%d requests in 10 h, want 95 to 100 %% of %d", sum, limit)
		}
	})
}

func TestSchedulerIsSmall(t *testing.T) {
	const n = 100_000
	tasks := make([]collectors.Task, n)
	c := &quiet{}
	budget := collectors.NewBudget("main", collectors.BudgetOptions{})
	for i := range tasks {
		tasks[i] = collectors.Task{Source: fmt.Sprintf("x/account%d", i), Network: "x", Collector: c, Every: time.Minute, Budget: budget}
	}
	before := heap()
	s := collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()})
	if err := s.Set(tasks); err != nil {
		t.Fatal(err)
	}
	per := (heap() - before) / n
	runtime.KeepAlive(s)
	runtime.KeepAlive(tasks)
	t.Logf("%d B per scheduled idle account", per)
	if per > 300 {
		t.Errorf("%d B per scheduled idle account, want at most 300", per)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestRunTwice(t *testing.T) {
	s := collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Run(ctx); err == nil {
		t.Error("second Run gave no error")
	}
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		c := collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
			old := post("x/acme", number(cursor))
			old.Time = old.Time.Add(-20 * time.Second)
			return collectors.Page{
				Activities: []activity.Activity{old}, Cursor: cursorOf(number(cursor) + 1),
				ServerTime: time.Now().Add(90*time.Second + time.Millisecond),
			}, nil
		})
		d := run(t, collectors.Options{Logs: logs}, acme(c))
		time.Sleep(5*time.Minute + time.Second)
		st := d.Status()[0]
		want(t, "state", st.State, "complete")
		want(t, "lag", st.Lag, 20*time.Second)
		want(t, "items, poll activity included", st.Items, uint64(len(logs.Activities("x/acme"))))
		want(t, "skew", st.Skew.OK && st.Skew.V > 89.9 && st.Skew.V < 90.1, true)
		want(t, "next poll is ahead", st.NextPoll.After(time.Now()), true)
		want(t, "last success is recent", time.Since(st.LastOK) < 90*time.Second, true)
		want(t, "error", st.LastError, "")
	})
}

// TestClockSetBack: a machine starts with its clock ahead, by hours where it takes
// local time for UTC or by years, and sets it back when it has learned the time.
// Nobody may be blind until the clock has come so far again, nor forget what the
// network asked for.
func TestClockSetBack(t *testing.T) {
	for _, step := range []time.Duration{time.Minute, 2 * time.Hour, 87600 * time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64
				ahead.Store(int64(step))
				clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				usual, limited := &quiet{}, &quiet{}
				logs := collectortest.NewLogs()
				run(t, collectors.Options{Logs: logs, Now: clock}, acme(usual),
					collectors.Task{Source: "y/acme", Network: "y", Collector: limited, Every: time.Minute})
				time.Sleep(10*time.Minute + 30*time.Second)
				limited.answer(collectors.Page{}, &collectors.RateLimited{Until: clock().Add(30 * time.Minute), Err: errors.New("too many")})
				time.Sleep(2 * time.Minute)
				before, asked := len(usual.polls()), len(limited.polls())
				ahead.Store(0)
				time.Sleep(10 * time.Minute)
				if n := len(usual.polls()) - before; n < 8 || n > 12 {
					t.Errorf("%d polls in the ten minutes after, want about 10", n)
				}
				time.Sleep(10 * time.Minute)
				if n := len(limited.polls()) - asked; n != 0 {
					t.Errorf("%d polls while the network said to wait, want none", n)
				}
				limited.answer(collectors.Page{}, nil)
				time.Sleep(15 * time.Minute)
				if n := len(limited.polls()) - asked; n == 0 {
					t.Error("no poll after the network had said to wait")
				}
				usual.answer(collectors.Page{}, &collectors.RateLimited{Err: errors.New("too many")})
				time.Sleep(2 * time.Hour)
				if got := said(logs, "x/acme"); len(got) < 3 || got[len(got)-1] != activity.PollFailing || got[len(got)-2] != activity.PollFailing {
					t.Errorf("said %v, want at the end that it fails, and an hour later again", got)
				}
			})
		})
	}
}
