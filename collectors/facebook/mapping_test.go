package facebook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/facebook/facebooktest"
	"github.com/picketd/picket/collectors/metagraph/metagraphtest"
)

func TestMapping(t *testing.T) {
	for _, tt := range []struct {
		name string
		post facebooktest.Post
		want activity.Activity
	}{
		{
			name: "post with all that can be in it",
			post: facebooktest.Post{Text: "Sale! See https://acme.example/a. #Sale #2026 @fan", App: "Planner", Admin: "Jane Roe"},
			want: activity.Activity{
				Kind: activity.KindPost, Text: "Sale! See https://acme.example/a. #Sale #2026 @fan", App: "Planner", Actor: "Jane Roe",
				Mentions: []string{"fan"}, Hashtags: []string{"Sale"}, Links: []string{"https://acme.example/a"}, LinkDomains: []string{"acme.example"},
			},
		},
		{
			name: "link that is attached, past Facebook's own page",
			post: facebooktest.Post{Text: "Win", Link: "https://Evil.example/win"},
			want: activity.Activity{Kind: activity.KindPost, Text: "Win", Links: []string{"https://Evil.example/win"}, LinkDomains: []string{"evil.example"}},
		},
		{
			name: "photo",
			post: facebooktest.Post{Text: "Look", Photo: "777"},
			want: activity.Activity{Kind: activity.KindPost, Text: "Look", Media: []activity.Media{
				{Hash: "777", Type: "image", URL: "https://scontent.example/v/777_n.jpg?sig=1"},
			}},
		},
		{
			name: "share of another's post",
			post: facebooktest.Post{Text: "So true", Shares: "900_1"},
			want: activity.Activity{Kind: activity.KindRepost, Text: "So true", Object: "900_1"},
		},
		{
			name: "story of what Facebook tells itself",
			post: facebooktest.Post{Story: "Acme & Co updated their cover photo."},
			want: activity.Activity{Kind: activity.KindPost, Text: "Acme & Co updated their cover photo."},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, metagraphtest.Options{})
			cursor := w.connect()
			at := w.clock()
			id := w.srv.Post(tt.post)
			w.pass(time.Second)
			as, _ := w.drain(cursor)
			got := only(t, as, tt.want.Kind)
			tt.want.ID, tt.want.Network, tt.want.Account, tt.want.Time, tt.want.Seen = id, "facebook", "facebook/acme", at, w.clock()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("activity (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSample maps an answer as the documentation shows it, with a list of photos
// and tags in the form of before.
func TestSample(t *testing.T) {
	const raw = `{"id":"100_200","created_time":"2026-03-06T12:00:00+0000","updated_time":"2026-03-06T13:00:00+0000",
		"message":"Meet Jane\u0007 Roe","status_type":"added_photos","is_published":true,"application":{"id":"5","link":"https://a.example"},
		"admin_creator":{"id":"77"},"message_tags":{"5":[{"id":"1","name":"Jane Roe"}]},
		"attachments":{"data":[{"type":"album","media_type":"album","url":"https://www.facebook.com/album","subattachments":{"data":[
			{"type":"photo","media_type":"photo","target":{"id":"1"},"media":{"image":{"src":"https://s.example/1_n.jpg"}}},
			{"type":"video_inline","media_type":"video","target":{"id":"2"},"media":{"source":"https://s.example/2.mp4","image":{"src":"https://s.example/2.jpg"}}},
			{"type":"photo","media_type":"photo","media":{"image":{"src":"https://s.example/dir/3_n.jpg?sig=2"}}}]}}]}}`
	item, err := readPost([]byte(raw), me)
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "100_200", Kind: activity.KindPost, Time: start(), Text: "Meet Jane  Roe", App: "5", Actor: "77",
		Media: []activity.Media{
			{Hash: "1", Type: "image", URL: "https://s.example/1_n.jpg"},
			{Hash: "2", Type: "video", URL: "https://s.example/2.mp4"},
			{Hash: "3_n.jpg", Type: "image", URL: "https://s.example/dir/3_n.jpg?sig=2"},
		},
	}
	if diff := cmp.Diff(want, item.Activity); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	if !item.Updated.Equal(start().Add(time.Hour)) {
		t.Errorf("updated %s", item.Updated)
	}
}

func TestUnreadable(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"no id", `{"created_time":"2026-03-06T12:00:00+0000"}`, `id ""; want 1 to 64 letters, digits and . : _ -`},
		{"id with a slash", `{"id":"1/2"}`, `id "1/2"; want 1 to 64 letters, digits and . : _ -`},
		{"no time", `{"id":"1_2"}`, "created_time: missing; want a time such as 2026-03-06T12:00:00+0000"},
		{"time in seconds", `{"id":"1_2","created_time":"1772798400"}`, `created_time: "1772798400"; want a time such as 2026-03-06T12:00:00+0000`},
		{"time before all", `{"id":"1_2","created_time":"1970-01-01T00:00:00+0000"}`, "created_time: year 1970; want 2000 to 2199"},
		{"parent with a slash", `{"id":"1_2","created_time":"2026-03-06T12:00:00+0000","status_type":"shared_story","parent_id":"../me"}`, `parent_id "../me"; want 1 to 64 letters, digits and . : _ -`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readPost([]byte(tt.raw), me)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}
