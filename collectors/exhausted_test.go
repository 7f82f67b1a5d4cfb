package collectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/collectortest"
)

// That the money is spent every account says at once, until when, and that it
// goes on when there is more.
func TestExhaustedCreditIsAStateOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		name   string
		opts   collectors.BudgetOptions
		cost   float64
		until  time.Time
		reason string
	}{
		{
			"dollars",
			collectors.BudgetOptions{Dollars: 10},
			0.05, time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC),
			"credit exhausted: credential main has spent $10.00 of its $10.00 for 2000-01; nothing is read until 2000-02-01 00:00 UTC; to mend it: raise the budget of this credential, or poll less often",
		},
		{
			"units",
			collectors.BudgetOptions{Units: 100},
			0, time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC),
			"credit exhausted: credential main has used 100 of its 100 units of this day, and the next request takes 1; nothing is read until 2000-01-02 00:00 UTC; to mend it: ask the network for more units, poll less often, or spread the accounts over more credentials",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				budget := collectors.NewBudget("main", c.opts)
				client := collectors.NewClient(budget, collectors.ClientOptions{Base: collectortest.Transport(okHandler)})
				var tasks []collectors.Task
				for i := range 2 {
					tasks = append(tasks, collectors.Task{
						Source: fmt.Sprint("x/", i), Network: "x", Every: time.Minute, Budget: budget,
						Collector: collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
							if err := get(ctx, client, "https://x.test/"); err != nil {
								return collectors.Page{}, fmt.Errorf("x: posts: %w", err)
							}
							return collectors.Page{Cost: c.cost}, nil
						}),
					})
				}
				run(t, collectors.Options{Logs: logs}, tasks...)
				time.Sleep(4 * time.Hour) // two polls a minute use all in under two hours
				for _, task := range tasks {
					polls := logs.Polls(task.Source)
					last := polls[len(polls)-1]
					want(t, "state of "+task.Source, last.Poll.State, "exhausted")
					want(t, "reason", last.Poll.Reason, c.reason)
					want(t, "until", last.Poll.Until.Equal(c.until), true)
					first := polls[0]
					for _, a := range polls {
						if a.Poll.State == "exhausted" {
							first = a
							break
						}
						want(t, "states before", a.Poll.State, "complete")
					}
					if d := first.Time.Sub(first.Poll.LastOK); d > 2*time.Minute {
						t.Errorf("%s: told %s after the last success, want a minute or so", task.Source, d)
					}
				}
				time.Sleep(time.Until(c.until.Add(2 * time.Minute)))
				for _, task := range tasks {
					states := said(logs, task.Source)
					want(t, "state when there is more", states[len(states)-1], "complete")
				}
			})
		})
	}
}

// No stream is kept open, for whose events the network charges, when the money
// is spent.
func TestSpentMoneyEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{}
		s.watch = func(ctx context.Context, _ func()) error {
			<-ctx.Done()
			return ctx.Err()
		}
		run(t, collectors.Options{Logs: collectortest.NewLogs()}, acme(s))
		time.Sleep(10 * time.Minute)
		want(t, "streams before", s.running(), 1)
		until := time.Now().Add(time.Hour)
		s.answer(collectors.Page{}, &collectors.RateLimited{Until: until, Err: &collectors.OverBudget{Credential: "main", Spent: 2, Limit: 2, Until: until}})
		time.Sleep(2 * time.Minute)
		want(t, "streams when the money is spent", s.running(), 0)
		s.answer(collectors.Page{}, nil)
		time.Sleep(time.Hour)
		want(t, "streams when there is more", s.running(), 1)
	})
}

// Mentions that wait are told of as such, and are no trouble of the account.
func TestMentionsBehindIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, q := collectortest.NewLogs(), &quiet{}
		d := run(t, collectors.Options{Logs: logs}, acme(q))
		time.Sleep(10 * time.Minute)
		q.answer(collectors.Page{Behind: &collectors.RateLimited{
			Until: time.Now().Add(20 * time.Minute), Err: &collectors.Kept{Credential: "main", Quota: "requests", Mentions: true},
		}}, nil)
		time.Sleep(15 * time.Minute)
		want(t, "state", d.Status()[0].State, "mentions_behind")
		want(t, "error", d.Status()[0].LastError, "")
		want(t, "reason", logs.Polls("x/acme")[1].Poll.Reason, "rate limited until 2000-01-01T00:30:00Z: credential main keeps the requests that it has left for the accounts' own timelines; mentions wait; "+
			"to mend it: they are read on when there is more; raise the budget of this credential, or switch mentions off")
		q.answer(collectors.Page{}, nil)
		time.Sleep(2 * time.Minute)
		want(t, "states", said(logs, "x/acme"), []string{"complete", "mentions_behind", "complete"})
		if n := len(q.polls()); n < 26 || n > 29 {
			t.Errorf("%d polls in 27 minutes, want one a minute", n)
		}
	})
}

// What is kept from one account makes that account wait, and no other.
func TestWhatIsKeptFromOneHoldsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, good := collectortest.NewLogs(), &quiet{}
		budget := collectors.NewBudget("main", collectors.BudgetOptions{})
		bad := &quiet{}
		began := time.Now()
		bad.err = fmt.Errorf("x: posts: %w", &collectors.RateLimited{
			Until: began.Add(30 * time.Minute), Err: &collectors.Kept{Credential: "main", Quota: "requests"},
		})
		d := run(t, collectors.Options{Logs: logs},
			collectors.Task{Source: "x/bad", Network: "x", Every: time.Minute, Budget: budget, Collector: bad},
			collectors.Task{Source: "x/good", Network: "x", Every: time.Minute, Budget: budget, Collector: good})
		time.Sleep(20 * time.Minute)
		want(t, "polls of the one that waits", len(bad.polls()), 1)
		if n := len(good.polls()); n < 19 {
			t.Errorf("%d polls of the other in 20 minutes, want about 20", n)
		}
		want(t, "states", said(logs, "x/bad"), []string{"failing"})
		want(t, "held", d.Status()[0].Held.Equal(began.Add(30*time.Minute)), true)
		if err := d.Set([]collectors.Task{{Source: "x/bad", Network: "x", Every: time.Minute, Budget: budget, Collector: &quiet{err: errors.Join(io.EOF)}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want(t, "another collector is polled at once", d.Status()[0].Failures > 0 && d.Status()[0].Held.IsZero(), true)
	})
}
