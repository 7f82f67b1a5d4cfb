package reddit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
)

const cursorVersion = 1

// Bounds of what stands in the cursor, in bytes.
const (
	maxID    = 64  // an item's: a modaction's is 46 long
	maxThing = 13  // a submission's or a comment's: 64 bits in base 36
	maxGone  = 24  // why an item is gone
	maxValue = 512 // a value of the profile
)

// state is what the cursor holds. All times are in seconds since 1970, as
// Reddit tells them.
type state struct {
	Version int    `json:"v"`
	Asked   string `json:"asked,omitempty"` // base_url and account of the configuration

	// Round is when the last page of the account's own lists was read, while a
	// round over several polls is under way. Each list is walked once in it.
	Round    int64 `json:"round,omitempty"`
	Posts    lane  `json:"posts,omitzero"`
	Comments lane  `json:"comments,omitzero"`
	// Swept is when watched items were looked at last, and Sweep where the next
	// look at those that no page shows begins.
	Swept int64 `json:"swept,omitempty"`
	Sweep int   `json:"sweep,omitempty"`

	Looked    int64     `json:"looked,omitempty"` // when the profile was read
	Profile   *snapshot `json:"profile,omitempty"`
	Followers sample    `json:"followers,omitzero"`

	Mention flow             `json:"mention,omitzero"`
	Logs    map[string]*flow `json:"logs,omitempty"` // of moderators, by subreddit in lower case
}

// lane is a list of the account's own items, and what is watched of it.
type lane struct {
	flow
	Done  bool      `json:"done,omitempty"`  // in this round
	Whole bool      `json:"whole,omitempty"` // all items of the list are in Watch
	Watch []watched `json:"watch,omitempty"` // newest first
}

// flow is how far a list was read that has the newest first.
type flow struct {
	Since int64 `json:"since,omitempty"` // a round reads down to it
	Mark  place `json:"mark,omitzero"`   // the newest that was handed over
	Walk  *walk `json:"walk,omitempty"`
	// Of a log of moderators, when it was read last, since when it is refused, and
	// how often that began.
	Read    int64 `json:"read,omitempty"`
	Refused int64 `json:"refused,omitempty"`
	Lost    int   `json:"lost,omitempty"`
}

// place orders items of a list.
type place struct {
	At int64  `json:"a"`
	ID string `json:"i"` // without the kind before it
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.At, o.At), cmp.Compare(len(p.ID), len(o.ID)), strings.Compare(p.ID, o.ID))
}

// walk is one way down a list, a page a poll.
type walk struct {
	First bool   `json:"first,omitempty"` // history
	Start int64  `json:"start"`           // by the earlier of both clocks
	After string `json:"after"`           // the name after which the next page begins
	Top   place  `json:"top,omitzero"`
	Low   int64  `json:"low,omitempty"` // time of the oldest item that was met
	Items int    `json:"items,omitempty"`
	Pages int    `json:"pages,omitempty"`
	Asked int    `json:"asked,omitempty"` // how many items its pages may have held
	Met   bool   `json:"met,omitempty"`   // the newest item of last time was met, pinned or in its place
	Again int    `json:"again,omitempty"` // how often it had to begin anew
}

// watched is an item that is compared with what it was.
type watched struct {
	place
	Text  string `json:"t"` // digest
	Edits int    `json:"e,omitempty"`
	Gone  string `json:"g,omitempty"` // who took it away: "author", "moderator"
	Went  int    `json:"n,omitempty"` // how often it went
}

// snapshot is the profile as last seen; N counts its changes, so that each has
// an id of its own.
type snapshot struct {
	N      int               `json:"n"`
	Values map[string]string `json:"values"`
}

// sample is when the follower count was last told; N counts how often.
type sample struct {
	N  int   `json:"n"`
	At int64 `json:"at"`
}

// prune forgets how far lists were read that are not read any more.
func (st *state) prune(cfg *Config) {
	if !cfg.Mentions {
		st.Mention = flow{}
	}
	maps.DeleteFunc(st.Logs, func(name string, _ *flow) bool {
		return !slices.ContainsFunc(cfg.Moderates, func(s string) bool { return strings.EqualFold(s, name) })
	})
}

// endRound has the lists walked anew.
func (st *state) endRound() { st.Round, st.Posts.Done, st.Comments.Done = 0, false, false }

