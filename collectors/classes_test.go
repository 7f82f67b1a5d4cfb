package collectors_test

import (
	"context"
	"encoding/json"
	"fmt"
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
