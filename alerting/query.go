package alerting

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Act does a person's deed with an alert and returns the revision that it
// makes, which also holds the findings that wait.
func (m *Manager) Act(ctx context.Context, id string, d Deed) (Alert, error) {
	action := d.Action
	es := m.acquire([]string{id})
	defer m.release(es)
	e := es[0]
	// Always read: what the person saw is in the store.
	for range maxAttempts {
		if err := m.load(ctx, es); err != nil {
			return Alert{}, fmt.Errorf("%s %s: %w", action, Number(id), err)
		}
		if e.base.Seq == 0 && len(e.unsaved) == 0 {
			return Alert{}, fmt.Errorf("%s %s: %w", action, id, ErrNotFound)
		}
		if e.due { // a revision that could not be written before
			if err := m.write(ctx, es, es); err != nil {
				return Alert{}, fmt.Errorf("%s %s: %w", action, Number(id), err)
			}
		}
		if err := m.publish(ctx, es); err != nil { // see write
			return Alert{}, fmt.Errorf("%s %s: %w; nothing was done, try again", action, Number(id), err)
		}
		acted, err := Act(e.next, d, m.cfg.Now())
		if err != nil {
			return Alert{}, err
		}
		rev := revise(e.base.Alert, acted)
		r := m.cfg.Store.Put(ctx, []Write{{Alert: rev, Expected: e.base.Seq}})[0]
		switch {
		case r.Err == nil:
			m.saved(e, rev, r.Seq)
			if err := m.publish(ctx, es); err != nil {
				return rev, fmt.Errorf("%s %s took effect, but its subscribers are not told yet: %w", action, Number(id), err)
			}
			return rev, nil
		case !errors.Is(r.Err, ErrConflict):
			return Alert{}, fmt.Errorf("%s %s: %w; look whether it took effect before trying again", action, Number(id), r.Err)
		}
		m.cfg.Observer.Conflicted()
	}
	return Alert{}, fmt.Errorf("%s %s: %w %d times in a row; try again", action, Number(id), ErrConflict, maxAttempts)
}

// Get returns the last stored revision of an alert.
func (m *Manager) Get(ctx context.Context, id string) (Alert, error) {
	got, err := m.cfg.Store.Get(ctx, []string{id})
	if err != nil {
		return Alert{}, fmt.Errorf("get alert %s: %w", id, err)
	}
	if got[0].Seq == 0 {
		return Alert{}, fmt.Errorf("get alert %s: %w", id, ErrNotFound)
	}
	return got[0].Alert, nil
}

// minReference is the shortest beginning of an id that Find accepts.
const minReference = 4

// Find returns the id that a person means: a whole id, the beginning of one,
// or a number such as "PK-3FA29C", in either case.
func (m *Manager) Find(ctx context.Context, reference string) (string, error) {
	want := strings.ToLower(strings.TrimSpace(reference))
	want = strings.TrimPrefix(want, strings.ToLower(numberPrefix))
	if len(want) < minReference {
		return "", fmt.Errorf("alert %q: %w", reference, ErrReference)
	}
	found, sure, err := m.remembered(ctx, want)
	if err == nil && !sure {
		found, err = m.stored(ctx, want)
	}
	if err != nil {
		return "", fmt.Errorf("find alert %s: %w", reference, err)
	}
	switch {
	case len(found) == 0:
		return "", fmt.Errorf("alert %q: %w", reference, ErrNotFound)
	case len(found) == 1 || found[0] == want: // an id may begin others
		return found[0], nil
	}
	return "", fmt.Errorf("alert %q: %w, %d in all: give the whole id, one of %s", reference, ErrAmbiguous, len(found), strings.Join(found[:min(len(found), 5)], ", "))
}

// stored returns the ids of the store that begin with prefix, sorted.
func (m *Manager) stored(ctx context.Context, prefix string) ([]string, error) {
	heads, err := m.cfg.Store.Heads(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	for i := range heads {
		if strings.HasPrefix(heads[i].ID, prefix) {
			found = append(found, heads[i].ID)
		}
	}
	slices.Sort(found)
	return found, nil
}

// List returns all alerts of the filter; see Page.
func (m *Manager) List(ctx context.Context, filter Filter) ([]Alert, error) {
	page, err := m.Page(ctx, filter)
	return page.Alerts, err
}
