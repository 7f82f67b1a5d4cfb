package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// alertSink takes findings; *alerting.Manager implements it.
type alertSink interface {
	detector.Sink
	// Flush writes what was held back to keep revisions few and has waited
	// long enough at logTime; Sync writes all of it.
	Flush(ctx context.Context, logTime time.Time) error
	Sync(ctx context.Context) error
}

// workerMetrics is told what a worker does; *promexport.Metrics implements it.
//
//nolint:interfacebloat // one narrow listener, not an abstraction
type workerMetrics interface {
	// Latency takes occurrence → seen, seen → appended and appended →
	// published of one activity that led to a finding; 0 where unknown.
	Latency(network string, occurrence, poll, picket time.Duration)
	// Progress is told after each flush how far the detector is.
	Progress(partition int, sequence, pending uint64, logTime time.Time)
	// Damaged counts messages that could not be decoded.
	Damaged(partition int)
	// Finding is told of each finding.
	Finding(r *rules.Rule)
	// Learned is told of how many accounts a rule still learns, and how many
	// it knows.
	Learned(partition int, rule string, learning, active int)
	// Late counts activities that a rule passed over, since they came too late for it.
	Late(partition int, activities uint64)
	// Evicted counts what was forgotten since there was too much of it.
	Evicted(partition int, n detector.Evicted)
	// Remembered is told from time to time how much is remembered.
	Remembered(partition, accounts int, bytes int64)
	// Unchanged is told while the memory is as it was last saved.
	Unchanged(partition int)
	// Checkpointed is told of each checkpoint.
	Checkpointed(partition, size int, took time.Duration)
}

// worker owns one partition: it reads its log in order, runs the engine over
// it, hands findings to alerting and keeps checkpoints.
type worker struct {
	partition int
	journal   *journal.Journal
	sink      alertSink
	saver     saver
	every     time.Duration // between checkpoints
	lateness  time.Duration
	accounts  int // that may be remembered; 0 for any number
	metrics   workerMetrics
	log       *zap.Logger

	// plans returns the compiled plan of a hash and the one to start with.
	plans *planStore

	engine    *detector.Engine
	program   string
	created   time.Time
	coverage  *coverer
	costs     *costs
	decoder   activity.Decoder
	batch     activity.Batch
	last      journal.Message
	haveOne   bool
	reports   *reporter
	outbox    *outbox
	end       uint64 // where the log ended when it was begun to be read
	inquiries inquiries

	marks    *journal.Marks
	told     uint64    // findings up to this sequence are durable
	marked   time.Time // when that was last kept beside the log
	stopping bool
	unsaved  bool // something besides ticks came since the last checkpoint

	saving   *saving // the checkpoint in the making
	learning *detector.LearningScan
	sized    time.Time // when it was last told how much is remembered
	writing  sync.WaitGroup
	writeCtx context.Context //nolint:containedctx // of what run started beside itself

	restored atomic.Bool  // heads are those of the checkpoint
	lastSeen atomic.Int64 // wall clock of the latest message read, Unix nanoseconds
	found    atomic.Int64 // the same, of the latest message with findings
	due      atomic.Int64 // log time at which something becomes due, Unix nanoseconds; 0 for nothing
	wanted   atomic.Int64 // wall clock at which the second stage last waited for this partition, Unix nanoseconds

	mu    sync.Mutex
	heads *headTable
}

// origin is where a finding's latest activity came from in time.
type origin struct {
	network              string
	happened, seen, kept time.Time
}

// run reads until ctx ends. It returns an error only when it cannot go on.
func (w *worker) run(ctx context.Context) error {
	from, err := w.restore(ctx)
	if err != nil {
		return err
	}
	reader, err := w.journal.Read(ctx, w.partition, from)
	if err != nil {
		return err
	}
	defer reader.Close()
	report, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.writeCtx = report
	defer w.endSaving()
	w.reports = newReporter(w)
	w.costs.begin(w.engine)
	w.coverage.begin()
	var reporting sync.WaitGroup
	reporting.Go(func() { w.reports.run(report) })
	w.outbox = newOutbox(w)
	reporting.Go(func() { w.outbox.run(report) })
	defer reporting.Wait()
	defer cancel()
	return w.stop(ctx, w.read(ctx, reader, from))
}

