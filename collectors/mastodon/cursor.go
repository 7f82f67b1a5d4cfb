package mastodon

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	api "github.com/mattn/go-mastodon"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxGone       = 100
	maxID         = 64  // bytes of an id
	maxValue      = 700 // bytes of one profile value kept in the cursor
)

// state is the cursor: all that the collector remembers between polls. Every
// part has a bound (maxWatch, maxGone, maxID, maxApps, profile values of maxValue
// bytes), so that it stays below collectors.MaxCursor.
type state struct {
	Version   int       `json:"v"`
	Host      string    `json:"host,omitempty"`
	Name      string    `json:"name,omitempty"`
	User      string    `json:"user,omitempty"` // the account's id on Host
	Posts     lane      `json:"posts,omitzero"`
	Mentions  lane      `json:"mentions,omitzero"`
	Watch     []watched `json:"watch,omitempty"` // newest statuses, newest first
	Gone      []gone    `json:"gone,omitempty"`  // deleted ones that an answer may still hold
	Profile   *snapshot `json:"profile,omitempty"`
	Followers sample    `json:"followers,omitzero"`
	Apps      *apps     `json:"apps,omitempty"` // nil before it was looked for
	// Swept is when all watched statuses were read again, in seconds since 1970
	// by the server's clock, and Blank that the timeline was empty then.
	Swept int64 `json:"swept,omitempty"`
	Blank bool  `json:"blank,omitempty"`
	// Count is how many statuses the account said last that it has, and Shown
	// what that was when the timeline last held any.
	Count int64 `json:"count,omitempty"`
	Shown int64 `json:"shown,omitempty"`
}

// lane is how far one timeline has been read.
type lane struct {
	// Since is in ms since 1970. What happened then or before is read for
	// good; after it lies the overlap, read again in every walk.
	Since int64 `json:"since,omitempty"`
	// Mark is the newest id that has been read.
	Mark string `json:"mark,omitempty"`
	// Walk is set while a timeline has more pages.
	Walk *walk `json:"walk,omitempty"`
}

// walk is the way from the newest item down, one page a poll. Since moves only
// when it ends, so that an abandoned walk loses nothing.
type walk struct {
	First bool   `json:"first,omitempty"` // history, on the first connection
	Start int64  `json:"start"`           // ms since 1970 when it began, by the server's clock
	Top   string `json:"top,omitempty"`   // newest id met
	Low   string `json:"low,omitempty"`   // oldest id met, and when that was
	LowAt int64  `json:"low_at,omitempty"`
	Max   string `json:"max,omitempty"` // the next page is below this id
	// Above is the id at which the walk ends, "" when it reads all that is
	// watched.
	Above string `json:"above,omitempty"`
	Read  int    `json:"read"` // items met
	Pages int    `json:"pages"`
	Met   bool   `json:"met,omitempty"` // an item at or below Mark was met: no gap
}

// meet notes an item on the way; mark is its lane's.
func (w *walk) meet(id, mark string, at time.Time) {
	w.Met = w.Met || mark != "" && compareIDs(id, mark) <= 0
	if w.Top == "" || compareIDs(id, w.Top) > 0 {
		w.Top = id
	}
	if w.Low == "" || compareIDs(id, w.Low) < 0 {
		w.Low, w.LowAt = id, at.UnixMilli()
	}
}

// watched is a status that is read again to find out whether it was edited or
// deleted.
type watched struct {
	ID     string `json:"id"`
	At     int64  `json:"at"`          // ms since 1970 when it was made
	Edited int64  `json:"e,omitempty"` // ms since 1970 of the edit that was told last
	Met    bool   `json:"m,omitempty"` // met in the walk under way
	// Missing says that the last walk over its place did not meet it.
	Missing bool `json:"x,omitempty"`
	// Only marks what may vanish without having been deleted: a boost, which
	// goes with its original, and a status that is not shown to everybody.
	Only bool `json:"o,omitempty"`
}

// gone is a deleted status.
type gone struct {
	ID string `json:"id"`
	At int64  `json:"at"`
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
	At int64 `json:"at"` // seconds since 1970, by the server's clock
}

// apps is what is known of the tokens by which apps have access to the account.
type apps struct {
	At   int64  `json:"at"`             // when a list was asked for last, in seconds since 1970
	List int    `json:"list,omitempty"` // number of the server's in appLists, from 1 on; 0 is none
	Lack string `json:"lack,omitempty"` // why there is none, "" before it was looked for
	Read bool   `json:"read,omitempty"` // Known was read once, and all of it
	Cut  bool   `json:"cut,omitempty"`  // there were more, older than those
	// Known are the newest tokens of the last list, newest first.
	Known []app `json:"known,omitempty"`
}

