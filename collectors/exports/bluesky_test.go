package exports_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/bluesky/blueskytest"
	"github.com/picketd/picket/collectors/exports"
)

const blueskyDID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"

func car(t testing.TB) []byte {
	t.Helper()
	data, err := blueskytest.Repo{DID: blueskyDID, Rev: "3mgfgsnrr5k2a", Records: map[string]json.RawMessage{
		// In the order of keys, which is not that of time.
		"app.bsky.feed.post/a": json.RawMessage(`{"$type":"app.bsky.feed.post","text":"Second loaf #bread","createdAt":"2026-01-02T08:00:00Z","langs":["en"]}`),
		"app.bsky.feed.post/b": json.RawMessage(`{"$type":"app.bsky.feed.post","text":"First loaf","createdAt":"2026-01-01T08:00:00Z"}`),
		"app.bsky.feed.post/c": json.RawMessage(`{"$type":"app.bsky.feed.post","text":7}`),
		"app.bsky.feed.like/d": json.RawMessage(`{"$type":"app.bsky.feed.like"}`),
	}}.CAR()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestBlueskyForms(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "repo.car"), car(t), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `fault repo.car, item 3: app.bsky.feed.post/c: text: json: cannot unmarshal number into Go value of type string
2026-01-01 bluesky bluesky/acme post at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/b text="First loaf" lang= links=[] domains=[] at=[] tags=[] media=[] reply=
2026-01-02 bluesky bluesky/acme post at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/a text="Second loaf #bread" lang=en links=[] domains=[] at=[] tags=[] media=[] reply=
`
	tests := []struct{ name, path string }{
		{"alone", filepath.Join(folder, "repo.car")},
		{"folder", folder},
		{"zip", write(t, "a.zip", zipOf(t, "repo.car", string(car(t))))},
		{"tar.gz", write(t, "a.tar.gz", gzipOf(tarOf(t, "repo.car", string(car(t)))))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: "bluesky", Account: "bluesky/acme"})
			if err != nil {
				t.Fatal(err)
			}
			if owner := (exports.Owner{ID: blueskyDID}); e.Owner != owner {
				t.Errorf("owner %+v, want %+v", e.Owner, owner)
			}
			if got := read(t, e); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if got := fmt.Sprint(e.Left()); !strings.Contains(got, "likes, follows and other records Picket learns from posts, reposts and the profile 1") {
				t.Errorf("left out %s", got)
			}
		})
	}
}

// TestBlueskyFromMac: archives made on a Mac hold another file beside each.
func TestBlueskyFromMac(t *testing.T) {
	t.Parallel()
	archive := write(t, "a.zip", zipOf(t, "__MACOSX/._repo.car", "Mac OS X", "repo.car", string(car(t)), "._repo.car", "Mac OS X"))
	e, err := exports.Open(t.Context(), archive, exports.Options{Network: "bluesky", Account: "bluesky/acme"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Owner.ID != blueskyDID {
		t.Errorf("owner %+v", e.Owner)
	}
}

func TestBlueskyRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"no repository", zipOf(t, "a.json", "{}"), "holds no .car file"},
		{"two", zipOf(t, "a.car", string(car(t)), "b.car", string(car(t))), "more than one .car file"},
		{"something else", zipOf(t, "a.car", "hello, world"), "open Bluesky repository: a.car: is no CAR file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := exports.Open(t.Context(), write(t, "file", tt.file), exports.Options{Network: "bluesky", Account: "bluesky/acme"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzBluesky: whatever a repository holds, it is read to its end, and what comes
// of it is sound and in order of time.
func FuzzBluesky(f *testing.F) {
	f.Add(car(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		sound(t, "repo.car", data, exports.Options{Network: "bluesky", Account: "bluesky/acme"})
	})
}

// sound reads an export of one file to its end.
func sound(t *testing.T, name string, data []byte, opts exports.Options) {
	t.Helper()
	e, err := exports.Open(t.Context(), write(t, name, data), opts)
	if err != nil {
		return // told as a whole
	}
	last := int64(-1 << 63)
	for {
		a, err := e.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if _, ok := errors.AsType[*exports.ItemError](err); ok {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Validate(); err != nil {
			t.Errorf("unsound: %v", err)
		}
		if at := a.Time.UnixNano(); a.Time.Year() > 1700 && a.Time.Year() < 2200 {
			if at < last {
				t.Errorf("%s comes after a later one", a.ID)
			}
			last = at
		}
	}
}
