package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/entra/entratest"
)

// A first round reads each log once, with the parameters that Graph documents.
func TestRequests(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	w.drain(nil)
	var got []string
	for _, r := range w.srv.Requests() {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Method+" "+u.Path+" "+u.Query().Get("$filter")+" "+u.Query().Get("$top"))
	}
	want := []string{
		"POST /acme.onmicrosoft.example/oauth2/v2.0/token  ",
		"GET /v1.0/auditLogs/signIns createdDateTime ge 2026-03-05T12:00:00.000Z 10",
		"GET /v1.0/auditLogs/directoryAudits activityDateTime ge 2026-03-05T12:00:00.000Z 10",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// History is read in spans, oldest first, as backfill; what comes after is news,
// read from the overlap on.
func TestHistoryThenNews(t *testing.T) {
	w := newWorld(t, entratest.Options{}, func(c *Config) { c.Backfill = 10 * 24 * time.Hour })
	for d := range 10 {
		w.login(entratest.SignIn{Time: start().Add(-time.Duration(d)*24*time.Hour - time.Hour)})
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
	if n != 10 || last.Before(start().Add(-3*time.Hour)) {
		t.Errorf("%d activities and an overlap from %s, want 10 and three hours", n, last)
	}
	w.Pass(5 * time.Minute)
	w.login(entratest.SignIn{})
	page := w.poll(cursor)
	if page.Backfill || len(page.Activities) != 2 {
		t.Errorf("news: %d activities, backfill %t; want 2 with the one of an hour ago, false", len(page.Activities), page.Backfill)
	}
}

// The link to a page that has become too old: the span is read anew, once.
func TestSkipTokenRefused(t *testing.T) {
	logins := func() *world {
		w := newWorld(t, entratest.Options{})
		for i := range 25 {
			w.login(entratest.SignIn{Time: start().Add(-time.Duration(i) * time.Minute)})
		}
		return w
	}
	for _, fault := range []string{entratest.FaultSkipToken, entratest.FaultSkipGone} {
		w := logins()
		w.srv.AddFault(entratest.Fault{Kind: fault, Times: 1})
		as, _ := w.drain(nil)
		if ids := collectortest.IDs(as); len(as) != 35 || ids != 25 {
			t.Errorf("%s: %d activities of %d ids, want 35 of 25", fault, len(as), ids)
		}
	}
	w := logins()
	w.srv.AddFault(entratest.Fault{Kind: entratest.FaultSkipToken})
	first := w.poll(nil)
	again := w.poll(first.Cursor)
	second := w.poll(again.Cursor)
	if _, err := w.c.Poll(t.Context(), second.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("refused twice: %v, want forbidden", err)
	}
	// Nobody has to clear the cursor: an hour later it is tried anew.
	w.Pass(time.Hour)
	w.srv.ClearFaults()
	w.srv.AddFault(entratest.Fault{Kind: entratest.FaultSkipGone, Times: 1})
	as, _ := w.drain(second.Cursor)
	if ids := collectortest.IDs(as); ids != 25 {
		t.Errorf("an hour later %d ids, want 25", ids)
	}
}

func TestSameLink(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	w.login(entratest.SignIn{})
	w.srv.AddFault(entratest.Fault{Kind: entratest.FaultSameLink})
	first := w.poll(nil)
	if _, err := w.c.Poll(t.Context(), first.Cursor); kindOf(err) != wantMalformed {
		t.Errorf("a page that is its own next one: %v, want malformed", err)
	}
}

// A tenant without a licence for sign-ins: refused once a day, while the audits
// are read; with a licence the sign-ins come.
func TestUnlicensed(t *testing.T) {
	w := newWorld(t, entratest.Options{Unlicensed: true})
	w.login(entratest.SignIn{})
	w.srv.Audit(entratest.Audit{Activity: "Change user password", User: "editor-1@acme.example"})
	refused := func(cursor json.RawMessage) {
		t.Helper()
		_, err := w.c.Poll(t.Context(), cursor)
		forbidden, ok := errors.AsType[*collectors.Forbidden](err)
		if !ok || forbidden.Mend != mendLicence {
			t.Fatalf("error %v; want forbidden that tells of the licence", err)
		}
	}
	refused(nil)
	as, page := w.drain(nil)
	if len(as) != 1 || as[0].Kind != "password_change" {
		t.Errorf("activities %v; want the audit", as)
	}
	if page.Overlap.Before(start().Add(-3 * time.Hour)) {
		t.Errorf("overlap from %s: sign-ins that nobody reads keep it back", page.Overlap)
	}
	w.Pass(23 * time.Hour)
	_, page = w.drain(page.Cursor)
	w.Pass(2 * time.Hour)
	refused(page.Cursor)
	w.srv.License()
	w.Pass(25 * time.Hour)
	if as, _ = w.drain(page.Cursor); len(as) != 1 || as[0].Kind != "login" {
		t.Errorf("activities %v; want the login of two days ago", as)
	}
}

func TestNoSignIns(t *testing.T) {
	w := newWorld(t, entratest.Options{Unlicensed: true}, func(c *Config) { c.NoSignIns = true })
	w.srv.Audit(entratest.Audit{Activity: "Change user password", User: "editor-1@acme.example"})
	as, page := w.drain(nil)
	again := w.poll(page.Cursor)
	if len(as) != 1 || len(again.Activities) != 1 || again.Backfill {
		t.Errorf("%d activities, then %d, backfill %t; want 1, 1, false", len(as), len(again.Activities), again.Backfill)
	}
	if lack, shown := w.cfg.Shows().Kind("login"); shown || lack.Mend == "" {
		t.Error("logins are shown, or nothing says what would show them")
	}
}

// An hour of history without end, polled as fast as is allowed: the limit of five
// requests in ten seconds is never exceeded, and at least 95 % of it is used.
func TestLimit(t *testing.T) {
	w := newWorld(t, entratest.Options{}, func(c *Config) { c.PageSize = 1 })
	for i := range 2500 {
		w.login(entratest.SignIn{Time: start().Add(-time.Duration(i) * time.Second)})
	}
	var cursor json.RawMessage
	for until := start().Add(time.Hour); w.Now().Before(until); {
		page, err := w.c.Poll(t.Context(), cursor)
		if limited, ok := errors.AsType[*collectors.RateLimited](err); ok {
			w.Pass(limited.Until.Sub(w.Now()))
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		cursor = page.Cursor
	}
	n := len(w.srv.Requests()) - 2 // without those for tokens
	if granted := 3600 / 10 * 5; n > granted || n < granted*95/100 || w.srv.Over() != 0 {
		t.Errorf("%d of %d requests in an hour, %d above the limit; want 95 %% or more, and none", n, granted, w.srv.Over())
	}
}

// A log that was not read for longer than Microsoft keeps it has a gap.
func TestGap(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	_, page := w.drain(nil)
	w.Pass(40 * 24 * time.Hour)
	got := w.poll(page.Cursor).Gap
	want := &collectors.Gap{
		From: start().Add(-3 * time.Hour), Until: start().Add(10 * 24 * time.Hour),
		Reason: "Microsoft keeps events for 30 days and the log was not read for longer",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Clocks that differ, either way, move nothing out of reach.
func TestClocks(t *testing.T) {
	for _, ahead := range []time.Duration{-20 * time.Minute, 20 * time.Minute} {
		w := newWorld(t, entratest.Options{})
		w.c.deps.Now = func() time.Time { return w.Now().Add(ahead) }
		_, page := w.drain(nil)
		if want := start().Add(min(ahead, 0) - 3*time.Hour); !page.Overlap.Equal(want) {
			t.Errorf("clock ahead by %s: overlap from %s, want %s", ahead, page.Overlap, want)
		}
		if !page.ServerTime.Equal(start()) {
			t.Errorf("server's time is %s, want %s", page.ServerTime, start())
		}
	}
}

func TestCounts(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	w.login(entratest.SignIn{User: "intern@acme.example"})
	w.srv.Audit(entratest.Audit{Activity: "Create group", By: "editor-1@acme.example"})
	_, page := w.drain(nil)
	w.Pass(time.Minute)
	w.drain(page.Cursor)
	if got, want := w.c.Counts(), (Counts{Unguarded: 1, Ignored: 1}); got != want || w.c.Dropped() != 1 {
		t.Errorf("counts %+v, want %+v however often they are read", got, want)
	}
}

// Links are followed at the configured address only, whatever path they have.
func TestLinks(t *testing.T) {
	w := newWorld(t, entratest.Options{LinkHost: "other.example"})
	for i := range 11 {
		w.login(entratest.SignIn{App: fmt.Sprint(i)})
	}
	if _, err := w.c.Poll(t.Context(), nil); kindOf(err) != wantMalformed {
		t.Errorf("link to another host: %v, want malformed", err)
	}
}

// A clock that runs ahead by more than is kept, of a machine that has just begun:
// the place must not move to where nothing will ever come, and what happens
// meanwhile is read once the clock is right.
func TestClockFarAhead(t *testing.T) {
	w := newWorld(t, entratest.Options{})
	_, page := w.drain(nil)
	cursor := page.Cursor
	w.Pass(time.Minute)
	w.login(entratest.SignIn{})
	ahead, err := New(w.cfg, collectors.Deps{HTTP: w.web.Client(), Now: func() time.Time { return w.Now().Add(Retention + 24*time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []json.RawMessage{nil, cursor} {
		page, err := ahead.Poll(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "set this machine's clock right") || page.Cursor != nil {
			t.Errorf("with a clock that is ahead: cursor %s, error %v; want an error about the clock", page.Cursor, err)
		}
	}
	if as, _ := w.drain(cursor); len(as) != 1 {
		t.Errorf("%d activities when the clock is right again, want the login", len(as))
	}
}
