package exports_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/exports"
)

const actor = `{"id":"https://social.example/users/acme","type":"Person","preferredUsername":"acme","outbox":"outbox.json"}`

// outbox is in the form of Mastodon's BackupService, newest first.
const outbox = `{"@context":"https://www.w3.org/ns/activitystreams","id":"outbox.json","type":"OrderedCollection","totalItems":6,"orderedItems":[
{"id":"https://social.example/users/acme/statuses/106/activity","type":"Announce","actor":"https://social.example/users/acme","published":"2026-01-06T08:00:00Z","object":"https://other.example/users/bob/statuses/9"},
{"id":"https://social.example/users/acme/statuses/105/activity","type":"Create","published":"2026-01-05T08:00:00Z","object":{"id":"https://social.example/users/acme/statuses/105","type":"Note","to":["https://other.example/users/bob"],"cc":[],"content":"<p>psst</p>"}},
{"id":"https://social.example/users/acme/statuses/104/activity","type":"Create","published":"2026-01-04T08:00:00Z","object":{"id":"https://social.example/users/acme/statuses/104","type":"Note","inReplyTo":"https://social.example/users/acme/statuses/101","to":["https://social.example/users/acme/followers"],"cc":[],"content":"<p>more</p>"}},
{"id":"https://social.example/users/acme/statuses/103/activity","type":"Create","published":"yesterday","object":{}},
{"id":"https://social.example/users/acme/statuses/102/activity","type":"Move","published":"2026-01-02T08:00:00Z","object":{}},
{"id":"https://social.example/users/acme/statuses/101/activity","type":"Create","published":"2026-01-01T08:00:00Z","object":{"id":"https://social.example/users/acme/statuses/101","type":"Note","summary":"Bread","published":"2026-01-01T08:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://social.example/users/acme/followers"],"content":"<p>New loaf, see <a href=\"https://acme.example/loaf\">acme.example</a></p>","contentMap":{"en":"<p>New loaf</p>"},"attachment":[{"type":"Document","mediaType":"image/png","url":"media_attachments/files/1/a.png"}],"tag":[{"type":"Mention","href":"https://social.example/users/jo","name":"@jo@social.example"},{"type":"Mention","href":"https://other.example/users/bob","name":"@bob@other.example"},{"type":"Hashtag","name":"#bread"}]}}
]}`

// read drains an export into a line for each activity and fault.
func read(t testing.TB, e *exports.Export) string {
	t.Helper()
	var b strings.Builder
	for {
		a, err := e.Next()
		var item *exports.ItemError
		switch {
		case errors.Is(err, io.EOF):
			return b.String()
		case errors.As(err, &item):
			fmt.Fprintf(&b, "fault %v\n", err)
		case err != nil:
			t.Fatal(err)
		default:
			fmt.Fprintf(&b, "%s %s %s %s %s text=%q lang=%s links=%v domains=%v at=%v tags=%v media=%v reply=%s\n",
				a.Time.Format("2006-01-02"), a.Network, a.Account, a.Kind, a.ID, a.Text, a.Lang, a.Links, a.LinkDomains, a.Mentions, a.Hashtags, a.Media, a.ReplyTo)
		}
	}
}

const mastodonWant = `fault outbox.json, item 4: published: "yesterday" is not a time; expected one such as 2026-01-08T08:00:00Z
2026-01-01 mastodon mastodon/acme post 101 text="Bread\n\nNew loaf, see acme.example (https://acme.example/loaf)" lang=en links=[https://acme.example/loaf] domains=[acme.example] at=[jo bob@other.example] tags=[bread] media=[{ image media_attachments/files/1/a.png}] reply=
2026-01-04 mastodon mastodon/acme reply 104 text="more" lang= links=[] domains=[] at=[] tags=[] media=[] reply=101
2026-01-05 mastodon mastodon/acme message 105 text="psst" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
2026-01-06 mastodon mastodon/acme repost 106 text="" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
`

