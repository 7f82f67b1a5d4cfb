package reddit

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// TestRemovedWhereListShows: a comment that moderators took away, and that the
// account's own list shows as it was, goes once and does not come back each time
// that the list is read; when a moderator approves it, that is told.
func TestRemovedWhereListShows(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	cursor := w.connect()
	w.size = 10
	var names []string
	for i := range 15 {
		names = append(names, w.srv.Post(entry{Parent: "t3_1abc23", Text: fmt.Sprint("yes ", i)}))
	}
	w.next(&cursor)
	w.srv.Edit(names[13], func(o *entry) { o.Hidden = true })
	rounds := func(n int) []string {
		var all []activity.Activity
		for range n {
			for _, a := range w.next(&cursor) {
				if a.Kind == activity.KindDelete || a.Kind == activity.KindEdit {
					all = append(all, a)
				}
			}
		}
		return ids(all)
	}
	if diff := cmp.Diff([]string{"delete " + names[13]}, rounds(6)); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	w.srv.Edit(names[13], func(o *entry) { o.Hidden = false })
	if got := rounds(6); len(got) != 1 || !strings.HasPrefix(got[0], "edit "+names[13]+".1-") {
		t.Errorf("approved: got %v, want one edit of %s", got, names[13])
	}
}

// TestGapWithDeletions: items that were deleted are gone from the newest 1,000, so
// that what is lost cannot be known by how many are left.
func TestGapWithDeletions(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch = pageSize })
	w.old("hi")
	cursor := w.connect()
	from := w.Now()
	for i := range 1100 {
		w.srv.Post(entry{Title: "flood", At: from.Add(time.Duration(i) * time.Second), Deleted: i%4 == 0})
	}
	w.Pass(time.Hour)
	var gap *collectors.Gap
	for page := (collectors.Page{Cursor: cursor, More: true}); page.More; {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		if page.Gap != nil {
			gap = page.Gap
		}
	}
	if gap == nil || !gap.Until.Equal(from.Add(101*time.Second)) {
		t.Errorf("gap %+v, want one until the oldest that is listed, %s", gap, from.Add(101*time.Second))
	}
}

// TestPageLost: a list knows no page behind an item that was deleted since, and
// none behind one that whoever asks may not see. What is older is read all the same.
func TestPageLost(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(w *world, last string)
	}{
		{"deleted", func(w *world, last string) { w.srv.Edit(last, func(o *entry) { o.Deleted = true }) }},
		{"not to be seen", func(w *world, _ string) {
			w.srv.AddFault(reddittest.Fault{Path: "/submitted", Paged: true, Times: 1, Status: http.StatusForbidden})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{})
			w.old("hi")
			cursor := w.connect()
			w.size = 3
			var names []string
			for i := range 8 {
				names = append(names, w.srv.Post(entry{Title: "flood", At: w.Now().Add(time.Duration(i) * time.Second)}))
			}
			w.Pass(3 * time.Hour) // an outage
			first, err := w.try(cursor)
			if err != nil {
				t.Fatal(err)
			}
			tt.lose(w, names[5])
			all, _ := w.drain(first.Cursor)
			var told []string
			for _, a := range slices.Concat(first.Activities, all) {
				if a.Kind == activity.KindPost && !slices.Contains(told, a.ID) {
					told = append(told, a.ID)
				}
			}
			slices.Sort(told)
			if diff := cmp.Diff(names, told); diff != "" {
				t.Errorf("posts told (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPageLostAgain: where pages are lost again and again, what could not be read is
// said to be lost.
func TestPageLostAgain(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.old("hi")
	cursor := w.connect()
	w.size = 3
	for i := range 8 {
		w.srv.Post(entry{Title: "flood", At: w.Now().Add(time.Duration(i) * time.Second)})
	}
	from := w.Now()
	w.Pass(3 * time.Hour)
	w.srv.AddFault(reddittest.Fault{Path: "/submitted", Paged: true, Status: http.StatusForbidden})
	var gap *collectors.Gap
	polls := 0
	for page := (collectors.Page{Cursor: cursor, More: true}); page.More && polls < 30; polls++ {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		if page.Gap != nil {
			gap = page.Gap
		}
	}
	if want := from.Add(5 * time.Second); gap == nil || !gap.Until.Equal(want) || !strings.Contains(gap.Reason, "behind an item that is gone") {
		t.Errorf("gap %+v, want one until %s that says why", gap, want)
	}
	if polls == 30 {
		t.Error("30 polls, and still more")
	}
}

// TestFullLastPage: a full page names another one although nothing follows.
func TestFullLastPage(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.size = 3
	for range 3 {
		w.old("hi")
	}
	as, page := w.drain(nil)
	if n := len(as); n != 4 || page.Gap != nil { // with the followers
		t.Errorf("%v, gap %v; want three posts and no gap", ids(as), page.Gap)
	}
	w.Pass(time.Minute)
	for range 3 {
		w.srv.Post(entry{Title: "more"})
	}
	as, page = w.drain(page.Cursor)
	if n := len(ids(as)); n != 3 || page.Gap != nil {
		t.Errorf("%v, gap %v; want three posts and no gap", ids(as), page.Gap)
	}
}

// TestPinnedIsNoGap: the newest item, once it is pinned, stands before those that
// came after it, and not where the list would show that nothing is between.
func TestPinnedIsNoGap(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	pinned := w.old("hi")
	cursor := w.connect()
	w.srv.Edit(pinned, func(o *entry) { o.Pinned = true })
	w.srv.Post(entry{Title: "more"})
	w.Pass(time.Minute)
	page, err := w.try(cursor)
	if err != nil || len(ids(page.Activities)) != 1 || page.Gap != nil {
		t.Errorf("%v, gap %+v, error %v; want one post and no gap", ids(page.Activities), page.Gap, err)
	}
}

// TestLogBlocked: a front door that refuses a log, in a language that is not the
// API's, has not made anybody moderator no more.
func TestLogBlocked(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Moderates = []string{"acme"} })
			w.srv.Moderate("acme", reddittest.Action{})
			cursor := w.connect()
			w.next(&cursor)
			w.srv.AddFault(reddittest.Fault{Path: "/about/log", Status: status, Body: "<html>whoa there, pardner!</html>", Header: map[string]string{"Content-Type": "text/html"}})
			var err error
			for range 10 {
				w.Pass(time.Minute)
				page, e := w.try(cursor)
				if err = errors.Join(err, e); e != nil {
					continue
				}
				cursor = page.Cursor
				if got := ids(page.Activities); len(got) > 0 {
					t.Fatalf("told %v", got)
				}
			}
			if err == nil {
				t.Error("no error, want one of the log")
			}
		})
	}
}

