package collectors

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

// appendTimeout bounds one journal call. A stop of the scheduler does not
// cancel it: what was fetched is kept.
const appendTimeout = 30 * time.Second

// source is what a running scheduler keeps of one source between visits. Only
// the goroutine that visits it touches it.
type source struct {
	log    Log
	ledger *ledger // nil: read the checkpoint first
	term   uint64  // the lease term in which the ledger was read
	health

	held stamp // no poll of this source before; guarded by Scheduler.mu
	why  error // of held
}

// wait makes this source wait for what its credential keeps from it.
func (s *source) wait(limited *RateLimited, why error, now stamp) {
	s.held, s.why = max(stampOf(limited.Until), now.add(backoffBase)), why
	if limited.Until.IsZero() {
		s.held = now.add(backoffBase)
	}
	s.held = min(s.held, now.add(longestHold))
}

// visit is one turn of one source: a poll, or while its credential must wait
// only a report.
type visit struct {
	opts *Options
	task Task
	turn *turn
	// extra says that this poll is made at once only because mentions have more
	// pages: all of it counts as theirs.
	extra bool
	src   *source
	limit error // why the credential must wait; nil: poll

	sent   time.Time
	result result
}

// result is what the scheduler learns from a visit.
type result struct {
	outcome string
	err     error
	more    bool
	behind  error // see Page.Behind
	polled  bool
	items   int
	fresh   bool      // the page brought something new
	newest  time.Time // occurrence time of the newest item
	took    time.Duration
}

// run does the visit. It never panics and returns soon after ctx ends.
func (v *visit) run(ctx context.Context) result {
	v.sent = v.opts.Now()
	err := v.open(ctx)
	switch {
	case err != nil:
		v.settle(err)
	case v.limit != nil:
		verdict := v.src.fail(v.limit, v.src.ledger.reported.State, v.task.longest(), v.sent)
		v.result.outcome, v.result.err = OutcomeLimited, v.limit
		if err := v.append(ctx, v.src.ledger, nil, verdict, false); err != nil {
			v.settle(err)
		}
	default:
		v.poll(ctx)
	}
	v.result.took = v.opts.Now().Sub(v.sent)
	return v.result
}

// open reads the checkpoint, unless what is known is good.
func (v *visit) open(ctx context.Context) error {
	if v.src.ledger != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	if v.src.log == nil {
		log, err := v.opts.Logs.Open(ctx, v.task.Source)
		if err != nil {
			return fmt.Errorf("open log of %s: %w", v.task.Source, err)
		}
		v.src.log = log
	}
	cp, err := v.src.log.Checkpoint(ctx)
	if err != nil {
		return fmt.Errorf("read log of %s: %w", v.task.Source, err)
	}
	if v.src.ledger, err = readLedger(cp); err != nil {
		return fmt.Errorf("read log of %s: %w", v.task.Source, err)
	}
	if ok := v.src.ledger.reported.LastOK; ok != 0 && v.src.lastOK.IsZero() {
		v.src.lastOK = ok.time()
	}
	return nil
}

// settle records an error of the journal. What is known of the log may be out
// of date now, so the next visit reads it anew.
func (v *visit) settle(err error) {
	v.src.ledger = nil
	v.result.err, v.result.more = err, false
	switch {
	case errors.Is(err, ErrFenced):
		v.result.outcome = OutcomeFenced
		return
	case errors.Is(err, ErrNoRoom):
		v.result.outcome = OutcomeNoRoom
	default:
		v.result.outcome = OutcomeJournal
	}
	v.src.retries++
}

func (v *visit) poll(ctx context.Context) {
	v.result.polled = true
	page, err := v.ask(ctx)
	v.pay(ctx, page.Cost)
	if err == nil {
		err = checkCursor(page.Cursor)
	}
	if v.extra && keptMentions(err) {
		v.behind(ctx, err)
		return
	}
	if err != nil {
		if ctx.Err() != nil { // stopped: not the source's fault
			v.result.outcome, v.result.err = OutcomeError, ctx.Err()
			return
		}
		v.failed(ctx, err)
		return
	}
	v.src.measure(page.ServerTime, v.sent, v.opts.Now())
	lastOK := v.src.lastOK
	if err := v.journal(ctx, &page); err != nil {
		v.src.lastOK = lastOK // it was read, but Picket does not have it
		v.settle(err)
		return
	}
	v.src.retries = 0
}

