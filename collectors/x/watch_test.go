package x

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestDeletion(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		gone := w.old("regretted")
		also := w.old("regretted too")
		w.old("stays")
		cursor := w.connect()
		if as, _ := w.drain(cursor); count(as, activity.KindDelete) != 0 {
			t.Fatal("deletion told before there was one")
		}
		for _, id := range []string{gone, also} {
			if err := w.srv.Delete(id); err != nil {
				t.Fatal(err)
			}
		}
		as, page := w.drain(cursor)
		want := []string{"delete " + gone, "delete " + also}
		slices.Sort(want)
		if got := ids(as); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		for _, a := range as {
			if a.Kind == activity.KindDelete && (a.Object != a.ID || !a.Time.Equal(w.Now())) {
				t.Errorf("deletion %+v; want its own id as object and the time of the look", a)
			}
		}
		w.Pass(time.Minute)
		if as, _ = w.drain(page.Cursor); count(as, activity.KindDelete) != 0 {
			t.Error("deletion told twice")
		}
	})
}

func TestDeletionInsideTheOverlap(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	id := w.srv.Post("acme", xtest.Post{Text: "short-lived"})
	_, page := w.drain(cursor)
	if err := w.srv.Delete(id); err != nil {
		t.Fatal(err)
	}
	told := 0
	for range 5 {
		w.Pass(time.Minute)
		var as []activity.Activity
		as, page = w.drain(page.Cursor)
		told += count(as, activity.KindDelete)
	}
	if told != 1 {
		t.Errorf("deletion told %d times, want 1", told)
	}
}

// What cannot be seen is not deleted.
func TestNoDeletion(t *testing.T) {
	rows := []struct {
		name   string
		mode   func(*Config)
		spoil  func(w *world) error
		forbid bool // the poll is refused
	}{
		{"look-up answers 500", nil, fault("tweets", xtest.Fault500), false},
		{"look-up answers 503", nil, fault("tweets", xtest.Fault503), false},
		{"look-up is cut off", nil, fault("tweets", xtest.FaultTruncated), false},
		{"look-up is empty", nil, fault("tweets", xtest.FaultEmpty), false},
		{"look-up is {}", nil, fault("tweets", xtest.FaultHollow), false},
		{"look-up is HTML", nil, fault("tweets", xtest.FaultHTML), false},
		{"look-up answers 404", nil, fault("tweets", xtest.Fault404), true},
		{"look-up is limited", nil, fault("tweets", xtest.Fault429), false},
		{"account suspended", nil, func(w *world) error { return w.srv.Suspend("acme", true) }, true},
		{"account protected", nil, protect, true},
		{"account protected, OAuth 1.0a", withOAuth1, protect, false},
		{"v1.1: look-up answers 503", v11, fault("statuses/lookup", xtest.Fault503), false},
		{"v1.1: account suspended", v11, func(w *world) error { return w.srv.Suspend("acme", true) }, true},
		{"v1.1: account protected", v11, protect, false},
		{"v1.1: confirmation answers 500", v11, fault("statuses/show", xtest.Fault500), false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			mode := row.mode
			if mode == nil {
				mode = func(*Config) {}
			}
			w := newWorld(t, xtest.Options{V1: true}, mode)
			id := w.old("still there")
			cursor := w.connect()
			if err := row.spoil(w); err != nil {
				t.Fatal(err)
			}
			page, err := w.try(cursor)
			if n := count(page.Activities, activity.KindDelete); n != 0 {
				t.Fatalf("%d deletions, want none", n)
			}
			var forbidden *collectors.Forbidden
			if errors.As(err, &forbidden) != row.forbid {
				t.Errorf("error %v; want a refusal: %t", err, row.forbid)
			}
			// The post is still watched: its deletion is told afterwards.
			w.srv.ClearFaults()
			if err := errors.Join(
				w.srv.Suspend("acme", false),
				w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Protected = false }),
				w.srv.Delete(id),
			); err != nil {
				t.Fatal(err)
			}
			if err == nil {
				cursor = page.Cursor
			}
			as, _ := w.drain(cursor)
			if got := only(t, as, activity.KindDelete).ID; got != id {
				t.Errorf("deletion of %s, want of %s", got, id)
			}
		})
	}
}

func v11(c *Config) { c.API = APIv11; withOAuth1(c) }

func protect(w *world) error {
	return w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Protected = true })
}

func fault(endpoint, kind string) func(*world) error {
	return func(w *world) error { return w.srv.AddFault(xtest.Fault{Kind: kind, Endpoint: endpoint}) }
}

func TestRepostsAreNotWatched(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	of := w.srv.Post("fan", xtest.Post{Text: "original"})
	id := w.srv.Post("acme", xtest.Post{RepostOf: of})
	cursor := w.connect()
	for _, gone := range []string{of, id} {
		if err := w.srv.Delete(gone); err != nil {
			t.Fatal(err)
		}
	}
	if as, _ := w.drain(cursor); count(as, activity.KindDelete) != 0 {
		t.Error("a vanished repost was told as a deletion; the original may have been deleted")
	}
}

