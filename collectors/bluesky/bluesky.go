package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/atclient"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Network is the Network of every activity of this package.
const Network = "bluesky"

// Collector reads one account. Between polls it keeps its session, which is in
// Deps.Sessions too, and what its stream heard, which is a hint; all else is in
// the cursor.
type Collector struct {
	cfg      Config
	deps     collectors.Deps
	session  *session
	heard    heard
	maxPages int // of a walk; tests make it small
	// dialDNS reaches the name server, nil for the system's; tests refuse.
	dialDNS func(ctx context.Context, network, address string) (net.Conn, error)
}

// New returns a collector of one account. Its error names every fault of cfg by
// the key in the configuration file.
func New(cfg Config, deps collectors.Deps) (*Collector, error) {
	if deps.HTTP == nil || deps.Now == nil {
		return nil, errors.New("bluesky: Deps.HTTP and Deps.Now are needed")
	}
	if cfg.Password != "" && deps.Sessions == nil {
		return nil, errors.New("bluesky: Deps.Sessions is needed with app_password: the server allows few new sessions a day")
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("bluesky: %w", err)
	}
	return &Collector{cfg: cfg, deps: deps, maxPages: maxPages}, nil
}

// sweepEvery is how often the repository is read although its revision says
// that nothing has changed.
const sweepEvery = 10 * time.Minute

// Poll implements collectors.Collector. One poll asks for the repository's
// revision and, where that has changed, reads what is new, page by page; then
// come the identity, the counts, the app passwords and a page of mentions, each
// when it is due.
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
	if st.DID != "" && (!strings.EqualFold(st.Name, c.cfg.Name) || c.cfg.DID != "" && st.DID != c.cfg.DID) {
		c.deps.Log.Warn("the cursor is of another account; reading anew",
			zap.String("account", c.cfg.Account), zap.String("cursor_name", st.Name), zap.String("cursor_did", st.DID))
		st = newState()
	}
	st.Name = c.cfg.Name
	if c.cfg.Server != "" {
		st.Server = c.cfg.Server
	}
	r := newRound(ctx, c, st)
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
	ctx  context.Context //nolint:containedctx // lives for one poll
	c    *Collector
	ex   *exchange
	st   *state
	page collectors.Page
	// fresh says that the page holds something that was not handed over before.
	fresh bool
}

func newRound(ctx context.Context, c *Collector, st *state) *round {
	return &round{ctx: ctx, c: c, ex: &exchange{c: c}, st: st}
}

// pds returns the client of the account's server, without a login: what
// everybody sees needs none, so that trouble with the session hides nothing.
func (r *round) pds() *atclient.APIClient { return r.client(r.st.Server, nil) }

// read fetches what is due, up to the first thing that is new.
func (r *round) read() error {
	if r.st.DID == "" || r.st.Server == "" { // needed for all else
		if err := r.resolve(); err != nil {
			return r.failed("look-up of the account", err)
		}
	}
	r.c.heard.set(r.st.DID, r.st.Server)
	// The revision of a round that was begun in an earlier poll may be an old
	// one by now, after a restart a very old one: the next poll asks again.
	resumed := r.st.Round != nil
	if !resumed {
		if err := r.begin(); err != nil {
			return err
		}
	}
	if r.st.Round != nil {
		if err := r.pass(); err != nil {
			return err
		}
	}
	if r.fresh || r.page.Backfill || r.st.Round != nil || resumed && r.st.Rev != "" {
		r.page.More = true
		return nil
	}
	return r.readParts(r.parts())
}

// begin asks for the account's state and opens a round where one is due.
func (r *round) begin() error {
	rev, err := r.status()
	if err != nil || r.fresh {
		return err
	}
	r.beginMentions()
	now := r.clock()
	changed := rev == "" || rev != r.st.Rev
	if changed || collectors.Due(now, r.st.Swept, sweepEvery) {
		r.st.Round = &pass{Rev: rev, Start: now.UnixMilli()}
	}
	return nil
}

// phases of a round, see phase.
const phases = 4

