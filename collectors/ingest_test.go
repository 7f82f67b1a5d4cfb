package collectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

func TestStatesAreReported(t *testing.T) {
	boom := errors.New("502 Bad Gateway")
	forbidden := &collectors.Forbidden{Mend: "renew the token", Err: errors.New("401")}
	limited := func(d time.Duration) error {
		return &collectors.RateLimited{Until: time.Now().Add(d), Err: errors.New("429")}
	}
	for _, c := range []struct {
		name   string
		answer func(poll int) error
		after  time.Duration
		states []string
		reason string // in the last report but one, or the last
	}{
		{"all well", func(int) error { return nil }, 59 * time.Minute, []string{"complete"}, ""},
		{"all well for hours", func(int) error { return nil }, 185 * time.Minute, []string{"complete", "complete", "complete", "complete"}, ""},
		{"two errors are nothing", func(n int) error {
			if n == 3 || n == 4 {
				return boom
			}
			return nil
		}, 30 * time.Minute, []string{"complete"}, ""},
		{"three errors", func(n int) error {
			if n >= 3 && n <= 5 {
				return boom
			}
			return nil
		}, 30 * time.Minute, []string{"complete", "failing", "complete"}, "502 Bad Gateway; to mend it: Picket tries again by itself"},
		{"never a success", func(int) error { return boom }, 30 * time.Minute, []string{"failing"}, "502 Bad Gateway"},
		{"forbidden and mended", func(n int) error {
			if n == 3 {
				return forbidden
			}
			return nil
		}, 30 * time.Minute, []string{"complete", "forbidden", "complete"}, "401; to mend it: renew the token"},
		{"forbidden for hours", func(n int) error {
			if n >= 3 {
				return forbidden
			}
			return nil
		}, 2*time.Hour + 30*time.Minute, []string{"complete", "forbidden", "forbidden", "forbidden"}, "renew the token"},
		{"a short limit is nothing", func(n int) error {
			if n == 3 {
				return limited(90 * time.Second)
			}
			return nil
		}, 30 * time.Minute, []string{"complete"}, ""},
		{"a long limit is told while it lasts", func(n int) error {
			if n == 3 {
				return limited(12 * time.Hour)
			}
			return nil
		}, 80 * time.Minute, []string{"complete", "failing", "failing"}, "rate limited until 2000-01-01T12:"},
		{"limited from the first poll on", func(int) error { return limited(time.Hour) }, 4 * time.Minute, []string{"failing"}, "429; to mend it: polling goes on by itself"},
		{"malformed answers", func(int) error {
			return &collectors.Malformed{Field: "data[0].id", Err: errors.New("want a string")}
		}, time.Hour, []string{"failing"}, "malformed data[0].id: want a string; to mend it: the source answers in a form that Picket does not know"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				polls := 0
				run(t, collectors.Options{Logs: logs}, acme(collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
					polls++
					return collectors.Page{Cursor: cursorOf(7)}, c.answer(polls)
				})))
				time.Sleep(c.after)
				want(t, "states", said(logs, "x/acme"), c.states)
				var reasons []string
				for _, a := range logs.Polls("x/acme") {
					reasons = append(reasons, a.Poll.Reason)
				}
				if !strings.Contains(strings.Join(reasons, "\n"), c.reason) {
					t.Errorf("reasons %q, want one with %q", reasons, c.reason)
				}
			})
		})
	}
}

// Every account of a credential that must wait says so, those included that
// waited for a place when it began.
func TestAllAccountsOfALimitedCredentialReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		budget := collectors.NewBudget("main", collectors.BudgetOptions{})
		var polls atomic.Int32
		slow := collector(func(context.Context, json.RawMessage) (collectors.Page, error) {
			time.Sleep(10 * time.Second)
			polls.Add(1)
			return collectors.Page{}, &collectors.RateLimited{Until: time.Now().Add(time.Hour), Err: errors.New("429")}
		})
		var tasks []collectors.Task
		for i := range 20 {
			tasks = append(tasks, collectors.Task{Source: fmt.Sprintf("x/%d", i), Collector: slow, Every: time.Minute, Budget: budget})
		}
		d := run(t, collectors.Options{Logs: logs, PerCredential: 2}, tasks...)
		time.Sleep(4 * time.Minute)
		for _, task := range tasks {
			want(t, task.Source, said(logs, task.Source), []string{"failing"})
		}
		want(t, "polls: the first waits alone until the second is told to, too", polls.Load(), 3)
		want(t, "shown as held", time.Until(d.Status()[0].Held) > 55*time.Minute, true)
	})
}

