package x

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/x/xtest"
)

func withMessages(c *Config) { withOAuth1(c); c.DirectMessages = true }

// send sends a message between the accounts acme and fan.
func (w *world) send(from, to, text string, at ...time.Time) string {
	w.t.Helper()
	w.srv.Post("fan", xtest.Post{Text: "there is a fan"})
	m := xtest.Message{Text: text}
	if len(at) > 0 {
		m.At = at[0]
	}
	id, err := w.srv.Message(from, to, m)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestMessages(t *testing.T) {
	for name, mode := range map[string]func(*Config){"tweet.fields": func(*Config) {}, "post.fields": func(c *Config) { c.FieldsParam = FieldsPost }} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{FieldsParam: name}, withMessages, mode)
			w.send("acme", "fan", "long ago", start().Add(-time.Hour))
			_, page := w.drain(w.connect())
			w.Pass(10 * time.Minute)
			id := w.send("acme", "fan", "Win @fan &amp; friends #free https://acme-gift.example/now")
			w.send("fan", "acme", "is this you? my secret is 123")
			as, page := w.drain(page.Cursor)
			want := activity.Activity{
				ID: id, Network: "x", Account: "x/acme", Kind: activity.KindMessage, Time: snowflakeTime(parseID(id)), Seen: w.Now(),
				Text:  "Win @fan &amp; friends #free https://acme-gift.example/now",
				Links: []string{"https://acme-gift.example/now"}, LinkDomains: []string{"acme-gift.example"}, Mentions: []string{"fan"}, Hashtags: []string{"free"},
			}
			if diff := cmp.Diff(want, only(t, as, activity.KindMessage)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			if data, err := json.Marshal([]any{as, page.Cursor}); err != nil || strings.Contains(string(data), "my secret") {
				t.Errorf("error %v; what others wrote was kept: %s", err, data)
			}
			late := w.send("acme", "fan", "delivered late", w.Now().Add(-5*time.Minute))
			w.Pass(5 * time.Minute)
			as, page = w.drain(page.Cursor)
			if got := ids(as); !slices.Contains(got, "message "+late) {
				t.Errorf("got %v, want the late message", got)
			}
			w.Pass(time.Hour)
			_, page = w.drain(page.Cursor)
			w.Pass(time.Hour)
			if as, _ = w.drain(page.Cursor); count(as, activity.KindMessage) != 0 {
				t.Errorf("told again: %v", ids(as))
			}
		})
	}
}

// Many messages are read page by page, each once.
func TestManyMessages(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	_, page := w.drain(w.connect())
	w.Pass(10 * time.Minute)
	var want []string
	for i := range 3*MessagesPage + 5 {
		want = append(want, "message "+w.send("acme", "fan", fmt.Sprintf("free coins %d", i), w.Now().Add(time.Duration(i)*time.Millisecond)))
		if i%3 == 0 {
			w.send("fan", "acme", "stop it", w.Now().Add(time.Duration(i)*time.Millisecond))
		}
	}
	w.Pass(time.Minute)
	as, page := w.drain(page.Cursor)
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if n := w.srv.Count("dm_events"); n != 1+5 { // of the connection, and five pages of 88
		t.Errorf("%d requests, want 6", n)
	}
	if page.Gap != nil {
		t.Errorf("gap %+v", page.Gap)
	}
}

func TestMoreMessagesThanAreRead(t *testing.T) {
	w := newWorld(t, xtest.Options{PageSize: 1, Limits: map[string]int{"dm_events": 1000}}, withMessages)
	_, page := w.drain(w.connect())
	w.Pass(10 * time.Minute)
	for i := range maxMessagePages + 5 {
		w.send("acme", "fan", "coins", w.Now().Add(time.Duration(i)*time.Second))
	}
	w.Pass(5 * time.Minute)
	as, page := w.drain(page.Cursor)
	if n := count(as, activity.KindMessage); n != maxMessagePages {
		t.Errorf("%d messages, want %d", n, maxMessagePages)
	}
	if g := page.Gap; g == nil || g.Reason != "more than 2000 direct messages since the last poll; poll more often" || !g.From.Before(g.Until) {
		t.Errorf("gap %+v", g)
	}
}

