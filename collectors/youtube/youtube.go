package youtube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Collector reads one channel. It keeps nothing between polls but an access
// token; all else is in the cursor.
type Collector struct {
	cfg  Config
	deps collectors.Deps
	http http.Client

	// Poll and Verify are called by one goroutine at a time.
	session  session
	scrubber collectors.Scrubber
}

// New returns a collector of one channel. Its error names every fault of cfg by
// the key of the configuration.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("youtube: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("youtube: %w", err)
	}
	c := &Collector{cfg: cfg, deps: deps, http: *deps.HTTP}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.scrub()
	return c, nil
}

// Cost says how many units of quota a request takes: one for each list, as all
// that are made here are, and none for an access token.
func Cost(req *http.Request) int {
	if req.Method == http.MethodPost {
		return 0
	}
	return 1
}

// Poll implements collectors.Collector. One poll reads a page of the uploads.
// When that ends a walk and nothing was new, it goes on with the channel, the
// videos that no page showed, and comments.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for, so that trouble with one part hides no other.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	asked := c.cfg.BaseURL + " " + c.cfg.Channel
	if st.Asked != "" && st.Asked != asked {
		c.deps.Log.Warn("the cursor is of another channel; reading anew", zap.String("account", c.cfg.Account), zap.String("cursor", st.Asked))
		st = &state{Version: cursorVersion}
	}
	st.Asked = asked
	r := &round{ctx: ctx, c: c, st: st, met: map[string]bool{}}
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
	fresh bool            // the page holds something that was not handed over before
	held  bool            // it holds what may be lost to sight when the page is dropped
	met   map[string]bool // videos that this poll asked for
	low   int64           // time of the oldest video on the page, ms
}

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if r.st.Uploads == "" { // its ids are needed for all else
		if err := r.channel(); err != nil {
			return err
		}
		r.fresh = false
	}
	if err := r.uploads(); err != nil {
		return err
	}
	if r.fresh || r.page.Backfill || r.st.Walk != nil {
		r.page.More = true // nothing that is live goes into a page of history
		return nil
	}
	parts := []func() error{r.channel, r.sweep}
	if r.c.cfg.Mentions {
		parts = append(parts, r.comments)
	}
	var errs []error
	for i, part := range parts {
		err := part()
		if _, limited := errors.AsType[*collectors.RateLimited](err); limited {
			return err
		}
		if err != nil {
			errs = append(errs, err)
		}
		if r.fresh && (len(errs) > 0 || i+1 < len(parts)) {
			r.page.More = true
			return nil
		}
	}
	if r.held { // what failed is met again by the next poll
		return nil
	}
	return errors.Join(errs...)
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	r.spans(&r.st.lane)
	r.spans(r.st.Comments)
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("youtube: %w", err)
	}
	return r.page, nil
}

// spans takes over what one lane says of the page: whether it has more, and
// when the oldest item happened that a later poll may return again.
func (r *round) spans(l *lane) {
	if l == nil || l.Since == 0 && l.Walk == nil {
		return
	}
	from := l.Since
	if l.Walk != nil {
		r.page.More = true
		if l.Walk.First { // the rest of the history is older than this page, never the same
			from = l.Walk.Start - r.c.cfg.Overlap.Milliseconds()
		}
	}
	at := time.UnixMilli(from).UTC().Truncate(time.Second)
	if r.page.Overlap.IsZero() || at.Before(r.page.Overlap) {
		r.page.Overlap = at
	}
}

// clock returns the earlier of Google's Date header and our own time, so that
// neither clock, running ahead, moves the place from which items are read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// second is when a change was seen of which YouTube tells no time.
func (r *round) second() time.Time { return r.clock().Truncate(time.Second) }

// took notes what an answer says beside its content.
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
	return fmt.Errorf("youtube: %s of %s: %w", part, r.c.cfg.Account, err)
}

// emit adds an activity to the page.
func (r *round) emit(a *activity.Activity) {
	a.Network, a.Account = Network, r.c.cfg.Account
	a.Time, a.Seen = a.Time.UTC(), r.c.deps.Now().UTC()
	r.page.Activities = append(r.page.Activities, *a)
}

// tell adds one that was not handed over before.
func (r *round) tell(a *activity.Activity) {
	r.emit(a)
	r.fresh, r.held = true, true
}

// malformed notes an item that cannot be mapped; the others stand.
func (r *round) malformed(a *answer, i int, err error) {
	r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{
		Field: fmt.Sprintf("%s answer, items[%d]", a.endpoint, i), Err: r.c.bare(err),
	})
}