// behind ends a walk over mentions for now: it is gone on with at the next poll.
func (v *visit) behind(ctx context.Context, err error) {
	v.result.outcome, v.result.behind = OutcomeOK, err
	said := verdict{state: activity.PollBehind, reason: describe(err)}
	if err := v.append(ctx, v.src.ledger, nil, said, false); err != nil {
		v.settle(err)
	}
}

// pay charges a poll to its credential.
func (v *visit) pay(ctx context.Context, cost float64) {
	b := v.task.Budget
	if b == nil {
		return
	}
	ctx = withTurn(context.WithoutCancel(ctx), v.turn)
	err := b.Save(ctx)
	if cost > 0 {
		err = errors.Join(err, b.Charge(ctx, cost))
	}
	if err != nil {
		v.opts.Log.Warn("spending not saved; it counts until the next restart",
			zap.String("credential", b.Name()), zap.Error(err))
	}
}

// ask calls the collector.
func (v *visit) ask(ctx context.Context) (page Page, err error) {
	ctx, cancel := context.WithTimeout(ctx, v.opts.PollTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			v.opts.Log.Error("collector panicked", zap.String("source", v.task.Source), zap.Any("panic", p), zap.Stack("stack"))
			page, err = Page{}, errPanic(p)
		}
	}()
	ctx = withTurn(ctx, v.turn)
	if v.extra {
		ctx = ForMentions(ctx)
	}
	return v.task.Collector.Poll(ctx, bytes.Clone(v.src.ledger.cursor))
}

func checkCursor(cursor json.RawMessage) error {
	switch {
	case len(cursor) > MaxCursor:
		return &Malformed{Field: "cursor", Err: fmt.Errorf("%d bytes, at most %d fit", len(cursor), MaxCursor)}
	case len(cursor) > 0 && !json.Valid(cursor):
		return &Malformed{Field: "cursor", Err: errors.New("want JSON")}
	}
	return nil
}

// failed records an error of the collector and reports a change of state.
func (v *visit) failed(ctx context.Context, err error) {
	v.result.err, v.result.outcome = err, outcomeOf(err)
	verdict := v.src.fail(err, v.src.ledger.reported.State, v.task.longest(), v.opts.Now())
	if err := v.append(ctx, v.src.ledger, nil, verdict, false); err != nil {
		v.opts.Log.Warn("state not journaled", zap.String("source", v.task.Source), zap.Error(err))
		v.src.ledger = nil
	}
}

// inPart reports whether an error is of a part alone, and all else was read.
func inPart(err error) bool {
	no, ok := errors.AsType[*Forbidden](err)
	return ok && no.Part && outcomeOf(err) == OutcomeForbidden
}

func outcomeOf(err error) string {
	var (
		limited   *RateLimited
		forbidden *Forbidden
		malformed *Malformed
	)
	switch {
	case errors.As(err, &limited):
		return OutcomeLimited
	case errors.As(err, &forbidden):
		return OutcomeForbidden
	case errors.As(err, &malformed):
		return OutcomeMalformed
	}
	return OutcomeError
}

// journal appends what a page brought that is new. A page that does not fit
// one batch, or whose items are not all kept equally long, is split: all but
// the last batch carry the cursor before the page and, among the recent keys,
// those of the items so far. So a crash in between fetches the page again and
// finds in the log what it has already.
//
// Retention may take the last batch before older ones of another class. What
// is read again from the head that is left then is what was taken: nothing is
// twice in the log.
func (v *visit) journal(ctx context.Context, page *Page) error {
	now := v.opts.Now()
	head := v.src.ledger
	fresh, drops := head.admit(page.Activities, v.task.Source, v.task.Multi, now)
	mentions := slices.Clone(head.mentions)
	if v.task.Mentions > 0 && !page.Backfill {
		fresh, drops[DropSampled] = mentions.take(fresh, v.task.Mentions)
	}
	space := room(max(len(head.cursor), len(page.Cursor)), len(head.recent)+len(fresh))
	fresh, sizes, large := fit(fresh, space)
	drops[DropTooLarge] += large
	drops[DropMalformed] += len(page.Malformed)
	v.tell(page, drops)

	stuck := page.More && len(fresh) == 0 && bytes.Equal(page.Cursor, head.cursor)
	v.src.succeed(now)
	said := judge(page, page.More && !stuck)

	work := *head
	work.mentions = mentions
	for rest := fresh; ; {
		n := chunk(sizes, space)
		if !v.task.Multi { // the log routes the items of many accounts by itself
			n = ofOneClass(rest[:n])
		}
		part := rest[:n:n]
		rest, sizes = rest[n:], sizes[n:]
		work.remember(part, v.task.Multi)
		if len(rest) == 0 {
			work.cursor = page.Cursor
			work.forget(page.Overlap)
			if err := v.append(ctx, work.bounded(mark{}), part, said, page.Backfill); err != nil {
				return err
			}
			break
		}
		if err := v.append(ctx, work.bounded(markOf(&part[n-1])), part, verdict{}, page.Backfill); err != nil {
			return err
		}
		work.reported, work.lost = v.src.ledger.reported, v.src.ledger.lost
	}
	if len(fresh) > 0 && !page.Backfill { // history is old, and not late
		v.result.newest = occurred(&fresh[len(fresh)-1])
	}
	v.result.outcome, v.result.more = OutcomeOK, page.More && !stuck
	v.result.fresh, v.result.behind = len(fresh) > 0, page.Behind
	return nil
}

