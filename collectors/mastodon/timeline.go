package mastodon

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	api "github.com/mattn/go-mastodon"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

const (
	pageSize   = 40  // most that a page holds
	maxPages   = 500 // of a walk: 20,000 statuses
	maxHistory = 10  // histories asked for in a poll

	// sweepEvery is how often all watched statuses are read again.
	sweepEvery = 10 * time.Minute
)

// timeline reads one page of the account's statuses, and ends or goes on with
// its walk. How far it was read changes only when the page was read whole.
func (r *round) timeline() error {
	l := &r.st.Posts
	w := walk{First: l.Since == 0, Above: r.above()}
	if l.Walk != nil {
		w = *l.Walk
	}
	size := pageSize
	if w.First {
		size = max(1, min(pageSize, r.c.cfg.Backfill-w.Read)) // no more history than is wanted
	}
	page, next, err := r.client.statuses(r.ctx, r.st.User, api.Pagination{MaxID: api.ID(w.Max), SinceID: api.ID(w.Above), Limit: int64(size)})
	if err != nil {
		return err
	}
	now := r.note()
	if w.Pages == 0 {
		w.Start = now.UnixMilli()
	}
	w.Pages++
	w.Read += r.client.ex.answer.count
	if w.First {
		r.page.Backfill = true
	}
	// Newest first, whatever the server's order: take compares with what is
	// watched so far.
	slices.SortStableFunc(page, func(a, b *status) int { return b.ID.Compare(a.ID) })
	for _, s := range page {
		w.meet(string(s.ID), l.Mark, s.CreatedAt)
		if err := r.take(&w, s); err != nil {
			return err
		}
	}
	if err := checkNext(next, w.Max); err != nil {
		return err
	}
	w.Max = next
	if next == "" || r.deepEnough(&w) || w.Pages >= r.c.maxPages {
		r.endWalk(l, &w)
		return nil
	}
	l.Walk = &w
	return nil
}

// above returns the id above which a new walk reads: that of the newest watched
// status that lies before the overlap, or "" when all watched ones are to be
// read again.
func (r *round) above() string {
	if r.c.cfg.Watch < 0 || collectors.Due(r.clock(), r.st.Swept, sweepEvery) {
		return ""
	}
	for _, w := range r.st.Watch {
		if w.At <= r.st.Posts.Since {
			return w.ID
		}
	}
	return ""
}

// checkNext refuses to go on with a page that was read just now, forever, or
// below what is no id.
func checkNext(next, last string) error {
	switch {
	case next == "":
		return nil
	case !isID(next):
		return &collectors.Malformed{Field: "Link header", Err: badID("max_id", next)}
	case next == last:
		return &collectors.Malformed{Field: "Link header", Err: fmt.Errorf("the next page is below %s again", next)}
	}
	return nil
}

// deepEnough reports whether a walk has come to what was read for good.
func (r *round) deepEnough(w *walk) bool {
	if w.First {
		return w.Read >= r.c.cfg.Backfill
	}
	if w.Low == "" || w.LowAt > r.st.Posts.Since {
		return false
	}
	n := len(r.st.Watch)
	return n == 0 || w.Above != "" || compareIDs(w.Low, r.st.Watch[n-1].ID) <= 0
}

// endWalk moves the lane over a walk that is complete.
func (r *round) endWalk(l *lane, w *walk) {
	r.st.sweep(w)
	if w.Above == "" {
		r.st.Swept, r.st.Blank = w.Start/1000, w.Read == 0
	}
	if w.Max != "" && !w.First && !r.deepEnough(w) {
		r.gap(l, w, "statuses")
	}
	l.advance(w, r.c.cfg.Overlap)
}

// advance ends a walk.
func (l *lane) advance(w *walk, overlap time.Duration) {
	l.Since = max(l.Since, w.Start-overlap.Milliseconds(), 1)
	if w.Top != "" && (l.Mark == "" || compareIDs(w.Top, l.Mark) > 0) {
		l.Mark = w.Top
	}
	l.Walk = nil
}

// gap reports a walk that was given up. It is new, so that no page has two.
func (r *round) gap(l *lane, w *walk, what string) {
	if w.Met || w.LowAt <= l.Since {
		return // what was left is known
	}
	r.fresh, r.page.Gap = true, &collectors.Gap{
		From: time.UnixMilli(l.Since).UTC(), Until: time.UnixMilli(w.LowAt).UTC(),
		Reason: fmt.Sprintf("there were more than %d %s since the last poll; poll more often", w.Read, what),
	}
}

