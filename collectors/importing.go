package collectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// Held tells what the log of one account holds already.
type Held interface {
	// Update reads on to where the log ends now.
	Update(ctx context.Context) error
	// Has reports whether an activity of the account is in the log as far as
	// it was read, or may be: of one with an activity.ExportID, whether the log
	// holds any of its class from then or before.
	Has(a *activity.Activity) bool
}

// Importing is what Import needs.
type Importing struct {
	Account string // whose history it is, and whose log
	Log     Log    // of the account
	Held    Held
	// Next returns the history's activities in order of time, io.EOF at the
	// end. They become the import's own.
	Next func() (activity.Activity, error)
	Now  func() time.Time
	// Progress is told after each batch how many activities are appended; nil
	// for nobody.
	Progress func(appended int)
}

// Imported counts what became of a history.
type Imported struct {
	Appended int // now in the log
	Held     int // were in the log before, or may have been, or twice in the history
	Unfit    int // have an id beyond its bound, or do not fit one batch even without raw
}

const (
	// importBatch bounds the activities of one batch of a history.
	importBatch = 500
	// maxFenced bounds how often in a row another writer may come in between.
	maxFenced = 100
)

// Import appends an account's history to its log, as what teaches only, under
// the fence that polls are appended under: whoever polls the account meanwhile
// is fenced once, reads the head anew and goes on from its own cursor, which
// every batch repeats. The newest of what was appended stands among the recent
// keys, so that a first poll does not append it again; what is older than
// MaxRecent of them a poll that goes back so far does append again, and the
// detector learns it twice unless that is within its own horizon.
//
// A history is appended in its order. When it ends early, for whatever reason,
// what was appended stands, and the same history given again goes on behind it.
func Import(ctx context.Context, in Importing) (Imported, error) {
	w := &importer{Importing: in, seen: map[uint64]struct{}{}}
	if err := w.head(ctx); err != nil {
		return w.done, err
	}
	for {
		err := w.gather(ctx)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return w.done, err
		}
		if len(w.batch) > 0 {
			if err := w.append(ctx); err != nil {
				return w.done, err
			}
		}
		if last {
			return w.done, nil
		}
	}
}

// importer is one import under way.
type importer struct {
	Importing
	ledger *ledger
	seen   map[uint64]struct{} // keys of the history itself
	next   *activity.Activity  // begins the next batch
	batch  []activity.Activity
	done   Imported
	buf    []byte
}

// head reads where the log ends, and what it holds: in this order, so that
// whatever comes after what was read is behind the fence.
func (w *importer) head(ctx context.Context) error {
	cp, err := w.Log.Checkpoint(ctx)
	if err != nil {
		return fmt.Errorf("import to %s: %w", w.Account, err)
	}
	if w.ledger, err = readLedger(cp); err != nil {
		return fmt.Errorf("import to %s: %w", w.Account, err)
	}
	if err := w.Held.Update(ctx); err != nil {
		return fmt.Errorf("import to %s: %w", w.Account, err)
	}
	return nil
}

// gather fills a batch with activities of one class. It returns io.EOF with the
// last one.
func (w *importer) gather(ctx context.Context) error {
	w.batch = w.batch[:0]
	left := room(len(w.ledger.cursor), MaxRecent)
	for len(w.batch) < importBatch {
		a := w.next
		w.next = nil
		if a == nil {
			one, err := w.Next()
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if a = w.admit(&one); a == nil {
				continue
			}
		}
		w.buf = activity.AppendActivity(w.buf[:0], a)
		if len(w.buf)+1 > left || len(w.batch) > 0 && a.Kind.Class() != w.batch[0].Kind.Class() {
			w.next = a
			return nil
		}
		left -= len(w.buf) + 1
		w.batch = append(w.batch, *a)
	}
	return nil
}

// admit returns an activity that is to be appended, nil for any other.
func (w *importer) admit(a *activity.Activity) *activity.Activity {
	if _, twice := w.seen[a.Key()]; twice {
		w.done.Held++
		return nil
	}
	w.seen[a.Key()] = struct{}{}
	if misfit(a, w.Account, false) != "" {
		w.done.Unfit++
		return nil
	}
	if a.Seen.IsZero() {
		a.Seen = w.Now()
	}
	return w.fresh(a)
}

// fresh is admit by what the head of the log says, which may have changed since.
func (w *importer) fresh(a *activity.Activity) *activity.Activity {
	if w.Held.Has(a) {
		w.done.Held++
		return nil
	}
	fits, _, _ := fit([]activity.Activity{*a}, room(len(w.ledger.cursor), MaxRecent)-1)
	if len(fits) == 0 {
		w.done.Unfit++
		return nil
	}
	return &fits[0]
}

// append appends the batch; where another writer came in between, what is not
// in the log by now.
func (w *importer) append(ctx context.Context) error {
	for range maxFenced {
		err := w.write(ctx)
		if err == nil {
			w.done.Appended += len(w.batch)
			if w.Progress != nil {
				w.Progress(w.done.Appended)
			}
			return nil
		}
		if !errors.Is(err, ErrFenced) {
			return fmt.Errorf("import to %s: %w", w.Account, err)
		}
		if err := w.head(ctx); err != nil {
			return err
		}
		w.drop()
		if len(w.batch) == 0 {
			return nil
		}
	}
	return fmt.Errorf("import to %s: other writers came in between %d times in a row; import again, what is in the journal stays", w.Account, maxFenced)
}

// write appends the batch behind the head that was read last.
func (w *importer) write(ctx context.Context) error {
	next := *w.ledger
	next.remember(w.batch, false)
	if over := len(next.recent) - MaxRecent; over > 0 {
		// The horizon stays where it is: it is for what polls may forget.
		next.recent = next.recent[over:]
	}
	b, err := next.batch(w.batch, true)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	if err := w.Log.Append(ctx, b); err != nil {
		return err
	}
	w.ledger = &next
	return nil
}

// drop takes from the batch, and from what begins the next one, what another
// writer appended meanwhile.
func (w *importer) drop() {
	kept := w.batch[:0]
	for i := range w.batch {
		if w.Held.Has(&w.batch[i]) {
			w.done.Held++
			continue
		}
		kept = append(kept, w.batch[i])
	}
	w.batch = kept
	if w.next != nil {
		w.next = w.fresh(w.next)
	}
}
