package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "okta"

// Collector reads one organisation. It keeps nothing between polls but the
// credential and its counters; all else is in the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	base     *url.URL
	http     http.Client
	scrubber collectors.Scrubber
	counts   counters
	warned   map[string]bool // what was logged once; Poll is called by one goroutine at a time
}

// Counts are events that were read since the process began and did not become
// activities whole. An event in the overlap counts once; one that turns up later
// than a newer one was read is not counted.
type Counts struct {
	// Unguarded are events of identities that guard no account. They were
	// dropped before anything was stored.
	Unguarded uint64
	// Ignored are events that are not in the table of the package comment, or
	// had not ended.
	Ignored uint64
	// RawDropped are activities that had to leave out the event they were made
	// from, because it is too large or too deeply nested.
	RawDropped uint64
	// UnknownCountry are activities without geo.country although Okta named
	// one; the log says which.
	UnknownCountry uint64
	// Partial are activities that leave out a part that was not of the
	// documented type; the log says which.
	Partial uint64
}

type counters struct {
	unguarded, ignored, rawDropped, unknownCountry, partial atomic.Uint64
}

func (c *counters) add(n Counts) {
	c.unguarded.Add(n.Unguarded)
	c.ignored.Add(n.Ignored)
	c.rawDropped.Add(n.RawDropped)
	c.unknownCountry.Add(n.UnknownCountry)
	c.partial.Add(n.Partial)
}

// New returns a collector of one organisation. Its error names every fault of
// cfg by the field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("okta: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("okta: %w", err)
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("okta: base_url: %w", err)
	}
	c := &Collector{
		cfg: cfg, deps: deps, base: base, http: *deps.HTTP,
		scrubber: collectors.NewScrubber(cfg.Token), warned: map[string]bool{},
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Source returns the source's name, "okta/acme".
func (c *Collector) Source() string { return c.cfg.Source }

// Counts returns what did not become an activity whole. It may be called while
// Poll runs.
func (c *Collector) Counts() Counts {
	return Counts{
		Unguarded: c.counts.unguarded.Load(), Ignored: c.counts.ignored.Load(),
		RawDropped: c.counts.rawDropped.Load(), UnknownCountry: c.counts.unknownCountry.Load(),
		Partial: c.counts.partial.Load(),
	}
}

// Dropped returns how many events were dropped because they are of identities
// that guard no account.
func (c *Collector) Dropped() uint64 { return c.counts.unguarded.Load() }

// Endpoint returns the name of a request's rate limit for Budget: Okta limits
// each path on its own.
func Endpoint(req *http.Request) string { return req.Method + " " + req.URL.Path }

// Poll implements collectors.Collector. One poll makes one request and reads one
// page of the log. A page that is not full ends the walk; the next poll begins a
// new one, an overlap before the newest event met.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	r := &round{c: c, st: st}
	query := r.begin()
	a, err := c.get(ctx, query)
	if err != nil {
		if ctx.Err() != nil {
			return collectors.Page{}, ctx.Err()
		}
		if r.restart(err) {
			return r.finish()
		}
		return collectors.Page{}, err
	}
	if err := r.take(a); err != nil {
		return collectors.Page{}, err
	}
	return r.finish()
}

// round is one poll under way.
type round struct {
	c      *Collector
	st     *state
	page   collectors.Page
	counts Counts
	before int64 // Newest before this page
}

// begin starts a walk where none is under way, and returns the query of the page
// to ask for.
func (r *round) begin() string {
	st, cfg := r.st, &r.c.cfg
	r.before = st.Newest
	if w := st.Walk; w != nil {
		if w.Next != "" {
			return w.Next
		}
		return r.query(w.Since)
	}
	now := r.c.deps.Now()
	w := &walk{First: st.first()}
	if w.First {
		w.Since = now.Add(-cfg.Backfill).UnixMilli()
		w.Turn = w.Since
	} else {
		w.Since = st.Newest - cfg.Overlap.Milliseconds()
	}
	if kept := now.Add(-Retention); !w.First && timeOf(st.Read).Before(kept) {
		r.page.Gap = &collectors.Gap{
			From: timeOf(st.Read), Until: kept.UTC().Truncate(time.Millisecond),
			Reason: "Okta keeps events for 90 days and the log was not read for longer",
		}
	}
	w.Since = max(w.Since, now.Add(-Retention).UnixMilli())
	st.Walk = w
	return r.query(w.Since)
}

// timeForm is what Okta's examples have; it is ISO 8601 in UTC.
const timeForm = "2006-01-02T15:04:05.000Z"

