package detector

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/picketd/picket/detector/approval"
)

// Fork returns an engine that knows of some accounts what e knows, and nothing
// of others but approvals. It shares with e what neither changes: what one is
// given from here on the other never sees. What came within DuplicateHorizon is
// not among it, so an activity that e has seen counts again.
func (e *Engine) Fork(accounts ...string) (*Engine, error) {
	f := NewEngine(e.partition, e.plan, EngineOptions{Ticked: e.ticked})
	f.lateness, f.now, f.seq, f.replanned = e.lateness, e.now, e.seq, e.replanned
	f.ledger = approval.Ledger{Entries: slices.Clone(e.ledger.Entries)}
	for _, name := range accounts {
		st := e.accounts[name]
		if st == nil || f.accounts[name] != nil {
			continue
		}
		copied := &accountState{}
		if err := copyOf(st, copied); err != nil {
			return nil, fmt.Errorf("fork %s: %w", name, err)
		}
		f.accounts[name] = copied
		for key, ep := range copied.Episodes {
			ep.queued = ep.Deadline
			f.closing = append(f.closing, closing{ep.Deadline, ep.Account, key})
		}
	}
	heap.Init(&f.closing)
	for _, p := range e.pending {
		if slices.Contains(accounts, p.Activity.Account) {
			one := &pending{}
			if err := copyOf(p, one); err != nil {
				return nil, fmt.Errorf("fork %s: %w", p.Activity.Account, err)
			}
			f.pending = append(f.pending, one)
		}
	}
	return f, nil
}

// copyOf copies what is remembered by way of its stored form, which is what a
// restart would find.
func copyOf[T any](from, to *T) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
