package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Network is the Network of every activity of this package.
const Network = "x"

// Collector reads one account. It keeps nothing between polls but the
// credential and why messages are refused; all else is in the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	base     *url.URL
	auth     http.RoundTripper
	scrubber collectors.Scrubber
	keep     [2]int // how many posts X keeps, by laneKind; tests make it small
	denial   *denial
}

// New returns a collector of one account. Its error names every fault of cfg
// by the field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("x: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("x: %w", err)
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("x: base_url: %w", err)
	}
	return &Collector{
		cfg: cfg, deps: deps, base: base, auth: newAuth(&cfg, deps.HTTP), scrubber: newScrubber(&cfg),
		keep: [2]int{postsLane: keepPosts, mentionsLane: keepMentions}, denial: &denial{},
	}, nil
}

// Endpoint returns the path of a request's rate limit, "users/tweets", for
// Budget: X limits each endpoint on its own, whatever the ids in its path.
// What writes has its method before it, "POST activity/subscriptions".
func Endpoint(req *http.Request) string {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimSuffix(req.URL.Path, ".json"), "/") {
		if part == "" || part == "2" || part == "1.1" || parseID(part) != 0 {
			continue
		}
		if n := len(parts); n > 0 && parts[n-1] == "username" {
			continue
		}
		parts = append(parts, part)
	}
	if req.Method != http.MethodGet && req.Method != "" {
		return req.Method + " " + strings.Join(parts, "/")
	}
	return strings.Join(parts, "/")
}

// Poll implements collectors.Collector. One poll reads a page of the account's
// timeline. When that brings nothing new it goes on with the other parts: the
// profile, the look-up of recent posts that finds deletions, and a page of
// direct messages and of mentions where they are wanted.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for. So an error of one part, for which the page is dropped, costs nothing
// that was read; trouble with mentions never hides a post, nor is it hidden
// itself; and after X has answered 429 nothing more is sent. A part for which
// the credential's own budget has no request left waits for the next poll.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	page, _, err := c.poll(ctx, cursor, nil)
	return page, err
}

// poll is Poll, and returns the round that it was, nil where it failed before
// one. Suspects are posts that are to be looked up beside the newest.
func (c *Collector) poll(ctx context.Context, cursor json.RawMessage, suspects []int64) (collectors.Page, *round, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, nil, err
	}
	if id := parseID(c.cfg.UserID); id != 0 && st.User != 0 && st.User != id {
		c.deps.Log.Warn("the cursor is of another user id; reading anew",
			zap.String("account", c.cfg.Account), zap.Int64("cursor_user", st.User))
		st = &state{Version: cursorVersion}
	}
	r := c.newRound(ctx, st)
	r.suspects = suspects
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return collectors.Page{Cost: r.page.Cost}, r, err
	}
	page, err := r.finish()
	return page, r, err
}

// round is one poll under way.
type round struct {
	ctx    context.Context //nolint:containedctx // lives for one poll, like exchange
	c      *Collector
	ex     *exchange
	client client
	st     *state
	page   collectors.Page
	fresh  bool // the page holds something that was not handed over before
	seen   bool // the account itself could be seen in this poll
	paid   paid // before this poll

	suspects []int64 // posts that X's events say were deleted
	settled  []int64 // those of them whose deletion is in the page
}

func (c *Collector) newRound(ctx context.Context, st *state) *round {
	ex := &exchange{ctx: ctx, c: c, user: st.User}
	return &round{ctx: ctx, c: c, ex: ex, st: st, client: newClient(ex), paid: st.paid()}
}

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if r.st.User == 0 { // its number is needed for all else
		if err := r.profile(); err != nil {
			return err
		}
		r.fresh = false
	}
	if err := r.timeline(postsLane); err != nil {
		return err
	}
	if r.fresh || r.st.Posts.Walk != nil {
		r.page.More = true
		return nil
	}
	return r.readParts(r.parts())
}

// parts returns what is due beside the timeline. While mentions have pages
// left, only those.
func (r *round) parts() []func() error {
	var out []func() error
	if r.st.Mentions.Walk == nil {
		if !r.seen {
			out = append(out, r.profile)
		}
		if r.c.cfg.Rehydrate > 0 {
			out = append(out, r.deletions)
		}
		if len(r.suspects) > 0 {
			out = append(out, r.suspected)
		}
		if r.c.cfg.DirectMessages && !r.page.Backfill { // as with mentions
			out = append(out, r.messages)
		}
	}
	// Not beside history: what a page of history holds raises no finding.
	if r.c.cfg.Mentions && !r.page.Backfill {
		out = append(out, r.mentions)
	}
	return out
}

