package collectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
)

// between counts the polls of a collector after some time and up to another.
func (q *quiet) between(from, until time.Time) int {
	n := 0
	for _, at := range q.polls() {
		if at.After(from) && !at.After(until) {
			n++
		}
	}
	return n
}

func TestHastenedIsPolledFaster(t *testing.T) {
	for _, c := range []struct {
		name    string
		fastest time.Duration
		source  string
		dollars float64 // the month's budget, of which each poll takes one
		polls   [2]int  // at least and at most, in the ten minutes from Hasten on
	}{
		{"faster", 10 * time.Second, "x/acme", 0, [2]int{55, 65}},
		{"not configured", 0, "x/acme", 0, [2]int{9, 11}},
		{"another account", 10 * time.Second, "x/other", 0, [2]int{9, 11}},
		{"the budget lasts", 10 * time.Second, "x/acme", 1e6, [2]int{55, 65}},
		{"the budget would not last", 10 * time.Second, "x/acme", 44_000, [2]int{9, 13}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &quiet{}
				task := acme(q)
				task.Fastest = c.fastest
				if c.dollars > 0 {
					q.page.Cost = 1
					task.Budget = collectors.NewBudget("main", collectors.BudgetOptions{Dollars: c.dollars})
				}
				d := run(t, collectors.Options{Logs: collectortest.NewLogs()}, task)
				time.Sleep(3 * time.Hour)
				began := time.Now()
				d.Hasten(c.source, began.Add(10*time.Minute))
				time.Sleep(30 * time.Minute)
				if n := q.between(began, began.Add(10*time.Minute)); n < c.polls[0] || n > c.polls[1] {
					t.Errorf("%d polls in the ten minutes, want %d to %d", n, c.polls[0], c.polls[1])
				}
				if n := q.between(began.Add(11*time.Minute), began.Add(21*time.Minute)); n < 9 || n > 11 {
					t.Errorf("%d polls in ten minutes thereafter, want about 10", n)
				}
			})
		})
	}
}

func TestQuietIsPolledSlowerButNeverTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		q, n := &quiet{}, 0
		task := acme(collector(func(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
			page, err := q.Poll(ctx, cursor)
			page.Cursor = cursorOf(n)
			return page, err
		}))
		task.Slowest = 5 * time.Minute
		run(t, collectors.Options{Logs: logs}, task)
		time.Sleep(6 * time.Hour)
		if polls := q.between(time.Now().Add(-5*time.Hour), time.Now()); polls < 60 || polls > 70 {
			t.Errorf("%d polls of a quiet account in 5 h, want about 60 and a bit", polls)
		}
		if gap := q.gap(); gap > 5*time.Minute {
			t.Errorf("%s between two polls, want 5m0s at most", gap)
		}
		synctest.Wait()
		n = 1
		q.answer(collectors.Page{Activities: posts("x/acme", 1)}, nil)
		time.Sleep(6 * time.Minute) // at most 5 until it is seen
		began := time.Now()
		q.answer(collectors.Page{Activities: posts("x/acme", 2)}, nil)
		time.Sleep(2 * time.Minute)
		if polls := q.between(began, time.Now()); polls < 1 || polls > 3 {
			t.Errorf("%d polls in 2 minutes after something new, want one or two a minute", polls)
		}
		want(t, "states", said(logs, "x/acme")[0], "complete")
	})
}

// One error after a long interval that was wanted is no trouble yet.
func TestSlowestDoesNotMakeItFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, n := collectortest.NewLogs(), 0
		task := acme(collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
			if n++; n%10 == 0 {
				return collectors.Page{}, errors.New("502")
			}
			return collectors.Page{}, nil
		}))
		task.Slowest = 10 * time.Minute
		run(t, collectors.Options{Logs: logs}, task)
		time.Sleep(5 * time.Hour)
		if n < 30 {
			t.Errorf("%d polls in 5 h, want about 35", n)
		}
		for _, state := range said(logs, "x/acme") {
			want(t, "state", state, "complete")
		}
	})
}

func TestBoundsOfTheIntervalAreChecked(t *testing.T) {
	s := collectors.NewScheduler(collectors.Options{Logs: collectortest.NewLogs()})
	fast, slow, tiny := acme(&quiet{}), acme(&quiet{}), acme(&quiet{})
	fast.Source, slow.Source, tiny.Source = "x/fast", "x/slow", "x/tiny"
	fast.Fastest, slow.Slowest, tiny.Fastest = 2*time.Minute, 30*time.Second, time.Microsecond
	err := s.Set([]collectors.Task{fast, slow, tiny})
	if err == nil {
		t.Fatal("Set accepted nonsense")
	}
	want(t, "error of Set", err.Error(), "task 0: source x/fast: fastest interval 2m0s; want 1ms to the usual one, 1m0s, or none\n"+
		"task 1: source x/slow: slowest interval 30s; want at least the usual one, 1m0s, or none\n"+
		"task 2: source x/tiny: fastest interval 1µs; want 1ms to the usual one, 1m0s, or none")
}

// stream is a collector with a stream.
type stream struct {
	quiet
	watch func(ctx context.Context, hint func()) error

	mu     sync.Mutex
	opened []time.Time
	open   int
	most   int
}

