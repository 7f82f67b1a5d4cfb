package instagram

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/instagram/instagramtest"
	"github.com/picketd/picket/collectors/metagraph"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

var me = metagraph.Me{ID: instagramtest.UserID, Handle: instagramtest.Username}

func TestMapping(t *testing.T) {
	for _, tt := range []struct {
		name  string
		media instagramtest.Media
		want  activity.Activity
	}{
		{
			name:  "photo with all that can be in a caption",
			media: instagramtest.Media{Text: "Sale #Sale#now @fan, see https://acme.example/a!"},
			want: activity.Activity{
				Text: "Sale #Sale#now @fan, see https://acme.example/a!", Mentions: []string{"fan"}, Hashtags: []string{"Sale", "now"},
				Links: []string{"https://acme.example/a"}, LinkDomains: []string{"acme.example"},
				Media: []activity.Media{{Hash: "17900000000000001", Type: "image", URL: "https://scontent.example/v/1_n.jpg?sig=1772799600"}},
			},
		},
		{
			name:  "film without a caption",
			media: instagramtest.Media{Type: "VIDEO"},
			want:  activity.Activity{Media: []activity.Media{{Hash: "17900000000000001", Type: "video", URL: "https://scontent.example/v/1_n.jpg?sig=1772799600"}}},
		},
		{
			name:  "album",
			media: instagramtest.Media{Text: "two", Album: []string{"5", "6"}},
			want: activity.Activity{Text: "two", Media: []activity.Media{
				{Hash: "5", Type: "image", URL: "https://scontent.example/v/5_n.jpg?sig=1"},
				{Hash: "6", Type: "image", URL: "https://scontent.example/v/6_n.jpg?sig=1"},
			}},
		},
	} {
		for _, story := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, story=%t", tt.name, story), func(t *testing.T) {
				w := newWorld(t, metagraphtest.Options{})
				cursor := w.connect()
				at := w.clock()
				publish := w.srv.Post
				if story {
					publish = w.srv.Story
				}
				id := publish(tt.media)
				w.pass(time.Second)
				as, _ := w.drain(cursor)
				got, want := only(t, as, activity.KindPost), tt.want
				want.ID, want.Kind, want.Network, want.Account, want.Time, want.Seen = id, activity.KindPost, "instagram", "instagram/acme", at, w.clock()
				for i := range want.Media {
					want.Media[i].URL = strings.Replace(want.Media[i].URL, "1772799600", fmt.Sprint(at.Unix()), 1)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("activity (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestSample maps media as the documentation shows them.
func TestSample(t *testing.T) {
	item, err := readMedia([]byte(`{"id":"17895695668004550","media_type":"VIDEO","media_product_type":"REELS","caption":" A\u0000reel ",
		"timestamp":"2026-03-06T12:00:00+0000","username":"acme","thumbnail_url":"https://s.example/t.jpg","children":null}`), me)
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "17895695668004550", Kind: activity.KindPost, Time: start(), Text: "A reel",
		Media: []activity.Media{{Hash: "17895695668004550", Type: "video", URL: "https://s.example/t.jpg"}},
	}
	if diff := cmp.Diff(want, item.Activity); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	for raw, want := range map[string]string{
		`{"id":"","timestamp":"2026-03-06T12:00:00+0000"}`: `id ""; want 1 to 64 letters, digits and . : _ -`,
		`{"id":"1"}`: "timestamp: missing; want a time such as 2026-03-06T12:00:00+0000",
	} {
		if _, err := readMedia([]byte(raw), me); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", raw, err, want)
		}
	}
}

func TestEdit(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	id := w.old("Sale from 9")
	cursor := w.connect()
	w.must(w.srv.Edit(id, "Sale from 10"))
	// Addresses change by themselves.
	w.must(w.srv.Change(id, instagramtest.Object{"media_url": "https://other.example/v/9_n.jpg?sig=2"}))
	as, page := w.drain(cursor)
	got := only(t, as, activity.KindEdit)
	if len(ids(as)) != 1 || got.Object != id || got.Text != "Sale from 10" || !got.Time.Equal(w.clock()) || !strings.HasPrefix(got.ID, id+".1-") {
		t.Errorf("%v: %+v", ids(as), got)
	}
	w.must(w.srv.Change(id, instagramtest.Object{"media_url": "https://third.example/v/9_n.jpg?sig=3"}))
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// TestDeletion: a count that falls has the timeline read again at once.
func TestDeletion(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	id := w.old("regretted")
	w.old("kept")
	cursor := w.connect()
	_, page := w.drain(cursor)
	w.must(w.srv.DeletePost(id))
	w.pass(time.Minute)
	as, page := w.drain(page.Cursor)
	if diff := cmp.Diff([]string{"delete " + id}, ids(as)); diff != "" {
		t.Errorf("after a minute (-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// TestStories: one that is deleted is told, one that ends is not.
func TestStories(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	deleted := w.srv.Story(instagramtest.Media{Text: "oops"})
	ended := w.srv.Story(instagramtest.Media{Text: "soon gone", At: start().Add(-20 * time.Hour)})
	as, page := w.drain(nil)
	want := []string{"post " + deleted, "post " + ended}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	w.pass(20 * time.Minute)
	_, page = w.drain(page.Cursor) // repeats what the overlap holds
	var told []string
	for i := range 30 {
		w.pass(20 * time.Minute)
		if i == 5 {
			w.must(w.srv.Delete(deleted))
		}
		as, page = w.drain(page.Cursor)
		told = append(told, ids(as)...)
	}
	if diff := cmp.Diff([]string{"delete " + deleted}, told); diff != "" {
		t.Errorf("in ten hours (-want +got):\n%s", diff)
	}
}

func TestProfile(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{})
	as, page := w.drain(nil)
	metrics := []activity.Metric{{Name: "followers", Value: 1204}, {Name: "following", Value: 12}, {Name: "posts", Value: 0}}
	if diff := cmp.Diff(metrics, only(t, as, activity.KindFollowers).Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	w.must(w.srv.Change(instagramtest.UserID, instagramtest.Object{
		"username": "acme.giveaway", "website": nil, "profile_picture_url": "https://scontent.example/v/1_2_n.jpg?stp=y&sig=9",
	}))
	as, page = w.drain(page.Cursor)
	got := only(t, as, activity.KindProfile)
	if diff := cmp.Diff([]string{"handle", "link"}, got.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]activity.Field{{Name: "handle", Value: "acme"}, {Name: "link", Value: "https://acme.example/"}}, got.Old); diff != "" {
		t.Errorf("old (-want +got):\n%s", diff)
	}
	w.must(w.srv.Change(instagramtest.UserID, instagramtest.Object{"username": "acme"}))
	as, _ = w.drain(page.Cursor)
	if again := only(t, as, activity.KindProfile); again.ID == got.ID {
		t.Errorf("two changes with the id %s", got.ID)
	}
}

func TestMentions(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	post := w.old("What do you think?")
	cursor := w.connect()
	asked := w.srv.Comment(post, instagramtest.Media{Text: "Awful @acme", From: "fan"})
	answer := w.srv.Reply(asked, instagramtest.Media{Text: "Sorry", From: "acme"})
	again := w.srv.Reply(asked, instagramtest.Media{Text: "No", From: "fan"})
	tag := w.srv.Tag(instagramtest.Media{Text: "a fraud", From: "fan"})
	w.srv.Tag(instagramtest.Media{Text: "our own", From: "Acme"})
	w.pass(time.Minute)
	as, page := w.drain(cursor)
	want := []string{"mention " + asked, "mention " + again, "mention " + tag, "reply " + answer}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(as)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	for _, a := range as {
		switch a.ID {
		case asked:
			if a.ReplyTo != post || a.Actor != "fan" || a.Text != "Awful @acme" {
				t.Errorf("comment %+v", a)
			}
		case answer:
			if a.ReplyTo != asked || a.Actor != "" {
				t.Errorf("reply %+v", a)
			}
		case tag:
			if a.Actor != "fan" || a.Text != "a fraud" || a.Media != nil {
				t.Errorf("tag %+v", a)
			}
		}
	}
	w.pass(20 * time.Minute)
	_, page = w.drain(page.Cursor) // repeats what the overlap holds
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// TestHistoryApart: nothing that is live comes in a page of history, where it
// would raise no alert.
func TestHistoryApart(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	post := w.old("What do you think?")
	page := w.poll(nil)
	id := w.srv.Comment(post, instagramtest.Media{Text: "Awful", From: "fan"})
	for page.More {
		page = w.poll(page.Cursor)
		if slices.Contains(ids(page.Activities), "mention "+id) {
			if page.Backfill {
				t.Error("the comment came in a page of history")
			}
			return
		}
	}
	t.Error("the comment did not come")
}

// TestLogin: by Instagram Login "me" is the account, and there are no tags.
func TestLogin(t *testing.T) {
	w := newWorld(t, metagraphtest.Options{}, withMentions)
	w.cfg.BaseURL, w.cfg.User = "https://graph.instagram.com", "me"
	id := w.old("hi")
	as, _ := w.drain(nil)
	if diff := cmp.Diff([]string{"post " + id}, ids(as)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := w.srv.Count("/tags"); n != 0 {
		t.Errorf("%d requests for tags", n)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"good", func(*Config) {}, ""},
		{"me", func(c *Config) { c.User = "me" }, ""},
		{"account", func(c *Config) { c.Account = "instagram/" }, `instagram: account: "instagram/"; want instagram/ and a name, such as instagram/acme`},
		{"user", func(c *Config) { c.User = "acme" }, `instagram: user: "acme"; want the account's id in the Graph API, such as 17841405822304914, or me with a token by Instagram Login`},
		{"no user", func(c *Config) { c.User = "" }, `instagram: user: ""; want the account's id in the Graph API, such as 17841405822304914, or me with a token by Instagram Login`},
		{"token", func(c *Config) { c.Token = "" }, "instagram: token: missing; want an access token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{}, tt.change)
			_, err := New(w.cfg, w.deps())
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("error %q, want %q", got, tt.want)
			}
		})
	}
}