func TestRehydrateBounds(t *testing.T) {
	rows := []struct {
		name      string
		rehydrate int
		posts     int
		lookups   int
		deleted   int // of the oldest and the newest post
	}{
		{"off", -1, 5, 0, 0},
		{"newest two only", 2, 5, 1, 1},
		{"a hundred at most", 0, 130, 1, 1},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, xtest.Options{}, func(c *Config) { c.Rehydrate = row.rehydrate })
			var made []string
			for i := range row.posts {
				made = append(made, w.srv.Post("acme", xtest.Post{Text: "p", At: start().Add(time.Duration(i-500) * time.Minute)}))
			}
			cursor := w.connect()
			for _, id := range []string{made[0], made[len(made)-1]} {
				if err := w.srv.Delete(id); err != nil {
					t.Fatal(err)
				}
			}
			before := w.srv.Count("tweets")
			page := w.poll(cursor)
			if got := w.srv.Count("tweets") - before; got != row.lookups {
				t.Errorf("%d look-ups, want %d", got, row.lookups)
			}
			if got := count(page.Activities, activity.KindDelete); got != row.deleted {
				t.Errorf("%d deletions, want %d", got, row.deleted)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	everyMode(t, func(w *world) {
		t := w.t
		cursor := w.connect()
		if err := w.srv.SetProfile("acme", func(p *xtest.Profile) {
			p.Name, p.Link, p.Description = "Acme Giveaway", "https://acme-gift.example", ""
			p.Picture, p.Verified = "https://pbs.example/new.jpg", true
		}); err != nil {
			t.Fatal(err)
		}
		as, page := w.drain(cursor)
		got := only(t, as, activity.KindProfile)
		want := activity.Activity{
			ID: got.ID, Network: "x", Account: "x/acme", Kind: activity.KindProfile, Time: w.Now(), Seen: w.Now(),
			Changed: []string{"description", "link", "name", "picture", "verified"},
			Profile: []activity.Field{
				{Name: "handle", Value: "acme"},
				{Name: "link", Value: "https://acme-gift.example"},
				{Name: "name", Value: "Acme Giveaway"},
				{Name: "picture", Value: "https://pbs.example/new.jpg"},
				{Name: "protected", Value: "false"},
				{Name: "verified", Value: "true"},
			},
			Old: []activity.Field{
				{Name: "description", Value: "We make things"},
				{Name: "name", Value: "Acme & Co"},
				{Name: "verified", Value: "false"},
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("profile (-want +got):\n%s", diff)
		}
		if as, _ := w.drain(page.Cursor); count(as, activity.KindProfile) != 0 {
			t.Error("the same change told twice")
		}
	})
}

func TestProfileBackAndForth(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	seen := map[string]bool{}
	for i := range 6 {
		name := []string{"Acme", "Pwned"}[i%2]
		if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Name = name }); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
		as, page := w.drain(cursor)
		seen[only(t, as, activity.KindProfile).ID] = true
		cursor = page.Cursor
	}
	if len(seen) != 6 {
		t.Errorf("%d ids for 6 changes: %v", len(seen), seen)
	}
}

func TestRenamedHandle(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	cursor := w.connect()
	if err := w.srv.SetProfile("acme", func(p *xtest.Profile) { p.Handle = "acme_real" }); err != nil {
		t.Fatal(err)
	}
	id := w.srv.Post("acme_real", xtest.Post{Text: "same account"})
	as, _ := w.drain(cursor)
	if got := only(t, as, activity.KindProfile).Changed; !slices.Equal(got, []string{"handle"}) {
		t.Errorf("changed %v, want the handle", got)
	}
	if got := only(t, as, activity.KindPost); got.ID != id || got.Account != "x/acme" {
		t.Errorf("post %s of %s, want %s of x/acme", got.ID, got.Account, id)
	}
}

func TestFollowersAtMostHourly(t *testing.T) {
	w := newWorld(t, xtest.Options{})
	var cursor []byte
	var told []activity.Activity
	for range 13 { // every ten minutes for two hours
		page := w.poll(cursor)
		cursor = page.Cursor
		for _, a := range page.Activities {
			if a.Kind == activity.KindFollowers {
				told = append(told, a)
			}
		}
		w.Pass(10 * time.Minute)
	}
	if len(told) != 3 {
		t.Fatalf("told %d times, want 3", len(told))
	}
	want := []activity.Metric{
		{Name: "followers", Value: 1200}, {Name: "following", Value: 10}, {Name: "listed", Value: 0}, {Name: "posts", Value: 0},
	}
	if diff := cmp.Diff(want, told[0].Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestCost(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.PricePost, c.PriceUser = 1, 1000 })
	for i := range 3 {
		w.srv.Post("acme", xtest.Post{Text: "p", At: start().Add(-time.Duration(i+1) * time.Hour)})
	}
	steps := []struct {
		name string
		do   func()
		want float64
	}{
		{"first round: the user and three posts", func() {}, 1003},
		{"a minute later the look-up returns what was paid for today", func() { w.Pass(time.Minute) }, 0},
		{"one new post", func() { w.srv.Post("acme", xtest.Post{Text: "new"}); w.Pass(time.Minute) }, 1},
		{"the overlap repeats it for nothing", func() { w.Pass(time.Minute) }, 0},
		{"next UTC day: the user, the post in the overlap and four looked-up posts", func() { w.Pass(12 * time.Hour) }, 1005},
	}
	var cursor []byte
	for _, step := range steps {
		step.do()
		_, page := w.drain(cursor)
		cursor = page.Cursor
		if page.Cost != step.want {
			t.Errorf("%s: cost %g, want %g", step.name, page.Cost, step.want)
		}
	}
}

func TestCostOfAFailedPoll(t *testing.T) {
	w := newWorld(t, xtest.Options{}, func(c *Config) { c.PriceUser = 7 })
	if err := w.srv.AddFault(xtest.Fault{Kind: xtest.Fault500, Endpoint: "users/tweets"}); err != nil {
		t.Fatal(err)
	}
	page, err := w.try(nil)
	if err == nil || page.Cost != 7 {
		t.Errorf("error %v and cost %g; want an error and 7 for the user that was read", err, page.Cost)
	}
}
