package bluesky

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Collections that are read.
const (
	collectionPost    = "app.bsky.feed.post"
	collectionRepost  = "app.bsky.feed.repost"
	collectionProfile = "app.bsky.actor.profile"
)

const (
	pageSize   = 100 // most that a page holds
	maxPages   = 500 // of a walk: 50,000 records
	maxConfirm = 20  // deletions asked for in a poll
)

// walk reads one page of a collection, newest keys first, and reports whether
// that was the last one that is wanted. How far it was read changes only when
// the page was read whole.
func (r *round) walk(collection string, l *lane) (bool, error) {
	w := walk{First: l.Since == 0}
	if n := len(l.Watch); n > 0 {
		w.Above = l.Watch[n-1].Key
	}
	if l.Walk != nil {
		w = *l.Walk
	}
	if w.First {
		r.page.Backfill = true
		l.Whole = l.Whole || w.Pages == 0
	}
	page, next, err := r.listRecords(collection, w.Max, r.size(&w))
	if err != nil {
		return false, r.failed(collection, err)
	}
	w.Pages++
	w.Read += len(page)
	for _, rec := range page {
		w.meet(rec.key)
		r.see(collection, l, &w, rec)
	}
	if next != "" && next == w.Max {
		return false, r.failed(collection, &collectors.Malformed{
			Field: "com.atproto.repo.listRecords cursor", Err: fmt.Errorf("the next page begins at %q again", collectors.Clip(next, maxKey)),
		})
	}
	w.Max = next
	if next != "" && !r.deepEnough(l, &w) && w.Pages < r.c.maxPages {
		l.Walk = &w
		return false, nil
	}
	if w.Max != "" && !w.First && !r.deepEnough(l, &w) {
		r.gap(l, &w, collection)
	}
	l.Whole = l.Whole && w.Max == ""
	l.sweep(&w)
	l.Since = max(l.Since, r.st.Round.Start-r.c.cfg.Overlap.Milliseconds(), 1)
	l.Walk = nil
	return true, nil
}

// size is how many records the next page shall hold: no more history than is
// wanted.
func (r *round) size(w *walk) int {
	if w.First {
		return max(1, min(pageSize, r.c.cfg.Backfill-w.Read))
	}
	return pageSize
}

// meet notes a key on the way.
func (w *walk) meet(key string) {
	if w.Low == "" || key < w.Low {
		w.Low = key
		if tid, err := syntax.ParseTID(key); err == nil {
			w.LowAt = tid.Time().UnixMilli()
		}
	}
}

// deepEnough reports whether a walk has come below what is watched and to what
// was read for good.
func (r *round) deepEnough(l *lane, w *walk) bool {
	switch {
	case w.First:
		return w.Read >= r.c.cfg.Backfill
	case l.Whole, w.Low == "":
		return false // to the end: what is below all that is known is new
	}
	return (w.Above == "" || w.Low <= w.Above) && w.LowAt <= l.Since
}

// gap reports a walk that was given up.
func (r *round) gap(l *lane, w *walk, what string) {
	if w.Low <= w.Above || w.LowAt <= l.Since {
		return // what was left is known
	}
	r.fresh, r.page.Gap = true, &collectors.Gap{
		From: time.UnixMilli(l.Since).UTC(), Until: time.UnixMilli(w.LowAt).UTC(),
		Reason: fmt.Sprintf("there were more than %d records of %s since the last poll; poll more often", w.Read, what),
	}
}

// see hands over what is new of one record, and what the overlap repeats.
func (r *round) see(collection string, l *lane, w *walk, rec *record) {
	cid := shortened(rec.CID)
	known := l.find(rec.key)
	if known != nil && (known.Met || known.CID == cid) { // or twice on a page
		known.Met, known.Missing = true, false
		return
	}
	before, deleted := l.wasDeleted(rec.key)
	if known == nil && deleted && before == cid {
		return // a cache that lags behind: the deletion was confirmed
	}
	at, recent := r.timeOf(l, w, rec)
	if known != nil {
		known.CID, known.Met, known.Missing = cid, true, false
		if a, ok := r.translate(collection, rec, r.revTime(r.st.Round.Rev)); ok {
			a.Kind, a.Object, a.ID = activity.KindEdit, a.ID, a.ID+"."+cid
			r.emit(&a, true)
		}
		return
	}
	inWindow := l.inWindow(rec.key)
	kept := l.watch(watched{Key: rec.key, CID: cid, Met: true}, r.c.cfg.Watch)
	if !w.First && !inWindow && !recent {
		return // read before, or older than the history that was wanted
	}
	a, ok := r.translate(collection, rec, at)
	if !ok {
		return
	}
	if deleted { // made again under its old key
		a.ID += "." + cid
	}
	r.emit(&a, w.First || inWindow && kept)
}

