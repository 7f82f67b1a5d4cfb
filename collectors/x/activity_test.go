package x

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/x/xtest"
)

// What happens to the account is read within seconds while it is polled every
// ten minutes.
func TestActivityBringsThePollForward(t *testing.T) {
	for mode, by := range map[string]func(*Config){"stream": func(*Config) {}, "webhook": byWebhook} {
		t.Run(mode, func(t *testing.T) { bringsThePollForward(t, by) })
	}
}

func bringsThePollForward(t *testing.T, by func(*Config)) {
	t.Helper()
	for _, row := range []struct {
		name   string
		change func(*Config)
		do     func(h *heard, old string) (want string, err error)
	}{
		{"a post", nil, func(h *heard, _ string) (string, error) {
			return "post " + h.srv.Post("acme", xtest.Post{Text: "new"}), nil
		}},
		{"a deletion", nil, func(h *heard, old string) (string, error) {
			return "delete " + old, h.srv.Delete(old)
		}},
		{"a deletion where none are looked for", func(c *Config) { c.Rehydrate = -1 }, func(h *heard, old string) (string, error) {
			return "delete " + old, h.srv.Delete(old)
		}},
		{"a deletion of what is not among the newest", func(c *Config) { c.Rehydrate = 1 }, func(h *heard, old string) (string, error) {
			return "delete " + old, h.srv.Delete(old)
		}},
		{"a profile change", nil, func(h *heard, _ string) (string, error) {
			return "profile profile-1-6ed81f38bbb7f360", h.srv.SetProfile("acme", func(p *xtest.Profile) { p.Name = "Free coins" })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := listening(t, func(c *Config) {
					by(c)
					if row.change != nil {
						row.change(c)
					}
				}, "acme")
				old := h.srv.Post("acme", xtest.Post{Text: "Sale from 9", At: time.Now().Add(-time.Hour)})
				h.srv.Post("acme", xtest.Post{Text: "Sale from 10", At: time.Now().Add(-time.Hour)})
				h.rest()
				if n, hooks := h.srv.Streams(), h.srv.Webhooks(); n+len(hooks) != 1 {
					t.Fatalf("%d streams and webhooks %v, want one of them", n, hooks)
				}
				want, err := row.do(h, old)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				if got := h.seen("x/acme"); !slices.Contains(got, want) {
					t.Errorf("after 5 s %v, want %s", got, want)
				}
				time.Sleep(time.Hour)
				if n := len(slices.DeleteFunc(h.seen("x/acme"), func(s string) bool { return s != want })); n != 1 {
					t.Errorf("%s is in the journal %d times, want once", want, n)
				}
			})
		})
	}
}

// X may show what it has told of some seconds later.
func TestActivityThatShowsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := listening(t, nil, "acme")
		h.rest()
		id := h.srv.Post("acme", xtest.Post{Text: "new", VisibleAt: time.Now().Add(10 * time.Second)})
		time.Sleep(8 * time.Second)
		if slices.Contains(h.seen("x/acme"), "post "+id) {
			t.Fatal("the post was seen before X showed it")
		}
		time.Sleep(12 * time.Second)
		if !slices.Contains(h.seen("x/acme"), "post "+id) {
			t.Errorf("after 20 s %v, want the post", h.seen("x/acme"))
		}
	})
}

// Accounts of one app share its stream, and each hears its own events.
func TestActivityOfSeveralAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := listening(t, nil, "acme", "beta", "gamma")
		h.rest()
		if n := h.srv.Streams(); n != 1 {
			t.Fatalf("%d streams, want 1 for all", n)
		}
		before := h.polls()
		id := h.srv.Post("beta", xtest.Post{Text: "new"})
		time.Sleep(10 * time.Second)
		if !slices.Contains(h.seen("x/beta"), "post "+id) {
			t.Errorf("beta has %v, want the post", h.seen("x/beta"))
		}
		if n := h.polls() - before; n != 2 { // the post, and that there is no more
			t.Errorf("%d requests for timelines, want 2 of the account that has posted", n)
		}
	})
}

