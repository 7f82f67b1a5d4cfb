package x

import (
	"fmt"
	"strings"
	"time"

	"github.com/dghubble/go-twitter/twitter" //nolint:staticcheck // archived, and the client this is built on: what it lacks is in this package

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// laneKind tells the two timelines apart.
type laneKind int

const (
	postsLane laneKind = iota
	mentionsLane
)

func (k laneKind) String() string {
	if k == mentionsLane {
		return "mentions"
	}
	return "posts"
}

// keepPosts and keepMentions are how many posts X keeps of each timeline.
const keepPosts, keepMentions = 3200, 800

// maxPages bounds a walk. 3,200 posts are 32 pages; X may send emptier ones.
const maxPages = 100

// timeline reads one page of a timeline, and ends or goes on with its walk.
// How far it was read changes only when the page was read whole.
func (r *round) timeline(kind laneKind) error {
	l := &r.st.Posts
	if kind == mentionsLane {
		l = &r.st.Mentions
		if l.Since == 0 {
			// No history of others' posts: it begins with the connection.
			l.Since = snowflakeAt(r.clock().Add(-r.c.cfg.Overlap))
			l.Mark = l.Since
		}
	}
	if err := r.mayRead(kind); err != nil {
		return err
	}
	w := walk{First: l.Since == 0}
	if l.Walk != nil {
		w = *l.Walk
	}
	tweets, err := r.fetch(kind, span{count: r.pageSize(&w), since: l.Since, max: w.Max}, w.Token)
	if err != nil {
		return r.failed(kind.String(), err)
	}
	now := r.note()
	if w.Pages == 0 {
		w.Start = now.UnixMilli()
	}
	answer := r.ex.answer
	oldest, unpaid := r.take(kind, l, &w, tweets)
	if l.Paid != day(now) {
		unpaid = answer.posts
	}
	if unpaid > 0 {
		// X does not say that what expansions bring is free, so it is counted.
		r.charge(unpaid+answer.extras, answer.users)
	}
	if w.First {
		r.page.Backfill = true
	}
	w.Pages++
	w.Read += answer.count
	w.Token = ""
	switch {
	case oldest > 0:
		w.Max = oldest - 1
	case answer.more && answer.token != "" && len(answer.token) <= maxToken:
		w.Token = answer.token
	default:
		answer.more = false // there is no way on
	}
	if answer.more && w.Pages < maxPages && (!w.First || w.Read < r.c.cfg.Backfill) {
		l.Walk = &w
		return nil
	}
	return r.endWalk(kind, l, &w)
}

// mayRead refuses mentions that would be somebody else's: API v1.1 gives those
// of the credential's own user, whose number begins the access token.
func (r *round) mayRead(kind laneKind) error {
	if kind != mentionsLane || r.c.cfg.API != APIv11 {
		return nil
	}
	owner, _, _ := strings.Cut(r.c.cfg.AccessToken.Reveal(), "-")
	if id := parseID(owner); id == 0 || id == r.st.User {
		return nil
	}
	return &collectors.Forbidden{
		Mend: "use api: v2, or a credential of the account itself, or switch mentions off",
		Err:  fmt.Errorf("x: mentions of %s: API v1.1 tells those of the credential's own account only", r.c.cfg.Account),
	}
}

// pageSize asks for no more history than is wanted.
func (r *round) pageSize(w *walk) int {
	if !w.First {
		return maxPage
	}
	return max(minPage, min(maxPage, r.c.cfg.Backfill-w.Read))
}

func (r *round) fetch(kind laneKind, s span, token string) ([]twitter.Tweet, error) {
	s.user = r.st.User
	r.ex.user, r.ex.token = r.st.User, token
	if kind == mentionsLane {
		r.ex.ctx = collectors.ForMentions(r.ctx)
		defer func() { r.ex.ctx = r.ctx }()
		return r.client.mentions(s)
	}
	return r.client.posts(s)
}

// take maps the posts of a page. It returns the oldest id, 0 if there was none,
// and how many posts were not read before.
func (r *round) take(kind laneKind, l *lane, w *walk, tweets []twitter.Tweet) (oldest int64, unread int) {
	from := r.overlapOf(l)
	for i := range tweets {
		t := &tweets[i]
		w.Top = max(w.Top, t.ID)
		if oldest == 0 || t.ID < oldest {
			oldest = t.ID
		}
		if t.ID <= l.Mark {
			w.Met = true
		} else {
			unread++
		}
		history := r.ex.answer.histories[t.ID]
		if kind == mentionsLane {
			if t.User != nil && t.User.ID == r.st.User {
				continue // the account speaks to itself: its timeline has it
			}
			a := r.mention(t, history)
			r.emit(&a, t.ID > l.Mark)
			r.keepOverlap(&a, t.ID, l, from)
			continue
		}
		a := r.post(t, history)
		fresh := t.ID > l.Mark
		if a.Kind != activity.KindRepost {
			first := versionOne(t.ID, history)
			fresh = r.st.fresh(first, t.ID)
			r.st.watch(first, t.ID, max(0, r.c.cfg.Rehydrate))
		}
		r.emit(&a, fresh)
		r.keepOverlap(&a, t.ID, l, from)
	}
	return oldest, unread
}

// keepOverlap makes the page's overlap reach a post whose time lies before the
// overlap although its id lies in it.
func (r *round) keepOverlap(a *activity.Activity, id int64, l *lane, from time.Time) {
	if id > l.Since && l.Since > 0 && a.Time.Before(from) {
		r.lowerOverlap(a.Time.Truncate(time.Second))
	}
}

// versionOne returns the id of a post's first version.
func versionOne(id int64, history []int64) int64 {
	if len(history) > 0 && history[0] < id {
		return history[0]
	}
	return id
}

// endWalk moves the lane over a walk that is complete.
func (r *round) endWalk(kind laneKind, l *lane, w *walk) error {
	began := time.UnixMilli(w.Start).UTC()
	if !w.First && !w.Met && (w.Read >= r.c.keep[kind]*9/10 || w.Pages >= maxPages) {
		lost, err := r.isGap(kind, w)
		if err != nil {
			return err
		}
		if lost {
			r.gap(collectors.Gap{
				From: snowflakeTime(l.Mark), Until: snowflakeTime(w.Max + 1),
				Reason: fmt.Sprintf("X keeps the newest %d %s and there were more since the last poll; poll more often", r.c.keep[kind], kind),
			})
		}
	}
	l.Since = max(l.Since, snowflakeAt(began.Add(-r.c.cfg.Overlap)))
	l.Mark = max(l.Mark, w.Top, snowflakeAt(began))
	l.Paid = day(began)
	if w.First {
		r.st.PaidWatch = l.Paid // the posts to be looked up have just been read
	}
	l.Walk = nil
	return nil
}

// isGap asks whether X has anything older than the walk reached. If not, the
// walk ended at X's limit and not at what was read before.
func (r *round) isGap(kind laneKind, w *walk) (bool, error) {
	tweets, err := r.fetch(kind, span{count: minPage, max: w.Max}, "")
	if err != nil {
		return false, r.failed(kind.String(), err)
	}
	r.note()
	r.charge(r.ex.answer.posts+r.ex.answer.extras, r.ex.answer.users)
	return len(tweets) == 0, nil
}

// gap adds a gap to the page, which has room for one: two become their union.
func (r *round) gap(g collectors.Gap) {
	r.fresh = true
	if old := r.page.Gap; old != nil {
		if old.From.Before(g.From) {
			g.From = old.From
		}
		if old.Until.After(g.Until) {
			g.Until = old.Until
		}
		g.Reason = old.Reason + "; " + g.Reason
	}
	r.page.Gap = &g
}
