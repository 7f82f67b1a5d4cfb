package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v89/github"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
)

// Network is the Network of every activity of this package.
const Network = "github"

// Collector reads one organisation or enterprise. It keeps nothing between
// polls but the credential and its counters; all else is in the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	base     *url.URL
	client   *github.Client
	scrubber collectors.Scrubber
	counts   counters
	warned   map[string]bool // what was logged once; Poll is called by one goroutine at a time
}

// Counts are events that were read since the process began and did not become
// activities whole. An event in the overlap counts once; one that turns up
// later than a newer one was read is not counted.
type Counts struct {
	// Unguarded are events of identities that guard no account. They were
	// dropped before anything was stored.
	Unguarded uint64
	// Ignored are events that are not in the table of the package comment.
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

// New returns a collector of one log. Its error names every fault of cfg by the
// field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("github: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	base, err := url.Parse(cfg.BaseURL + "/")
	if err != nil {
		return nil, fmt.Errorf("github: base_url: %w", err)
	}
	client, err := newClient(&cfg, deps.HTTP)
	if err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	return &Collector{
		cfg: cfg, deps: deps, base: base, client: client,
		scrubber: collectors.NewScrubber(cfg.Token), warned: map[string]bool{},
	}, nil
}

// newClient makes the library's client. It waits for no limit by itself and
// follows no redirect: the scheduler does the first, and the second would send
// the token to an address that nobody configured.
func newClient(cfg *Config, shared *http.Client) (*github.Client, error) {
	own := *shared
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	base := cfg.BaseURL + "/"
	return github.NewClient(
		github.WithHTTPClient(&own), github.WithAuthToken(cfg.Token.Reveal()),
		github.WithURLs(&base, &base), github.WithUserAgent(""), github.WithDisableRateLimitCheck(),
	)
}

// Source returns the source's name, "github/acme".
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

// Endpoint returns the name of a request's rate limit for Budget: each log has
// its own beside the limit of all other requests.
func Endpoint(req *http.Request) string { return req.Method + " " + req.URL.Path }

// Poll implements collectors.Collector. One poll makes one request and reads
// one page of the log, oldest first. A page without a link to a next one ends
// the walk; the next poll begins a new one, an overlap before this one began.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	r := &round{c: c, st: st}
	a, err := c.get(ctx, r.begin())
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
		return collectors.Page{}, fmt.Errorf("github: audit log of %s: %w", c.cfg.Source, err)
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

// begin starts a walk where none is under way, and returns what to ask for.
func (r *round) begin() query {
	st, cfg := r.st, &r.c.cfg
	r.before = st.Newest
	now := r.c.deps.Now()
	if st.Walk == nil {
		w := &walk{First: st.Read == 0}
		w.Since = st.from(st.Read, cfg.Overlap)
		if w.First {
			w.Since = now.Add(-cfg.Backfill).UnixMilli()
		}
		r.gap(now)
		w.Since = max(w.Since, now.Add(-Retention).UnixMilli())
		st.Walk = w
	}
	w := st.Walk
	return query{since: w.Since, after: w.After, ascending: true, limit: pageSize}
}

// gap tells of a log that was not read for longer than it is kept.
func (r *round) gap(now time.Time) {
	if r.st.Read == 0 {
		return
	}
	kept, what := Retention, "GitHub keeps events for 180 days"
	if r.c.cfg.Include != IncludeWeb {
		kept, what = GitRetention, "GitHub keeps events of Git for seven days"
	}
	if from := now.Add(-kept); timeOf(r.st.Read).Before(from) {
		r.page.Gap = &collectors.Gap{
			From: timeOf(r.st.Read), Until: from.UTC().Truncate(time.Millisecond),
			Reason: what + " and the log was not read for longer",
		}
	}
}

// restartAgain is how long after a walk began anew it may do so once more: a cursor
// that is refused twice is told, and not followed in a circle.
const restartAgain = time.Hour

// restart lets a walk begin anew, once an hour, when GitHub does not take its own
// cursor any more. Nothing is lost: the scheduler knows what has been read.
func (r *round) restart(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	w := r.st.Walk
	if !ok || w.After == "" || w.Again && r.c.deps.Now().Before(timeOf(w.Start).Add(restartAgain)) ||
		e.Status != http.StatusBadRequest && e.Status != http.StatusUnprocessableEntity && e.Status != http.StatusGone {
		return false
	}
	r.c.deps.Log.Warn("GitHub refuses its own cursor of the next page; reading on from what was read last",
		zap.String("source", r.c.cfg.Source), zap.Error(err))
	w.Since, w.After, w.Again = r.st.resume(r.c.cfg.Overlap), "", true
	w.Start = 0 // it is when this walk's first page is answered
	r.page.More = true
	return true
}

// take maps the events of a page, and ends or goes on with the walk.
func (r *round) take(a *answer) error {
	w := r.st.Walk
	now := r.c.deps.Now().UTC()
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
		if a.date.Before(now) { // neither clock, running ahead, moves the place to read from
			now = a.date
		}
	}
	if w.Start == 0 {
		w.Start = max(now.UnixMilli(), r.st.Read)
	}
	for i := range a.events {
		r.event(a, i, now)
	}
	r.page.Backfill = w.First
	switch {
	case a.after == "":
		r.st.endWalk()
		return nil
	case len(a.after) > maxAfter:
		return &collectors.Malformed{Field: "Link", Err: fmt.Errorf("%s: cursor of %d bytes; want at most %d", a.endpoint, len(a.after), maxAfter)}
	case a.after == w.After:
		return &collectors.Malformed{Field: "Link", Err: fmt.Errorf("%s: the next page's cursor is the one of this page", a.endpoint)}
	}
	w.After = a.after
	r.page.More = true
	return nil
}

// event maps one event of a page.
func (r *round) event(a *answer, i int, now time.Time) {
	st := r.st
	e, err := decodeEvent(a.events[i])
	if err != nil {
		r.malformed(a, i, err)
		return
	}
	occurred := e.time.UnixMilli()
	if occurred < st.Walk.Since {
		return // a filter by whole days gives it again; an earlier walk had it
	}
	// What is ahead of the clock is met again, and counts then.
	fresh := occurred > r.before && occurred <= now.UnixMilli()
	st.Newest = max(st.Newest, min(occurred, now.UnixMilli()))

	kind, changed := classify(e.Action)
	if kind == "" {
		r.count(fresh, &r.counts.Ignored)
		return
	}
	identity := r.c.owner(e, kind)
	if identity == "" {
		r.count(fresh, &r.counts.Unguarded)
		return
	}
	act, err := r.activity(e, kind, changed, identity, fresh)
	if err != nil {
		r.malformed(a, i, err)
		return
	}
	r.page.Activities = append(r.page.Activities, act)
}

func (r *round) malformed(a *answer, i int, err error) {
	if !r.st.reported(hash(a.events[i])) {
		r.page.Malformed = append(r.page.Malformed, at(a.endpoint, i, err))
	}
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
		return collectors.Page{}, fmt.Errorf("github: %w", err)
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
