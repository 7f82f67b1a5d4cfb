package reddit

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
)

func golden(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestSubmission(t *testing.T) {
	got, err := readThing(golden(t, "submission.json"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "t3_1abc23", Kind: activity.KindPost, Time: time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC),
		Text:     "New anvils\n\nOut now: [our shop](https://acme.example/anvils), by /u/Acme_Shop & u/fan.\n\n> a quote",
		Links:    []string{"https://acme.example/anvils"},
		Mentions: []string{"Acme_Shop", "fan"},
		Profile:  []activity.Field{{Name: "flair", Value: "News"}, {Name: "nsfw", Value: "true"}, {Name: "subreddit", Value: "anvils"}, {Name: "title", Value: "New anvils"}},
	}
	if diff := cmp.Diff(want, got.activity()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.edited != 1772703600 || got.gone() != "" {
		t.Errorf("edited %d, gone %q; want 1772703600 and that it stands", got.edited, got.gone())
	}
}

func TestComment(t *testing.T) {
	got, err := readThing(golden(t, "comment.json"), "ACME")
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "t1_k3x9z1", Kind: activity.KindReply, Time: time.Date(2026, 3, 5, 11, 0, 0, 0, time.UTC),
		Text: "Ask at https://acme.example/help!", Links: []string{"https://acme.example/help"}, ReplyTo: "t1_k3x9a0",
		Profile: []activity.Field{{Name: "subreddit", Value: "anvils"}},
	}
	if diff := cmp.Diff(want, got.activity()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestHung: what hangs on a submission.
func TestHung(t *testing.T) {
	const head = `{"kind":"t3","data":{"id":"1a","author":"acme","created_utc":1772703000.0,"title":"x",`
	for _, tt := range []struct {
		name, rest string
		kind       activity.Kind
		links      []string
		media      []activity.Media
		object     string
	}{
		{"link", `"url":"https://Shop.example/a?b=c","post_hint":"link"}}`, activity.KindPost, []string{"https://Shop.example/a?b=c"}, nil, ""},
		{"image", `"url":"https://i.redd.it/abc.jpeg"}}`, activity.KindPost, []string{"https://i.redd.it/abc.jpeg"}, []activity.Media{{Hash: "abc.jpeg", Type: "image", URL: "https://i.redd.it/abc.jpeg"}}, ""},
		{"moving image", `"url":"https://other.example/abc.GIF","post_hint":"image"}}`, activity.KindPost, []string{"https://other.example/abc.GIF"}, []activity.Media{{Hash: "abc.GIF", Type: "gif", URL: "https://other.example/abc.GIF"}}, ""},
		{"video", `"url":"https://v.redd.it/xyz","is_video":true}}`, activity.KindPost, []string{"https://v.redd.it/xyz"}, []activity.Media{{Hash: "xyz", Type: "video", URL: "https://v.redd.it/xyz"}}, ""},
		{"gallery", `"url":"https://www.reddit.com/gallery/1a","is_gallery":true,"media_metadata":{"k2":{"e":"AnimatedImage"},"k1":{"e":"Image"},"k3":{"e":"RedditVideo"}}}}`, activity.KindPost, nil, []activity.Media{{Hash: "k1", Type: "image"}, {Hash: "k2", Type: "gif"}, {Hash: "k3", Type: "video"}}, ""},
		{"gallery of another form", `"is_gallery":true,"media_metadata":[1]}}`, activity.KindPost, nil, nil, ""},
		{"text", `"url":"https://www.reddit.com/r/acme/comments/1a/x/","is_self":true}}`, activity.KindPost, nil, nil, ""},
		{"crosspost", `"url":"/r/other/comments/1b/y/","crosspost_parent":"t3_1b"}}`, activity.KindRepost, nil, nil, "t3_1b"},
		{"crosspost of a video", `"url":"https://v.redd.it/xyz","is_video":true,"crosspost_parent":"t3_1b"}}`, activity.KindRepost, nil, nil, "t3_1b"},
		{"no address", `"url":"::"}}`, activity.KindPost, nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readThing([]byte(head+tt.rest), "acme")
			if err != nil {
				t.Fatal(err)
			}
			a := got.activity()
			want := activity.Activity{
				ID: "t3_1a", Kind: tt.kind, Time: timeOf(1772703000), Text: "x", Links: tt.links, Media: tt.media, Object: tt.object,
				Profile: []activity.Field{{Name: "title", Value: "x"}},
			}
			if diff := cmp.Diff(want, a); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGone(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"stands", `{"kind":"t3","data":{"id":"1a","author":"acme","created_utc":1772703000,"selftext":"hi","removed_by_category":null,"banned_by":null}}`, ""},
		{"deleted submission", `{"kind":"t3","data":{"id":"1a","author":"[deleted]","created_utc":1772703000,"selftext":"[deleted]","removed_by_category":"deleted"}}`, "author"},
		{"deleted link", `{"kind":"t3","data":{"id":"1a","author":"[deleted]","created_utc":1772703000,"selftext":"","removed_by_category":"deleted"}}`, "author"},
		{"removed by moderators", `{"kind":"t3","data":{"id":"1a","author":"acme","created_utc":1772703000,"selftext":"[removed]","removed_by_category":"moderator"}}`, "moderator"},
		{"removed by Reddit", `{"kind":"t3","data":{"id":"1a","author":"acme","created_utc":1772703000,"removed_by_category":"anti_evil_ops"}}`, "anti_evil_ops"},
		{"deleted comment", `{"kind":"t1","data":{"id":"k1","author":"[deleted]","created_utc":1772703000,"body":"[deleted]"}}`, "author"},
		{"removed comment", `{"kind":"t1","data":{"id":"k1","author":"[deleted]","created_utc":1772703000,"body":"[removed]"}}`, "moderator"},
		{"removed comment with its author", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"[removed]"}}`, "moderator"},
		{"comment removed by Reddit", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"[ Removed by Reddit ]"}}`, "reddit"},
		{"comment that a moderator sees as removed", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"hi","banned_by":"AutoModerator"}}`, "moderator"},
		{"comment that a moderator sees as spam", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"hi","banned_by":true}}`, "moderator"},
		{"comment with another form of banned_by", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"hi","banned_by":0}}`, ""},
		{"comment with an empty form of banned_by", `{"kind":"t1","data":{"id":"k1","author":"acme","created_utc":1772703000,"body":"hi","banned_by":{}}}`, ""},
		{"account that is gone", `{"kind":"t1","data":{"id":"k1","author":"[deleted]","created_utc":1772703000,"body":"hi"}}`, "author"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readThing([]byte(tt.raw), "acme")
			if err != nil || got.gone() != tt.want {
				t.Errorf("gone %q, error %v; want %q", got.gone(), err, tt.want)
			}
		})
	}
}

func TestUser(t *testing.T) {
	u, err := readUser(golden(t, "about.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{
		"name": "Acme Inc.", "description": "Anvils.", "picture": "profileIcon_a1.jpg", "banner": "profileBanner_b1.png",
		"avatar": "snoo-1.png", "nsfw": "false", "email_verified": "true",
	}, u.values()); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]activity.Metric{{Name: "comment_karma", Value: -3}, {Name: "followers", Value: 4200}, {Name: "karma", Value: 11997}, {Name: "link_karma", Value: 12000}}, u.metrics()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	bare, err := readUser([]byte(`{"kind":"t2","data":{"name":"acme","total_karma":1,"link_karma":1,"comment_karma":0,"subreddit":null}}`))
	if err != nil || len(bare.metrics()) != 3 {
		t.Errorf("metrics %v of an account without a profile, error %v; want three of karma", bare.metrics(), err)
	}
}

func TestUnmapped(t *testing.T) {
	thing := func(raw string) error { _, err := readThing([]byte(raw), "acme"); return err }
	note := func(raw string) error { _, _, err := readNote([]byte(raw)); return err }
	action := func(raw string) error { _, _, err := readModAction([]byte(raw)); return err }
	account := func(raw string) error { _, err := readUser([]byte(raw)); return err }
	for _, tt := range []struct {
		name string
		read func(string) error
		raw  string
		want string
	}{
		{"no object", thing, `7`, "cannot unmarshal"},
		{"another kind", thing, `{"kind":"t5","data":{"id":"1a"}}`, `kind "t5"; want t3, a submission, or t1, a comment`},
		{"no id", thing, `{"kind":"t3","data":{"author":"acme"}}`, `id ""; want one such as 1abc23`},
		{"id of other characters", thing, `{"kind":"t3","data":{"id":"A b"}}`, `id "A b"`},
		{"no time", thing, `{"kind":"t3","data":{"id":"1a"}}`, "created_utc: 0; want a time in seconds since 1970"},
		{"time as a text", thing, `{"kind":"t3","data":{"id":"1a","created_utc":"now"}}`, "created_utc"},
		{"no author", thing, `{"kind":"t1","data":{"id":"1a","created_utc":1772703000}}`, "author: missing"},
		{"another author", thing, `{"kind":"t1","data":{"id":"1a","created_utc":1772703000,"author":"spez"}}`, `author "spez"; want acme`},
		{"note without a name", note, `{"kind":"t1","data":{"created_utc":1772703000}}`, `name ""; want one such as t1_k3x9`},
		{"note without a time", note, `{"kind":"t1","data":{"name":"t1_k1"}}`, "created_utc: 0"},
		{"note that is none", note, `[]`, "cannot unmarshal"},
		{"action of another kind", action, `{"kind":"t3","data":{}}`, `kind "t3"; want modaction`},
		{"action without an id", action, `{"kind":"modaction","data":{"id":"x"}}`, `id "x"; want one such as ModAction_`},
		{"action without a time", action, `{"kind":"modaction","data":{"id":"ModAction_1-2"}}`, "created_utc: 0"},
		{"action that is none", action, `{"kind":"modaction","data":7}`, "cannot unmarshal"},
		{"account of another kind", account, `{"kind":"t3","data":{"name":"acme"}}`, `kind "t3"; want t2`},
		{"account without a name", account, `{"kind":"t2","data":{}}`, "name: missing"},
		{"account that is none", account, `7`, "cannot unmarshal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.read(tt.raw); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