// Subscriptions are made once, whatever happens to the stream.
func TestActivitySubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := listening(t, nil, "acme")
		h.rest()
		for range 3 {
			h.srv.EndStreams()
			time.Sleep(10 * time.Minute)
		}
		var got []string
		for _, s := range h.srv.Subscriptions() {
			got = append(got, s.EventType+" "+s.UserID+" "+s.Tag)
		}
		slices.Sort(got)
		want := []string{
			"post.create 1000 picket", "post.delete 1000 picket", "profile.update.banner_picture 1000 picket", "profile.update.bio 1000 picket",
			"profile.update.geo 1000 picket", "profile.update.handle 1000 picket", "profile.update.profile_picture 1000 picket",
			"profile.update.screenname 1000 picket", "profile.update.url 1000 picket", "profile.update.verified_badge 1000 picket",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("subscriptions (-want +got):\n%s", diff)
		}
		if n := h.srv.Count("POST activity/subscriptions"); n != 10 {
			t.Errorf("%d requests for subscriptions, want one for each", n)
		}
		if n := h.srv.Streams(); n != 1 {
			t.Errorf("%d streams, want one again", n)
		}
	})
}

// The list has pages, and what is on any of them is not made again.
func TestActivityListHasPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(snowflakes)
		srv := xtest.New(xtest.Options{Bearer: bearerToken, PageSize: 3})
		for _, handle := range []string{"acme", "beta"} {
			srv.AddAccount(xtest.Profile{Handle: handle})
		}
		for i := range 2 {
			hub := newHub(t, srv) // another daemon knows nothing of the first
			for _, user := range []int64{1000, 1001} {
				if err := hub.subscribe(t.Context(), user); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(srv.Subscriptions()); n != 20 {
				t.Errorf("%d subscriptions after time %d, want 20", n, i+1)
			}
		}
		if n := srv.Count("POST activity/subscriptions"); n != 20 {
			t.Errorf("%d requests for subscriptions, want 20", n)
		}
	})
}

func newHub(t *testing.T, handler http.Handler) *Hub {
	t.Helper()
	hub, err := NewHub(App{BaseURL: "http://127.0.0.1:3000", BearerToken: bearerToken},
		collectors.Deps{Now: time.Now, HTTP: &http.Client{Transport: serve(t, handler)}})
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

// A hint costs what X charges for the event, and its poll tells it.
func TestActivityCosts(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.Activity, c.PricePost, c.PriceUser = ActivityStream, 1, 1000 })
	l, err := NewListener(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}, newHub(t, w.srv))
	if err != nil {
		t.Fatal(err)
	}
	page, err := l.Poll(t.Context(), nil)
	if err != nil || page.Cost != 1000 {
		t.Fatalf("cost %g, error %v; want 1000 for the user", page.Cost, err)
	}
	for _, kind := range []string{eventPost, eventDeletion, eventProfile + "bio"} {
		l.note(&event{kind: kind, user: 1000})
	}
	if page, err = l.Poll(t.Context(), page.Cursor); err != nil || page.Cost != 2 {
		t.Errorf("cost %g, error %v; want 2 for a post and a change of the profile", page.Cost, err)
	}
	if page, err = l.Poll(t.Context(), page.Cursor); err != nil || page.Cost != 0 {
		t.Errorf("cost %g, error %v; want nothing for the same events", page.Cost, err)
	}
}

