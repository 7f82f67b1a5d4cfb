package alerting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/rules"
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
		return "", fmt.Errorf("alert %q: expected a number such as PK-3FA29C or at least %d digits of an id", reference, minReference)
	}
	heads, err := m.cfg.Store.Heads(ctx)
	if err != nil {
		return "", fmt.Errorf("find alert %s: %w", reference, err)
	}
	var found []string
	for _, h := range heads {
		if h.ID == want {
			return h.ID, nil
		}
		if strings.HasPrefix(h.ID, want) {
			found = append(found, h.ID)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("alert %q: %w", reference, ErrNotFound)
	case 1:
		return found[0], nil
	}
	slices.Sort(found)
	return "", fmt.Errorf("alert %q could be any of %d: give the whole id, one of %s", reference, len(found), strings.Join(found[:min(len(found), 5)], ", "))
}

// Filter selects alerts; an empty field selects all.
type Filter struct {
	States  []State
	Levels  []rules.Level
	Network string
	Account string // also among those that an alert across accounts names
	Rule    string // id or name
	Limit   int    // the newest ones; 0 means all
	// Since leaves out alerts that are resolved and were last revised before, by
	// the store's clock; zero leaves out none.
	Since time.Time
}

func (f *Filter) head(h *Head) bool {
	return (h.State != Resolved || !h.Time.Before(f.Since)) && (len(f.States) == 0 || slices.Contains(f.States, h.State)) &&
		(len(f.Levels) == 0 || slices.Contains(f.Levels, h.Level))
}

func (f *Filter) alert(a *Alert) bool {
	return (f.Network == "" || f.Network == a.Network) && (f.Account == "" || f.Account == a.Account || slices.Contains(a.Accounts, f.Account)) &&
		(f.Rule == "" || f.Rule == a.Rule.ID || f.Rule == a.Rule.Name)
}

// List returns the last stored revision of the alerts that the filter selects,
// the most recently revised first, each with who silenced it.
func (m *Manager) List(ctx context.Context, filter Filter) ([]Alert, error) {
	heads, err := m.cfg.Store.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	heads = slices.DeleteFunc(heads, func(h Head) bool { return !filter.head(&h) })
	slices.SortFunc(heads, func(a, b Head) int { return cmp.Compare(b.Seq, a.Seq) }) // sequences order revisions
	var out []Alert
	for part := range slices.Chunk(heads, 256) {
		ids := make([]string, len(part))
		for i := range part {
			ids[i] = part[i].ID
		}
		got, err := m.cfg.Store.Get(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("list alerts: %w", err)
		}
		for i := range got {
			if got[i].Seq == 0 || !filter.alert(&got[i].Alert) {
				continue
			}
			got[i].Alert.Around.Silenced = m.silenced(&got[i].Alert)
			if out = append(out, got[i].Alert); len(out) == filter.Limit {
				return out, nil
			}
		}
	}
	return out, nil
}
