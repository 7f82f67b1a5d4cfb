package file

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManyWindows holds that an archive which does not fit into one window
// comes out whole and in order.
func TestManyWindows(t *testing.T) {
	const items = 500
	var parts [2]strings.Builder
	var want []string
	for i := range items {
		n := i * 37 % items // out of order
		p := &parts[i%2]
		if p.Len() > 0 {
			p.WriteString(",\n")
		}
		fmt.Fprintf(p, `{"tweet":{"id_str":"%d","created_at":"Mon Jan 05 06:%02d:%02d +0000 2026","full_text":"hi"}}`, 1000+n, n/60, n%60)
		want = append(want, fmt.Sprint(1000+i))
	}
	files := map[string]string{
		"tweets.js":       "window.YTD.tweets.part0 = [" + parts[0].String() + "]",
		"tweets-part1.js": "window.YTD.tweets.part1 = [" + parts[1].String() + "]",
	}
	dir := t.TempDir()
	folder, zipped := filepath.Join(dir, "data"), filepath.Join(dir, "a.zip")
	out, err := os.Create(zipped)
	if err = errors.Join(err, os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(out)
	for name, content := range files {
		entry, err := w.Create("data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(entry, content); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, zipped} {
		src, err := openSource(t.Context(), path, Options{Account: "x/acme"})
		if err != nil {
			t.Fatal(err)
		}
		a, ok := src.(*archive)
		if !ok {
			t.Fatalf("opened as %T", src)
		}
		a.size = 4 << 10
		windows, largest := 0, 0
		var got []string
		for {
			if _, ok := a.window[a.at]; !ok {
				windows++
			}
			act, err := a.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, len(a.window)+1)
			got = append(got, act.ID)
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: read %d items, want %d in order", path, len(got), items)
		}
		if windows < 10 || largest > 30 {
			t.Errorf("%s: %d windows of up to %d items, want several small ones", path, windows, largest)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
	}
}
