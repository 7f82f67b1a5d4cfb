package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxAfter      = 8 << 10 // bytes of GitHub's cursor kept in ours
	maxBad        = 64      // hashes of unreadable events kept in the cursor
)

// state is the cursor: all that the collector remembers between polls. Times
// are milliseconds since 1970 by GitHub's clock, 0 for none. Every part has a
// bound, so that it stays well below collectors.MaxCursor.
type state struct {
	Version int `json:"v"`
	// Read is when the last walk that was finished began: what was visible then
	// has been read.
	Read int64 `json:"read,omitempty"`
	// Newest is the newest time of an event met so far, never ahead of the clock.
	Newest int64 `json:"newest,omitempty"`
	// Walk is set while a walk has more pages.
	Walk *walk `json:"walk,omitempty"`
	// Bad are hashes of unreadable events that were reported.
	Bad []uint64 `json:"bad,omitempty"`
}

// walk is the way from an overlap before Read up to now, one page a poll.
type walk struct {
	First bool   `json:"first,omitempty"` // history, on the first connection
	Start int64  `json:"start,omitempty"` // when its first page was answered
	Since int64  `json:"since"`           // it reads what happened since
	After string `json:"after,omitempty"` // GitHub's cursor of the next page
	Again bool   `json:"again,omitempty"` // GitHub refused After; it began anew
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	if len(cursor) == 0 || string(cursor) == "null" {
		return &state{Version: cursorVersion}, nil
	}
	bad := func(err error) error {
		return &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
			"%w; it was not written by this version of Picket: start the one that wrote it, or clear the source's cursor to begin anew", err)}
	}
	st := &state{}
	if err := json.Unmarshal(cursor, st); err != nil {
		return nil, bad(err)
	}
	switch {
	case st.Version != cursorVersion:
		return nil, bad(fmt.Errorf("version %d; want %d", st.Version, cursorVersion))
	case min(st.Read, st.Newest) < 0 || st.Walk != nil && min(st.Walk.Start, st.Walk.Since) < 0:
		return nil, bad(errors.New("negative time"))
	case len(st.Bad) > maxBad:
		return nil, bad(fmt.Errorf("%d unreadable events; want at most %d", len(st.Bad), maxBad))
	case st.Walk != nil && len(st.Walk.After) > maxAfter:
		return nil, bad(fmt.Errorf("GitHub's cursor of %d bytes; want at most %d", len(st.Walk.After), maxAfter))
	}
	return st, nil
}

// from is where the walk after one that began at start begins: an overlap
// before it, since what happened earlier was visible then; or before the newest
// event where that is older, which costs next to nothing and lets no clock that
// runs ahead skip anything.
func (st *state) from(start int64, overlap time.Duration) int64 {
	if st.Newest > 0 {
		start = min(start, st.Newest)
	}
	return max(0, start-overlap.Milliseconds())
}

// endWalk takes over a walk that has no more pages.
func (st *state) endWalk() { st.Read, st.Walk = st.Walk.Start, nil }

// overlapFrom returns the oldest time that a later poll may return again.
func (st *state) overlapFrom(overlap time.Duration) time.Time {
	w := st.Walk
	if w == nil {
		return timeOf(st.from(st.Read, overlap))
	}
	return timeOf(min(st.from(w.Start, overlap), st.resume(overlap)))
}

// resume is since when a walk reads that has to begin anew. History is in
// order, so what lies an overlap back in it need not be met again.
func (st *state) resume(overlap time.Duration) int64 {
	w := st.Walk
	if w.First && st.Newest > 0 {
		return max(w.Since, st.from(w.Start, overlap))
	}
	return w.Since
}

// reported notes the hash of an unreadable event, and tells whether it was
// noted before.
func (st *state) reported(hash uint64) bool {
	if slices.Contains(st.Bad, hash) {
		return true
	}
	st.Bad = append(st.Bad, hash)
	if n := len(st.Bad); n > maxBad {
		st.Bad = slices.Clone(st.Bad[n-maxBad:])
	}
	return false
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
