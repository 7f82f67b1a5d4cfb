package delivery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

var errDown = errors.New("connection refused")

// put queues one message for each pair of incident and key.
func put(t *testing.T, m *memory, receiver string, level rules.Level, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		msg := message(receiver, pairs[i], pairs[i+1], notify.Opened)
		msg.Level = level
		if err := m.queue(t.Context(), []notify.Message{msg}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPermanentDiesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(func(m *notify.Message) error {
			if m.Key == "bad" {
				return notify.Permanent(errors.New("400 Bad Request"))
			}
			return nil
		})
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: p}))
		defer stop()
		put(t, m, "r", rules.High, "i", "bad", "i", "good")
		time.Sleep(time.Second)
		if d := cmp.Diff(map[string][]string{"i": {"good"}}, keysOf(p.calls(t))); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
		if len(m.dead()) != 1 || m.dead()[0].Attempts != 1 || m.dead()[0].Error != "400 Bad Request" {
			t.Errorf("dead letters %+v", m.dead())
		}
	})
}

func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		level rules.Level
		set   Deadlines
		want  time.Duration
	}{
		{rules.Critical, Deadlines{}, 24 * time.Hour},
		{rules.High, Deadlines{}, 8 * time.Hour},
		{rules.Medium, Deadlines{}, 8 * time.Hour},
		{rules.Low, Deadlines{}, 4 * time.Hour},
		{rules.Informational, Deadlines{}, 4 * time.Hour},
		{"unheard of", Deadlines{}, 8 * time.Hour},
		{rules.Low, Deadlines{Low: time.Hour}, time.Hour},
		{rules.Critical, Deadlines{Critical: 1000 * time.Hour}, MaxDeadline},
	} {
		t.Run(string(tt.level)+" "+tt.want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPhone(func(*notify.Message) error { return errDown })
				m := newMemory(time.Now)
				stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: p, Deadlines: tt.set}))
				defer stop()
				put(t, m, "r", tt.level, "i", "k1")
				time.Sleep(tt.want - time.Minute)
				if len(m.dead()) != 0 {
					t.Fatal("it died before its time was over")
				}
				time.Sleep(time.Minute + 2*time.Second)
				if len(m.dead()) != 1 || m.dead()[0].Error != "connection refused" || m.dead()[0].Died.Sub(m.dead()[0].Queued) < tt.want {
					t.Fatalf("dead letters %+v", m.dead())
				}
				if m.dead()[0].Attempts != p.tried() {
					t.Errorf("%d attempts in the letter, %d at the receiver", m.dead()[0].Attempts, p.tried())
				}
			})
		})
	}
}

// TestLateMessageIsTriedOnce: what waited while Picket was down for longer than
// its time is tried before it is given up.
func TestLateMessageIsTriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		put(t, m, "works", rules.High, "i", "k")
		put(t, m, "down", rules.High, "i", "k")
		time.Sleep(9 * time.Hour)
		works, down := newPhone(nil), newPhone(func(*notify.Message) error { return errDown })
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "works", Notifier: works}, &Receiver{Name: "down", Notifier: down}))
		defer stop()
		time.Sleep(time.Second)
		if len(works.calls(t)) != 1 || down.tried() != 1 || len(m.dead()) != 1 {
			t.Errorf("%d told, %d tries, %d dead letters; want 1 of each", len(works.calls(t)), down.tried(), len(m.dead()))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var tries []time.Duration
		p := newPhone(nil)
		p.answer = func(*notify.Message) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			tries = append(tries, time.Since(began))
			if len(tries) == 1 {
				return notify.RetryAfter(errors.New("429"), 10*time.Minute)
			}
			return nil
		}
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: p}))
		defer stop()
		put(t, m, "r", rules.High, "a", "k1")
		time.Sleep(time.Minute)
		put(t, m, "r", rules.Critical, "b", "k2") // it is the receiver that wants to be left alone
		time.Sleep(20 * time.Minute)
		p.mu.Lock()
		defer p.mu.Unlock()
		if want := []time.Duration{0, 10 * time.Minute, 10 * time.Minute}; !slices.Equal(tries, want) {
			t.Errorf("tries at %v, want %v", tries, want)
		}
	})
}

