package mastodon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token       = "own-token-p4v7n"
	readerToken = "reader-token-w5r1j"
	appToken    = "app-token-x8q2z"
)

// world is a fake server with the account acme, a clock of both sides, and a
// collector on it.
type world struct {
	t     *testing.T
	srv   *mastodontest.Server
	web   *httptest.Server
	cfg   Config
	pages int // of the collector's idea of a walk, where not 0
	log   *zap.Logger

	mu  sync.Mutex
	now time.Time
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts mastodontest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, now: start(), log: zap.NewNop()}
	opts.Now = w.clock
	if opts.Tokens == nil {
		opts.Tokens = map[string]mastodontest.Token{token: {User: "acme"}, readerToken: {User: "reader"}, appToken: {}}
	}
	w.srv = mastodontest.New(opts)
	w.srv.AddAccount(mastodontest.Profile{
		Name: "acme", DisplayName: "Acme & Co", Note: "We make <things>\n\nhttps://acme.example/about",
		Avatar: "https://files.example/a.png", Header: "https://files.example/h.png",
		Fields:    []mastodontest.Field{{Name: "Shop", Value: "https://shop.acme.example/"}, {Name: "Since", Value: "1949"}},
		Followers: 1200, Following: 10,
	})
	w.srv.AddAccount(mastodontest.Profile{Name: "reader"})
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{Account: "mastodon/acme", Name: "acme", Server: w.web.URL}
	for _, c := range change {
		c(&w.cfg)
	}
	return w
}

func withToken(c *Config) { c.Token = token }

func withMentions(c *Config) { c.Token, c.Mentions = token, true }

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

func (w *world) collector() *Collector {
	w.t.Helper()
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: w.web.Client().Transport})
	c, err := New(w.cfg, collectors.Deps{HTTP: client, Log: w.log, Now: w.clock})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.pages != 0 {
		c.maxPages = w.pages
	}
	return c
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	return w.collector().Poll(w.t.Context(), cursor)
}

func (w *world) poll(cursor json.RawMessage) collectors.Page {
	w.t.Helper()
	page, err := w.try(cursor)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(page.Cursor) > collectors.MaxCursor {
		w.t.Fatalf("cursor of %d bytes", len(page.Cursor))
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

// old makes a status of acme that no overlap repeats.
func (w *world) old(text string) string {
	return w.srv.Post("acme", mastodontest.Status{Text: text, At: start().Add(-time.Hour)})
}

func (w *world) fault(kind, endpoint string) {
	w.t.Helper()
	if err := w.srv.AddFault(mastodontest.Fault{Kind: kind, Endpoint: endpoint, Reset: 600, Delay: time.Hour}); err != nil {
		w.t.Fatal(err)
	}
}

// must fails the test if an action on the fake server failed.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ids returns kind and id of all activities but follower counts, sorted, each
// once.
func ids(as []activity.Activity) []string {
	var out []string
	for _, a := range as {
		if a.Kind != activity.KindFollowers {
			out = append(out, string(a.Kind)+" "+a.ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func only(t *testing.T, as []activity.Activity, kind activity.Kind) activity.Activity {
	t.Helper()
	found := slices.DeleteFunc(slices.Clone(as), func(a activity.Activity) bool { return a.Kind != kind })
	if len(found) != 1 {
		t.Fatalf("%d activities of kind %s in %v, want 1", len(found), kind, ids(as))
	}
	return found[0]
}

func count(as []activity.Activity, kind activity.Kind) int {
	n := 0
	for _, a := range as {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
