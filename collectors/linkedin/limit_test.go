package linkedin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

// TestLimitedDay polls for two days with the calls of LinkedIn's Development tier,
// as the guide says and more often than that: the day's calls are never exceeded,
// by none of the answers, and where they do not last, all are used.
func TestLimitedDay(t *testing.T) {
	const calls = 100
	for _, tt := range []struct {
		every, look time.Duration
		lasts       bool
	}{
		{30 * time.Minute, 4 * time.Hour, true},
		{10 * time.Minute, 15 * time.Minute, false},
	} {
		t.Run(fmt.Sprint(tt.every), func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{Calls: calls}, withMentions)
			budget := collectors.NewBudget("acme", collectors.BudgetOptions{Units: calls, Cost: Cost, Endpoint: Endpoint, Now: w.Now})
			deps := w.deps()
			deps.HTTP = collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(w.srv)})
			w.cfg.Look = tt.look
			c, err := New(w.cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			w.srv.Comment(w.old("one"), linkedintest.Comment{Text: "hi"})
			w.Pass(12 * time.Hour) // midnight
			var cursor json.RawMessage
			for day := range 2 {
				spent := false
				for range 24 * time.Hour / tt.every {
					for more := true; more; {
						page, err := c.Poll(t.Context(), cursor)
						if collectors.IsOverBudget(err) {
							spent = true
							break
						}
						if err != nil {
							t.Fatal(err)
						}
						cursor, more = page.Cursor, page.More
					}
					w.Pass(tt.every)
				}
				if n := w.srv.Used(); spent == tt.lasts || !tt.lasts && n != calls || n < calls*3/5 {
					t.Errorf("day %d: %d calls, spent %t; want it to last: %t", day, n, spent, tt.lasts)
				}
			}
			if n := w.srv.Over(); n != 0 {
				t.Errorf("%d calls beyond the day's limit", n)
			}
		})
	}
}

// The limit of a day closes one endpoint until midnight UTC and is not asked
// again; the others go on. That of the posts holds back the account.
func TestDayLimit(t *testing.T) {
	for _, tt := range []struct {
		endpoint string
		want     string // part of the error, empty where there is none
		behind   bool   // mentions are
		limited  bool   // the account is
	}{
		{endpoint: "posts", want: "DAY limit for calls to this resource is reached", limited: true},
		{endpoint: "organizations", want: "it is asked again at 2026-03-07T00:00:00Z, when LinkedIn's day begins"},
		{endpoint: "networkSizes", want: "it is asked again at 2026-03-07T00:00:00Z"},
		{endpoint: "organizationAcls", want: "it is asked again at 2026-03-07T00:00:00Z"},
		{endpoint: "socialActions/{urn}/comments", behind: true},
	} {
		t.Run(tt.endpoint, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{}, withMentions)
			w.old("one")
			cursor := w.connect()
			w.Pass(time.Hour)
			fault := *linkedintest.DayLimit()
			fault.Endpoint = tt.endpoint
			w.srv.AddFault(fault)
			c := w.collector()
			before := w.srv.Count(tt.endpoint)
			for range 3 {
				page, err := pollAll(t, c, cursor)
				limited, is := errors.AsType[*collectors.RateLimited](err)
				switch {
				case (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want):
					t.Fatalf("error %v, want %q", err, tt.want)
				case is != tt.limited || is && !limited.Until.Equal(time.Date(2026, 3, 7, 0, 0, 0, 0, time.UTC)):
					t.Errorf("rate limited %t: %v", is, err)
				case (page.Behind != nil) != tt.behind:
					t.Errorf("behind: %v", page.Behind)
				}
				w.Pass(time.Hour)
			}
			if n := w.srv.Count(tt.endpoint) - before; n != 1 {
				t.Errorf("%d calls of the closed endpoint, want 1", n)
			}
			w.srv.Heal()
			w.Pass(12 * time.Hour)
			if _, err := pollAll(t, c, cursor); err != nil {
				t.Errorf("error %v on the next day", err)
			}
		})
	}
}

// pollAll polls until no page is left or one fails, and returns the last.
func pollAll(t *testing.T, c *Collector, cursor json.RawMessage) (collectors.Page, error) {
	t.Helper()
	for range 50 {
		page, err := c.Poll(t.Context(), cursor)
		if err != nil || !page.More {
			return page, err
		}
		cursor = page.Cursor
	}
	t.Fatal("50 polls, and still more")
	return collectors.Page{}, nil
}

// Each endpoint has a limit of its own, and the token endpoint takes none of the
// day's calls.
func TestEndpoint(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions, withRefresh)
	gone := w.old("one")
	cursor := w.connect()
	w.srv.Delete(gone)
	w.old("two")
	named := map[string]int{}
	deps := w.deps()
	next := deps.HTTP.Transport
	deps.HTTP = &http.Client{Transport: observed(func(r *http.Request) (*http.Response, error) {
		named[Endpoint(r)] = Cost(r)
		return next.RoundTrip(r)
	})}
	w.kept.saved = ""
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	w.drainWith(c, cursor)
	w.Pass(time.Hour)
	w.drainWith(c, cursor)
	want := map[string]int{
		"oauth": 0, "posts": 1, "posts/{urn}": 1, "organizations": 1, "networkSizes": 1, "organizationAcls": 1, "socialActions/{urn}/comments": 1,
	}
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("endpoints and what they cost (-want +got):\n%s", diff)
	}
}

type observed func(*http.Request) (*http.Response, error)

func (o observed) RoundTrip(r *http.Request) (*http.Response, error) { return o(r) }
