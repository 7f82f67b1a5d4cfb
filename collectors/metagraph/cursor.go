package metagraph

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxGone       = 100
	maxEntries    = 80
	maxEntryBytes = 22 << 10 // of all entries of all edges
	maxAfter      = 1 << 10  // bytes of a cursor of the Graph API
	maxValue      = 700      // bytes of one profile value kept in the cursor, as JSON
	maxTracks     = 4
	maxAgain      = 3
)

// state is the cursor: all that a Reader remembers between polls. Every part
// has a bound, so that it stays below collectors.MaxCursor.
type state struct {
	Version int    `json:"v"`
	Host    string `json:"host,omitempty"`
	Object  string `json:"object,omitempty"` // as configured
	Me      Me     `json:"me,omitzero"`

	Tracks    map[string]*track `json:"tracks,omitempty"`
	Voices    map[string]*lane  `json:"voices,omitempty"`
	Comments  *lane             `json:"comments,omitempty"`
	Grants    map[string]*grant `json:"grants,omitempty"`
	Profile   *snapshot         `json:"profile,omitempty"`
	Followers sample            `json:"followers,omitzero"`
	Items     int64             `json:"items,omitempty"` // that the account counted last
}

// track is how far one timeline has been read, and what of it is watched.
type track struct {
	lane
	Watch []watched `json:"watch,omitempty"` // newest first
	Gone  []place   `json:"gone,omitempty"`  // deleted ones that an answer may still hold
	// Swept is when all watched items were read again, in seconds since 1970 by
	// the server's clock.
	Swept int64 `json:"swept,omitempty"`
}

// place is where an item stands in a timeline. Ids of the Graph API have no
// order; they only tell items of one time apart.
type place struct {
	At int64  `json:"at"` // ms since 1970
	ID string `json:"id"`
}

func (p place) compare(o place) int {
	if c := cmp.Compare(p.At, o.At); c != 0 {
		return c
	}
	return cmp.Compare(p.ID, o.ID)
}

// lane is how far one edge has been read.
type lane struct {
	// Since is in ms since 1970. What happened then or before is read for good;
	// after it lies the overlap, read again in every walk.
	Since int64 `json:"since,omitempty"`
	// Mark is the newest item that has been read.
	Mark place `json:"mark,omitzero"`
	// Walk is set while there are more pages.
	Walk *walk `json:"walk,omitempty"`
}

// walk is the way from the newest item down, one page a poll. Since moves only
// when it ends, so that an abandoned walk loses nothing.
type walk struct {
	First bool   `json:"first,omitempty"` // history, on the first connection
	Deep  bool   `json:"deep,omitempty"`  // reads all that is watched
	Start int64  `json:"start"`           // ms since 1970 when it began, by the server's clock
	After string `json:"after,omitempty"` // the next page's cursor
	Top   place  `json:"top,omitzero"`    // newest item met
	Low   place  `json:"low,omitzero"`    // last item met
	// Below is where history went on when its walk had to begin anew: what is
	// above was handed over.
	Below place `json:"below,omitzero"`
	Read  int   `json:"read"`
	Pages int   `json:"pages"`
	Met   bool  `json:"met,omitempty"`   // an item at or below Mark was met: no gap
	Again int   `json:"again,omitempty"` // how often it had to begin anew
}

// going reports whether a walk goes on at once. One that had to begin anew too
// often waits for the next round.
func (l *lane) going() bool { return l.Walk != nil && l.Walk.Again < maxAgain }

// again begins a walk anew whose cursor was refused: cursors are documented not
// to be kept, since items may go. Nothing is lost, as Since moves when it ends.
func (w *walk) again() *walk {
	next := walk{First: w.First, Deep: w.Deep, Start: w.Start, Again: w.Again + 1}
	if w.First {
		next.Below, next.Top, next.Read = w.Low, w.Top, w.Read
	}
	return &next
}

func (w *walk) meet(p, mark place) {
	w.Met = w.Met || mark.ID != "" && p.compare(mark) <= 0
	if w.Start != 0 && p.At > w.Start {
		return // what claims to be of the future hides nothing of what comes until then
	}
	if w.Top.ID == "" || p.compare(w.Top) > 0 {
		w.Top = p
	}
}

// watched is an item that is read again to find out whether it was edited or
// deleted.
type watched struct {
	place
	Hash    string `json:"h"`           // of words, links and media
	Edits   int    `json:"e,omitempty"` // that were told
	Met     bool   `json:"m,omitempty"` // met in the walk under way
	Missing bool   `json:"x,omitempty"` // the last walk over its place did not meet it
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

// grant is who had access when it was last looked, and how many changes there
// were.
type grant struct {
	N       int     `json:"n"`
	At      int64   `json:"at"`
	Entries []Entry `json:"entries"` // by id
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	st := &state{Version: cursorVersion}
	if len(cursor) > 0 && string(cursor) != "null" {
		st = &state{}
		err := json.Unmarshal(cursor, st)
		if err == nil {
			err = st.check()
		}
		if err != nil {
			return nil, &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
				"%w; it was not written by this version of Picket: start the one that wrote it, or clear the account's cursor to begin anew", err)}
		}
	}
	if st.Tracks == nil {
		st.Tracks = map[string]*track{}
	}
	if st.Voices == nil {
		st.Voices = map[string]*lane{}
	}
	if st.Grants == nil {
		st.Grants = map[string]*grant{}
	}
	return st, nil
}