// X allows one look a minute, and half of that is taken.
func TestMessagesAreLookedAtSeldom(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	var cursor json.RawMessage
	for range 60 { // every 15 s for a quarter of an hour
		_, page := w.drain(cursor)
		cursor = page.Cursor
		w.Pass(15 * time.Second)
	}
	if n := w.srv.Count("dm_events"); n < 7 || n > 8 {
		t.Errorf("%d requests in 15 minutes, want 7 or 8", n)
	}
}

// Messages that wait for their limit keep nothing else waiting.
func TestMessagesWaitForTheirLimit(t *testing.T) {
	w := newWorld(t, xtest.Options{Limits: map[string]int{"dm_events": 2}}, withMessages)
	budget := collectors.NewBudget("x", collectors.BudgetOptions{Endpoint: Endpoint, Now: w.Now})
	client := collectors.NewClient(budget, collectors.ClientOptions{Base: w.web.Client().Transport, MaxWait: time.Millisecond})
	c, err := New(w.cfg, collectors.Deps{HTTP: client, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	var page collectors.Page
	var got []string
	poll := func() {
		t.Helper()
		for {
			if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
				t.Fatal(err)
			}
			got = append(got, ids(page.Activities)...)
			if !page.More {
				return
			}
		}
	}
	poll()
	w.Pass(2 * time.Minute)
	var want []string
	for range 2 * MessagesPage {
		want = append(want, "message "+w.send("acme", "fan", "coins"))
	}
	poll()
	w.Pass(time.Minute)
	want = append(want, "post "+w.srv.Post("acme", xtest.Post{Text: "must be seen"}))
	poll()
	if n := w.srv.Count("dm_events"); n != 2 || !slices.Contains(got, want[len(want)-1]) {
		t.Errorf("%d requests, and %v; want 2, and the post", n, got)
	}
	w.Pass(15 * time.Minute)
	poll()
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("in the end %v, want %v", got, want)
	}
}

func TestMessagesRefused(t *testing.T) {
	for _, row := range []struct {
		name       string
		spoil      func(w *world)
		kind, want string
	}{
		{
			"somebody else's token", func(w *world) { w.cfg.UserID, w.cfg.Username = w.srv.AddAccount(xtest.Profile{Handle: "beta"}), "" }, wantForbidden,
			"x: direct messages of x/acme: X shows those of the access token's own account only; to mend it: give the credential an access token of the account itself, or switch direct_messages off",
		},
		{
			"secrets that may only read", func(w *world) { w.own.Access = "read" }, wantForbidden,
			`oauth1 app permissions for this endpoint.; to mend it: set the app's permissions to "Read and write and Direct message" at console.x.com`,
		},
		{"refused", faulty(xtest.Fault403), wantForbidden, "x: direct messages of x/acme: GET /2/dm_events: status 403: Forbidden; to mend it: set the app's permissions"},
		{"revoked", faulty(xtest.Fault401), wantForbidden, "check the credential at console.x.com"},
		{"trouble of X", faulty(xtest.Fault503), wantRetry, "GET /2/dm_events: status 503"},
		{"cut off", faulty(xtest.FaultTruncated), wantRetry, "answer is cut off"},
		{"empty", faulty(xtest.FaultEmpty), wantRetry, "answer is cut off: it is empty"},
		{"hollow", faulty(xtest.FaultHollow), wantMalformed, "neither data nor errors nor meta"},
		{"a page", faulty(xtest.FaultHTML), wantRetry, "answer is not JSON"},
		{"limited", faulty(xtest.Fault429), wantLimited, "GET /2/dm_events: status 429"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, withMessages)
			row.spoil(w)
			// The first poll is of history, without messages.
			first := w.poll(nil)
			w.Pass(time.Minute)
			post := w.srv.Post("acme", xtest.Post{Text: "must be seen"})
			if w.cfg.UserID != "" {
				post = w.srv.Post("beta", xtest.Post{Text: "must be seen"})
			}
			next := w.poll(first.Cursor)
			if got := ids(next.Activities); !slices.Contains(got, "post "+post) || !next.More {
				t.Fatalf("got %v, more %t; want the post, and more", got, next.More)
			}
			_, err := w.try(next.Cursor)
			if err == nil || kindOf(err) != row.kind || !strings.Contains(err.Error(), row.want) || len(secretsIn(err.Error())) > 0 {
				t.Errorf("error %v\nwant one of kind %s with %s", err, row.kind, row.want)
			}
		})
	}
}

