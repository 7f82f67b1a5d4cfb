package collectors

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// turn is one poll's use of its credential's budget.
type turn struct {
	account  uint64 // hash of the source's name
	sent     atomic.Int32
	mentions atomic.Bool // some of what was sent reads mentions
}

// begun is how many requests a poll may send once its first was let through,
// although its account has had its part: a poll that is cut off in the middle
// is paid for in vain.
const begun = 16

type turnKey struct{}

func withTurn(ctx context.Context, t *turn) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

// turnOf returns the poll that a request belongs to, nil for none: what no poll
// asks for is of no account.
func turnOf(ctx context.Context) *turn {
	t, _ := ctx.Value(turnKey{}).(*turn)
	return t
}

// streamKey marks contexts of Watch.
type streamKey struct{}

// forStream marks requests whose answer goes on for as long as it is read: no
// time-out and no size bounds it, only the wait for its beginning.
func forStream(ctx context.Context) context.Context {
	return context.WithValue(ctx, streamKey{}, true)
}

func isStream(ctx context.Context) bool { return ctx.Value(streamKey{}) != nil }

// Kept says that a credential has something left that this request may not
// have: it is kept for the accounts' own timelines, where the request reads
// mentions, or else for the other accounts of the credential. It stands inside
// a RateLimited, which holds back this source alone.
type Kept struct {
	Credential string
	Endpoint   string // as BudgetOptions.Endpoint names it, may be empty
	Quota      string // what there is something left of: "requests", "units", "dollars"
	Mentions   bool
}

// keptMentions reports whether mentions wait because of err.
func keptMentions(err error) bool {
	var kept *Kept
	return errors.As(err, &kept) && kept.Mentions
}

func isKept(err error) bool {
	var kept *Kept
	return errors.As(err, &kept)
}

func (e *Kept) Error() string {
	at := ""
	if e.Endpoint != "" {
		at = " for " + e.Endpoint
	}
	if e.Mentions {
		return fmt.Sprintf("credential %s keeps the %s that it has left%s for the accounts' own timelines; mentions wait", e.Credential, e.Quota, at)
	}
	return fmt.Sprintf("this account has had its part of the %s of credential %s%s; what is left is kept for its other accounts", e.Quota, e.Credential, at)
}
