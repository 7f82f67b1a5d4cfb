package x

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxToken      = 4 << 10 // bytes of a pagination token kept in the cursor
	maxValue      = 700     // bytes of one profile value kept in the cursor
)

// state is the cursor: all that the collector remembers between polls. Every
// part has a bound (100 watched posts, 10 profile values of maxValue bytes, three
// tokens of maxToken), so that it stays well below collectors.MaxCursor.
type state struct {
	Version   int       `json:"v"`
	User      int64     `json:"user,string,omitempty"`
	Posts     lane      `json:"posts"`
	Mentions  lane      `json:"mentions,omitzero"`
	Messages  inbox     `json:"messages,omitzero"`
	Watch     []watched `json:"watch,omitempty"` // newest own posts, newest first
	Gone      []int64   `json:"gone,omitempty"`  // deleted posts that the overlap may still return
	Profile   *snapshot `json:"profile,omitempty"`
	Followers sample    `json:"followers,omitzero"`
	// UTC days on which profile and watched posts were last paid for.
	PaidProfile string `json:"paid_profile,omitempty"`
	PaidWatch   string `json:"paid_watch,omitempty"`
}

// paid are the days on which the parts of a round were last paid for.
type paid struct{ posts, profile, watch string }

func (st *state) paid() paid { return paid{st.Posts.Paid, st.PaidProfile, st.PaidWatch} }

// lane is how far one timeline has been read.
type lane struct {
	// Since is exclusive: what has this id or a lower one is read for good.
	// Above it lies the overlap, read again in every walk.
	Since int64 `json:"since,string,omitempty"`
	// Mark is the newest place that has been read: ids above it are new.
	Mark int64 `json:"mark,string,omitempty"`
	// Paid is the UTC day of the last walk: what the overlap repeats on a
	// later day is charged again.
	Paid string `json:"paid,omitempty"`
	// Walk is set while a timeline has more pages.
	Walk *walk `json:"walk,omitempty"`
}

// walk is the way from the newest post down to Since, one page a poll. Since
// moves only when it ends, so that an abandoned walk loses nothing.
type walk struct {
	First bool   `json:"first,omitempty"`      // history, on the first connection
	Start int64  `json:"start"`                // ms since 1970 when it began, by X's clock
	Top   int64  `json:"top,string,omitempty"` // newest id met
	Max   int64  `json:"max,string,omitempty"` // the next page's newest id, inclusive; 0: none yet
	Token string `json:"token,omitempty"`      // the next page, where the last one was empty
	Read  int    `json:"read"`                 // posts met
	Pages int    `json:"pages"`
	Met   bool   `json:"met,omitempty"` // a post at or below Mark was met: no gap
	// Again is set in a walk over messages that was begun anew, since X did not
	// know its page any more.
	Again bool `json:"again,omitempty"`
}

// watched is an own post that is looked up to find out whether it was deleted.
type watched struct {
	First int64 `json:"id,string"`             // id of its first version
	Last  int64 `json:"last,string,omitempty"` // id of its newest version, if another
}

func (w watched) newest() int64 { return max(w.First, w.Last) }

// snapshot is the profile as last seen; N counts its changes, so that each has
// an id of its own.
type snapshot struct {
	N      int               `json:"n"`
	Values map[string]string `json:"values"`
}

// sample is when the follower count was last told; N counts how often.
type sample struct {
	N  int   `json:"n"`
	At int64 `json:"at"` // seconds since 1970, by X's clock
}

// decodeState reads a cursor, nil on the first poll.
func decodeState(cursor json.RawMessage) (*state, error) {
	if len(cursor) == 0 || string(cursor) == "null" {
		return &state{Version: cursorVersion}, nil
	}
	bad := func(err error) error {
		return &collectors.Malformed{Field: "cursor", Err: fmt.Errorf(
			"%w; it was not written by this version of Picket: start the one that wrote it, or clear the account's cursor to begin anew", err)}
	}
	st := &state{}
	if err := json.Unmarshal(cursor, st); err != nil {
		return nil, bad(err)
	}
	switch {
	case st.Version != cursorVersion:
		return nil, bad(fmt.Errorf("version %d; want %d", st.Version, cursorVersion))
	case len(st.Watch) > maxRehydrate || len(st.Gone) > maxRehydrate:
		return nil, bad(fmt.Errorf("%d watched and %d deleted posts; want at most %d", len(st.Watch), len(st.Gone), maxRehydrate))
	case st.User < 0 || st.Posts.Since < 0 || st.Mentions.Since < 0 || st.Messages.Since < 0:
		return nil, bad(fmt.Errorf("negative id"))
	}
	return st, nil
}

// watch remembers an own post and its newest version, the limit newest posts
// at most.
func (st *state) watch(first, id int64, limit int) {
	if slices.Contains(st.Gone, first) {
		return
	}
	i := slices.IndexFunc(st.Watch, func(w watched) bool { return w.First == first })
	if i < 0 {
		st.Watch = append(st.Watch, watched{First: first})
		i = len(st.Watch) - 1
	}
	if id > st.Watch[i].newest() {
		st.Watch[i].Last = id
	}
	slices.SortFunc(st.Watch, func(a, b watched) int {
		if a.First > b.First {
			return -1
		}
		return 1
	})
	if len(st.Watch) > limit {
		st.Watch = st.Watch[:limit]
	}
}

// unwatch forgets a deleted post, and remembers that it is gone for as long as
// a timeline may still show it: X's answers are not consistent to the second.
func (st *state) unwatch(first int64) {
	st.Watch = slices.DeleteFunc(st.Watch, func(w watched) bool { return w.First == first })
	st.Gone = append(st.Gone, first)
	if n := len(st.Gone); n > maxRehydrate {
		st.Gone = slices.Clone(st.Gone[n-maxRehydrate:])
	}
}

// prune forgets deleted posts that no timeline returns any more.
func (st *state) prune() {
	st.Gone = slices.DeleteFunc(st.Gone, func(id int64) bool { return id <= st.Posts.Since })
}

// fresh reports whether an own post was not handed over before: it is newer
// than all that was read, or it is late and not among the watched ones.
func (st *state) fresh(first, id int64) bool {
	if id > st.Posts.Mark {
		return true
	}
	if n := len(st.Watch); n == 0 || first < st.Watch[n-1].First {
		return false
	}
	return !slices.ContainsFunc(st.Watch, func(w watched) bool { return w.First == first }) &&
		!slices.Contains(st.Gone, first)
}

// day names the UTC day that X's charges are deduplicated in.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
