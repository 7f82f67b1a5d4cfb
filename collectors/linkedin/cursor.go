package linkedin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxGone       = 50
	maxEntries    = 150
	maxEntryBytes = 18 << 10 // of all who have a role
	maxValue      = 700      // bytes of one profile value kept in the cursor, as JSON
	maxAgain      = 3
)

// state is the cursor: all that a Collector remembers between polls. Every part
// has a bound, so that it stays below collectors.MaxCursor.
type state struct {
	Version int    `json:"v"`
	Asked   string `json:"asked,omitempty"` // host and organisation

	// Since is in ms since 1970. What was last changed then or before is read for
	// good; after it lies the overlap, read again in every walk.
	Since int64 `json:"since,omitempty"`
	Mark  place `json:"mark,omitzero"` // the newest post that has been read
	Walk  *walk `json:"walk,omitempty"`

	Watch     []watched `json:"watch,omitempty"` // newest first
	Whole     bool      `json:"whole,omitempty"` // all posts of the page are in Watch
	Gone      []place   `json:"gone,omitempty"`  // deleted ones that an answer may still hold
	Profile   *snapshot `json:"profile,omitempty"`
	Followers sample    `json:"followers,omitzero"`
	Roles     *roles    `json:"roles,omitempty"`
	Comments  *talk     `json:"comments,omitempty"`
}

// place is where a post or a comment stands: when it was last changed, in ms
// since 1970. The id tells those of one time apart, by its number first, which
// grows: urn:li:share and urn:li:ugcPost have theirs in common.
type place struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

func (p place) compare(o place) int {
	x, y := p.ID[strings.LastIndexByte(p.ID, ':')+1:], o.ID[strings.LastIndexByte(o.ID, ':')+1:]
	return cmp.Or(cmp.Compare(p.At, o.At), cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(p.ID, o.ID))
}

// walk is the way from the post that changed last down, one page a poll. Since
// moves only when it ends, so that an abandoned walk loses nothing.
type walk struct {
	First bool  `json:"first,omitempty"` // history, on the first connection
	Start int64 `json:"start"`           // ms since 1970 when it began, by LinkedIn's clock
	From  int   `json:"from,omitempty"`  // index of the next page's first post
	Top   place `json:"top,omitzero"`    // newest met
	Low   place `json:"low,omitzero"`    // oldest met
	// Handed is the oldest post of history that was handed over: what is above was,
	// too.
	Handed place `json:"handed,omitzero"`
	Read   int   `json:"read"` // posts of history that were handed over
	Pages  int   `json:"pages"`
	Met    bool  `json:"met,omitempty"`   // something known was met: no gap
	Again  int   `json:"again,omitempty"` // how often it had to begin anew
}

// going reports whether a walk goes on at once. One that had to begin anew too
// often waits for the next round.
func (st *state) going() bool { return st.Walk != nil && st.Walk.Again < maxAgain }

// again begins a walk anew, since posts may have been missed between two of its
// pages.
func (w *walk) again() *walk {
	return &walk{First: w.First, Start: w.Start, Top: w.Top, Handed: w.Handed, Read: w.Read, Again: w.Again + 1}
}

func (w *walk) meet(p, mark place) {
	w.Met = w.Met || mark.ID != "" && p.compare(mark) <= 0
	if w.Low.ID == "" || p.compare(w.Low) < 0 {
		w.Low = p
	}
	if p.At > w.Start {
		return // what claims to be of the future hides nothing of what comes until then
	}
	if w.Top.ID == "" || p.compare(w.Top) > 0 {
		w.Top = p
	}
}

// watched is a post that is compared to find out whether it was edited or
// deleted.
type watched struct {
	place
	Hash    string `json:"h"`           // of words, links and media
	Met     bool   `json:"m,omitempty"` // met in the walk under way
	Missing bool   `json:"x,omitempty"` // the last walk over its place did not meet it
	Asked   int64  `json:"q,omitempty"` // when it was asked for by itself and found, in seconds since 1970
}

// snapshot is the profile as last seen; N counts its changes, so that each has an
// id of its own.
type snapshot struct {
	N      int               `json:"n"`
	At     int64             `json:"at"` // seconds since 1970, by LinkedIn's clock
	Values map[string]string `json:"values"`
}

// sample is when the follower count was last told; N counts how often.
type sample struct {
	N  int   `json:"n"`
	At int64 `json:"at"`
}

// roles is who had a role when it was last looked; N counts the changes.
type roles struct {
	N       int     `json:"n"`
	At      int64   `json:"at"`
	Entries []entry `json:"entries"` // by id
}

