package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// ledger is an alertSink that keeps findings by position, as alerts do: one
// that is told again must be the same.
type ledger struct {
	t  *testing.T
	mu sync.Mutex
	at map[detector.Position]string
	// last is the newest position: what is told for the first time comes after.
	last detector.Position
}

func (l *ledger) Report(_ context.Context, found []detector.Finding) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range found {
		line := fmt.Sprintf("%s %s %s %d %v %s", f.Episode, f.Phase, f.Rule.Name, f.Count, f.Accounts, f.Closed)
		before, known := l.at[f.Position]
		switch newer := comparePositions(f.Position, l.last) > 0; {
		case known && before != line:
			l.t.Errorf("%+v was\n%s\nand is now\n%s", f.Position, before, line)
		case !known && !newer:
			l.t.Errorf("%+v comes after %+v: %s", f.Position, l.last, line)
		case newer:
			l.last = f.Position
		}
		l.at[f.Position] = line
	}
	return nil
}

func comparePositions(a, b detector.Position) int {
	if a.Sequence != b.Sequence {
		return int(int64(a.Sequence) - int64(b.Sequence)) //nolint:gosec // log times of one test
	}
	return a.Index - b.Index
}

func (*ledger) Flush(context.Context, time.Time) error { return nil }
func (*ledger) Sync(context.Context) error             { return nil }

func (l *ledger) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var at []detector.Position
	for p := range l.at {
		at = append(at, p)
	}
	slices.SortFunc(at, comparePositions)
	var out []string
	for _, p := range at {
		out = append(out, fmt.Sprintf("%+v %s", p, l.at[p]))
	}
	return out
}

// matchStory appends random matches of two partitions, and changes of rules. It
// returns the same in the order in which they are to be judged.
func matchStory(t *testing.T, j *journal.Journal, programs []string, rule string) *detector.Merge[journal.Step] {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 3))
	logs := []*journal.MatchLog{j.Matches(0), j.Matches(1)}
	for _, l := range logs {
		if _, err := l.Last(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now, until := epoch, []uint64{0, 0}
	story := detector.NewMerge[journal.Step](2)
	program := programs[0]
	for n := range 150 {
		p := rng.IntN(2)
		if n%70 < 2 { // both change their rules at one log time
			p, program = n%2, programs[n/70%2]
		} else {
			now = now.Add(time.Duration(rng.IntN(120)) * time.Second)
		}
		s := journal.Steps{Log: epoch, Program: program, After: until[p], Time: now}
		if n%70 < 2 {
			until[p]++
			s.Steps = append(s.Steps, journal.Step{Sequence: until[p], Time: now, Program: program})
		}
		for range rng.IntN(3) {
			until[p]++
			who := 2*rng.IntN(4) + p
			a := triedOn(who)
			a.ID, a.IP, a.Time = fmt.Sprint(until[p]), fmt.Sprint("198.51.100.", rng.IntN(3)), now
			s.Steps = append(s.Steps, journal.Step{Sequence: until[p], Time: now, Matches: []journal.StepMatch{{Rules: []string{rule}, Activity: a}}})
		}
		until[p]++
		s.Until = until[p]
		for _, step := range s.Steps {
			story.Put(p, step.Time, step)
		}
		if err := logs[p].Append(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for p, l := range logs { // time goes on, and episodes end
		story.Put(p, now.Add(24*time.Hour), journal.Step{})
		if err := l.Append(t.Context(), journal.Steps{Log: epoch, Program: program, After: until[p], Until: until[p] + 1, Time: now.Add(24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	return story
}

// judged is what a story gives when nothing comes in between.
func judged(t *testing.T, story *detector.Merge[journal.Step], plans map[string]*detector.Plan, first string) []string {
	t.Helper()
	into := &ledger{t: t, at: map[detector.Position]string{}}
	e, program := detector.NewKeyed(2, plans[first], detector.EngineOptions{}), first
	for {
		step, at, p, ok := story.Next()
		if !ok {
			return into.lines()
		}
		var found []detector.Finding
		if p == 0 && step.Program != "" && step.Program != program {
			program = step.Program
			found = e.Activate(at, plans[program])
		}
		var m []detector.Match
		for _, match := range step.Matches {
			m = append(m, detector.Match(match))
		}
		if err := into.Report(t.Context(), append(found, e.Apply(at, m)...)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSecondStageIsExact: whenever it is stopped, and whichever checkpoints are
// lost, it tells what the detector finds undisturbed, at the same positions.
func TestSecondStageIsExact(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	marks, err := journal.OpenMarks(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.EnsureMatches(t.Context()); err != nil {
		t.Fatal(err)
	}
	plans := newPlanStore(j)
	var programs []string
	var rule string
	byHash := map[string]*detector.Plan{}
	for _, text := range []string{sprayRule, sprayRule + "picket: {quiet: 10m}\n"} {
		hash, plan, err := plans.put(t.Context(), detector.Set{Rules: []rules.File{{Name: "r.yml", Data: []byte(text)}}})
		if err != nil {
			t.Fatal(err)
		}
		programs, rule, byHash[hash] = append(programs, hash), plan.Rules()[0].ID, plan
	}
	story := matchStory(t, j, programs, rule)
	run := func(dir string, into *ledger, life time.Duration) {
		a := &across{
			partition: 2, journal: j, marks: marks, plans: plans, sink: into, files: acrossCheckpoints(dir),
			metrics: &awaited{long: map[int]time.Duration{}}, want: func(int) {}, log: zap.NewNop(),
		}
		ctx, cancel := context.WithTimeout(t.Context(), life)
		defer cancel()
		if err := a.run(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	want := judged(t, story, byHash, programs[0])
	if len(want) < 50 || !slices.ContainsFunc(want, func(s string) bool { return strings.HasSuffix(s, "quiet") }) {
		t.Fatalf("only %d findings to compare", len(want))
	}
	for seed := range uint64(2) {
		if err := js.DeleteKeyValue(t.Context(), "picket_marks"); err != nil {
			t.Fatal(err)
		}
		if marks, err = journal.OpenMarks(t.Context(), js, 1); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(seed, 8))
		files := acrossCheckpoints(t.TempDir())
		dir := filepath.Dir(filepath.Dir(files.newest))
		killed := &ledger{t: t, at: map[detector.Position]string{}}
		lives := 0
		for ; len(killed.lines()) < len(want); lives++ {
			before, err := os.ReadFile(files.newest)
			run(dir, killed, time.Duration(20+rng.IntN(200)+10*lives)*time.Millisecond)
			if err == nil && rng.IntN(3) > 0 { // it was killed, and has saved nothing
				err = os.WriteFile(files.newest, before, 0o600)
			}
			if err == nil && rng.IntN(4) == 0 {
				tear(t, files.newest)
			}
			if lives > 100 {
				t.Fatal("it never comes to the end")
			}
		}
		if d := cmp.Diff(want, killed.lines()); d != "" {
			t.Fatalf("seed %d, %d lives (-undisturbed +killed):\n%s", seed, lives, d)
		}
		t.Logf("%d findings, %d lives", len(want), lives)
	}
}