// A deletion that is told is asked for until X says so itself, and again where
// the page that held it was not stored.
func TestSuspectedDeletions(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.Activity, c.Rehydrate = ActivityStream, 1 })
	stays, gone := w.old("stays"), w.old("gone")
	w.srv.Post("acme", xtest.Post{Text: "newest", At: start().Add(-time.Minute)})
	l, err := NewListener(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: w.Now}, newHub(t, w.srv))
	if err != nil {
		t.Fatal(err)
	}
	poll := func(page collectors.Page) (collectors.Page, []string) {
		t.Helper()
		w.Pass(time.Second)
		next, err := l.Poll(t.Context(), page.Cursor)
		if err != nil {
			t.Fatal(err)
		}
		return next, slices.DeleteFunc(ids(next.Activities), func(s string) bool { return !strings.HasPrefix(s, "delete ") })
	}
	page := collectors.Page{Cursor: w.connect()}
	for _, id := range []string{stays, gone, gone} {
		l.note(&event{kind: eventDeletion, user: 1000, post: parseID(id)})
	}
	page, got := poll(page)
	if len(got) != 0 {
		t.Fatalf("deletions %v, want none: X shows both", got)
	}
	if err := w.srv.Delete(gone); err != nil {
		t.Fatal(err)
	}
	want := []string{"delete " + gone}
	lost, got := poll(page)
	if !slices.Equal(got, want) {
		t.Fatalf("deletions %v, want %v", got, want)
	}
	if page, got = poll(page); !slices.Equal(got, want) {
		t.Fatalf("deletions %v where the page before was lost (%d bytes of cursor), want %v", got, len(lost.Cursor), want)
	}
	page, got = poll(page)
	l.note(&event{kind: eventDeletion, user: 1000, post: parseID(gone)})
	if page, again := poll(page); len(got)+len(again) != 0 {
		t.Errorf("deletions %v and %v once it was stored (%d bytes of cursor), want none", got, again, len(page.Cursor))
	}
	w.Pass(suspectFor)
	before := w.srv.Count("tweets")
	if poll(page); w.srv.Count("tweets") != before+1 {
		t.Error("after ten minutes a post that X shows is still asked for; want the newest ones' look-up alone")
	}
}

