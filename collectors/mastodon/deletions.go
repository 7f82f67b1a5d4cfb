package mastodon

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

const (
	// maxConfirm bounds the single look-ups of a poll. What is not confirmed in
	// this round is in the next.
	maxConfirm = 20
	// maxBatch is how many statuses Mastodon gives at once.
	maxBatch = 20
)

// deletions tells which of the watched statuses that the timeline no longer
// shows are deleted. A timeline can lack a status for other reasons, and a
// look-up of several leaves out what this login may not see; so each is asked
// for by itself, and only Mastodon's own "404 Record not found" counts. All
// other refusals leave a status watched.
//
// Mastodon tells neither when nor by whom a status was deleted; the time is
// that of the look. While the account itself cannot be seen, or shows no status
// at all although it says that it has as many as before, nothing is concluded.
func (r *round) deletions() error {
	if !r.seen {
		return nil
	}
	missing := r.st.missing()
	if r.st.Blank && len(missing) > 0 && r.st.Shown > 0 && r.statuses >= r.st.Shown {
		r.c.deps.Log.Warn("the account says that it has statuses and shows none; no deletion is concluded",
			zap.String("account", r.c.cfg.Account), zap.Int64("statuses", r.statuses))
		return nil
	}
	if !r.st.Blank {
		r.st.Shown = max(0, r.statuses)
	}
	missing, err := r.withoutShown(missing)
	if err != nil {
		return r.failed("look-up of missing statuses", err)
	}
	for i, w := range missing {
		if i >= maxConfirm {
			r.st.find(w.ID).Missing = true // for the next round
			continue
		}
		err := r.client.exists(r.ctx, w.ID)
		refused, answered := errors.AsType[*APIError](err)
		switch {
		case err == nil:
		case answered && refused.Status == http.StatusNotFound && refused.Message != "":
			r.deleted(w, r.note())
		case answered && refused.Status == http.StatusForbidden:
			// Hidden from this login: not deleted as far as is known.
		default:
			return r.failed("look-up of a missing status", err)
		}
	}
	return nil
}

// withoutShown asks for several missing statuses at once, which saves requests
// when a timeline lacks them by mistake, and returns those that were left out.
// A server that has no such look-up has them all asked for one by one.
func (r *round) withoutShown(missing []watched) ([]watched, error) {
	if len(missing) < 2 {
		return missing, nil
	}
	var ids []string
	for _, w := range missing[:min(len(missing), maxBatch)] {
		ids = append(ids, w.ID)
	}
	shown, err := r.client.several(r.ctx, ids)
	if refused, ok := errors.AsType[*APIError](err); ok {
		switch refused.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusBadRequest, http.StatusUnprocessableEntity:
			return missing, nil // before Mastodon 4.3
		}
	}
	if err != nil {
		return nil, err
	}
	r.note()
	return slices.DeleteFunc(slices.Clone(missing), func(w watched) bool {
		return slices.ContainsFunc(shown, func(s *status) bool { return string(s.ID) == w.ID })
	}), nil
}

func (r *round) deleted(w watched, now time.Time) {
	a := r.activity(activity.KindDelete, w.ID, now.Truncate(time.Second))
	a.Object = w.ID
	r.st.unwatch(w)
	r.emit(&a, true)
}
