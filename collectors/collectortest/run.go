package collectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// Run tests one collector against the contract of collectors.Collector, driven
// by the scheduler as in the daemon, hours of it in virtual time. Each
// requirement is a subtest:
//
//	form          activities and cursors have the documented form
//	again         polling a cursor again gives the same items
//	pages         many items come over several pages, each once
//	overlap       polling goes on for hours; nothing is repeated
//	late          items that turn up late are found
//	malformed     an item that cannot be mapped is counted, its neighbours stay
//	limited       a 429 is heeded to the second, for every request
//	failing       500, 503, cut bodies, broken and hanging connections pass
//	forbidden     a refusal is reported, and its end
//	cancel        a poll ends with its context
//	kill/append   the process dies before or after appends of a day's run
//	kill/request  the process dies at requests of it
//	random        all of this at random, by seed
//	soak          a long life at random, see Soak
//
// It is done when the journal holds exactly what was published, each once.
func Run(t *testing.T, h Harness) {
	t.Helper()
	r := func(name string, test func(*rig)) { bubbled(t, h, name, 1, test) }
	r("form", testForm)
	r("again", testAgain)
	r("pages", testPages)
	r("overlap", testOverlap)
	r("late", testLate)
	r("malformed", testMalformed)
	r("limited", testLimited)
	for f, name := range map[fault]string{broken: "500", unavailable: "503", cut: "cut", reset: "reset", hang: "hang"} {
		r("failing/"+name, func(r *rig) { testFailing(r, f) })
	}
	r("forbidden", testForbidden)
	r("cancel", testCancel)
	for i, fate := range []Fate{Fail, StoreAndFail} {
		t.Run(fmt.Sprintf("kill/append/stored=%t", fate == StoreAndFail), func(t *testing.T) { killAtEvery(t, h, fate, 1+i, short(1, 8)) })
	}
	t.Run("kill/request", func(t *testing.T) { killAtRequests(t, h) })
	for seed := range uint64(short(5, 1)) {
		bubbled(t, h, fmt.Sprintf("random/seed=%d", seed), seed, testRandom)
	}
	t.Run("soak", func(t *testing.T) { Soak(t, h, *soakPolls, max(5, *soakPolls/200)) })
}

// short returns how much of a part is done: all of it where a long soak was asked
// for, and else what every test run has the time for. Both draw the same faults.
func short(whole, part int) int {
	if *soakPolls >= 10_000 {
		return whole
	}
	return part
}

func bubbled(t *testing.T, h Harness, name string, seed uint64, test func(*rig)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(newRig(t, h, seed)) })
	})
}

// drain polls until there is no more, without a scheduler.
func drain(r *rig, c collectors.Collector, cursor json.RawMessage) (map[Item]int, json.RawMessage) {
	r.t.Helper()
	items := map[Item]int{}
	for range 10_000 {
		page, err := c.Poll(context.Background(), cursor)
		if err != nil {
			r.t.Fatalf("poll %s: %v", cursor, err)
		}
		r.form(&page)
		for _, a := range page.Activities {
			if r.fake.Ignore == nil || !r.fake.Ignore(&a) {
				items[Item{a.Account, a.Kind, a.ID}]++
			}
		}
		cursor = page.Cursor
		if !page.More {
			return items, cursor
		}
	}
	r.t.Fatal("10,000 pages and still more")
	return nil, nil
}

// form checks one page against the documented form.
func (r *rig) form(page *collectors.Page) {
	r.t.Helper()
	if len(page.Cursor) > collectors.MaxCursor || !json.Valid(page.Cursor) {
		r.t.Errorf("cursor of %d bytes: want JSON of at most %d: %.200s", len(page.Cursor), collectors.MaxCursor, page.Cursor)
	}
	for i := range page.Activities {
		a := &page.Activities[i]
		switch {
		case a.ID == "" || a.Kind == "" || a.Network == "" || a.Account == "":
			r.t.Errorf("activity %+v: want id, kind, network and account", a)
		case !r.h.Multi && a.Account != r.h.Source:
			r.t.Errorf("activity %s %s is of account %s, want %s", a.Kind, a.ID, a.Account, r.h.Source)
		case a.Time.IsZero():
			r.t.Errorf("activity %s %s has no time", a.Kind, a.ID)
		}
	}
}

func testForm(r *rig) {
	r.publish(5)
	c, _ := r.collector()
	got, cursor := drain(r, c, nil)
	if len(got) != 5 {
		r.t.Errorf("first poll gave %v, want the 5 published items", got)
	}
	if len(cursor) == 0 || string(cursor) == "null" {
		r.t.Errorf("cursor after the first page is %q; nil means that nothing was read", cursor)
	}
}

