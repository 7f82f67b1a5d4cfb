package googleworkspace

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key is made once: it takes a while.
var key = sync.OnceValues(googleworkspacetest.NewKey)

const admin = "reports@acme.example"

// serviceAccount returns the key's JSON for a token endpoint.
func serviceAccount(tb testing.TB, tokenURI string) collectors.Secret {
	tb.Helper()
	k, err := key()
	if err != nil {
		tb.Fatal(err)
	}
	return collectors.Secret(googleworkspacetest.ServiceAccount(k, tokenURI))
}

// editors guard something; nobody else does.
func editors(identity string) bool {
	switch identity {
	case "googleworkspace/editor-0", "googleworkspace/editor-1", "googleworkspace/editor-2":
		return true
	}
	return false
}

// world is a fake organisation, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *googleworkspacetest.Server
	web  *httptest.Server
	cfg  Config
	logs *observer.ObservedLogs
	c    *Collector
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts googleworkspacetest.Options, change ...func(*Config)) *world {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &world{t: t, Clock: collectortest.NewClock(start()), logs: logs}
	k, err := key()
	if err != nil {
		t.Fatal(err)
	}
	opts.Now, opts.Key, opts.Admin = w.Now, k, admin
	w.srv = googleworkspacetest.New(opts)
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{
		Source: "googleworkspace/acme", BaseURL: w.web.URL, ServiceAccount: serviceAccount(t, w.web.URL+"/token"),
		AdminEmail: admin, Accept: editors, PageSize: 10, Backfill: 24 * time.Hour,
	}
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
	for range 500 {
		page := w.poll(cursor)
		all = append(all, page.Activities...)
		cursor = page.Cursor
		if !page.More {
			return all, page
		}
	}
	w.t.Fatal("500 polls, and still more")
	return nil, collectors.Page{}
}

// login logs one of editor-1.
func (w *world) login(e googleworkspacetest.Event) {
	e.App, e.Name, e.Type = "login", "login_success", "login"
	if e.Actor == "" {
		e.Actor = "editor-1@acme.example"
	}
	w.srv.Add(e)
}

// one logs an event and returns what the first round makes of it.
func (w *world) one(e googleworkspacetest.Event) activity.Activity {
	w.t.Helper()
	w.srv.Add(e)
	as, page := w.drain(nil)
	if len(as) != 1 || len(page.Malformed) != 0 {
		w.t.Fatalf("activities %v, malformed %v; want one activity", as, page.Malformed)
	}
	return as[0]
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
