// Package collectortest holds the contract that every collector passes, and
// what tests of collectors need: logs in memory with the journal's fence, and
// HTTP without sockets, so that hours of polling run in testing/synctest. Fake
// networks belong beside their collector (<source>test).
package collectortest

import (
	"net/http"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Harness tells Run how to build one collector and its fake source.
type Harness struct {
	// Source is the source that is polled, for a collector of one account the
	// account: "x/acme".
	Source string
	// Multi says that the source holds activities of many accounts.
	Multi bool
	// Every is the poll interval; 0 means a minute.
	Every time.Duration
	// Settle is how long after a change everything that it brings has been
	// read when nothing fails; 0 means four times Every. A collector that looks
	// at some things less often than at each poll needs more.
	Settle time.Duration
	// Lag is how late the source documents that items may turn up, at least 1 s,
	// 0 where it does not say: Spec.Lag. Fake.Delayed must be there with it.
	Lag time.Duration
	// Endpoint is the Endpoint of the credential's budget, may be nil.
	Endpoint func(*http.Request) string
	// Open makes a new, empty fake source. Run calls it once per subtest,
	// inside a testing/synctest bubble whose clock starts in January 2026:
	// the fake reads time.Now, opens no socket, and every goroutine that it
	// starts ends by t.Cleanup at the latest.
	Open func(t *testing.T) Fake
}

// Fake is one fake source and the hooks that drive it. Publish and New are
// needed; a nil hook leaves out the subtests that need it. Run calls hooks
// while the collector may be polling.
type Fake struct {
	// New returns a new collector on the same source. Run calls it again for
	// each restart: nothing may survive but what the source and the cursor
	// hold.
	New func(deps collectors.Deps) (collectors.Collector, error)

	// Handler is the source's HTTP server, reached through Deps.HTTP whatever
	// the host; nil for a source without HTTP. Run itself injects 429, 5xx,
	// refusals, cut bodies and broken connections in front of it.
	Handler http.Handler

	// Publish adds n new items that happen now and returns what the collector
	// must make of them.
	Publish func(n int) []Item

	// Late adds n items that happened a while ago, two intervals if the overlap
	// that the collector re-reads is that long, never longer than it. Nil when
	// the source never delivers late.
	Late func(n int) []Item

	// Delayed adds n items that happened by ago, at most Harness.Lag, and that
	// nobody could see until now. Where Late is nil it stands in for it, with
	// two intervals or Lag, whichever is shorter.
	Delayed func(n int, by time.Duration) []Item

	// Malformed adds one item that cannot be mapped, between others that can,
	// and returns those others. Nil when the source has no such thing.
	Malformed func() []Item

	// Limited writes the network's own answer to a client that must wait until
	// reset. Nil means 429 with Retry-After in seconds.
	Limited func(w http.ResponseWriter, r *http.Request, reset time.Time)

	// Refuse writes the network's own answer to a refused credential. Nil
	// means 401 with an empty JSON object.
	Refuse func(w http.ResponseWriter, r *http.Request)

	// Ignore tells activities that the test does not count: what the collector
	// yields beside the published items, such as follower counts. Activities
	// of kind poll are never counted.
	Ignore func(a *activity.Activity) bool
}

// Item identifies one activity that the collector must yield exactly once.
type Item struct {
	Account string
	Kind    activity.Kind
	ID      string
}
