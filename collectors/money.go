package collectors

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// month is a calendar month, UTC.
type month struct {
	name       string // "2026-07"
	start, end time.Time
}

func monthOf(now time.Time) month {
	now = now.UTC()
	return month{
		name:  now.Format("2006-01"),
		start: time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC),
		end:   time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// Charge adds what a poll cost. On error the sum counts in this process and is
// saved with the next charge.
func (b *Budget) Charge(ctx context.Context, dollars float64) error {
	return b.account(ctx, dollars)
}

// account adds dollars to this month's sum and makes it known here.
func (b *Budget) account(ctx context.Context, dollars float64) error {
	b.spending.Lock()
	defer b.spending.Unlock()
	now := b.opts.Now()
	month := monthOf(now).name
	b.mu.Lock()
	if b.charged != month {
		b.spent, b.unsaved, b.charged = 0, 0, month
		b.dollars.reset()
	}
	b.spent += dollars
	if dollars > 0 {
		b.dollars.add(turnOf(ctx), dollars)
		b.outlay.add(dollars, now)
	}
	if b.opts.Spend == nil {
		b.month = month
	}
	b.mu.Unlock()
	b.unsaved += dollars
	if b.opts.Spend == nil {
		return nil
	}
	sum, err := b.opts.Spend.Add(ctx, b.name, month, b.unsaved)
	if err != nil {
		return err
	}
	b.unsaved = 0
	b.mu.Lock()
	b.month, b.spent = month, sum
	b.mu.Unlock()
	return nil
}

// solvent refuses when this month's dollars are spent, or what is left of them
// is kept from this request.
func (b *Budget) solvent(ctx context.Context) error {
	if b.opts.Dollars <= 0 {
		return nil
	}
	now := b.opts.Now()
	m := monthOf(now)
	b.mu.Lock()
	looked := b.month == m.name
	b.mu.Unlock()
	if !looked {
		if err := b.account(ctx, 0); err != nil {
			return fmt.Errorf("nothing is sent before it is known what was spent: %w", err)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent >= b.opts.Dollars {
		return &RateLimited{
			Until: m.end,
			Err:   &OverBudget{Credential: b.name, Month: m.name, Spent: b.spent, Limit: b.opts.Dollars, Until: m.end},
		}
	}
	// What a request costs is known afterwards.
	q := grant{"dollars", span{m.start, m.end, b.opts.Dollars}, b.spent, 0, true, &b.dollars}
	no := b.divide(&claim{turn: turnOf(ctx), mentions: forMentions(ctx)}, &q, now)
	if no == nil {
		return nil
	}
	return &RateLimited{Until: no.until, Err: no.why}
}

// IsOverBudget reports whether err says that what a credential may spend, in
// dollars or units, is spent.
func IsOverBudget(err error) bool {
	_, spent := exhausted(err)
	return spent
}

// exhausted returns until when a credential has nothing left to spend, if err
// says so.
func exhausted(err error) (until time.Time, ok bool) {
	if dollars, ok := errors.AsType[*OverBudget](err); ok {
		return dollars.Until, true
	}
	if units, ok := errors.AsType[*UnitsSpent](err); ok {
		return units.Until, true
	}
	return time.Time{}, false
}
