package reddit

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// TestLongest: a submission as long as Reddit takes them, full of links, comes
// with some of them: it must not be hidden by its length.
func TestLongest(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	cursor := w.connect()
	var text strings.Builder
	text.WriteString("https://lure.example/ ")
	for i := range 60 {
		fmt.Fprintf(&text, "https://a%d.example/%s ", i, strings.Repeat("x", 600))
	}
	text.WriteString(strings.Repeat(`"`, 25_000))
	name := w.srv.Post(reddittest.Thing{Title: "t", Text: text.String()})
	a := only(t, w.next(&cursor), activity.KindPost)
	if a.ID != name || len(a.Text) < 60_000 || len(a.Links) < 10 || a.Links[0] != "https://lure.example/" || a.LinkDomains[0] != "lure.example" {
		t.Errorf("post %s with %d bytes, %d links to %q; want %s with all its text and the first links", a.ID, len(a.Text), len(a.Links), a.LinkDomains, name)
	}
}

// TestUnreadable: an item that cannot be mapped is counted, and the others of its
// list stand, in every list.
func TestUnreadable(t *testing.T) {
	const at = 1772809200 // 15:00
	for _, tt := range []struct{ name, path, items, want string }{
		{"list", "/submitted", `7,{"kind":"t3","data":{"id":"1a","author":"acme","created_utc":%d,"title":"x"}},{"kind":"t3","data":{"id":"1b","author":7}}`, "post t3_1a"},
		{"inbox", "/message/inbox", `{"kind":"t1","data":{"name":"x"}},{"kind":"t1","data":{"name":"t1_k1","created_utc":%d,"body":"hi"}},[]`, "mention t1_k1"},
		{"log", "/acme/about/log", `null,{"kind":"modaction","data":{"id":"ModAction_1","action":"addmoderator","created_utc":%d}},{"kind":"t1"}`, "role_change ModAction_1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, reddittest.Options{}, withMentions, func(c *Config) { c.Moderates = []string{"acme"} })
			w.srv.Moderate("acme", reddittest.Action{})
			cursor := w.connect()
			w.Pass(80 * time.Minute)
			w.srv.AddFault(reddittest.Fault{Path: tt.path, Status: http.StatusOK, Body: `{"kind":"Listing","data":{"after":null,"children":[` + fmt.Sprintf(tt.items, at) + `]}}`})
			var got []activity.Activity
			bad := 0
			for page := (collectors.Page{Cursor: cursor, More: true}); page.More; {
				var err error
				if page, err = w.try(page.Cursor); err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Activities...)
				bad += len(page.Malformed)
			}
			if s := ids(got); len(s) == 0 || s[0] != tt.want || s[len(s)-1] != tt.want || bad < 2 {
				t.Errorf("got %v and %d malformed, want %s and 2", s, bad, tt.want)
			}
		})
	}
}

// TestInfoUnreadable: a watched item whose answer cannot be read is not gone.
func TestInfoUnreadable(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	name := w.old("hi")
	cursor := w.connect()
	w.srv.Edit(name, func(o *reddittest.Thing) { o.Visible = w.Now().Add(time.Hour) }) // no list shows it
	w.srv.AddFault(reddittest.Fault{Path: "/api/info", Status: http.StatusOK, Body: `{"kind":"Listing","data":{"children":[{"kind":"t3","data":{"id":7}}]}}`})
	w.Pass(time.Minute)
	page, err := w.try(cursor)
	if err != nil || len(page.Malformed) != 1 || len(ids(page.Activities)) != 0 {
		t.Errorf("malformed %v, told %v, error %v; want one malformed", page.Malformed, ids(page.Activities), err)
	}
	w.srv.Heal()
	w.srv.Edit(name, func(o *reddittest.Thing) { o.Deleted = true })
	if a := only(t, w.next(&page.Cursor), activity.KindDelete); a.Object != name {
		t.Errorf("deletion of %s, want %s", a.Object, name)
	}
}

// TestFloodOfMentions: more mentions than Reddit lists are said to be lost.
func TestFloodOfMentions(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	w.srv.Receive(reddittest.Note{Author: "fan", Text: "first", At: start()})
	cursor := w.connect()
	from := w.Now()
	for i := range 1300 {
		w.srv.Receive(reddittest.Note{Author: "fan", Text: "flood", At: from.Add(time.Duration(i) * time.Second)})
	}
	w.Pass(time.Hour)
	var gap *collectors.Gap
	n := 0
	for page := (collectors.Page{Cursor: cursor, More: true}); page.More; n++ {
		var err error
		if page, err = w.try(page.Cursor); err != nil {
			t.Fatal(err)
		}
		if page.Gap != nil {
			gap = page.Gap
		}
	}
	if gap == nil || !strings.Contains(gap.Reason, "more in the inbox") || n > 20 {
		t.Errorf("gap %+v after %d polls, want one of the inbox", gap, n)
	}
}

// TestBrokenSessions: that an access token cannot be kept is said.
func TestBrokenSessions(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.kept.broken = true
	var err error
	page := collectors.Page{}
	for range 5 {
		if page, err = w.try(page.Cursor); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "session owner: disk full") {
		t.Errorf("error %v, want one of the session", err)
	}
}

// TestBrokenPage: a page further down a list that cannot be read hides nothing
// else, and is said; when it can be read, nothing is missing.
func TestBrokenPage(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	w.size = 10
	cursor := w.connect()
	w.srv.AddFault(reddittest.Fault{Path: "/submitted", Paged: true, Status: http.StatusInternalServerError})
	for range 35 {
		w.srv.Post(reddittest.Thing{Title: "hi"})
	}
	answer := w.srv.Post(reddittest.Thing{Parent: "t3_1abc23", Text: "yes"})
	mention := w.srv.Receive(reddittest.Note{Author: "fan", Text: "hi"})
	got := map[string]bool{}
	var err error
	page := collectors.Page{Cursor: cursor}
	for n, failed := 0, 0; n < 20 && failed < 2; n++ {
		next, e := w.try(page.Cursor)
		if err = e; err != nil {
			failed++
			w.Pass(time.Minute)
			continue
		}
		page = next
		for _, id := range ids(page.Activities) {
			got[id] = true
		}
	}
	if err == nil || !strings.Contains(err.Error(), "GET /user/acme/submitted: status 500") || len(got) != 12 || !got["reply "+answer] || !got["mention "+mention] {
		t.Errorf("error %v, got %v; want one of the list, 10 posts, the reply and the mention", err, got)
	}
	w.srv.Heal()
	as, _ := w.drain(page.Cursor)
	for _, id := range ids(as) {
		got[id] = true
	}
	if len(got) != 37 {
		t.Errorf("%d items when all can be read, want 37", len(got))
	}
}
