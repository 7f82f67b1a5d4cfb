package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// across is the second stage: it reads what all partitions pass on, in one
// order, and evaluates the rules across accounts. One daemon runs it, under a
// lease; that two do for a moment changes nothing, since they find the same.
//
// It is as exact as a partition's worker: its place in each partition's matches
// is in its checkpoints, and its findings carry positions of their own. The
// rules in force are those of partition 0.
type across struct {
	partition int // after those of the log
	journal   *journal.Journal
	marks     *journal.Marks
	plans     *planStore
	sink      alertSink
	files     checkpointFiles
	every     time.Duration // between checkpoints
	lateness  time.Duration
	metrics   acrossMetrics
	want      func(partition int) // asks whoever reads a partition to let its log time move
	log       *zap.Logger

	engine   *detector.Keyed
	program  string // "" until partition 0 has told
	merge    *detector.Merge[passedOn]
	cursors  []acrossCursor // by partition: what has come out of the merge
	lanes    []lane
	holding  int // steps with matches that are in the merge
	reports  *reporter
	created  time.Time // of the stream of matches
	told     uint64    // findings before this log time, Unix nanoseconds, are durable
	marked   time.Time
	unsaved  bool
	stopping bool
	waits    awaiting
}

// acrossMetrics is what is told of the second stage.
type acrossMetrics interface {
	workerMetrics
	// Awaited is told for how long the second stage has waited for a partition
	// while others went on; 0 when it does not.
	Awaited(partition int, d time.Duration)
}

// passedOn is what comes out of the merge: a step of a partition, or only time.
type passedOn struct {
	step    journal.Step
	cursor  acrossCursor // after it
	pending uint64       // messages behind its own
}

// acrossCursor is a place in the matches of one partition.
type acrossCursor struct {
	Sequence uint64    `json:"seq"`   // of the message
	Steps    int       `json:"steps"` // of it that are done
	Until    uint64    `json:"until"` // of the partition's log, before this message
	Log      time.Time `json:"log"`   // when that was created
	Time     time.Time `json:"time"`  // log time
}

// lane is one partition being read.
type lane struct {
	reader *journal.MatchReader
	last   acrossCursor // of the newest message read; Until is that of its end
}

// run evaluates until ctx ends. It returns an error only when it cannot go on.
func (a *across) run(ctx context.Context) error {
	if err := a.restore(ctx); err != nil {
		return err
	}
	defer a.closeLanes()
	if err := a.openLanes(ctx); err != nil {
		return err
	}
	report, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.reports = reporterOf(a.sink, a.metrics, a.log, a.partition)
	var reporting sync.WaitGroup
	reporting.Go(func() { a.reports.run(report) })
	defer reporting.Wait()
	defer cancel()
	err := a.read(ctx)
	for p := range a.lanes {
		a.metrics.Awaited(p, 0)
	}
	if ctx.Err() == nil {
		return fmt.Errorf("rules across accounts: %w", err)
	}
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	a.stopping = true
	a.checkpoint(grace)
	return nil
}

// read merges and applies until ctx ends.
func (a *across) read(ctx context.Context) error {
	saved := time.Now()
	for {
		for {
			v, at, p, ok := a.merge.Next()
			if !ok {
				break
			}
			if err := a.apply(ctx, &v, at, p); err != nil {
				return err
			}
		}
		switch {
		case !a.unsaved:
			a.metrics.Unchanged(a.partition)
		case time.Since(saved) >= a.every:
			a.checkpoint(ctx)
			saved = time.Now()
		}
		if err := a.fetch(ctx, a.merge.Awaited()[0]); err != nil {
			return err
		}
	}
}

// acrossWait is how long a partition's next message is waited for until others
// are asked for it.
const acrossWait = time.Second

// fetch takes the next message of a partition in, or returns without one after
// a moment.
func (a *across) fetch(ctx context.Context, p int) error {
	wait, cancel := context.WithTimeout(ctx, acrossWait)
	defer cancel()
	m, err := a.lanes[p].reader.Next(wait)
	switch {
	case errors.Is(err, journal.ErrSteps):
		a.gap(ctx, p, m.Sequence, err.Error())
		return nil
	case err == nil:
		a.waits.over(a, p)
		return a.take(ctx, p, &m)
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		a.await()
		return nil
	}
	return err
}

// take puts the steps of a message into the merge, those left out that the
// checkpoint covers.
func (a *across) take(ctx context.Context, p int, m *journal.MatchMessage) error {
	l, s := &a.lanes[p], &m.Steps
	if l.last.Log.Equal(s.Log) && l.last.Until < s.After && m.Sequence != l.last.Sequence {
		a.gap(ctx, p, m.Sequence, fmt.Sprintf("matches of partition %d, messages %d to %d, are missing", p, l.last.Until+1, s.After))
	}
	skip := 0
	if c := &a.cursors[p]; c.Sequence == m.Sequence {
		skip = c.Steps
	}
	s.Steps = append(s.Steps, journal.Step{Sequence: s.Until, Time: s.Time}) // only time
	if s.Steps[0].Program == "" {
		s.Steps[0].Program = s.Program // for whoever begins here
	}
	at := l.last.Time
	for i := range s.Steps {
		if s.Steps[i].Time.After(at) {
			at = s.Steps[i].Time
		}
		c := acrossCursor{Sequence: m.Sequence, Steps: i + 1, Until: s.Until, Log: s.Log, Time: at}
		if i >= skip {
			a.merge.Put(p, at, passedOn{s.Steps[i], c, m.Pending})
			a.holding += tells(&s.Steps[i])
		}
		l.last = c
	}
	if p == 0 && a.program == "" && s.Steps[0].Program != "" {
		return a.begin(ctx, s.Steps[0].Program)
	}
	return nil
}

