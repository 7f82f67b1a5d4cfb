package github

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/github/githubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake GitHub, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *githubtest.Server
	web  *httptest.Server
	cfg  Config
	logs *observer.ObservedLogs
	c    *Collector
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts githubtest.Options, change ...func(*Config)) *world {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &world{t: t, Clock: collectortest.NewClock(start()), logs: logs}
	opts.Now, opts.Token = w.Now, token
	w.srv = githubtest.New(opts)
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{BaseURL: w.web.URL, Token: token, Accept: editors, Org: "acme"}
	for _, c := range change {
		c(&w.cfg)
	}
	c, err := New(w.cfg, collectors.Deps{HTTP: w.web.Client(), Log: zap.New(core), Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.c = c
	return w
}

func ofEnterprise(c *Config) { c.Org, c.Enterprise = "", "acme-corp" }

func (w *world) poll(cursor json.RawMessage) collectors.Page {
	w.t.Helper()
	page, err := w.c.Poll(w.t.Context(), cursor)
	if err != nil {
		w.t.Fatal(err)
	}
	return page
}

// drain polls until there is no more, and returns all there was and the last
// page.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	for range 200 {
		page := w.poll(cursor)
		all = append(all, page.Activities...)
		cursor = page.Cursor
		if !page.More {
			return all, page
		}
	}
	w.t.Fatal("200 polls, and still more")
	return nil, collectors.Page{}
}

// one logs an event and returns what the first poll makes of it.
func (w *world) one(e githubtest.Event) activity.Activity {
	w.t.Helper()
	w.srv.Add(e)
	page := w.poll(nil)
	if len(page.Activities) != 1 || len(page.Malformed) != 0 {
		w.t.Fatalf("activities %v, malformed %v; want one activity", page.Activities, page.Malformed)
	}
	return page.Activities[0]
}

func ids(as []activity.Activity) []string {
	var out []string
	for i := range as {
		out = append(out, as[i].ID)
	}
	slices.Sort(out)
	return out
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// handled answers a request without a socket.
func handled(h http.Handler, r *http.Request) *http.Response {
	rec := httptest.NewRecorder()
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	h.ServeHTTP(rec, r)
	return rec.Result()
}
