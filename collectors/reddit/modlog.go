package reddit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

const (
	// logEvery is how often each log of moderators is read.
	logEvery = 5 * time.Minute
	// logActions bounds a walk over one.
	logActions = 6000
	// refusedEvery is how often a log is asked for that is refused now and was not
	// before.
	refusedEvery = 15 * time.Minute
)

// log reads one page of a subreddit's log of moderators, and tells what changed
// of who moderates it.
func (r *round) log(name string) error {
	f := r.st.Logs[name]
	if f == nil {
		f = &flow{}
	}
	if f.Refused != 0 && !r.due(f.Refused, refusedEvery) || f.Walk == nil && !r.due(f.Read, logEvery) {
		return nil
	}
	r.begin(f)
	w := walk{Start: r.clock().Unix()}
	if f.Walk != nil {
		w = *f.Walk
	}
	what := "log of r/" + name
	a, err := r.pageOf(what, "/r/"+name+"/about/log", url.Values{}, &w, r.c.size, false)
	if err != nil {
		return r.refused(f, name, err)
	}
	for i, it := range a.items {
		change, m, err := readModAction(it)
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		w.meet(m.place)
		r.hand(f, m.place, change)
	}
	if r.st.Logs == nil {
		r.st.Logs = map[string]*flow{}
	}
	r.st.Logs[name] = f
	r.endPage(f, &w, what, logActions)
	f.Read, f.Refused, r.held = r.clock().Unix(), 0, true
	return nil
}

// refused tells that the account moderates a subreddit no more: its log, which was
// shown before, is refused now, and with it the entry that says who did it. That
// must not slow down how the account itself is read, as an error would. Any other
// trouble stays one.
func (r *round) refused(f *flow, name string, err error) error {
	e, answered := errors.AsType[*APIError](err)
	out := answered && !e.foreign && (e.Status == http.StatusForbidden || e.Status == http.StatusNotFound) && e.Reason != "insufficient_scope"
	if !out || f.Read == 0 || r.trouble {
		return err
	}
	now := r.second()
	if f.Refused == 0 {
		f.Lost++
		a := activity.Activity{
			ID: fmt.Sprintf("lost.%s.%d", name, f.Lost), Kind: activity.KindRoleChange, Time: now, Changed: []string{"role_revoked"},
			Profile: fieldsOf("action", "log_refused", "member", r.c.cfg.name(), "subreddit", name),
		}
		r.tell(&a)
	}
	f.Refused, f.Walk, r.held = now.Unix(), nil, true
	r.c.deps.Log.Warn("a log of moderators is refused that was shown before; it is asked for again now and then",
		zap.String("account", r.c.cfg.Account), zap.String("subreddit", name), zap.Error(err))
	return nil
}
