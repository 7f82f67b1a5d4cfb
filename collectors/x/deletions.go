package x

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// maxConfirm bounds the single look-ups that confirm a deletion with API v1.1.
// What is not confirmed in this round is in the next.
const maxConfirm = 20

// deletions looks up the watched posts in one request and tells which are
// deleted. Only X's own word that a post does not exist counts: with API v2 a
// problem of type resource-not-found about that post. A bulk look-up of v1.1
// merely leaves posts out, for whatever reason, so each one left out is asked
// for by itself, and only code 144 counts. All other refusals, and a look-up
// that fails, leave the posts watched.
//
// X tells neither when nor by whom a post was deleted; the time is that of the
// look. Reposts are not watched, because they also vanish when the original
// does. While the account itself cannot be seen nothing is concluded.
func (r *round) deletions() error {
	watch := slices.Clone(r.st.Watch)
	if len(watch) == 0 || !r.seen {
		return nil
	}
	byID := make(map[int64]watched, len(watch))
	ids := make([]int64, 0, len(watch))
	for _, w := range watch {
		byID[w.newest()] = w
		ids = append(ids, w.newest())
	}
	found, err := r.client.lookup(ids)
	if err != nil {
		return r.failed("look-up of recent posts", err)
	}
	now := r.note()
	missing := r.ex.answer.missing
	if r.st.PaidWatch != day(now) {
		r.charge(r.ex.answer.posts, 0)
		r.st.PaidWatch = day(now)
	}
	for i := range found {
		delete(byID, found[i].ID)
		delete(missing, found[i].ID) // data outweighs an error about it
	}
	if r.c.cfg.API == APIv11 {
		if missing, err = r.confirm(ids, byID); err != nil {
			return err
		}
	}
	for _, id := range ids { // newest first, the same order each time
		if w, left := byID[id]; left && missing[id] {
			r.deleted(w, now)
		}
	}
	return nil
}

// suspected looks up the posts that X's events say were deleted, and tells of
// those that do not exist. Of the others nothing is concluded: X's answers are
// not consistent to the second.
func (r *round) suspected() error {
	if !r.seen {
		return nil
	}
	var ids []int64
	for _, id := range r.suspects {
		known := slices.ContainsFunc(r.st.Watch, func(w watched) bool { return w.First == id || w.Last == id })
		if !known && !slices.Contains(r.settled, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := r.client.lookup(ids)
	if err != nil {
		return r.failed("look-up of deleted posts", err)
	}
	now := r.note()
	r.charge(r.ex.answer.posts, 0)
	missing := r.ex.answer.missing
	for i := range found {
		delete(missing, found[i].ID) // data outweighs an error about it
	}
	for _, id := range ids {
		if missing[id] {
			r.deleted(watched{First: id}, now)
		}
	}
	return nil
}

// confirm asks API v1.1 for posts that a look-up left out, one by one, and
// returns those that do not exist.
func (r *round) confirm(ids []int64, left map[int64]watched) (map[int64]bool, error) {
	missing := map[int64]bool{}
	asked := 0
	for _, id := range ids {
		if _, ok := left[id]; !ok {
			continue
		}
		if asked++; asked > maxConfirm {
			break
		}
		err := r.client.exists(id)
		var refused *APIError
		switch {
		case err == nil:
		case errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Code == codeNoStatus:
			missing[id] = true
		case errors.As(err, &refused) && refused.Status == http.StatusForbidden && refused.Code == codeNotVisible:
			// Hidden from this credential: not deleted as far as is known.
		default:
			return nil, r.failed("look-up of a missing post", err)
		}
	}
	return missing, nil
}

func (r *round) deleted(w watched, now time.Time) {
	id := formatID(w.First)
	a := r.activity(activity.KindDelete, id, now.Truncate(time.Second))
	a.Object = id
	r.st.unwatch(w.First)
	for _, post := range r.suspects {
		if post == w.First || post == w.Last {
			r.settled = append(r.settled, post)
		}
	}
	r.emit(&a, true)
}