func TestActivityFaults(t *testing.T) {
	const ok, list, limit = "application/json", `{"meta":{"result_count":0}}`, 15 * time.Minute
	answers := func(status int, kind, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	limited := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("x-rate-limit-limit", "450")
			w.Header().Set("x-rate-limit-remaining", "0")
			w.Header().Set("x-rate-limit-reset", fmt.Sprint(time.Now().Add(limit).Unix()))
			answers(429, ok, text)(w, r)
		}
	}
	crowded := `{"title":"ConnectionException","detail":"This stream is currently at the maximum allowed connection limit.","connection_issue":"TooManyConnections","type":"https://api.x.com/2/problems/streaming-connection"}`
	for _, row := range []struct {
		name          string
		subscriptions http.HandlerFunc
		stream        http.HandlerFunc
		kind, want    string
		after         time.Duration
	}{
		{"token that was revoked", answers(401, ok, `{"title":"Unauthorized","type":"about:blank","status":401,"detail":"Unauthorized"}`), nil, "forbidden", "GET /2/activity/subscriptions: status 401: Unauthorized; to mend it: check the credential at console.x.com", 0},
		{"token echoed", answers(403, ok, `{"title":"Forbidden","detail":"not `+bearerToken+`"}`), nil, "forbidden", "Forbidden: not [redacted]; to mend it: see at console.x.com that the app may use the X Activity API", 0},
		{"no more subscriptions", answers(200, ok, list), nil, "forbidden", "POST /2/activity/subscriptions: status 403: Forbidden: This app is at the maximum", 0},
		{"list of nothing", answers(200, ok, `{}`), nil, "malformed", "it has neither data nor meta", 0},
		{"list that is refused", answers(200, ok, `{"errors":[{"title":"Forbidden","detail":"no"}]}`), nil, "forbidden", "status 200: Forbidden: no", 0},
		{"list that is cut off", answers(200, ok, `{"data":[`), nil, "", "answer is cut off", 0},
		{"a page", answers(200, "text/html", `<html>`), nil, "", "answer is not JSON", 0},
		{"list limited", limited(`{}`), nil, "limited", "rate limited until 2026-12-25T00:15:00Z: GET /2/activity/subscriptions: status 429", limit},
		{"trouble of X", answers(503, ok, ``), nil, "", "GET /2/activity/subscriptions: status 503: Service Unavailable", 0},
		{"stream limited", nil, limited(`{"title":"Too Many Requests"}`), "limited", "GET /2/activity/stream: status 429: Too Many Requests", limit},
		{"too many streams", nil, limited(crowded), "limited", "another daemon or program has the app's streams, of which X allows two", time.Minute},
		{"too many streams, told in the stream", nil, answers(200, ok, crowded+"\r\n"), "limited", "streaming-connection: ConnectionException", time.Minute},
		{"ended by X", nil, answers(200, ok, "\r\n"+xtest.OperationalDisconnect+"\r\n"), "", "operational-disconnect: This stream has been disconnected upstream", 0},
		{"stream that is a page", nil, answers(200, "text/html", `<html>`), "malformed", `it is "text/html"; want lines of JSON`, 0},
		{"stream that ends", nil, answers(200, ok, "\r\n{\"data\":\r\n[]\r\n"), "", "unexpected EOF", 0},
		{"endless line", nil, answers(200, ok, strings.Repeat("x", maxLine+1)), "malformed", "it is longer than 1048576 bytes", 0},
		{"silence", nil, func(w http.ResponseWriter, r *http.Request) {
			answers(200, ok, "\r\n")(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "", "nothing came for 1m0s, not even a sign of life", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(snowflakes)
				srv := xtest.New(xtest.Options{})
				srv.AddAccount(xtest.Profile{Handle: "acme"})
				mux := http.NewServeMux()
				mux.Handle("/", srv)
				if row.subscriptions != nil {
					mux.Handle("GET /2/activity/subscriptions", row.subscriptions)
					mux.Handle("POST /2/activity/subscriptions", answers(403, ok, `{"title":"Forbidden","detail":"This app is at the maximum number of subscriptions."}`))
				}
				if row.stream != nil {
					mux.Handle("/2/activity/stream", row.stream)
				}
				err := newHub(t, mux).attend(t.Context(), 1000, func(*event) { t.Error("an event was heard") })
				if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), bearerToken) {
					t.Fatalf("error %v\nwant one with %s", err, row.want)
				}
				no, isLimited := errors.AsType[*collectors.RateLimited](err)
				_, forbidden := errors.AsType[*collectors.Forbidden](err)
				_, malformed := errors.AsType[*collectors.Malformed](err)
				if isLimited != (row.kind == "limited") || forbidden != (row.kind == "forbidden") || malformed != (row.kind == "malformed") {
					t.Errorf("error %T %v, want kind %q", err, err, row.kind)
				}
				if isLimited && time.Until(no.Until).Round(time.Minute) != row.after {
					t.Errorf("limited for %s, want %s", time.Until(no.Until), row.after)
				}
			})
		})
	}
}

// A stream ends with the Watch that is the last on it, and no sooner.
func TestActivityEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(snowflakes)
		srv := xtest.New(xtest.Options{})
		srv.AddAccount(xtest.Profile{Handle: "acme"})
		srv.AddAccount(xtest.Profile{Handle: "beta"})
		hub := newHub(t, srv)
		var watches sync.WaitGroup
		for i, user := range []int64{1000, 1001} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Duration(i+1)*time.Hour, cancel)
			watches.Go(func() {
				if err := hub.attend(ctx, user, func(*event) {}); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want the context's", err)
				}
			})
		}
		for _, row := range []struct {
			after   time.Duration
			streams int
		}{{time.Minute, 1}, {time.Hour, 1}, {time.Hour, 0}} {
			time.Sleep(row.after)
			if n := srv.Streams(); n != row.streams {
				t.Errorf("%d streams, want %d", n, row.streams)
			}
		}
		watches.Wait()
	})
}

