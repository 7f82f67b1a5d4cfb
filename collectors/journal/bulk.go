package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	bulkInFlight   = 64 // messages awaiting their acknowledgement, per partition
	bulkAckWait    = 10 * time.Second
)

// What a batch of usual activities takes, in bytes.
const (
	batchEnd    = "]}"
	usualHead   = 64
	usualBytes  = 1 << 10 // of an activity
	recentBytes = 11      // of a key: base64 of eight
)

// errClosed says that the journal is shutting down.
var errClosed = errors.New("journal is closed")

// Submit implements collectors.Intake for activities of known accounts: it
// validates each, appends the good ones in bulk and answers per activity.
func (j *Journal) Submit(ctx context.Context, activities []activity.Activity) []error {
	errs := make([]error, len(activities))
	bad := 0
	for i := range activities {
		if err := activities[i].Validate(); err != nil {
			errs[i] = fmt.Errorf("%w: %w", collectors.ErrInvalid, err)
			bad++
		}
	}
	if bad > 0 {
		j.obs.Refused("invalid", bad)
	}
	if err := j.room(); err != nil {
		j.obs.Refused("no_room", len(activities)-bad)
		for i := range errs {
			errs[i] = cmp.Or(errs[i], err)
		}
		return errs
	}
	j.submit(ctx, activities, false, errs)
	return errs
}

// appendBulk appends activities that are known to be valid; the error joins
// what could not be made durable.
func (j *Journal) appendBulk(ctx context.Context, activities []activity.Activity, backfill bool) error {
	errs := make([]error, len(activities))
	j.submit(ctx, activities, backfill, errs)
	return errors.Join(errs...)
}

// submit hands those activities that have no error in errs to the writers of
// their partitions, approvals to all of them, and waits until each is durable or
// has its error there.
func (j *Journal) submit(ctx context.Context, activities []activity.Activity, backfill bool, errs []error) {
	of := &submission{backfill: backfill, errs: errs}
	runs := make([]*run, len(j.bulk)) // by partition, the latest
	for i := range activities {
		if errs[i] != nil {
			continue
		}
		a := &activities[i]
		life := j.cfg.Retention.life(a.Kind)
		first, last := 0, len(j.bulk)-1
		if a.Kind != activity.KindApproval {
			first = j.Partition(a.Account)
			last = first
		}
		for p := first; p <= last; p++ {
			if runs[p] != nil && runs[p].add(a, i, life) {
				continue
			}
			if runs[p] != nil {
				j.bulk[p].add(ctx, runs[p])
			}
			runs[p] = of.begin(1 + (len(activities)-i-1)/len(j.bulk))
			runs[p].add(a, i, life)
		}
	}
	for p, r := range runs {
		if r != nil {
			j.bulk[p].add(ctx, r)
		}
	}
	of.waits.Wait()
}

// submission is what became of activities that were submitted together.
type submission struct {
	backfill bool
	waits    sync.WaitGroup // for its runs
	mu       sync.Mutex
	errs     []error // by activity
}

// begin begins a run for about that many activities.
func (s *submission) begin(activities int) *run {
	n := min(activities, bulkActivities)
	data := activity.AppendBatch(make([]byte, 0, usualHead+n*usualBytes), &activity.Batch{Backfill: s.backfill})
	data = data[:len(data)-len(batchEnd)]
	s.waits.Add(1)
	return &run{of: s, which: make([]int, 0, n), data: data, head: len(data)}
}

// run is a batch in the making: activities of one submission and one partition
// that follow each other and are kept equally long. Their submitter encodes
// them, so that the partition's one writer has little to do.
type run struct {
	of    *submission
	which []int // of the submission's activities
	life  time.Duration
	data  []byte // the batch but for batchEnd
	head  int    // where the first activity begins in data
}

