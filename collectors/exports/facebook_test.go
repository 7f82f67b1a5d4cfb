package exports_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/exports"
)

// What Facebook gives of a Page, made by hand.
const (
	pageDir   = "this_profile's_activity_across_facebook/posts/"
	pagePosts = `[
{"timestamp":1767340800,"data":[{"post":"Second loaf"}],"title":"Acme updated their status."},
{"timestamp":1767225600,"data":[{"post":"Caf\u00c3\u00a9"}],"attachments":[{"data":[{"media":{"uri":"posts/media/a.jpg"}}]}]},
{"timestamp":"yesterday"}
]`
	pageWho   = `{"profile_v2":{"name":{"full_name":"Acme Bread"},"username":"acme","profile_uri":"https:\/\/www.facebook.com\/100200300"}}`
	pageBoard = `{"prodash_activity":[{"page_name":"Acme Bread"}]}`
)

const pageWant = `fault this_profile's_activity_across_facebook/posts/profile_posts_1.json, item 3: expected a post (an object): json: cannot unmarshal string into Go struct field exported.timestamp of type int64
2026-01-01 facebook facebook/acme post export/post/1767225600 text="Café" lang= links=[] domains=[] at=[] tags=[] media=[{ image posts/media/a.jpg}] reply=
2026-01-02 facebook facebook/acme post export/post/1767340800 text="Second loaf" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
2026-01-03 facebook facebook/acme post export/post/1767427200 text="Third" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
`

func TestFacebookForms(t *testing.T) {
	t.Parallel()
	files := []string{
		pageDir + "profile_posts_2.json", `[{"timestamp":1767427200,"data":[{"post":"Third"}]}]`,
		pageDir + "profile_posts_1.json", pagePosts,
		"profile_information/profile_information.json", pageWho,
		"logged_information/professional_dashboard/your_professional_dashboard_activity.json", pageBoard,
	}
	tests := []struct{ name, path string }{
		{"zip", write(t, "a.zip", zipOf(t, files...))},
		{"tar.gz", write(t, "a.tar.gz", gzipOf(tarOf(t, files...)))},
		{"folder", unpacked(t, files...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: "facebook", Account: "facebook/acme"})
			if err != nil {
				t.Fatal(err)
			}
			if owner := (exports.Owner{Handle: "acme", ID: "100200300"}); e.Owner != owner {
				t.Errorf("owner %+v, want %+v", e.Owner, owner)
			}
			if got := read(t, e); got != pageWant {
				t.Errorf("got\n%s\nwant\n%s", got, pageWant)
			}
			if got := fmt.Sprint(e.Left()); !strings.Contains(got, "{which app posted, and who of the Page's people the export does not say 0}") {
				t.Errorf("left out %s", got)
			}
		})
	}
}

func TestFacebookOwner(t *testing.T) {
	t.Parallel()
	const who, board = "profile_information.json", "your_professional_dashboard_activity.json"
	tests := []struct {
		name  string
		files []string
		want  exports.Owner
	}{
		{"by the dashboard", []string{board, pageBoard}, exports.Owner{Handle: "Acme Bread"}},
		{"the dashboard is asked last", []string{who, pageWho, board, pageBoard}, exports.Owner{Handle: "acme", ID: "100200300"}},
		{"a Page without a username", []string{who, `{"profile_v2":{"name":{"full_name":"Caf\u00c3\u00a9"},"profile_uri":"https://www.facebook.com/profile.php?id=7"}}`}, exports.Owner{Handle: "Café", ID: "7"}},
		{"not told", nil, exports.Owner{}},
		{"broken", []string{who, "{"}, exports.Owner{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, append(tt.files, "profile_posts_1.json", "[]")...)), exports.Options{Network: "facebook", Account: "facebook/acme"})
			if err != nil || e.Owner != tt.want {
				t.Errorf("owner %+v, error %v, want %+v", e.Owner, err, tt.want)
			}
		})
	}
}

func TestFacebookRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, want string }{
		{"of a person", "posts/your_posts_1.json", "expected a Page's information as Facebook gives it in the format JSON; this one is of a person"},
		{"in HTML", "posts/profile_posts_1.html", "this one is in HTML"},
		{"of nothing", "index.txt", "holds no posts/profile_posts_1.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, tt.file, "[]")), exports.Options{Network: "facebook", Account: "facebook/acme"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzFacebook: whatever a file holds, it is read to its end, and what comes of
// it is sound and in order of time.
func FuzzFacebook(f *testing.F) {
	f.Add([]byte(pagePosts))
	f.Add([]byte(`[{"timestamp":1767225600,"data":[{"post":"@[1:2:Jo]"}],"attachments":[{"data":[{"external_context":{"url":"https://x"}}]}],"tags":[{"name":"A"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, "profile_posts_1.json", data, exports.Options{Network: "facebook", Account: "facebook/acme"})
	})
}