// TestBreaker: a receiver that fails is probed by one message at a time, and no
// message that alone is at fault keeps the others from it.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		var at []time.Time
		p := newPhone(nil)
		p.answer = func(m *notify.Message) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			at = append(at, time.Now())
			if down.Load() || m.Key == "bad" {
				return errDown
			}
			return nil
		}
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: p}))
		defer stop()
		put(t, m, "r", rules.Critical, "i1", "bad")
		put(t, m, "r", rules.High, "i2", "k2", "i3", "k3", "i4", "k4", "i5", "k5", "i6", "k6")
		time.Sleep(30 * time.Minute)
		p.mu.Lock()
		tries := slices.Clone(at)
		p.mu.Unlock()
		for i := tripsAfter + parallel; i < len(tries); i++ {
			if tries[i].Sub(tries[i-1]) < 7*time.Second {
				t.Errorf("probes %s apart", tries[i].Sub(tries[i-1]))
			}
		}
		if n := len(tries); n < 20 || n > 60 {
			t.Errorf("%d tries in half an hour", n)
		}
		down.Store(false)
		time.Sleep(3 * time.Minute)
		if n := len(p.calls(t)); n != 5 {
			t.Errorf("%d told three minutes after the receiver was back, want 5", n)
		}
	})
}

func TestBackoff(t *testing.T) {
	p := usualPace()
	for _, tt := range []struct {
		attempts int
		chance   float64
		want     time.Duration
	}{
		{1, 0, 0},
		{1, 0.5, time.Second},
		{2, 0.5, 2 * time.Second},
		{5, 0.5, 16 * time.Second},
		{9, 0.5, 150 * time.Second},
		{10, 0.5, 150 * time.Second},
		{100000, 0.5, 150 * time.Second},
	} {
		if got := p.backoff(tt.attempts, tt.chance); got != tt.want {
			t.Errorf("backoff(%d, %v) = %v, want %v", tt.attempts, tt.chance, got, tt.want)
		}
	}
}

// TestServerIsKeptInformed: what waits is said to be worked on, well within the
// time after which the server gives it out again.
func TestServerIsKeptInformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: newPhone(func(*notify.Message) error { return errDown })}))
		defer stop()
		put(t, m, "r", rules.High, "i1", "k1", "i1", "k2", "i2", "k3")
		time.Sleep(2 * ackWait)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.kept < 3*4 {
			t.Errorf("the server was told %d times", m.kept)
		}
	})
}

// TestOwnStoreIsAway: nobody is told twice because a record could not be read
// or written, and nothing is lost.
func TestOwnStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		p := newPhone(nil)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: p}))
		defer stop()
		put(t, m, "r", rules.High, "i1", "k1")
		time.Sleep(time.Second)
		m.mu.Lock()
		m.fault = func() error { return errors.New("no responders") }
		m.mu.Unlock()
		put(t, m, "r", rules.High, "i1", "k2", "i2", "k3")
		time.Sleep(time.Minute)
		m.mu.Lock()
		m.fault = nil
		m.mu.Unlock()
		time.Sleep(time.Minute)
		if d := cmp.Diff(map[string][]string{"i1": {"k1", "k2"}, "i2": {"k3"}}, keysOf(p.calls(t))); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
	})
}

func TestPanickingOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{}, &Receiver{Name: "r", Notifier: newPhone(func(*notify.Message) error { panic("nil map") })}))
		defer stop()
		put(t, m, "r", rules.High, "i1", "k1")
		time.Sleep(time.Second)
		if len(m.dead()) != 1 || m.dead()[0].Error != "the output failed, which is a fault of Picket: nil map" {
			t.Errorf("dead letters %+v", m.dead())
		}
	})
}

