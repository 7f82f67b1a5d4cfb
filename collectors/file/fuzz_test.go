package file_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/picketd/picket/collectors/file"
)

// FuzzArchive holds that no data file panics, that reading ends, that
// activities are sound and in order of time, and that every fault names its
// place.
func FuzzArchive(f *testing.F) {
	names := []string{"tweets.js", "deleted-tweets.js", "ip-audit.js", "profile.js", "account.js", "manifest.js"}
	for i, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", "archive", "data", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, uint8(i))
	}
	f.Add([]byte(`window.YTD.tweets.part0 = [{},{"tweet":{"id_str":"1","created_at":"Mon Jan 05 06:00:00 +0000 2026"}}]`), uint8(0))
	f.Add([]byte(`window.YTD.tweets.part0 = [{"tweet":{"id_str":"1"}`), uint8(0))
	f.Add([]byte("window.YTD.deleted_tweets.part0 = [,]"), uint8(1))
	f.Add([]byte("window.YTD.ip_audit.part0 = [null]"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, names[int(which)%len(names)]), data, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := file.OpenHistory(t.Context(), dir, file.Options{Account: "x/acme"})
		if err != nil {
			return
		}
		defer func() { _ = h.Close() }()
		check(t, h, true)
	})
}

// FuzzHistoryFile does the same for a single file, whatever it turns out to be.
func FuzzHistoryFile(f *testing.F) {
	f.Add([]byte(post("1") + "\nbad\n" + post("2")))
	f.Add([]byte("\xef\xbb\xbf" + post("1") + "\r\n\r\n"))
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	path := filepath.Join(f.TempDir(), "a")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		h, err := file.OpenHistory(t.Context(), path, file.Options{})
		if err != nil {
			return
		}
		defer func() { _ = h.Close() }()
		check(t, h, false)
	})
}

// check reads a history to its end.
func check(t *testing.T, h *file.History, sorted bool) {
	t.Helper()
	var last int64
	for range 100_000 {
		a, err := h.Next()
		item, isItem := errors.AsType[*file.ItemError](err)
		switch {
		case isItem:
			if item.File == "" || item.Line < 1 || item.Err == nil {
				t.Fatalf("fault %+v", item)
			}
		case errors.Is(err, io.EOF):
			if _, err := h.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("after the end: %v", err)
			}
			return
		case err != nil:
			if _, again := h.Next(); again == nil {
				t.Fatalf("reading went on after %v", err)
			}
			return
		default:
			if err := a.Validate(); err != nil {
				t.Fatalf("activity is invalid: %v", err)
			}
			// The profile comes last, as of the archive's making.
			if sorted && a.Kind != "profile" && a.Time.Unix() < last {
				t.Fatal("activities are not in order of time")
			}
			last = a.Time.Unix()
		}
	}
	t.Fatal("a history without end")
}
