package reddit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Lists of the account: the last part of their paths.
const (
	submissions = "submitted"
	comments    = "comments"
)

// kindIn is the kind of the items of a list.
func kindIn(what string) string {
	if what == comments {
		return kindComment
	}
	return kindSubmission
}

// listEnd is where Reddit's lists end, in items; those that were deleted since are
// missing.
const listEnd = 1000

// most bounds a walk over a list, in items: one page more than it has, since items
// come twice when newer ones push them onto the next page, and one for the rest.
func (c *Collector) most() int { return listEnd + 2*c.size }

// whole reports whether a walk came to where Reddit's lists end. That it did not
// is not certain: those that were deleted since are missing.
func (w *walk) whole() bool { return w.Asked >= listEnd || w.Items >= listEnd*9/10 }

// maxAgain bounds how often a walk begins anew.
const maxAgain = 3

// list reads one page of a list of the account, newest first, and ends or goes
// on with its walk. How far it was read changes only when the page was read
// whole.
//
// Pages are walked down by after. Where the item was deleted that a page begins
// behind, Reddit answers with nothing at all, and the walk begins anew; that of
// history ends there.
func (r *round) list(l *lane, what string) error {
	if l.Done {
		return nil
	}
	w := walk{First: l.Since == 0, Start: r.clock().Unix()}
	if l.Walk != nil {
		w = *l.Walk
	}
	if w.First && r.held { // what is live was met beside it, and goes by itself
		r.page.More = true
		return nil
	}
	size := r.c.size
	if w.First {
		size = max(1, min(size, r.c.cfg.Backfill-w.Items)) // no more history than is wanted
	}
	behind := w.After
	a, err := r.pageOf(what, "/user/"+r.c.cfg.name()+"/"+what, url.Values{"sort": {"new"}}, &w, size, false)
	lost, err := r.lost(behind, a, err)
	if err != nil {
		return err
	}
	if lost && !w.First && w.Again < maxAgain {
		l.Walk, r.st.Round = &walk{Start: w.Start, Top: w.Top, Again: w.Again + 1}, r.clock().Unix()
		return nil
	}
	if lost {
		a, w.After = &answer{}, ""
	}
	for i, it := range a.items {
		t, err := readThing(it, r.c.cfg.name())
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		r.met[t.name()] = true
		w.Met = w.Met || t.place == l.Mark
		if !t.Pinned { // pinned ones stand before newer ones
			w.meet(t.place)
			if low, ok := r.low[t.kind]; !ok || t.compare(low) < 0 {
				r.low[t.kind] = t.place
			}
		}
		r.take(l, &w, t)
	}
	r.page.Backfill, r.st.Round = w.First, r.clock().Unix()
	enough := w.First && w.Items >= r.c.cfg.Backfill || !w.First && w.Low != 0 && w.Low < l.Since
	if w.After != "" && !enough && w.Asked < r.c.most() {
		l.Walk = &w
		return nil
	}
	if !w.First && !enough && w.Low > l.Mark.At {
		if err := r.between(l, &w, what, lost); err != nil {
			return err
		}
	}
	l.Whole = l.Whole || w.First && w.After == "" && !lost && len(l.Watch) < r.c.cfg.Watch
	l.advance(&w, seconds(r.c.cfg.Overlap))
	l.Done = true
	return nil
}

// lost reports whether a page says nothing of what is left of its list: it is empty,
// or refused, since the item that it begins behind was deleted, or may not be seen
// any more. Also the last page can be empty: a full one names another, whether
// there is more or not.
func (r *round) lost(behind string, a *answer, err error) (bool, error) {
	if behind == "" {
		return false, err
	}
	if e, answered := errors.AsType[*APIError](err); answered && !e.foreign && e.Reason != "insufficient_scope" &&
		(e.Status == http.StatusForbidden || e.Status == http.StatusNotFound) {
		return true, nil
	}
	if err != nil || len(a.items) > 0 || a.after != "" {
		return false, err
	}
	there, err := r.stands(behind)
	return !there, err
}

// stands reports whether an item of the account is there, by its name.
func (r *round) stands(name string) (bool, error) {
	a, err := r.listed(r.ctx, "/api/info", url.Values{"id": {name}})
	if err != nil {
		return false, r.failed("item "+name, err)
	}
	for i, it := range a.items {
		t, err := readThing(it, r.c.cfg.name())
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		if t.name() == name {
			return t.gone() != author, nil
		}
	}
	return false, nil
}

