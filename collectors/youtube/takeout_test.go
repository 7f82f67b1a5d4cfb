package youtube

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
)

// TestTakeoutAsPolled: a line of videos.csv is what the first poll tells of the
// same video.
func TestTakeoutAsPolled(t *testing.T) {
	polled, err := readVideo([]byte(`{"id":"dQw4w9WgXcQ","snippet":{"publishedAt":"2026-01-02T08:00:00Z","title":"New loaf","description":"See https://acme.example #bread @jo",
		"tags":["bread","rye"],"defaultAudioLanguage":"en","liveBroadcastContent":"none"},"status":{"privacyStatus":"public"}}`))
	if err != nil {
		t.Fatal(err)
	}
	polled.kids = "" // Takeout does not say
	want := polled.activity(activity.KindPost, polled.ID, timeOf(polled.At))
	got, err := TakeoutVideo(map[string]string{
		ColumnVideo: "dQw4w9WgXcQ", ColumnTitle: "New loaf", ColumnDescription: "See https://acme.example #bread @jo",
		ColumnCreated: "2026-01-01T07:00:00+00:00", ColumnPublished: "2026-01-02T08:00:00.123456+00:00",
		ColumnPrivacy: "Public", ColumnLanguage: "en", "tag 1": "bread", "tag 2": "rye", "tag 3": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-polled +read):\n%s", diff)
	}
}

func TestTakeoutVideo(t *testing.T) {
	tests := []struct {
		name string
		row  map[string]string
		want string // of the error
		time string
	}{
		{"without a time of publication", map[string]string{ColumnVideo: "a", ColumnCreated: "2026-01-01T07:00:00Z", ColumnPrivacy: "public"}, "", "2026-01-01T07:00:00Z"},
		{"unlisted", map[string]string{ColumnVideo: "a", ColumnCreated: "2026-01-01T07:00:00Z", ColumnPrivacy: "Unlisted"}, ErrNotPublic.Error(), ""},
		{"of unknown privacy", map[string]string{ColumnVideo: "a", ColumnCreated: "2026-01-01T07:00:00Z"}, ErrNotPublic.Error(), ""},
		{"no id", map[string]string{ColumnCreated: "2026-01-01T07:00:00Z"}, `video id: ""`, ""},
		{"no time", map[string]string{ColumnVideo: "a"}, "video create timestamp: missing", ""},
		{"no time that is one", map[string]string{ColumnVideo: "a", ColumnPublished: "1. Mai 2026"}, `video publish timestamp: "1. Mai 2026"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := TakeoutVideo(tt.row)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || a.Time.Format(time.RFC3339) != tt.time {
				t.Errorf("time %s, error %v, want %s", a.Time, err, tt.time)
			}
		})
	}
}

func TestTakeoutComment(t *testing.T) {
	row := func(text, parent, video, post string) map[string]string {
		return map[string]string{
			ColumnComment: "Ugx.1", ColumnCommented: "2026-01-01T07:00:00.5+00:00",
			ColumnText: text, ColumnParent: parent, ColumnVideo: video, ColumnPost: post,
		}
	}
	tests := []struct {
		name string
		row  map[string]string
		want activity.Activity
		err  string
	}{
		{"under a video", row(`{"text":"Thanks "},{"text":"@jo","mention":{"externalChannelId":"UCx"}}`, "", "vid", ""), activity.Activity{Text: "Thanks @jo", Mentions: []string{"jo"}, ReplyTo: "vid"}, ""},
		{"reply to a comment", row(`{"takeoutSegments":[{"text":"Loaf"},{"text":"\n"},{"text":"two"}]}`, "Ugx", "vid", ""), activity.Activity{Text: "Loaf\ntwo", ReplyTo: "Ugx"}, ""},
		{"under a post, as it is", row(`Plain, see https://acme.example`, "", "", "Ugp"), activity.Activity{
			Text: "Plain, see https://acme.example", ReplyTo: "Ugp", Links: []string{"https://acme.example"}, LinkDomains: []string{"acme.example"},
		}, ""},
		{"broken text", row(`{"text":`, "", "vid", ""), activity.Activity{}, "comment text: want segments"},
		{"no id", map[string]string{ColumnCommented: "2026-01-01T07:00:00Z"}, activity.Activity{}, `comment id: ""`},
		{"no time", map[string]string{ColumnComment: "a"}, activity.Activity{}, "comment create timestamp: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := TakeoutComment(tt.row)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.ID, tt.want.Kind, tt.want.Time = "Ugx.1", activity.KindReply, time.Date(2026, 1, 1, 7, 0, 0, 0, time.UTC)
			if diff := cmp.Diff(tt.want, a, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
