package metagraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Reader reads one account. It keeps nothing between polls but the credential
// and how much of the limits was used; all else is in the cursor.
type Reader struct {
	src      Source
	opts     Options
	client   *Client
	deps     collectors.Deps
	maxPages int // of a walk; tests make it small
}

// maxPages bounds a walk.
const maxPages = 200

// NewReader returns a reader of one account. Its error names every fault by the
// key of the configuration.
func NewReader(a Access, src Source, opts Options, deps collectors.Deps) (*Reader, error) {
	client, err := NewClient(a, deps)
	opts, faults := opts.complete()
	if err = errors.Join(err, faults); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	return &Reader{src: src, opts: opts, client: client, deps: deps, maxPages: maxPages}, nil
}

func (o Options) complete() (Options, error) {
	var errs []error
	number := func(key string, p *int, value, least, most int) {
		if *p == 0 {
			*p = value
		}
		if *p < least || *p > most {
			errs = append(errs, fmt.Errorf("%s: %d; want %d to %d", key, *p, least, most))
		}
	}
	number("watch", &o.Watch, DefaultWatch, min(o.Watch, 0), MaxWatch)
	number("backfill", &o.Backfill, DefaultBackfill, 1, MaxBackfill)
	number("page_size", &o.PageSize, DefaultPageSize, 1, MaxPageSize)
	if o.Overlap == 0 {
		o.Overlap = DefaultOverlap
	}
	if o.Overlap < 0 || o.Overlap > MaxOverlap {
		errs = append(errs, fmt.Errorf("overlap: %s; want 0s to %s", o.Overlap, MaxOverlap))
	}
	return o, errors.Join(errs...)
}

// Poll implements collectors.Collector. One poll reads a page of the main
// timeline. When that ends a walk and nothing was new, it goes on with the
// other parts.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for. So an error of one part, for which the page is dropped, costs nothing
// that was read; trouble with one part never hides another, nor is it hidden
// itself; and after the server has asked to wait nothing more is sent. A part
// for which the credential's own budget has no request left waits for the next
// poll.
func (rd *Reader) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	if st.Object != "" && (st.Host != rd.client.Host() || st.Object != rd.src.Object) {
		rd.deps.Log.Warn("the cursor is of another account; reading anew",
			zap.String("account", rd.src.Account), zap.String("cursor_object", st.Object), zap.String("cursor_host", st.Host))
		if st, err = decodeState(nil); err != nil {
			return collectors.Page{}, err
		}
	}
	st.Host, st.Object = rd.client.Host(), rd.src.Object
	r := &round{rd: rd, ctx: ctx, st: st}
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
	rd    *Reader
	st    *state
	page  collectors.Page
	fresh bool // the page holds something that was not handed over before
	seen  bool // the account itself could be seen in this poll
}

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if err := r.rd.asPage(r.ctx); err != nil {
		return r.failed("token", err)
	}
	if r.st.Me.ID == "" { // its id is needed for all else
		if err := r.profile(); err != nil {
			return err
		}
		r.fresh = false
	}
	main := &r.rd.src.Timelines[0]
	if err := r.timeline(main); err != nil {
		return err
	}
	if r.fresh || r.track(main).going() {
		r.page.More = true
		return nil
	}
	return r.readParts(r.parts())
}

// asPage has a Page read with its own token.
func (rd *Reader) asPage(ctx context.Context) error {
	if !rd.src.Page {
		return nil
	}
	return rd.client.AsPage(ctx, rd.src.Object)
}

// parts returns what is due beside the main timeline. Beside history nothing
// else is read: what a page of history holds raises no finding.
func (r *round) parts() []func() error {
	var out []func() error
	if !r.seen {
		out = append(out, r.profile)
	}
	if !r.page.Backfill {
		for i := range r.rd.src.Timelines[1:] {
			t := &r.rd.src.Timelines[1+i]
			out = append(out, func() error { return r.timeline(t) })
		}
	}
	out = append(out, r.deletions)
	if r.page.Backfill {
		return out
	}
	for i := range r.rd.src.Grants {
		g := &r.rd.src.Grants[i]
		if r.due(g) {
			out = append(out, func() error { return r.grant(g) })
		}
	}
	for i := range r.rd.src.Voices {
		v := &r.rd.src.Voices[i]
		out = append(out, func() error { return r.behind(r.voice(v)) })
	}
	if r.rd.src.Comments != nil {
		out = append(out, func() error { return r.behind(r.comments()) })
	}
	return out
}

// waits reports whether a request was not sent because the credential's budget
// has nothing for it, rather than because the network said to wait.
func (r *round) waits(err error, limited *collectors.RateLimited) bool {
	_, answered := errors.AsType[*Error](err)
	held := r.rd.client.held
	return !answered && (held.IsZero() || !held.Equal(limited.Until))
}

// behind notes that mentions wait for the budget, which keeps what is left for
// the account itself.
func (r *round) behind(err error) error {
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok && r.waits(err, limited) {
		r.page.Behind = limited
	}
	return err
}

