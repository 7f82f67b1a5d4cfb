package exports_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/exports"
)

// TestDamaged: an archive that says that its content is not what was packed is
// not learned from.
func TestDamaged(t *testing.T) {
	t.Parallel()
	var stored bytes.Buffer
	w := zip.NewWriter(&stored)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "outbox.json", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(outbox)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	gz, err := gzip.NewWriterLevel(&plain, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gz.Write(tarOf(t, "outbox.json", outbox)); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"a.zip": stored.Bytes(), "a.tar.gz": plain.Bytes()} {
		open := func(data []byte) error {
			e, err := exports.Open(t.Context(), write(t, name, data), exports.Options{Network: "mastodon", Account: "mastodon/acme"})
			if err == nil {
				read(t, e)
			}
			return err
		}
		if err := open(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		damaged := bytes.Replace(data, []byte("New loaf, see"), []byte("New l0af, see"), 1)
		if err := open(damaged); bytes.Equal(data, damaged) || err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s, damaged: %v", name, err)
		}
	}
}

// TestTakeoutOfNobody: of several channels of one Google account, a line that does
// not say whose it is is nobody's.
func TestTakeoutOfNobody(t *testing.T) {
	t.Parallel()
	const head = "Comment ID,Channel ID,Comment create timestamp,Comment text\n"
	files := []string{
		"comments.csv", head + "Ugx1,UCacme,2026-01-01T07:00:00Z,Ours\nUgx2,,2026-01-02T07:00:00Z,Whose?\nUgx3,UCbank,2026-01-03T07:00:00Z,Theirs\n",
		"comments(1).csv", "Comment ID,Comment create timestamp,Comment text\nUgx4,2026-01-04T07:00:00Z,Whose?\n",
	}
	e, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, files...)), exports.Options{Network: "youtube", Account: "youtube/acme", Names: []string{"UCacme"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, e); !strings.Contains(got, " Ugx1 ") || strings.Contains(got, "Whose?") || strings.Contains(got, "Theirs") {
		t.Errorf("got\n%s", got)
	}
	want := exports.Left{What: "videos and comments", Why: "there are several channels, and they do not say whose they are", N: 2}
	if left := e.Left(); len(left) == 0 || left[0] != want {
		t.Errorf("left %+v, want %+v", left, want)
	}
}

// TestMendedLinks: links of Facebook's export stand in it as texts do.
func TestMendedLinks(t *testing.T) {
	t.Parallel()
	const posts = `[{"timestamp":1767225600,"data":[{"post":"Loaf"}],"attachments":[{"data":[{"external_context":{"url":"https://b\u00c3\u00a4cker.example/caf\u00c3\u00a9"}}]}]}]`
	e, err := exports.Open(t.Context(), write(t, "profile_posts_1.json", []byte(posts)), exports.Options{Network: "facebook", Account: "facebook/acme"})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, e); !strings.Contains(got, "links=[https://bäcker.example/café] domains=[bäcker.example]") {
		t.Errorf("got\n%s", got)
	}
}

// TestToldPlainly: names of files and records come from whoever made the export,
// and what is told of them reaches a terminal.
func TestToldPlainly(t *testing.T) {
	t.Parallel()
	const dir, broken = "\x1b[2J\u202e/", `{"orderedItems":[{"type":"Create","published":"yesterday"}]}`
	repo := blueskytest.Repo{DID: "did:plc:acme", Rev: "3l3aaaaaaaa2a", Records: map[string]json.RawMessage{
		"app.bsky.feed.post/\x1b[2J": json.RawMessage(`{"$type":"app.bsky.feed.post","text":"Loaf"}`),
	}}
	data, err := repo.CAR()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, network, path string }{
		{"zip", "mastodon", write(t, "a.zip", zipOf(t, dir+"outbox.json", broken))},
		{"tar", "mastodon", write(t, "a.tar", tarOf(t, dir+"outbox.json", broken))},
		{"folder", "mastodon", unpacked(t, dir+"outbox.json", broken)},
		{"an error", "bluesky", write(t, "b.zip", zipOf(t, dir+"a.car", "no CAR file"))},
		{"channels", "youtube", write(t, "c.zip", zipOf(t, "comments.csv", "Comment ID,Comment create timestamp,Comment text\n", "channel.csv", "Channel ID\nUCa\nUC\x1b[2J\n"))},
		{"a record", "bluesky", write(t, "a.car", data)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: tt.network, Account: tt.network + "/acme"})
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = strings.TrimSpace(read(t, e))
			}
			if got == "" || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("told %q", got)
			}
		})
	}
}
