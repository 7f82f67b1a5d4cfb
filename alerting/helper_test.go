package alerting

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// start is the moment at which the tests' logs begin.
func start() time.Time { return time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC) }

func testRule() *rules.Rule {
	return &rules.Rule{
		ID: "7c1c3f0e-64a1-4c6e-9d52-7f4f6f1f0a01", Name: "posting_burst", Title: "Posting burst",
		Level: rules.High, Mode: rules.Enforce, Type: rules.TypeEventCount, Version: "0123456789ab",
	}
}

// finding is a finding of episode id, made after this many seconds of log
// time, at position 10 times that.
func finding(id string, phase detector.Phase, second float64, count int) detector.Finding {
	at := start().Add(time.Duration(second * float64(time.Second)))
	return detector.Finding{
		Episode: id, Phase: phase, Rule: testRule(), Network: "x", Account: "x/acme",
		Position: detector.Position{Sequence: uint64(second*10) + 1},
		LogTime:  at, First: start(), Last: at, Count: count,
		Reasons: []detector.Reason{{Seen: fmt.Sprintf("%d posts in 10m", count), Expected: "fewer than 12"}},
		Evidence: []activity.Activity{{
			ID: fmt.Sprint("p", count), Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: at, Text: "hi",
		}},
		Closed: map[detector.Phase]string{detector.Close: "quiet"}[phase],
	}
}

func acking(who, why string) Deed { return Deed{Action: ActionAck, Actor: who, Reason: why} }

func resolving(who, why string) Deed { return Deed{Action: ActionResolve, Actor: who, Reason: why} }

// memory is a Store and a Publisher in memory that can fail on demand.
type memory struct {
	mu     sync.Mutex
	seq    uint64
	last   map[string]Stored
	log    []Alert // every stored revision
	copies []Alert // published, the first of each message id
	told   map[string]bool
	puts   int
	gets   int
	now    func() time.Time

	failPut     func(w Write) error // called first; an error refuses the write
	lostAck     func(w Write) bool  // stores the write and reports a fault
	failPublish func(copies []Alert) error
}

func newMemory() *memory {
	return &memory{last: map[string]Stored{}, told: map[string]bool{}, now: start}
}

var errFault = errors.New("server is away")

func (s *memory) Get(_ context.Context, ids []string) ([]Stored, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets += len(ids)
	out := make([]Stored, len(ids))
	for i, id := range ids {
		out[i] = s.last[id]
	}
	return out, nil
}

func (s *memory) Put(_ context.Context, writes []Write) []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Result, len(writes))
	for i, w := range writes {
		s.puts++
		if s.failPut != nil {
			if err := s.failPut(w); err != nil {
				out[i].Err = err
				continue
			}
		}
		if s.last[w.Alert.ID].Seq != w.Expected {
			out[i].Err = fmt.Errorf("put %s: %w", w.Alert.ID, ErrConflict)
			continue
		}
		s.seq++
		s.last[w.Alert.ID] = Stored{Alert: w.Alert, Seq: s.seq, Time: s.now()}
		s.log = append(s.log, w.Alert)
		out[i].Seq = s.seq
		if s.lostAck != nil && s.lostAck(w) {
			out[i] = Result{Err: errFault}
		}
	}
	return out
}

func (s *memory) Heads(context.Context) ([]Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Head
	for _, id := range slices.Sorted(maps.Keys(s.last)) {
		st := s.last[id]
		out = append(out, HeadOf(&st.Alert, st.Seq, st.Time))
	}
	return out, nil
}

func (s *memory) Watch(ctx context.Context, each func(Head)) error {
	heads, err := s.Heads(ctx)
	for _, h := range heads {
		each(h)
	}
	<-ctx.Done()
	return err
}

func (s *memory) Publish(_ context.Context, copies []Alert) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failPublish != nil {
		if err := s.failPublish(copies); err != nil {
			return err
		}
	}
	for _, a := range copies {
		id := fmt.Sprintf("%s.%d", a.ID, a.Revision)
		if !s.told[id] {
			s.told[id] = true
			s.copies = append(s.copies, a)
		}
	}
	return nil
}

func (s *memory) DuplicateWindow() time.Duration { return time.Hour }

func (s *memory) get(id string) Alert {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last[id].Alert
}

func manager(t *testing.T, s *memory) *Manager {
	t.Helper()
	m, err := New(Config{Store: s, Publisher: s, Now: s.now})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func report(t *testing.T, m *Manager, findings ...detector.Finding) {
	t.Helper()
	if err := m.Report(t.Context(), findings); err != nil {
		t.Fatal(err)
	}
}

// changes writes revisions as "1 opened firing 3" (revision, change, state,
// count).
func changes(revisions []Alert) []string {
	var out []string
	for _, a := range revisions {
		out = append(out, fmt.Sprintf("%d %s %s %d", a.Revision, a.Change, a.State, a.Count))
	}
	return out
}
