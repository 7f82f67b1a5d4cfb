package linkedin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Collector reads one organisation's page. It keeps nothing between polls but an
// access token and which limits of the day are used up; all else is in the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	http     http.Client
	maxPages int // of a walk; tests make it small

	// Poll and Verify are called by one goroutine at a time.
	session  session
	unsaved  bool // the session could not be kept
	renewed  bool // the access token was asked for, and has not been taken yet
	warned   time.Time
	scrubber collectors.Scrubber
	spent    map[string]*dayLimit // by endpoint
}

// maxPages bounds a walk.
const maxPages = 50

// New returns a collector of one page. Its error names every fault of cfg by the
// key of the configuration.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("linkedin: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("linkedin: %w", err)
	}
	c := &Collector{cfg: cfg, deps: deps, http: *deps.HTTP, maxPages: maxPages, spent: map[string]*dayLimit{}}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.scrub()
	return c, nil
}

// Poll implements collectors.Collector. One poll reads a page of the posts, those
// that changed last first. When that ends a walk and nothing was new, it goes on
// with the other parts that are due.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for. So trouble with one part hides no other, nor is it hidden itself; and after
// LinkedIn has asked to wait nothing more is sent. A part for which the
// credential's own budget has no request left waits for the next poll.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	asked := c.cfg.BaseURL + " " + c.cfg.number()
	if st.Asked != "" && st.Asked != asked {
		c.deps.Log.Warn("the cursor is of another page; reading anew", zap.String("account", c.cfg.Account), zap.String("cursor", st.Asked))
		st = &state{Version: cursorVersion}
	}
	st.Asked = asked
	if !c.cfg.Mentions { // what was said meanwhile is history if they are switched on again
		st.Comments = nil
	}
	r := &round{ctx: ctx, c: c, st: st}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return collectors.Page{}, err
	}
	return r.finish()
}

// round is one poll under way.
type round struct {
	ctx   context.Context //nolint:containedctx // lives for one poll
	c     *Collector
	st    *state
	page  collectors.Page
	fresh bool // the page holds something that was not handed over before
	moved bool // a part has gone on, which is lost where the page is dropped
}

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if err := r.posts(); err != nil {
		return err
	}
	if r.fresh || r.page.Backfill || r.st.going() { // nothing that is live goes into a page of history
		r.page.More = r.fresh || r.st.Walk == nil || r.st.going()
		return nil
	}
	return r.readParts(r.parts())
}

// part is something beside the posts.
type part struct {
	read     func() error
	mentions bool
}

// parts returns what is due beside the posts.
func (r *round) parts() []part {
	st, look := r.st, r.c.cfg.Look
	var out []part
	if st.Profile == nil || r.due(st.Profile.At, look) {
		out = append(out, part{read: r.profile})
	}
	if r.due(st.Followers.At, max(look, followersEvery)) {
		out = append(out, part{read: r.followers})
	}
	out = append(out, part{read: r.deletions})
	if r.c.cfg.People && (st.Roles == nil || r.due(st.Roles.At, look)) {
		out = append(out, part{read: r.people})
	}
	if t := st.Comments; r.c.cfg.Mentions && (t == nil || len(t.Left) > 0 || r.due(t.At, look)) {
		out = append(out, part{read: r.comments, mentions: true})
	}
	return out
}

// due reports whether something is to be read again that was read at a time in
// seconds since 1970. It is also where a clock was set back.
func (r *round) due(at int64, every time.Duration) bool {
	return collectors.Due(r.clock(), at, every)
}

// readParts stops, with More set, before it asks for a part when the page holds
// something new. Trouble of one part does not keep the others from being read,
// unless it is LinkedIn's own word to wait.
func (r *round) readParts(parts []part) error {
	var errs []error
	for i, p := range parts {
		err := p.read()
		_, spent := errors.AsType[*dayLimit](err)
		limited, waits := errors.AsType[*collectors.RateLimited](err)
		switch {
		case p.mentions && spent:
			r.page.Behind = asLimited(err)
		case waits && answered(err):
			return err
		case waits && p.mentions:
			r.page.Behind = limited
		case waits:
			r.c.deps.Log.Debug("a part waits for its request budget", zap.String("account", r.c.cfg.Account), zap.Time("until", limited.Until), zap.Error(err))
		case err != nil:
			errs = append(errs, err)
		}
		if r.fresh && (len(errs) > 0 || i+1 < len(parts)) {
			r.page.More = true
			return nil
		}
	}
	if len(errs) > 0 && r.moved { // what was read stays; the next poll meets the trouble alone
		r.page.More = true
		return nil
	}
	return errors.Join(errs...)
}