// read applies messages and saves checkpoints until ctx ends.
func (w *worker) read(ctx context.Context, reader *journal.Reader, from uint64) error {
	saved := time.Now()
	for first := true; ; first = false {
		m, ok, err := w.next(ctx, reader, saved.Add(w.every))
		if err != nil {
			return err
		}
		if saving := w.goOn(ctx); !saving && w.unsaved && time.Since(saved) >= w.every {
			w.save()
			saved = time.Now()
		}
		w.tellLearning()
		if !ok { // nothing has come yet
			continue
		}
		w.lastSeen.Store(time.Now().UnixNano())
		if m.Missing > 0 && !(first && from <= 1) {
			w.reportGap(ctx, &m)
		}
		if err := w.apply(ctx, &m); err != nil {
			return err
		}
		w.coverage.step(w.engine, time.Now())
		w.inquiries.step(w.engine, time.Now())
		w.costs.step(w.engine, time.Now())
		w.tellSize(time.Now())
		if !w.unsaved && w.saving == nil {
			w.metrics.Unchanged(w.partition)
		}
	}
}

// next returns the next message; false where none has come until save while
// there is something to save, or for a moment while there is something else to do.
func (w *worker) next(ctx context.Context, reader *journal.Reader, save time.Time) (journal.Message, bool, error) {
	switch {
	case w.saving != nil || w.learning != nil:
		save = time.Now().Add(savePoll)
	case !w.unsaved:
		m, err := reader.Next(ctx)
		return m, err == nil, err
	}
	wait, cancel := context.WithDeadline(ctx, save)
	defer cancel()
	m, err := reader.Next(wait)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return m, false, nil
	}
	return m, err == nil, err
}

// stop ends run: on the way out the memory is saved once more.
func (w *worker) stop(ctx context.Context, cause error) error {
	if ctx.Err() == nil {
		return fmt.Errorf("partition %d: %w", w.partition, cause)
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	w.stopping = true
	w.finish(grace)
	return nil
}

// restore loads the newest checkpoint that fits the log and returns the
// sequence to read from. A checkpoint is passed over only for what is wrong
// with it or with the log; a passing fault is returned.
func (w *worker) restore(ctx context.Context) (uint64, error) {
	defer func() { w.restored.Store(true) }()
	head, err := w.journal.Head(ctx, w.partition)
	if err != nil {
		return 0, err
	}
	w.created, w.end, w.haveOne = head.Created, head.Last, false
	if err := w.wasTold(ctx, head); err != nil {
		return 0, err
	}
	w.saving, w.learning = nil, nil
	w.keepHeads(nil)
	var damage []error
	for _, path := range []string{w.saver.files.newest, w.saver.files.previous} {
		all, err := readCheckpoints(path)
		if err != nil && !errors.Is(err, errNoCheckpoint) {
			w.log.Warn("checkpoint not usable", zap.Int("partition", w.partition), zap.Error(err))
			damage = append(damage, err)
		}
		for _, c := range slices.Backward(all) {
			err := w.journal.Verify(ctx, w.partition, c.Mark)
			if errors.Is(err, journal.ErrRetained) {
				err = nil // go on with what is known; reading finds and tells the gap
			}
			if err == nil {
				err = w.resume(ctx, c)
			}
			if err == nil {
				w.log.Info("checkpoint restored", zap.Int("partition", w.partition), zap.Uint64("sequence", c.Mark.Sequence))
				return c.Mark.Sequence + 1, nil
			}
			if !unusable(err) {
				return 0, fmt.Errorf("restore checkpoint: %w", err)
			}
			if n := len(damage); n == 0 || damage[n-1].Error() != err.Error() { // many say it for one reason
				w.log.Warn("checkpoint not usable; an older one or the log takes its place, which only takes longer", zap.Int("partition", w.partition), zap.Error(err))
			}
			damage = append(damage, err)
		}
	}
	if err := w.fresh(ctx); err != nil {
		return 0, err
	}
	if err := errors.Join(damage...); errors.Is(err, journal.ErrTruncated) {
		w.blind(ctx, fmt.Sprintf("truncated-%d-%d", head.Created.UnixNano(), head.Last), err.Error())
	}
	return 1, nil // not head.First, which retention may take before it is read
}

// errDamaged says that a checkpoint cannot be read.
var errDamaged = errors.New("checkpoint not readable")

// unusable tells what is wrong for good from passing faults, which the caller
// tries again: going on without would throw memory or rules away.
func unusable(err error) bool {
	var faults rules.Faults
	return errors.Is(err, journal.ErrTruncated) || errors.Is(err, errDamaged) || errors.Is(err, journal.ErrControl) ||
		errors.Is(err, detector.ErrSet) || errors.Is(err, jetstream.ErrObjectNotFound) || errors.As(err, &faults)
}

func (w *worker) resume(ctx context.Context, c *checkpoint) error {
	plan, err := w.plans.get(ctx, c.Program)
	if err != nil {
		return err
	}
	engine := detector.NewEngine(w.partition, plan, w.engineOptions())
	loader := engine.Load()
	heads, err := c.load(loader.Add)
	if err != nil {
		return err
	}
	if err := loader.Finish(); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	w.engine, w.program = engine, c.Program
	w.keepHeads(heads)
	return nil
}

func (w *worker) keepHeads(all heads) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heads = newHeadTable(all)
}

