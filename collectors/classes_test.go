package collectors_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
)

// ofKinds returns items in time order; letters name their kinds.
func ofKinds(account, letters string) []activity.Activity {
	var out []activity.Activity
	for i, c := range letters {
		a := post(account, i)
		a.Time = a.Time.Add(time.Duration(i) * time.Millisecond)
		switch c {
		case 'm':
			a.Kind = activity.KindMention
		case 'l':
			a.Kind = activity.KindLogin
		}
		out = append(out, a)
	}
	return out
}

func TestABatchIsOfOneClass(t *testing.T) {
	for _, c := range []struct {
		name, items string
		multi       bool
		batches     []string
	}{
		{"posts", "ppp", false, []string{"0:ppp+complete"}},
		{"mentions", "mmm", false, []string{"0:mmm", "0:+complete"}},
		{"runs keep their order", "ppmmpl", false, []string{"-:pp", "-:mm", "-:p", "0:l", "0:+complete"}},
		{"posts come last", "mp", false, []string{"-:m", "0:p+complete"}},
		{"the log routes what is of several accounts", "ppmmpl", true, []string{"0:ppmmpl+complete"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logs := collectortest.NewLogs()
				task := acme(collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
					page := collectors.Page{Cursor: cursorOf(0), Overlap: time.Now().Add(-time.Hour)}
					if cursor == nil {
						page.Activities = ofKinds("x/acme", c.items)
						if c.multi {
							page.Activities = ofKinds("x/other", c.items)
						}
					}
					return page, nil
				}))
				task.Multi = c.multi
				run(t, collectors.Options{Logs: logs}, task)
				time.Sleep(time.Minute)
				var got []string
				for _, b := range logs.Batches("x/acme") {
					got = append(got, sketch(t, &b))
				}
				want(t, "batches", got, c.batches)
			})
		})
	}
}

// sketch writes a batch as its cursor, the first letters of its kinds and its
// report.
func sketch(t *testing.T, b *activity.Batch) string {
	t.Helper()
	var e struct {
		C *int `json:"c"`
	}
	if err := json.Unmarshal(b.Cursor, &e); err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	if e.C == nil {
		s.WriteString("-:")
	} else {
		fmt.Fprintf(&s, "%d:", *e.C)
	}
	for _, a := range b.Activities {
		if a.Kind == activity.KindPoll {
			s.WriteString("+" + a.Poll.State)
		} else {
			s.WriteString(string(a.Kind[:1]))
		}
	}
	return s.String()
}

// fickle fails appends at random, some after they were stored, for four hours.
func fickle(rng *rand.Rand) func(int, string, *activity.Batch) collectortest.Fate {
	began := time.Now()
	return func(int, string, *activity.Batch) collectortest.Fate {
		if time.Since(began) > 4*time.Hour {
			return collectortest.Store
		}
		return []collectortest.Fate{collectortest.Fail, collectortest.StoreAndFail, collectortest.Store, collectortest.Store}[rng.IntN(4)]
	}
}

// TestSplitPagesSurviveCrashes reads pages that must be split, by class and by
// size, while the journal fails and Picket is restarted between the batches of
// a page: each item is in the log once, whatever came of its page.
func TestSplitPagesSurviveCrashes(t *testing.T) {
	const items = 60
	for seed := range uint64(16) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var letters strings.Builder
			for range items {
				letters.WriteByte("pml"[rng.IntN(3)])
			}
			all := ofKinds("x/acme", letters.String())
			for i := range all {
				if rng.IntN(4) == 0 {
					all[i].Text = strings.Repeat("x", 60<<10)
				}
			}
			logs, end := collectortest.NewLogs(), 0
			logs.Intercept = fickle(rng)
			task := acme(collector(func(_ context.Context, cursor json.RawMessage) (collectors.Page, error) {
				read := number(cursor)
				end = min(items, max(end, read)+rng.IntN(25))
				page := collectors.Page{
					Activities: slices.Clone(all[max(0, read-5):end]), Cursor: cursorOf(end),
					Overlap: all[max(0, end-5)].Time, Backfill: cursor == nil && seed%2 == 0,
				}
				rng.Shuffle(len(page.Activities), func(i, j int) {
					page.Activities[i], page.Activities[j] = page.Activities[j], page.Activities[i]
				})
				return page, nil
			}))
			for range 10 {
				pause := time.Duration(rng.IntN(30)) * time.Minute
				d := run(t, collectors.Options{Logs: logs}, task)
				time.Sleep(pause)
				d.stop()
			}
			run(t, collectors.Options{Logs: logs}, task)
			time.Sleep(20 * time.Hour)
			got := ids(logs, "x/acme")
			slices.SortFunc(got, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
			expected := make([]string, items)
			for i := range expected {
				expected[i] = fmt.Sprint(i)
			}
			want(t, fmt.Sprint("items in the log, seed ", seed), got, expected)
		})
	}
}