// Refused messages keep nothing else waiting, and are asked for seldom.
func TestRefusedMessagesLeaveTheTimeline(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	_, page := w.drain(w.connect())
	w.own.Access = "read"
	w.Pass(2 * time.Minute)
	before := w.srv.Count("dm_events")
	c := w.collector()
	poll := func() error {
		got, err := c.Poll(t.Context(), page.Cursor)
		for ; err == nil; got, err = c.Poll(t.Context(), page.Cursor) {
			if page = got; !page.More {
				return nil
			}
		}
		return err
	}
	for minute := range 15 {
		err := poll()
		if no, ok := errors.AsType[*collectors.Forbidden](err); !ok || !no.Part || no.Mend != mendMessages {
			t.Fatalf("minute %d: error %v, want a refusal of a part", minute, err)
		}
		if n := w.srv.Count("dm_events") - before; n != 1 {
			t.Fatalf("minute %d: %d requests, want 1", minute, n)
		}
		w.Pass(time.Minute)
	}
	if err := poll(); err == nil || w.srv.Count("dm_events")-before != 2 {
		t.Errorf("%d requests after a quarter of an hour, error %v; want 2", w.srv.Count("dm_events")-before, err)
	}
	w.own.Access = "read-write-directmessages"
	w.Pass(16 * time.Minute)
	if err := poll(); err != nil {
		t.Errorf("error %v once it was mended", err)
	}
}

func faulty(kind string) func(*world) {
	return func(w *world) {
		if err := w.srv.AddFault(xtest.Fault{Kind: kind, Endpoint: "dm_events", Reset: 600}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A page that X does not know any more is no end: it is begun again.
func TestMessagesWithAStalePage(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	_, page := w.drain(w.connect())
	w.Pass(time.Hour)
	_, page = w.drain(page.Cursor)
	w.Pass(time.Minute * 2)
	var want []string
	for range MessagesPage + 1 {
		want = append(want, "message "+w.send("acme", "fan", "coins"))
	}
	page = w.poll(page.Cursor)
	for page.More && !strings.Contains(string(page.Cursor), `"walk"`) {
		page = w.poll(page.Cursor)
	}
	got := ids(page.Activities)
	st, err := decodeState(page.Cursor)
	if err != nil || st.Messages.Walk == nil {
		t.Fatalf("error %v, and no walk in %s", err, page.Cursor)
	}
	st.Messages.Walk.Token = "stale-as-can-be"
	if page.Cursor, err = collectors.EncodeCursor(st); err != nil {
		t.Fatal(err)
	}
	as, _ := w.drain(page.Cursor)
	got = append(got, ids(as)...)
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("messages %v, want %v", got, want)
	}
}

// Where X knows no page but the first, the walk ends all the same, with a gap.
func TestMessagesOfOnePageOnly(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages, func(c *Config) { c.PricePost, c.PriceUser, c.PriceMessage = 1e-9, 1e-9, 1 })
	_, page := w.drain(w.connect())
	w.Pass(10 * time.Minute)
	for range 2 * MessagesPage {
		w.send("acme", "fan", "coins")
	}
	web := w.web.Client()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Has("pagination_token") {
			rec := httptest.NewRecorder()
			rec.WriteHeader(http.StatusBadRequest)
			_, err := rec.WriteString(`{"title":"Invalid Request"}`)
			return rec.Result(), err
		}
		return web.Transport.RoundTrip(r)
	})}
	c, err := New(w.cfg, collectors.Deps{HTTP: client, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	cost, gap := 0.0, (*collectors.Gap)(nil)
	page.More = true
	for range 10 {
		if !page.More {
			break
		}
		if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
			t.Fatal(err)
		}
		if cost += page.Cost; page.Gap != nil {
			gap = page.Gap
		}
	}
	if page.More || int(cost+0.5) != 2*MessagesPage || gap == nil || gap.Reason != "X did not show page 2 of direct messages" {
		t.Errorf("more %t, cost %g, gap %+v; want an end, for %d, with a gap", page.More, cost, gap, 2*MessagesPage)
	}
}

