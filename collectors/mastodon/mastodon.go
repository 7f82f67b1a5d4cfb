package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Network is the Network of every activity of this package.
const Network = "mastodon"

// Collector reads one account. It keeps nothing between polls but the
// credential; all else is in the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	base     *url.URL
	scrubber collectors.Scrubber
	maxPages int // of a walk; tests make it small
}

// New returns a collector of one account. Its error names every fault of cfg
// by the field's name in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("mastodon: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, base, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("mastodon: %w", err)
	}
	return &Collector{cfg: cfg, deps: deps, base: base, scrubber: collectors.NewScrubber(cfg.Token), maxPages: maxPages}, nil
}

// Poll implements collectors.Collector. One poll reads a page of the account's
// timeline. When that ends a walk down the timeline and nothing was new, it
// goes on with the other parts: the profile, the confirmation of deletions, the
// list of tokens where the server has one, and a page of mentions where they are
// wanted.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for. So an error of one part, for which the page is dropped, costs nothing
// that was read; trouble with mentions never hides a post, nor is it hidden
// itself; and after the server has answered 429 nothing more is sent. A part
// for which the credential's own budget has no request left waits for the next
// poll.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	if st.User != "" && (st.Host != c.base.Host || !strings.EqualFold(st.Name, c.cfg.Name)) {
		c.deps.Log.Warn("the cursor is of another account; reading anew",
			zap.String("account", c.cfg.Account), zap.String("cursor_name", st.Name), zap.String("cursor_host", st.Host))
		st = newState()
	}
	st.Host, st.Name = c.base.Host, c.cfg.Name
	r := &round{c: c, ctx: ctx, st: st, client: newClient(c)}
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
	ctx    context.Context //nolint:containedctx // lives for one poll
	c      *Collector
	client *client
	st     *state
	page   collectors.Page
	fresh  bool // the page holds something that was not handed over before

	seen     bool  // the account itself could be seen in this poll
	statuses int64 // how many statuses it says it has, -1 if it does not
	asked    int   // histories asked for

	owner string // id of the account that the token is of, "" before it was asked for
}

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if r.st.User == "" { // its id is needed for all else
		if err := r.lookup(); err != nil {
			return err
		}
		r.fresh = false
	}
	if err := r.timeline(); err != nil {
		return r.failed("statuses", err)
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
		if !r.seen || r.c.cfg.Mentions && !r.page.Backfill {
			out = append(out, r.profile)
		}
		out = append(out, r.deletions, r.apps)
	}
	// Not beside history: what a page of history holds raises no finding.
	if r.c.cfg.Mentions && !r.page.Backfill {
		out = append(out, r.mentions)
	}
	return out
}

// readParts stops, with More set, before it asks for a part when the page
// holds something new. Trouble of one part does not keep the others from being
// read, unless it is the server's own word to wait.
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
		if err != nil {
			errs = append(errs, err)
		}
		if r.fresh && (len(errs) > 0 || i+1 < len(parts)) {
			r.page.More = true
			return nil
		}
	}
	return errors.Join(errs...)
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	r.st.prune()
	if r.st.Posts.Walk != nil || r.st.Mentions.Walk != nil && r.page.Behind == nil {
		r.page.More = true
	}
	r.lowerOverlap(r.overlapOf(&r.st.Posts))
	if r.st.Mentions.Since != 0 && r.c.cfg.Mentions {
		r.lowerOverlap(r.overlapOf(&r.st.Mentions))
	}
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("mastodon: %w", err)
	}
	return r.page, nil
}

// overlapOf returns when the oldest item happened that a later poll may return
// again, in whole seconds.
func (r *round) overlapOf(l *lane) time.Time {
	from := time.UnixMilli(l.Since)
	if l.Walk != nil && l.Walk.First {
		// The rest of the history is older than this page, never the same.
		from = time.UnixMilli(l.Walk.Start).Add(-r.c.cfg.Overlap)
	}
	return from.UTC().Truncate(time.Second)
}

func (r *round) lowerOverlap(t time.Time) {
	if r.page.Overlap.IsZero() || t.Before(r.page.Overlap) {
		r.page.Overlap = t
	}
}

// note takes over what the last answer said beside its items, and returns the
// time.
func (r *round) note() time.Time {
	a := &r.client.ex.answer
	r.page.Malformed = append(r.page.Malformed, a.malformed...)
	if !a.date.IsZero() {
		r.page.ServerTime = a.date
	}
	return r.clock()
}

// clock returns the earlier of the server's Date header and our own time, so
// that neither clock, running ahead, moves the place from which statuses are
// read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// failed names the part of a round that failed and takes the wrapping of
// go-mastodon and net/http off, which repeat the URL.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("mastodon: %s of %s: %w", part, r.c.cfg.Account, r.c.bare(err))
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