// fresh starts with empty memory and the program that was in force where the
// log begins, as whoever read its beginning did.
func (w *worker) fresh(ctx context.Context) error {
	hash := w.plans.current()
	first, err := w.journal.FirstProgram(ctx, w.partition)
	if err == nil && first != "" {
		hash = first
	}
	var plan *detector.Plan
	if err == nil {
		plan, err = w.plans.get(ctx, hash)
	}
	if err != nil && unusable(err) {
		w.log.Warn("the oldest rules of the log are not readable; today's judge its beginning", zap.Int("partition", w.partition), zap.Error(err))
		hash = w.plans.current()
		plan, err = w.plans.get(ctx, hash)
	}
	if err != nil {
		return err
	}
	w.engine, w.program = detector.NewEngine(w.partition, plan, w.engineOptions()), hash
	return nil
}

func (w *worker) engineOptions() detector.EngineOptions {
	return detector.EngineOptions{Lateness: w.lateness, Ticked: true, MaxAccounts: w.accounts}
}

// tellStats tells of what an engine passed over or forgot between two counts.
func tellStats(m workerMetrics, partition int, before, after detector.Stats) {
	if late := after.Late - before.Late; late > 0 {
		m.Late(partition, late)
	}
	if evicted := after.Evicted.Since(before.Evicted); evicted != (detector.Evicted{}) {
		m.Evicted(partition, evicted)
	}
}

// apply gives one message to the engine.
func (w *worker) apply(ctx context.Context, m *journal.Message) error {
	w.last, w.haveOne = *m, true
	w.unsaved = w.unsaved || m.Type != journal.TickMessage
	var found []detector.Finding
	before := w.engine.Stats()
	switch m.Type {
	case journal.TickMessage:
		found = w.engine.Tick(m.Sequence, m.Time)
	case journal.ControlMessage:
		f, err := w.activate(ctx, m)
		if err != nil {
			return err
		}
		found = f
	case journal.Page, journal.Bulk:
		w.batch.Cursor, w.batch.Recent = nil, nil
		if err := w.decoder.Batch(m.Data, &w.batch); err != nil {
			w.metrics.Damaged(w.partition)
			w.log.Error("journal message cannot be read; it is passed over", zap.Int("partition", w.partition), zap.Uint64("sequence", m.Sequence), zap.Error(err))
			found = w.engine.Tick(m.Sequence, m.Time)
			break
		}
		if m.Type == journal.Page {
			w.keepHead(m)
		}
		found = w.engine.Apply(m.Sequence, m.Time, &w.batch)
	}
	tellStats(w.metrics, w.partition, before, w.engine.Stats())
	if err := w.outbox.add(ctx, m.Sequence, w.engine.LogTime(), w.program, w.engine.Plan(), w.engine.Passed()); err != nil {
		return err
	}
	w.expect(len(found) > 0)
	if m.Sequence <= w.told {
		found = nil
	}
	b := batchOfFindings{found: found, logTime: w.engine.LogTime(), sequence: m.Sequence, pending: m.Pending}
	for i := range found {
		w.metrics.Finding(found[i].Rule)
		b.since = append(b.since, originOf(&found[i], m))
	}
	return w.reports.add(ctx, b)
}

