package reddit

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// mentions reads one page of the inbox: what others answer to the account, and
// where they name it. Nothing is marked as read. There is no history of it.
func (r *round) mentions() error {
	const what = "inbox"
	f := &r.st.Mention
	r.begin(f)
	w := walk{Start: r.clock().Unix()}
	if f.Walk != nil {
		w = *f.Walk
	}
	params := url.Values{"mark": {"false"}}
	a, err := r.pageOf(what, "/message/inbox", params, &w, r.c.size, true)
	if _, answered := errors.AsType[*APIError](err); !answered && isLimited(err) {
		r.page.Behind = err // the credential's own budget, which keeps the rest for the account itself
		r.c.deps.Log.Debug("mentions wait for their request budget", zap.String("account", r.c.cfg.Account), zap.Error(err))
		return nil
	}
	if err != nil {
		return err
	}
	for i, it := range a.items {
		m, n, err := readNote(it)
		if err != nil {
			r.malformed(a, i, err)
			continue
		}
		if n.Dest != "" && !n.message && !strings.EqualFold(n.Dest, r.c.cfg.name()) {
			return r.failed(what, &collectors.Forbidden{Mend: mendInbox, Err: fmt.Errorf("%s: the inbox is that of %s", a.endpoint, collectors.Clip(r.c.words(n.Dest), 40))})
		}
		w.meet(n.place)
		r.hand(f, n.place, m)
	}
	r.endPage(f, &w, what, r.c.most())
	return nil
}

// begin notes from when on a list is read that has no history: the connection.
func (r *round) begin(f *flow) {
	if f.Since == 0 {
		f.Since = max(1, r.clock().Unix()-seconds(r.c.cfg.Overlap))
	}
}

// hand hands over what happened after the place from which a list is read.
func (r *round) hand(f *flow, p place, a *activity.Activity) {
	if a == nil || p.At < f.Since {
		return
	}
	r.emit(a)
	if p.compare(f.Mark) > 0 {
		r.fresh, r.held = true, true
	}
}

// endPage ends or goes on with a walk over a list without history.
func (r *round) endPage(f *flow, w *walk, what string, most int) {
	enough := w.Low != 0 && w.Low < f.Since
	if w.After != "" && !enough && w.Asked < most {
		f.Walk = w
		return
	}
	if w.After != "" && !enough || w.whole() && w.Low > f.Mark.At && f.Mark.ID != "" {
		until := w.Low
		if until == 0 { // nothing could be read
			until = w.Start
		}
		r.fresh, r.page.Gap = true, &collectors.Gap{
			From: timeOf(f.Since), Until: timeOf(max(f.Since, until)), Reason: fmt.Sprintf("there was more in the %s than Reddit lists since the last poll; poll more often", what),
		}
	}
	f.advance(w, seconds(r.c.cfg.Overlap))
}
