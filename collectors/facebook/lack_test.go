package facebook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

// Somebody with access who cannot be read is not somebody who has none any more.
func TestMemberUnreadable(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withAccess)
	w.srv.Member("roles", "501", "Jane Roe", "MANAGE")
	w.srv.Member("roles", "502", "Tom Roe", "ANALYZE")
	cursor := w.connect()
	w.srv.AddFault(metagraphtest.Fault{Path: "/roles", Status: http.StatusOK, Body: `{"data":[{"id":"501","name":"Jane Roe","tasks":["MANAGE"]},{"id":"502","name":"Tom Roe","tasks":"ANALYZE"}]}`})
	as, page := w.drain(cursor)
	if len(ids(as)) != 0 || len(page.Malformed) == 0 {
		t.Errorf("told %v, malformed %v; want no more than what is malformed", ids(as), page.Malformed)
	}
	w.srv.Heal()
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told when all is well again: %v", ids(as))
	}
}

// A list of people without people that never ends is given up.
func TestEndlessMembers(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withAccess)
	var n atomic.Int64
	client := collectors.NewClient(nil, collectors.ClientOptions{Base: collectortest.Transport(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/roles") {
			w.srv.ServeHTTP(rw, r)
			return
		}
		i := n.Add(1)
		if i > 1000 {
			rw.WriteHeader(http.StatusInternalServerError) // enough was seen
			return
		}
		_, _ = fmt.Fprintf(rw, `{"data":[],"paging":{"cursors":{"after":"%d"},"next":"https://graph.example/?after=%d"}}`, i, i)
	}))})
	deps := w.deps()
	deps.HTTP = client
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	var cursor json.RawMessage
	for range 20 {
		page, err := c.Poll(t.Context(), cursor)
		if err != nil {
			if !strings.Contains(err.Error(), "more than 10 pages of roles") {
				t.Errorf("error %v, want one about the pages", err)
			}
			break
		}
		cursor = page.Cursor
	}
	if got := n.Load(); got == 0 || got > 20 {
		t.Errorf("%d requests of one list, want at most 20", got)
	}
}

// A post as long as Facebook takes them, full of links and tags, comes with some
// of them: it must not be hidden by its length.
func TestLongestPost(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	cursor := w.connect()
	id := w.srv.Post(facebooktest.Post{Text: "https://lure.example http://a.example/" + strings.Repeat(`"`, 62_000) + "x"})
	as, _ := w.drain(cursor) // validates what comes
	if a := only(t, as, activity.KindPost); a.ID != id || len(a.Text) < 62_000 || len(a.Links) != 1 || a.Links[0] != "https://lure.example" {
		t.Errorf("post %s with %d bytes and %d links, want 62,000 and the one that is not long", a.ID, len(a.Text), len(a.Links))
	}
}

// A post that claims to be of the future does not make those that come after it
// old: trouble with another part would hide them.
func TestPostOfTheFuture(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withAccess, func(c *Config) { c.Watch = -1 })
	w.srv.Post(facebooktest.Post{Text: "soon", At: start().Add(24 * 365 * time.Hour)})
	cursor := w.connect()
	w.srv.AddFault(metagraphtest.Fault{Path: "/roles", Status: http.StatusForbidden, Code: 200, Message: "no"})
	id := w.srv.Post(facebooktest.Post{Text: "now"})
	page := w.poll(cursor)
	found := false
	for _, a := range page.Activities {
		found = found || a.ID == id
	}
	if !found || !page.More {
		t.Errorf("told %v, more %t; want the post", ids(page.Activities), page.More)
	}
}