// timeOf decides when a record was made, and whether its key says that this
// was since the last round. A key holds a time, which the client may have
// chosen, and so is createdAt. The revisions of the repository are made by the
// server: what is new in a round was written between the last round's revision
// and this one's. Who claims another time is not believed.
func (r *round) timeOf(l *lane, w *walk, rec *record) (at time.Time, recent bool) {
	latest := r.revTime(r.st.Round.Rev)
	claimed := rec.created()
	if tid, err := syntax.ParseTID(rec.key); err == nil {
		claimed = tid.Time()
		recent = claimed.UnixMilli() > l.Since && !claimed.After(r.clock().Add(slack))
	}
	if !sensible(claimed) || claimed.After(latest) {
		return latest, recent
	}
	if w.First {
		return claimed, recent
	}
	earliest := time.UnixMilli(l.Since)
	if tid, err := syntax.ParseTID(r.st.Rev); err == nil && tid.Time().Before(earliest) {
		earliest = tid.Time()
	}
	if claimed.Before(earliest.Add(-r.c.cfg.Overlap)) {
		return latest, recent
	}
	return claimed, recent
}

// sensible reports whether something on Bluesky may have happened then.
func sensible(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 2000 && y < 2200
}

// deletions asks for each watched record that the walks did not meet by itself:
// only the server's word that there is no such record counts. Bluesky tells
// neither when nor by whom something was deleted; the time is that of the
// revision. It reports whether none is left to ask for.
func (r *round) deletions() (bool, error) {
	at := r.revTime(r.st.Round.Rev)
	asked := 0
	for i, l := range []*lane{&r.st.Posts, &r.st.Reposts} {
		collection := [...]string{collectionPost, collectionRepost}[i]
		for _, w := range slices.Clone(l.Watch) {
			if !w.Missing {
				continue
			}
			if asked++; asked > maxConfirm {
				return false, nil // in the next poll
			}
			l.find(w.Key).Missing = false
			there, err := r.exists(collection, w.Key)
			if err != nil {
				return false, r.failed("look-up of a missing record", err)
			}
			if there {
				continue
			}
			id := uri(r.st.DID, collection, w.Key)
			l.unwatch(w)
			a := r.activity(activity.KindDelete, id+"."+w.CID, at)
			a.Object = id
			r.emit(&a, true)
		}
	}
	return true, nil
}

// exists asks for one record and forgets it. A key that is kept as a hash
// cannot be asked for; that the list lacks it is enough.
func (r *round) exists(collection, key string) (bool, error) {
	if len(key) == maxKey-1 && key[16] == '~' {
		return false, nil
	}
	var rec listed
	err := r.get(r.ctx, r.pds(), "com.atproto.repo.getRecord",
		map[string]any{"repo": r.st.DID, "collection": collection, "rkey": key}, &rec)
	switch {
	case err == nil:
		return true, nil
	case refusedAs(err, nameNoRecord):
		return false, nil
	}
	return false, err
}

// listRecords returns a page of a collection, newest keys first, and the
// server's cursor of the next, "" if there is none. Records that cannot be told
// apart from others are noted as malformed.
func (r *round) listRecords(collection, after string, limit int) ([]*record, string, error) {
	params := map[string]any{"repo": r.st.DID, "collection": collection, "limit": limit}
	if after != "" {
		params["cursor"] = after
	}
	var answer struct {
		Records []listed `json:"records"`
		Cursor  string   `json:"cursor"`
	}
	if err := r.get(r.ctx, r.pds(), "com.atproto.repo.listRecords", params, &answer); err != nil {
		return nil, "", err
	}
	if len(answer.Cursor) > maxOpaque {
		return nil, "", &collectors.Malformed{
			Field: "com.atproto.repo.listRecords cursor", Err: fmt.Errorf("%d bytes; want at most %d", len(answer.Cursor), maxOpaque),
		}
	}
	var out []*record
	for i := range answer.Records {
		rec, err := answer.Records[i].record(r.st.DID, collection)
		if err != nil {
			r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
				Field: fmt.Sprintf("com.atproto.repo.listRecords records[%d]", i), Err: err,
			})
			continue
		}
		out = append(out, rec)
	}
	// Newest first, whatever the server's order.
	slices.SortStableFunc(out, func(a, b *record) int { return strings.Compare(b.key, a.key) })
	if answer.Records == nil {
		return nil, "", &collectors.Malformed{Field: "com.atproto.repo.listRecords records", Err: errors.New("missing; want a list")}
	}
	return out, answer.Cursor, nil
}
