package silence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
)

// Stored is a silence as the store holds it.
type Stored struct {
	Silence Silence
	Seq     uint64 // the fence: what the next Put must expect; 0 if there is none
}

// Store keeps the last revision of every silence under compare-and-set. It is
// safe for concurrent use.
type Store interface {
	// Get returns the last revision of a silence; Seq 0 means that there is none.
	// What it returns is never older than an acknowledged Put.
	Get(ctx context.Context, id string) (Stored, error)
	// Put stores a revision if the last one still has sequence expected, 0 if
	// there must be none. Its error is alerting.ErrConflict where another writer
	// was ahead, or another for a fault after which the revision may or may not
	// be stored.
	Put(ctx context.Context, s Silence, expected uint64) (uint64, error)
	// List returns the last revision of each silence, in no order.
	List(ctx context.Context) ([]Silence, error)
	// Watch calls each, from one goroutine, with the last revision of every
	// silence and then with every new one, whoever writes it, until ctx ends.
	// Before the first new one it calls ready, which may be nil: by then each
	// has seen all that were stored when Watch was called.
	Watch(ctx context.Context, each func(Silence), ready func()) error
}

// Book is where people make, confirm and end silences.
type Book struct {
	Store Store
	Now   func() time.Time
}

// Add makes a silence.
func (b *Book) Add(ctx context.Context, r Request) (Silence, error) {
	s, err := New(r, b.Now())
	if err != nil {
		return Silence{}, err
	}
	if _, err := b.Store.Put(ctx, s, 0); err != nil {
		return Silence{}, fmt.Errorf("silence %s: %w", s.Matchers, err)
	}
	return s, nil
}

// Confirm has a second person confirm a silence.
func (b *Book) Confirm(ctx context.Context, id, by, reason string) (Silence, error) {
	return b.act(ctx, "confirm", id, func(s Silence) (Silence, error) { return s.Confirm(by, reason, b.Now()) })
}

// Expire ends a silence.
func (b *Book) Expire(ctx context.Context, id, by, reason string) (Silence, error) {
	return b.act(ctx, "expire", id, func(s Silence) (Silence, error) { return s.Expire(by, reason, b.Now()) })
}

// maxAttempts bounds how often an action is tried again behind another writer.
const maxAttempts = 8

func (b *Book) act(ctx context.Context, action, id string, change func(Silence) (Silence, error)) (Silence, error) {
	for range maxAttempts {
		got, err := b.Store.Get(ctx, id)
		switch {
		case err != nil:
			return Silence{}, fmt.Errorf("%s silence %s: %w", action, id, err)
		case got.Seq == 0:
			return Silence{}, fmt.Errorf("%s silence %s: %w", action, id, ErrNotFound)
		}
		next, err := change(got.Silence)
		if err != nil {
			return Silence{}, err
		}
		_, err = b.Store.Put(ctx, next, got.Seq)
		switch {
		case err == nil:
			return next, nil
		case !errors.Is(err, alerting.ErrConflict):
			return Silence{}, fmt.Errorf("%s silence %s: %w; look whether it took effect before trying again", action, next.Number(), err)
		}
	}
	return Silence{}, fmt.Errorf("%s silence %s: %w %d times in a row; try again", action, id, alerting.ErrConflict, maxAttempts)
}

// minReference is the shortest beginning of an id that Find accepts.
const minReference = 4

// Find returns the silence that a person means: a whole id, the beginning of
// one, or a number such as "SL-3FA29C", in either case.
func (b *Book) Find(ctx context.Context, reference string) (Silence, error) {
	want := strings.ToLower(strings.TrimSpace(reference))
	want = strings.TrimPrefix(want, strings.ToLower(numberPrefix))
	if len(want) < minReference {
		return Silence{}, fmt.Errorf("silence %q: expected a number such as SL-3FA29C or at least %d digits of an id", reference, minReference)
	}
	all, err := b.Store.List(ctx)
	if err != nil {
		return Silence{}, fmt.Errorf("find silence %s: %w", reference, err)
	}
	all = slices.DeleteFunc(all, func(s Silence) bool { return !strings.HasPrefix(s.ID, want) })
	switch len(all) {
	case 0:
		return Silence{}, fmt.Errorf("silence %q: %w", reference, ErrNotFound)
	case 1:
		return all[0], nil
	}
	return Silence{}, fmt.Errorf("silence %q could be any of %d: give more digits of the id", reference, len(all))
}

// List returns the silences that are in one of these states now, all without
// any; those that end first come first.
func (b *Book) List(ctx context.Context, states ...State) ([]Silence, error) {
	all, err := b.Store.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	now := b.Now()
	if len(states) > 0 {
		all = slices.DeleteFunc(all, func(s Silence) bool { return !slices.Contains(states, s.State(now)) })
	}
	slices.SortFunc(all, func(x, y Silence) int { return cmp.Or(x.End.Compare(y.End), cmp.Compare(x.ID, y.ID)) })
	return all, nil
}