// judge says what state a page that was read shows. While more is to come, the
// last state stands.
func judge(page *Page, more bool) verdict {
	switch {
	case page.Gap != nil:
		return verdict{state: activity.PollGap, reason: page.Gap.Reason, from: page.Gap.From, until: page.Gap.Until}
	case more:
		return verdict{}
	case page.Behind != nil:
		return verdict{state: activity.PollBehind, reason: describe(page.Behind)}
	}
	return verdict{state: activity.PollComplete}
}

// tell counts and logs what of a page is not journaled.
func (v *visit) tell(page *Page, drops map[string]int) {
	for reason, n := range drops {
		if n > 0 {
			v.opts.Observer.Dropped(v.task.Network, reason, n)
		}
	}
	for _, err := range page.Malformed {
		v.opts.Log.Warn("item not understood; the rest of its page stands",
			zap.String("source", v.task.Source), zap.String("problem", describe(err)))
	}
	for _, reason := range []string{DropInvalid, DropForeign, DropTooLarge, DropHorizon} {
		if n := drops[reason]; n > 0 {
			v.opts.Log.Warn("items dropped", zap.String("source", v.task.Source), zap.String("reason", reason), zap.Int("items", n))
		}
	}
}

// append writes one batch: as, the cursor and recent keys of head, and the poll
// activities that are due. Where nothing is due and as is empty it writes
// nothing: the cursor before stays good, and the next batch carries this one.
func (v *visit) append(ctx context.Context, head *ledger, as []activity.Activity, said verdict, backfill bool) error {
	next := *head
	reports := v.reports(&next, said)
	if len(as) > 0 && (backfill || len(reports) == 0 || !v.task.Multi && as[0].Kind.Class() != reports[0].Kind.Class()) {
		// History teaches and raises nothing; what is reported now shall. And
		// a batch holds what is kept equally long.
		unreported := *head
		if err := v.write(ctx, &unreported, as, backfill); err != nil {
			return err
		}
		as = nil
	}
	if len(as)+len(reports) > 0 {
		if err := v.write(ctx, &next, append(as, reports...), false); err != nil {
			return err
		}
	}
	v.src.ledger = &next
	return nil
}

// reports returns the poll activities that are due and notes them in head.
func (v *visit) reports(head *ledger, said verdict) []activity.Activity {
	var due []activity.Activity
	now := v.opts.Now()
	note := func(said verdict) {
		a, next, ok := v.src.report(v.task.Source, head.reported, said, now)
		if ok {
			head.reported = next
			due = append(due, a)
		}
	}
	if head.lost {
		head.lost = false
		note(verdict{
			state: activity.PollGap, from: head.lostFrom, until: now,
			reason: "the journal no longer held the last page of this source (retention, or a journal that was replaced); polling goes on from the cursor that was kept beside it",
		})
	}
	note(said)
	return due
}

func (v *visit) write(ctx context.Context, head *ledger, as []activity.Activity, backfill bool) error {
	b, err := head.batch(as, backfill)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	if err := v.src.log.Append(ctx, b); err != nil {
		return fmt.Errorf("append %d activities of %s: %w", len(as), v.task.Source, err)
	}
	v.result.items += len(as)
	v.opts.Observer.Activities(v.task.Network, len(as))
	return nil
}
