package x

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

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bearerToken = "AAAAbearer-token-9f3k2"
	consumerKey = "ckey-7d2m1"
	consumerSec = "csecret-x8q2z"
	accessToken = "1000-atoken-p4v7n"
	accessSec   = "asecret-w5r1j"
)

// world is a fake X with the account acme, a clock of both sides, and a
// collector on it.
type world struct {
	*collectortest.Clock

	t    *testing.T
	srv  *xtest.Server
	web  *httptest.Server
	cfg  Config
	own  *xtest.OAuth1 // the credential of acme
	keep int           // of the collector's idea of X's limit, where not 0

	suspects []int64 // posts that events say were deleted
}

// start is the clock's first time: a Friday at noon, far from midnight UTC.
func start() time.Time { return time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts xtest.Options, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: collectortest.NewClock(start())}
	opts.Now = w.Now
	if opts.OAuth1 == nil {
		opts.OAuth1 = &xtest.OAuth1{
			ConsumerKey: consumerKey, ConsumerSecret: consumerSec, AccessToken: accessToken, AccessSecret: accessSec, User: "acme",
		}
	}
	w.own, opts.Bearer = opts.OAuth1, bearerToken
	w.srv = xtest.New(opts)
	w.srv.AddAccount(xtest.Profile{Handle: "acme", Name: "Acme & Co", Description: "We make things", Followers: 1200, Following: 10})
	w.web = httptest.NewServer(w.srv)
	t.Cleanup(w.web.Close)
	w.cfg = Config{Account: "x/acme", Username: "acme", BaseURL: w.web.URL, BearerToken: bearerToken}
	for _, c := range change {
		c(&w.cfg)
	}
	return w
}

func withOAuth1(c *Config) {
	c.BearerToken = ""
	c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret = consumerKey, consumerSec, accessToken, accessSec
}

func withMentions(c *Config) { c.Mentions = true }

func (w *world) collector() *Collector {
	w.t.Helper()
	client := w.web.Client()
	c, err := New(w.cfg, collectors.Deps{HTTP: client, Log: zap.NewNop(), Now: w.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.keep != 0 {
		c.keep = [2]int{w.keep, w.keep}
	}
	return c
}

func (w *world) try(cursor json.RawMessage) (collectors.Page, error) {
	w.t.Helper()
	page, _, err := w.collector().poll(w.t.Context(), cursor, w.suspects)
	return page, err
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
	return page
}

// drain polls until no page is left, and returns all there was, each item once
// as the scheduler keeps it, and the last page with the cost, the gap and the
// faults of all.
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
		page.Cost += sum.Cost
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

// old makes a post of acme that no overlap repeats.
func (w *world) old(text string) string {
	return w.srv.Post("acme", xtest.Post{Text: text, At: start().Add(-time.Hour)})
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
	var found []activity.Activity
	for _, a := range as {
		if a.Kind == kind {
			found = append(found, a)
		}
	}
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

// secretsIn returns the secrets that a text holds.
func secretsIn(text string) []string {
	var out []string
	for _, s := range []string{bearerToken, consumerKey, consumerSec, accessToken, accessSec} {
		if strings.Contains(text, s) {
			out = append(out, s)
		}
	}
	return out
}

// roundTripper answers requests with a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
