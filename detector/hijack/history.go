package hijack

import (
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// History is what one account did, oldest first. Activities are kept as the
// journal keeps them and read when they are asked for: read, each takes several
// times as much memory.
type History struct {
	Account string
	Hashed  bool // its words are replaced by hashes, so that real words look strange in it by themselves

	kept      []kept
	posts     []int             // of kept: what it published
	apps      map[string]string // clients that its posts came from, as far as they say
	codes     bool              // its languages are BCP 47 codes, not names
	approvals bool              // it holds some

	// While activities are added: where the next ones are kept, and what writes
	// and reads them.
	room, written []byte
	decoder       activity.Decoder
	read          activity.Activity
}

// kept is one activity, with what is asked of all of them.
type kept struct {
	at   time.Time
	post bool
	app  string             // of a post
	data []byte             // in the interchange form
	odd  *activity.Activity // itself, where that form does not hold it; nil else
}

// roomSize is how much memory for activities is asked for at once, in bytes.
const roomSize = 64 << 10

// NewHistory returns the history of an account, of activities in any order; those
// of the same time stay in theirs.
func NewHistory(account string, hashed bool, activities []activity.Activity) *History {
	h := &History{Account: strings.Clone(account), Hashed: hashed}
	for i := range activities {
		h.Add(&activities[i])
	}
	h.Sort()
	return h
}

// Add takes one more activity in and keeps nothing of its memory. Sort is called
// when all are in.
func (h *History) Add(a *activity.Activity) {
	if h.apps == nil {
		h.apps = map[string]string{}
	}
	k := kept{at: a.Time, post: published(a.Kind), app: h.client(a)}
	if k.data = h.keep(a); h.decoder.Activity(k.data, &h.read) != nil {
		odd := a.Clone()
		k.data, k.odd = nil, &odd
	}
	h.kept = append(h.kept, k)
	h.codes = h.codes || k.post && len(a.Lang) == 2
	h.approvals = h.approvals || a.Kind == activity.KindApproval
}

// Sort brings the activities into the order of their time.
func (h *History) Sort() {
	slices.SortStableFunc(h.kept, func(a, b kept) int { return a.at.Compare(b.at) })
	h.kept = slices.Clip(h.kept)
	h.posts = h.posts[:0]
	for i := range h.kept {
		if h.kept[i].post {
			h.posts = append(h.posts, i)
		}
	}
	h.room, h.written, h.decoder, h.read = nil, nil, activity.Decoder{}, activity.Activity{}
}

// client returns the client of a post, each held once.
func (h *History) client(a *activity.Activity) string {
	if a.App == "" || !published(a.Kind) {
		return ""
	}
	app, known := h.apps[a.App]
	if !known {
		app = strings.Clone(a.App)
		h.apps[app] = app
	}
	return app
}

// keep writes an activity where nothing moves it any more.
func (h *History) keep(a *activity.Activity) []byte {
	h.written = activity.AppendActivity(h.written[:0], a)
	if len(h.written) > cap(h.room)-len(h.room) {
		h.room = make([]byte, 0, max(roomSize, len(h.written)))
	}
	from := len(h.room)
	h.room = append(h.room, h.written...)
	return h.room[from:len(h.room):len(h.room)]
}

// Len returns how many activities the history holds.
func (h *History) Len() int { return len(h.kept) }

// At returns the i-th activity, which is the caller's.
func (h *History) At(i int) *activity.Activity {
	k := &h.kept[i]
	var a activity.Activity
	if k.odd != nil {
		a = *k.odd
		return &a
	}
	var d activity.Decoder // its memory goes with what is returned
	_ = d.Activity(k.data, &a)
	a.Time = k.at
	return &a
}

// HasApprovals reports whether somebody approved something in the history.
func (h *History) HasApprovals() bool { return h.approvals }

// published says which kinds count as posts.
func published(k activity.Kind) bool {
	return k == activity.KindPost || k == activity.KindReply || k == activity.KindRepost
}

// HasApps reports whether posts of the history name their client. Where they
// do not, attacks that show in the client cannot be played.
func (h *History) HasApps() bool { return len(h.apps) > 0 }

// Posts returns how many posts the history holds.
func (h *History) Posts() int { return len(h.posts) }

// Lends reports whether an attacker can send posts of h from the account of
// victim: it is another account with posts enough, and both name their clients or
// neither does.
func (h *History) Lends(victim *History) bool {
	return h.Account != victim.Account && h.HasApps() == victim.HasApps() && h.Posts() >= splicePosts
}

// post returns the i-th post; time and app return what is asked of many.
func (h *History) post(i int) *activity.Activity { return h.At(h.posts[i]) }
func (h *History) time(i int) time.Time          { return h.kept[h.posts[i]].at }
func (h *History) app(i int) string              { return h.kept[h.posts[i]].app }

// before returns how many posts are older than t.
func (h *History) before(t time.Time) int {
	i, _ := slices.BinarySearchFunc(h.posts, t, func(k int, t time.Time) int {
		if h.kept[k].at.Before(t) {
			return -1
		}
		return 1
	})
	return i
}
