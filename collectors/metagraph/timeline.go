package metagraph

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// sweepEvery is how often all watched items are read again, and who has access.
const sweepEvery = 10 * time.Minute

// track returns what is known of a timeline.
func (r *round) track(t *Timeline) *track {
	tr := r.st.Tracks[t.Name]
	if tr == nil {
		tr = &track{}
		r.st.Tracks[t.Name] = tr
	}
	return tr
}

// timeline reads one page of a timeline, and ends or goes on with its walk. How
// far it was read changes only when the page was read whole.
func (r *round) timeline(t *Timeline) error {
	tr := r.track(t)
	w := walk{First: tr.Since == 0, Deep: r.rd.opts.Watch > 0 && collectors.Due(r.clock(), tr.Swept, sweepEvery)}
	if tr.Walk != nil {
		w = *tr.Walk
		w.Again %= maxAgain
	}
	size := r.rd.opts.PageSize
	if w.First {
		size = max(1, min(size, r.rd.opts.Backfill-w.Read)) // no more history than is wanted
	}
	a, err := r.get(r.ctx, paged(t.Params, size, w.After), r.st.Me.ID, t.Edge)
	if w.After != "" && staleCursor(err) {
		tr.Walk = r.again(&w, err)
		return nil
	}
	if err != nil {
		return r.failed(t.Name, err)
	}
	if w.First {
		r.page.Backfill = true
	}
	if err := r.takePage(t, tr, &w, a); err != nil {
		return r.failed(t.Name, err)
	}
	if w.After == "" || r.deepEnough(tr, &w) || w.Pages >= r.rd.maxPages {
		r.endWalk(t, tr, &w)
		return nil
	}
	tr.Walk = &w
	return nil
}

// staleCursor reports whether a page's cursor is refused.
func staleCursor(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == codeInvalid && e.Subcode != subcodeGone
}

// again begins a walk anew. Where that was in vain it is told, and the walk rests
// until the next round.
func (r *round) again(w *walk, err error) *walk {
	next := w.again()
	if next.Again >= maxAgain {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: "paging.cursors.after", Err: fmt.Errorf(
			"refused %d times in a walk, which begins anew in the next round: %w", maxAgain, err)})
	}
	return next
}

// takePage hands over a page of a timeline.
func (r *round) takePage(t *Timeline, tr *track, w *walk, a *Answer) error {
	l, err := decodeList(a)
	if err != nil {
		return err
	}
	next, err := l.next(w.After)
	if err != nil {
		return err
	}
	if w.Start == 0 { // one that had to begin anew keeps its own
		w.Start = r.clock().UnixMilli()
	}
	w.Pages++
	w.Read += len(l.Data)
	var items []*Item
	for i, raw := range l.Data {
		item, err := t.Map(raw, r.st.Me)
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		if item == nil {
			continue
		}
		r.own(&item.Activity)
		items = append(items, item)
	}
	if n := len(items); n > 0 {
		w.Low = placeOf(items[n-1]) // before they are put in order: a pinned item comes first
	}
	slices.SortStableFunc(items, func(x, y *Item) int { return placeOf(y).compare(placeOf(x)) })
	for _, item := range items {
		w.meet(placeOf(item), tr.Mark)
		r.take(tr, w, item)
	}
	w.After = next
	return nil
}

func placeOf(item *Item) place {
	return place{At: item.Activity.Time.UnixMilli(), ID: item.Activity.ID}
}

// deepEnough reports whether a walk has come to what was read for good.
func (r *round) deepEnough(tr *track, w *walk) bool {
	if w.First {
		return w.Read >= r.rd.opts.Backfill
	}
	if w.Low.ID == "" || w.Low.At > tr.Since {
		return false
	}
	n := len(tr.Watch)
	return n == 0 || !w.Deep || w.Low.compare(tr.Watch[n-1].place) <= 0
}

// endWalk moves a timeline over a walk that is complete.
func (r *round) endWalk(t *Timeline, tr *track, w *walk) {
	tr.sweep(w, t.Life)
	if w.Deep || w.First {
		tr.Swept = w.Start / 1000
	}
	if w.After != "" && !w.First && !r.deepEnough(tr, w) {
		r.gap(&tr.lane, w, t.Name)
	}
	tr.advance(w, r.rd.opts.Overlap)
}

// isNew reports whether what stands there was not read before. What claims to be
// of the future is met again in each walk until its time has come, and is new then.
func (l *lane) isNew(w *walk, p place) bool {
	return p.At <= w.Start && (l.Mark.ID == "" || p.compare(l.Mark) > 0)
}

// advance ends a walk.
func (l *lane) advance(w *walk, overlap time.Duration) {
	l.Since = max(l.Since, w.Start-overlap.Milliseconds(), 1)
	if w.Top.ID != "" && (l.Mark.ID == "" || w.Top.compare(l.Mark) > 0) {
		l.Mark = w.Top
	}
	l.Walk = nil
}

// gap reports a walk that was given up. It is new, so that no page has two.
func (r *round) gap(l *lane, w *walk, what string) {
	if w.Met || w.Low.At <= l.Since {
		return // what was left is known
	}
	r.fresh, r.page.Gap = true, &collectors.Gap{
		From: time.UnixMilli(l.Since).UTC(), Until: time.UnixMilli(w.Low.At).UTC(),
		Reason: fmt.Sprintf("there were more than %d %s since the last poll; poll more often", w.Read, what),
	}
}

// take hands over what is new of one item, and what the overlap repeats.
func (r *round) take(tr *track, w *walk, item *Item) {
	p := placeOf(item)
	hash := hashOf(item)
	recent := w.First || p.At > tr.Since
	if known := tr.find(p.ID); known != nil {
		known.Met, known.Missing = true, false
		if item.Unwritten && known.Hash == hashWith(item.Activity.Text, &item.Activity) { // as it was kept once
			known.Hash = hash
		}
		if recent && !w.First && known.Edits == 0 && known.Hash == hash {
			r.emit(&item.Activity, false)
		}
		if known.Hash != hash {
			r.edit(known, item, hash)
		}
		return
	}
	if tr.isGone(p.ID) || w.First && w.Below.ID != "" && p.compare(w.Below) >= 0 {
		return
	}
	fresh := w.First || tr.isNew(w, p) || tr.inWindow(p)
	late := !recent && tr.inWindow(p)
	if r.rd.opts.Watch > 0 {
		tr.watch(watched{place: p, Hash: hash, Met: true}, r.rd.opts.Watch)
	}
	if recent || late {
		r.emit(&item.Activity, fresh)
	}
}

// edit tells that an item has other words, links or media than before. The
// Graph API gives versions no ids and no times of their own.
func (r *round) edit(known *watched, item *Item, hash string) {
	known.Hash = hash
	known.Edits++
	now := r.clock().Truncate(time.Second)
	at := now
	if u := item.Updated; u.After(item.Activity.Time) && u.Before(now) {
		at = u
	}
	a := item.Activity
	a.Kind, a.Time, a.Object = activity.KindEdit, at.UTC(), item.Activity.ID
	a.ID = fmt.Sprintf("%s.%d-%s", item.Activity.ID, known.Edits, hash)
	r.emit(&a, true)
}

// hashOf is of what an edit changes.
func hashOf(item *Item) string {
	if item.Unwritten {
		return hashWith("", &item.Activity)
	}
	return hashWith(item.Activity.Text, &item.Activity)
}

func hashWith(text string, a *activity.Activity) string {
	parts := []string{text}
	parts = append(parts, a.Links...)
	for i := range a.Media {
		parts = append(parts, a.Media[i].Hash)
	}
	return collectors.Digest(parts...)
}
