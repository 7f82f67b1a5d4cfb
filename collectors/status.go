package collectors

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// TaskStatus is how one polled source is doing.
type TaskStatus struct {
	Source, Network string
	Credential      string // name of its Budget, empty without one
	// State is the poll state reported last, empty before the first; see
	// activity.Poll.
	State    string
	Since    time.Time // when State began
	LastOK   time.Time // last poll that succeeded, zero if none did
	NextPoll time.Time // when the next is due; zero while one is in progress
	// Held is until when its credential, or this source alone, must wait; zero
	// when it need not.
	Held time.Time
	// Standby says that another process holds the credential's lease.
	Standby   bool
	LastError string // of the last poll, with what mends it; empty after a success
	ErrorAt   time.Time
	Failures  int          // consecutive errors
	Items     uint64       // activities journaled by this process
	Skew      activity.Opt // seconds that the network's clock is ahead of ours
	// Lag is from the newest item's occurrence to its journaling, in the last page
	// with items that was no history; 0 before the first.
	Lag   time.Duration
	Every time.Duration
	// Longest is the longest interval between polls, see Task.Slowest.
	Longest time.Duration
	// Cursor is where the next poll begins, as the collector wrote it: not to be
	// changed. It is empty before the first poll and while one is in progress.
	Cursor json.RawMessage
}

// status is what of a source is shown, as of its last visit.
type status struct {
	reported reported
	lastOK   time.Time
	err      error
	errAt    time.Time
	failures int
	items    uint64
	skew     activity.Opt
	lag      time.Duration
}

func (st *status) note(v *visit, res result, now time.Time) {
	if v.src.ledger != nil {
		st.reported = v.src.ledger.reported
	}
	st.lastOK, st.skew, st.failures = v.src.lastOK, v.src.skew, v.src.retries
	st.items += uint64(res.items)
	if !res.newest.IsZero() {
		st.lag = now.Sub(res.newest)
	}
	switch {
	case res.err != nil:
		st.err, st.errAt = res.err, now
	case res.polled:
		st.err, st.errAt = nil, time.Time{}
	}
}

// Status returns how every task is doing, ordered by source.
func (s *Scheduler) Status() []TaskStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := stampOf(s.opts.Now())
	all := make([]TaskStatus, 0, len(s.tasks))
	for _, t := range s.tasks {
		all = append(all, t.show(now))
	}
	slices.SortFunc(all, func(a, b TaskStatus) int { return strings.Compare(a.Source, b.Source) })
	return all
}

func (t *task) show(now stamp) TaskStatus {
	out := TaskStatus{Source: t.Source, Network: t.Network, Every: t.Every, Longest: t.longest(), Credential: t.Budget.Name()}
	if !t.visiting {
		out.NextPoll = t.due.time()
	}
	held := t.group.held
	if t.src != nil {
		held = max(held, t.src.held)
	}
	if held > now {
		out.Held = held.time()
		if !t.visiting {
			out.NextPoll = out.Held
		}
	}
	out.Standby = t.waiting && !t.group.leased
	if !t.visiting && t.src != nil && t.src.ledger != nil {
		out.Cursor = t.src.ledger.cursor
	}
	if st := t.status; st != nil {
		out.State, out.LastOK, out.Failures = st.reported.State, st.lastOK, st.failures
		out.Items, out.Skew, out.Lag = st.items, st.skew, st.lag
		if st.reported.Since != 0 {
			out.Since = st.reported.Since.time()
		}
		if st.err != nil {
			out.LastError, out.ErrorAt = describe(st.err), st.errAt
		}
	}
	return out
}