// app is a token, by the name of its app.
type app struct {
	ID   string `json:"id"`
	Name string `json:"n,omitempty"`
}

func newState() *state { return &state{Version: cursorVersion} }

// compareIDs orders ids as api/guidelines documents: by length, then by bytes.
func compareIDs(a, b string) int { return api.ID(a).Compare(api.ID(b)) }

// isID reports whether an id can go into a path and a cursor.
func isID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxID
}

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
	if len(st.Watch) > maxWatch || len(st.Gone) > maxGone {
		return fmt.Errorf("%d watched and %d deleted statuses; want at most %d and %d", len(st.Watch), len(st.Gone), maxWatch, maxGone)
	}
	ids := []string{st.User, st.Posts.Mark, st.Mentions.Mark}
	for _, l := range []*lane{&st.Posts, &st.Mentions} {
		if l.Since < 0 {
			return errors.New("negative time")
		}
		if w := l.Walk; w != nil {
			ids = append(ids, w.Top, w.Low, w.Max, w.Above)
		}
	}
	for _, w := range st.Watch {
		ids = append(ids, w.ID)
	}
	for _, g := range st.Gone {
		ids = append(ids, g.ID)
	}
	if a := st.Apps; a != nil {
		if a.List < 0 || a.List > len(appLists()) || len(a.Known) > maxApps || len(a.Lack) > len(lackTrouble) {
			return fmt.Errorf("list %d of tokens with %d known, and %q; want a list up to %d with at most %d", a.List, len(a.Known), collectors.Clip(a.Lack, maxID), len(appLists()), maxApps)
		}
		for _, k := range a.Known {
			ids = append(ids, k.ID)
		}
	}
	for _, id := range ids {
		if id != "" && !isID(id) {
			return fmt.Errorf("id %q; want up to %d letters and digits", collectors.Clip(id, maxID), maxID)
		}
	}
	return nil
}

// find returns the watched status of that id, nil if it is not watched.
func (st *state) find(id string) *watched {
	i, ok := slices.BinarySearchFunc(st.Watch, id, func(w watched, id string) int { return compareIDs(id, w.ID) })
	if !ok {
		return nil
	}
	return &st.Watch[i]
}

// isGone reports whether a status was told to be deleted.
func (st *state) isGone(id string) bool {
	return slices.ContainsFunc(st.Gone, func(g gone) bool { return g.ID == id })
}

// inWindow reports whether an id is above the oldest watched one, so that it
// would be watched had it been there before.
func (st *state) inWindow(id string) bool {
	n := len(st.Watch)
	return n > 0 && compareIDs(id, st.Watch[n-1].ID) > 0
}

// watch remembers a status, the limit newest ones at most, and reports whether
// it is among them.
func (st *state) watch(w watched, limit int) bool {
	i, ok := slices.BinarySearchFunc(st.Watch, w.ID, func(o watched, id string) int { return compareIDs(id, o.ID) })
	if !ok {
		st.Watch = slices.Insert(st.Watch, i, w)
	}
	if len(st.Watch) > limit {
		st.Watch = slices.Delete(st.Watch, max(0, limit), len(st.Watch))
	}
	return i < len(st.Watch)
}

// unwatch forgets a deleted status, and remembers that it is gone for as long
// as a timeline may still show it: caches are not consistent to the second.
func (st *state) unwatch(w watched) {
	st.Watch = slices.DeleteFunc(st.Watch, func(o watched) bool { return o.ID == w.ID })
	st.Gone = append(st.Gone, gone{ID: w.ID, At: w.At})
	if n := len(st.Gone); n > maxGone {
		st.Gone = slices.Clone(st.Gone[n-maxGone:])
	}
}

// prune forgets deleted statuses that no round reads any more.
func (st *state) prune() {
	st.Gone = slices.DeleteFunc(st.Gone, func(g gone) bool { return g.At <= st.Posts.Since && !st.inWindow(g.ID) })
}

// sweep marks the watched statuses that a walk went past and did not meet.
func (st *state) sweep(w *walk) {
	ended := w.Max == "" // there is nothing below
	for i := range st.Watch {
		o := &st.Watch[i]
		past := compareIDs(o.ID, w.Above) > 0 && (ended || w.Low != "" && compareIDs(o.ID, w.Low) >= 0)
		if past && !o.Met && !o.Only {
			o.Missing = true
		}
		o.Met = false
	}
}

// missing returns the watched statuses that are marked so, newest first, and
// takes the marks off: the next walk sets them again.
func (st *state) missing() []watched {
	var out []watched
	for i := range st.Watch {
		if o := &st.Watch[i]; o.Missing {
			out = append(out, *o)
			o.Missing = false
		}
	}
	return out
}
