package collectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Logs keeps logs in memory with the journal's fence, and encodes every batch
// as the journal does, so that what does not survive encoding shows. It is
// safe for concurrent use.
type Logs struct {
	// Intercept, if set, is called before each append, with its number from 1.
	// Drop it only while nobody appends.
	Intercept func(n int, source string, b *activity.Batch) Fate

	mu      sync.Mutex
	logs    map[string][]stored
	kept    map[string]collectors.Checkpoint
	seq     uint64
	appends int
}

// Fate is what becomes of an append.
type Fate int

// Fates of an append. A writer whose process died after the journal stored its
// batch sees StoreAndFail.
const (
	Store        Fate = iota
	Fail              // nothing is stored, an error is returned
	StoreAndFail      // it is stored, an error is returned
	Fence             // as if another writer had appended
	NoRoom            // nothing is stored, the error matches ErrNoRoom
)

// ErrInjected is the error of an append whose Fate is Fail or StoreAndFail.
var ErrInjected = errors.New("injected journal error")

type stored struct {
	seq  uint64
	at   time.Time
	data []byte
}

// NewLogs returns empty logs.
func NewLogs() *Logs {
	return &Logs{logs: map[string][]stored{}, kept: map[string]collectors.Checkpoint{}}
}

// Keep sets what Checkpoint says of a source whose log is empty, as after
// retention took its last batch.
func (l *Logs) Keep(source string, cp collectors.Checkpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[source] = cp
}

// Open implements collectors.Logs.
func (l *Logs) Open(_ context.Context, source string) (collectors.Log, error) {
	return &handle{logs: l, source: source}, nil
}

// Batches returns the batches of a source in order.
func (l *Logs) Batches(source string) []activity.Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []activity.Batch
	for _, m := range l.logs[source] {
		b, err := m.batch()
		if err != nil {
			panic(err) // append decoded it before
		}
		out = append(out, b)
	}
	return out
}

// Activities returns the activities of a source in order.
func (l *Logs) Activities(source string) []activity.Activity {
	var out []activity.Activity
	for _, b := range l.Batches(source) {
		out = append(out, b.Activities...)
	}
	return out
}

// Polls returns the poll activities of a source in order.
func (l *Logs) Polls(source string) []activity.Activity {
	return slices.DeleteFunc(l.Activities(source), func(a activity.Activity) bool { return a.Kind != activity.KindPoll })
}

// Append adds a batch as another writer would.
func (l *Logs) Append(source string, b *activity.Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store(source, b)
}

func (l *Logs) store(source string, b *activity.Batch) error {
	m := stored{seq: l.seq + 1, at: time.Now(), data: activity.AppendBatch(nil, b)}
	if len(m.data) > collectors.MaxBatch {
		return fmt.Errorf("append to %s: batch of %d bytes, at most %d fit", source, len(m.data), collectors.MaxBatch)
	}
	if _, err := m.batch(); err != nil {
		return fmt.Errorf("append to %s: %w", source, err)
	}
	if err := ofOneClass(source, b); err != nil {
		return err
	}
	l.seq++
	l.logs[source] = append(l.logs[source], m)
	return nil
}

// ofOneClass refuses a batch with items of the source's own account that are
// not kept equally long.
func ofOneClass(source string, b *activity.Batch) error {
	var first *activity.Activity
	for i := range b.Activities {
		a := &b.Activities[i]
		if a.Account != source {
			continue
		}
		if first == nil {
			first = a
		}
		if a.Kind.Class() != first.Kind.Class() {
			return fmt.Errorf("append to %s: a batch with both %s and %s, which are not kept equally long", source, first.Kind, a.Kind)
		}
	}
	return nil
}

func (m stored) batch() (activity.Batch, error) {
	var dec activity.Decoder
	var b activity.Batch
	if err := dec.Batch(slices.Clone(m.data), &b); err != nil {
		return activity.Batch{}, err
	}
	for i := range b.Activities {
		b.Activities[i] = b.Activities[i].Clone()
	}
	b.Cursor, b.Recent = slices.Clone(b.Cursor), slices.Clone(b.Recent)
	return b, nil
}

// handle is one writer's view of a log.
type handle struct {
	logs   *Logs
	source string
	head   uint64
	read   bool
}

// Checkpoint implements collectors.Log.
func (h *handle) Checkpoint(ctx context.Context) (collectors.Checkpoint, error) {
	if err := ctx.Err(); err != nil {
		return collectors.Checkpoint{}, err
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	h.read, h.head = true, 0
	log := h.logs.logs[h.source]
	if len(log) == 0 {
		return h.logs.kept[h.source], nil
	}
	last := log[len(log)-1]
	b, err := last.batch()
	if err != nil {
		return collectors.Checkpoint{}, err
	}
	h.head = last.seq
	return collectors.Checkpoint{Cursor: b.Cursor, Recent: b.Recent, LastTime: last.at}, nil
}

// Append implements collectors.Log.
func (h *handle) Append(ctx context.Context, b *activity.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.logs.mu.Lock()
	defer h.logs.mu.Unlock()
	if !h.read {
		return fmt.Errorf("append to %s: its checkpoint has not been read since the last error", h.source)
	}
	fate := h.logs.fate(h.source, b)
	log := h.logs.logs[h.source]
	head := uint64(0)
	if len(log) > 0 {
		head = log[len(log)-1].seq
	}
	if err := h.append(fate, head, b); err != nil {
		h.read = false
		return fmt.Errorf("append to %s: %w", h.source, err)
	}
	return nil
}

func (h *handle) append(fate Fate, head uint64, b *activity.Batch) error {
	switch {
	case fate == NoRoom:
		return collectors.ErrNoRoom
	case fate == Fail:
		return ErrInjected
	case fate == Fence, head != h.head:
		return collectors.ErrFenced
	}
	if err := h.logs.store(h.source, b); err != nil {
		return err
	}
	h.head = h.logs.seq
	if fate == StoreAndFail {
		return ErrInjected
	}
	return nil
}

func (l *Logs) fate(source string, b *activity.Batch) Fate {
	l.appends++
	if l.Intercept == nil {
		return Store
	}
	return l.Intercept(l.appends, source, b)
}
