package googleworkspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "googleworkspace"

// Collector reads one organisation. It keeps nothing between polls but an access
// token and its counters; all else is in the cursor.
type Collector struct {
	cfg    Config
	deps   collectors.Deps
	http   http.Client
	jwt    *jwt.Config
	counts counters

	// Poll and Verify are called by one goroutine at a time.
	token     collectors.Secret
	tokenEnds time.Time
	scrubber  collectors.Scrubber
	warned    map[string]bool // what was logged once
	all       pace            // of all calls but those for tokens
	filtered  pace            // of those that filter
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

// New returns a collector of one organisation. Its error names every fault of
// cfg by the field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("googleworkspace: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("googleworkspace: %w", err)
	}
	j, err := google.JWTConfigFromJSON([]byte(cfg.ServiceAccount.Reveal()), Scope)
	if err != nil {
		return nil, errors.New("googleworkspace: service_account: cannot be read; give the whole file that the Google Cloud console made")
	}
	j.Subject = cfg.AdminEmail
	c := &Collector{
		cfg: cfg, deps: deps, http: *deps.HTTP, jwt: j,
		warned: map[string]bool{}, all: pace{grant: grantAll}, filtered: pace{grant: grantFiltered},
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// Source returns the source's name, "googleworkspace/acme".
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

// Endpoint returns the name of a request's quota for Budget: Google counts
// requests that filter, such as by eventName, a second time.
func Endpoint(req *http.Request) string {
	switch {
	case req.Method == http.MethodPost:
		return "POST token"
	case req.URL.Query().Has("eventName"):
		return "GET activities filtered"
	}
	return "GET activities"
}

// Poll implements collectors.Collector. One poll reads one page of one log, and
// asks for an access token first where there is none. The logs take turns.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	now := c.deps.Now()
	st, err := decodeState(cursor, now.Add(-c.cfg.Backfill).UnixMilli())
	if err != nil {
		return collectors.Page{}, err
	}
	r := &round{c: c, st: st, log: logs()[st.Turn]}
	r.stream = st.Streams[r.log.name]
	r.begin(now)
	a, err := c.list(ctx, r.query())
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
				Reason: "Google keeps events for 180 days and the log was not read for longer",
			}
		}
		s.From = kept
	}
	s.begin(now, r.c.cfg.Overlap)
}

func (r *round) query() query {
	w := r.stream.Walk
	return query{log: r.log, since: w.Since, until: w.Until, token: w.Token, size: r.c.cfg.PageSize}
}

// restartAgain is how long after a walk began anew it may do so once more: a token
// that is refused twice is told, and not followed in a circle.
const restartAgain = time.Hour

// restart lets a walk begin anew, once an hour, when Google does not take its own
// token of the next page any more. Nothing is lost: its events are met again.
func (r *round) restart(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	w := r.stream.Walk
	if !ok || e.Status != http.StatusBadRequest && e.Status != http.StatusGone || w.Token == "" || w.Again && r.c.deps.Now().Before(timeOf(w.Start).Add(restartAgain)) {
		return false
	}
	r.c.deps.Log.Warn("Google refuses its own token of the next page; reading that span of the log anew",
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
		if w.Token == "" { // neither clock, running ahead, moves the place to read from
			w.Start = min(w.Start, a.date.UnixMilli())
		}
	}
	if a.next != "" && a.next == w.Token {
		return &collectors.Malformed{Field: "nextPageToken", Err: fmt.Errorf("%s: the next page's token is the one of this page", a.endpoint)}
	}
	for i := range a.events {
		r.item(a, i)
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
	for _, s := range r.st.Streams {
		if s.history() || s.Walk != nil {
			return true
		}
	}
	return false
}

// item maps one record of a page.
func (r *round) item(a *answer, i int) {
	it, err := decodeItem(a.events[i])
	if err != nil {
		r.malformed(a, fmt.Sprintf("items[%d]", i), it, err)
		return
	}
	s := r.stream
	ms := it.time.UnixMilli()
	fresh := ms > s.Walk.Newest
	s.Newest = max(s.Newest, min(ms, s.Walk.Start)) // what is ahead of the clock is met again, and counts then
	for j := range it.Events {
		e, err := decodeEvent(it.Events[j])
		if err == nil {
			err = r.event(it, e, j, fresh)
		}
		if err != nil {
			r.malformed(a, fmt.Sprintf("items[%d].events[%d]", i, j), it, err)
		}
	}
}

// event maps one event of a record.
func (r *round) event(it *item, e *event, j int, fresh bool) error {
	m := classify(it.ID.App, e)
	if m.kind == "" {
		r.count(fresh, &r.counts.Ignored)
		return nil
	}
	identity := it.identity(e, m.kind, r.c.cfg.Identity, r.c.cfg.Accept)
	if identity == "" {
		r.count(fresh, &r.counts.Unguarded)
		return nil
	}
	act, err := r.activity(it, e, j, m, identity, fresh)
	if err != nil {
		return err
	}
	r.page.Activities = append(r.page.Activities, act)
	return nil
}

// malformed notes what cannot be mapped, once.
func (r *round) malformed(a *answer, field string, it *item, err error) {
	if !r.st.reported(hash(append([]byte(field[strings.LastIndexByte(field, '.')+1:]), it.raw...))) {
		r.page.Malformed = append(r.page.Malformed, at(a.endpoint, field, it, err))
	}
}

func (r *round) count(fresh bool, n *uint64) {
	if fresh {
		*n++
	}
}

// finish completes the page.
func (r *round) finish() (collectors.Page, error) {
	r.page.Overlap = r.st.overlapFrom()
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