func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// unpacked writes files into a folder.
func unpacked(t testing.TB, files ...string) string {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(folder, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o600, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(files[i+1])) // into memory
	}
	_ = w.Close() // into memory
	return b.Bytes()
}

func gzipOf(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // into memory
	_ = w.Close()        // into memory
	return b.Bytes()
}

func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(files[i+1])) // into memory
	}
	_ = w.Close() // into memory
	return b.Bytes()
}

// TestMastodonForms reads the same archive in each form that it comes in.
func TestMastodonForms(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, data := range map[string]string{"actor.json": actor, "outbox.json": outbox} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name, path string
		owner      exports.Owner
	}{
		{"tar.gz as the server gives it", write(t, "a.tar.gz", gzipOf(tarOf(t, "outbox.json", outbox, "likes.json", "{}", "actor.json", actor))), acme()},
		{"tar", write(t, "a.tar", tarOf(t, "outbox.json", outbox, "actor.json", actor)), acme()},
		{"zip", write(t, "a.zip", zipOf(t, "actor.json", actor, "outbox.json", outbox)), acme()},
		{"folder", folder, acme()},
		{"the outbox alone does not say whose it is", filepath.Join(folder, "outbox.json"), exports.Owner{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: "mastodon", Account: "mastodon/acme"})
			if err != nil {
				t.Fatal(err)
			}
			if e.Owner != tt.owner {
				t.Errorf("owner %+v, want %+v", e.Owner, tt.owner)
			}
			if got := read(t, e); got != mastodonWant {
				t.Errorf("got\n%s\nwant\n%s", got, mastodonWant)
			}
			if got := fmt.Sprint(e.Left()); !strings.Contains(got, "{activities are neither posts nor boosts 1}") {
				t.Errorf("left out %s", got)
			}
		})
	}
}

func acme() exports.Owner {
	return exports.Owner{Handle: "acme@social.example", ID: "https://social.example/users/acme"}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	var got []string
	for _, name := range exports.Networks() {
		got = append(got, name+": "+exports.What(name))
	}
	want := []string{
		"x: X archive", "mastodon: Mastodon archive", "bluesky: Bluesky repository",
		"youtube: YouTube export of Google Takeout", "facebook: Facebook Page export", "instagram: Instagram export",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := exports.Open(t.Context(), t.TempDir(), exports.Options{Network: "gopher", Account: "gopher/acme"})
	if err == nil || err.Error() != `network "gopher": no exports of it are read; expected one of x, mastodon, bluesky, youtube, facebook, instagram` {
		t.Errorf("another network: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bomb := gzipOf(tarOf(t, "media/a.png", strings.Repeat("\x00", 70<<20), "outbox.json", outbox))
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"something else", []byte("hello"), "is neither a zip file nor a tar file"},
		{"no outbox", zipOf(t, "actor.json", actor), "holds no outbox.json"},
		{"a name that leads out is not opened, and not an outbox", zipOf(t, "../../outbox.jsonx", outbox), "holds no outbox.json"},
		{"two outboxes", zipOf(t, "a/outbox.json", outbox, "b/outbox.json", outbox), "outbox.json is in it twice"},
		{"zip bomb", zipOf(t, "outbox.json", strings.Repeat(" ", 70<<20)), "this may be a bomb"},
		{"gzip bomb before what is read", bomb, "this may be a bomb"},
		{"cut short", gzipOf(tarOf(t, "outbox.json", outbox))[:200], "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), write(t, "file", tt.file), exports.Options{Network: "mastodon", Account: "mastodon/acme"})
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

// FuzzMastodon: whatever an outbox holds, it is read to its end, and what comes
// of it is sound and in order of time.
func FuzzMastodon(f *testing.F) {
	f.Add([]byte(outbox))
	f.Add([]byte(`{"orderedItems":[{"type":"Create","published":"2026-01-01T00:00:00Z","object":{"id":"x/1","to":"y","content":"<"}}]}`))
	f.Add([]byte(`{"orderedItems":[`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, "outbox.json", data, exports.Options{Network: "mastodon", Account: "mastodon/acme"})
	})
}