func newState() *state { return &state{Version: cursorVersion} }

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	if len(cursor) == 0 || string(cursor) == "null" {
		return newState(), nil
	}
	st := &state{}
	err := json.Unmarshal(cursor, st)
	if err == nil {
		err = st.check()
	}
	if err != nil {
		return nil, &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
			"%w; it was not written by this version of Picket: start the one that wrote it, or clear the account's cursor to begin anew", err)}
	}
	return st, nil
}

func (st *state) check() error {
	if st.Version != cursorVersion {
		return fmt.Errorf("version %d; want %d", st.Version, cursorVersion)
	}
	if st.Sweep < 0 || len(st.Logs) > MaxModerates {
		return fmt.Errorf("sweep %d and %d logs; want 0 or more, and at most %d", st.Sweep, len(st.Logs), MaxModerates)
	}
	for name, f := range st.Logs {
		if f == nil || CheckName(name) != nil {
			return fmt.Errorf("log of %q", collectors.Clip(name, 40))
		}
		if err := f.check(); err != nil {
			return err
		}
	}
	return errors.Join(st.Posts.check(), st.Comments.check(), st.Mention.check())
}

func (l *lane) check() error {
	if len(l.Watch) > MaxWatch {
		return fmt.Errorf("%d watched items; want at most %d", len(l.Watch), MaxWatch)
	}
	for i := range l.Watch {
		if !isID(l.Watch[i].ID) || len(l.Watch[i].ID) > maxThing || len(l.Watch[i].Gone) > maxGone {
			return fmt.Errorf("id %q is none of Reddit's", collectors.Clip(l.Watch[i].ID, maxID))
		}
	}
	if !slices.IsSortedFunc(l.Watch, func(x, y watched) int { return y.compare(x.place) }) {
		return errors.New("watched items are not in order")
	}
	return l.flow.check()
}

func (f *flow) check() error {
	if f.Since < 0 || f.Read < 0 {
		return errors.New("negative time")
	}
	if w := f.Walk; w != nil && (len(w.After) > maxID || w.Start < 0 || w.Items < 0 || w.Pages < 0 || w.Asked < 0) {
		return errors.New("a walk that none can be")
	}
	return nil
}

// isID reports whether an id, without its kind, can go into a query and a
// cursor: base 36, and for an action of a moderator a UUID.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// find returns the watched item of an id, nil if it is not watched.
func (l *lane) find(id string) *watched {
	for i := range l.Watch {
		if l.Watch[i].ID == id {
			return &l.Watch[i]
		}
	}
	return nil
}

// inWindow reports whether an item at a place would be watched had it been there
// before. Nothing turns up years late: where the whole list is watched and that
// is older, an answer was empty that should not have been.
func (l *lane) inWindow(p place) bool {
	n := len(l.Watch)
	return l.Whole && p.At > l.Since-seconds(MaxOverlap) || n > 0 && p.compare(l.Watch[n-1].place) > 0
}

// watch remembers an item, the limit newest ones at most, and returns it, nil
// where it is not among them.
func (l *lane) watch(w watched, limit int) *watched {
	i, _ := slices.BinarySearchFunc(l.Watch, w.place, func(o watched, p place) int { return p.compare(o.place) })
	l.Watch = slices.Insert(l.Watch, i, w)
	if len(l.Watch) > limit {
		l.Watch = slices.Delete(l.Watch, limit, len(l.Watch))
		l.Whole = false
	}
	if i >= len(l.Watch) {
		return nil
	}
	return &l.Watch[i]
}

// meet moves a walk over an item. One that claims to be of the future hides
// nothing of what comes until then; clocks may differ by as much as ahead.
func (w *walk) meet(p place) {
	const ahead = 3600
	if p.At <= w.Start+ahead && (w.Top.ID == "" || p.compare(w.Top) > 0) {
		w.Top = p
	}
	if w.Low == 0 || p.At < w.Low {
		w.Low = p.At
	}
}

// advance ends a walk.
func (f *flow) advance(w *walk, overlap int64) {
	f.Since = max(f.Since, w.Start-overlap, 1)
	if w.Top.ID != "" && w.Top.compare(f.Mark) > 0 {
		f.Mark = w.Top
	}
	f.Walk = nil
}