func TestRestartChangesNoState(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		states []string
	}{
		{"complete", nil, []string{"complete"}},
		{"failing", errors.New("502"), []string{"failing"}},
		{"forbidden", &collectors.Forbidden{Mend: "pay", Err: errors.New("402")}, []string{"forbidden"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				source := func() collectors.Task { return acme(&quiet{err: c.err, page: collectors.Page{Cursor: cursorOf(1)}}) }
				for range 4 {
					d := run(t, collectors.Options{Logs: logs}, source())
					time.Sleep(4 * time.Minute)
					d.stop()
					time.Sleep(10 * time.Minute) // of which nobody is to blame
				}
				want(t, "states over four runs", said(logs, "x/acme"), c.states)
			})
		})
	}
}

func TestPollActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		q := &quiet{page: collectors.Page{Cursor: cursorOf(1)}}
		run(t, collectors.Options{Logs: logs}, acme(q))
		time.Sleep(10 * time.Minute)
		from, until := time.Now().Add(-time.Hour).UTC(), time.Now().UTC()
		q.answer(collectors.Page{Cursor: cursorOf(2), Gap: &collectors.Gap{From: from, Until: until, Reason: "only 800 items are kept"}}, nil)
		time.Sleep(3 * time.Minute) // the same gap again and again is one gap
		q.answer(collectors.Page{Cursor: cursorOf(3)}, nil)
		time.Sleep(3 * time.Minute)
		want(t, "states", said(logs, "x/acme"), []string{"complete", "gap", "complete"})
		gap := logs.Polls("x/acme")[1]
		want(t, "account", gap.Account, "x/acme")
		want(t, "network", gap.Network, "x")
		want(t, "id", strings.HasPrefix(gap.ID, "gap-946"), true)
		want(t, "from", gap.Poll.From, from)
		want(t, "until", gap.Poll.Until, until)
		want(t, "reason", gap.Poll.Reason, "only 800 items are kept")
		want(t, "last success is known", gap.Poll.LastOK.After(until), true)
		want(t, "cursor travels along", strings.HasPrefix(string(logs.Batches("x/acme")[1].Cursor), `{"c":2,`), true)
	})
}

func TestLostLogIsAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		d := run(t, collectors.Options{Logs: logs}, acme(counting("x/acme")))
		time.Sleep(10 * time.Minute)
		d.stop()
		kept := logs.Batches("x/acme")
		last := kept[len(kept)-1]
		lost := collectors.Checkpoint{Cursor: last.Cursor, Recent: last.Recent, Lost: true, LastTime: time.Now().UTC()}
		time.Sleep(40 * 24 * time.Hour)
		fresh := collectortest.NewLogs()
		fresh.Keep("x/acme", lost)
		run(t, collectors.Options{Logs: fresh}, acme(counting("x/acme")))
		time.Sleep(3 * time.Minute)
		want(t, "states", said(fresh, "x/acme"), []string{"gap", "complete"})
		want(t, "from", fresh.Polls("x/acme")[0].Poll.From, lost.LastTime)
		want(t, "goes on", ids(fresh, "x/acme")[0], fmt.Sprint(len(ids(logs, "x/acme"))))
	})
}

func TestBackfillTeachesAndReportsDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		run(t, collectors.Options{Logs: logs}, acme(collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
			n := number(cursor)
			return collectors.Page{Activities: posts("x/acme", n), Cursor: cursorOf(n + 1), Backfill: n < 3, More: n < 2}, nil
		})))
		time.Sleep(time.Second)
		var got []string
		for _, b := range logs.Batches("x/acme") {
			for _, a := range b.Activities {
				got = append(got, fmt.Sprintf("%s %t", a.Kind, b.Backfill))
			}
		}
		want(t, "batches", got, []string{"post true", "post true", "post true", "poll false"})
	})
}

func TestFencedWriterGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		one, two := newTally(), newTally()
		run(t, collectors.Options{Logs: logs, Observer: one}, acme(counting("x/acme")))
		time.Sleep(20 * time.Second)
		run(t, collectors.Options{Logs: logs, Observer: two}, acme(counting("x/acme")))
		time.Sleep(2 * time.Hour)
		got := ids(logs, "x/acme")
		for i, id := range got {
			want(t, "id in order", id, fmt.Sprint(i))
		}
		if len(got) < 100 {
			t.Errorf("%d items in two hours", len(got))
		}
		if one.outcome(collectors.OutcomeFenced)+two.outcome(collectors.OutcomeFenced) == 0 {
			t.Error("the fence never held: the test shows nothing")
		}
		want(t, "errors of the collector", one.outcome(collectors.OutcomeError)+two.outcome(collectors.OutcomeError), 0)
		want(t, "states are complete", slices.Compact(said(logs, "x/acme")), []string{"complete"})
	})
}

func TestJournalErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		fate    collectortest.Fate
		outcome string
	}{
		{"no room", collectortest.NoRoom, collectors.OutcomeNoRoom},
		{"fails", collectortest.Fail, collectors.OutcomeJournal},
		{"fails after storing", collectortest.StoreAndFail, collectors.OutcomeJournal},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs, tally := collectortest.NewLogs(), newTally()
				began := time.Now()
				logs.Intercept = func(int, string, *activity.Batch) collectortest.Fate {
					if d := time.Since(began); d > 5*time.Minute && d < 30*time.Minute {
						return c.fate
					}
					return collectortest.Store
				}
				d := run(t, collectors.Options{Logs: logs, Observer: tally}, acme(counting("x/acme")))
				time.Sleep(25 * time.Minute)
				if last := d.Status()[0].LastOK.Sub(began); last > 6*time.Minute {
					t.Errorf("last success after %s, when nothing was kept any more", last)
				}
				time.Sleep(95 * time.Minute)
				for i, id := range ids(logs, "x/acme") {
					want(t, "id in order", id, fmt.Sprint(i))
				}
				if n := tally.outcome(c.outcome); n < 5 {
					t.Errorf("%d polls ended as %s", n, c.outcome)
				}
				want(t, "states: the source is not to blame", slices.Compact(said(logs, "x/acme")), []string{"complete"})
			})
		})
	}
}

func TestStuckPagesDoNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &quiet{page: collectors.Page{Cursor: cursorOf(1), More: true}}
		logs := collectortest.NewLogs()
		run(t, collectors.Options{Logs: logs}, acme(q))
		time.Sleep(10 * time.Minute)
		if n := len(q.polls()); n > 15 {
			t.Errorf("%d polls in 10 minutes of a source that says More and gives nothing", n)
		}
		want(t, "states", said(logs, "x/acme"), []string{"complete"})
	})
}

func TestWhatIsNotJournaled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, tally := collectortest.NewLogs(), newTally()
		fat := post("x/acme", 5)
		fat.Raw = []byte(`{"x":"` + strings.Repeat("x", 300<<10) + `"}`)
		fatter := post("x/acme", 6)
		fatter.Text = strings.Repeat("x", 300<<10)
		nameless := post("x/acme", 7)
		nameless.ID = ""
		undated := post("x/acme", 8)
		undated.Time = time.Time{}
		future := post("x/acme", 9)
		future.Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		page := collectors.Page{
			Activities: []activity.Activity{fatter, post("x/other", 3), undated, fat, nameless, future, post("x/acme", 1), post("x/acme", 1)},
			Cursor:     cursorOf(1), Malformed: []error{errors.New("data[3]: no id")}, Overlap: time.Now().Add(-time.Hour),
		}
		run(t, collectors.Options{Logs: logs, Observer: tally}, acme(&quiet{page: page}))
		time.Sleep(time.Second)
		got := ids(logs, "x/acme")
		slices.Sort(got)
		want(t, "journaled", got, []string{"1", "5", "8", "9"})
		tally.wantDrops(t, map[string]int{
			collectors.DropTooLarge: 1, collectors.DropForeign: 1, collectors.DropInvalid: 1,
			collectors.DropDuplicate: 1, collectors.DropMalformed: 1,
		})
		for _, a := range logs.Activities("x/acme") {
			want(t, "raw left out of "+a.ID, len(a.Raw), 0)
			want(t, "seen is set on "+a.ID, a.Seen.IsZero(), false)
		}
	})
}

func TestItemsAreOrderedAndNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		began := time.Now().UTC()
		at := func(id string, sec int) activity.Activity {
			return activity.Activity{ID: id, Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: began.Add(time.Duration(sec) * time.Second)}
		}
		pages := []collectors.Page{
			{Activities: []activity.Activity{at("d", 9), at("b", 1), at("a", 1), at("c", 5)}, Cursor: cursorOf(1), Overlap: began.Add(4 * time.Second)},
			{Activities: []activity.Activity{at("c", 5), at("e", 10), at("d", 9), at("late", 6)}, Cursor: cursorOf(2), Overlap: began.Add(9 * time.Second)},
			// "c" is no longer remembered: the source said that it will not come again.
			{Activities: []activity.Activity{at("d", 9), at("e", 10), at("c", 5)}, Cursor: cursorOf(3)},
			{Cursor: cursorOf(3)},
		}
		run(t, collectors.Options{Logs: logs}, acme(collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
			return pages[min(number(cursor), len(pages)-1)], nil
		})))
		time.Sleep(10 * time.Minute)
		want(t, "ids", ids(logs, "x/acme"), []string{"a", "b", "c", "d", "late", "e", "c"})
	})
}

func TestSourceOfManyAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, tally := collectortest.NewLogs(), newTally()
		q := &quiet{page: collectors.Page{
			Activities: append(posts("x/acme", 1), posts("x/other", 1)...), Cursor: cursorOf(1), Overlap: time.Now().Add(-time.Hour),
		}}
		run(t, collectors.Options{Logs: logs, Observer: tally},
			collectors.Task{Source: "file/history", Network: "file", Multi: true, Collector: q, Every: time.Minute})
		time.Sleep(10 * time.Minute)
		want(t, "ids", ids(logs, "file/history"), []string{"1", "1"})
		poll := logs.Polls("file/history")[0]
		want(t, "poll activity", poll.Account+" "+poll.Network, "file/history file")
	})
}

// A source that repeats more than fits in memory loses no order and repeats
// nothing; what it delivers late is counted.
func TestOverlapLargerThanMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, tally := collectortest.NewLogs(), newTally()
		began := time.Now().UTC()
		at := func(n int) activity.Activity {
			return activity.Activity{
				ID: fmt.Sprintf("%06d", n), Network: "x", Account: "x/acme", Kind: activity.KindLogin,
				Time: began.Add(time.Duration(n) * time.Second), Text: strings.Repeat("x", 100),
			}
		}
		var all []activity.Activity
		for n := range 6000 {
			all = append(all, at(10+n))
		}
		q := &quiet{page: collectors.Page{Activities: all, Cursor: cursorOf(1), Overlap: began}}
		run(t, collectors.Options{Logs: logs, Observer: tally}, acme(q))
		time.Sleep(time.Second)
		for _, b := range logs.Batches("x/acme") {
			if len(b.Recent) > collectors.MaxRecent {
				t.Fatalf("%d recent keys in a batch", len(b.Recent))
			}
		}
		late, fresh := at(2), at(6011)
		q.answer(collectors.Page{Activities: append([]activity.Activity{late, fresh}, all...), Cursor: cursorOf(2), Overlap: began}, nil)
		time.Sleep(90 * time.Second)
		got := ids(logs, "x/acme")
		want(t, "items", len(got), 6001)
		want(t, "in order", slices.IsSorted(got), true)
		want(t, "last", got[6000], "006011")
		want(t, "dropped as late or a duplicate", tally.drop(collectors.DropHorizon) > 0, true)
	})
}

