package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

func steps(after, until uint64, program string, of ...journal.Step) journal.Steps {
	return journal.Steps{Log: day(0), Program: program, After: after, Until: until, Time: day(int(until)), Steps: of}
}

func day(n int) time.Time { return time.Date(2026, 3, 1+n, 0, 0, 0, 0, time.UTC) }

func TestMatches(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j := open(t, js, journal.Config{Partitions: 2})
	if _, ok, err := j.MatchHead(t.Context()); ok || err != nil {
		t.Fatalf("there is a stream of matches before anybody needs one (%v)", err)
	}
	for range 2 { // the second changes nothing
		if err := j.EnsureMatches(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	one, other := j.Matches(1), j.Matches(1)
	if err := one.Append(t.Context(), steps(0, 1, "")); err == nil {
		t.Error("appended without knowing what is there")
	}
	for _, l := range []*journal.MatchLog{one, other} {
		if got, err := l.Last(t.Context()); err != nil || got.Until != 0 {
			t.Fatalf("last %+v, %v; want nothing", got, err)
		}
	}
	begin := journal.Step{Sequence: 3, Time: day(3), Program: "sha256:2"}
	matched := journal.Step{Sequence: 4, Time: day(4), Matches: []journal.StepMatch{
		{Rules: []string{"a", "b"}, Backfill: true, Activity: post("x/acme", 1)}, {Rules: []string{"a"}, Activity: post("x/<b>", 2)},
	}}
	sent := []journal.Steps{steps(0, 2, ""), steps(2, 5, "sha256:1", begin, matched)}
	for _, s := range sent {
		if err := one.Append(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Append(t.Context(), steps(0, 2, "")); !errors.Is(err, collectors.ErrFenced) {
		t.Errorf("a second writer appended: %v", err)
	}
	if err := j.Matches(0).Append(t.Context(), steps(0, 9, "")); err == nil {
		t.Error("appended without knowing what is there")
	}
	last, err := other.Last(t.Context())
	if err != nil || last.Until != 5 || last.InForce() != "sha256:2" {
		t.Errorf("last up to %d with program %q (%v), want 5 and sha256:2", last.Until, last.InForce(), err)
	}
	if err := other.Append(t.Context(), steps(5, 6, "sha256:2")); err != nil {
		t.Errorf("having read what is there, it appends: %v", err)
	}
	sent = append(sent, steps(5, 6, "sha256:2"))
	readMatches(t, j, 1, sent)
	readMatches(t, j, 0, nil)
}

func readMatches(t *testing.T, j *journal.Journal, partition int, want []journal.Steps) {
	t.Helper()
	r, err := j.ReadMatches(t.Context(), partition, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range want {
		m, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want[i].Version = 1
		if d := cmp.Diff(want[i], m.Steps); d != "" {
			t.Errorf("message %d (-want +got):\n%s", i, d)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if m, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one message too many: %+v, %v", m, err)
	}
}
