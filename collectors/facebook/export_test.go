package facebook

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
)

func TestExportedPost(t *testing.T) {
	tests := []struct {
		name, in string
		want     activity.Activity
		err      string
	}{
		{"all of a post", `{"timestamp":1767225600,"title":"Acme shared a link.","data":[{"update_timestamp":1767225600},{"post":"Caf\u00c3\u00a9 with @[100200300:274:Jo Doe], see https:\/\/acme.example\/a #bread"}],
			"attachments":[{"data":[{"media":{"uri":"posts\/media\/a.mp4","creation_timestamp":1767225600}},{"media":{"uri":"posts\/media\/b.jpg"}},{"external_context":{"url":"https:\/\/coins.example\/now","name":"Coins"}}]}],
			"tags":[{"name":"Jo Doe"},{"name":"Bob"}]}`, activity.Activity{
			Text: "Café with Jo Doe, see https://acme.example/a #bread", Mentions: []string{"Jo Doe", "Bob"}, Hashtags: []string{"bread"},
			Links:       []string{"https://acme.example/a", "https://coins.example/now"},
			LinkDomains: []string{"acme.example", "coins.example"},
			Media:       []activity.Media{{Type: "video", URL: "posts/media/a.mp4"}, {Type: "image", URL: "posts/media/b.jpg"}},
		}, ""},
		{"no words of its own", `{"timestamp":1767225600,"title":"Acme updated their cover photo."}`, activity.Activity{Text: "Acme updated their cover photo."}, ""},
		{"parts of another form do not hide it", `{"timestamp":1767225600,"title":7,"data":[{"post":"buy"}],"attachments":{},"tags":["Jo"]}`, activity.Activity{Text: "buy"}, ""},
		{"no time", `{"data":[{"post":"x"}]}`, activity.Activity{}, "timestamp: 0; want seconds since 1970"},
		{"a time of another form", `{"timestamp":"yesterday"}`, activity.Activity{}, "expected a post (an object)"},
		{"no object", `[1]`, activity.Activity{}, "expected a post (an object)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ExportedPost([]byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.ID, tt.want.Kind, tt.want.Time = "export/post/1767225600", activity.KindPost, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
