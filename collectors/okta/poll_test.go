package okta

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

func TestRequest(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	w.poll(nil)
	u, err := url.Parse(w.srv.Requests()[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"since": {"2026-02-04T12:00:00.000Z"}, "sortOrder": {"ASCENDING"}, "limit": {"10"}, "filter": {DefaultFilter},
	}
	if u.Path != "/api/v1/logs" || u.RawQuery != want.Encode() {
		t.Errorf("asked for %s, want /api/v1/logs?%s", w.srv.Requests()[0].URL, want.Encode())
	}
}

// An organisation's own domain with a port and a path before the API: every
// request goes there, whatever host the links name.
func TestCustomURL(t *testing.T) {
	var asked []string
	srv := oktatest.New(oktatest.Options{Now: start, Token: token, LinkHost: "acme.okta.com"})
	for range 25 {
		srv.Add(oktatest.Event{Type: "user.session.start", Actor: "editor-1@acme.example"})
	}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
		r = r.Clone(r.Context())
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/proxy")
		return handled(srv, r), nil
	})}
	c, err := New(Config{BaseURL: "https://login.acme.example:8443/proxy/", Token: token, Accept: editors, PageSize: 10},
		collectors.Deps{HTTP: client, Now: start, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	var cursor json.RawMessage
	n := 0
	for range 3 {
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursor = page.Cursor
		n += len(page.Activities)
	}
	if n != 25 || c.Source() != "okta/login" {
		t.Errorf("%d activities of %s, want 25 of okta/login", n, c.Source())
	}
	if want := slices.Repeat([]string{"https://login.acme.example:8443/proxy/api/v1/logs"}, 3); !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

func TestPagesFollowLinks(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	var want []string
	for i := range 35 {
		want = append(want, w.login(oktatest.Event{Published: start().Add(time.Duration(i-3000) * time.Second)}))
	}
	as, page := w.drain(nil)
	slices.Sort(want)
	if got := ids(as); !slices.Equal(got, want) {
		t.Errorf("got %d activities, want 35: %v", len(got), got)
	}
	if !page.Backfill || w.srv.Count() != 4 {
		t.Errorf("backfill %t with %d requests, want history with 4", page.Backfill, w.srv.Count())
	}
	since, after := 0, 0
	for _, r := range w.srv.Requests() {
		if strings.Contains(r.URL, "since=") {
			since++
		}
		if strings.Contains(r.URL, "after=") {
			after++
		}
	}
	if since != 1 || after != 3 {
		t.Errorf("%d requests with since and %d with after, want 1 and 3", since, after)
	}
	if page := w.poll(page.Cursor); page.Backfill {
		t.Error("the second walk counts as history")
	}
}

// A full page that is the last one is followed by an empty one.
func TestEmptyPageEndsPaging(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for range 10 {
		w.login(oktatest.Event{})
	}
	page := w.poll(nil)
	if !page.More || len(page.Activities) != 10 {
		t.Fatalf("%d activities, more %t; want 10 and more", len(page.Activities), page.More)
	}
	page = w.poll(page.Cursor)
	if page.More || len(page.Activities) != 0 {
		t.Errorf("%d activities, more %t; want none, and no more", len(page.Activities), page.More)
	}
}

// A short page in the middle of a backlog loses nothing: the next walk begins
// at the newest event met, not at the time of the poll.
func TestShortPageInTheMiddle(t *testing.T) {
	w := newWorld(t, oktatest.Options{PageSize: 4})
	var want []string
	for i := range 12 {
		at := start().Add(time.Duration(i-12) * time.Hour)
		want = append(want, w.login(oktatest.Event{Published: at, Stored: at}))
	}
	var got []string
	var cursor json.RawMessage
	for range 12 {
		page := w.poll(cursor)
		got = append(got, ids(page.Activities)...)
		cursor = page.Cursor
	}
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got %d of %d events", len(got), len(want))
	}
}

// The overlap is read again, and Page.Overlap covers all that comes again, be it
// hours late.
func TestOverlapCoversWhatComesAgain(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	page := w.poll(nil)
	seen := map[string]time.Time{}
	var overlap time.Time
	late := w.login(oktatest.Event{Published: start().Add(-3 * time.Hour)}) // stored now
	again := 0
	for i := range 30 {
		if i%3 == 0 {
			w.login(oktatest.Event{})
		}
		w.Pass(time.Minute)
		page = w.poll(page.Cursor)
		for _, a := range page.Activities {
			if first, ok := seen[a.ID]; ok {
				again++
				if first.Before(overlap) {
					t.Errorf("poll %d: %s of %s comes again, before the overlap of %s", i, a.ID, first, overlap)
				}
			}
			seen[a.ID] = a.Time
		}
		overlap = page.Overlap
	}
	if len(seen) != 11 || seen[late].IsZero() {
		t.Errorf("%d events, want 11 with the late one", len(seen))
	}
	if again < 10 {
		t.Errorf("only %d events came again: nothing was overlapping", again)
	}
	if want := w.Now().Add(-15 * time.Minute); overlap.Before(want) {
		t.Errorf("overlap since %s though the late event was long ago; want %s at the oldest", overlap, want)
	}
}

// A history of many events does not have to be remembered whole.
func TestOverlapInHistory(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	for i := range 300 {
		at := start().Add(time.Duration(i-300) * time.Hour)
		w.login(oktatest.Event{Published: at, Stored: at})
	}
	_, page := w.drain(nil)
	if want := start().Add(-48 * time.Hour); page.Overlap.Before(want) {
		t.Errorf("overlap since %s, want %s at the oldest", page.Overlap, want)
	}
	if page.Overlap.After(start().Add(-time.Hour - DefaultOverlap)) {
		t.Errorf("overlap since %s, after what the next poll reads", page.Overlap)
	}
}

func TestBackfillBounds(t *testing.T) {
	w := newWorld(t, oktatest.Options{}, func(c *Config) { c.Backfill = 24 * time.Hour })
	old := start().Add(-25 * time.Hour)
	w.login(oktatest.Event{Published: old, Stored: old})
	recent := start().Add(-23 * time.Hour)
	want := w.login(oktatest.Event{Published: recent, Stored: recent})
	if got := ids(w.poll(nil).Activities); !slices.Equal(got, []string{want}) {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestGapBeyondRetention(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	w.login(oktatest.Event{})
	page := w.poll(nil)
	if page.Gap != nil {
		t.Errorf("gap %v on the first connection", page.Gap)
	}
	w.Pass(30 * 24 * time.Hour)
	if page = w.poll(page.Cursor); page.Gap != nil {
		t.Errorf("gap %v after a quiet month", page.Gap)
	}
	read := w.Now()
	w.Pass(200 * 24 * time.Hour)
	page = w.poll(page.Cursor)
	if g := page.Gap; g == nil || !g.From.Equal(read) || !g.Until.Equal(w.Now().Add(-Retention)) || !strings.Contains(g.Reason, "90 days") {
		t.Errorf("gap %+v, want from %s until 90 days ago", g, read)
	}
	if page = w.poll(page.Cursor); page.Gap != nil {
		t.Errorf("the gap is told again: %v", page.Gap)
	}
	// Nothing happened for longer than Okta keeps, but the log was read.
	for range 4 {
		w.Pass(50 * 24 * time.Hour)
		if page = w.poll(page.Cursor); page.Gap != nil {
			t.Errorf("gap %v though the log was read", page.Gap)
		}
	}
}

// When Okta does not take its own link any more, the walk begins anew where it
// was.
func TestLinkThatIsGone(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	var want []string
	for i := range 35 {
		at := start().Add(time.Duration(i-40) * time.Hour)
		want = append(want, w.login(oktatest.Event{Published: at, Stored: at}))
	}
	first := w.poll(nil)
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultAfter, Times: 1}); err != nil {
		t.Fatal(err)
	}
	page := w.poll(first.Cursor)
	if !page.More || len(page.Activities) != 0 || !page.Backfill && page.Gap != nil {
		t.Fatalf("page %+v, want more", page)
	}
	rest, _ := w.drain(page.Cursor)
	got := slices.Compact(append(ids(first.Activities), ids(rest)...))
	slices.Sort(got)
	slices.Sort(want)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("got %d of %d events", len(got), len(want))
	}
	if len(rest) > 26 {
		t.Errorf("%d events read after the restart, want those not read and the overlap", len(rest))
	}
	w.srv.ClearFaults()
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultAfterGone, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if page = w.poll(first.Cursor); !page.More {
		t.Errorf("page %+v after 410, want more", page)
	}
	// Twice in one walk is an error, not a circle.
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultAfter}); err != nil {
		t.Fatal(err)
	}
	page = w.poll(first.Cursor)
	page = w.poll(page.Cursor)
	if _, err := w.c.Poll(t.Context(), page.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("error %v, want Okta's refusal", err)
	}
	// Nobody has to clear the cursor: an hour later it is tried anew.
	w.Pass(time.Hour)
	w.srv.ClearFaults()
	if err := w.srv.AddFault(oktatest.Fault{Kind: oktatest.FaultAfterGone, Times: 1}); err != nil {
		t.Fatal(err)
	}
	later, _ := w.drain(page.Cursor)
	got = slices.Concat(ids(first.Activities), ids(page.Activities), ids(later))
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("an hour later %d of %d events", len(got), len(want))
	}
}