func (st *state) check() error {
	if st.Version != cursorVersion {
		return fmt.Errorf("version %d; want %d", st.Version, cursorVersion)
	}
	if len(st.Tracks)+len(st.Voices)+len(st.Grants) > 3*maxTracks {
		return errors.New("more edges than are read")
	}
	ids := []string{st.Me.ID}
	lanes := []*lane{st.Comments}
	for _, t := range st.Tracks {
		if t == nil || len(t.Watch) > MaxWatch || len(t.Gone) > maxGone {
			return fmt.Errorf("more watched or deleted items than %d and %d", MaxWatch, maxGone)
		}
		lanes = append(lanes, &t.lane)
		for i := range t.Watch {
			ids = append(ids, t.Watch[i].ID)
		}
		for _, g := range t.Gone {
			ids = append(ids, g.ID)
		}
	}
	for _, l := range st.Voices {
		if l == nil {
			return errors.New("an edge without a place")
		}
		lanes = append(lanes, l)
	}
	for _, g := range st.Grants {
		if g == nil || len(g.Entries) > maxEntries {
			return fmt.Errorf("more people or apps than %d", maxEntries)
		}
	}
	for _, l := range lanes {
		if err := l.check(); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if id != "" && !IsID(id) {
			return CheckID("id", id)
		}
	}
	return nil
}

func (l *lane) check() error {
	switch {
	case l == nil:
		return nil
	case l.Since < 0:
		return errors.New("negative time")
	case l.Walk != nil && len(l.Walk.After) > maxAfter:
		return fmt.Errorf("a page's cursor of %d bytes; want at most %d", len(l.Walk.After), maxAfter)
	}
	return nil
}

// find returns the watched item of that place, nil if it is not watched. An id
// is looked for as such: backdating an item moves it.
func (t *track) find(id string) *watched {
	for i := range t.Watch {
		if t.Watch[i].ID == id {
			return &t.Watch[i]
		}
	}
	return nil
}

func (t *track) isGone(id string) bool {
	return slices.ContainsFunc(t.Gone, func(g place) bool { return g.ID == id })
}

// inWindow reports whether a place is above the oldest watched item, so that
// it would be watched had it been there before.
func (t *track) inWindow(p place) bool {
	n := len(t.Watch)
	return n > 0 && p.compare(t.Watch[n-1].place) > 0
}

// watch remembers an item, the limit newest ones at most.
func (t *track) watch(w watched, limit int) {
	i, _ := slices.BinarySearchFunc(t.Watch, w.place, func(o watched, p place) int { return p.compare(o.place) })
	t.Watch = slices.Insert(t.Watch, i, w)
	if len(t.Watch) > limit {
		t.Watch = slices.Delete(t.Watch, max(0, limit), len(t.Watch))
	}
}

// unwatch forgets a deleted item, and remembers that it is gone for as long as
// a timeline may still show it: caches are not consistent to the second.
func (t *track) unwatch(p place) {
	t.Watch = slices.DeleteFunc(t.Watch, func(o watched) bool { return o.ID == p.ID })
	t.Gone = append(t.Gone, p)
	if n := len(t.Gone); n > maxGone {
		t.Gone = slices.Clone(t.Gone[n-maxGone:])
	}
}

// prune forgets deleted items that no round reads any more.
func (t *track) prune() {
	t.Gone = slices.DeleteFunc(t.Gone, func(g place) bool { return g.At <= t.Since && !t.inWindow(g) })
}

// sweep marks the watched items that a walk went past and did not meet. Those
// near the end of their life vanish by themselves.
func (t *track) sweep(w *walk, life time.Duration) {
	const margin = time.Hour
	ended := w.After == "" // there is nothing below
	dies := w.Start - (life - margin).Milliseconds()
	kept := t.Watch[:0]
	for _, o := range t.Watch {
		past := ended || w.Low.ID != "" && o.At > w.Low.At
		if past && !o.Met {
			if life > 0 && o.At <= dies {
				continue
			}
			o.Missing = true
		}
		o.Met = false
		kept = append(kept, o)
	}
	t.Watch = kept
}

// missing returns the watched items that are marked so, newest first, and takes
// the marks off: the next walk sets them again.
func (t *track) missing() []place {
	var out []place
	for i := range t.Watch {
		if o := &t.Watch[i]; o.Missing {
			out = append(out, o.place)
			o.Missing = false
		}
	}
	return out
}
