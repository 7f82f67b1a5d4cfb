package hijack

import (
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// History is what one account did, oldest first.
type History struct {
	Account    string
	Hashed     bool // its words are replaced by hashes, so that real words look strange in it by themselves
	Activities []activity.Activity

	posts []int           // of Activities: what it published
	apps  map[string]bool // clients that its posts came from, as far as they say
	codes bool            // its languages are BCP 47 codes, not names
}

// NewHistory returns the history of an account. The activities are kept, not
// copied; they are sorted by time, stably.
func NewHistory(account string, hashed bool, activities []activity.Activity) *History {
	slices.SortStableFunc(activities, func(a, b activity.Activity) int { return a.Time.Compare(b.Time) })
	h := &History{Account: account, Hashed: hashed, Activities: activities, apps: map[string]bool{}}
	for i := range activities {
		a := &activities[i]
		if !published(a.Kind) {
			continue
		}
		h.posts = append(h.posts, i)
		if a.App != "" {
			h.apps[a.App] = true
		}
		h.codes = h.codes || len(a.Lang) == 2
	}
	return h
}

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

// post returns the i-th post.
func (h *History) post(i int) *activity.Activity { return &h.Activities[h.posts[i]] }

// before returns how many posts are older than t.
func (h *History) before(t time.Time) int {
	i, _ := slices.BinarySearchFunc(h.posts, t, func(k int, t time.Time) int {
		if h.Activities[k].Time.Before(t) {
			return -1
		}
		return 1
	})
	return i
}
