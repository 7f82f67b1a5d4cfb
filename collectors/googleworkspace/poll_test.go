package googleworkspace

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/googleworkspace/googleworkspacetest"
)

// A first round reads each log once, with the parameters that Google documents.
func TestRequests(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.drain(nil)
	var got []string
	for _, r := range w.srv.Requests() {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		got = append(got, r.Method+" "+strings.TrimPrefix(u.Path, "/admin/reports/v1/activity/users/all/applications/")+
			" "+q.Get("startTime")+" "+q.Get("endTime")+" "+q.Get("eventName")+" "+q.Get("maxResults"))
	}
	want := []string{
		"POST /token    ",
		"GET login 2026-03-05T12:00:00.000Z   10",
		"GET user_accounts 2026-03-05T12:00:00.000Z   10",
		"GET token 2026-03-05T12:00:00.000Z  authorize 10",
		"GET token 2026-03-05T12:00:00.000Z  revoke 10",
		"GET admin 2026-03-05T12:00:00.000Z   10",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// History is read in spans, oldest first, as backfill; what comes after is news,
// read from the overlap on.
func TestHistoryThenNews(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{}, func(c *Config) { c.Backfill = 10 * 24 * time.Hour })
	for d := range 10 {
		w.login(googleworkspacetest.Event{Time: start().Add(-time.Duration(d)*24*time.Hour - time.Hour)})
	}
	var cursor json.RawMessage
	n, last := 0, time.Time{}
	for {
		page := w.poll(cursor)
		if !page.Backfill {
			t.Error("history is not marked as such")
		}
		if page.Overlap.Before(last) {
			t.Errorf("overlap moves back from %s to %s", last, page.Overlap)
		}
		last = page.Overlap
		n += len(page.Activities)
		cursor = page.Cursor
		if !page.More {
			break
		}
	}
	if want := start().Add(-4 * time.Hour); n != 10 || !last.Equal(want) {
		t.Errorf("%d activities and an overlap from %s, want 10 from %s", n, last, want)
	}
	w.Pass(5 * time.Minute)
	w.login(googleworkspacetest.Event{})
	page := w.poll(cursor)
	if page.Backfill || len(page.Activities) != 2 {
		t.Errorf("news: %d activities, backfill %t; want 2 with the one of an hour ago, false", len(page.Activities), page.Backfill)
	}
}

// The token of a page that has become too old: the span is read anew, once.
func TestPageTokenRefused(t *testing.T) {
	logins := func() *world {
		w := newWorld(t, googleworkspacetest.Options{})
		for i := range 25 {
			w.login(googleworkspacetest.Event{Time: start().Add(-time.Duration(i) * time.Minute)})
		}
		return w
	}
	for _, fault := range []string{googleworkspacetest.FaultPageToken, googleworkspacetest.FaultPageGone} {
		w := logins()
		w.srv.AddFault(googleworkspacetest.Fault{Kind: fault, Times: 1})
		as, _ := w.drain(nil)
		if ids := collectortest.IDs(as); len(as) != 35 || ids != 25 {
			t.Errorf("%s: %d activities of %d ids, want 35 of 25", fault, len(as), ids)
		}
	}
	w := logins()
	w.srv.AddFault(googleworkspacetest.Fault{Kind: googleworkspacetest.FaultPageToken})
	first := w.poll(nil)
	again := w.poll(first.Cursor)
	second := w.poll(again.Cursor)
	if _, err := w.c.Poll(t.Context(), second.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("refused twice: %v, want forbidden", err)
	}
	// Nobody has to clear the cursor: an hour later it is tried anew.
	w.Pass(time.Hour)
	w.srv.ClearFaults()
	w.srv.AddFault(googleworkspacetest.Fault{Kind: googleworkspacetest.FaultPageGone, Times: 1})
	as, _ := w.drain(second.Cursor)
	if ids := collectortest.IDs(as); ids != 25 {
		t.Errorf("an hour later %d ids, want 25", ids)
	}
}

func TestSamePageToken(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.login(googleworkspacetest.Event{})
	w.srv.AddFault(googleworkspacetest.Fault{Kind: googleworkspacetest.FaultSameToken})
	first := w.poll(nil)
	if _, err := w.c.Poll(t.Context(), first.Cursor); kindOf(err) != wantMalformed {
		t.Errorf("a page that is its own next one: %v, want malformed", err)
	}
}

// A log that was not read for longer than Google keeps it has a gap.
func TestGap(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	_, page := w.drain(nil)
	w.Pass(190 * 24 * time.Hour)
	got := w.poll(page.Cursor).Gap
	want := &collectors.Gap{
		From: start().Add(-4 * time.Hour), Until: start().Add(10 * 24 * time.Hour),
		Reason: "Google keeps events for 180 days and the log was not read for longer",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Clocks that differ, either way, move nothing out of reach.
func TestClocks(t *testing.T) {
	for _, ahead := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		w := newWorld(t, googleworkspacetest.Options{})
		w.c.deps.Now = func() time.Time { return w.Now().Add(ahead) }
		_, page := w.drain(nil)
		if want := start().Add(min(ahead, 0) - 4*time.Hour); page.Overlap.Before(want.Add(-time.Second)) || page.Overlap.After(want) {
			t.Errorf("clock ahead by %s: overlap from %s, want %s", ahead, page.Overlap, want)
		}
		if !page.ServerTime.Equal(start()) {
			t.Errorf("server's time is %s, want %s", page.ServerTime, start())
		}
	}
}

func TestCounts(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	w.login(googleworkspacetest.Event{Actor: "intern@acme.example"})
	w.srv.Add(googleworkspacetest.Event{App: "login", Name: "blocked_sender", Actor: "editor-1@acme.example"})
	_, page := w.drain(nil)
	w.Pass(time.Minute)
	w.drain(page.Cursor)
	if got, want := w.c.Counts(), (Counts{Unguarded: 1, Ignored: 1}); got != want || w.c.Dropped() != 1 {
		t.Errorf("counts %+v, want %+v however often they are read", got, want)
	}
}

// Parts that are not as documented are left out; what decides makes an event
// malformed, and is told once.
func TestOddParts(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	const form = `{"id":{"time":"%TIME%","uniqueQualifier":"%N%","applicationName":"login"},"actor":{"email":"editor-1@acme.example"},`
	for _, rest := range []string{
		`"networkInfo":{"ipAsn":"64500"},"ipAddress":"not one","events":[{"name":"login_success"}]}`,
		`"networkInfo":{"ipAsn":[-1.5],"regionCode":"ZZ"},"events":[{"name":"login_success"}]}`,
		`"events":[{"name":7},{"name":"logout"}]}`,
		`"events":[]}`,
	} {
		w.srv.Add(googleworkspacetest.Event{App: "login", Name: "login_success", Raw: form + rest})
	}
	page := w.poll(nil)
	if len(page.Activities) != 3 || len(page.Malformed) != 2 || w.c.Counts().Partial != 1 {
		t.Fatalf("%d activities, malformed %v, %d partial; want 3, 2, 1", len(page.Activities), page.Malformed, w.c.Counts().Partial)
	}
	for _, a := range page.Activities {
		if a.IP != "" || a.Geo.Country != "" || a.Geo.ASN.OK {
			t.Errorf("address and place of %+v; want none", a)
		}
	}
	if again := w.poll(func() json.RawMessage { _, p := w.drain(page.Cursor); return p.Cursor }()); len(again.Malformed) != 0 {
		t.Errorf("told again: %v", again.Malformed)
	}
}

// TestShows logs an event of every kind.
func TestShows(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	for _, e := range []googleworkspacetest.Event{
		{App: "login", Name: "login_success"},
		{App: "login", Name: "login_failure"},
		{App: "login", Name: "logout"},
		{App: "login", Name: "gov_attack_warning"},
		{App: "login", Name: "2sv_disable"},
		{App: "login", Name: "password_edit"},
		{App: "admin", Name: "UPDATE_ROLE"},
		{App: "token", Name: "authorize"},
		{App: "token", Name: "revoke"},
	} {
		e.Actor, e.IP, e.Region, e.Subdivision, e.ASN = "editor-1@acme.example", "192.0.2.7", "DE", "DE-BE", 64500
		w.srv.Add(e)
	}
	all, _ := w.drain(nil)
	collectortest.Shown(t, w.cfg.Shows(), all)
}

// A clock that runs ahead by more than is kept, of a machine that has just begun:
// the place must not move to where nothing will ever come, and what happens
// meanwhile is read once the clock is right.
func TestClockFarAhead(t *testing.T) {
	w := newWorld(t, googleworkspacetest.Options{})
	_, page := w.drain(nil)
	cursor := page.Cursor
	w.Pass(time.Minute)
	w.login(googleworkspacetest.Event{})
	ahead, err := New(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: func() time.Time { return w.Now().Add(Retention + 24*time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []json.RawMessage{nil, cursor} {
		page, err := ahead.Poll(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "check that this machine's clock is right") || page.Cursor != nil {
			t.Errorf("with a clock that is ahead: cursor %s, error %v; want an error about the clock", page.Cursor, err)
		}
	}
	if as, _ := w.drain(cursor); len(as) != 1 {
		t.Errorf("%d activities when the clock is right again, want the login", len(as))
	}
}
