package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Limits of one bulk message.
const (
	bulkActivities = 100
	bulkLinger     = 5 * time.Millisecond
	bulkOverhead   = 64      // bytes of a batch beside its activities
	usualBytes     = 1 << 10 // of an activity
	bulkInFlight   = 64      // messages awaiting their acknowledgement, per partition
	bulkAckWait    = 10 * time.Second
)

// errClosed says that the journal is shutting down.
var errClosed = errors.New("journal is closed")

// Submit implements collectors.Intake for activities of known accounts: it
// validates each, appends the good ones in bulk and answers per activity.
func (j *Journal) Submit(ctx context.Context, activities []activity.Activity) []error {
	errs := make([]error, len(activities))
	index := make([]int, 0, len(activities)) // of the good ones
	for i := range activities {
		if err := activities[i].Validate(); err != nil {
			errs[i] = fmt.Errorf("%w: %w", collectors.ErrInvalid, err)
			continue
		}
		index = append(index, i)
	}
	good := activities
	if len(index) < len(activities) {
		good = make([]activity.Activity, len(index))
		for k, i := range index {
			good[k] = activities[i]
		}
	}
	if n := len(activities) - len(good); n > 0 {
		j.obs.Refused("invalid", n)
	}
	if err := j.room(); err != nil {
		j.obs.Refused("no_room", len(good))
		for _, i := range index {
			errs[i] = err
		}
		return errs
	}
	for k, err := range j.submit(ctx, good, false) {
		errs[index[k]] = err
	}
	return errs
}

// appendBulk appends activities that are known to be valid; the error joins
// what could not be made durable.
func (j *Journal) appendBulk(ctx context.Context, activities []activity.Activity, backfill bool) error {
	return errors.Join(j.submit(ctx, activities, backfill)...)
}

// submit hands each activity to the writer of its partition, approvals to all
// of them, and waits until each is durable.
func (j *Journal) submit(ctx context.Context, activities []activity.Activity, backfill bool) []error {
	of := &submission{errs: make([]error, len(activities))}
	var room []byte // where they are encoded, some into one piece of memory
	for i := range activities {
		a := &activities[i]
		if cap(room)-len(room) < usualBytes {
			room = make([]byte, 0, usualBytes*min(len(activities)-i, bulkActivities))
		}
		from := len(room)
		room = activity.AppendActivity(room, a)
		it := item{slices.Clip(room[from:]), backfill, j.cfg.Retention.life(a.Kind), of, i}
		if a.Kind != activity.KindApproval {
			of.waits.Add(1)
			j.bulk[j.Partition(a.Account)].add(ctx, it)
			continue
		}
		for _, w := range j.bulk {
			of.waits.Add(1)
			w.add(ctx, it)
		}
	}
	of.waits.Wait()
	return of.errs
}

// submission is what became of activities that were submitted together.
type submission struct {
	waits sync.WaitGroup
	mu    sync.Mutex
	errs  []error // by activity
}

// item is one encoded activity on its way; it is encoded by its submitter, so
// that the partition's one writer only joins bytes.
type item struct {
	data     []byte
	backfill bool
	life     time.Duration
	of       *submission
	i        int // which of its activities it is
}

// done notes that an activity is stored, or why it is not.
func (it *item) done(err error) {
	if err != nil {
		it.of.mu.Lock()
		it.of.errs[it.i] = errors.Join(it.of.errs[it.i], err)
		it.of.mu.Unlock()
	}
	it.of.waits.Done()
}

// bulkWriter gathers the activities of one partition into messages: a message
// leaves when it is full or when its oldest activity has waited for the linger
// time.
type bulkWriter struct {
	j       *Journal
	subject string
	in      chan item
	slots   chan struct{}
	stop    chan struct{}
	stopped sync.WaitGroup

	adding sync.RWMutex // held for reading by whoever adds
	closed bool
}

func newBulkWriter(j *Journal, partition int) *bulkWriter {
	w := &bulkWriter{
		j:       j,
		subject: subjectPrefix + strconv.Itoa(partition) + ".bulk",
		in:      make(chan item, 4*bulkActivities),
		slots:   make(chan struct{}, bulkInFlight),
		stop:    make(chan struct{}),
	}
	w.stopped.Go(w.run)
	return w
}

// add queues one activity. It blocks while the queue is full: the caller is
// slowed down, nothing is dropped.
func (w *bulkWriter) add(ctx context.Context, it item) {
	w.adding.RLock()
	defer w.adding.RUnlock()
	if w.closed {
		it.done(errClosed)
		return
	}
	select {
	case w.in <- it:
	case <-ctx.Done():
		it.done(ctx.Err())
	}
}

// close sends what was added and takes nothing more.
func (w *bulkWriter) close() {
	w.adding.Lock()
	w.closed = true
	w.adding.Unlock()
	close(w.stop)
	w.stopped.Wait()
}

func (w *bulkWriter) run() {
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	var first *item
	for {
		if first == nil {
			select {
			case it := <-w.in:
				first = &it
			case <-w.stop:
				select {
				case it := <-w.in: // added before the end
					first = &it
				default:
					return
				}
			}
		}
		first = w.gather(*first, &inFlight)
	}
}

// gather fills one message starting with it and sends it. It returns an item
// that has to begin the next one, if there is one.
func (w *bulkWriter) gather(it item, inFlight *sync.WaitGroup) (next *item) {
	items := append(make([]item, 0, bulkActivities), it)
	size := len(it.data)
	timer := time.NewTimer(bulkLinger)
	defer timer.Stop()
	for full := false; !full && len(items) < bulkActivities; {
		select {
		case more := <-w.in:
			size += len(more.data) + 1
			if more.backfill != it.backfill || more.life != it.life || size > MaxMessage-bulkOverhead {
				begins := more // a copy, so that only such a one is put aside
				next, full = &begins, true
				break
			}
			items = append(items, more)
		case <-timer.C:
			full = true
		case <-w.stop:
			full = len(w.in) == 0
		}
	}
	w.send(items, it.backfill, it.life, inFlight)
	return next
}

func (w *bulkWriter) send(items []item, backfill bool, life time.Duration, inFlight *sync.WaitGroup) {
	data := joinBatch(items, backfill)
	finish := func(err error) {
		if err != nil {
			err = classify(err)
			w.j.obs.Refused("journal", len(items))
		} else {
			w.j.obs.Appended(len(items), len(data))
		}
		for i := range items {
			items[i].done(err)
		}
	}
	w.slots <- struct{}{}
	ack, err := w.j.js.PublishAsync(w.subject, data, expires(life, jetstream.WithStallWait(bulkAckWait))...)
	if err != nil {
		<-w.slots
		finish(err)
		return
	}
	inFlight.Go(func() {
		defer func() { <-w.slots }()
		select {
		case <-ack.Ok():
			finish(nil)
		case err := <-ack.Err():
			finish(err)
		case <-time.After(bulkAckWait):
			// The message may still be stored: whoever retries repeats it,
			// and the detector drops the second.
			finish(fmt.Errorf("no acknowledgement within %s", bulkAckWait))
		}
	})
}

// joinBatch is activity.AppendBatch over activities that are encoded already.
func joinBatch(items []item, backfill bool) []byte {
	size := bulkOverhead
	for i := range items {
		size += len(items[i].data) + 1
	}
	data := activity.AppendBatch(make([]byte, 0, size), &activity.Batch{Backfill: backfill})
	data = data[:len(data)-len("]}")]
	for i := range items {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, items[i].data...)
	}
	return append(data, "]}"...)
}