// pass goes on with the round until a page is done that holds something new.
func (r *round) pass() error {
	for p := r.st.Round; ; {
		ended, err := r.phase(p.Phase)
		if err != nil || !ended {
			return err
		}
		if p.Phase++; p.Phase == phases {
			r.st.Rev, r.st.Swept, r.st.Round = p.Rev, p.Start/1000, nil
			return nil
		}
		if r.fresh || r.page.Backfill {
			return nil
		}
	}
}

// phase does a step of the round and reports whether its phase has ended.
func (r *round) phase(n int) (bool, error) {
	switch n {
	case 0:
		return r.walk(collectionPost, &r.st.Posts)
	case 1:
		return r.walk(collectionRepost, &r.st.Reposts)
	case 2:
		return true, r.profile()
	default:
		return r.deletions()
	}
}

// parts returns what is due beside the repository. While mentions have pages
// left, only those.
func (r *round) parts() []func() error {
	var out []func() error
	if r.st.Mention.Walk == nil {
		out = append(out, r.identity, r.counts)
		if r.c.cfg.Password != "" {
			out = append(out, r.appPasswords)
		}
	}
	if r.c.cfg.Mentions {
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

// slack is how far the clocks of clients, which make most record keys, may be
// ahead of the server's.
const slack = 5 * time.Minute

// finish completes the page that a successful read has filled.
func (r *round) finish() (collectors.Page, error) {
	if r.st.Mention.Walk != nil && r.page.Behind == nil {
		r.page.More = true
	}
	for _, l := range []*lane{&r.st.Posts, &r.st.Reposts} {
		since := l.Since
		if since == 0 { // the rest of the history is older than this page, never the same
			since = r.clock().Add(-r.c.cfg.Overlap).UnixMilli()
		}
		r.lowerOverlap(since - slack.Milliseconds())
	}
	if r.st.Mention.Since != 0 && r.c.cfg.Mentions {
		r.lowerOverlap(r.st.Mention.Since)
	}
	var err error
	if r.page.Cursor, err = collectors.EncodeCursor(r.st); err != nil {
		return collectors.Page{}, fmt.Errorf("bluesky: %w", err)
	}
	return r.page, nil
}

func (r *round) lowerOverlap(ms int64) {
	t := time.UnixMilli(ms).UTC().Truncate(time.Second)
	if r.page.Overlap.IsZero() || t.Before(r.page.Overlap) {
		r.page.Overlap = t
	}
}

// clock returns the earlier of the server's Date header and our own time, so
// that neither clock, running ahead, moves the place from which records are
// read.
func (r *round) clock() time.Time {
	now := r.c.deps.Now().UTC()
	if t := r.page.ServerTime; !t.IsZero() && t.Before(now) {
		return t
	}
	return now
}

// revTime returns when a revision was made, as the server says, never later
// than now; now where there is none.
func (r *round) revTime(rev string) time.Time {
	now := r.clock()
	tid, err := syntax.ParseTID(rev)
	if err != nil || tid.Time().After(now) {
		return now
	}
	return tid.Time()
}

// failed names the part of a round that failed.
func (r *round) failed(part string, err error) error {
	if ctxErr := r.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	return fmt.Errorf("bluesky: %s of %s: %w", part, r.c.cfg.Account, err)
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
	if err := slim(a); err != nil {
		r.page.Malformed = append(r.page.Malformed, &collectors.Malformed{Field: collectors.Clip(a.ID, maxWords), Err: err})
		return
	}
	r.page.Activities = append(r.page.Activities, *a)
	r.fresh = r.fresh || fresh
}

// slim takes from an activity what makes it unfit for the journal: who writes a
// record that is too large or too deep shall not hide it so.
func slim(a *activity.Activity) error {
	err := a.Validate()
	if err == nil {
		return nil
	}
	a.Raw = nil
	if a.Validate() == nil {
		return nil
	}
	const few = 10
	a.Links = a.Links[:min(few, len(a.Links))]
	a.LinkDomains = a.LinkDomains[:min(few, len(a.LinkDomains))]
	a.Mentions = a.Mentions[:min(few, len(a.Mentions))]
	a.Hashtags = a.Hashtags[:min(few, len(a.Hashtags))]
	a.Media = a.Media[:min(few, len(a.Media))]
	return a.Validate()
}
