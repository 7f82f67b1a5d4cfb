package linkedin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestComments(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions)
	post := w.old("What do you think?")
	w.srv.Comment(post, linkedintest.Comment{Text: "before", At: start().Add(-time.Hour)})
	cursor := w.connect()
	asked := w.srv.Comment(post, linkedintest.Comment{Text: "Awful, see https://evil.example #fail", Actor: "urn:li:person:mallory"})
	answer := w.srv.Comment(post, linkedintest.Comment{Text: "Sorry", Actor: linkedintest.URN, Agent: "urn:li:person:jane", Parent: asked})
	w.Pass(time.Minute)
	as, page := w.drain(cursor)
	want := []string{"mention " + asked, "reply " + answer}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	said := only(t, as, activity.KindMention)
	if said.ReplyTo != post || said.Actor != "urn:li:person:mallory" || !slices.Equal(said.LinkDomains, []string{"evil.example"}) || !slices.Equal(said.Hashtags, []string{"fail"}) {
		t.Errorf("comment %+v", said)
	}
	if own := only(t, as, activity.KindReply); own.ReplyTo != asked || own.Actor != "" || !strings.Contains(string(own.Raw), `"agent":"urn:li:person:jane"`) {
		t.Errorf("reply %+v", own)
	}
	w.Pass(20 * time.Minute)
	_, page = w.drain(page.Cursor) // repeats what the overlap holds
	w.Pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// Comments are read under the newest posts only, every look, one call each; one
// that is deleted meanwhile hides none of the others.
func TestCommentedPosts(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions, func(c *Config) { c.CommentPosts = 3 })
	var posts []string
	for i := range 5 {
		posts = append(posts, w.srv.Post(linkedintest.Post{Text: "post", At: start().Add(-time.Duration(10-i) * time.Hour)}))
	}
	cursor := w.connect()
	const endpoint = "socialActions/{urn}/comments"
	before := w.srv.Count(endpoint)
	var want []string
	for _, post := range posts {
		id := w.srv.Comment(post, linkedintest.Comment{Text: "hi"})
		want = append(want, "mention "+id)
	}
	w.srv.Omit(posts[4], true)
	as, page := w.drain(cursor)
	if diff := cmp.Diff(want[2:], ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.Pass(5 * time.Minute)
	w.drain(page.Cursor)
	if n := w.srv.Count(endpoint) - before; n != 3 {
		t.Errorf("%d calls for comments, want 3", n)
	}
}

// Many comments are read in either order and, where there are more than Picket
// reads, those that are lost are told.
func TestManyComments(t *testing.T) {
	for _, tt := range []struct {
		name     string
		opts     linkedintest.Options
		old, new int
		want     int // new ones that are told
		from, to int // bounds of the gap in s after the look before, 0 where there is none
	}{
		{name: "one page", new: 60, want: 60},
		{name: "newest first", old: 500, new: 250, want: 250},
		{name: "newest first, swapped", opts: linkedintest.Options{Shuffle: true}, old: 500, new: 250, want: 250},
		{name: "newest first, too many", old: 500, new: 400, want: 300, from: -2100, to: 101},
		{name: "oldest first", opts: linkedintest.Options{Ascending: true}, new: 250, want: 250},
		{name: "oldest first among many", opts: linkedintest.Options{Ascending: true}, old: 500, new: 150, want: 150},
		{name: "oldest first, too many", opts: linkedintest.Options{Ascending: true}, old: 500, new: 400, want: 200, from: -2100, to: 201},
		{name: "oldest first, unknown how many", opts: linkedintest.Options{Ascending: true, NoTotal: true}, old: 280, new: 60, want: 20, from: 20, to: 1260},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.opts, withMentions)
			post := w.old("What do you think?")
			for i := range tt.old {
				w.srv.Comment(post, linkedintest.Comment{Text: "before", At: start().Add(-time.Hour + time.Duration(i)*time.Second)})
			}
			cursor := w.connect()
			for i := range tt.new {
				w.srv.Comment(post, linkedintest.Comment{Text: "storm", At: w.Now().Add(time.Duration(i+1) * time.Second)})
			}
			at := w.Now()
			w.Pass(21 * time.Minute)
			as, page := w.drain(cursor)
			if len(ids(as)) != tt.want {
				t.Errorf("%d told, want %d", len(ids(as)), tt.want)
			}
			var want *collectors.Gap
			if tt.to != 0 {
				want = &collectors.Gap{
					From: at.Add(time.Duration(tt.from) * time.Second), Until: at.Add(time.Duration(tt.to) * time.Second),
					Reason: "there were more than 300 comments under one post since the last look; look more often",
				}
			}
			if diff := cmp.Diff(want, page.Gap); diff != "" {
				t.Errorf("gap (-want +got):\n%s", diff)
			}
		})
	}
}

