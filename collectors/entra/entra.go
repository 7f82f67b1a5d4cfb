package entra

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
	"github.com/picketd/picket/collectors/activity"
)

// Network is the Network of every activity of this package.
const Network = "entra"

// Collector reads one tenant. It keeps nothing between polls but an access token,
// when it sent its last requests, whether sign-ins are licensed, and its counters;
// all else is in the cursor.
type Collector struct {
	cfg         Config
	deps        collectors.Deps
	base, login *url.URL
	http        http.Client
	counts      counters

	// Poll and Verify are called by one goroutine at a time.
	token      collectors.Secret
	tokenEnds  time.Time
	grant      int         // requests in grantSpan; more in tests that poll without a scheduler
	sent       []time.Time // the last requests, at most as many as are granted
	unlicensed time.Time   // until then sign-ins are not tried
	scrubber   collectors.Scrubber
	warned     map[string]bool // what was logged once
}

// Counts are events that were read since the process began and did not become
// activities whole. An event in the overlap counts once; one that turns up later
// than a newer one was read is not counted.
type Counts struct {
	// Unguarded are events of identities that guard no account. They were
	// dropped before anything was stored.
	Unguarded uint64
	// Ignored are events that are not in the tables of the package comment.
	Ignored uint64
	// RawDropped are activities that had to leave out the event they were made
	// from, because it is too large or too deeply nested.
	RawDropped uint64
	// Partial are activities that leave out a part that was not of the
	// documented type; the log says which.
	Partial uint64
}

type counters struct{ unguarded, ignored, rawDropped, partial atomic.Uint64 }

func (c *counters) add(n Counts) {
	c.unguarded.Add(n.Unguarded)
	c.ignored.Add(n.Ignored)
	c.rawDropped.Add(n.RawDropped)
	c.partial.Add(n.Partial)
}

