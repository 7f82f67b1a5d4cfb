package github

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/github/githubtest"
)

func TestRequest(t *testing.T) {
	w := newWorld(t, githubtest.Options{}, func(c *Config) { c.Include = IncludeAll })
	page := w.poll(nil)
	w.Pass(time.Hour)
	w.poll(page.Cursor)
	for i, since := range []string{"2026-02-04T12:00:00Z", "2026-03-06T11:50:00Z"} {
		want := url.Values{"phrase": {"created:>=" + since}, "include": {"all"}, "order": {"asc"}, "per_page": {"100"}}
		if got := w.srv.Requests()[i].URL; got != "/orgs/acme/audit-log?"+want.Encode() {
			t.Errorf("asked for %s, want /orgs/acme/audit-log?%s", got, want.Encode())
		}
	}
}

// A server of one's own with a path before the API: every request goes there,
// whatever host the links name, and with the version and form of the API.
func TestEnterpriseServer(t *testing.T) {
	var asked []string
	srv := githubtest.New(githubtest.Options{Now: start, Token: token, LinkHost: "github.com", Prefix: "/api/v3"})
	for range 250 {
		srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1"})
	}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path+" "+r.Header.Get("Accept")+" "+r.Header.Get("X-Github-Api-Version"))
		return handled(srv, r), nil
	})}
	c, err := New(Config{BaseURL: "https://github.acme.example/api/v3/", Token: token, Accept: editors, Enterprise: "acme-corp"},
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
	if n != 250 || c.Source() != "github/acme-corp" {
		t.Errorf("%d activities of %s, want 250 of github/acme-corp", n, c.Source())
	}
	if want := slices.Repeat([]string{"https://github.acme.example/api/v3/enterprises/acme-corp/audit-log application/vnd.github.v3+json 2022-11-28"}, 3); !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

func TestPagesFollowCursors(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	var want []string
	for i := range 350 {
		want = append(want, w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1", Created: start().Add(time.Duration(i-3000) * time.Second)}))
	}
	slices.Sort(want)
	all, page := w.drain(nil)
	if got := ids(all); !slices.Equal(got, want) {
		t.Errorf("got %d activities, want 350", len(got))
	}
	if !page.Backfill || w.srv.Count() != 4 {
		t.Errorf("backfill %t with %d requests, want history with 4", page.Backfill, w.srv.Count())
	}
	if again := w.poll(page.Cursor); again.Backfill || !again.Overlap.Equal(start().Add(-2651*time.Second-10*time.Minute)) {
		t.Errorf("backfill %t, overlap %s; want news, and the overlap before the newest event", again.Backfill, again.Overlap)
	}
}

// Git's events are there only where they are asked for.
func TestInclude(t *testing.T) {
	for include, want := range map[string]string{"": "web", IncludeWeb: "web", IncludeGit: "git", IncludeAll: "git,web"} {
		w := newWorld(t, githubtest.Options{}, func(c *Config) { c.Include = include })
		w.srv.Add(githubtest.Event{ID: "git", Action: "git.clone", Actor: "editor-1"})
		w.srv.Add(githubtest.Event{ID: "web", Action: "repo.access", Actor: "editor-1"})
		if got := strings.Join(ids(w.poll(nil).Activities), ","); got != want {
			t.Errorf("include %q gives %s, want %s", include, got, want)
		}
	}
}

// A cursor of GitHub's that is not taken any more begins the walk anew, once.
func TestOldCursorIsReplaced(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	for i := range 150 {
		w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1", Created: start().Add(time.Duration(i-200) * time.Second)})
	}
	first := w.poll(nil)
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.FaultAfter, Times: 1}); err != nil {
		t.Fatal(err)
	}
	refused := w.poll(first.Cursor)
	if !refused.More || len(refused.Activities) != 0 {
		t.Fatalf("%d activities, more %t; want none and more", len(refused.Activities), refused.More)
	}
	rest, _ := w.drain(refused.Cursor)
	got := map[string]bool{}
	for _, a := range append(first.Activities, rest...) {
		got[a.ID] = true
	}
	if len(got) != 150 {
		t.Errorf("%d events, want 150", len(got))
	}
	w.srv.ClearFaults()
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.FaultAfterGone, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if gone := w.poll(first.Cursor); !gone.More {
		t.Errorf("page %+v after 410, want more", gone)
	}
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.FaultAfter}); err != nil {
		t.Fatal(err)
	}
	again := w.poll(refused.Cursor)
	if _, err := w.c.Poll(t.Context(), again.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("refused twice: %v, want that somebody looks", err)
	}
	// Nobody has to clear the cursor: an hour later it is tried anew.
	w.Pass(time.Hour)
	w.srv.ClearFaults()
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.FaultAfterGone, Times: 1}); err != nil {
		t.Fatal(err)
	}
	later, _ := w.drain(again.Cursor)
	clear(got)
	for _, a := range slices.Concat(first.Activities, again.Activities, later) {
		got[a.ID] = true
	}
	if len(got) != 150 {
		t.Errorf("an hour later %d events, want 150", len(got))
	}
}

func TestSameLinkIsNoProgress(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	if err := w.srv.AddFault(githubtest.Fault{Kind: githubtest.FaultSameLink}); err != nil {
		t.Fatal(err)
	}
	page := w.poll(nil)
	if _, err := w.c.Poll(t.Context(), page.Cursor); kindOf(err) != wantMalformed {
		t.Errorf("%v, want a malformed link", err)
	}
}

