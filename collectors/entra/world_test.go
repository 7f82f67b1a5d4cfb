package entra

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/entra/entratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// editors guard something; nobody else does.
func editors(identity string) bool {
	switch identity {
	case "entra/editor-0", "entra/editor-1", "entra/editor-2":
		return true
	}
	return false
}

// world is a fake organisation, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *entratest.Server
	web  *httptest.Server
	cfg  Config
	logs *observer.ObservedLogs
	c    *Collector
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts entratest.Options, change ...func(*Config)) *world {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &world{t: t, Clock: collectortest.NewClock(start()), logs: logs}
	opts.Now = w.Now
	w.srv = entratest.New(opts)
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{
		Source: "entra/acme", BaseURL: w.web.URL, LoginURL: w.web.URL, Tenant: entratest.Tenant,
		ClientID: entratest.ClientID, ClientSecret: entratest.ClientSecret,
		Accept: editors, PageSize: 10, Backfill: 24 * time.Hour,
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

// poll lets the time that Microsoft's limit asks for pass before.
func (w *world) poll(cursor json.RawMessage) collectors.Page {
	w.t.Helper()
	if n := len(w.c.sent); n >= grant && w.Now().Sub(w.c.sent[n-grant]) < grantSpan {
		w.Pass(grantSpan)
	}
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

// login logs one of editor-1 and returns its id.
func (w *world) login(e entratest.SignIn) string {
	if e.User == "" {
		e.User = "editor-1@acme.example"
	}
	return w.srv.SignIn(e)
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
