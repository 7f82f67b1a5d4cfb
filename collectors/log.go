package collectors

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Checkpoint is what the last message of a source's log says.
type Checkpoint struct {
	// Cursor is the Cursor of the last batch, nil when there is none.
	Cursor json.RawMessage
	// Recent is the Recent of the last batch.
	Recent []uint64
	// Lost says that retention took the last message: Cursor and Recent come
	// from a checkpoint beside the log, and what was read since is unknown.
	Lost bool
	// LastTime is when the last message was appended, zero when there is none.
	LastTime time.Time
}

// Log is the fenced log of one source. It need not be safe for concurrent use:
// the Scheduler polls a source at most once at a time.
type Log interface {
	// Checkpoint reads the head of the log anew. The next Append succeeds only
	// if the head is still the one that was read.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// Append adds one batch behind the head that this Log read or wrote last.
	// It returns nil once the batch is durable, an error that matches
	// ErrFenced when another writer appended meanwhile, one that matches
	// ErrNoRoom when the journal's disk reserve is reached. After any other
	// error the batch may or may not have been appended; Checkpoint tells.
	//
	// All activities of a source with one account are of that account, and
	// those of one batch are of one activity.Class, which is kept for one time.
	// Those of a source with many accounts are routed to their accounts by the
	// implementation before the batch with the cursor is appended; what a
	// crash in between repeats is removed by the detector.
	Append(ctx context.Context, b *activity.Batch) error
}

// Logs opens the log of a source, which need not exist yet. It is safe for
// concurrent use.
type Logs interface {
	Open(ctx context.Context, source string) (Log, error)
}

// ErrFenced says that another writer appended to the log since its head was
// read; nothing was appended.
var ErrFenced = errors.New("another writer appended to this log")

// Bounds of what one batch of a source carries.
const (
	// MaxBatch bounds the encoded size of one batch in bytes, cursor and
	// recent keys included.
	MaxBatch = 256 << 10
	// MaxRecent bounds the recent keys of a source. A source that repeats
	// more items than that in its overlap window keeps the newest keys; what
	// is older than the newest forgotten one can no longer be told from a
	// duplicate and is dropped and counted (DropHorizon).
	MaxRecent = 4096
)
