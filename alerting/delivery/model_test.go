package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// life is one run of a daemon over a memory. Once it is killed, nothing that it
// does reaches the memory any more.
type life struct {
	*memory
	killed *atomic.Bool
	chance *rand.Rand
	stop   func()
}

var errKilled = errors.New("killed")

// flaky is the memory as one life of the daemon sees it: with faults now and
// then, and away once it is killed.
func (l *life) flaky() error {
	switch {
	case l.killed.Load():
		return errKilled
	case l.chance.IntN(20) == 0:
		return errors.New("timeout")
	}
	return nil
}

func (l *life) write(ctx context.Context, receiver, incident string, r *Record) error {
	l.mu.Lock()
	err := l.flaky()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.memory.write(ctx, receiver, incident, r)
}

func (l *life) bury(ctx context.Context, d *Letter, seq uint64) error {
	l.mu.Lock()
	err := l.flaky()
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.memory.bury(ctx, d, seq)
}

func (l *life) open(ctx context.Context, receiver string) (source, error) {
	s, err := l.memory.open(ctx, receiver)
	return mortal{s, l}, err
}

// mortal is a source of a life: it is cut off now and then, and repeats then.
type mortal struct {
	source
	life *life
}

func (s mortal) take(ctx context.Context) (*parcel, error) {
	s.life.mu.Lock()
	cut := s.life.chance.IntN(50) == 0
	s.life.mu.Unlock()
	if cut {
		return nil, errMissed
	}
	p, err := s.source.take(ctx)
	if err == nil {
		p.ack = dropping{p.ack, s.life}
	}
	return p, err
}

// dropping loses acknowledgements now and then.
type dropping struct {
	acknowledger
	life *life
}

func (d dropping) DoubleAck(ctx context.Context) error {
	d.life.mu.Lock()
	err := d.life.flaky()
	d.life.mu.Unlock()
	if err != nil {
		return err
	}
	return d.acknowledger.DoubleAck(ctx)
}

// TestModel plays daemons that are killed, receivers that fail in every way and
// a store that is away now and then, and holds what happened against what is
// promised.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, seed) })
		})
	}
}

func play(t *testing.T, seed uint64) {
	t.Helper()
	chance := rand.New(rand.NewPCG(seed, 1))
	m := newMemory(time.Now)
	ruin := rand.New(rand.NewPCG(seed, 2))
	mood := 0
	p := newPhone(nil)
	p.answer = func(msg *notify.Message) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch n := ruin.IntN(100); {
		case n < 3 && msg.Level == rules.Low:
			return notify.Permanent(errors.New("400"))
		case n < mood/3:
			return errHangs
		case n < mood/2:
			return notify.RetryAfter(errors.New("429"), time.Duration(ruin.IntN(120))*time.Second)
		case n < mood:
			return errDown
		}
		return nil
	}
	begin := func() *life {
		l := &life{memory: m, killed: new(atomic.Bool), chance: rand.New(rand.NewPCG(seed, chance.Uint64()))}
		d := m.delivery(t, Config{Chance: func() float64 { m.mu.Lock(); defer m.mu.Unlock(); return l.chance.Float64() }}, &Receiver{Name: "r", Notifier: p})
		d.ledger, d.open = l, l.open
		l.stop = run(t, d)
		return l
	}
	l, kills, sent := begin(), 0, 0
	levels := []rules.Level{rules.Critical, rules.High, rules.Medium, rules.Low}
	for range 400 {
		switch n := chance.IntN(100); {
		case n < 55:
			put(t, m, "r", levels[chance.IntN(len(levels))], fmt.Sprint("i", chance.IntN(8)), fmt.Sprint("k", sent))
			sent++
		case n < 65 && sent > 0: // queued twice
			put(t, m, "r", rules.High, "i0", fmt.Sprint("k", chance.IntN(sent)))
		case n < 75:
			p.mu.Lock()
			mood = chance.IntN(120)
			p.mu.Unlock()
		case n < 78:
			l.killed.Store(true)
			l.stop()
			kills++
			l = begin()
		}
		time.Sleep(time.Duration(chance.Int64N(int64(40 * time.Second))))
	}
	p.mu.Lock()
	mood = 0
	p.mu.Unlock()
	time.Sleep(26 * time.Hour)
	l.stop()
	judge(t, m, p.calls(t), kills)
}

// judge holds what a phone took against what was queued.
func judge(t *testing.T, m *memory, calls []call, kills int) {
	t.Helper()
	times := map[string]int{}
	order := map[string][]string{} // keys by incident, each when it was first told
	for _, c := range calls {
		times[c.key]++
		if times[c.key] == 1 {
			order[c.incident] = append(order[c.incident], c.key)
		}
	}
	dead := map[string]bool{}
	for i := range m.letters {
		if dead[m.letters[i].Message.Key] {
			t.Errorf("%s died twice", m.letters[i].Message.Key)
		}
		dead[m.letters[i].Message.Key] = true
	}
	want := map[string][]string{}
	for _, q := range m.queued {
		key := q.message.Key
		switch {
		case times[key] == 0 && !dead[key]:
			t.Errorf("%s is lost", key)
		case times[key] > 0 && dead[key] && kills == 0:
			t.Errorf("%s was told and died", key)
		case times[key] > 1+kills:
			t.Errorf("%s was told %d times with %d crashes", key, times[key], kills)
		}
		if times[key] > 0 {
			want[q.message.Incident] = append(want[q.message.Incident], key)
		}
	}
	repeats := 0
	for _, n := range times {
		repeats += max(0, n-1)
	}
	if repeats > kills*parallel {
		t.Errorf("%d messages were repeated with %d crashes", repeats, kills)
	}
	for incident, keys := range want {
		if !slices.Equal(keys, order[incident]) {
			t.Errorf("%s was told as %v, want %v", incident, order[incident], keys)
		}
	}
	for i := 1; i < len(calls); i++ {
		for j := range i {
			if calls[j].incident == calls[i].incident && calls[i].receipt == "" && kills == 0 {
				t.Fatalf("%s was told without the receipt of its incident", calls[i].key)
			}
		}
	}
}
