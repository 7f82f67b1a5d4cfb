package reddit

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/reddit/reddittest"
)

// TestStormHidesNothing: mentions that the budget keeps waiting in the middle of a
// walk, for as long as the public storms, hide neither a deletion nor the profile
// nor who is made a moderator.
func TestStormHidesNothing(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions, func(c *Config) { c.Moderates = []string{"acme"} })
	w.srv.Moderate("acme", reddittest.Action{})
	post := w.old("hi")
	cursor := w.connect()
	w.size = 5
	for range 40 {
		w.srv.Receive(reddittest.Note{Author: "fan", Text: "boo"})
	}
	w.Pass(time.Minute)
	for range 10 { // into a walk over mentions
		page, err := w.try(cursor)
		if err != nil {
			t.Fatal(err)
		}
		var st state
		if cursor = page.Cursor; json.Unmarshal(cursor, &st) != nil || st.Mention.Walk != nil {
			break
		}
	}
	w.srv.Change("subreddit.title", "Hacked")
	w.srv.Moderate("acme", reddittest.Action{Action: "addmoderator", Mod: "acme", Target: "mallory"})
	w.srv.Edit(post, func(o *entry) { o.Deleted = true })
	got := map[activity.Kind]int{}
	for range 20 {
		w.Pass(time.Minute)
		for n := 0; ; n++ {
			if n == 10 {
				t.Fatal("ten polls, and still more")
			}
			deps := w.deps()
			deps.HTTP = &http.Client{Transport: refusing{deps.HTTP.Transport, "/message/inbox"}}
			c, err := New(w.cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			c.size = w.size
			page, err := c.Poll(t.Context(), cursor)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Activities {
				got[page.Activities[i].Kind]++
			}
			if cursor = page.Cursor; page.More {
				continue
			}
			if page.Behind == nil {
				t.Error("mentions wait, and nothing is said of it")
			}
			break
		}
	}
	for _, kind := range []activity.Kind{activity.KindDelete, activity.KindProfile, activity.KindRoleChange} {
		if got[kind] == 0 {
			t.Errorf("no %s told while mentions wait", kind)
		}
	}
}

// TestUnreadableToken: an answer of the token endpoint that is no JSON is not
// repeated: it may hold a token that nobody knows yet.
func TestUnreadableToken(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	w.srv.AddFault(reddittest.Fault{Path: "/access_token", Status: http.StatusOK, Body: "access_token=eyJhbGciOi.fresh&token_type=bearer"})
	_, err := w.try(nil)
	if err == nil || strings.Contains(err.Error(), "eyJhbGciOi.fresh") || !strings.Contains(err.Error(), "not JSON but 47 bytes") {
		t.Errorf("error %v, want one without the token", err)
	}
}

// TestPasswordNotKept: what is kept says so little of the password that a guess
// cannot be confirmed by it.
func TestPasswordNotKept(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withPassword)
	w.connect()
	var kept session
	if err := json.Unmarshal([]byte(w.kept.saved["owner acme history identity read"].Reveal()), &kept); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept.Of, password) {
		t.Fatalf("kept %q", kept.Of)
	}
	other := w.collector().cfg
	for i := range 1_000_000 {
		other.Password = collectors.Secret(fmt.Sprint("guess ", i))
		if other.madeWith() == kept.Of {
			return
		}
	}
	t.Error("a million other passwords leave another trace")
}

// TestLargePages: Reddit takes 40,000 characters in a text and writes each in up to
// 24 bytes, so that a dozen of them make a page that no answer may be as large as.
// Neither whoever has the account nor others who answer it hide what comes so.
func TestLargePages(t *testing.T) {
	w := newWorld(t, reddittest.Options{}, withMentions)
	cursor := w.connect()
	long := strings.Repeat("x", 3000)
	want := map[string]bool{}
	for i := range 60 {
		want["post "+w.srv.Post(entry{Title: fmt.Sprint(i), Text: long})] = true
		want["mention "+w.srv.Receive(reddittest.Note{Author: "fan", Text: long})] = true
	}
	deps := w.deps()
	deps.HTTP = collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(w.srv), MaxBody: 64 << 10})
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	read := func() {
		t.Helper()
		for n := 0; ; n++ {
			page, err := c.Poll(t.Context(), cursor)
			if err != nil || n == 50 {
				t.Fatalf("poll %d: %v", n, err)
			}
			for _, id := range ids(page.Activities) {
				delete(want, id)
			}
			if page.Gap != nil {
				t.Errorf("gap %+v", page.Gap)
			}
			if cursor = page.Cursor; !page.More {
				return
			}
		}
	}
	w.Pass(time.Minute)
	read()
	if len(want) > 0 {
		t.Errorf("%d were not told", len(want))
	}
	for range 12 { // those that no page shows are looked at, too
		w.Pass(10 * time.Minute)
		read()
	}
	before := len(w.srv.Requests())
	w.Pass(time.Minute)
	read()
	if n := len(w.srv.Requests()) - before; n > 12 {
		t.Errorf("%d requests in a quiet round, want few: what was too large once is asked for in parts", n)
	}
}

// TestDateMoved: a post that a moderator approves hours later may be dated anew. A
// watched one keeps its place, so that the cursor can be read again.
func TestDateMoved(t *testing.T) {
	w := newWorld(t, reddittest.Options{})
	first := w.old("one")
	w.srv.Post(entry{Title: "New anvils", Text: "two", At: start().Add(-2 * time.Hour)})
	cursor := w.connect()
	w.srv.Edit(first, func(o *entry) { o.RemovedBy = "automod_filtered" })
	only(t, w.next(&cursor), activity.KindDelete)
	w.srv.Edit(first, func(o *entry) { o.RemovedBy, o.At, o.Text = "", w.Now(), "one, approved" })
	if a := only(t, w.next(&cursor), activity.KindEdit); a.Object != first {
		t.Errorf("edit of %s, want %s", a.Object, first)
	}
	w.srv.Edit(first, func(o *entry) { o.Text = "one, edited" })
	only(t, w.next(&cursor), activity.KindEdit)
}
