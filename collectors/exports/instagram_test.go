package exports_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/exports"
)

// What Instagram gives, made by hand.
const (
	instaMedia    = "your_instagram_activity/media/"
	instaSecurity = "security_and_login_information/login_and_profile_creation/"
	instaPersonal = "personal_information/personal_information/"

	instaPosts   = `[{"media":[{"uri":"media/posts/b.jpg","creation_timestamp":1767312000,"title":"Caf\u00c3\u00a9"}]},{"media":[{"uri":"a.jpg"}]},{"media":[{"uri":"media/posts/a.jpg","creation_timestamp":1767225600}],"title":"Loaf","creation_timestamp":1767225600}]`
	instaReels   = `{"ig_reels_media":[{"media":[{"uri":"media/reels/a.mp4","creation_timestamp":1767398400,"title":"Oven"}]}]}`
	instaStories = `{"ig_stories":[{"uri":"media/stories/a.jpg","creation_timestamp":1767484800,"title":""}]}`
	instaLogins  = `{"account_history_login_history":[{"string_map_data":{"IP Address":{"value":"192.0.2.7"},"Time":{"timestamp":1767571200},"User Agent":{"value":"Mozilla/5.0"}}}]}`
	instaChanges = `{"profile_profile_change":[{"string_map_data":{"Changed":{"value":"Name"},"New Value":{"value":"Acme"},"Change Date":{"timestamp":1767657600}}},{"string_map_data":{"Changed":{"value":"Aura"},"Change Date":{"timestamp":1767657600}}}]}`
	instaOwner   = `{"profile_user":[{"string_map_data":{"Username":{"value":"acme"},"Name":{"value":"Acme"}}}]}`
)

const instaWant = `fault your_instagram_activity/media/posts_1.json, item 2: creation_timestamp: 0; want seconds since 1970 of the years 2000 to 2199
2026-01-01 instagram instagram/acme post export/post/1767225600 text="Loaf" lang= links=[] domains=[] at=[] tags=[] media=[{ image media/posts/a.jpg}] reply=
2026-01-02 instagram instagram/acme post export/post/1767312000 text="Café" lang= links=[] domains=[] at=[] tags=[] media=[{ image media/posts/b.jpg}] reply=
2026-01-03 instagram instagram/acme post export/post/1767398400 text="Oven" lang= links=[] domains=[] at=[] tags=[] media=[{ video media/reels/a.mp4}] reply=
2026-01-04 instagram instagram/acme post export/story/1767484800 text="" lang= links=[] domains=[] at=[] tags=[] media=[{ image media/stories/a.jpg}] reply=
2026-01-05 instagram instagram/acme login export/login/1767571200/192.0.2.7 text="" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
2026-01-06 instagram instagram/acme profile export/profile/1767657600/name text="" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
`

func TestInstagramForms(t *testing.T) {
	t.Parallel()
	files := []string{
		instaMedia + "stories.json", instaStories, instaMedia + "reels.json", instaReels, instaMedia + "posts_1.json", instaPosts,
		instaSecurity + "login_activity.json", instaLogins, instaPersonal + "profile_changes.json", instaChanges,
		instaPersonal + "personal_information.json", instaOwner,
		"ads_information/ads_and_topics/posts.json", `[{"timestamp":1767657600}]`, // of others, in another folder
	}
	tests := []struct{ name, path string }{
		{"zip", write(t, "a.zip", zipOf(t, files...))},
		{"tar.gz", write(t, "a.tar.gz", gzipOf(tarOf(t, files...)))},
		{"folder", unpacked(t, files...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: "instagram", Account: "instagram/acme"})
			if err != nil {
				t.Fatal(err)
			}
			if owner := (exports.Owner{Handle: "acme"}); e.Owner != owner {
				t.Errorf("owner %+v, want %+v", e.Owner, owner)
			}
			if got := read(t, e); got != instaWant {
				t.Errorf("got\n%s\nwant\n%s", got, instaWant)
			}
			if got := fmt.Sprint(e.Left()); !strings.Contains(got, "{changes of the profile what changed is named in another language than English, or new 1}") {
				t.Errorf("left out %s", got)
			}
		})
	}
}

func TestInstagramFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, data string
		want             string // of the error, or in what is read
	}{
		{"of nothing", "a.json", "[]", "holds no posts_1.json, stories.json or login_activity.json"},
		{"in HTML", instaMedia + "posts_1.html", "<html>", "in the format JSON; this one is in HTML"},
		{"posts with labels", instaMedia + "posts.json", `[{"timestamp":1767225600,"label_values":[{"label":"Caption","value":"Rye"}]}]`, `post export/post/1767225600 text="Rye"`},
		{"a list behind other members", "content/reels_2.json", `{"a":{"b":[[1]]},"c":7,"ig_reels_media":[{"uri":"a.mp4","creation_timestamp":1767225600}]}`, "post export/post/1767225600"},
		{"neither list nor object", "stories.json", `7`, "fault stories.json, item 1: expected an array, or an object with one"},
		{"a list too deep", "stories.json", strings.Repeat(`{"a":`, 200), "brackets nest more than 100 deep"},
		{"an object without a list", "stories.json", `{"a":{"b":1}}`, ""},
		{"cut short", "stories.json", `{"ig_stories":[{"uri":"a.jpg","creation_timestamp":1767225600},{"uri`, "the items before stand, those after are lost\n2026-01-01 instagram instagram/acme post export/story/1767225600"},
		{"a logout", "logout_activity.json", `{"account_history_logout_history":[{"string_map_data":{"Time":{"timestamp":1767225600}}}]}`, "logout export/logout/1767225600"},
		{"a changed password", "password_change_activity.json", `{"x":[{"string_map_data":{"Time":{"timestamp":1767225600}}}]}`, "password_change export/password_change/1767225600"},
		{"an owner that cannot be read", instaPersonal + "personal_information.json", "[]", "holds no posts_1.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, tt.file, tt.data)), exports.Options{Network: "instagram", Account: "instagram/acme"})
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = read(t, e)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzInstagram: whatever a file holds, it is read to its end, and what comes of
// it is sound and in order of time.
func FuzzInstagram(f *testing.F) {
	names := []string{"posts_1.json", "stories.json", "login_activity.json", "profile_changes.json"}
	for i, data := range []string{instaPosts, instaStories, instaLogins, instaChanges} {
		f.Add(byte(i), []byte(data))
	}
	f.Add(byte(0), []byte(`[{"timestamp":1767225600,"label_values":[{"label":"Caption","value":"Rye"},{"label":"Media","media":[{"uri":"a.jpg"}]}]}]`))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		sound(t, names[int(which)%len(names)], data, exports.Options{Network: "instagram", Account: "instagram/acme"})
	})
}
