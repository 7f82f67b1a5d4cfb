package reddit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a fake account, a clock of both sides, and a collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *reddittest.Server
	cfg  Config
	size int
	kept *memory
}

func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

// newWorld has a refresh token, unless change takes another way.
func newWorld(t *testing.T, opts reddittest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: collectortest.NewClock(start()), size: pageSize, kept: &memory{saved: map[string]collectors.Secret{}}}
	opts.Now, opts.Secret, opts.Refresh, opts.Password = w.Now, secret, refresh, password
	w.srv = reddittest.New(opts)
	w.cfg = Config{Account: "reddit/acme", ClientID: reddittest.ClientID, ClientSecret: secret, RefreshToken: refresh, Session: "owner"}
	for _, c := range change {
		c(&w.cfg)
	}
	t.Cleanup(func() {
		leaks, over, marked, strange := w.srv.Leaks(), w.srv.Over(), w.srv.Marked(), w.srv.Strange()
		if leaks > 0 || over > 0 || marked > 0 || len(strange) > 0 {
			t.Errorf("%d requests had a secret in their address, %d came above the limit, %d marked messages as read; strange User-Agents %q", leaks, over, marked, strange)
		}
	})
	return w
}

func withMentions(c *Config) { c.Mentions = true }

func withLogs(c *Config) { c.Moderates = []string{"Acme", "acmehelp"} }

func withPassword(c *Config) { c.RefreshToken, c.Password = "", password }

func (w *world) deps() collectors.Deps {
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(w.srv)})
	return collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: w.Now, Sessions: w.kept}
}

func (w *world) collector() *Collector {
	w.t.Helper()
	c, err := New(w.cfg, w.deps())
	if err != nil {
		w.t.Fatal(err)
	}
	c.size = w.size
	return c
}

// try polls once, as a process that has just started.
func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	return w.collector().Poll(w.t.Context(), cursor)
}

// drain polls until no page is left, and returns all there was, each item once as
// the scheduler keeps it, and the last page.
func (w *world) drain(cursor json.RawMessage) ([]activity.Activity, collectors.Page) {
	w.t.Helper()
	var all []activity.Activity
	known := map[uint64]bool{}
	for range 100 {
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
	w.t.Fatal("100 polls, and still more")
	return nil, collectors.Page{}
}

// connect makes the first round and lets the overlap pass.
func (w *world) connect() json.RawMessage {
	w.t.Helper()
	_, page := w.drain(nil)
	w.Pass(90 * time.Minute)
	return page.Cursor
}

// next makes one round a minute later, and returns what came.
func (w *world) next(cursor *json.RawMessage) []activity.Activity {
	w.t.Helper()
	w.Pass(time.Minute)
	as, page := w.drain(*cursor)
	*cursor = page.Cursor
	return as
}

// old adds a submission that no overlap repeats.
func (w *world) old(text string) string {
	return w.srv.Post(reddittest.Thing{Title: "New anvils", Text: text, At: start().Add(-3 * time.Hour)})
}

// asked counts the requests of a path.
func (w *world) asked(path string) int {
	n := 0
	for _, r := range w.srv.Requests() {
		if strings.Contains(r, path) {
			n++
		}
	}
	return n
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

// memory keeps sessions; its collectors run one after another.
type memory struct {
	saved  map[string]collectors.Secret
	saves  int
	broken bool // nothing can be saved
}

func (m *memory) Load(_ context.Context, name string) (collectors.Secret, error) {
	return m.saved[name], nil
}

func (m *memory) Save(_ context.Context, name string, s collectors.Secret) error {
	if m.broken {
		return errors.New("disk full")
	}
	m.saved[name] = s
	m.saves++
	return nil
}

// refusing has no request left for some, as a Budget that keeps the rest for the
// account itself.
type refusing struct {
	http.RoundTripper
	path string
}

func (f refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == f.path {
		return nil, &collectors.RateLimited{Err: &collectors.Kept{Credential: "acme", Quota: "requests", Mentions: true}}
	}
	return f.RoundTripper.RoundTrip(r)
}

// constant answers every request with the same bytes.
type constant []byte

func (c constant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(c)), Request: r,
	}, nil
}
