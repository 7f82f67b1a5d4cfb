package googleworkspace

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
	maxToken      = 4 << 10 // bytes of a page token kept in the cursor
	maxBad        = 64      // hashes of unreadable events kept in the cursor
	maxStreams    = 16
)

// historyWindow is how much of the history one walk reads. Google answers newest
// first, so that a walk must be remembered whole: a history read in one would
// hold more keys than the scheduler keeps.
const historyWindow = 3 * 24 * time.Hour

// state is the cursor: all that the collector remembers between polls. Times
// are milliseconds since 1970 by Google's clock, 0 for none. Every part has a
// bound, so that it stays well below collectors.MaxCursor.
type state struct {
	Version int `json:"v"`
	// Streams are the places in the logs that are read, by the stream's name.
	Streams map[string]*stream `json:"streams"`
	// Turn is the index of the stream that is read.
	Turn int `json:"turn,omitempty"`
	// Bad are hashes of unreadable events that were reported.
	Bad []uint64 `json:"bad,omitempty"`
}

// stream is the place in one log.
type stream struct {
	// From is since when the next walk reads.
	From int64 `json:"from"`
	// Began is when the last walk began that read to the end of the log, 0 as
	// long as the history is read.
	Began int64 `json:"began,omitempty"`
	// Newest is the newest time of an event met, for counting only.
	Newest int64 `json:"newest,omitempty"`
	// Walk is set while a walk has more pages.
	Walk *walk `json:"walk,omitempty"`
}

// walk is the way through one span of a log, newest first, one page a poll.
type walk struct {
	Start  int64  `json:"start"`           // when it began
	Since  int64  `json:"since"`           // it reads what happened since
	Until  int64  `json:"until,omitempty"` // and before; 0: to the end of the log
	Newest int64  `json:"newest"`          // the stream's Newest when it began
	Token  string `json:"token,omitempty"` // of the next page
	Again  bool   `json:"again,omitempty"` // Google refused Token; it began anew
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage, from int64) (*state, error) {
	st := &state{}
	if len(cursor) > 0 && string(cursor) != "null" {
		if err := json.Unmarshal(cursor, st); err != nil {
			return nil, badCursor(err)
		}
		if err := st.check(); err != nil {
			return nil, badCursor(err)
		}
	}
	st.Version = cursorVersion
	if st.Streams == nil {
		st.Streams = map[string]*stream{}
	}
	for _, l := range logs() { // all of them from the first poll on, so that none moves the overlap back
		if st.Streams[l.name] == nil {
			st.Streams[l.name] = &stream{From: from}
		}
	}
	return st, nil
}

func badCursor(err error) error {
	return &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
		"%w; it was not written by this version of Picket: start the one that wrote it, or clear the source's cursor to begin anew", err)}
}

func (st *state) check() error {
	switch {
	case st.Version != cursorVersion:
		return fmt.Errorf("version %d; want %d", st.Version, cursorVersion)
	case len(st.Streams) > maxStreams:
		return fmt.Errorf("%d streams; want at most %d", len(st.Streams), maxStreams)
	case st.Turn < 0 || st.Turn >= len(logs()):
		return fmt.Errorf("turn %d; want 0 to %d", st.Turn, len(logs())-1)
	case len(st.Bad) > maxBad:
		return fmt.Errorf("%d unreadable events; want at most %d", len(st.Bad), maxBad)
	}
	for name, s := range st.Streams {
		switch {
		case s == nil:
			return fmt.Errorf("stream %q is null", collectors.Clip(name, 40))
		case !sound(s.From, s.Began, s.Newest):
			return errors.New("a time that is none")
		case s.Walk == nil:
		case !sound(s.Walk.Start, s.Walk.Since, s.Walk.Until, s.Walk.Newest):
			return errors.New("a time that is none")
		case len(s.Walk.Token) > maxToken:
			return fmt.Errorf("page token of %d bytes; want at most %d", len(s.Walk.Token), maxToken)
		}
	}
	return nil
}

// sound reports whether times may be: reckoning with them cannot overflow.
func sound(times ...int64) bool {
	const year2200 = 7258118400000
	return slices.Min(times) >= 0 && slices.Max(times) < year2200
}

// history reports whether what was before the first connection is read.
func (s *stream) history() bool { return s.Began == 0 }

// begin starts a walk. Where the log is long, it ends before the time of which
// late events are expected; the last one reads to the end.
func (s *stream) begin(now time.Time, overlap time.Duration) {
	w := &walk{Start: now.UnixMilli(), Since: s.From, Newest: s.Newest}
	if until := w.Since + historyWindow.Milliseconds(); until <= w.Start-overlap.Milliseconds() {
		w.Until = until
	}
	s.Walk = w
}

// end takes over a walk that has no more pages. Whatever happened before the
// overlap was there when the walk began; what comes late after that, the next
// walk meets.
func (s *stream) end(overlap time.Duration) {
	w := s.Walk
	s.Walk = nil
	if w.Until != 0 {
		s.From = w.Until
		return
	}
	s.From, s.Began = max(s.From, w.Start-overlap.Milliseconds()), w.Start
}

// overlapFrom returns the oldest time that a later poll may return again.
func (st *state) overlapFrom() time.Time {
	var from int64
	for _, s := range st.Streams {
		at := s.From
		if s.Walk != nil {
			at = min(at, s.Walk.Since)
		}
		if from == 0 || at < from {
			from = at
		}
	}
	return timeOf(from)
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