// New returns a collector of one tenant. Its error names every fault of cfg by
// the field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("entra: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	base, err1 := url.Parse(cfg.BaseURL)
	login, err2 := url.Parse(cfg.LoginURL)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	c := &Collector{
		cfg: cfg, deps: deps, http: *deps.HTTP, base: base, login: login, grant: grant,
		scrubber: collectors.NewScrubber(cfg.ClientSecret), warned: map[string]bool{},
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Source returns the source's name, "entra/acme".
func (c *Collector) Source() string { return c.cfg.Source }

// Counts returns what did not become an activity whole. It may be called while
// Poll runs.
func (c *Collector) Counts() Counts {
	return Counts{
		Unguarded: c.counts.unguarded.Load(), Ignored: c.counts.ignored.Load(),
		RawDropped: c.counts.rawDropped.Load(), Partial: c.counts.partial.Load(),
	}
}

// Dropped returns how many events were dropped because they are of identities
// that guard no account.
func (c *Collector) Dropped() uint64 { return c.counts.unguarded.Load() }

// Endpoint returns the name of a request's quota for Budget: both logs share one.
func Endpoint(req *http.Request) string {
	if req.Method == http.MethodPost {
		return "POST token"
	}
	return "GET auditLogs"
}

// reads reports whether a log is read now.
func (c *Collector) reads(name string) bool {
	return name != signIns || !c.cfg.NoSignIns && !c.deps.Now().Before(c.unlicensed)
}

// licenceAgain is how long sign-ins are not tried after Graph said that the
// tenant has no licence for them.
const licenceAgain = 24 * time.Hour

// Poll implements collectors.Collector. One poll reads one page of one log, and
// asks for an access token first where there is none. The logs take turns.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	now := c.deps.Now()
	st, err := decodeState(cursor, now.Add(-c.cfg.Backfill).UnixMilli())
	if err != nil {
		return collectors.Page{}, err
	}
	if !c.reads(logs()[st.Turn].name) {
		st.Turn = (st.Turn + 1) % len(logs())
	}
	r := &round{c: c, st: st, log: logs()[st.Turn]}
	r.stream = st.Streams[r.log.name]
	r.begin(now)
	a, err := c.get(ctx, r.log, r.query())
	if err != nil {
		if ctx.Err() != nil {
			return collectors.Page{}, ctx.Err()
		}
		if e, ok := errors.AsType[*APIError](err); ok && e.Code == codeNoLicence && r.log.name == signIns {
			c.unlicensed = now.Add(licenceAgain) // told as refused now; the audits are read from the next poll on
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
	log    log
	stream *stream
	page   collectors.Page
	counts Counts
}

// begin starts a walk where none is under way.
func (r *round) begin(now time.Time) {
	s := r.stream
	if s.Walk != nil {
		return
	}
	if kept := now.Add(-Retention).UnixMilli(); s.From < kept {
		if !s.history() {
			r.page.Gap = &collectors.Gap{
				From: timeOf(s.From), Until: timeOf(kept),
				Reason: "Microsoft keeps events for 30 days and the log was not read for longer",
			}
		}
		s.From = kept
	}
	s.begin(now, r.c.cfg.Overlap)
}

// timeForm is what Microsoft's examples have.
const timeForm = "2006-01-02T15:04:05.000Z"

// query asks for the walk's span, or for its next page.
func (r *round) query() string {
	w := r.stream.Walk
	if w.Token != "" {
		return w.Token
	}
	filter := r.log.time + " ge " + timeOf(w.Since).Format(timeForm)
	if w.Until != 0 {
		filter += " and " + r.log.time + " le " + timeOf(w.Until).Format(timeForm)
	}
	return url.Values{"$filter": {filter}, "$top": {strconv.Itoa(r.c.cfg.PageSize)}}.Encode()
}

// restartAgain is how long after a walk began anew it may do so once more: a link
// that is refused twice is told, and not followed in a circle.
const restartAgain = time.Hour

// restart lets a walk begin anew, once an hour, when Microsoft does not take its
// own link to the next page any more. Nothing is lost: its events are met again.
func (r *round) restart(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	w := r.stream.Walk
	if !ok || e.Status != http.StatusBadRequest && e.Status != http.StatusGone || w.Token == "" || w.Again && r.c.deps.Now().Before(timeOf(w.Start).Add(restartAgain)) {
		return false
	}
	r.c.deps.Log.Warn("Microsoft refuses its own link to the next page; reading that span of the log anew",
		zap.String("source", r.c.cfg.Source), zap.String("log", r.log.name), zap.Error(err))
	w.Token, w.Again, w.Start = "", true, r.c.deps.Now().UnixMilli()
	r.page.More = true
	return true
}

// take maps the events of a page, and ends or goes on with the walk.
func (r *round) take(a *answer) error {
	w := r.stream.Walk
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
		if a.date.UnixMilli() < w.Since { // nothing can be read, and the place must not move
			return fmt.Errorf("%s: log of %s: %s: asked for what happened since %s, and the server's clock says %s; set this machine's clock right",
				Network, r.c.cfg.Source, a.endpoint, timeOf(w.Since).Format(time.RFC3339), a.date.Format(time.RFC3339))
		}
		if w.Token == "" { // neither clock, running ahead, moves the place to read from
			w.Start = min(w.Start, a.date.UnixMilli())
		}
	}
	if a.next != "" && a.next == w.Token {
		return &collectors.Malformed{Field: "@odata.nextLink", Err: fmt.Errorf("%s: the next page's link is the one of this page", a.endpoint)}
	}
	for i := range a.events {
		r.event(a, i)
	}
	r.page.Backfill = r.stream.history()
	w.Token = a.next
	if a.next != "" {
		r.page.More = true
		return nil
	}
	r.stream.end(r.c.cfg.Overlap)
	r.st.Turn = (r.st.Turn + 1) % len(logs())
	r.page.More = r.st.Turn != 0 || r.anyHistory()
	return nil
}

func (r *round) anyHistory() bool {
	for name, s := range r.st.Streams {
		if r.c.reads(name) && (s.history() || s.Walk != nil) {
			return true
		}
	}
	return false
}

// event maps one event of a page.
func (r *round) event(a *answer, i int) {
	malformed := func(id string, err error) {
		if !r.st.reported(hash(a.events[i])) {
			r.page.Malformed = append(r.page.Malformed, at(a.endpoint, i, id, err))
		}
	}
	e, err := r.log.decode(a.events[i])
	if err != nil {
		malformed(e.id, err)
		return
	}
	s := r.stream
	ms := e.time.UnixMilli()
	fresh := ms > s.Walk.Newest
	s.Newest = max(s.Newest, min(ms, s.Walk.Start)) // what is ahead of the clock is met again, and counts then
	if e.kind == "" {
		r.count(fresh, &r.counts.Ignored)
		return
	}
	identity := e.identity(r.c.cfg.Identity, r.c.cfg.Accept)
	if identity == "" {
		r.count(fresh, &r.counts.Unguarded)
		return
	}
	act, err := r.activity(e, identity, fresh)
	if err != nil {
		malformed(e.id, err)
		return
	}
	r.page.Activities = append(r.page.Activities, act)
}

// activity maps an event of a guarded identity.
func (r *round) activity(e *event, identity string, fresh bool) (activity.Activity, error) {
	a := activity.Activity{
		ID: e.id, Network: Network, Account: identity, Kind: e.kind,
		Time: e.time, Seen: r.c.deps.Now().UTC(), Actor: e.by, Outcome: e.outcome, Raw: e.raw,
	}
	if e.changed != "" {
		a.Changed = []string{e.changed}
	}
	bad := e.fill(&a)
	for _, part := range bad {
		r.c.warnOnce(part, "a part of Microsoft's events is not of the documented type and is left out",
			zap.String("part", part), zap.String("event", a.ID))
	}
	if len(bad) > 0 {
		r.count(fresh, &r.counts.Partial)
	}
	return a, r.check(&a, fresh)
}

// check makes sure that the activity may be stored. A raw event that does not
// fit is left out, since the rest is what most rules look at.
func (r *round) check(a *activity.Activity, fresh bool) error {
	err := a.Validate()
	if field, ok := errors.AsType[*activity.FieldError](err); ok && field.Field == "raw" {
		r.count(fresh, &r.counts.RawDropped)
		r.c.deps.Log.Warn("event does not fit an activity; its raw form is left out",
			zap.String("source", r.c.cfg.Source), zap.String("event", a.ID), zap.Int("bytes", len(a.Raw)), zap.Error(err))
		a.Raw = nil
		err = a.Validate()
	}
	return err
}

func (r *round) count(fresh bool, n *uint64) {
	if fresh {
		*n++
	}
}

// finish completes the page.
func (r *round) finish() (collectors.Page, error) {
	r.page.Overlap = r.st.overlapFrom(r.c.reads)
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("%s: %w", Network, err)
	}
	r.c.counts.add(r.counts)
	return r.page, nil
}

// warnOnce logs something that would be repeated with every event.
func (c *Collector) warnOnce(key, msg string, fields ...zap.Field) {
	if c.warned[key] {
		return
	}
	c.warned[key] = true
	c.deps.Log.Warn(msg, append(fields, zap.String("source", c.cfg.Source))...)
}
