package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	did             = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	appPassword     = "abcd-efgh-ijkl-mnop"
	accountPassword = "correct horse battery staple"
	original        = "at://did:plc:ffffffffffffffffffffffff/app.bsky.feed.post/3l4original22"
)

// world is a fake Bluesky with the account acme.test, a clock of both sides, and
// a collector on it. Whatever host is asked, the fake answers.
type world struct {
	*collectortest.Clock

	t        *testing.T
	srv      *blueskytest.Server
	cfg      Config
	pages    int // of the collector's idea of a walk, where not 0
	sessions *passing
	// known is when each item that was told happened, as long as the scheduler
	// remembers it.
	known map[uint64]time.Time
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts blueskytest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: collectortest.NewClock(start()), sessions: &passing{}, known: map[uint64]time.Time{}}
	opts.Now = w.Now
	w.srv = blueskytest.New(opts)
	w.srv.AddAccount(did, "acme.test", accountPassword)
	w.srv.AddAppPassword(did, blueskytest.AppPassword{Name: "picket", Password: appPassword})
	w.cfg = Config{Name: "acme.test", Server: "https://pds.test", Session: "bluesky", Watch: 20}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		for _, e := range w.srv.Exceeded() {
			t.Errorf("limit exceeded: %s", e)
		}
	})
	return w
}

func withPassword(c *Config) { c.Password = appPassword }

func withMentions(c *Config) { c.Password, c.Mentions = appPassword, true }

func discovered(c *Config) { c.Server = "" }

func (w *world) deps() collectors.Deps {
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(w.srv)})
	return collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: w.Now, Sessions: w.sessions}
}

// collector returns one as a process that starts has it: nothing is kept but
// sessions.
func (w *world) collector() *Collector {
	w.t.Helper()
	c, err := New(w.cfg, w.deps())
	if err != nil {
		w.t.Fatal(err)
	}
	if w.pages != 0 {
		c.maxPages = w.pages
	}
	c.dialDNS = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no name server") }
	return c
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	return w.collector().Poll(w.t.Context(), cursor)
}

// poll polls with a new process each time, and checks what each page must be.
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

// drain polls until no page is left, and returns all that is new, each item once
// as the scheduler keeps it, and the last page with the gap and the faults of
// all.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	var sum collectors.Page
	for range 300 {
		page := w.poll(cursor)
		for _, a := range page.Activities {
			if _, told := w.known[a.Key()]; !told {
				w.known[a.Key()] = a.Time
				all = append(all, a)
			}
		}
		maps.DeleteFunc(w.known, func(_ uint64, at time.Time) bool { return at.Before(page.Overlap) })
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
	w.t.Fatal("300 polls, and still more")
	return nil, collectors.Page{}
}

// connect makes the first round and lets the overlap pass.
func (w *world) connect() json.RawMessage {
	w.t.Helper()
	_, page := w.drain(nil)
	w.Pass(20 * time.Minute)
	return page.Cursor
}

// later lets a while pass and polls.
func (w *world) later(d time.Duration, cursor json.RawMessage) ([]activity.Activity, json.RawMessage) {
	w.t.Helper()
	w.Pass(d)
	got, page := w.drain(cursor)
	return got, page.Cursor
}

func (w *world) post(text string) string {
	return w.srv.Put(did, collectionPost, "", blueskytest.Post(text, w.Now()))
}

// serve makes the fake listen on a loopback port, for the event stream.
func (w *world) serve() *httptest.Server {
	w.t.Helper()
	web := httptest.NewServer(w.srv)
	w.t.Cleanup(web.Close)
	w.cfg.Server = web.URL
	return web
}

// ids returns kind and id of all activities but counts, sorted, each once.
func ids(as []activity.Activity) []string {
	out := []string{}
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

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
