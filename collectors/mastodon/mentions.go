package mastodon

import (
	"errors"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Types of notification that are mentions, and the documented others, which
// are not asked for (entities/Notification).
const (
	typeMention = "mention"
	typeQuote   = "quote"
)

func otherTypes() []string {
	return []string{
		"status", "reblog", "follow", "follow_request", "favourite", "poll", "update",
		"admin.sign_up", "admin.report", "severed_relationships", "moderation_warning",
		"quoted_update", "added_to_collection", "collection_update",
	}
}

// mentions reads one page of notifications, and ends or goes on with its walk.
// There is no history of others' posts: it begins with the connection.
func (r *round) mentions() error {
	if !r.seen && r.st.Mentions.Walk == nil {
		return nil // whose notifications they would be is not known
	}
	l := &r.st.Mentions
	if l.Since == 0 {
		l.Since = max(1, r.clock().Add(-r.c.cfg.Overlap).UnixMilli())
	}
	var w walk
	if l.Walk != nil {
		w = *l.Walk
	}
	page, next, err := r.client.notifications(collectors.ForMentions(r.ctx), w.Max)
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
		if _, answered := errors.AsType[*APIError](err); !answered {
			r.page.Behind = limited // kept for the account itself
		}
	}
	if err != nil {
		return r.failed("mentions", err)
	}
	now := r.note()
	if w.Pages == 0 {
		w.Start = now.UnixMilli()
	}
	w.Pages++
	w.Read += r.client.ex.answer.count
	slices.SortStableFunc(page, func(a, b *notification) int { return b.ID.Compare(a.ID) })
	for _, n := range page {
		w.meet(string(n.ID), l.Mark, n.CreatedAt)
		r.mention(l, n)
	}
	if err := checkNext(next, w.Max); err != nil {
		return r.failed("mentions", err)
	}
	w.Max = next
	read := w.Low != "" && w.LowAt <= l.Since
	switch {
	case next == "" || read:
	case w.Pages >= r.c.maxPages:
		r.gap(l, &w, "mentions")
	default:
		l.Walk = &w
		return nil
	}
	l.advance(&w, r.c.cfg.Overlap)
	return nil
}

// mention hands over a status of somebody else that mentions or quotes the
// account. Its time is the notification's, when it came to the server, which a
// status from a slow server can precede by hours. A direct message is no
// mention but private correspondence, and left out.
func (r *round) mention(l *lane, n *notification) {
	if n.status == nil || n.status.Visibility == "direct" ||
		!n.CreatedAt.After(time.UnixMilli(l.Since)) {
		return
	}
	a := r.message(activity.KindMention, n.status)
	a.Time, a.Actor, a.App = n.CreatedAt.UTC(), n.Account.Acct, ""
	r.emit(&a, l.Mark == "" || compareIDs(string(n.ID), l.Mark) > 0)
}