func TestMalformedMessage(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	_, page := w.drain(w.connect())
	w.Pass(10 * time.Minute)
	before := w.send("acme", "fan", "before")
	if _, err := w.srv.Message("acme", "fan", xtest.Message{Text: "my secret", Broken: true}); err != nil {
		t.Fatal(err)
	}
	after := w.send("acme", "fan", "after")
	as, page := w.drain(page.Cursor)
	want := []string{"message " + before, "message " + after}
	slices.Sort(want)
	if got := ids(as); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(page.Malformed) != 1 || page.Malformed[0].Error() != "malformed data[1].id: GET /2/dm_events: is a JSON object; want a string" {
		t.Errorf("malformed %v, want the one between", page.Malformed)
	}
}

func TestCostOfMessages(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages, func(c *Config) { c.PricePost, c.PriceUser, c.PriceMessage = 1e-9, 1e-9, 1 })
	steps := []struct {
		name string
		do   func()
		want float64
	}{
		{"the connection", func() {}, 0},
		{"one sent and one received", func() { w.Pass(2 * time.Minute); w.send("acme", "fan", "a"); w.send("fan", "acme", "b") }, 2},
		{"they come again for nothing", func() { w.Pass(2 * time.Minute) }, 0},
		{"next UTC day: both", func() { w.Pass(12 * time.Hour) }, 2},
	}
	var cursor json.RawMessage
	for _, step := range steps {
		step.do()
		_, page := w.drain(cursor)
		cursor = page.Cursor
		if int(page.Cost+0.5) != int(step.want) {
			t.Errorf("%s: cost %g, want %g", step.name, page.Cost, step.want)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"data":[{"id":"1582838499983564806","event_type":"MessageCreate","text":"Hi","sender_id":"1000","created_at":"2022-10-19T20:58:00.000Z"}],"meta":{"result_count":1,"next_token":"abc"}}`))
	f.Add([]byte(`{"data":[{"id":"7","event_type":"MessageCreate","sender_id":"1000"},{"id":"8","event_type":"ParticipantsJoin"},null,[]]}`))
	f.Add([]byte(`{"meta":{}}`))
	cfg := Config{Username: "acme"}
	withMessages(&cfg)
	c, err := New(cfg, collectors.Deps{HTTP: http.DefaultClient, Now: start})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := c.newRound(t.Context(), &state{Version: cursorVersion, User: 1000})
		list, err := r.ex.readMessages(&body{endpoint: messagesEndpoint, status: 200, bytes: data})
		if err != nil {
			return
		}
		w := walk{}
		r.takeMessages(list, &r.st.Messages, &w)
		for i := range r.page.Activities {
			if a := &r.page.Activities[i]; a.Kind != activity.KindMessage || parseID(a.ID) == 0 || a.Time.IsZero() {
				t.Errorf("activity %+v", a)
			}
		}
		if w.Top < w.Max || len(r.page.Activities) > len(list) {
			t.Errorf("walk %+v and %d of %d activities", w, len(r.page.Activities), len(list))
		}
	})
}

// What is sent while the rest of the history waits is not lost.
func TestMessagesBeginWithTheFirstPage(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMessages)
	first := w.poll(nil)
	w.Pass(time.Minute)
	id := w.send("acme", "fan", "psst")
	w.Pass(40 * time.Minute)
	as, _ := w.drain(first.Cursor)
	if got := only(t, as, activity.KindMessage).ID; got != id {
		t.Errorf("message %s, want %s", got, id)
	}
}