// begin puts the program that partition 0 begins with in force, before anything
// comes out of the merge: other partitions may begin earlier.
func (a *across) begin(ctx context.Context, program string) error {
	plan, err := a.plans.get(ctx, program)
	switch {
	case err == nil:
		a.engine, a.program = a.newEngine(plan), program
	case unusable(err):
		a.log.Error("rules across accounts: the oldest rules are not readable; the next ones begin", zap.String("program", program), zap.Error(err))
	default:
		return fmt.Errorf("put program in force: %w", err)
	}
	return nil
}

// tells is 1 for a step that says more than how late it is.
func tells(s *journal.Step) int { return min(len(s.Matches), 1) }

// gap tells that matches are lost.
func (a *across) gap(ctx context.Context, p int, sequence uint64, reason string) {
	tellBlind(ctx, a.journal, a.log, a.partition, fmt.Sprintf("matches-%d-%d", p, sequence), reason)
}

// apply gives one step to the engine.
func (a *across) apply(ctx context.Context, v *passedOn, at time.Time, p int) error {
	var found []detector.Finding
	if p == 0 && v.step.Program != "" && v.step.Program != a.program {
		f, err := a.activate(ctx, v.step.Program, at)
		if err != nil {
			return err
		}
		found = f
	}
	matches := make([]detector.Match, 0, len(v.step.Matches))
	for i := range v.step.Matches {
		matches = append(matches, detector.Match(v.step.Matches[i]))
	}
	before := a.engine.Stats()
	found = append(found, a.engine.Apply(at, matches)...)
	tellStats(a.metrics, a.partition, before, a.engine.Stats())
	a.cursors[p], a.unsaved = v.cursor, true
	a.holding -= tells(&v.step)
	b := batchOfFindings{logTime: a.engine.LogTime(), sequence: v.cursor.Sequence, pending: v.pending}
	origin := journal.Message{Type: journal.Page, Time: v.step.Time}
	for i := range found {
		if found[i].Position.Sequence < a.told {
			continue
		}
		a.metrics.Finding(found[i].Rule)
		b.found = append(b.found, found[i])
		b.since = append(b.since, originOf(&found[i], &origin))
	}
	return a.reports.add(ctx, b)
}

// activate puts a program in force. One that this version cannot read leaves the
// one before in force.
func (a *across) activate(ctx context.Context, program string, at time.Time) ([]detector.Finding, error) {
	plan, err := a.plans.get(ctx, program)
	switch {
	case err == nil:
		a.program = program
		return a.engine.Activate(at, plan), nil
	case unusable(err):
		a.log.Error("rules across accounts: the rules before stay in force", zap.String("program", program), zap.Error(err))
		return nil, nil
	}
	return nil, fmt.Errorf("put program in force: %w", err)
}

// openLanes opens the matches of each partition at its cursor.
func (a *across) openLanes(ctx context.Context) error {
	a.lanes = make([]lane, len(a.cursors))
	a.merge = detector.NewMerge[passedOn](len(a.cursors))
	a.waits, a.holding = awaiting{}, 0
	for p := range a.cursors {
		c := a.cursors[p]
		reader, err := a.journal.ReadMatches(ctx, p, c.Sequence)
		if err != nil {
			return err
		}
		a.lanes[p] = lane{reader, c}
	}
	return nil
}

func (a *across) closeLanes() {
	for i := range a.lanes {
		if r := a.lanes[i].reader; r != nil {
			r.Close()
		}
	}
}

// awaitedFrom is from when on it is told that a partition is waited for: it is
// not read by anybody, or its rules are others.
const awaitedFrom = 30 * time.Second

// awaiting is for how long something has waited for a partition.
type awaiting struct {
	since map[int]time.Time
	told  time.Time
}

// await asks for the partitions that something waits for: a match, or the end of
// an episode. That others are at another log time is nothing to ask for.
func (a *across) await() {
	due, ok := a.engine.Pending()
	closes := false
	for p := range a.lanes {
		closes = closes || ok && a.lanes[p].last.Time.After(due)
	}
	if a.holding == 0 && !closes {
		return
	}
	now := time.Now()
	if a.waits.since == nil {
		a.waits.since = map[int]time.Time{}
	}
	var long []int
	for _, p := range a.merge.Awaited() {
		if a.waits.since[p].IsZero() {
			a.waits.since[p] = now
		}
		a.want(p)
		d := now.Sub(a.waits.since[p])
		a.metrics.Awaited(p, d)
		if d >= awaitedFrom {
			long = append(long, p)
		}
	}
	if len(long) > 0 && now.Sub(a.waits.told) >= time.Minute {
		a.waits.told = now
		a.log.Warn("rules across accounts wait for partitions that pass nothing on: does a daemon read them, with the same rules?",
			zap.Ints("partitions", long), zap.Int("steps", a.merge.Waiting()))
	}
}

// over notes that a partition has brought something.
func (w *awaiting) over(a *across, p int) {
	if _, ok := w.since[p]; ok {
		delete(w.since, p)
		a.metrics.Awaited(p, 0)
	}
}