// An event of the future does not move the place from which is read.
func TestEventOfTheFuture(t *testing.T) {
	w := newWorld(t, oktatest.Options{})
	w.login(oktatest.Event{Published: start().Add(24 * time.Hour), Stored: start()})
	page := w.poll(nil)
	w.Pass(time.Minute)
	want := w.login(oktatest.Event{})
	if got := ids(w.poll(page.Cursor).Activities); !slices.Contains(got, want) {
		t.Errorf("got %v, want %s among it", got, want)
	}
}

// Our clock running ahead of Okta's loses nothing, nor does one that is behind.
func TestClocksApart(t *testing.T) {
	for _, ahead := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			w := newWorld(t, oktatest.Options{})
			c, err := New(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: func() time.Time { return w.Now().Add(ahead) }})
			if err != nil {
				t.Fatal(err)
			}
			w.c = c
			page := w.poll(nil)
			if !page.ServerTime.Equal(w.Now()) {
				t.Errorf("server time %s, want %s", page.ServerTime, w.Now())
			}
			for range 5 {
				want := w.login(oktatest.Event{})
				w.Pass(time.Minute)
				page = w.poll(page.Cursor)
				if got := ids(page.Activities); !slices.Contains(got, want) {
					t.Errorf("got %v, want %s among it", got, want)
				}
			}
		})
	}
}

