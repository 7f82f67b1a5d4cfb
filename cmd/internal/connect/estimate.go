package connect

import (
	"math"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x"
)

const (
	day   = 24 * time.Hour
	month = 30 // days
)

// polls returns how many polls a day has.
func polls(every time.Duration) float64 { return float64(day) / float64(every) }

// requests returns how many are made a day where each poll makes a few. A poll
// that brings something is followed by another at once: new posts by one
// request more, and the follower count, once an hour, by two.
func requests(every time.Duration, each int, postsPerDay float64) float64 {
	n := polls(every)
	return n*float64(each) + math.Min(postsPerDay, n) + 2*math.Min(24, n)
}

// xTakes is what watching an account of X takes, as collectors/x polls and
// charges: a poll that brings nothing asks for the timeline, the profile and,
// for deletions, the newest posts; X charges each resource once a day whatever
// the number of polls.
type xTakes struct {
	Every     time.Duration
	PerDay    float64 // posts that the account makes a day
	Extras    float64 // posts and media that come with one of them
	Posts     int     // that there are
	Rehydrate int     // newest posts that are looked up again
	Backfill  int     // posts of history that are read at first
	PricePost float64 // US dollars
	PriceUser float64

	Activity     bool // events are heard
	Messages     int  // direct messages that are looked at again; 0 for none
	PriceMessage float64
}

// Requests returns how many are made a day.
func (t xTakes) Requests() float64 {
	each := 2
	if t.watched() > 0 {
		each = 3
	}
	n := requests(t.Every, each, t.PerDay)
	if t.Messages > 0 {
		n += math.Min(polls(t.Every), polls(x.MessagesEvery))
	}
	return n
}

// Events returns the US dollars a month for what X tells at once of new posts.
func (t xTakes) Events() float64 {
	if !t.Activity {
		return 0
	}
	return t.PerDay * t.PricePost * month
}

// Look returns the US dollars a month for looking at direct messages, where
// there are enough of them: each is charged once a day.
func (t xTakes) Look() float64 { return float64(t.Messages) * t.PriceMessage * month }

func (t xTakes) watched() int { return min(t.Rehydrate, t.Posts) }

// NewPosts returns the US dollars a month for what the account posts.
func (t xTakes) NewPosts() float64 { return t.PerDay * (1 + t.Extras) * t.PricePost * month }

// Deletions returns the US dollars a month for looking up the newest posts.
func (t xTakes) Deletions() float64 { return float64(t.watched()) * t.PricePost * month }

// Profile returns the US dollars a month for the profile.
func (t xTakes) Profile() float64 { return t.PriceUser * month }

// Month returns the US dollars a month.
func (t xTakes) Month() float64 {
	return t.NewPosts() + t.Deletions() + t.Profile() + t.Events() + t.Look()
}

// Once returns the US dollars for the history that is read at first.
func (t xTakes) Once() float64 {
	return float64(min(t.Backfill, t.Posts)) * (1 + t.Extras) * t.PricePost
}

// Bound returns a bound for a month's US dollars that leaves room for a busy
// one: twice what is expected and the history, rounded up to 5.
func (t xTakes) Bound() float64 {
	return math.Max(5, math.Ceil((2*t.Month()+t.Once())/5)*5)
}

// use is how much of a limit is taken.
type use struct {
	limit int     // requests in a window, as the network tells
	taken float64 // requests in a window
}

// fits reports whether the limit is enough.
func (u use) fits() bool { return u.limit <= 0 || u.taken <= float64(u.limit) }

// tightest returns the limit that is used up most, of those that the network
// told while it was asked: polls in a window make each requests of a kind.
func tightest(b *collectors.Budget, polls float64, each int) use {
	out := use{taken: polls * float64(each)}
	for _, e := range b.Status().Endpoints {
		if e.Limit > 0 && (out.limit == 0 || e.Limit < out.limit) {
			out.limit = e.Limit
		}
	}
	return out
}