func TestGap(t *testing.T) {
	for _, row := range []struct {
		name, include string
		away          time.Duration
		want          string
	}{
		{"a week", IncludeWeb, 8 * 24 * time.Hour, ""},
		{"a week of Git", IncludeAll, 8 * 24 * time.Hour, "2026-03-06T12:00:00Z to 2026-03-07T12:00:00Z: GitHub keeps events of Git for seven days and the log was not read for longer"},
		{"half a year", IncludeWeb, 181 * 24 * time.Hour, "2026-03-06T12:00:00Z to 2026-03-07T12:00:00Z: GitHub keeps events for 180 days and the log was not read for longer"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{}, func(c *Config) { c.Include = row.include })
			page := w.poll(nil)
			w.Pass(row.away)
			got := ""
			if gap := w.poll(page.Cursor).Gap; gap != nil {
				got = gap.From.Format(time.RFC3339) + " to " + gap.Until.Format(time.RFC3339) + ": " + gap.Reason
			}
			if got != row.want {
				t.Errorf("gap %q, want %q", got, row.want)
			}
		})
	}
}

// A server that takes the day of created alone gives what was read before once
// more; it is not handed over again, and what is late is.
func TestFilterByDay(t *testing.T) {
	w := newWorld(t, githubtest.Options{ByDay: true})
	w.srv.Add(githubtest.Event{ID: "morning", Action: "user.login", Actor: "editor-1", Created: start().Add(-4 * time.Hour)})
	w.srv.Add(githubtest.Event{ID: "noon", Action: "user.login", Actor: "editor-1"})
	page := w.poll(nil)
	if got := strings.Join(ids(page.Activities), ","); got != "morning,noon" {
		t.Fatalf("read %s first, want both", got)
	}
	w.Pass(5 * time.Minute)
	w.srv.Add(githubtest.Event{ID: "late", Action: "user.login", Actor: "editor-1", Created: start().Add(-9 * time.Minute)})
	page = w.poll(page.Cursor)
	if got := strings.Join(ids(page.Activities), ","); got != "late,noon" { // within the overlap, where repeats are known
		t.Errorf("read %s, want late and noon", got)
	}
	for _, a := range page.Activities {
		if a.Time.Before(page.Overlap) {
			t.Errorf("%s of %s is before the overlap of %s", a.ID, a.Time, page.Overlap)
		}
	}
}

// Neither clock, running ahead, lets anything be skipped.
func TestClocks(t *testing.T) {
	for _, row := range []struct {
		name   string
		ahead  time.Duration // ours, of GitHub's
		noDate bool
	}{{"ours is ahead", time.Hour, false}, {"ours is ahead, theirs unknown", time.Hour, true}, {"ours is behind", -time.Hour, false}} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{NoDate: row.noDate})
			w.c.deps.Now = func() time.Time { return w.Now().Add(row.ahead) }
			first := w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1"})
			page := w.poll(nil)
			w.Pass(5 * time.Minute)
			second := w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1", Created: w.Now().Add(-2 * time.Minute)})
			w.Pass(5 * time.Minute)
			again, _ := w.drain(page.Cursor)
			if got := ids(again); !slices.Contains(got, second) {
				t.Errorf("read %v after %s, want %s among them", got, first, second)
			}
		})
	}
}

func TestCountsCountOnce(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	page := w.poll(nil)
	for range 6 {
		w.Pass(time.Second)
		w.srv.Add(githubtest.Event{Action: "user.login", Actor: "intern"})
		w.srv.Add(githubtest.Event{Action: "pull_request.create", Actor: "editor-1"})
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

func TestBadCursors(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	for _, cursor := range []string{`{"v":2}`, `{`, `[]`, `{"v":1,"read":-1}`, `{"v":1,"walk":{"since":-5}}`, `{"v":1,"walk":{"after":"` + strings.Repeat("A", 9000) + `"}}`} {
		if _, err := w.c.Poll(t.Context(), json.RawMessage(cursor)); kindOf(err) != wantMalformed || !strings.Contains(err.Error(), "clear the source's cursor") {
			t.Errorf("%.40s: %v, want that it is malformed, and what to do", cursor, err)
		}
	}
	if w.srv.Count() != 0 {
		t.Errorf("%d requests, want none", w.srv.Count())
	}
}

// An hour of work without end takes what GitHub grants and not one request
// more, though the credential's budget knows the limit by the answers only.
func TestHourOfTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(start()))
		srv := githubtest.New(githubtest.Options{Token: token})
		client := collectors.NewClient(
			collectors.NewBudget("github", collectors.BudgetOptions{Endpoint: Endpoint}),
			collectors.ClientOptions{Base: collectortest.Transport(srv)},
		)
		c, err := New(Config{BaseURL: "https://api.example", Org: "acme", Token: token, Accept: editors}, collectors.Deps{HTTP: client, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Hour); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if _, err := c.Poll(t.Context(), nil); err != nil && kindOf(err) != wantLimited {
				t.Fatal(err)
			}
		}
		if srv.Over() != 0 || srv.Count() < 1750*95/100 {
			t.Errorf("%d requests, %d beyond the limit; want at least 1662 and none", srv.Count(), srv.Over())
		}
	})
}
