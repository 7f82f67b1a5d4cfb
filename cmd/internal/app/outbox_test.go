package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// sharedLog is the matches of one partition, for several writers. It fails as
// often as it is told to, with the steps stored or not.
type sharedLog struct {
	mu     sync.Mutex
	all    []journal.Steps
	faults func() (stored, fails bool)
}

// writer is one owner's view of it.
type writer struct {
	log  *sharedLog
	seen int
	read bool
}

func (w *writer) Last(context.Context) (journal.Steps, error) {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.seen, w.read = len(w.log.all), true
	if w.seen == 0 {
		return journal.Steps{}, nil
	}
	return w.log.all[w.seen-1], nil
}

func (w *writer) Append(_ context.Context, s journal.Steps) error {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	if !w.read || w.seen != len(w.log.all) {
		w.read = false
		return collectors.ErrFenced
	}
	stored, fails := w.log.faults()
	if stored {
		w.log.all = append(w.log.all, s)
		w.seen++
	}
	if fails {
		w.read = false
		return errors.New("no answer")
	}
	return nil
}

func acrossPlan(t *testing.T, docs string) *detector.Plan {
	t.Helper()
	p, err := detector.Compile(detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(docs)}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const sprayRule = `
title: Failure
name: failure
logsource: {product: picket}
detection: {s: {kind: login_failure}, condition: s}
---
title: Spray
name: spray
level: high
correlation:
  type: value_count
  rules: [failure]
  group-by: [ip]
  timespan: 1h
  condition: {gte: 3, field: account}
`

var epoch = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newTestOutbox(w *writer, plan *detector.Plan) *outbox {
	o := &outbox{
		log: w, ensure: func(context.Context) error { return nil }, created: epoch, end: 1 << 40, logger: zap.NewNop(), known: plan.Keyed(), flying: math.MaxUint64,
	}
	o.changed = sync.NewCond(&o.mu)
	return o
}

// feed gives an outbox what the messages from one to another give, the same
// each time.
func feed(ctx context.Context, o *outbox, plan *detector.Plan, from, to uint64) error {
	for seq := from; seq <= to; seq++ {
		var m []detector.Match
		if seq%3 == 0 {
			m = append(m, detector.Match{Rules: []string{"r"}, Activity: activity.Activity{ID: fmt.Sprint(seq)}})
		}
		program := "sha256:1"
		if seq > 51 {
			program = "sha256:2"
		}
		if err := o.add(ctx, seq, epoch.Add(time.Duration(seq)*time.Second/4), program, plan, m); err != nil {
			return err
		}
	}
	return nil
}

// told flattens what a log holds: each step, and holds that the chain is whole.
func (l *sharedLog) told(t *testing.T) []string {
	t.Helper()
	var out []string
	program, until := "", uint64(0)
	for _, s := range l.all {
		if s.After != until || s.Program != program {
			t.Errorf("steps after %d with program %q follow those up to %d with %q", s.After, s.Program, until, program)
		}
		for _, step := range s.Steps {
			if step.Sequence <= s.After || step.Sequence > s.Until {
				t.Errorf("step %d among those after %d up to %d", step.Sequence, s.After, s.Until)
			}
			out = append(out, fmt.Sprintf("%d %s %d", step.Sequence, step.Program, len(step.Matches)))
		}
		program, until = s.InForce(), s.Until
	}
	return out
}

// TestOutboxPassesEachMatchOnOnce: neither appends that fail, stored or not, nor
// crashes, nor a second owner lose a match, double one, or change the order.
func TestOutboxPassesEachMatchOnOnce(t *testing.T) {
	plan := acrossPlan(t, sprayRule)
	const messages = 120
	plain := &sharedLog{faults: func() (bool, bool) { return true, false }}
	play(t, plain, plan, 1, messages)
	want := plain.told(t)
	if len(want) != messages/3+2 { // and where each program begins
		t.Fatalf("%d steps, want %d", len(want), messages/3+2)
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var mu sync.Mutex
		l := &sharedLog{faults: func() (bool, bool) {
			mu.Lock()
			defer mu.Unlock()
			n := rng.IntN(8)
			return n != 0, n <= 1
		}}
		var owners sync.WaitGroup
		for range 2 {
			mu.Lock()
			first, second := 1+rng.Uint64N(messages), rng.Uint64N(messages/2)
			mu.Unlock()
			owners.Go(func() {
				play(t, l, plan, 1, first)                             // dies,
				play(t, l, plan, first-min(first-1, second), messages) // and is restored from a checkpoint
			})
		}
		owners.Wait()
		if d := cmp.Diff(want, l.told(t)); d != "" {
			t.Fatalf("seed %d (-undisturbed +disturbed):\n%s", seed, d)
		}
	}
}

// play runs an outbox over some messages until all is appended.
func play(t *testing.T, l *sharedLog, plan *detector.Plan, from, to uint64) {
	t.Helper()
	o := newTestOutbox(&writer{log: l}, plan)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	defer func() { cancel(); <-done }()
	if err := errors.Join(feed(ctx, o, plan, from, to), o.drain(ctx)); err != nil {
		t.Errorf("messages %d to %d: %v", from, to, err)
	}
}

func TestOutboxWithoutRulesAcrossAccounts(t *testing.T) {
	keyed, none := acrossPlan(t, sprayRule), acrossPlan(t, "title: A\nlogsource: {product: picket}\ndetection: {s: {kind: post}, condition: s}\n")
	l := &sharedLog{faults: func() (bool, bool) { return true, false }}
	play(t, l, none, 1, 20)
	if len(l.all) != 0 {
		t.Fatalf("%d messages appended for nobody", len(l.all))
	}
	o := newTestOutbox(&writer{log: l}, none)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	defer func() { cancel(); <-done }()
	for _, m := range []struct {
		seq     uint64
		program string
		plan    *detector.Plan
	}{{21, "a", none}, {22, "b", keyed}, {23, "b", keyed}, {24, "c", none}, {25, "c", none}} {
		if err := errors.Join(o.add(ctx, m.seq, epoch.Add(time.Duration(m.seq)*time.Second), m.program, m.plan, nil), o.drain(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	got := l.told(t)
	if want := []string{"22 b 0", "24 c 0"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want where the rules begin and where they end: %v", got, want)
	}
	if last := l.all[len(l.all)-1]; last.Until != 24 {
		t.Errorf("the last message comes up to %d, want 24: nothing is told after the end", last.Until)
	}
}

// TestOutboxOfALogThatLostItsEnd: what follows in the place of messages that are
// lost is passed on.
func TestOutboxOfALogThatLostItsEnd(t *testing.T) {
	plan := acrossPlan(t, sprayRule)
	l := &sharedLog{faults: func() (bool, bool) { return true, false }}
	play(t, l, plan, 1, 30)
	n := len(l.all)
	o := newTestOutbox(&writer{log: l}, plan)
	o.end = 20
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	defer func() { cancel(); <-done }()
	if err := errors.Join(feed(ctx, o, plan, 18, 24), o.drain(ctx)); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, s := range l.all[n:] {
		for _, step := range s.Steps {
			got = append(got, step.Sequence)
		}
	}
	if want := []uint64{21, 24}; !slices.Equal(got, want) {
		t.Errorf("passed on %v, want %v", got, want)
	}
}