// between tells of a gap where a list ended before what was read last time. Where
// it was not whole, only that the item stands which was the newest then says that
// the list does not go back as far.
func (r *round) between(l *lane, w *walk, what string, lost bool) error {
	reason := fmt.Sprintf("there were more %s than the newest 1,000 that Reddit lists since the last poll; poll more often", what)
	switch {
	case lost:
		reason = fmt.Sprintf("Reddit showed no page of %s behind an item that is gone, %d times", what, maxAgain+1)
	case w.whole():
	case w.Met || l.Mark.ID == "":
		return nil
	default:
		if there, err := r.stands(kindIn(what) + "_" + l.Mark.ID); err != nil || !there {
			return err
		}
		reason = fmt.Sprintf("Reddit's list of %s ended before the newest item of the last poll, which still stands: what is between may be lost; poll more often", what)
	}
	r.fresh, r.page.Gap = true, &collectors.Gap{From: timeOf(l.Since), Until: timeOf(w.Low), Reason: reason}
	return nil
}

// take hands over a thing, or what changed of it.
func (r *round) take(l *lane, w *walk, t *thing) {
	if known := l.find(t.place.ID); known != nil {
		if t.kind == kindComment && known.Gone != "" && t.gone() == "" {
			return // the account's own list shows a comment as it was: r.sweep asks by name
		}
		r.compare(known, t)
		return
	}
	window := l.inWindow(t.place)
	if !w.First && !window && t.At < l.Since {
		return // older than what is watched
	}
	known := l.watch(t.watched(), r.c.cfg.Watch)
	a := t.activity()
	r.emit(&a)
	// Beyond the window nobody knows whether it was handed over before.
	r.held = true
	r.fresh = r.fresh || window || w.First
	switch {
	case known == nil:
	case w.First:
		known.Gone = t.gone() // when it was taken away nobody tells
	default:
		r.compare(known, t)
	}
}

// compare tells what changed of a watched thing. What its author deleted does
// not come back; where it seems so, the answer is older than the deletion.
func (r *round) compare(known *watched, t *thing) {
	by := t.gone()
	switch {
	case known.Gone == author || by != "" && by != author && known.Gone != "":
	case by != "" && by != known.Gone:
		r.went(known, t, by)
	case by == "" && known.Gone != "":
		known.Edits++
		a := t.edit(known, r.second().Unix())
		a.Time, a.Changed, a.Old = r.second(), []string{"removed_by"}, fieldsOf("removed_by", known.Gone)
		known.Text = collectors.Digest(t.text()) // its place stays: Reddit may date anew what is approved
		known.Gone = ""
		r.tell(&a)
	case by == "" && collectors.Digest(t.text()) != known.Text:
		known.Edits++
		a := t.edit(known, r.second().Unix())
		a.Changed = []string{"text"}
		known.Text = collectors.Digest(t.text())
		r.tell(&a)
	}
}

// went tells that a watched thing was taken away. Reddit tells no time of that.
func (r *round) went(known *watched, t *thing, by string) {
	a := activity.Activity{
		ID: t.name(), Kind: activity.KindDelete, Time: r.second(), Object: t.name(),
		Profile: fieldsOf("removed_by", by, "subreddit", collectors.Clip(plain(t.Subreddit), 60)),
	}
	if known.Went > 0 {
		a.ID = fmt.Sprintf("%s.%d", t.name(), known.Went)
	}
	known.Gone = by
	known.Went++
	r.tell(&a)
}

// pageOf asks for the next page of a walk, of size items at most, and moves the
// walk over it. Others says that the list holds what others wrote.
func (r *round) pageOf(what, path string, params url.Values, w *walk, size int, others bool) (*answer, error) {
	ctx := r.ctx
	if others {
		ctx = collectors.ForMentions(ctx)
	}
	if w.After != "" {
		params.Set("after", w.After)
		params.Set("count", strconv.Itoa(w.Items))
	}
	size = min(size, r.c.limit())
	params.Set("limit", strconv.Itoa(size))
	a, err := r.listed(ctx, path, params)
	for err != nil && r.c.shrink(err) {
		size = min(size, r.c.limit())
		params.Set("limit", strconv.Itoa(size))
		a, err = r.listed(ctx, path, params)
	}
	if err != nil {
		return nil, r.failed(what, err)
	}
	if a.after != "" && a.after == w.After {
		return nil, r.failed(what, &collectors.Malformed{Field: "data.after", Err: errors.New("the next page is the one that was read")})
	}
	if w.Pages == 0 {
		w.Start = min(w.Start, r.clock().Unix())
	}
	w.Pages++
	w.Asked += size
	w.Items += len(a.items)
	w.After = a.after
	return a, nil
}