// readParts stops, with More set, before it asks for a part when the page
// holds something new. Trouble of one part does not keep the others from being
// read, unless it is the server's own word to wait.
func (r *round) readParts(parts []func() error) error {
	var errs []error
	history := r.page.Backfill
	for i, part := range parts {
		err := part()
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			if !r.waits(err, limited) {
				return err
			}
			r.rd.deps.Log.Debug("a part waits for its request budget",
				zap.String("account", r.rd.src.Account), zap.Time("until", limited.Until), zap.Error(err))
			continue
		}
		if err != nil {
			errs = append(errs, err)
		}
		// Nothing that is live goes into a page of history.
		stop := r.fresh || r.page.Backfill && !history
		if stop && (len(errs) > 0 || i+1 < len(parts)) {
			r.page.More = true
			return nil
		}
	}
	return errors.Join(errs...)
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	for i := range r.rd.src.Timelines {
		t := r.track(&r.rd.src.Timelines[i])
		t.prune()
		r.spans(&t.lane)
	}
	more := r.page.More
	for i := range r.rd.src.Voices {
		r.spans(r.st.Voices[r.rd.src.Voices[i].Name])
	}
	if r.page.Behind != nil { // those that wait for the budget are no reason to come back at once
		r.page.More = more
	}
	if r.rd.src.Comments != nil {
		r.spans(r.st.Comments)
	}
	if r.page.Backfill { // what history kept from being read is due now
		r.page.More = true
	}
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("%s: %w", r.rd.src.Network, err)
	}
	return r.page, nil
}

// spans takes over what one lane says of the page: whether it has more, and
// when the oldest item happened that a later poll may return again.
func (r *round) spans(l *lane) {
	if l == nil || l.Since == 0 && l.Walk == nil {
		return
	}
	from := time.UnixMilli(l.Since)
	r.page.More = r.page.More || l.going()
	if l.Walk != nil && l.Walk.First {
		// The rest of the history is older than this page, never the same.
		from = time.UnixMilli(l.Walk.Start).Add(-r.rd.opts.Overlap)
	}
	from = from.UTC().Truncate(time.Second)
	if r.page.Overlap.IsZero() || from.Before(r.page.Overlap) {
		r.page.Overlap = from
	}
}

// get asks for a node or an edge of the account, and takes over what the answer
// says beside its content.
func (r *round) get(ctx context.Context, params url.Values, path ...string) (*Answer, error) {
	a, err := r.rd.client.Get(ctx, params, path...)
	if err != nil {
		return nil, err
	}
	if !a.Date.IsZero() {
		r.page.ServerTime = a.Date
	}
	return a, nil
}

// clock returns the earlier of the server's Date header and our own time, so
// that neither clock, running ahead, moves the place from which items are read.
func (r *round) clock() time.Time {
	now := r.rd.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// failed names the part of a round that failed.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("%s: %s of %s: %w", r.rd.src.Network, part, r.rd.src.Account, err)
}

// activity returns an activity of this account with what all have in common.
func (r *round) activity(kind activity.Kind, id string, at time.Time) activity.Activity {
	a := activity.Activity{ID: id, Kind: kind, Time: at}
	r.own(&a)
	return a
}

func (r *round) own(a *activity.Activity) {
	a.Network, a.Account = r.rd.src.Network, r.rd.src.Account
	a.Time, a.Seen = a.Time.UTC(), r.rd.deps.Now().UTC()
}

// emit adds an activity to the page. Fresh says that it was not handed over
// before.
func (r *round) emit(a *activity.Activity, fresh bool) {
	if err := slim(a); err != nil {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: Text(a.ID, maxID), Err: err})
		return
	}
	r.page.Activities = append(r.page.Activities, *a)
	r.fresh = r.fresh || fresh
}

// malformed notes an item that cannot be mapped; the others stand.
func (r *round) malformed(a *Answer, i int, err error) {
	r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
		Field: fmt.Sprintf("%s answer, data[%d]", a.Endpoint, i), Err: r.rd.client.bare(err),
	})
}

// paged returns a copy of params for one page.
func paged(params url.Values, size int, after string) url.Values {
	out := url.Values{}
	maps.Copy(out, params)
	if size > 0 {
		out.Set("limit", strconv.Itoa(size))
	}
	if after != "" {
		out.Set("after", after)
	}
	return out
}

// list is a page of an edge.
type list struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

// decodeList reads a page of an edge.
func decodeList(a *Answer) (*list, error) {
	l := &list{}
	if err := json.Unmarshal(a.Body, l); err != nil {
		return nil, &collectors.Malformed{Field: a.Endpoint + " answer", Err: err}
	}
	if l.Data == nil {
		return nil, &collectors.Malformed{Field: a.Endpoint + " answer", Err: errors.New("data is missing; want a list")}
	}
	return l, nil
}

// next returns the cursor of the next page, empty where there is none: after is
// there on a last page too, and next only where another follows.
func (l *list) next(last string) (string, error) {
	after := l.Paging.Cursors.After
	switch {
	case l.Paging.Next == "":
		return "", nil
	case after == "":
		if u, err := url.Parse(l.Paging.Next); err == nil {
			after = u.Query().Get("after")
		}
	}
	switch {
	case after == "":
		return "", &collectors.Malformed{Field: "paging", Err: errors.New("next without cursors.after")}
	case len(after) > maxAfter:
		return "", &collectors.Malformed{Field: "paging", Err: fmt.Errorf("cursors.after of %d bytes; want at most %d", len(after), maxAfter)}
	case after == last:
		return "", &collectors.Malformed{Field: "paging", Err: errors.New("the next page is the one that was read")}
	}
	return after, nil
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
	a.Links, a.LinkDomains = few(a.Links), few(a.LinkDomains)
	a.Mentions, a.Hashtags = few(a.Mentions), few(a.Hashtags)
	a.Media = slices.DeleteFunc(a.Media, func(m activity.Media) bool { return len(m.URL) > 4<<10 })
	a.Media = a.Media[:min(5, len(a.Media))]
	return a.Validate()
}
