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

// Errors of Find beside ErrNotFound, matched with errors.Is.
var (
	// ErrReference: what was given names no alert, whichever there are.
	ErrReference = fmt.Errorf("expected a number such as PK-3FA29C or at least %d digits of an id", minReference)
	// ErrAmbiguous: what was given names several alerts.
	ErrAmbiguous = errors.New("it names several alerts")
)

// index knows the id of every alert by its first digits, so that a person's
// short number is found without reading the store. It is not for concurrent
// use. Ids of alerts that the store has dropped meanwhile stay in it.
type index map[string][]string

func (x index) note(id string) {
	if len(id) < minReference {
		return
	}
	key := id[:minReference]
	if !slices.Contains(x[key], id) {
		x[key] = append(x[key], id)
	}
}

// starting returns the ids that begin with prefix, sorted.
func (x index) starting(prefix string) []string {
	var out []string
	for _, id := range x[prefix[:minReference]] {
		if strings.HasPrefix(id, prefix) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// remembered returns the ids that begin with prefix as far as this Manager
// knows and the store still has them; false where it cannot be sure that there
// are no others.
func (m *Manager) remembered(ctx context.Context, prefix string) ([]string, bool, error) {
	if !m.follows.Load() {
		return nil, false, nil
	}
	m.mu.Lock()
	ids := m.index.starting(prefix)
	m.mu.Unlock()
	if len(ids) == 0 { // another daemon may have opened it this moment
		return nil, false, nil
	}
	got, err := m.cfg.Store.Get(ctx, ids)
	if err != nil {
		return nil, false, fmt.Errorf("read %d alerts: %w", len(ids), err)
	}
	found := ids[:0]
	for i := range got {
		if got[i].Seq != 0 {
			found = append(found, ids[i])
		}
	}
	return found, len(found) > 0, nil
}

// heads returns the heads among which the filter's alerts are: from memory
// where this Manager follows the store and only open alerts are asked for.
func (m *Manager) heads(ctx context.Context, filter *Filter) ([]Head, error) {
	if !m.follows.Load() || len(filter.States) == 0 || slices.Contains(filter.States, Resolved) {
		return m.cfg.Store.Heads(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Head, 0, len(m.open))
	for _, h := range m.open {
		out = append(out, h)
	}
	return out, nil
}

// Page is one part of the alerts that a filter selects.
type Page struct {
	Alerts []Alert // the most recently revised first
	// Next is Filter.Before of the part that follows, 0 where this is the last.
	Next uint64
}

// Page returns the last stored revision of the alerts that the filter selects,
// the most recently revised first, each with who silenced it. An alert that is
// revised while somebody turns pages moves to the front and is not on a later
// one.
//
// A Manager that follows the store, see Run, answers for open alerts from what
// it has heard: at most a moment behind what others do.
func (m *Manager) Page(ctx context.Context, filter Filter) (Page, error) {
	heads, err := m.heads(ctx, &filter)
	if err != nil {
		return Page{}, fmt.Errorf("list alerts: %w", err)
	}
	heads = slices.DeleteFunc(heads, func(h Head) bool { return !filter.head(&h) })
	slices.SortFunc(heads, func(a, b Head) int { return cmp.Compare(b.Seq, a.Seq) }) // sequences order revisions
	part := 256
	if filter.Limit > 0 {
		part = min(max(filter.Limit, 16), part)
	}
	var page Page
	for len(heads) > 0 {
		n := min(part, len(heads))
		full, err := m.fill(ctx, &page, heads[:n], &filter)
		if err != nil {
			return Page{}, fmt.Errorf("list alerts: %w", err)
		}
		if full {
			return page, nil
		}
		heads = heads[n:]
	}
	return page, nil
}

// fill adds to a page what the filter selects of heads and reports whether it
// is full.
func (m *Manager) fill(ctx context.Context, page *Page, heads []Head, filter *Filter) (bool, error) {
	ids := make([]string, len(heads))
	for i := range heads {
		ids[i] = heads[i].ID
	}
	got, err := m.cfg.Store.Get(ctx, ids)
	if err != nil {
		return false, err
	}
	for i := range got {
		if got[i].Seq == 0 || !filter.alert(&got[i].Alert) {
			continue
		}
		got[i].Alert.Around.Silenced = m.silenced(&got[i].Alert)
		page.Alerts = append(page.Alerts, got[i].Alert)
		if len(page.Alerts) == filter.Limit {
			page.Next = heads[i].Seq
			return true, nil
		}
	}
	return false, nil
}

// head reports whether the alert of h may be one of the filter's.
func (f *Filter) head(h *Head) bool {
	account := h.Brief.Account // empty for alerts across accounts and of an older Picket
	return (h.State != Resolved || !h.Time.Before(f.Since)) && (len(f.States) == 0 || slices.Contains(f.States, h.State)) &&
		(len(f.Levels) == 0 || slices.Contains(f.Levels, h.Level)) &&
		(f.Account == "" || account == "" || account == f.Account) &&
		(f.Before == 0 || h.Seq < f.Before)
}

// alert reports whether a is one of the filter's; its head may be older.
func (f *Filter) alert(a *Alert) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, a.State)) &&
		(f.Network == "" || f.Network == a.Network) && (f.Account == "" || f.Account == a.Account || slices.Contains(a.Accounts, f.Account)) &&
		(f.Rule == "" || f.Rule == a.Rule.ID || f.Rule == a.Rule.Name)
}

// Filter selects alerts; an empty field selects all.
type Filter struct {
	States  []State
	Levels  []rules.Level
	Network string
	Account string // also among those that an alert across accounts names
	Rule    string // id or name
	Limit   int    // the newest ones; 0 means all
	Before  uint64 // only those of later pages, see Page.Next; 0 for the first
	// Since leaves out alerts that are resolved and were last revised before, by
	// the store's clock; zero leaves out none.
	Since time.Time
}

// known reports whether what stands around an alert is on this Manager's
// board: it follows the store, and the alert is not so old that those beside
// it are forgotten.
func (m *Manager) known(a *Alert) bool {
	return m.follows.Load() && a.First.After(m.cfg.Now().Add(-BesideWithin))
}