// query asks for what was stored since: without until and ascending, it is what
// Okta calls a polling request.
func (r *round) query(since int64) string {
	return url.Values{
		"since":     {timeOf(since).Format(timeForm)},
		"sortOrder": {"ASCENDING"},
		"limit":     {strconv.Itoa(r.c.cfg.PageSize)},
		"filter":    {r.c.cfg.Filter},
	}.Encode()
}

// restartAgain is how long after a walk began anew it may do so once more: a link
// that is refused twice is told, and not followed in a circle.
const restartAgain = time.Hour

// restart lets a walk begin anew, once an hour, when Okta does not take its own
// link to the next page any more. Nothing is lost: what has been read is known by
// Newest.
func (r *round) restart(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	w := r.st.Walk
	if !ok || e.Status != http.StatusBadRequest && e.Status != http.StatusGone || w.Next == "" || w.Again && r.c.deps.Now().Before(timeOf(w.Start).Add(restartAgain)) {
		return false
	}
	r.c.deps.Log.Warn("Okta refuses its own link to the next page; reading on from the newest event read",
		zap.String("source", r.c.cfg.Source), zap.Error(err))
	w.Since, w.Next, w.Again = r.st.resume(r.c.cfg.Overlap), "", true
	w.Start = 0 // it is when this walk's first page is answered
	r.page.More = true
	return true
}

// take maps the events of a page, and ends or goes on with the walk.
func (r *round) take(a *answer) error {
	st := r.st
	w := st.Walk
	now := r.c.deps.Now().UTC()
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
		if a.date.Before(now) { // neither clock, running ahead, moves the place to read from
			now = a.date
		}
	}
	if w.Start == 0 {
		w.Start = now.UnixMilli()
	}
	for i := range a.events {
		r.event(a, i, now)
	}
	st.turn(r.c.cfg.Overlap)
	r.page.Backfill = w.First
	if len(a.events) < r.c.cfg.PageSize {
		st.endWalk()
		return nil
	}
	switch {
	case a.next == "":
		return &collectors.Malformed{Field: "Link", Err: fmt.Errorf(
			`%s: no link with rel="next" beside a full page; something between Picket and Okta takes it out of the answer, let it pass`, a.endpoint)}
	case len(a.next) > maxLink:
		return &collectors.Malformed{Field: "Link", Err: fmt.Errorf("%s: next link of %d bytes; want at most %d", a.endpoint, len(a.next), maxLink)}
	case a.next == w.Next:
		return &collectors.Malformed{Field: "Link", Err: fmt.Errorf("%s: the next page's link is the one of this page", a.endpoint)}
	}
	w.Next = a.next
	r.page.More = true
	return nil
}

// event maps one event of a page.
func (r *round) event(a *answer, i int, now time.Time) {
	st := r.st
	e, err := decodeEvent(a.events[i])
	if err != nil {
		if !st.reported(hash(a.events[i])) {
			r.page.Malformed = append(r.page.Malformed, at(a.endpoint, i, e.UUID, err))
		}
		return
	}
	st.Walk.Met = true
	published := e.published.UnixMilli()
	// What is ahead of the clock is met again, and counts then.
	fresh := published > r.before && published <= now.UnixMilli()
	st.Newest = max(st.Newest, min(published, now.UnixMilli()))

	kind, changed := classify(e)
	if kind == "" {
		r.count(fresh, &r.counts.Ignored)
		return
	}
	identity, err := e.owner(kind, r.c.cfg.Identity, r.c.cfg.Accept)
	if err != nil {
		if !st.reported(hash(a.events[i])) {
			r.page.Malformed = append(r.page.Malformed, at(a.endpoint, i, e.UUID, err))
		}
		return
	}
	if identity == "" {
		r.count(fresh, &r.counts.Unguarded)
		return
	}
	act, err := r.activity(e, kind, changed, identity, fresh)
	if err != nil {
		if !st.reported(hash(a.events[i])) {
			r.page.Malformed = append(r.page.Malformed, at(a.endpoint, i, e.UUID, err))
		}
		return
	}
	r.page.Activities = append(r.page.Activities, act)
	st.hand(published)
}

func (r *round) count(fresh bool, n *uint64) {
	if fresh {
		*n++
	}
}

// finish completes the page.
func (r *round) finish() (collectors.Page, error) {
	r.page.Overlap = r.st.overlapFrom(r.c.cfg.Overlap)
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("okta: %w", err)
	}
	r.c.counts.add(r.counts)
	return r.page, nil
}

// warnOnce logs something that would be repeated with every event.
func (c *Collector) warnOnce(key, msg string, fields ...zap.Field) {
	const most = 256
	if c.warned[key] || len(c.warned) >= most {
		return
	}
	c.warned[key] = true
	c.deps.Log.Warn(msg, append(fields, zap.String("source", c.cfg.Source))...)
}
