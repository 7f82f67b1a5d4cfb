package trial

import (
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// written is a file of a test, made from its end to its beginning.
const written = `{"id":"3","network":"x","account":"x/acme","kind":"post","time":"2026-03-03T08:00:00Z","text":"three"}
{"id":"2","network":"x","account":"x/bank","kind":"post","time":"2026-03-02T08:00:00Z","text":"two"}
{"id":"1","network":"x","account":"x/acme","kind":"post","time":"2026-03-01T08:00:00Z","text":"one"}
{"id":"1","network":"x","account":"x/acme","kind":"post","time":"2026-03-01T08:00:00Z","text":"one"}
{"id":"9","network":"x","account":"x/acme","kind":"followers","time":"2026-03-01T08:00:00Z","metrics":{"followers":7}}
not an activity
`

func keep(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return keep(t, "lines.jsonl.gz", b.String())
}

// archive is X's data archive with two posts, a deleted one and a login.
func archive(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	w := zip.NewWriter(&b)
	for name, data := range map[string]string{
		"data/account.js":        `window.YTD.account.part0 = [{"account": {"username": "acme"}}]`,
		"data/manifest.js":       `window.__THAR_CONFIG = {"archiveInfo": {"generationDate": "2026-03-09T08:00:00.000Z"}}`,
		"data/profile.js":        `window.YTD.profile.part0 = [{"profile": {"description": {"bio": "Bread"}}}]`,
		"data/tweets.js":         `window.YTD.tweets.part0 = [{"tweet": {"id_str": "2", "created_at": "Mon Mar 02 08:00:00 +0000 2026", "full_text": "two"}}, {"tweet": {"id_str": "1", "created_at": "Sun Mar 01 08:00:00 +0000 2026", "full_text": "one"}}]`,
		"data/deleted-tweets.js": `window.YTD.deleted_tweets.part0 = [{"tweet": {"id_str": "3", "created_at": "Tue Mar 03 08:00:00 +0000 2026", "deleted_at": "Wed Mar 04 08:00:00 +0000 2026", "full_text": "three"}}]`,
		"data/ip-audit.js":       `window.YTD.ip_audit.part0 = [{"ipAudit": {"createdAt": "2026-03-05T08:00:00.000Z", "loginIp": "192.0.2.7"}}]`,
	} {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return keep(t, "archive.zip", b.String())
}

func TestReadFile(t *testing.T) {
	rows := []struct {
		name string
		path string
		opts FileOptions
		want string // origin, then account and id of each, then what was left out
	}{
		{"lines", keep(t, "lines.jsonl", written), FileOptions{}, "lines: x/acme 1, x/bank 2, x/acme 3; 1 twice, 1 unreadable"},
		{"packed lines", packed(t, written), FileOptions{}, "lines: x/acme 1, x/bank 2, x/acme 3; 1 twice, 1 unreadable"},
		{"one account", keep(t, "lines.jsonl", written), FileOptions{Account: "x/acme"}, "lines: x/acme 1, x/acme 3; 1 twice, 1 unreadable"},
		{"since", keep(t, "lines.jsonl", written), FileOptions{Since: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}, "lines: x/bank 2, x/acme 3; 1 twice, 1 unreadable"},
		{"archive", archive(t), FileOptions{}, "archive: x/acme 1, x/acme 2, x/acme 3, x/acme 3, x/acme ip-audit/2026-03-05T08:00:00Z/192.0.2.7; 0 twice, 0 unreadable"},
		{"archive of a name", archive(t), FileOptions{Account: "x/bank", Since: time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)}, "archive: x/bank 3, x/bank ip-audit/2026-03-05T08:00:00Z/192.0.2.7; 0 twice, 0 unreadable"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			h, err := ReadFile(t.Context(), row.path, row.opts)
			if err != nil {
				t.Fatal(err)
			}
			var items []string
			for i := range h.Activities {
				items = append(items, h.Activities[i].Account+" "+h.Activities[i].ID)
			}
			got := fmt.Sprintf("%s: %s; %d twice, %d unreadable", h.Origin, strings.Join(items, ", "), h.Duplicates, h.Unreadable)
			if got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
}

func TestReadFileFaults(t *testing.T) {
	const forms = " Give the zip file that X sent, the folder that it unpacks to, or JSON lines in Picket's form."
	cut := packed(t, written)
	data, err := os.ReadFile(cut)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, data[:len(data)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name string
		path string
		opts FileOptions
		want string // PATH stands for the path
	}{
		{"no file", filepath.Join(t.TempDir(), "none"), FileOptions{}, "there is no file PATH. Check the path."},
		{"empty", keep(t, "empty.jsonl", ""), FileOptions{}, "PATH is empty: there is nothing to judge. Give a file with some history."},
		{"other text", keep(t, "letter.txt", "Dear Sir,\n"), FileOptions{}, "PATH is no X archive, and its lines are no activities (PATH:1: byte 0: expected an activity (an object), found a word without quotes)." + forms},
		{"no archive", keep(t, "some.zip", "PK\x03\x04 and so on"), FileOptions{}, "PATH cannot be read: zip: zip: not a valid zip file; the download may be incomplete." + forms},
		{"a folder without an archive", t.TempDir(), FileOptions{}, "PATH cannot be read: account.js does not name the account; say which connected account this is, such as x/acme." + forms},
		{"cut short", cut, FileOptions{}, "PATH cannot be read to its end: PATH: unexpected EOF: the file is damaged or cut short; the lines before stand. Copy or download it again."},
		{"another account", keep(t, "lines.jsonl", written[:strings.Index(written, "not an")]), FileOptions{Account: "x/other"}, "PATH holds nothing of x/other. Check --account, or leave it out."},
		{"too old", keep(t, "lines.jsonl", written), FileOptions{Since: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}, "PATH holds nothing since 1 Apr 2026; its newest item is of 3 Mar 2026. Give a longer --since, or none."},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := ReadFile(t.Context(), row.path, row.opts)
			told, ok := errors.AsType[*Fault](err)
			if !ok {
				t.Fatalf("no fault for a person: %v", err)
			}
			if got := strings.ReplaceAll(told.Error(), row.path, "PATH"); got != row.want {
				t.Errorf("%s\nwant %s", got, row.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ReadFile(ctx, keep(t, "lines.jsonl", written), FileOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
