package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// sweepChunk is how many messages all plans are given before the next ones are.
const sweepChunk = 4096

// Sweep replays src with several plans at once, which are variants of one: the
// same rules with other numbers. The source is read once; activities that no
// rule of them looks at are counted and left out, as are accounts without any
// other. Findings are given to report
// with the index of their plan, those of one plan in order and from one
// goroutine at a time, without words and evidence; report may be nil. The results are in the order of plans.
func Sweep(ctx context.Context, plans []*detector.Plan, src Source, opts detector.EngineOptions, report func(plan int, f detector.Finding)) ([]Result, error) {
	if len(plans) == 0 {
		return nil, errors.New("sweep: no plan")
	}
	opts.Counting = true
	s := &sweep{
		approves: slices.ContainsFunc(plans[0].Rules(), func(r *rules.Rule) bool { return r.Type == rules.TypeApproval && r.Mode != rules.Off }),
		census:   newRun(src, plans[0], opts, nil), plan: plans[0], matcher: plans[0].Program.NewMatcher(), before: map[int]*detector.Duplicates{}, looked: map[string]bool{},
	}
	for i, plan := range plans {
		var each func(detector.Finding) error
		if report != nil {
			each = func(f detector.Finding) error { report(i, f); return nil }
		}
		s.runs = append(s.runs, newRun(src, plan, opts, each))
	}
	if err := s.play(ctx, src); err != nil {
		return nil, err
	}
	return s.finish(ctx)
}

// sweep is a replay with several plans.
type sweep struct {
	census   *run // counts activities, and judges none
	plan     *detector.Plan
	matcher  *rules.Matcher
	approves bool                         // some rule asks for approvals
	looked   map[string]bool              // accounts with an activity that some rule looks at
	before   map[int]*detector.Duplicates // by partition
	now      time.Time                    // log time
	runs     []*run
}

// play reads one chunk while the plans judge the one before.
func (s *sweep) play(ctx context.Context, src Source) error {
	chunks := make(chan []Message)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(chunks)
		for {
			chunk, err := s.read(ctx, src)
			select {
			case chunks <- chunk:
			case <-ctx.Done():
				return ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	group.Go(func() error {
		for chunk := range chunks {
			if err := s.judge(ctx, chunk); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// read returns the next messages that some rule looks at, their memory their own.
func (s *sweep) read(ctx context.Context, src Source) ([]Message, error) {
	var out []Message
	for len(out) < sweepChunk {
		m, err := src.Next(ctx)
		var item *ItemError
		switch {
		case errors.As(err, &item):
			s.census.res.Unreadable++
			continue
		case errors.Is(err, io.EOF):
			return out, err
		case err != nil:
			return out, fmt.Errorf("replay: %w", err)
		}
		if s.census.res.From.IsZero() {
			s.census.res.From = m.Time
		}
		s.census.res.Until = m.Time
		if m.Batch == nil {
			continue // log time alone: what it closes is closed by what comes next
		}
		if m.Time.After(s.now) {
			s.now = m.Time
		}
		if kept := s.concerning(&m); kept != nil {
			m.Batch = kept
			out = append(out, m)
		}
	}
	return out, nil
}

// concerning returns a copy of a message's batch with the activities that some rule looks
// at, nil where there are none.
func (s *sweep) concerning(m *Message) *activity.Batch {
	partition, b := m.Partition, m.Batch
	if s.before[partition] == nil {
		s.before[partition] = &detector.Duplicates{}
	}
	var kept *activity.Batch
	for i := range b.Activities {
		a := &b.Activities[i]
		s.census.seen(a, m)
		if s.before[partition].Seen(a, s.now) {
			s.census.res.Duplicates++
			continue
		}
		s.census.res.Activities++
		if !s.looks(a) {
			continue
		}
		if kept == nil {
			kept = &activity.Batch{Backfill: b.Backfill}
		}
		kept.Activities = append(kept.Activities, a.Clone())
	}
	return kept
}

// looks reports whether some rule looks at an activity, or at what it says.
func (s *sweep) looks(a *activity.Activity) bool {
	if s.plan.Concerns(s.plan.Program.Match(a, s.matcher)) {
		if !s.looked[a.Account] {
			s.looked[strings.Clone(a.Account)] = true
		}
		return true
	}
	return a.Kind == activity.KindVerdict || a.Kind == activity.KindApproval && s.approves
}

// judge has every plan judge a chunk, as many at a time as there are processors.
func (s *sweep) judge(ctx context.Context, chunk []Message) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, r := range s.runs {
		group.Go(func() error {
			for i := range chunk {
				if err := r.judge(&chunk[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// finish lets everything become due and sums each plan's replay up.
func (s *sweep) finish(ctx context.Context) ([]Result, error) {
	maps.DeleteFunc(s.census.res.PerAccount, func(account string, _ *Activity) bool { return !s.looked[account] })
	out := make([]Result, len(s.runs))
	for i, r := range s.runs {
		if err := r.settle(ctx); err != nil {
			return nil, err
		}
		all := &s.census.res
		r.res.From, r.res.Until, r.res.Unreadable, r.res.PerAccount = all.From, all.Until, all.Unreadable, all.PerAccount
		out[i] = r.finish()
		out[i].Activities, out[i].Duplicates = all.Activities, all.Duplicates
	}
	return out, nil
}
