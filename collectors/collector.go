// Package collectors holds the discipline shared by all collectors: the
// contract, the poll scheduler, budgets, backoff, overlap de-duplication and
// checkpoints. Clients of one network and their mapping belong in the folder
// of that network; what an activity means belongs in rules.
package collectors

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/activity"
)

// A Collector reads one source: a connected account, an identity provider's
// log, a file. It never retries, never sleeps and never de-duplicates: the
// scheduler does. Poll returns what came after cursor, which is nil on the
// first call and else the Cursor of an earlier Page. The same cursor may be
// polled again after a crash and must yield the same items as far as the
// source still has them.
//
// An error that says what to do is a *RateLimited, *Forbidden or *Malformed;
// any other is retried with backoff. On error only the Cost of the returned
// Page counts. Poll returns soon after ctx ends, is called by one goroutine at
// a time, and leaves no goroutine behind.
type Collector interface {
	Poll(ctx context.Context, cursor json.RawMessage) (Page, error)
}

// Page is one answer of a collector.
type Page struct {
	// Activities in any order; items inside the overlap window may repeat
	// those of earlier pages.
	Activities []activity.Activity
	// Cursor is the value to poll with next, at most MaxCursor bytes.
	Cursor json.RawMessage
	// Overlap is the oldest occurrence time that any later poll may return
	// again; zero when the source never repeats. The scheduler remembers the
	// keys of items at or after it, see MaxRecent. While More pages of one walk
	// follow it is no later than what they return, and the walk after them
	// begins where late items may have turned up since this one began: a walk
	// can be held up for hours. It may move back only over times of which
	// nothing was read yet.
	Overlap time.Time
	// Backfill marks history read on a first connection: it teaches only.
	Backfill bool
	// More asks for another poll at once, within the budget.
	More bool
	// Gap tells that items between its bounds are lost for good.
	Gap *Gap
	// Behind is the error for which mentions were left to a later poll although
	// all else was read: the credential's budget keeps what is left for the
	// accounts' own timelines. The cursor holds where to go on.
	Behind error
	// Malformed lists items that could not be mapped; the rest of the page
	// stands. Each is counted and logged, never dropped silently.
	Malformed []error
	// Cost is what this poll cost in US dollars where the network is pay per
	// use, 0 elsewhere. The scheduler charges it to the credential's Budget.
	Cost float64
	// ServerTime is the network's clock when it answered (the Date header),
	// zero if unknown.
	ServerTime time.Time
}

// MaxCursor bounds a cursor's size in bytes.
const MaxCursor = 64 << 10

// Gap is a span of occurrence time that can no longer be read, and why.
type Gap struct {
	From, Until time.Time
	Reason      string
}

// Deps is what a collector is given; it creates no client, clock or logger of
// its own. HTTP already counts requests against the credential's Budget,
// applies time-outs and caps answers in size.
type Deps struct {
	HTTP *http.Client
	Log  *zap.Logger
	Now  func() time.Time
	// Sessions keeps sessions over restarts; nil where the collector needs none.
	Sessions Sessions
}