// answered reports whether it was LinkedIn that said so, and not the budget.
func answered(err error) bool {
	_, ok := errors.AsType[*APIError](err)
	return ok
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	st := r.st
	st.prune()
	since := st.Since
	if st.Walk != nil && st.Walk.First { // the rest of the history is older than this page, never the same
		since = st.Walk.Start - r.c.cfg.Overlap.Milliseconds()
	}
	if t := st.Comments; t != nil {
		since = min(since, t.Since)
	}
	r.page.Overlap = time.UnixMilli(max(since, 1)).UTC().Truncate(time.Second)
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(st); err != nil {
		return collectors.Page{}, fmt.Errorf("linkedin: %w", err)
	}
	return r.page, nil
}

// clock returns the earlier of LinkedIn's Date header and our own time, so that
// neither clock, running ahead, moves the place from which items are read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// second is when a change was seen of which LinkedIn tells no time.
func (r *round) second() time.Time { return r.clock().Truncate(time.Second) }

// get sends one request and takes over what the answer says beside its content.
func (r *round) get(q call) (*answer, error) {
	a, err := r.c.get(r.ctx, q)
	if err != nil {
		return nil, err
	}
	r.took(a)
	return a, nil
}

// list asks for a page of elements, likewise.
func (r *round) list(ctx context.Context, q call, start, count int) (*list, error) {
	l, err := r.c.list(ctx, q, start, count)
	if err != nil {
		return nil, err
	}
	r.took(l.answer)
	return l, nil
}

func (r *round) took(a *answer) {
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
	}
}

// failed names the part of a round that failed.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("linkedin: %s of %s: %w", part, r.c.cfg.Account, err)
}

// activity returns an activity of this account with what all have in common.
func (r *round) activity(kind activity.Kind, id string, at time.Time) activity.Activity {
	return activity.Activity{ID: id, Kind: kind, Time: at}
}

// emit adds an activity to the page.
func (r *round) emit(a *activity.Activity) {
	a.Network, a.Account = Network, r.c.cfg.Account
	a.Time, a.Seen = a.Time.UTC(), r.c.deps.Now().UTC()
	if err := slim(a); err != nil {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: collectors.Clip(plain(a.ID), maxURN), Err: err})
		return
	}
	r.page.Activities = append(r.page.Activities, *a)
}

// tell adds one that was not handed over before.
func (r *round) tell(a *activity.Activity) {
	r.emit(a)
	r.fresh = true
}

// malformed notes an item that cannot be mapped; the others stand.
func (r *round) malformed(l *list, i int, err error) {
	r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
		Field: fmt.Sprintf("%s answer, elements[%d]", l.endpoint, i), Err: r.c.bare(err),
	})
}

// gap tells what is lost; of two in one page the span of both.
func (r *round) gap(from, until int64, reason string) {
	until = max(from, until) // what claims to be of the future ends no gap before it begins
	g := &collectors.Gap{From: time.UnixMilli(from).UTC(), Until: time.UnixMilli(until).UTC(), Reason: reason}
	if before := r.page.Gap; before != nil {
		if before.From.Before(g.From) {
			g.From = before.From
		}
		if before.Until.After(g.Until) {
			g.Until = before.Until
		}
	}
	r.page.Gap = g
	r.fresh = true
}

// slim takes from an activity what makes it unfit for the journal: whoever writes
// a text that is too long with all its links and tags shall not hide it so.
func slim(a *activity.Activity) error {
	if a.Validate() == nil {
		return nil
	}
	few := func(list []string) []string {
		list = slices.DeleteFunc(list, func(s string) bool { return len(s) > 1<<10 })
		return list[:min(5, len(list))]
	}
	if a.Raw = nil; a.Validate() == nil {
		return nil
	}
	a.Links, a.LinkDomains = few(a.Links), few(a.LinkDomains)
	a.Mentions, a.Hashtags = few(a.Mentions), few(a.Hashtags)
	a.Media = a.Media[:min(5, len(a.Media))]
	return a.Validate()
}

// escaped returns a URN as a path holds it: the API wants : ( ) and , escaped.
func escaped(urn string) string { return url.QueryEscape(urn) }
