package instagram

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/picketd/picket/collectors/activity"
)

func TestExported(t *testing.T) {
	media := func(data []byte) (activity.Activity, error) { return ExportedMedia(data, "post") }
	login := func(data []byte) (activity.Activity, error) { return ExportedSecurity(data, activity.KindLogin) }
	password := func(data []byte) (activity.Activity, error) {
		return ExportedSecurity(data, activity.KindPasswordChange)
	}
	tests := []struct {
		name string
		read func([]byte) (activity.Activity, error)
		in   string
		want activity.Activity
		err  string
	}{
		{"a post of one picture", media, `{"media":[{"uri":"media/posts/202601/a.jpg","creation_timestamp":1767225600,"media_metadata":{},"title":"Caf\u00c3\u00a9 @jo #bread https://acme.example","cross_post_source":{"source_app":"FB"}}]}`, activity.Activity{
			ID: "export/post/1767225600", Kind: activity.KindPost, Text: "Café @jo #bread https://acme.example", Mentions: []string{"jo"}, Hashtags: []string{"bread"},
			Links: []string{"https://acme.example"}, LinkDomains: []string{"acme.example"},
			Media: []activity.Media{{Type: "image", URL: "media/posts/202601/a.jpg"}},
		}, ""},
		{"an album", media, `{"media":[{"uri":"a.jpg","creation_timestamp":1767225000,"title":""},{"uri":"b.mp4","creation_timestamp":1767225000,"title":""}],"title":"Loaves","creation_timestamp":1767225600}`, activity.Activity{
			ID: "export/post/1767225600", Kind: activity.KindPost, Text: "Loaves", Media: []activity.Media{{Type: "image", URL: "a.jpg"}, {Type: "video", URL: "b.mp4"}},
		}, ""},
		{"a file alone", media, `{"uri":"s.jpg","creation_timestamp":1767225600,"title":"Oven"}`, activity.Activity{
			ID: "export/post/1767225600", Kind: activity.KindPost, Text: "Oven", Media: []activity.Media{{Type: "image", URL: "s.jpg"}},
		}, ""},
		{"values behind labels", media, `{"timestamp":1767225600,"media":[],"label_values":[{"label":"Caption","value":"Rye"},{"label":"Media","media":[{"uri":"a.jpg","creation_timestamp":1767225000}]},{"dict":[],"title":"Owner"},7]}`, activity.Activity{
			ID: "export/post/1767225600", Kind: activity.KindPost, Text: "Rye", Media: []activity.Media{{Type: "image", URL: "a.jpg"}},
		}, ""},
		{"parts of another form do not hide it", media, `{"media":{},"title":[],"label_values":7,"creation_timestamp":1767225600}`, activity.Activity{ID: "export/post/1767225600", Kind: activity.KindPost}, ""},
		{"no time", media, `{"media":[{"uri":"a.jpg"}]}`, activity.Activity{}, "creation_timestamp: 0; want seconds since 1970"},
		{"no object", media, `7`, activity.Activity{}, "expected a post (an object)"},

		{"login", login, `{"title":"2026-01-01T00:00:00+00:00","string_map_data":{"Cookie Name":{"value":"****"},"IP Address":{"value":"192.0.2.7"},"Port":{"value":"443"},"Language Code":{"value":"en"},"Time":{"value":"","timestamp":1767225600},"User Agent":{"value":"Barcelona 1.0"}}}`, activity.Activity{
			ID: "export/login/1767225600/192.0.2.7", Kind: activity.KindLogin, IP: "192.0.2.7", UserAgent: "Barcelona 1.0", Outcome: activity.Outcome{Result: "success"},
		}, ""},
		{"login in another language", login, `{"string_map_data":{"Zeit":{"timestamp":1767225600},"IP-Adresse":{"value":"2001:db8::1"},"Benutzeragent":{"value":"Mozilla/5.0 (X11)"}}}`, activity.Activity{
			ID: "export/login/1767225600/2001:db8::1", Kind: activity.KindLogin, IP: "2001:db8::1", UserAgent: "Mozilla/5.0 (X11)", Outcome: activity.Outcome{Result: "success"},
		}, ""},
		{"login from nowhere", login, `{"string_map_data":{"Time":{"timestamp":1767225600}}}`, activity.Activity{}, "string_map_data: no IP address"},
		{"login at no time", login, `{"string_map_data":{"IP Address":{"value":"192.0.2.7"}}}`, activity.Activity{}, "string_map_data: timestamp: 0; want seconds"},
		{"login of another form", login, `{"string_map_data":[]}`, activity.Activity{}, "expected an item with string_map_data"},
		{"password change", password, `{"string_map_data":{"Time":{"timestamp":1767225600}}}`, activity.Activity{ID: "export/password_change/1767225600", Kind: activity.KindPasswordChange}, ""},

		{"profile change", ExportedChange, `{"title":"","string_map_data":{"Changed":{"value":"Username"},"Previous Value":{"value":"acme_old"},"New Value":{"value":"acme"},"Change Date":{"timestamp":1767225600}}}`, activity.Activity{
			ID: "export/profile/1767225600/handle", Kind: activity.KindProfile, Changed: []string{"handle"},
			Profile: []activity.Field{{Name: "handle", Value: "acme"}}, Old: []activity.Field{{Name: "handle", Value: "acme_old"}},
		}, ""},
		{"something taken away", ExportedChange, `{"string_map_data":{"Changed":{"value":"Profile Bio Link"},"Previous Value":{"value":"https://a.example"},"New Value":{"value":""},"Change Date":{"timestamp":1767225600}}}`, activity.Activity{
			ID: "export/profile/1767225600/link", Kind: activity.KindProfile, Changed: []string{"link"}, Old: []activity.Field{{Name: "link", Value: "https://a.example"}},
		}, ""},
		{"change at no time", ExportedChange, `{"string_map_data":{"Changed":{"value":"Username"}}}`, activity.Activity{}, "timestamp: 0"},
		{"change in another language", ExportedChange, `{"string_map_data":{"Ge\u00c3\u00a4ndert":{"value":"Nutzername"},"Datum":{"timestamp":1767225600}}}`, activity.Activity{}, ErrOther.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.read([]byte(tt.in))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				if errors.Is(err, ErrOther) != (tt.err == ErrOther.Error()) {
					t.Errorf("%v is ErrOther, or is not", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