func TestMalformedEventsAreToldOnce(t *testing.T) {
	rows := map[string]struct{ raw, says string }{
		"published is a number":   {`{"uuid":"u1","eventType":"user.session.start","published":17}`, "event u1: is a JSON number; want a string"},
		"no uuid":                 {`{"eventType":"user.session.start","published":"2026-03-06T12:00:00Z"}`, "uuid is missing"},
		"long uuid":               {`{"uuid":"` + strings.Repeat("u", 600) + `","eventType":"x","published":"2026-03-06T12:00:00Z"}`, "uuid of 600 bytes"},
		"no eventType":            {`{"uuid":"u1","published":"2026-03-06T12:00:00Z"}`, "eventType is missing"},
		"no published":            {`{"uuid":"u1","eventType":"user.session.start"}`, "published is missing"},
		"published is no time":    {`{"uuid":"u1","eventType":"user.session.start","published":"yesterday"}`, `published "yesterday"; want RFC 3339`},
		"published long ago":      {`{"uuid":"u1","eventType":"user.session.start","published":"1970-01-01T00:00:00Z"}`, "want a year from 2000"},
		"no actor":                {`{"uuid":"u1","eventType":"user.session.start","published":"2026-03-06T12:00:00Z","outcome":{"result":"SUCCESS"}}`, "actor is missing"},
		"actor without a name":    {`{"uuid":"u1","eventType":"user.session.end","published":"2026-03-06T12:00:00Z","actor":{"type":"User"}}`, `alternateId of a "User" is missing`},
		"actor is a text":         {`{"uuid":"u1","eventType":"user.session.end","published":"2026-03-06T12:00:00Z","actor":"me"}`, "[1].actor: "},
		"target is no list":       {`{"uuid":"u1","eventType":"user.mfa.factor.deactivate","published":"2026-03-06T12:00:00Z","actor":{"alternateId":"a"},"target":{}}`, "[1].target: "},
		"outcome result is a map": {`{"uuid":"u1","eventType":"user.session.start","published":"2026-03-06T12:00:00Z","outcome":{"result":{}}}`, "[1].outcome.result: "},
		"not an object":           {`17`, "is a JSON number; want an object"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oktatest.Options{}, func(c *Config) { c.Filter = `eventType sw "user."` })
			want := []string{w.login(oktatest.Event{})}
			w.srv.Add(oktatest.Event{Type: "user.x", Raw: json.RawMessage(row.raw)})
			want = append(want, w.login(oktatest.Event{}))
			page := w.poll(nil)
			if got := ids(page.Activities); !slices.Equal(got, want) {
				t.Errorf("activities %v, want the neighbours %v", got, want)
			}
			if len(page.Malformed) != 1 || kindOf(page.Malformed[0]) != wantMalformed ||
				!strings.Contains(page.Malformed[0].Error(), row.says) || !strings.Contains(page.Malformed[0].Error(), "[1]") {
				t.Errorf("malformed %v, want one at [1] that says %q", page.Malformed, row.says)
			}
			for range 3 {
				w.Pass(time.Minute)
				if page = w.poll(page.Cursor); len(page.Malformed) != 0 {
					t.Errorf("told again: %v", page.Malformed)
				}
			}
		})
	}
}

// What is read again counts once.
func TestCountsCountOnce(t *testing.T) {
	w := newWorld(t, oktatest.Options{}, func(c *Config) { c.Filter = `eventType sw ""` })
	page := w.poll(nil)
	for range 6 {
		w.Pass(time.Second)
		w.login(oktatest.Event{Actor: "intern@acme.example"})
		w.srv.Add(oktatest.Event{Type: "policy.rule.action.execute", Actor: "editor-1@acme.example"})
		w.Pass(time.Minute)
		page = w.poll(page.Cursor)
		if len(page.Activities) != 0 {
			t.Errorf("activities %v, want none", ids(page.Activities))
		}
	}
	if got, want := w.c.Counts(), (Counts{Unguarded: 6, Ignored: 6}); got != want || w.c.Dropped() != 6 {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestCursorStaysSmall(t *testing.T) {
	w := newWorld(t, oktatest.Options{}, func(c *Config) { c.PageSize = 1000 })
	for i := range 500 {
		w.srv.Add(oktatest.Event{Type: "user.session.start", Raw: json.RawMessage(fmt.Sprintf(`{"uuid":"%d"}`, i))})
	}
	page := w.poll(nil)
	if len(page.Malformed) != 500 || len(page.Cursor) > 4<<10 {
		t.Errorf("%d malformed, cursor of %d bytes; want 500 and a small one", len(page.Malformed), len(page.Cursor))
	}
}