// take hands over what is new of one status, and what the overlap repeats.
func (r *round) take(w *walk, s *status) error {
	id, edited := string(s.ID), editedAt(s)
	recent := w.First || s.CreatedAt.UnixMilli() > r.st.Posts.Since
	if known := r.st.find(id); known != nil {
		known.Met, known.Missing = true, false
		if recent {
			r.emitPost(s, nil, false)
		}
		if edited <= known.Edited {
			return nil
		}
		before := known.Edited
		known.Edited = edited
		history, err := r.history(s)
		if err != nil {
			return err
		}
		r.emitEdits(s, history, before, true)
		return nil
	}
	if r.st.isGone(id) {
		return nil
	}
	fresh := w.First || r.st.Posts.Mark == "" || compareIDs(id, r.st.Posts.Mark) > 0 || r.st.inWindow(id)
	late := !recent && r.st.inWindow(id)
	kept := r.st.watch(watched{
		ID: id, At: s.CreatedAt.UnixMilli(), Edited: edited, Met: true,
		Only: s.Reblog != nil || s.Visibility != "public" && s.Visibility != "unlisted" && s.Visibility != "",
	}, r.c.cfg.Watch)
	if !recent && !late {
		return nil // read before, or older than the history that was wanted
	}
	var history []version
	if edited > 0 && kept && !w.First {
		var err error
		if history, err = r.history(s); err != nil {
			return err
		}
	}
	r.emitPost(s, history, fresh)
	if edited > 0 {
		r.emitEdits(s, history, 0, fresh)
	}
	return nil
}

// version is what a status said at a time.
type version struct {
	at time.Time
	content
}

// history returns all versions of an edited status, the first and the current
// one included; none where the server has no history, or too many were asked
// for already. It is asked for live edits only: what stood there between two
// polls shows nowhere else.
func (r *round) history(s *status) ([]version, error) {
	if r.asked >= maxHistory {
		return nil, nil
	}
	r.asked++
	edits, err := r.client.history(r.ctx, string(s.ID))
	refused, answered := errors.AsType[*APIError](err)
	_, limited := errors.AsType[*collectors.RateLimited](err)
	switch {
	case err == nil:
	case r.ctx.Err() != nil || limited:
		return nil, err
	case answered && refused.Status == http.StatusNotFound: // before Mastodon 3.5
		return nil, nil
	default: // no reason to hide the edit itself
		r.c.deps.Log.Warn("history of an edited status cannot be read; only its last version is told",
			zap.String("account", r.c.cfg.Account), zap.Error(r.c.bare(err)))
		return nil, nil
	}
	r.note()
	out := make([]version, 0, len(edits))
	for _, e := range edits {
		out = append(out, version{at: e.CreatedAt, content: content{html: e.Content, warning: e.SpoilerText, media: e.MediaAttachments, quotes: s.quotes()}})
	}
	slices.SortStableFunc(out, func(a, b version) int { return a.at.Compare(b.at) })
	return out, nil
}

// emitPost hands a status over as it was first, as far as that is known.
func (r *round) emitPost(s *status, history []version, fresh bool) {
	a := r.post(s)
	if len(history) > 1 {
		fill(&a, history[0].content)
	}
	r.emit(&a, fresh)
}

// emitEdits hands over the versions of a status after the one of before, in ms
// since 1970. Versions that only its history knows come first; its last is the
// status as it is.
func (r *round) emitEdits(s *status, history []version, before int64, fresh bool) {
	last := editedAt(s)
	for i := 1; i < len(history)-1; i++ {
		if at := history[i].at.UnixMilli(); at > before && at < last {
			r.emitEdit(s, history[i].at, history[i].content, fresh)
		}
	}
	r.emitEdit(s, s.EditedAt, contentOf(s), fresh)
}

// emitEdit hands over one version. Mastodon gives versions no ids, so theirs is
// the status's with the time of the edit.
func (r *round) emitEdit(s *status, at time.Time, c content, fresh bool) {
	a := r.post(s)
	a.Kind, a.Time, a.Object = activity.KindEdit, at.UTC(), string(s.ID)
	a.ID = fmt.Sprintf("%s.%d", s.ID, at.UnixMilli())
	fill(&a, c)
	r.emit(&a, fresh)
}

// editedAt returns when a status was last edited, in ms since 1970, 0 if never.
// A boost shows its original's edits, which are not the account's.
func editedAt(s *status) int64 {
	if s.EditedAt.IsZero() || s.Reblog != nil {
		return 0
	}
	return max(0, s.EditedAt.UnixMilli())
}