func TestNewHubAndListener(t *testing.T) {
	deps := collectors.Deps{HTTP: http.DefaultClient, Now: time.Now}
	for _, row := range []struct {
		name string
		app  App
		want string
	}{
		{"no token", App{}, "x: bearer_token: empty; X tells of activity to the app's bearer token only"},
		{"http", App{BearerToken: bearerToken, BaseURL: "http://x.example"}, `x: base_url: "http://x.example"; want https, since requests carry the credential (http is taken for loopback only)`},
	} {
		if _, err := NewHub(row.app, deps); err == nil || err.Error() != row.want {
			t.Errorf("%s: error %v, want %s", row.name, err, row.want)
		}
	}
	if _, err := NewListener(Config{Username: "acme", BearerToken: bearerToken}, deps, &Hub{}); err == nil {
		t.Error("a listener was made of an account without activity")
	}
}

func TestMessage(t *testing.T) {
	for _, row := range []struct {
		name, line string
		want       *event
		end        string
	}{
		{"a post", `{"data":{"event_uuid":"1","filter":{"user_id":"7"},"event_type":"post.create","payload":{"id":"70"}}}`, &event{kind: "post.create", user: 7}, ""},
		{"a deletion", `{"data":{"filter":{"user_id":"7"},"event_type":"post.delete","payload":{"id":"70","author_id":"7"}}}`, &event{"post.delete", 7, 70}, ""},
		{"a deletion by somebody else", `{"data":{"filter":{"user_id":"7"},"event_type":"post.delete","payload":{"id":"70","author_id":"8"}}}`, &event{"post.delete", 7, 0}, ""},
		{"a deletion of another form", `{"data":{"filter":{"user_id":"7"},"event_type":"post.delete","payload":[]}}`, &event{"post.delete", 7, 0}, ""},
		{"a change of the profile", `{"data":{"filter":{"user_id":"7"},"event_type":"profile.update.bio","payload":{"before":"a","after":"b"}}}`, &event{kind: "profile.update.bio", user: 7}, ""},
		{"another event", `{"data":{"filter":{"user_id":"7"},"event_type":"spaces.start"}}`, nil, ""},
		{"an event of nobody", `{"data":{"filter":{},"event_type":"post.create"}}`, nil, ""},
		{"an empty object", `{}`, nil, ""},
		{"an error that ends nothing", `{"errors":[{"title":"Field Hydration Failure"}]}`, nil, ""},
		{"the end", xtest.OperationalDisconnect, nil, "operational-disconnect"},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := decodeMessage(t, row.line)
			if diff := cmp.Diff(row.want, m.event(), cmp.AllowUnexported(event{})); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			end := ""
			if p := m.end(); p != nil {
				end = p.Title
			}
			if end != row.end {
				t.Errorf("end %q, want %q", end, row.end)
			}
		})
	}
}

func decodeMessage(t *testing.T, line string) *message {
	t.Helper()
	var m message
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("\r\n{\"data\":{\"filter\":{\"user_id\":\"7\"},\"event_type\":\"post.delete\",\"payload\":{\"id\":\"70\",\"author_id\":\"7\"}}}\r\n"))
	f.Add([]byte(xtest.OperationalDisconnect))
	f.Add([]byte("{\"errors\":[null]}\n{\"data\":null}\nnull\n[]\n"))
	hub, err := NewHub(App{BearerToken: bearerToken}, collectors.Deps{HTTP: http.DefaultClient, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		m := &member{user: 7, hear: func(e *event) {
			if e.user != 7 || e.post < 0 {
				t.Errorf("event %+v", e)
			}
		}}
		hub.members = map[*member]struct{}{m: {}}
		if readLines(strings.NewReader(string(stream)), func(line []byte) error { return hub.take(line, "GET /") }) == nil {
			t.Error("a stream ended without a reason")
		}
	})
}
