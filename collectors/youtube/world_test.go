package youtube

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
	"github.com/picketd/picket/collectors/youtube/youtubetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake channel, a clock of both sides, and a collector on it.
type world struct {
	t    *testing.T
	srv  *youtubetest.Server
	cfg  Config
	kept *memory

	mu  sync.Mutex
	now time.Time
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// newWorld has an API key, unless change takes another way.
func newWorld(t *testing.T, opts youtubetest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, now: start(), kept: &memory{}}
	opts.Now, opts.Key, opts.Refresh = w.clock, key, refresh
	w.srv = youtubetest.New(opts)
	w.cfg = Config{Account: "youtube/acme", APIKey: key}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		if n := w.srv.Leaks(); n > 0 {
			t.Errorf("%d requests had a secret in their address", n)
		}
	})
	return w
}

// asOwner reads with OAuth.
func asOwner(c *Config) {
	c.ClientID, c.ClientSecret, c.RefreshToken, c.Session = "1234.apps.example", secret, refresh, "owner"
}

func withMentions(c *Config) { c.Mentions = true }

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
	return collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: w.clock, Sessions: w.kept}
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	c, err := New(w.cfg, w.deps())
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Poll(w.t.Context(), cursor)
}

// drain polls until no page is left, and returns all there was, each item once
// as the scheduler keeps it, and the last page.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	known := map[uint64]bool{}
	for range 200 {
		page, err := w.try(cursor)
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
	w.pass(90 * time.Minute)
	return page.Cursor
}

// next makes one round two minutes later, and returns kinds and ids of what came.
func (w *world) next(cursor *json.RawMessage) []string {
	w.t.Helper()
	w.pass(2 * time.Minute)
	as, page := w.drain(*cursor)
	*cursor = page.Cursor
	return ids(as)
}

// old uploads a video that no overlap repeats.
func (w *world) old(title string) string {
	return w.srv.Upload(youtubetest.Video{Title: title, At: start().Add(-3 * time.Hour)})
}

// ids returns kind and id of all activities but follower counts, sorted.
func ids(as []activity.Activity) []string {
	out := []string{}
	for i := range as {
		if as[i].Kind != activity.KindFollowers {
			out = append(out, string(as[i].Kind)+" "+as[i].ID)
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
