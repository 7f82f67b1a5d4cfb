package linkedin

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake page, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *linkedintest.Server
	cfg  Config
	kept *memory
	log  *observer.ObservedLogs
	core *zap.Logger
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// newWorld has an access token, unless change takes another way.
func newWorld(t *testing.T, opts linkedintest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: collectortest.NewClock(start()), kept: &memory{}}
	core, log := observer.New(zap.WarnLevel)
	w.log, w.core = log, zap.New(core)
	opts.Now, opts.Token, opts.ClientID, opts.ClientSecret, opts.Refresh = w.Now, token, client, secret, refresh
	w.srv = linkedintest.New(opts)
	w.cfg = Config{Account: account, Token: token, People: true}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		if n := w.srv.Leaks(); n > 0 {
			t.Errorf("%d requests had a secret in their address", n)
		}
		if n := w.srv.Count("bad"); n > 0 {
			t.Errorf("%d requests had a URN in their path that was not escaped", n)
		}
	})
	return w
}

// withRefresh makes access tokens with a refresh token.
func withRefresh(c *Config) {
	c.Token, c.ClientID, c.ClientSecret, c.RefreshToken, c.Session = "", client, secret, refresh, "acme"
}

func withMentions(c *Config) { c.Mentions = true }

func (w *world) deps() collectors.Deps {
	http := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(w.srv)})
	return collectors.Deps{HTTP: http, Log: w.core, Now: w.Now, Sessions: w.kept}
}

func (w *world) collector() *Collector {
	w.t.Helper()
	c, err := New(w.cfg, w.deps())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	return w.collector().Poll(w.t.Context(), cursor)
}

// drain polls until no page is left, and returns all there was, each item once as
// the scheduler keeps it, and the last page with the gap and the faults of all.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	return w.drainWith(w.collector(), cursor)
}

func (w *world) drainWith(c *Collector, cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	var sum collectors.Page
	known := map[uint64]bool{}
	for range 200 {
		page, err := c.Poll(w.t.Context(), cursor)
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range page.Activities {
			a := &page.Activities[i]
			if err := a.Validate(); err != nil {
				w.t.Fatalf("activity %+v: %v", a, err)
			}
			if !known[a.Key()] {
				known[a.Key()] = true
				all = append(all, *a)
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
	w.Pass(20 * time.Minute)
	return page.Cursor
}

// old makes a post that no overlap repeats.
func (w *world) old(words string) string {
	return w.srv.Post(linkedintest.Post{Text: words, At: start().Add(-time.Hour)})
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
