package reddit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Collector reads one account. It keeps nothing between polls but an access
// token and for how long Reddit granted no request; all else is in the cursor.
type Collector struct {
	cfg  Config
	deps collectors.Deps
	http http.Client
	size int // of a page; tests make it small

	// Poll and Verify are called by one goroutine at a time.
	session  session
	unsaved  bool      // the session could not be kept
	resume   time.Time // nothing is sent before
	small    int       // of a page where one of size is too large, 0 else
	shrunk   time.Time // when that was found
	scrubber collectors.Scrubber
}

// New returns a collector of one account. Its error names every fault of cfg by
// the key of the configuration.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("reddit: Deps.HTTP and Deps.Now are needed")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("reddit: %w", err)
	}
	c := &Collector{cfg: cfg, deps: deps, http: *deps.HTTP, size: pageSize}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.scrub()
	return c, nil
}

// Endpoint names the quota of a request: Reddit counts all of the API together,
// and those for access tokens apart.
func Endpoint(req *http.Request) string {
	if req.Method == http.MethodPost {
		return "token"
	}
	return ""
}

// Poll implements collectors.Collector. One poll reads a page of submissions and
// a page of comments. When both walks are at their end and nothing was new, it
// goes on with the watched items, the profile, the logs of moderators and
// mentions, each when it is due.
//
// Whatever is new is handed over, with More set, before the next part is asked
// for, so that trouble with one part hides no other.
func (c *Collector) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	st, err := decodeState(cursor)
	if err != nil {
		return collectors.Page{}, err
	}
	asked := c.cfg.BaseURL + " " + strings.ToLower(c.cfg.name())
	if st.Asked != "" && st.Asked != asked {
		c.deps.Log.Warn("the cursor is of another account; reading anew", zap.String("account", c.cfg.Account), zap.String("cursor", st.Asked))
		st = newState()
	}
	st.Asked = asked
	st.prune(&c.cfg)
	r := newRound(ctx, c, st)
	if r.due(st.Round, roundOver) {
		st.endRound()
	}
	if err := r.read(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return collectors.Page{}, err
	}
	return r.finish()
}

// roundOver is how long after its last page a round is over that was not ended: by
// trouble with another part, which must not keep the lists from being read.
const roundOver = time.Minute

// round is one poll under way.
type round struct {
	ctx   context.Context //nolint:containedctx // lives for one poll
	c     *Collector
	st    *state
	page  collectors.Page
	fresh bool // the page holds something that was not handed over before
	// held: dropping the page would lose something out of sight, or how far a
	// part has come.
	held    bool
	trouble bool             // a part has failed
	met     map[string]bool  // items that this poll met in a list, by name
	low     map[string]place // the oldest of each kind among them
}

func newRound(ctx context.Context, c *Collector, st *state) *round {
	return &round{ctx: ctx, c: c, st: st, met: map[string]bool{}, low: map[string]place{}}
}

// read fetches what is due, up to the first thing that is new. A part that fails
// keeps no other from being read, unless Reddit said to wait.
func (r *round) read() error {
	var errs []error
	parts := r.parts()
	for i, part := range parts {
		err := part()
		if isLimited(err) || r.ctx.Err() != nil {
			return errors.Join(err, r.ctx.Err())
		}
		if err != nil {
			errs, r.trouble = append(errs, err), true
		}
		last := i+1 == len(parts)
		// Nothing that is live goes into a page of history.
		if r.page.Backfill || r.fresh && (len(errs) > 0 || !last) {
			r.page.More = true
			return nil
		}
	}
	if r.held && len(errs) > 0 { // what failed is met again by the next poll
		r.page.More = true
		return nil
	}
	return errors.Join(errs...)
}

// parts returns what is due. While a list of the account has pages left, the rest
// waits, unless there is trouble with one. Nothing waits for mentions, which the
// budget may keep back for as long as the public storms.
func (r *round) parts() []func() error {
	out := []func() error{
		func() error { return r.list(&r.st.Posts, submissions) },
		func() error { return r.list(&r.st.Comments, comments) },
	}
	beside := func(part func() error) func() error {
		return func() error {
			if r.walking() && !r.trouble {
				return nil
			}
			return part()
		}
	}
	out = append(out, beside(r.sweep), beside(r.profile))
	for _, name := range r.c.cfg.Moderates {
		out = append(out, beside(func() error { return r.log(strings.ToLower(name)) }))
	}
	if r.c.cfg.Mentions {
		out = append(out, beside(r.mentions))
	}
	return out
}

// walking reports whether a list of the account itself has pages left.
func (r *round) walking() bool { return r.st.Posts.Walk != nil || r.st.Comments.Walk != nil }

func isLimited(err error) bool {
	_, ok := errors.AsType[*collectors.RateLimited](err)
	return ok
}

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	r.spans(&r.st.Posts.flow)
	r.spans(&r.st.Comments.flow)
	for _, f := range r.st.Logs {
		r.spans(f)
	}
	if r.c.cfg.Mentions {
		r.spans(&r.st.Mention)
	}
	if !r.page.More {
		r.st.endRound()
	}
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("reddit: %w", err)
	}
	return r.page, nil
}

// spans takes over what one list says of the page: whether it has more, and when
// the oldest item happened that a later poll may return again.
func (r *round) spans(f *flow) {
	if f.Since == 0 && f.Walk == nil {
		return
	}
	from := f.Since
	if f.Walk != nil {
		r.page.More = r.page.More || r.page.Behind == nil
		if f.Walk.First { // the rest of the history is older than this page, never the same
			from = f.Walk.Start - seconds(r.c.cfg.Overlap)
		}
	}
	if at := timeOf(from); r.page.Overlap.IsZero() || at.Before(r.page.Overlap) {
		r.page.Overlap = at
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// clock returns the earlier of Reddit's Date header and our own time, so that
// neither clock, running ahead, moves the place from which items are read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// second is when a change was seen of which Reddit tells no time.
func (r *round) second() time.Time { return r.clock().Truncate(time.Second) }

// due reports whether something that was done at a time is to be done again. It
// is also where a clock was set back.
func (r *round) due(at int64, every time.Duration) bool {
	now := r.clock().Unix()
	return now-at >= seconds(every-slack) || now < at
}

// slack is how much earlier than every so often something is done, so that a
// poll that comes a moment early does not leave it to the next.
const slack = 15 * time.Second

// failed names the part of a round that failed.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("reddit: %s of %s: %w", part, r.c.cfg.Account, err)
}

// emit adds an activity to the page. What is too large for the journal comes
// with fewer links and without its raw form: its size must not hide it.
func (r *round) emit(a *activity.Activity) {
	a.Network, a.Account = Network, r.c.cfg.Account
	a.Time, a.Seen = a.Time.UTC(), r.c.deps.Now().UTC()
	a.LinkDomains = domainsOf(a.Links)
	err := a.Validate()
	if err != nil {
		const few = 10
		a.Raw = nil
		a.Links = a.Links[:min(few, len(a.Links))]
		a.LinkDomains = domainsOf(a.Links)
		a.Mentions = a.Mentions[:min(few, len(a.Mentions))]
		err = a.Validate()
	}
	if err != nil {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: collectors.Clip(a.ID, 60), Err: r.c.bare(err)})
		return
	}
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
		Field: fmt.Sprintf("%s answer, data.children[%d]", a.endpoint, i), Err: r.c.bare(err),
	})
}