func originOf(f *detector.Finding, m *journal.Message) origin {
	if f.Phase == detector.Close || len(f.Evidence) == 0 || m.Type == journal.TickMessage {
		return origin{}
	}
	a := &f.Evidence[len(f.Evidence)-1]
	return origin{network: a.Network, happened: a.Time, seen: a.Seen, kept: m.Time}
}

func (w *worker) keepHead(m *journal.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heads.set(m.Source, collectors.Checkpoint{
		Cursor: bytes.Clone(w.batch.Cursor), Recent: append([]uint64(nil), w.batch.Recent...), LastTime: m.Time,
	})
}

// head returns what is remembered of a source, by its subject tokens.
func (w *worker) head(source string) (collectors.Checkpoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads.get(source)
}

// activate puts the program that a control message names in force. A program
// that this version cannot read leaves the one before in force.
func (w *worker) activate(ctx context.Context, m *journal.Message) ([]detector.Finding, error) {
	c, err := journal.ParseControl(m.Data)
	if err == nil {
		var plan *detector.Plan
		if plan, err = w.plans.get(ctx, c.Program); err == nil {
			w.costs.collect(w.engine)
			w.program = c.Program
			return w.engine.Activate(m.Sequence, m.Time, plan), nil
		}
	}
	if !unusable(err) {
		return nil, fmt.Errorf("put program in force: %w", err)
	}
	w.log.Error("control message passed over; the rules before it stay in force", zap.Int("partition", w.partition), zap.Uint64("sequence", m.Sequence), zap.Error(err))
	return w.engine.Tick(m.Sequence, m.Time), nil
}

func between(a, b time.Time) time.Duration {
	if a.IsZero() || b.IsZero() || b.Before(a) {
		return 0
	}
	return b.Sub(a)
}

// markEvery is how often it is kept beside the log how far findings are durable.
const markEvery = time.Minute

// mark keeps beside the log that every finding up to mark is durable.
func (w *worker) mark(ctx context.Context, mark journal.Mark) {
	if mark.Sequence <= w.told || time.Since(w.marked) < markEvery && !w.stopping {
		return
	}
	if err := w.marks.Put(ctx, w.partition, mark); err != nil {
		w.log.Warn("how far alerts are told could not be kept", zap.Int("partition", w.partition), zap.Error(err))
		return
	}
	w.told, w.marked = mark.Sequence, time.Now()
}

// wasTold looks up how far findings were durable before. They are not reported
// again: memory that is made anew from a log whose beginning has expired would
// take old things for new ones.
func (w *worker) wasTold(ctx context.Context, head journal.Head) error {
	w.told = 0
	mark, ok, err := w.marks.Get(ctx, w.partition)
	if err != nil {
		return err
	}
	if ok && mark.Created.Equal(head.Created) && mark.Sequence <= head.Last {
		w.told = mark.Sequence
	}
	return nil
}

// reportGap writes the loss of log messages into the log, so that it is a
// finding like any other.
func (w *worker) reportGap(ctx context.Context, m *journal.Message) {
	from := m.Sequence - m.Missing
	w.blind(ctx, fmt.Sprintf("gap-%d-%d", from, m.Sequence-1),
		fmt.Sprintf("log gap: messages %d to %d of partition %d are missing", from, m.Sequence-1, w.partition))
}

// blind appends a poll activity about the journal itself.
func (w *worker) blind(ctx context.Context, id, reason string) {
	tellBlind(ctx, w.journal, w.log, w.partition, id, reason)
}

// tellBlind appends a poll activity about a partition of the journal.
func tellBlind(ctx context.Context, j *journal.Journal, log *zap.Logger, partition int, id, reason string) {
	now := time.Now().UTC()
	errs := j.Submit(ctx, []activity.Activity{{
		ID: id, Network: "picket", Account: fmt.Sprintf("picket/journal-%d", partition),
		Kind: activity.KindPoll, Time: now, Seen: now,
		Poll: activity.Poll{State: activity.PollGap, Reason: reason},
	}})
	log.Error("the activity log is not whole", zap.Int("partition", partition), zap.String("reason", reason))
	if errs[0] != nil && ctx.Err() == nil {
		log.Error("the loss could not be recorded", zap.Error(errs[0]))
	}
}
