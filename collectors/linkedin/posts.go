package linkedin

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// margin is how many posts two pages of a walk have in common. Pages are asked
// for by index, which a deletion between them shifts; a page that does not reach
// back to the one before begins the walk anew.
const margin = 5

// posts reads one page of the posts, and ends or goes on with its walk. How far
// they were read changes only when the page was read whole.
func (r *round) posts() error {
	st, cfg := r.st, &r.c.cfg
	w := walk{First: st.Since == 0}
	if st.Walk != nil {
		w = *st.Walk
		w.Again %= maxAgain
	}
	count := cfg.PageSize
	if w.First { // no more history than is wanted
		count = max(MinPageSize, min(count, cfg.Backfill-w.Read+margin))
	}
	l, err := r.list(r.ctx, call{name: "posts", query: url.Values{
		"q": {"author"}, "author": {cfg.urn()}, "sortBy": {"LAST_MODIFIED"},
	}}, w.From, count)
	if err != nil {
		return r.failed("posts", asLimited(err))
	}
	if w.Start == 0 { // one that had to begin anew keeps its own
		w.Start = r.clock().UnixMilli()
	}
	r.page.Backfill = w.First
	items := r.items(l)
	if !reaches(items, l, &w) {
		r.begin(&w)
		return nil
	}
	w.Pages++
	w.From += max(len(l.Elements)-margin, 1)
	for _, item := range items {
		w.meet(item.place(), st.Mark)
		r.take(&w, item)
	}
	ended := !l.more(count)
	if ended || r.deepEnough(&w) || w.Pages >= r.mostPages(&w) {
		r.endWalk(&w, ended)
		return nil
	}
	st.Walk = &w
	return nil
}

// mostPages bounds a walk. One for history has at least as many as small pages
// take for what is wanted.
func (r *round) mostPages(w *walk) int {
	if !w.First {
		return r.c.maxPages
	}
	return max(r.c.maxPages, r.c.cfg.Backfill/(r.c.cfg.PageSize-margin)+2)
}

// items maps a page, newest change first.
func (r *round) items(l *list) []*item {
	var out []*item
	for i, raw := range l.Elements {
		it, err := readPost(raw, r.c.cfg.urn())
		if err != nil {
			r.malformed(l, i, err)
			continue
		}
		if it != nil {
			out = append(out, it)
		}
	}
	slices.SortStableFunc(out, func(x, y *item) int { return y.place().compare(x.place()) })
	return out
}

// reaches reports whether a page begins where the one before ended, or above.
func reaches(items []*item, l *list, w *walk) bool {
	switch {
	case w.From == 0 || w.Low.ID == "":
		return true
	case len(l.Elements) == 0:
		return false
	}
	return len(items) == 0 || items[0].place().compare(w.Low) >= 0
}

// begin begins a walk anew. Where that was in vain it is told, and the walk rests
// until the next round.
func (r *round) begin(w *walk) {
	r.st.Walk = w.again()
	if r.st.Walk.Again >= maxAgain {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: "paging", Err: fmt.Errorf(
			"pages of posts shifted %d times in a walk, which begins anew in the next round", maxAgain)})
	}
}

// deepEnough reports whether a walk has come to what was read for good, and past
// all posts that are watched.
func (r *round) deepEnough(w *walk) bool {
	if w.First {
		return w.Read >= r.c.cfg.Backfill
	}
	if w.Low.ID == "" || w.Low.At > r.st.Since {
		return false
	}
	n := len(r.st.Watch)
	return n == 0 || w.Low.compare(r.st.Watch[n-1].place) <= 0
}

// endWalk moves the posts over a walk that is complete.
func (r *round) endWalk(w *walk, ended bool) {
	st := r.st
	if !ended && !w.First && !r.deepEnough(w) && !w.Met && w.Low.At > st.Since {
		r.gap(st.Since, w.Low.At, fmt.Sprintf("there were more than %d pages of posts since the last poll; poll more often", w.Pages))
	}
	st.Whole = st.Whole || ended && len(st.Watch) < r.c.cfg.Watch
	st.sweep(w, ended)
	st.Since = max(st.Since, w.Start-r.c.cfg.Overlap.Milliseconds(), 1)
	if w.Top.ID != "" && (st.Mark.ID == "" || w.Top.compare(st.Mark) > 0) {
		st.Mark = w.Top
	}
	st.Walk = nil
}

// take hands over what is new of one post.
func (r *round) take(w *walk, it *item) {
	st, cfg, p := r.st, &r.c.cfg, it.place()
	hash := it.hash()
	if known := st.find(p.ID); known != nil {
		known.Met, known.Missing = true, false
		r.compare(w, known, it, hash)
		return
	}
	if st.isGone(p.ID) {
		return
	}
	post := watched{place: p, Hash: hash, Met: true}
	if w.First {
		if w.Handed.ID == "" || p.compare(w.Handed) < 0 { // else it was on the page before
			w.Handed = p
			st.watch(post, cfg.Watch)
			if w.Read++; w.Read <= cfg.Backfill {
				r.tell(&it.Activity)
			}
		}
		return
	}
	born := it.Activity.Time.UnixMilli()
	recent, late := p.At > st.Since, st.inWindow(p.At)
	isNew := born > st.Since || st.inWindow(born)
	fresh := st.watch(post, cfg.Watch)
	switch {
	case !recent && !late: // older than all that is read
		return
	case isNew:
		r.emit(&it.Activity)
	case it.edited:
		r.emit(it.edit())
	default: // something else of it changed
		return
	}
	r.fresh = r.fresh || fresh
}

// compare tells that a watched post has other words, links or media than before.
// Only what LinkedIn says was changed since can have been edited; where it says that
// the author edited it, and not yet when, the next walks look again.
func (r *round) compare(w *walk, known *watched, it *item, hash string) {
	to := it.place()
	if w.First || to.At < known.At {
		return
	}
	edited := hash != known.Hash && to.At > known.At
	if to.At > known.At || !it.edited {
		known.Hash = hash
	}
	if to.At > known.At {
		r.st.move(*known, to, r.c.cfg.Watch)
	}
	if edited {
		r.tell(it.edit())
	}
}

// edit returns the activity of an edit. What stood there before is told nowhere.
func (it *item) edit() *activity.Activity {
	a := it.Activity
	a.Kind, a.Time, a.Object = activity.KindEdit, it.modified, it.Activity.ID
	a.ID = fmt.Sprintf("%s.%d", it.Activity.ID, it.modified.UnixMilli())
	return &a
}
