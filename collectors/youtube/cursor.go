package youtube

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
)

const cursorVersion = 1

// maxGone is how many videos that are gone are remembered, so that one that
// comes back is told as such.
const maxGone = 100

// state is what the cursor holds.
type state struct {
	Version int    `json:"v"`
	Asked   string `json:"asked,omitempty"` // base_url and channel of the configuration
	// Channel and Uploads are ids: a handle is asked for once only, since who
	// takes over a channel may change it.
	Channel string `json:"channel,omitempty"`
	Uploads string `json:"uploads,omitempty"`

	lane
	Whole bool      `json:"whole,omitempty"` // all videos of the channel are in Watch
	Watch []watched `json:"watch,omitempty"` // newest first
	Gone  []watched `json:"gone,omitempty"`
	Sweep int       `json:"sweep,omitempty"` // where the next look at those that no page showed begins

	Comments  *lane     `json:"comments,omitempty"`
	Profile   *snapshot `json:"profile,omitempty"`
	Followers sample    `json:"followers,omitzero"`
}

// lane is how far a list was read that has the newest first.
type lane struct {
	Since int64 `json:"since,omitempty"` // ms; a round reads down to it
	Mark  place `json:"mark,omitzero"`   // the newest that was handed over
	Walk  *walk `json:"walk,omitempty"`
}

// place orders items of a list.
type place struct {
	At int64  `json:"a"` // ms since 1970
	ID string `json:"i"`
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.At, o.At), strings.Compare(p.ID, o.ID))
}

// walk is one way down a list, a page a poll.
type walk struct {
	First bool   `json:"first,omitempty"` // history
	Start int64  `json:"start"`           // ms, by the earlier of both clocks
	Token string `json:"token"`           // of the next page
	Top   place  `json:"top,omitzero"`
	Low   int64  `json:"low,omitempty"` // time of the newest item of the last page: order is not strict
	Read  int    `json:"read,omitempty"`
	Pages int    `json:"pages,omitempty"`
	Again int    `json:"again,omitempty"` // how often it had to begin anew
}

// watched is a video that is compared with what it was.
type watched struct {
	place
	Title   string `json:"t"` // digests
	Text    string `json:"d"`
	Rest    string `json:"r"` // tags, language, made for kids
	Privacy string `json:"p,omitempty"`
	Live    string `json:"l,omitempty"`
	Edits   int    `json:"e,omitempty"`
	Gone    int    `json:"g,omitempty"` // how often it was deleted or hidden
	Missing bool   `json:"m,omitempty"` // it was not there when last asked for
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
	At int64 `json:"at"` // seconds since 1970
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	st := &state{Version: cursorVersion}
	if len(cursor) == 0 || string(cursor) == "null" {
		return st, nil
	}
	st = &state{}
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
	if len(st.Watch) > MaxWatch || len(st.Gone) > maxGone || st.Sweep < 0 {
		return fmt.Errorf("more watched or deleted videos than %d and %d", MaxWatch, maxGone)
	}
	ids := []string{st.Channel, st.Uploads}
	for _, list := range [][]watched{st.Watch, st.Gone} {
		for i := range list {
			ids = append(ids, cmp.Or(list[i].ID, "?"))
		}
	}
	for _, id := range ids {
		if id != "" && !isID(id) {
			return fmt.Errorf("id %q is none of YouTube's", collectors.Clip(id, maxID))
		}
	}
	return errors.Join(st.lane.check(), st.Comments.check())
}

func (l *lane) check() error {
	if l == nil {
		return nil
	}
	if l.Since < 0 {
		return errors.New("negative time")
	}
	if w := l.Walk; w != nil && (len(w.Token) > maxToken || w.Start < 0 || w.Read < 0 || w.Pages < 0) {
		return errors.New("a walk that none can be")
	}
	return nil
}

// find returns the watched video of an id, nil if it is not watched. Making a
// video public moves it.
func (st *state) find(id string) *watched {
	for i := range st.Watch {
		if st.Watch[i].ID == id {
			return &st.Watch[i]
		}
	}
	return nil
}

// inWindow reports whether a video at a place would be watched had it been there
// before.
func (st *state) inWindow(p place) bool {
	n := len(st.Watch)
	return st.Whole || n > 0 && p.compare(st.Watch[n-1].place) > 0
}

// watch remembers a video, the limit newest ones at most.
func (st *state) watch(w watched, limit int) {
	i, _ := slices.BinarySearchFunc(st.Watch, w.place, func(o watched, p place) int { return p.compare(o.place) })
	st.Watch = slices.Insert(st.Watch, i, w)
	if len(st.Watch) > limit {
		st.Watch = slices.Delete(st.Watch, limit, len(st.Watch))
		st.Whole = false
	}
}

// bury moves a watched video to those that are gone.
func (st *state) bury(id string) {
	i := slices.IndexFunc(st.Watch, func(o watched) bool { return o.ID == id })
	w := st.Watch[i]
	w.Missing = false
	w.Gone++
	st.Watch = slices.Delete(st.Watch, i, i+1)
	st.Gone = append(st.Gone, w)
	if n := len(st.Gone); n > maxGone {
		st.Gone = slices.Clone(st.Gone[n-maxGone:])
	}
}

// unearth takes a video from those that are gone.
func (st *state) unearth(id string) (watched, bool) {
	i := slices.IndexFunc(st.Gone, func(o watched) bool { return o.ID == id })
	if i < 0 {
		return watched{}, false
	}
	w := st.Gone[i]
	st.Gone = slices.Delete(st.Gone, i, i+1)
	return w, true
}

// meet moves a walk over an item.
func (w *walk) meet(p place) {
	if w.Top.ID == "" || p.compare(w.Top) > 0 {
		w.Top = p
	}
}

// advance ends a walk.
func (l *lane) advance(w *walk, overlapMS int64) {
	l.Since = max(l.Since, w.Start-overlapMS, 1)
	if w.Top.ID != "" && w.Top.compare(l.Mark) > 0 {
		l.Mark = w.Top
	}
	l.Walk = nil
}
