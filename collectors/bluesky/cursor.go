package bluesky

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors"
)

const (
	cursorVersion = 1
	maxGone       = 100
	maxGrants     = 100
	maxKey        = 32  // bytes of a record key that is kept as it is
	maxValue      = 700 // bytes of one profile value kept in the cursor, as JSON
	maxName       = 64  // bytes of the name of an app password kept there, likewise
	maxOpaque     = 512 // bytes of a cursor of the server's
)

// state is the cursor: all that the collector remembers between polls. Every
// part has a bound (maxWatch and maxGone twice, maxGrants, profile values of
// maxValue bytes), so that it stays below collectors.MaxCursor.
type state struct {
	Version int    `json:"v"`
	Name    string `json:"name,omitempty"`
	DID     string `json:"did,omitempty"`
	Server  string `json:"server,omitempty"` // the PDS that is read
	// Rev is the repository's revision at the last complete round. It is made by
	// the PDS and rises with every change, so that nothing need be read while it
	// stands.
	Rev string `json:"rev,omitempty"`
	// Swept is when the last complete round began, in seconds since 1970.
	Swept   int64     `json:"swept,omitempty"`
	Round   *pass     `json:"round,omitempty"` // under way over several polls
	Posts   lane      `json:"posts,omitzero"`
	Reposts lane      `json:"reposts,omitzero"`
	Mention mentioned `json:"mention,omitzero"`
	Profile *snapshot `json:"profile,omitempty"`
	Counts  sample    `json:"counts,omitzero"`
	Looked  int64     `json:"looked,omitempty"` // when the identity was read, in seconds since 1970
	Grants  *grants   `json:"grants,omitempty"`
}

// pass is one round over the repository. Rev and Swept of the state move only
// when it ends, so that an abandoned one loses nothing.
type pass struct {
	Rev   string `json:"rev,omitempty"`
	Start int64  `json:"start"` // ms since 1970, by the earlier of the server's clock and ours
	Phase int    `json:"phase"`
}

// lane is how far one collection has been read.
type lane struct {
	// Since is in ms since 1970. What has a key of then or before was read for
	// good, unless it is among what is watched.
	Since int64 `json:"since,omitempty"`
	// Watch holds the newest records by key, newest first.
	Watch []watched `json:"watch,omitempty"`
	// Whole says that Watch holds every record that there is.
	Whole bool   `json:"whole,omitempty"`
	Gone  []gone `json:"gone,omitempty"` // deleted ones that an answer may still hold
	Walk  *walk  `json:"walk,omitempty"`
}

// walk is the way from the newest key down, one page a poll.
type walk struct {
	First bool   `json:"first,omitempty"` // history, on the first connection
	Max   string `json:"max,omitempty"`   // the server's cursor of the next page
	Low   string `json:"low,omitempty"`   // lowest key met
	LowAt int64  `json:"low_at,omitempty"`
	// Above is the lowest key that was watched when the walk began.
	Above string `json:"above,omitempty"`
	Read  int    `json:"read"` // records met
	Pages int    `json:"pages"`
}

// watched is a record that is compared in each round.
type watched struct {
	Key     string `json:"k"`
	CID     string `json:"c"` // of what it said last, shortened
	Met     bool   `json:"m,omitempty"`
	Missing bool   `json:"x,omitempty"` // the last walk over its place did not meet it
}

// gone is a deleted record.
type gone struct {
	Key string `json:"k"`
	CID string `json:"c"`
}

// mentioned is how far the notifications have been read. Since and Mark are in
// ms since 1970; Mark is the newest that was met.
type mentioned struct {
	Since int64 `json:"since,omitempty"`
	Mark  int64 `json:"mark,omitempty"`
	Walk  *list `json:"walk,omitempty"`
}

// list is the way through the notifications, one page a poll.
type list struct {
	Start int64  `json:"start"`
	Top   int64  `json:"top"`
	Low   int64  `json:"low"`
	Max   string `json:"max"`
	Pages int    `json:"pages"`
}

// snapshot is the profile as last seen; N counts its changes, so that each has
// an id of its own.
type snapshot struct {
	N      int               `json:"n"`
	Values map[string]string `json:"values"`
}

// sample is when counts were last told; N counts how often.
type sample struct {
	N  int   `json:"n"`
	At int64 `json:"at"` // seconds since 1970
}

// grants is what is known of app passwords. At is when they were last asked
// for, in seconds since 1970; Refused that this session is not shown them.
type grants struct {
	At      int64   `json:"at"`
	Refused bool    `json:"refused,omitempty"`
	Known   []grant `json:"known,omitempty"`
}

type grant struct {
	ID   string `json:"i"`
	Name string `json:"n"`
}

func newState() *state { return &state{Version: cursorVersion} }

