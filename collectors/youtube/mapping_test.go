package youtube

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

func TestVideo(t *testing.T) {
	v, err := readVideo(golden(t, "video.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := activity.Activity{
		ID: "Ks-_Mh1QhMc", Kind: activity.KindPost, Time: time.Date(2026, 3, 5, 9, 30, 0, 0, time.UTC), Lang: "en",
		Text:  "New anvils\n\nOut now: https://acme.example/anvils, by @acme.\n#anvils #steel",
		Links: []string{"https://acme.example/anvils"}, LinkDomains: []string{"acme.example"},
		Mentions: []string{"acme"}, Hashtags: []string{"anvils", "steel"},
		Media: []activity.Media{{Hash: "Ks-_Mh1QhMc", Type: "video", URL: "https://www.youtube.com/watch?v=Ks-_Mh1QhMc"}},
		Profile: []activity.Field{
			{Name: "live", Value: "live"},
			{Name: "made_for_kids", Value: "true"},
			{Name: "privacy", Value: "unlisted"},
			{Name: "tags", Value: "anvils, steel goods"},
			{Name: "title", Value: "New anvils"},
		},
	}
	if diff := cmp.Diff(want, v.activity(activity.KindPost, v.ID, timeOf(v.At))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC); !v.started.Equal(want) {
		t.Errorf("started %s, want %s", v.started, want)
	}
}

func TestChannel(t *testing.T) {
	ch, err := readChannel(golden(t, "channel.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"name": "Acme", "handle": "acme", "description": "Anvils.", "country": "DE", "keywords": `anvils "steel goods"`,
		"trailer": "Ks-_Mh1QhMc", "picture": "AIdro_k", "banner": "banner1", "privacy": "public",
	}
	if diff := cmp.Diff(want, ch.values); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	metrics := []activity.Metric{{Name: "followers", Value: 15300}, {Name: "posts", Value: 42}, {Name: "views", Value: 123456}}
	if diff := cmp.Diff(metrics, ch.metrics); diff != "" || ch.id != "UCacmeacmeacmeacmeacme01" || ch.uploads != "UUacmeacmeacmeacmeacme01" {
		t.Errorf("id %s, uploads %s, metrics (-want +got):\n%s", ch.id, ch.uploads, diff)
	}
	hidden := strings.Replace(string(golden(t, "channel.json")), `"hiddenSubscriberCount":false`, `"hiddenSubscriberCount":true`, 1)
	if ch, err = readChannel([]byte(hidden)); err != nil || len(ch.metrics) != 2 {
		t.Errorf("metrics %v where subscribers are hidden, error %v; want posts and views", ch.metrics, err)
	}
}

func TestThread(t *testing.T) {
	got, err := readThread(golden(t, "thread.json"), "UCacmeacmeacmeacmeacme01")
	if err != nil {
		t.Fatal(err)
	}
	want := []activity.Activity{
		{
			ID: "UgxA", Kind: activity.KindMention, Time: time.Date(2026, 3, 5, 11, 0, 0, 0, time.UTC), Actor: "@fan",
			Text: "Great @acme", Mentions: []string{"acme"}, ReplyTo: "Ks-_Mh1QhMc",
		},
		{ID: "UgxA.9b", Kind: activity.KindReply, Time: time.Date(2026, 3, 5, 11, 5, 0, 0, time.UTC), Text: "Thanks", ReplyTo: "UgxA"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmapped(t *testing.T) {
	for _, tt := range []struct{ name, raw, want string }{
		{"no object", `7`, "cannot unmarshal"},
		{"no id", `{"snippet":{"publishedAt":"2026-03-05T09:30:00Z"}}`, `id ""; want a video's`},
		{"id of other characters", `{"id":"a b"}`, `id "a b"; want a video's`},
		{"no snippet", `{"id":"a"}`, "snippet: missing"},
		{"no time", `{"id":"a","snippet":{}}`, "snippet.publishedAt: missing"},
		{"time", `{"id":"a","snippet":{"publishedAt":"yesterday"}}`, `snippet.publishedAt: "yesterday"; want a time such as 2026-03-06T12:00:00Z`},
		{"year", `{"id":"a","snippet":{"publishedAt":"1970-01-01T00:00:00Z"}}`, "snippet.publishedAt: year 1970"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := readVideo([]byte(tt.raw)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