func testAgain(r *rig) {
	r.publish(20)
	c, _ := r.collector()
	_, cursor := drain(r, c, nil)
	time.Sleep(3*time.Hour + r.h.Settle) // no overlap hides what the cursor does not say
	r.publish(5)
	r.late(1)
	time.Sleep(r.h.Settle)
	before := string(cursor)
	first, next := drain(r, c, cursor)
	drain(r, c, next) // on to another place, for a collector that keeps its own
	second, _ := drain(r, c, cursor)
	fresh, _ := r.collector()
	third, _ := drain(r, fresh, cursor)
	if string(cursor) != before {
		r.t.Error("Poll changed the cursor that it was given")
	}
	if !maps.Equal(first, second) || !maps.Equal(first, third) {
		r.t.Errorf("one cursor gave\n%v\n%v\nand after a restart\n%v", first, second, third)
	}
	if len(first) < 5 {
		r.t.Errorf("poll after 5 new items gave only %v", first)
	}
}

func testPages(r *rig) {
	r.publish(450)
	r.start()
	r.settle()
	r.publish(450)
	r.settle()
	r.check()
	r.wantState(activity.PollComplete)
}

func testOverlap(r *rig) {
	r.start()
	for range 12 {
		r.publish(3)
		r.run(7 * r.h.Every)
		r.late(1)
	}
	r.settle()
	r.check()
}

func testLate(r *rig) {
	if r.fake.Late == nil {
		return
	}
	r.publish(5)
	r.start()
	r.settle()
	for range 4 { // newer items have been read when the late ones turn up
		r.publish(2)
		r.run(3 * r.h.Every / 2)
		r.late(3)
	}
	r.settle()
	r.check()
}

func testMalformed(r *rig) {
	if r.fake.Malformed == nil {
		return
	}
	r.publish(2)
	r.start()
	r.settle()
	r.expect(r.fake.Malformed())
	r.settle()
	r.publish(2)
	r.settle()
	r.check()
	if r.dropped(collectors.DropMalformed) == 0 {
		r.t.Error("Page.Malformed stayed empty")
	}
	r.wantState(activity.PollComplete)
}

func testLimited(r *rig) {
	if r.fake.Handler == nil {
		return
	}
	r.publish(30)
	r.start()
	r.net.inject(func(n int) fault {
		if n%5 == 0 {
			return limited
		}
		return healthy
	})
	for range 5 {
		r.publish(3)
		r.run(2*limitedFor + 3*time.Minute)
	}
	if r.net.early() == 0 && r.net.count() < 5 {
		r.t.Errorf("only %d requests in over an hour", r.net.count())
	}
	r.net.inject(nil)
	r.recover()
	r.check()
	r.wantState(activity.PollComplete)
}

func testFailing(r *rig, f fault) {
	if r.fake.Handler == nil {
		return
	}
	r.publish(10)
	r.start()
	r.settle()
	r.net.inject(always(f))
	r.publish(10)
	r.run(30 * time.Minute)
	r.wantState(activity.PollFailing)
	r.net.inject(nil)
	r.recover()
	r.wantState(activity.PollComplete)
	r.check()
}

func testForbidden(r *rig) {
	if r.fake.Handler == nil {
		return
	}
	r.publish(5)
	r.start()
	r.settle()
	r.net.inject(always(refused))
	r.publish(5)
	r.settle()
	r.wantState(activity.PollForbidden)
	if polls := r.logs.Polls(r.h.Source); polls[len(polls)-1].Poll.Reason == "" {
		r.t.Error("no reason for forbidden, want one that says how to mend it")
	}
	before := r.net.count()
	r.run(2 * time.Hour)
	if n := r.net.count() - before; n > 100 {
		r.t.Errorf("%d requests in 2 h while the credential is refused", n)
	}
	r.net.inject(nil)
	r.recover()
	r.wantState(activity.PollComplete)
	r.check()
}

func testCancel(r *rig) {
	r.publish(5)
	c, _ := r.collector()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Poll(ctx, nil); err == nil && r.fake.Handler != nil {
		r.t.Error("poll with a context that has ended gave no error")
	}
	if r.fake.Handler == nil {
		return
	}
	r.net.inject(always(hang))
	ctx, cancel = context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	began := time.Now()
	if _, err := c.Poll(ctx, nil); err == nil || time.Since(began) > 4*time.Second {
		r.t.Errorf("poll against a hanging network: error %v after %s, want one after 3 s", err, time.Since(began))
	}
}
