package okta

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
	maxLink       = 8 << 10 // bytes of a next link's query kept in the cursor
	maxBad        = 64      // hashes of unreadable events kept in the cursor
)

// state is the cursor: all that the collector remembers between polls. Times
// are milliseconds since 1970 by Okta's clock, 0 for none. Every part has a
// bound, so that it stays well below collectors.MaxCursor.
type state struct {
	Version int `json:"v"`
	// Read is when the last walk that was finished began: up to there the log
	// has been read.
	Read int64 `json:"read,omitempty"`
	// Newest is the newest time of an event met so far, never ahead of the
	// clock; the next walk begins an overlap before it.
	Newest int64 `json:"newest,omitempty"`
	// Low and Prev are the oldest times of activities handed over by this walk
	// and by the one before. Whatever a later poll returns again, it was met by
	// one of them, however late it had been stored.
	Low  int64 `json:"low,omitempty"`
	Prev int64 `json:"prev,omitempty"`
	// Walk is set while a walk has more pages.
	Walk *walk `json:"walk,omitempty"`
	// Bad are hashes of unreadable events that were reported.
	Bad []uint64 `json:"bad,omitempty"`
}

// walk is the way from an overlap before Newest up to now, one page a poll.
type walk struct {
	First bool   `json:"first,omitempty"` // history, on the first connection
	Start int64  `json:"start"`           // when it began
	Since int64  `json:"since"`           // it reads what was stored since
	Next  string `json:"next,omitempty"`  // query of the link to the next page
	Met   bool   `json:"met,omitempty"`   // it met an event
	Again bool   `json:"again,omitempty"` // Okta refused Next; it began anew
	Turn  int64  `json:"turn,omitempty"`  // Newest when Low last became Prev, in history
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
	case min(st.Read, st.Newest, st.Low, st.Prev) < 0 || st.Walk != nil && min(st.Walk.Start, st.Walk.Since, st.Walk.Turn) < 0:
		return nil, bad(errors.New("negative time"))
	case len(st.Bad) > maxBad:
		return nil, bad(fmt.Errorf("%d unreadable events; want at most %d", len(st.Bad), maxBad))
	case st.Walk != nil && len(st.Walk.Next) > maxLink:
		return nil, bad(fmt.Errorf("next link of %d bytes; want at most %d", len(st.Walk.Next), maxLink))
	}
	return st, nil
}

// first reports whether nothing was read yet.
func (st *state) first() bool { return st.Read == 0 }

// hand notes an activity that is handed over.
func (st *state) hand(published int64) { st.Low = lower(st.Low, published) }

// turn lets Low become Prev within the history: what was met two overlaps ago
// was stored long before the next walk begins, unless an event was stored later
// than that and nothing newer was stored with it. Without it a history would
// have to be remembered whole.
func (st *state) turn(overlap time.Duration) {
	if w := st.Walk; w.First && st.Newest-w.Turn > 2*overlap.Milliseconds() {
		st.Prev, st.Low, w.Turn = st.Low, 0, st.Newest
	}
}

// endWalk takes over a walk that has no more pages.
func (st *state) endWalk() {
	w := st.Walk
	if !w.Met {
		st.Newest = max(st.Newest, w.Start)
	}
	if w.First {
		st.Low = lower(st.Low, st.Prev)
	}
	st.Read, st.Prev, st.Low, st.Walk = w.Start, st.Low, 0, nil
}

// overlapFrom returns the oldest time that a later poll may return again.
func (st *state) overlapFrom(overlap time.Duration) time.Time {
	from := st.Newest - overlap.Milliseconds()
	if w := st.Walk; w != nil {
		from = min(from, st.resume(overlap))
	}
	return timeOf(lower(lower(from, st.Low), st.Prev))
}

// resume is since when a walk reads that has to begin anew.
func (st *state) resume(overlap time.Duration) int64 {
	if st.Walk.First {
		return max(st.Walk.Since, st.Newest-overlap.Milliseconds())
	}
	return st.Walk.Since
}

// lower returns the lower of two times where 0 is none.
func lower(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
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