// TestConfigure: a receiver that is given again goes on, one that changed is
// told by its new output, and what waits for one that is gone waits on.
func TestConfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(time.Now)
		slow := newPhone(func(*notify.Message) error { time.Sleep(20 * time.Second); return nil })
		stays := &Receiver{Name: "stays", Notifier: slow}
		old, anew := newPhone(nil), newPhone(nil)
		d := m.delivery(t, Config{}, stays, &Receiver{Name: "changes", Notifier: old})
		stop := run(t, d)
		defer stop()
		put(t, m, "stays", rules.High, "i", "k1")
		put(t, m, "changes", rules.High, "i", "k1")
		time.Sleep(time.Second)
		if err := d.Configure([]*Receiver{stays, {Name: "changes", Notifier: anew}}); err != nil {
			t.Fatal(err)
		}
		put(t, m, "gone", rules.High, "i", "k9")
		time.Sleep(time.Second)
		put(t, m, "changes", rules.High, "i", "k2")
		time.Sleep(20 * time.Second)
		got := [][]string{keysOf(slow.calls(t))["i"], keysOf(old.calls(t))["i"], keysOf(anew.calls(t))["i"]}
		if d := cmp.Diff([][]string{{"k1"}, {"k1"}, {"k2"}}, got); d != "" {
			t.Errorf("told (-want +got):\n%s", d)
		}
		if err := d.Configure([]*Receiver{stays, stays}); err == nil {
			t.Error("two receivers of one name are accepted")
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.settled[3] {
			t.Error("what waits for a receiver that is gone was given up")
		}
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var ill atomic.Bool
		healthy := func(context.Context) error {
			if ill.Load() {
				return errors.New("the detector is behind")
			}
			return nil
		}
		p, quiet := newPhone(nil), newPhone(nil)
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{Healthy: healthy}, &Receiver{Name: "r", Notifier: p, Heartbeat: 10 * time.Minute}, &Receiver{Name: "q", Notifier: quiet}))
		time.Sleep(20 * time.Minute)
		ill.Store(true)
		time.Sleep(30 * time.Minute)
		ill.Store(false)
		time.Sleep(10 * time.Minute)
		m.mu.Lock()
		m.fault = func() error { return errors.New("no responders") }
		m.mu.Unlock()
		stop()
		var got []string
		for _, at := range p.beats {
			got = append(got, at.Sub(began).String())
		}
		if d := cmp.Diff([]string{"1s", "9m1s", "18m1s", "54m1s"}, got); d != "" {
			t.Errorf("heartbeats (-want +got):\n%s", d)
		}
		if len(quiet.beats) != 0 {
			t.Error("a receiver without a heartbeat got one")
		}
	})
}

// tally implements Observer.
type tally struct {
	mu      sync.Mutex
	names   []string
	told    map[Outcome]int
	took    time.Duration
	pending map[string]int
	up      map[string]bool
}

func (o *tally) Receivers(names []string) { o.mu.Lock(); defer o.mu.Unlock(); o.names = names }

func (o *tally) Told(_ string, out Outcome, took time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told[out]++
	o.took += took
}

func (o *tally) Pending(receiver string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending[receiver] = n
}

func (o *tally) Up(receiver string, up bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.up[receiver] = up
}

func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &tally{told: map[Outcome]int{}, pending: map[string]int{}, up: map[string]bool{}}
		var down atomic.Bool
		p := newPhone(func(m *notify.Message) error {
			switch {
			case m.Key == "bad":
				return notify.Permanent(errors.New("400"))
			case down.Load():
				return errDown
			}
			time.Sleep(2 * time.Second)
			return nil
		})
		m := newMemory(time.Now)
		stop := run(t, m.delivery(t, Config{Observer: o}, &Receiver{Name: "r", Notifier: p}))
		defer stop()
		see := func(pending int, up bool, delivered, dead int, took time.Duration) {
			t.Helper()
			time.Sleep(time.Minute)
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.pending["r"] != pending || o.up["r"] != up || o.told[Delivered] != delivered || o.told[Dead] != dead || o.took != took {
				t.Errorf("pending %v, up %v, told %v, took %s; want %d, %t, %d, %d, %s", o.pending, o.up, o.told, o.took, pending, up, delivered, dead, took)
			}
		}
		put(t, m, "r", rules.High, "i", "k1")
		see(0, true, 1, 0, 2*time.Second)
		put(t, m, "r", rules.High, "i", "bad")
		see(0, false, 1, 1, 2*time.Second)
		put(t, m, "r", rules.High, "i", "k2")
		see(0, true, 2, 1, 4*time.Second)
		down.Store(true)
		put(t, m, "r", rules.High, "i", "k3", "j", "k4")
		see(2, false, 2, 1, 4*time.Second)
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.told[Retried] < tripsAfter || !cmp.Equal(o.names, []string{"r"}) {
			t.Errorf("%d retried, of %v", o.told[Retried], o.names)
		}
	})
}
