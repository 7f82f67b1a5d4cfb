package facebook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

type refusing struct {
	next   http.RoundTripper
	refuse func(*http.Request) bool
}

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.refuse(req) {
		return nil, &collectors.RateLimited{Err: &collectors.Kept{Credential: "acme", Quota: "requests", Mentions: true}}
	}
	return r.next.RoundTrip(req)
}

// Tags and comments that the budget keeps waiting are said to be behind, and the
// Page itself is read.
func TestMentionsAreBehind(t *testing.T) {
	for _, tt := range []struct {
		name   string
		refuse func(*http.Request) bool
	}{
		{"tags", func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/tagged") }},
		{"comments", func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "comments") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{}, withMentions)
			post := w.old("What do you think?")
			cursor := w.connect()
			w.srv.Comment(post, facebooktest.Post{Text: "Awful @acme", From: "Fan Page"})
			w.srv.Tag(facebooktest.Post{Text: "Acme & Co is a fraud"})
			own := w.srv.Post(facebooktest.Post{Text: "of the Page itself"})
			w.pass(time.Minute)
			deps := w.deps()
			deps.HTTP = &http.Client{Transport: refusing{deps.HTTP.Transport, tt.refuse}}
			c, err := New(w.cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			var got []activity.Activity
			page := collectors.Page{Cursor: cursor, More: true}
			for n := 0; page.More; n++ {
				if n == 10 {
					t.Fatal("ten polls, and still more")
				}
				if page, err = c.Poll(t.Context(), page.Cursor); err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Activities...)
			}
			if page.Behind == nil {
				t.Errorf("mentions wait, and nothing is said of it")
			}
			if all := strings.Join(ids(got), " "); !strings.Contains(all, "post "+own) {
				t.Errorf("got %s; want the post %s", all, own)
			}
			if _, page := w.drain(page.Cursor); page.Behind != nil {
				t.Errorf("behind when there is enough: %v", page.Behind)
			}
		})
	}
}