// entry is one member with a role on the page.
type entry struct {
	ID    string `json:"id"` // "urn:li:person:2qXA98-mVk"
	Roles string `json:"r"`  // sorted, with spaces between
}

// talk is how far comments have been read.
type talk struct {
	Since int64    `json:"since"`
	Mark  place    `json:"mark,omitzero"`
	At    int64    `json:"at,omitempty"`    // when all of them were last read
	Start int64    `json:"start,omitempty"` // ms since 1970 when the reading under way began
	Left  []string `json:"left,omitempty"`  // posts that are still to be read
	Top   place    `json:"top,omitzero"`    // newest comment met
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	if len(cursor) == 0 || string(cursor) == "null" {
		return &state{Version: cursorVersion}, nil
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
	switch {
	case st.Version != cursorVersion:
		return fmt.Errorf("version %d; want %d", st.Version, cursorVersion)
	case len(st.Watch) > MaxWatch || len(st.Gone) > maxGone:
		return fmt.Errorf("more watched or deleted posts than %d and %d", MaxWatch, maxGone)
	case st.Roles != nil && len(st.Roles.Entries) > maxEntries:
		return fmt.Errorf("more people than %d", maxEntries)
	case st.Comments != nil && len(st.Comments.Left) > MaxCommentPosts:
		return fmt.Errorf("more posts with comments than %d", MaxCommentPosts)
	case st.Since < 0 || st.Walk != nil && (st.Walk.From < 0 || st.Walk.Start <= 0 && st.Walk.From > 0) || st.Comments != nil && st.Comments.Since < 0:
		return errors.New("negative time or index")
	}
	var ids []string
	for i := range st.Watch {
		ids = append(ids, st.Watch[i].ID)
	}
	for _, g := range st.Gone {
		ids = append(ids, g.ID)
	}
	if st.Comments != nil {
		ids = append(ids, st.Comments.Left...)
	}
	for _, id := range ids {
		if err := checkURN("id", id); err != nil {
			return err
		}
	}
	return nil
}

// find returns the watched post of that id, nil if it is not watched. An edit
// moves a post.
func (st *state) find(id string) *watched {
	for i := range st.Watch {
		if st.Watch[i].ID == id {
			return &st.Watch[i]
		}
	}
	return nil
}

func (st *state) isGone(id string) bool {
	return slices.ContainsFunc(st.Gone, func(g place) bool { return g.ID == id })
}

// inWindow reports whether a time is after the oldest watched post, so that what
// is of it would be watched had it been there before. Nothing turns up years late:
// where all posts are watched and it is older, an answer was empty that should not
// have been.
func (st *state) inWindow(at int64) bool {
	n := len(st.Watch)
	return st.Whole && at > st.Since-MaxOverlap.Milliseconds() || n > 0 && at > st.Watch[n-1].At
}

// watch remembers a post, the limit newest ones at most, and reports whether it
// is one of them.
func (st *state) watch(w watched, limit int) bool {
	i, _ := slices.BinarySearchFunc(st.Watch, w.place, func(o watched, p place) int { return p.compare(o.place) })
	if i >= limit {
		st.Whole = false
		return false
	}
	st.Watch = slices.Insert(st.Watch, i, w)
	if len(st.Watch) > limit {
		st.Whole = false
		st.Watch = slices.Delete(st.Watch, limit, len(st.Watch))
	}
	return true
}

// move gives a watched post the place that an edit gave it.
func (st *state) move(w watched, to place, limit int) {
	st.Watch = slices.DeleteFunc(st.Watch, func(o watched) bool { return o.ID == w.ID })
	w.place = to
	st.watch(w, limit)
}

// unwatch forgets a deleted post, and remembers that it is gone for as long as an
// answer may still hold it: caches are not consistent to the second.
func (st *state) unwatch(p place) {
	st.Watch = slices.DeleteFunc(st.Watch, func(o watched) bool { return o.ID == p.ID })
	st.Gone = append(st.Gone, p)
	if n := len(st.Gone); n > maxGone {
		st.Gone = slices.Clone(st.Gone[n-maxGone:])
	}
}

// prune forgets deleted posts that no walk reads any more.
func (st *state) prune() {
	st.Gone = slices.DeleteFunc(st.Gone, func(g place) bool { return g.At <= st.Since && !st.inWindow(g.At) })
}

// sweep marks the watched posts that a walk went past and did not meet.
func (st *state) sweep(w *walk, ended bool) {
	for i := range st.Watch {
		o := &st.Watch[i]
		if past := ended || w.Low.ID != "" && o.At > w.Low.At; past {
			o.Missing = !o.Met
		}
		o.Met = false
	}
}
