package x

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/x/xtest"
)

// seen notes when each post of the account itself was brought.
type seen struct {
	collectors.Collector
	mu    sync.Mutex
	posts map[string]time.Time
	polls []time.Time
}

func (s *seen) Poll(ctx context.Context, cursor json.RawMessage) (collectors.Page, error) {
	s.mu.Lock()
	s.polls = append(s.polls, time.Now())
	s.mu.Unlock()
	page, err := s.Collector.Poll(ctx, cursor)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range page.Activities {
		if _, known := s.posts[a.ID]; !known && a.Kind == activity.KindPost {
			s.posts[a.ID] = time.Now()
		}
	}
	return page, err
}

// TestAStormOfMentionsDoesNotBlindTheAccount has the public speak of an account
// far more than the credential can read, for hours, while the account posts.
// Its own timeline is read each minute all the same, and the mentions that the
// budget has room for come in their order, none lost.
func TestAStormOfMentionsDoesNotBlindTheAccount(t *testing.T) {
	for _, c := range []struct {
		name string
		opts collectors.BudgetOptions
	}{
		{"requests of the credential", collectors.BudgetOptions{Requests: 60, Per: 15 * time.Minute}},
		{"dollars of the month", collectors.BudgetOptions{Dollars: 12}},
		{"units of the day", collectors.BudgetOptions{Units: 6000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(start())) // X's ids begin in 2010
				srv := xtest.New(xtest.Options{Now: time.Now, Bearer: bearerToken, PageSize: 10, KeepMentions: 1 << 20})
				srv.AddAccount(xtest.Profile{Handle: "acme"})
				budget := collectors.NewBudget("main", c.opts)
				client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(http.HandlerFunc(srv.ServeHTTP))})
				inner, err := New(Config{
					Account: "x/acme", Username: "acme", BearerToken: bearerToken, Mentions: true, Rehydrate: -1, PricePost: 0.005, Backfill: 10,
				}, collectors.Deps{HTTP: client, Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				col := &seen{Collector: inner, posts: map[string]time.Time{}}
				logs := collectortest.NewLogs()
				s := collectors.NewScheduler(collectors.Options{Logs: logs})
				if err := s.Set([]collectors.Task{{Source: "x/acme", Network: "x", Every: time.Minute, Budget: budget, Collector: col}}); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- s.Run(ctx) }()
				time.Sleep(5 * time.Minute)
				posted := map[string]time.Time{}
				began, calm := time.Now(), len(col.polls)
				for i := range 3 * 60 { // three hours: 60 mentions a minute, a post in ten
					for j := range 60 {
						srv.Post(fmt.Sprint("fan", i%7), xtest.Post{Text: fmt.Sprintf("@acme storm %d-%d", i, j)})
					}
					if i%10 == 0 {
						posted[srv.Post("acme", xtest.Post{Text: fmt.Sprint("our post ", i)})] = time.Now()
					}
					time.Sleep(time.Minute)
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if calm == 0 || len(posted) != 18 {
					t.Fatalf("%d polls before, %d posts; the storm proves nothing", calm, len(posted))
				}
				for id, at := range posted {
					switch brought, ok := col.posts[id]; {
					case !ok:
						t.Errorf("post %s of minute %.0f was never brought", id, at.Sub(began).Minutes())
					case brought.Sub(at) > 100*time.Second:
						t.Errorf("post %s came %s after it was made, want a minute ± 20 %% and little more", id, brought.Sub(at))
					}
				}
				mentions := 0
				for _, a := range logs.Activities("x/acme") {
					if a.Kind == activity.KindMention {
						mentions++
					}
				}
				if mentions < 500 {
					t.Errorf("%d mentions were read in three hours, want what there is room for", mentions)
				}
				states := map[string]bool{}
				for _, a := range logs.Polls("x/acme") {
					states[a.Poll.State] = true
				}
				if !states["mentions_behind"] || states["failing"] || states["exhausted"] {
					t.Errorf("states %v, want that mentions are behind, and no worse", states)
				}
				if i := slices.IndexFunc(col.polls[1:], func(at time.Time) bool { return at.After(began.Add(3 * time.Hour)) }); i > 0 {
					t.Errorf("%d polls after the storm's end", i)
				}
			})
		})
	}
}