// TestBlockedByAccount: whoever has the account can block the account that reads
// it; Reddit then shows what stands to all others as if nobody had written it.
func TestBlockedByAccount(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	name := w.srv.Post(entry{Parent: "t3_1abc23", Text: "yes", At: start().Add(-3 * time.Hour)})
	cursor := w.connect()
	w.srv.Edit(name, func(o *entry) { o.Visible = w.Now().Add(time.Hour) })
	w.srv.AddFault(reddittest.Fault{Path: "/api/info", Status: http.StatusOK, Body: `{"kind":"Listing","data":{"children":[{"kind":"t1","data":{"id":"` + name[3:] +
		`","author":"[deleted]","body":"[unavailable]","created_utc":1772787600}}]}}`})
	var all []activity.Activity
	malformed := 0
	for range 3 {
		w.Pass(time.Minute)
		page, err := w.try(cursor)
		if err != nil {
			t.Fatal(err)
		}
		all, cursor = append(all, page.Activities...), page.Cursor
		malformed += len(page.Malformed)
	}
	if got := ids(all); len(got) > 0 || malformed == 0 {
		t.Errorf("told %v with %d malformed; want nothing told, and that it cannot be read", got, malformed)
	}
}

// TestProfileLacks: what an answer leaves out has not been emptied.
func TestProfileLacks(t *testing.T) {
	for _, name := range []string{"subreddit", "icon_img", "snoovatar_img", "has_verified_email"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{})
			w.srv.Change("snoovatar_img", "https://i.redd.example/snoovatar/a1.png")
			cursor := w.connect()
			w.next(&cursor)
			w.srv.Change(name, nil)
			w.Pass(20 * time.Minute)
			if got := ids(w.next(&cursor)); len(got) > 0 {
				t.Errorf("told %v of what the answer leaves out", got)
			}
			w.srv.Change("subreddit", map[string]any{"title": "Hacked", "public_description": "", "banner_img": "", "over_18": false, "subscribers": 1})
			w.Pass(20 * time.Minute)
			a := only(t, w.next(&cursor), activity.KindProfile)
			if !slices.Equal(a.Changed, []string{"banner", "description", "name"}) || a.Old[2].Value != "Acme" {
				t.Errorf("changed %q from %v; want banner, description and name from Acme", a.Changed, a.Old)
			}
		})
	}
}