func (s *stream) Watch(ctx context.Context, hint func()) error {
	s.mu.Lock()
	s.opened = append(s.opened, time.Now())
	s.open++
	s.most = max(s.most, s.open)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	}()
	return s.watch(ctx, hint)
}

func (s *stream) running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *stream) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]time.Time(nil), s.opened...)
}

// wrapped is a collector around another one.
type wrapped struct{ collectors.Collector }

func (w wrapped) Inner() collectors.Collector { return w.Collector }

func TestAHintBringsThePollForward(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration // between hints
		polls [2]int        // in ten minutes
		wrap  bool
	}{
		{"one each ten seconds", 10 * time.Second, [2]int{58, 72}, false},
		{"behind a wrapper", 10 * time.Second, [2]int{58, 72}, true},
		{"a storm of them", 50 * time.Millisecond, [2]int{190, 215}, false},
		{"none", time.Hour, [2]int{9, 11}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stream{}
				s.watch = func(ctx context.Context, hint func()) error {
					for {
						select {
						case <-ctx.Done():
							return ctx.Err()
						case <-time.After(c.every):
							hint()
						}
					}
				}
				task := acme(s)
				if c.wrap {
					task.Collector = wrapped{s}
				}
				run(t, collectors.Options{Logs: collectortest.NewLogs()}, task)
				time.Sleep(time.Hour)
				if n := s.between(time.Now().Add(-10*time.Minute), time.Now()); n < c.polls[0] || n > c.polls[1] {
					t.Errorf("%d polls in ten minutes, want %d to %d", n, c.polls[0], c.polls[1])
				}
				want(t, "streams opened", len(s.times()), 1)
			})
		})
	}
}

func TestABrokenStreamIsOpenedAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		panics bool
		opened [2]int // in an hour
	}{
		{"with growing patience", errors.New("reset"), false, [2]int{10, 18}},
		{"after a panic", nil, true, [2]int{10, 18}},
		{"forbidden", &collectors.Forbidden{Mend: "renew", Err: io.EOF}, false, [2]int{4, 5}},
		{"told to wait", &collectors.RateLimited{Until: time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC), Err: io.EOF}, false, [2]int{2, 18}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stream{}
				s.watch = func(context.Context, func()) error {
					if c.panics {
						panic("boom")
					}
					return c.err
				}
				run(t, collectors.Options{Logs: collectortest.NewLogs()}, acme(s))
				time.Sleep(time.Hour)
				opened := s.times()
				if n := len(opened); n < c.opened[0] || n > c.opened[1] {
					t.Errorf("opened %d times in an hour, want %d to %d", n, c.opened[0], c.opened[1])
				}
				if c.name == "told to wait" && opened[1].Before(time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)) {
					t.Errorf("opened again at %s, want not before half past", opened[1])
				}
				if n := len(s.polls()); n < 58 || n > 62 {
					t.Errorf("%d polls in an hour, want about 60: a stream is none of a poll's business", n)
				}
			})
		})
	}
}

func TestAStreamEndsWithItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leases := &switchboard{}
		s := &stream{}
		s.watch = func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes a while to close
			return ctx.Err()
		}
		d := run(t, collectors.Options{Logs: collectortest.NewLogs(), Leases: leases}, acme(s))
		time.Sleep(10 * time.Minute)
		want(t, "streams without the lease", len(s.times()), 0)
		leases.hold("x/acme")
		time.Sleep(2 * time.Minute)
		want(t, "streams with it", len(s.times()), 1)
		leases.hold()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		want(t, "open once it is lost", s.running(), 0)
		leases.hold("x/acme")
		time.Sleep(2 * time.Minute)
		want(t, "streams when it is back", len(s.times()), 2)
		next := &stream{watch: s.watch}
		if err := d.Set([]collectors.Task{acme(next)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		want(t, "open of the collector of before", s.running(), 0)
		want(t, "open of the one that took its place", next.running(), 1)
		if err := d.Set(nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		want(t, "open of no task", next.running(), 0)
		want(t, "most at once", s.most+next.most, 2)
	})
}

// A stream's answer takes as long as it takes; only its beginning has a bound.
func TestStreamsHaveNoTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := roundTripper(func(req *http.Request) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/never") {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			r, w := io.Pipe()
			go func() {
				for i := range 5 {
					time.Sleep(time.Minute)
					fmt.Fprintln(w, i)
				}
				_ = w.Close()
			}()
			return &http.Response{StatusCode: http.StatusOK, Body: r, Request: req}, nil
		})
		client := collectors.NewClient(nil, collectors.ClientOptions{Base: base, MaxBody: 4})
		var heard, failed error
		s := &stream{watch: func(ctx context.Context, _ func()) error {
			failed = get(ctx, client, "https://x.test/never")
			heard = get(ctx, client, "https://x.test/stream")
			<-ctx.Done()
			return ctx.Err()
		}}
		run(t, collectors.Options{Logs: collectortest.NewLogs()}, acme(s))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		want(t, "error of a stream of five minutes and ten bytes", heard, nil)
		if failed == nil || !strings.Contains(failed.Error(), "no answer within 30s") {
			t.Errorf("error of a stream that never begins: %v", failed)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
