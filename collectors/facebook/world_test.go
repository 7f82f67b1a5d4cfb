package facebook

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake Page, a clock of both sides, and a collector on it.
type world struct {
	t   *testing.T
	srv *facebooktest.Server
	cfg Config

	mu  sync.Mutex
	now time.Time
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts metagraphtest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, now: start()}
	opts.Now, opts.Token, opts.AppSecret = w.clock, token, secret
	w.srv = facebooktest.New(opts)
	w.cfg = Config{Account: "facebook/acme", Access: metagraph.Access{Token: token, AppSecret: secret}}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		if n := w.srv.Leaks(); n > 0 {
			t.Errorf("%d requests had the token in their URL", n)
		}
	})
	return w
}

func withMentions(c *Config) { c.Mentions = true }

func withAccess(c *Config) { c.People, c.Apps, c.Business = true, true, "300" }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) deps() collectors.Deps {
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(w.srv)})
	return collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: w.clock}
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	c, err := New(w.cfg, w.deps())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Poll(w.t.Context(), cursor)
}

func (w *world) poll(cursor json.RawMessage) collectors.Page {
	w.t.Helper()
	page, err := w.try(cursor)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range page.Activities {
		if err := page.Activities[i].Validate(); err != nil {
			w.t.Fatalf("activity %+v: %v", page.Activities[i], err)
		}
	}
	return page
}

// drain polls until no page is left, and returns all there was, each item once
// as the scheduler keeps it, and the last page with the gap and the faults of
// all.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	var sum collectors.Page
	known := map[uint64]bool{}
	for range 200 {
		page := w.poll(cursor)
		for _, a := range page.Activities {
			if !known[a.Key()] {
				known[a.Key()] = true
				all = append(all, a)
			}
		}
		cursor = page.Cursor
		page.Malformed = append(sum.Malformed, page.Malformed...)
		if page.Gap == nil {
			page.Gap = sum.Gap
		}
		sum = page
		if !page.More {
			return all, page
		}
	}
	w.t.Fatal("200 polls, and still more")
	return nil, collectors.Page{}
}

// connect makes the first round and lets the overlap pass.
func (w *world) connect() json.RawMessage {
	w.t.Helper()
	_, page := w.drain(nil)
	w.pass(20 * time.Minute)
	return page.Cursor
}

// old makes a post that no overlap repeats.
func (w *world) old(text string) string {
	return w.srv.Post(facebooktest.Post{Text: text, At: start().Add(-time.Hour)})
}

// must fails the test if an action on the fake server failed.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ids returns kind and id of all activities but follower counts, sorted.
func ids(as []activity.Activity) []string {
	out := []string{}
	for _, a := range as {
		if a.Kind != activity.KindFollowers {
			out = append(out, string(a.Kind)+" "+a.ID)
		}
	}
	slices.Sort(out)
	return out
}

func only(t *testing.T, as []activity.Activity, kind activity.Kind) activity.Activity {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(as), func(a activity.Activity) bool { return a.Kind != kind })
	if len(found) != 1 {
		t.Fatalf("%d activities of kind %s in %v, want 1", len(found), kind, ids(as))
	}
	return found[0]
}
