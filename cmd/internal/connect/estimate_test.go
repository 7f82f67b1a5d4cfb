package connect

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/mastodon"
	"github.com/picketd/picket/collectors/mastodon/mastodontest"
	"github.com/picketd/picket/collectors/okta"
	"github.com/picketd/picket/collectors/okta/oktatest"
	"github.com/picketd/picket/collectors/x"
	"github.com/picketd/picket/collectors/x/xtest"
)

func TestXTakes(t *testing.T) {
	usual := xTakes{Every: time.Minute, PerDay: 4, Posts: 5000, Rehydrate: 100, Backfill: 200, PricePost: 0.005, PriceUser: 0.010}
	rows := []struct {
		name                                          string
		change                                        func(*xTakes)
		requests, posts, deletions, month, once, most float64
	}{
		{"usual", func(*xTakes) {}, 4372, 0.60, 15, 15.90, 1, 35},
		{"half of the posts bring something along", func(x *xTakes) { x.Extras = 0.5 }, 4372, 0.90, 15, 16.20, 1.50, 35},
		{"fewer looked up", func(x *xTakes) { x.Rehydrate = 20 }, 4372, 0.60, 3, 3.90, 1, 10},
		{"none looked up", func(x *xTakes) { x.Rehydrate = 0 }, 2932, 0.60, 0, 0.90, 1, 5},
		{"fewer posts than are looked up", func(x *xTakes) { x.Posts = 7 }, 4372, 0.60, 1.05, 1.95, 0.035, 5},
		{"a new account", func(x *xTakes) { x.Posts, x.PerDay = 0, 0 }, 2928, 0, 0, 0.30, 0, 5},
		{"rarely polled", func(x *xTakes) { x.Every = 12 * time.Hour }, 12, 0.60, 15, 15.90, 1, 35},
		{"with events", func(x *xTakes) { x.Activity = true }, 4372, 0.60, 15, 16.50, 1, 35},
		{"with messages", func(x *xTakes) { x.Messages, x.PriceMessage = 20, 0.010 }, 4372 + 86400./110, 0.60, 15, 21.90, 1, 45},
		{"free", func(x *xTakes) { x.PricePost, x.PriceUser = 0, 0 }, 4372, 0, 0, 0, 0, 5},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			takes := usual
			row.change(&takes)
			for _, f := range []struct {
				name      string
				got, want float64
			}{
				{"requests a day", takes.Requests(), row.requests},
				{"new posts", takes.NewPosts(), row.posts},
				{"deletions", takes.Deletions(), row.deletions},
				{"month", takes.Month(), row.month},
				{"once", takes.Once(), row.once},
				{"bound", takes.Bound(), row.most},
			} {
				if math.Abs(f.got-f.want) > 1e-9 {
					t.Errorf("%s: %g, want %g", f.name, f.got, f.want)
				}
			}
		})
	}
}

// days is a clock that tests turn.
type days struct{ now time.Time }

func (d *days) Now() time.Time { return d.now }

// live polls as the scheduler does until a time, and returns what it cost.
func (d *days) live(t *testing.T, c collectors.Collector, cursor json.RawMessage, every time.Duration, until time.Time) (json.RawMessage, float64) {
	t.Helper()
	cost := 0.
	for ; d.now.Before(until); d.now = d.now.Add(every) {
		for more := true; more; {
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			cost += page.Cost
			cursor, more = page.Cursor, page.More
		}
	}
	return cursor, cost
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s: estimated %g, were %g", what, want, got)
	}
}

// The collector of X takes what is estimated of it.
func TestXTakesAsPolled(t *testing.T) {
	clock := &days{time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	s := xtest.New(xtest.Options{Now: clock.Now})
	post := func(at, visible time.Time) {
		s.Post("acme", xtest.Post{Text: "A post", Media: []xtest.Media{{Type: "photo", URL: "https://files.example/1.png"}}, At: at, VisibleAt: visible})
	}
	for i := range 60 {
		post(clock.now.Add(-time.Duration(i+1)*8*time.Hour), time.Time{})
	}
	web := httptest.NewServer(s)
	defer web.Close()
	deps := collectors.Deps{HTTP: web.Client(), Log: zap.NewNop(), Now: clock.Now}
	c, err := x.New(x.Config{Username: "acme", BaseURL: web.URL, BearerToken: "a-bearer-token", Rehydrate: 40}, deps)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := c.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const every = 15 * time.Minute
	takes := xTakes{
		Every: every, PerDay: 3, Extras: seen.Extras, Posts: seen.Posts, Rehydrate: 40, Backfill: x.DefaultBackfill,
		PricePost: x.DefaultPricePost, PriceUser: x.DefaultPriceUser,
	}
	start := clock.now
	cursor, first := clock.live(t, c, nil, every, start.Add(every))
	near(t, "dollars at first", first, takes.Once()+takes.PriceUser, 0.01)
	before := s.Count("")
	for i := range 4 * 3 {
		at := start.Add(time.Duration(i)*8*time.Hour + time.Hour)
		post(at, at)
	}
	_, cost := clock.live(t, c, cursor, every, start.Add(4*day))
	near(t, "requests in 4 days", float64(s.Count("")-before), 4*takes.Requests(), 0.02)
	near(t, "dollars in 4 days", cost, 4*takes.Month()/month, 0.05)
}

// So do those of Mastodon and Okta, which ask for money nobody.
func TestRequestsAsPolled(t *testing.T) {
	const every = 5 * time.Minute
	start := time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)
	t.Run("mastodon", func(t *testing.T) {
		clock := &days{start}
		s := mastodontest.New(mastodontest.Options{Now: clock.Now})
		for i := range 60 {
			s.Post("acme", mastodontest.Status{Text: "A post", At: start.Add(-time.Duration(i+1) * 8 * time.Hour)})
		}
		web := httptest.NewServer(s)
		defer web.Close()
		c, err := mastodon.New(mastodon.Config{Server: web.URL, Name: "acme"}, collectors.Deps{HTTP: web.Client(), Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		cursor, _ := clock.live(t, c, nil, every, start.Add(every))
		before := s.Count("")
		clock.live(t, c, cursor, every, start.Add(day+every))
		near(t, "requests in a day", float64(s.Count("")-before), requests(every, 2, 0), 0.02)
	})
	t.Run("okta", func(t *testing.T) {
		clock := &days{start}
		s := oktatest.New(oktatest.Options{Now: clock.Now})
		web := httptest.NewServer(s)
		defer web.Close()
		c, err := okta.New(okta.Config{BaseURL: web.URL, Token: "00an-api-token", Accept: func(string) bool { return true }}, collectors.Deps{HTTP: web.Client(), Now: clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		clock.live(t, c, nil, every, start.Add(day))
		near(t, "requests in a day", float64(s.Count()), polls(every), 0)
	})
}

func TestUse(t *testing.T) {
	rows := []struct {
		name string
		use  use
		fits bool
	}{
		{"room", use{limit: 300, taken: 15}, true},
		{"all of it", use{limit: 300, taken: 300}, true},
		{"too much", use{limit: 300, taken: 301}, false},
		{"not told", use{taken: 301}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.use.fits(); got != row.fits {
				t.Errorf("fits: %t", got)
			}
		})
	}
}