// TestCountsLack: a count that an answer leaves out is not 0.
func TestCountsLack(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.srv.Change("total_karma", nil)
	as, _ := w.drain(nil)
	for _, m := range only(t, as, activity.KindFollowers).Metrics {
		if m.Name == "karma" {
			t.Errorf("karma %v told, which the answer leaves out", m.Value)
		}
	}
}

// TestTokenWithoutEnd: an access token of which Reddit says no end would be made
// anew for every request.
func TestTokenWithoutEnd(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.srv.AddFault(reddittest.Fault{Path: "/access_token", Status: http.StatusOK, Body: `{"access_token":"eyJfake.access-000001","token_type":"bearer","scope":"*"}`})
	_, err := w.try(nil)
	if _, is := errors.AsType[*collectors.Malformed](err); !is {
		t.Errorf("error %v, want a Malformed of expires_in", err)
	}
}

// TestPretendedRemoval: words that begin as Reddit's own about a removal do hide
// no edit.
func TestPretendedRemoval(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	cursor := w.connect()
	name := w.srv.Post(entry{Parent: "t3_1abc23", Text: "[ Removed by Reddit ] for now"})
	if diff := cmp.Diff([]string{"reply " + name}, ids(w.next(&cursor))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.srv.Edit(name, func(o *entry) { o.Text = "[ Removed by Reddit ] claim yours at https://evil.example" })
	if a := only(t, w.next(&cursor), activity.KindEdit); !slices.Contains(a.LinkDomains, "evil.example") {
		t.Errorf("edit leads to %v, want evil.example", a.LinkDomains)
	}
}

// TestLinksAsTyped: a link is one however it is written.
func TestLinksAsTyped(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"capitals", "see HTTPS://Evil.example/x", "evil.example"},
		{"behind a picture", "👉https://evil.example/x", "evil.example"},
		{"behind what looks like one", "httphttps://evil.example/x", "evil.example"},
		{"two in one word", "http://a.example|https://evil.example", "evil.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := activity.Activity{}
			fill(&a, tt.text)
			if got := domainsOf(a.Links); !slices.Contains(got, tt.want) {
				t.Errorf("links %q to %q, want one to %s", a.Links, got, tt.want)
			}
		})
	}
}

// TestLongIDs: ids that Reddit's own cannot be as long as do not fill the cursor.
func TestLongIDs(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch, c.Backfill = MaxWatch, MaxBackfill })
	for i := range 2 * MaxWatch {
		id := fmt.Sprintf("%03d%s", i, strings.Repeat("z", 57))
		parent := ""
		if i%2 == 0 {
			parent = "t3_1abc23"
		}
		w.srv.Post(entry{ID: id, Parent: parent, Text: "hi", RemovedBy: strings.Repeat(`"`, 24), At: start().Add(-time.Hour)})
	}
	malformed := 0
	page := collectors.Page{More: true}
	for n := 0; page.More && n < 50; n++ {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		malformed += len(page.Malformed)
	}
	if malformed != 2*MaxWatch {
		t.Errorf("%d malformed, want all %d", malformed, 2*MaxWatch)
	}
}

// TestEmptyAtFirst: an answer that was empty by mistake at the connection does not
// make news of all that is old.
func TestEmptyAtFirst(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	for i := range 20 {
		w.srv.Post(entry{Title: "t", Text: fmt.Sprint(i), At: start().Add(-time.Duration(i+100) * 24 * time.Hour)})
	}
	w.srv.AddFault(reddittest.Fault{Path: "/submitted", Status: http.StatusOK, Body: `{"kind":"Listing","data":{"after":null,"children":[]}}`})
	_, page := w.drain(nil)
	w.srv.Heal()
	w.Pass(time.Minute)
	for range 5 {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		if got := ids(page.Activities); !page.Backfill && len(got) > 0 {
			t.Fatalf("%d old items told as new, %v", len(got), got[0])
		}
		if !page.More {
			break
		}
	}
}

