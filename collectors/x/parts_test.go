package x

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestMentions(t *testing.T) {
	for name, mode := range modes() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{V1: true}, mode, withMentions)
			w.srv.Post("fan", xtest.Post{Text: "@acme long ago", At: start().Add(-time.Hour)})
			cursor := w.connect()
			// History held no mentions; the first round after it begins them.
			_, page := w.drain(cursor)
			id := w.srv.Post("fan", xtest.Post{Text: "hey @acme, look at https://fan.example"})
			w.srv.Post("acme", xtest.Post{Text: "talking to @acme myself"})
			w.Pass(time.Minute)
			as, _ := w.drain(page.Cursor)
			a := only(t, as, activity.KindMention)
			if a.ID != id || a.Actor != "fan" || a.Account != "x/acme" || a.Text != "hey @acme, look at https://fan.example" {
				t.Errorf("mention %+v", a)
			}
			if got := count(as, activity.KindPost); got != 1 {
				t.Errorf("%d posts, want 1: the account's own post is no mention", got)
			}
		})
	}
}

func TestTroubleBesideTheTimeline(t *testing.T) {
	for _, endpoint := range []string{"users/mentions", "users", "tweets"} {
		t.Run(endpoint, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, withMentions)
			w.old("old")
			cursor := w.connect()
			_, page := w.drain(cursor)
			if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault403, Endpoint: endpoint}); err != nil {
				t.Fatal(err)
			}
			id := w.srv.Post("acme", xtest.Post{Text: "must be seen"})
			w.Pass(time.Minute)
			got := w.poll(page.Cursor)
			if as := ids(got.Activities); !slices.Contains(as, "post "+id) || !got.More {
				t.Fatalf("activities %v, more %t; want the post, and more", as, got.More)
			}
			if _, err := w.try(got.Cursor); err == nil || !strings.Contains(err.Error(), "status 403") {
				t.Errorf("error %v; want the 403, since there is nothing new", err)
			}
			w.srv.ClearFaults()
			if _, err := w.try(got.Cursor); err != nil {
				t.Errorf("after it was mended: %v", err)
			}
		})
	}
}

// One part's trouble does not keep what the others find.
func TestTroubleOfOnePartHidesNoOther(t *testing.T) {
	w := newWorld(t, xtest.Options{}, withMentions)
	gone := w.old("gone")
	_, page := w.drain(w.connect())
	if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault403, Endpoint: "users/mentions"}); err != nil {
		t.Fatal(err)
	}
	if err := w.srv.Delete(gone); err != nil {
		t.Fatal(err)
	}
	got := w.poll(page.Cursor)
	only(t, got.Activities, activity.KindDelete)
	if _, err := w.try(got.Cursor); kindOf(err) != wantForbidden {
		t.Errorf("error %v, want the refusal of mentions", err)
	}
}

func TestNothingIsSentAfterA429(t *testing.T) {
	for _, endpoint := range []string{"users/tweets", "users", "tweets", "users/mentions"} {
		t.Run(endpoint, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, withMentions)
			w.old("old")
			_, page := w.drain(w.connect())
			if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault429, Endpoint: endpoint, Reset: 60}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.try(page.Cursor); kindOf(err) != wantLimited {
				t.Fatalf("error %v, want the limit", err)
			}
			all := w.srv.Requests()
			if last := all[len(all)-1]; last.Status != http.StatusTooManyRequests || last.Endpoint != endpoint {
				t.Errorf("last request %+v, want the one that was answered 429", last)
			}
		})
	}
}

// A budget that refuses a part before it is sent only delays that part.
func TestPartWaitsForItsBudget(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	web := w.web.Client()
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if Endpoint(r) == "users" {
			return nil, &collectors.RateLimited{Until: w.Now().Add(time.Hour), Err: errors.New("no request left")}
		}
		return web.Transport.RoundTrip(r)
	})}
	c, err := New(w.cfg, collectors.Deps{HTTP: client, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Name = "Pwned" }); err != nil {
		t.Fatal(err)
	}
	page, err := c.Poll(t.Context(), cursor)
	if err != nil || len(page.Activities) != 0 {
		t.Fatalf("error %v, activities %v; want neither", err, ids(page.Activities))
	}
	as, _ := w.drain(page.Cursor)
	only(t, as, activity.KindProfile)
}

// While a part is refused for days, what X charges once a day is counted once a
// day: else the money would be gone by its count, and nothing be read.
func TestRefusedPartIsNoExpense(t *testing.T) {
	for _, endpoint := range []string{"dm_events", "users/mentions"} {
		t.Run(endpoint, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, withMessages, withMentions, func(c *Config) { c.PricePost, c.PriceUser = 1, 1 })
			w.old("one")
			w.old("another")
			_, page := w.drain(w.connect())
			if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault403, Endpoint: endpoint}); err != nil {
				t.Fatal(err)
			}
			w.Pass(24 * time.Hour)
			cost, refused := 0.0, 0
			for range 20 {
				got, err := w.try(page.Cursor)
				cost += got.Cost
				switch {
				case err == nil:
					page = got
				case kindOf(err) == wantForbidden:
					refused++
				default:
					t.Fatal(err)
				}
				w.Pass(15 * time.Minute)
			}
			if cost != 3 {
				t.Errorf("counted %g, want 3 for two posts and the user", cost)
			}
			if refused != 14 { // all but the first, and five that tell the follower count
				t.Errorf("%d of 20 polls tell of the refusal, want 14", refused)
			}
		})
	}
}
