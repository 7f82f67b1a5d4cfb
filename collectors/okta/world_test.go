package okta

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake organisation, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *oktatest.Server
	web  *httptest.Server
	cfg  Config
	logs *observer.ObservedLogs
	core zapcore.Core
	c    *Collector
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts oktatest.Options, change ...func(*Config)) *world {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	w := &world{t: t, Clock: collectortest.NewClock(start()), core: core, logs: logs}
	opts.Now, opts.Token = w.Now, token
	w.srv = oktatest.New(opts)
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{Source: "okta/acme", BaseURL: w.web.URL, Token: token, Accept: editors, PageSize: 10}
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

// login logs one of editor-1 and returns its uuid.
func (w *world) login(e oktatest.Event) string {
	e.Type = "user.session.start"
	if e.Actor == "" {
		e.Actor = "editor-1@acme.example"
	}
	return w.srv.Add(e)
}

// one logs an event and returns what the first poll makes of it.
func (w *world) one(e oktatest.Event) activity.Activity {
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
	for _, a := range as {
		out = append(out, a.ID)
	}
	slices.Sort(out)
	return out
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func holdsSecret(text string) bool { return strings.Contains(text, token) }
