package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/replay"
	"github.com/picketd/picket/rules"
)

// What is told to metrics that takes a look at everything, and so is told
// seldom.

const (
	// budgetEvery is how often the alerts of the last month are counted, which
	// reads the head of every alert that is kept.
	budgetEvery = 10 * time.Minute
	// sizeEvery is how often the size of the detector's memory is told.
	sizeEvery = 10 * time.Second
)

// tellBudget tells from time to time how the alert budget is used, until ctx
// ends.
func (a *App) tellBudget(ctx context.Context, p *parts) {
	clock := time.NewTicker(budgetEvery)
	defer clock.Stop()
	for {
		heads, err := p.alerts.Heads(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.log.Warn("how the alert budget is used is not known now", zap.Error(err))
		default:
			a.metrics.SetBudgetUsed(budgetUsed(p.plans.plan().Rules(), heads, len(a.cfg.p.Load().accounts()), time.Now()))
		}
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
	}
}

// budgetUsed returns the alerts per account in the month before now of each rule
// whose alerts count against the budget.
func budgetUsed(all []*rules.Rule, heads []alerting.Head, accounts int, now time.Time) map[*rules.Rule]float64 {
	told := alerting.ToldSince(heads, now.Add(-replay.Month))
	used := map[*rules.Rule]float64{}
	for _, r := range all {
		if detector.Budgeted(r) {
			used[r] = float64(told[r.ID]) / float64(max(1, accounts))
		}
	}
	return used
}

// tellSize tells from time to time how much the engine remembers.
func (w *worker) tellSize(now time.Time) {
	if now.Sub(w.sized) < sizeEvery {
		return
	}
	w.sized = now
	accounts, bytes := w.engine.Size()
	w.metrics.Remembered(w.partition, accounts, bytes)
}