// mentions reads a page of mentions. Where the credential's budget keeps what
// is left for the account itself, the page says that they are behind.
func (r *round) mentions() error {
	err := r.timeline(mentionsLane)
	if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
		if _, answered := errors.AsType[*APIError](err); !answered {
			r.page.Behind = limited
		}
	}
	return err
}

func (r *round) readParts(parts []func() error) error {
	var errs []error
	for i, part := range parts {
		err := part()
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			if _, answered := errors.AsType[*APIError](err); answered {
				return err
			}
			r.c.deps.Log.Debug("a part waits for its request budget",
				zap.String("account", r.c.cfg.Account), zap.Time("until", limited.Until), zap.Error(err))
			continue
		}
		switch no, ok := errors.AsType[*collectors.Forbidden](err); {
		case ok && no.Part: // behind those that all must wait for
			errs = append(errs, err)
		case err != nil:
			errs = slices.Insert(errs, 0, err)
		}
		if r.fresh && (len(errs) > 0 || i+1 < len(parts)) {
			r.page.More = true
			return nil
		}
	}
	if len(errs) > 0 && r.st.paid() != r.paid {
		r.page.More = true // what the day's look-ups cost is counted once, whatever is refused
		return nil
	}
	return errors.Join(errs...)
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	st := r.st
	st.prune()
	if st.Posts.Walk != nil || st.Mentions.Walk != nil && r.page.Behind == nil {
		r.page.More = true
	}
	r.lowerOverlap(r.overlapOf(&st.Posts))
	if st.Mentions.Since != 0 && r.c.cfg.Mentions {
		r.lowerOverlap(r.overlapOf(&st.Mentions))
	}
	if r.c.cfg.DirectMessages {
		r.beginMessages()
		r.lowerOverlap(r.overlapOf(&st.Messages.lane))
	}
	var err error
	r.page.Cursor, err = collectors.EncodeCursor(st)
	if err != nil {
		return collectors.Page{Cost: r.page.Cost}, fmt.Errorf("x: %w", err)
	}
	return r.page, nil
}

// overlapOf returns when the oldest post was made that a later poll may return
// again, in whole seconds: an id may be up to precision ahead of created_at.
func (r *round) overlapOf(l *lane) time.Time {
	from := snowflakeTime(l.Since)
	if l.Walk != nil && l.Walk.First {
		// The rest of the history is older than this page, never the same.
		from = time.UnixMilli(l.Walk.Start).Add(-r.c.cfg.Overlap)
	}
	return from.UTC().Truncate(time.Second).Add(-precision)
}

func (r *round) lowerOverlap(t time.Time) {
	if r.page.Overlap.IsZero() || t.Before(r.page.Overlap) {
		r.page.Overlap = t
	}
}

// note takes over what the last answer said beside its items, and returns the
// time.
func (r *round) note() time.Time {
	a := &r.ex.answer
	r.page.Malformed = append(r.page.Malformed, a.malformed...)
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
	}
	return r.clock()
}

// clock returns the earlier of X's Date header and our own time, so that
// neither clock, running ahead, moves the place from which posts are read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// charge adds the price of resources that, as far as the cursor tells, were not
// read before on this UTC day. X charges a resource once a day whoever reads
// it; that is X's affair, and this an estimate, high rather than low.
func (r *round) charge(posts, users int) {
	r.page.Cost += float64(posts)*r.c.cfg.PricePost + float64(users)*r.c.cfg.PriceUser
}

// failed names the part of a round that failed and takes go-twitter's and
// net/http's wrapping off, which repeat a URL that was never asked for.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("x: %s of %s: %w", part, r.c.cfg.Account, r.c.bare(err))
}

// activity returns an activity of this account with what all have in common.
func (r *round) activity(kind activity.Kind, id string, at time.Time) activity.Activity {
	return activity.Activity{
		ID: id, Network: Network, Account: r.c.cfg.Account, Kind: kind,
		Time: at.UTC(), Seen: r.c.deps.Now().UTC(),
	}
}

// emit adds an activity to the page. Fresh says that it was not handed over
// before.
func (r *round) emit(a *activity.Activity, fresh bool) {
	r.page.Activities = append(r.page.Activities, *a)
	r.fresh = r.fresh || fresh
}