// Comments that the budget keeps waiting are behind, and go on with the posts that
// are left.
func TestCommentsBehind(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions)
	var want []string
	var posts []string
	for i := range 3 {
		posts = append(posts, w.srv.Post(linkedintest.Post{Text: "post", At: start().Add(-time.Duration(10-i) * time.Hour)}))
	}
	cursor := w.connect()
	for _, post := range posts {
		want = append(want, "mention "+w.srv.Comment(post, linkedintest.Comment{Text: "hi"}))
	}
	own := w.srv.Post(linkedintest.Post{Text: "of the page itself", At: start().Add(time.Minute)})
	w.srv.Comment(own, linkedintest.Comment{Text: "before all others"})
	deps := w.deps()
	next, left := deps.HTTP.Transport, 2
	deps.HTTP = &http.Client{Transport: observed(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/comments") {
			if left == 0 {
				return nil, &collectors.RateLimited{Err: &collectors.Kept{Credential: "acme", Quota: "units", Mentions: true}}
			}
			left--
		}
		return next.RoundTrip(r)
	})}
	c, err := New(w.cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	as, page := w.drainWith(c, cursor)
	if page.Behind == nil || len(ids(as)) != 3 || !slices.Contains(ids(as), "post "+own) || !slices.Contains(ids(as), want[2]) {
		t.Errorf("told %v, behind %v; want the post and the comments of two posts", ids(as), page.Behind)
	}
	left = 100
	as, page = w.drainWith(c, page.Cursor)
	if diff := cmp.Diff(want[:2], ids(as)); diff != "" || page.Behind != nil {
		t.Errorf("behind %v (-want +got):\n%s", page.Behind, diff)
	}
}

// The overlap reaches back to the last look at comments, which the next reads again.
func TestCommentOverlap(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions, func(c *Config) { c.Look = 4 * time.Hour })
	w.old("one")
	_, page := w.drain(w.connect())
	w.Pass(3 * time.Hour)
	_, page = w.drain(page.Cursor)
	if want := start().Add(-15 * time.Minute); !page.Overlap.Equal(want) {
		t.Errorf("overlap %s, want %s", page.Overlap, want)
	}
}

// What was said while comments were not read is not told when they are read again.
func TestCommentsSwitchedOn(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions)
	post := w.old("one")
	cursor := w.connect()
	w.cfg.Mentions = false
	_, page := w.drain(cursor)
	w.srv.Comment(post, linkedintest.Comment{Text: "meanwhile"})
	w.Pass(time.Hour)
	w.cfg.Mentions = true
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told %v, want nothing", ids(as))
	}
}

// Trouble with comments names what mends it.
func TestCommentsRefused(t *testing.T) {
	w := newWorld(t, linkedintest.Options{}, withMentions)
	w.old("one")
	cursor := w.connect()
	w.srv.AddFault(linkedintest.Fault{Endpoint: "socialActions/{urn}/comments", Status: 403, Code: "ACCESS_DENIED", Service: 100, Message: "Not enough permissions to access: partnerApiSocialActions.comments.GET_ALL"})
	_, err := w.tryAll(cursor)
	if want := "comments of " + account; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "r_organization_social_feed") {
		t.Errorf("error %v, want one with %q and the permission", err, want)
	}
}
