package alerting

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/picketd/picket/detector"
)

// entry is one alert in a Manager's memory. Its mutex is held over I/O, so
// that one alert has one writer in this process; refs and place in the map
// belong to the Manager's mutex.
type entry struct {
	id   string
	refs int

	mu     sync.Mutex
	loaded bool   // base is what the store holds, as far as known
	base   Stored // the last revision
	next   Alert  // base and the findings that are not written yet
	// unsaved are those findings, so that they can be applied to what another
	// writer has stored in the meantime.
	unsaved []detector.Finding
	due     bool   // next must be written now; stays set until that has worked
	copies  []told // stored revisions whose publication is not confirmed

	waiting atomic.Bool   // there is something to write or publish
	newest  atomic.Uint64 // the newest sequence heard of, whoever wrote it
}

// told is a revision to be published; again says that it may have been before.
type told struct {
	Alert
	again bool
}

// stale reports whether another writer is known to have been here since.
func (e *entry) stale() bool { return e.newest.Load() > e.base.Seq }

// fold applies findings until one that must not share a revision with those
// before it, and returns the rest.
func (e *entry) fold(findings []detector.Finding) []detector.Finding {
	for i, f := range findings {
		next, changed := Apply(e.next, f)
		if !changed {
			continue
		}
		if len(e.unsaved) > 0 && hides(&e.base.Alert, &e.next, &next) {
			e.due = true
			return findings[i:]
		}
		e.take(next, f)
	}
	return nil
}

func (e *entry) take(next Alert, f detector.Finding) {
	e.next = next
	e.due = e.due || due(&e.base.Alert, &next)
	f.Evidence = next.Evidence // f's own may alias a message that is used again
	// A further match makes the one before it superfluous.
	if n := len(e.unsaved); n > 0 && e.unsaved[n-1].Phase == detector.Update && f.Phase == detector.Update {
		e.unsaved[n-1] = f
		return
	}
	e.unsaved = append(e.unsaved, f)
}

// rebase puts the findings that are not written yet on top of what the store
// holds now.
func (e *entry) rebase(s Stored) {
	unsaved := e.unsaved
	e.base, e.next, e.loaded = s, s.Alert, true
	e.unsaved, e.due = nil, false
	for _, f := range unsaved {
		if next, changed := Apply(e.next, f); changed {
			e.take(next, f)
		}
	}
}

// acquire locks the entries of alerts, creating them where unknown, in the
// order of their ids, so that two callers cannot wait for each other. The ids
// must be distinct.
func (m *Manager) acquire(ids []string) []*entry {
	es := make([]*entry, len(ids))
	m.mu.Lock()
	for i, id := range ids {
		e := m.entries[id]
		if e == nil {
			e = &entry{id: id}
			m.entries[id] = e
		}
		e.refs++
		es[i] = e
	}
	m.mu.Unlock()
	slices.SortFunc(es, func(a, b *entry) int { return strings.Compare(a.id, b.id) })
	for _, e := range es {
		e.mu.Lock()
	}
	return es
}

// release unlocks entries and forgets those that have nothing to write and are
// not worth keeping.
func (m *Manager) release(es []*entry) {
	for _, e := range es {
		e.waiting.Store(e.due || len(e.unsaved) > 0 || len(e.copies) > 0)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range es {
		e.refs--
		keep := e.refs > 0 || e.waiting.Load() ||
			e.base.Seq != 0 && e.next.State != Resolved && len(m.entries) <= m.cfg.MaxCached
		if !keep {
			delete(m.entries, e.id)
		}
		e.mu.Unlock()
	}
}