// TestStormOfMentions holds that of a public storm a sample is journaled, whose
// weights add up, that everything of the account itself is, and that a process
// which starts again while the storm is read again adds nothing to it.
func TestStormOfMentions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs, tally := collectortest.NewLogs(), newTally()
		began := time.Now().UTC()
		var all []activity.Activity
		for n := range 6400 {
			a := activity.Activity{
				ID: fmt.Sprintf("%06d", n), Network: "x", Account: "x/acme", Kind: activity.KindMention,
				Time: began.Add(time.Duration(n) * time.Millisecond),
			}
			if n%640 == 0 {
				a.Kind = activity.KindPost
			}
			all = append(all, a)
		}
		task := acme(&quiet{page: collectors.Page{Activities: all, Cursor: cursorOf(1), Overlap: began}})
		task.Mentions = 200
		for range 3 {
			stop := run(t, collectors.Options{Logs: logs, Observer: tally}, task)
			time.Sleep(10 * time.Minute)
			stop.stop()
		}
		posts, mentions, weight := 0, 0, 0
		for _, b := range logs.Batches("x/acme") {
			for i := range b.Activities {
				a := &b.Activities[i]
				if a.Kind == activity.KindPost {
					posts++
				}
				if a.Kind != activity.KindMention {
					continue
				}
				mentions++
				weight++
				for _, m := range a.Metrics {
					weight += int(m.Value) - 1
				}
			}
		}
		want(t, "posts", posts, 10)
		if mentions < 500 || mentions > 800 || weight < 5400 || weight > 7400 {
			t.Errorf("%d mentions with a weight of %d, want 500 to 800 that stand for about 6390", mentions, weight)
		}
		want(t, "left out", tally.drop(collectors.DropSampled), weight-mentions)
	})
}

func TestBadCursors(t *testing.T) {
	for _, c := range []struct {
		name   string
		cursor json.RawMessage
		want   string
	}{
		{"not JSON", json.RawMessage("{"), "malformed cursor: want JSON"},
		{"too large", json.RawMessage(`"` + strings.Repeat("x", collectors.MaxCursor) + `"`), "malformed cursor: 65538 bytes, at most 65536 fit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				d := run(t, collectors.Options{Logs: logs}, acme(&quiet{page: collectors.Page{Activities: posts("x/acme", 1), Cursor: c.cursor}}))
				time.Sleep(10 * time.Minute)
				want(t, "journaled", len(ids(logs, "x/acme")), 0)
				want(t, "error", strings.HasPrefix(d.Status()[0].LastError, c.want), true)
			})
		})
	}
}

func TestForeignCursorInTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		if err := logs.Append("x/acme", &activity.Batch{Cursor: []byte(`"since=5"`)}); err != nil {
			t.Fatal(err)
		}
		q := &quiet{}
		d := run(t, collectors.Options{Logs: logs}, acme(q))
		time.Sleep(time.Minute)
		want(t, "polls", len(q.polls()), 0)
		if got := d.Status()[0].LastError; !strings.Contains(got, "it was not written by the scheduler") {
			t.Errorf("error %q", got)
		}
	})
}

func TestErrorsTellNoSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		failed := &url.Error{Op: "Get", URL: "https://me:pw@graph.test/me?access_token=s3cret", Err: errors.New("EOF")}
		d := run(t, collectors.Options{Logs: logs}, acme(&quiet{err: fmt.Errorf("get profile: %w", failed)}))
		time.Sleep(10 * time.Minute)
		const wanted = "get profile: Get https://graph.test/me: EOF; to mend it: Picket tries again by itself; check the way to the source and its status page"
		want(t, "shown", d.Status()[0].LastError, wanted)
		want(t, "journaled", logs.Polls("x/acme")[0].Poll.Reason, wanted)
	})
}

// A stop in the middle of an append does not lose what was fetched.
func TestStopKeepsWhatWasFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logs := collectortest.NewLogs()
		fetched := make(chan struct{}, 1)
		d := run(t, collectors.Options{Logs: logs}, acme(collector(func(ctx context.Context, _ json.RawMessage) (collectors.Page, error) {
			fetched <- struct{}{}
			<-ctx.Done()
			return collectors.Page{Activities: posts("x/acme", 1), Cursor: cursorOf(1)}, nil
		})))
		<-fetched
		d.stop()
		want(t, "journaled", ids(logs, "x/acme"), []string{"1"})
		want(t, "states: a stop is no failure", said(logs, "x/acme"), []string{"complete"})
	})
}