// kept is a record key as it is kept and told: the key itself, or where that is
// longer than any app makes it, its beginning with a hash. The specification
// allows 512 bytes, more than fit the cursor and the id of an activity.
func kept(key string) string {
	if len(key) <= maxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return key[:16] + "~" + hex.EncodeToString(sum[:7])
}

// shortened tells apart what a record said at different times.
func shortened(cid string) string {
	sum := sha256.Sum256([]byte(cid))
	return hex.EncodeToString(sum[:4])
}

// isKey reports whether s is a record key: the characters are those of the
// specification.
func isKey(s string) bool {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_:~", r)
	}
	return s != "" && len(s) <= 512 && s != "." && s != ".." && !strings.ContainsFunc(s, bad)
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
	if st.DID != "" {
		if err := checkDID(st.DID); err != nil {
			return fmt.Errorf("did: %w", err)
		}
	}
	if st.Server != "" {
		if err := checkServer(st.Server); err != nil {
			return fmt.Errorf("server: %w", err)
		}
	}
	if st.Round != nil && (st.Round.Phase < 0 || st.Round.Phase >= phases) {
		return fmt.Errorf("phase %d of a round; want 0 to %d", st.Round.Phase, phases-1)
	}
	if st.Grants != nil && len(st.Grants.Known) > maxGrants {
		return fmt.Errorf("%d app passwords; want at most %d", len(st.Grants.Known), maxGrants)
	}
	if st.Mention.Since < 0 {
		return errors.New("negative time")
	}
	return errors.Join(st.Posts.check(), st.Reposts.check())
}

func (l *lane) check() error {
	if len(l.Watch) > maxWatch || len(l.Gone) > maxGone {
		return fmt.Errorf("%d watched and %d deleted records; want at most %d and %d", len(l.Watch), len(l.Gone), maxWatch, maxGone)
	}
	if l.Since < 0 {
		return errors.New("negative time")
	}
	var keys []string
	for _, w := range l.Watch {
		keys = append(keys, w.Key)
	}
	for _, g := range l.Gone {
		keys = append(keys, g.Key)
	}
	if w := l.Walk; w != nil {
		keys = append(keys, or(w.Low, "low"), or(w.Above, "above"))
	}
	for _, k := range keys {
		if !isKey(k) || len(k) > maxKey {
			return fmt.Errorf("key %q; want a record key of at most %d bytes", collectors.Clip(k, maxKey), maxKey)
		}
	}
	if !slices.IsSortedFunc(l.Watch, func(a, b watched) int { return strings.Compare(b.Key, a.Key) }) {
		return errors.New("watched records are not in order")
	}
	return nil
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// find returns the watched record of that key, nil if it is not watched.
func (l *lane) find(key string) *watched {
	i, ok := slices.BinarySearchFunc(l.Watch, key, func(w watched, key string) int { return strings.Compare(key, w.Key) })
	if !ok {
		return nil
	}
	return &l.Watch[i]
}

// inWindow reports whether a record of that key would be watched had it been
// there before.
func (l *lane) inWindow(key string) bool {
	n := len(l.Watch)
	return l.Whole || n > 0 && key > l.Watch[n-1].Key
}

// watch remembers a record, the limit newest ones at most, and reports whether
// it is among them.
func (l *lane) watch(w watched, limit int) bool {
	i, ok := slices.BinarySearchFunc(l.Watch, w.Key, func(o watched, key string) int { return strings.Compare(key, o.Key) })
	if !ok {
		l.Watch = slices.Insert(l.Watch, i, w)
	}
	if len(l.Watch) > limit {
		l.Watch = slices.Delete(l.Watch, limit, len(l.Watch))
		l.Whole = false
	}
	return i < len(l.Watch)
}

// unwatch forgets a deleted record, and remembers that it is gone.
func (l *lane) unwatch(w watched) {
	l.Watch = slices.DeleteFunc(l.Watch, func(o watched) bool { return o.Key == w.Key })
	l.Gone = append(l.Gone, gone{Key: w.Key, CID: w.CID})
	if n := len(l.Gone); n > maxGone {
		l.Gone = slices.Clone(l.Gone[n-maxGone:])
	}
}

// wasDeleted returns what a deleted record of that key said last.
func (l *lane) wasDeleted(key string) (cid string, ok bool) {
	for _, g := range slices.Backward(l.Gone) {
		if g.Key == key {
			return g.CID, true
		}
	}
	return "", false
}

// sweep marks the watched records that a walk went past and did not meet.
func (l *lane) sweep(w *walk) {
	for i := range l.Watch {
		o := &l.Watch[i]
		o.Missing = !o.Met && (w.Max == "" || w.Low != "" && o.Key >= w.Low)
		o.Met = false
	}
}