// TestHistoryBesideNews: nothing that is live goes into a page of history, not
// even where one list was refused when the account was connected.
func TestHistoryBesideNews(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, func(c *Config) { c.Watch = pageSize })
	w.size = 100
	w.old("hi")
	w.srv.Post(entry{Parent: "t3_1abc23", Text: "old", At: start().Add(-3 * time.Hour)})
	w.srv.AddFault(reddittest.Fault{Path: "/comments", Status: http.StatusInternalServerError})
	page, err := w.try(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(2 * time.Hour)
	for range 260 {
		w.srv.Post(entry{Title: "flood"})
	}
	first := map[string]bool{} // whether it came first as history
	for n := range 20 {
		next, err := w.try(page.Cursor)
		if err != nil {
			w.Pass(time.Minute)
			continue
		}
		page = next
		for _, a := range page.Activities {
			if _, known := first[a.ID]; !known && a.Kind == activity.KindPost {
				first[a.ID] = page.Backfill
			}
		}
		if n == 0 {
			w.srv.Heal()
		}
	}
	history := 0
	for _, as := range first {
		if as {
			history++
		}
	}
	if len(first) != 260 || history > 0 {
		t.Errorf("%d of the flood told, %d of them as history; want 260 and none", len(first), history)
	}
}

// TestUnreadableInbox: a list of which nothing can be read tells no gap that ends
// before it begins.
func TestUnreadableInbox(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	cursor := w.connect()
	for i := range 20 {
		w.srv.AddFault(reddittest.Fault{Path: "/message/inbox", Times: 1, Status: http.StatusOK, Body: fmt.Sprintf(`{"kind":"Listing","data":{"after":"t1_%d","children":[{}]}}`, i)})
	}
	for page := (collectors.Page{Cursor: cursor, More: true}); page.More; {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		if g := page.Gap; g != nil && !g.Until.After(g.From) {
			t.Errorf("gap from %s until %s", g.From, g.Until)
		}
	}
}

// TestOfTheFuture: what claims to be of the future hides nothing of what comes
// until then, not even beside a part that is in trouble for good.
func TestOfTheFuture(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	cursor := w.connect()
	w.srv.Receive(reddittest.Note{Author: "x", Text: "hi", At: start().Add(20000 * time.Hour)})
	w.next(&cursor)
	w.srv.AddFault(reddittest.Fault{Path: "/about", Status: http.StatusInternalServerError})
	w.Pass(20 * time.Minute)
	id := w.srv.Receive(reddittest.Note{Author: "fan", Text: "help"})
	var all []activity.Activity
	polls := 0
	for range 5 {
		w.Pass(time.Minute)
		for more := true; more; polls++ {
			page, err := w.try(cursor)
			if err != nil {
				break
			}
			cursor, more = page.Cursor, page.More
			all = append(all, page.Activities...)
		}
	}
	if got := ids(all); !slices.Contains(got, "mention "+id) || polls > 15 {
		t.Errorf("told %v in %d polls, want %s in a few", got, polls, id)
	}
}

// TestRotated: a refresh token that Reddit gave in place of the one before, to
// another account of the same credential, is used by all, and is kept when it
// could not be at first.
func TestRotated(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	one, other := w.collector(), w.collector()
	first, err := one.Poll(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Poll(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.srv.Rotate("8412345-anotherRefreshToken999999")
	w.Pass(25 * time.Hour)
	w.kept.broken = true
	_, _ = one.Poll(t.Context(), first.Cursor)
	w.kept.broken = false
	w.Pass(time.Minute)
	if _, err = one.Poll(t.Context(), first.Cursor); err != nil {
		t.Fatal(err)
	}
	w.srv.Expire()
	if _, err = w.try(first.Cursor); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if _, err = other.Poll(t.Context(), first.Cursor); err != nil {
		t.Errorf("another account of the credential: %v", err)
	}
}

// TestClockSetBack: what was read by a clock that ran ahead is read again when
// the clock is right.
func TestClockSetBack(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.Pass(30 * 24 * time.Hour)
	_, page := w.drain(nil)
	w.Pass(-30 * 24 * time.Hour)
	w.srv.Change("subreddit.title", "Hacked")
	as, _ := w.drain(page.Cursor)
	only(t, as, activity.KindProfile)
	only(t, as, activity.KindFollowers)
}

// TestCraftedEdit: these texts were made to have the same fingerprint of 48 bits,
// in half a minute: who posts one and puts the other in its place is seen.
func TestCraftedEdit(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	cursor := w.connect()
	name := w.srv.Post(entry{Parent: "t3_1abc23", Text: "Anvils are in stock 2djoiu7olm"})
	w.next(&cursor)
	w.srv.Edit(name, func(o *entry) { o.Text = "Coins at https://evil.example axdzfuuv1" })
	if a := only(t, w.next(&cursor), activity.KindEdit); a.Object != name {
		t.Errorf("edit of %s, want %s", a.Object, name)
	}
}