// add encodes one activity more. It reports false, and changes nothing, where r
// has no room for it or is kept for another time.
func (r *run) add(a *activity.Activity, i int, life time.Duration) bool {
	data := r.data
	if len(r.which) > 0 {
		if len(r.which) == bulkActivities || r.life != life {
			return false
		}
		data = append(data, ',')
	}
	data = activity.AppendActivity(data, a)
	if len(r.which) > 0 && len(data)+len(batchEnd) > MaxMessage {
		return false
	}
	r.data, r.which, r.life = data, append(r.which, i), life
	return true
}

// done notes that the activities are stored, or why they are not.
func (r *run) done(err error) {
	if err != nil {
		r.of.mu.Lock()
		for _, i := range r.which {
			r.of.errs[i] = errors.Join(r.of.errs[i], err)
		}
		r.of.mu.Unlock()
	}
	r.of.waits.Done()
}

// bulkWriter gathers the runs of one partition into messages: a message leaves
// when it is full, when the next run does not fit in or when its oldest activity
// has waited for the linger time.
type bulkWriter struct {
	j       *Journal
	subject string
	in      chan *run
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
		in:      make(chan *run, bulkActivities),
		slots:   make(chan struct{}, bulkInFlight),
		stop:    make(chan struct{}),
	}
	w.stopped.Go(w.run)
	return w
}

// add queues a run. It blocks while the queue is full: the caller is slowed
// down, nothing is dropped.
func (w *bulkWriter) add(ctx context.Context, r *run) {
	w.adding.RLock()
	defer w.adding.RUnlock()
	if w.closed {
		r.done(errClosed)
		return
	}
	select {
	case w.in <- r:
	case <-ctx.Done():
		r.done(ctx.Err())
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
	var first *run
	for {
		if first == nil {
			select {
			case first = <-w.in:
			case <-w.stop:
				select {
				case first = <-w.in: // added before the end
				default:
					return
				}
			}
		}
		first = w.gather(first, &inFlight)
	}
}

// gather fills one message starting with first and sends it. It returns the run
// that has to begin the next one, if there is one.
func (w *bulkWriter) gather(first *run, inFlight *sync.WaitGroup) (next *run) {
	m := message{runs: []*run{first}, activities: len(first.which), size: len(first.data) + len(batchEnd)}
	timer := time.NewTimer(bulkLinger)
	defer timer.Stop()
	for full := false; !full && m.activities < bulkActivities; {
		select {
		case r := <-w.in:
			if full = !m.add(r); full {
				next = r
			}
		case <-timer.C:
			full = true
		case <-w.stop:
			full = len(w.in) == 0
		}
	}
	w.send(&m, inFlight)
	return next
}

func (w *bulkWriter) send(m *message, inFlight *sync.WaitGroup) {
	data := m.batch()
	finish := func(err error) {
		if err != nil {
			err = classify(err)
			w.j.obs.Refused("journal", m.activities)
		} else {
			w.j.obs.Appended(m.activities, len(data))
		}
		for _, r := range m.runs {
			r.done(err)
		}
	}
	w.slots <- struct{}{}
	ack, err := w.j.js.PublishAsync(w.subject, data, expires(m.runs[0].life, jetstream.WithStallWait(bulkAckWait))...)
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

// message is what one bulk message is made of: at least one run.
type message struct {
	runs       []*run
	activities int
	size       int // in bytes
}

// add adds a run. It reports false where there is no room for it, or where it is
// not of the same kind.
func (m *message) add(r *run) bool {
	first := m.runs[0]
	size := m.size + len(",") + len(r.data) - r.head
	if r.of.backfill != first.of.backfill || r.life != first.life || m.activities+len(r.which) > bulkActivities || size > MaxMessage {
		return false
	}
	m.runs, m.activities, m.size = append(m.runs, r), m.activities+len(r.which), size
	return true
}

// batch returns the encoded batch. One run is nearly one as it is.
func (m *message) batch() []byte {
	data := m.runs[0].data
	if len(m.runs) > 1 {
		data = append(make([]byte, 0, m.size), data...)
		for _, r := range m.runs[1:] {
			data = append(append(data, ','), r.data[r.head:]...)
		}
	}
	return append(data, batchEnd...)
}
