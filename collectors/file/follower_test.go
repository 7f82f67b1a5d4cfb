package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/intake"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// post returns a sound line without its line break.
func post(id string) string {
	return `{"id":"` + id + `","account":"x/acme","kind":"post","time":"2026-03-01T11:00:00Z","text":"hi"}`
}

// tail is a Follower with its file and cursor.
type tail struct {
	t      *testing.T
	dir    string
	cfg    file.Config
	f      *file.Follower
	cursor json.RawMessage
}

func newTail(t *testing.T, cfg file.Config) *tail {
	t.Helper()
	l := &tail{t: t, dir: t.TempDir(), cfg: cfg}
	l.cfg.Path = l.path("a.jsonl")
	l.restart()
	t.Cleanup(func() {
		if err := l.f.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// restart forgets everything but the cursor.
func (l *tail) restart() {
	l.t.Helper()
	if l.f != nil {
		if err := l.f.Close(); err != nil {
			l.t.Fatal(err)
		}
	}
	var err error
	if l.f, err = file.NewFollower(l.cfg, collectors.Deps{Now: now}); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tail) path(name string) string { return filepath.Join(l.dir, name) }

func (l *tail) append(name string, parts ...string) {
	l.t.Helper()
	f, err := os.OpenFile(l.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Join(parts, "")); err != nil {
		l.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tail) rename(from, to string) {
	l.t.Helper()
	if err := os.Rename(l.path(from), l.path(to)); err != nil {
		l.t.Fatal(err)
	}
}

// age has a file changed an hour ago: clocks of file systems tick too seldom to tell
// what follows at once.
func (l *tail) age(name string) {
	l.t.Helper()
	ago := time.Now().Add(-time.Hour)
	if err := os.Chtimes(l.path(name), ago, ago); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tail) remove(name string) {
	l.t.Helper()
	if err := os.Remove(l.path(name)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tail) copyTo(from, to string) {
	l.t.Helper()
	data, err := os.ReadFile(l.path(from))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(l.path(to), data, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *tail) truncate(name string) {
	l.t.Helper()
	if err := os.Truncate(l.path(name), 0); err != nil {
		l.t.Fatal(err)
	}
}

// poll polls once and moves the cursor.
func (l *tail) poll() collectors.Page {
	l.t.Helper()
	page, err := l.f.Poll(l.t.Context(), l.cursor)
	if err != nil {
		l.t.Fatal(err)
	}
	if len(page.Cursor) == 0 || len(page.Cursor) > collectors.MaxCursor {
		l.t.Fatalf("cursor of %d bytes", len(page.Cursor))
	}
	l.cursor = page.Cursor
	return page
}

// seen is what several polls yielded.
type seen struct {
	ids    []string
	faults []string
	gaps   []string
}

// drain polls until the Follower asks for no more.
func (l *tail) drain() seen {
	l.t.Helper()
	var s seen
	for range 10_000 {
		page := l.poll()
		for i := range page.Activities {
			s.ids = append(s.ids, page.Activities[i].ID)
		}
		for _, err := range page.Malformed {
			s.faults = append(s.faults, strings.ReplaceAll(err.Error(), l.dir+string(filepath.Separator), ""))
		}
		if page.Gap != nil {
			s.gaps = append(s.gaps, strings.ReplaceAll(page.Gap.Reason, l.dir+string(filepath.Separator), ""))
		}
		if !page.More {
			return s
		}
	}
	l.t.Fatal("a Follower that never has enough")
	return s
}

func (l *tail) want(ids string, gaps ...string) {
	l.t.Helper()
	s := l.drain()
	if got := strings.Join(s.ids, " "); got != ids {
		l.t.Errorf("read %q, want %q", got, ids)
	}
	if strings.Join(s.gaps, "\n") != strings.Join(gaps, "\n") {
		l.t.Errorf("gaps %q, want %q", s.gaps, gaps)
	}
	if len(s.faults) > 0 {
		l.t.Errorf("malformed: %q", s.faults)
	}
}

func TestFollow(t *testing.T) {
	for _, row := range []struct {
		name string
		run  func(l *tail)
	}{
		{"lines as they come", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n", post("2"), "\n")
			l.want("1 2")
			l.want("")
			l.append("a.jsonl", post("3"), "\n")
			l.want("3")
		}},
		{"CRLF, blank lines, byte order mark", func(l *tail) {
			l.append("a.jsonl", "\xef\xbb\xbf", post("1"), "\r\n\r\n  \n\n", post("2"), "\r\n")
			l.want("1 2")
		}},
		{"a partial line waits", func(l *tail) {
			whole := post("2")
			l.append("a.jsonl", post("1"), "\n", whole[:20])
			l.want("1")
			l.want("")
			l.append("a.jsonl", whole[20:])
			l.want("")
			l.append("a.jsonl", "\n")
			l.want("2")
		}},
		{"empty at first", func(l *tail) {
			l.append("a.jsonl")
			l.want("")
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
		}},
		{"a restart goes on", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.restart()
			l.want("")
			l.append("a.jsonl", post("2"), "\n")
			l.restart()
			l.want("2")
		}},
		{"rotated by renaming", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.rename("a.jsonl", "a.jsonl.1")
			l.want("2") // no successor yet
			l.append("a.jsonl.1", post("3"), "\n")
			l.append("a.jsonl")
			l.want("3") // an empty one: the writer may have the old one open
			l.append("a.jsonl.1", post("4"), "\n")
			l.append("a.jsonl", post("5"), "\n")
			l.want("4 5")
		}},
		{"rotated while stopped", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.rename("a.jsonl", "a.jsonl.1")
			l.append("a.jsonl", post("3"), "\n")
			l.restart()
			l.want("2 3")
		}},
		{"rotated three times while stopped", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			for _, id := range []string{"3", "4", "5"} {
				for n := 3; n >= 1; n-- {
					if _, err := os.Stat(l.path(fmt.Sprintf("a.jsonl.%d", n))); err == nil {
						l.rename(fmt.Sprintf("a.jsonl.%d", n), fmt.Sprintf("a.jsonl.%d", n+1))
					}
				}
				l.rename("a.jsonl", "a.jsonl.1")
				l.append("a.jsonl", post(id), "\n")
			}
			l.restart()
			l.want("2 3 4 5")
		}},
		{"rotated with a date before the extension", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.rename("a.jsonl", "a-2026-03-01T08-00-00.000.jsonl")
			l.append("a-2026-03-01T08-00-00.000.jsonl", post("2"), "\n")
			l.append("a.jsonl", post("3"), "\n")
			l.restart()
			l.want("2 3")
		}},
		{"moved under any name", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.rename("a.jsonl", "old")
			l.append("a.jsonl", post("3"), "\n")
			l.restart()
			l.want("2 3")
		}},
		{"the rotated file's last line lacks its line break", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n", post("2"))
			l.want("1")
			l.rename("a.jsonl", "a.jsonl.1")
			l.want("")
			l.append("a.jsonl", post("3"), "\n")
			l.want("2 3")
		}},
		{"deleted between polls of one process", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.remove("a.jsonl")
			l.append("a.jsonl", post("3"), "\n")
			l.want("2 3")
		}},
		{"deleted while stopped", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.rename("a.jsonl", "keeps-its-inode-from-being-used-again")
			l.append("a.jsonl", post("3"), "\n")
			l.remove("keeps-its-inode-from-being-used-again")
			l.restart()
			l.want("3", "a.jsonl was removed, compressed or replaced before it was read to its end: lines after line 1 may be lost; read older generations as history")
			l.want("")
		}},
		{"compressed while stopped, a later generation is there", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.rename("a.jsonl", "hold")
			l.append("a.jsonl.2.gz", "\x1f\x8b")
			l.append("a.jsonl.1", post("2"), "\n")
			later := time.Now().Add(time.Minute) // the clock of file times is coarse
			if err := os.Chtimes(l.path("a.jsonl.1"), later, later); err != nil {
				l.t.Fatal(err)
			}
			l.append("a.jsonl", post("3"), "\n")
			l.remove("hold")
			l.restart()
			l.want("2 3", "a.jsonl was removed, compressed or replaced before it was read to its end: lines after line 1 may be lost; read older generations as history")
		}},
		{"truncated", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n", post("2"), "\n")
			l.want("1 2")
			l.truncate("a.jsonl")
			l.want("", "a.jsonl was emptied or rewritten: lines after line 2 may be lost; read older generations as history")
			l.append("a.jsonl", post("3"), "\n")
			l.want("3")
		}},
		{"truncated and grown past the old position", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.truncate("a.jsonl")
			l.append("a.jsonl", post("2"), "\n", post("3"), "\n")
			l.want("2 3", "a.jsonl was emptied or rewritten: lines after line 1 may be lost; read older generations as history")
		}},
		{"copied and truncated", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.append("a.jsonl", post("2"), "\n")
			l.copyTo("a.jsonl", "a.jsonl.1")
			l.truncate("a.jsonl")
			l.want("2")
			l.append("a.jsonl", post("3"), "\n")
			l.want("3")
		}},
		{"restored to another inode", func(l *tail) {
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.copyTo("a.jsonl", "copy")
			l.append("copy", post("2"), "\n")
			l.remove("a.jsonl")
			l.rename("copy", "a.jsonl")
			l.restart()
			l.want("2")
		}},
		{"other files beside it are left alone", func(l *tail) {
			l.append("a.jsonl.bak", post("8"), "\n")
			l.append("a.jsonl.1.gz", post("7"), "\n")
			l.append("b.jsonl", post("9"), "\n")
			l.append("a.jsonl.1", post("6"), "\n") // older than the first poll: for OpenHistory
			l.age("a.jsonl.1")                     // its number says nothing of a.jsonl.2 below
			l.append("a.jsonl", post("1"), "\n")
			l.want("1")
			l.rename("a.jsonl", "a.jsonl.2")
			l.append("a.jsonl.bak", post("8"), "\n")
			l.append("a.jsonl", post("2"), "\n")
			l.want("2")
		}},
	} {
		t.Run(row.name, func(t *testing.T) { row.run(newTail(t, file.Config{})) })
	}
}

// TestBadLines holds that a bad line has one clear error, and that its
// neighbours are kept.
func TestBadLines(t *testing.T) {
	for _, row := range []struct{ name, line, want string }{
		{"not JSON", `hello`, "a.jsonl:2: byte 0: expected an activity (an object), found a word without quotes"},
		{"cut short", `{"id":"b","acc`, "a.jsonl:2: byte 14: expected a closing double quote, found the end of the input"},
		{"an array", `[{"id":"b"}]`, "a.jsonl:2: byte 0: expected an activity (an object), found a list"},
		{"two on a line", `{"id":"b"} {"id":"c"}`, "a.jsonl:2: byte 11: expected the end of the input, found an object"},
		{"unknown field", `{"id":"b","acount":"x/acme"}`, `a.jsonl:2: byte 19: acount: unknown field; did you mean "account"?`},
		{"unknown kind", `{"id":"b","account":"x/acme","kind":"pots","time":"2026-03-01T11:00:00Z"}`, `a.jsonl:2: kind: unknown kind "pots"; did you mean "post"?`},
		{"no time", `{"id":"b","account":"x/acme","kind":"post"}`, `a.jsonl:2: time: missing; expected when it happened, such as "2026-03-01T12:00:00Z"`},
		{"Latin-1", "{\"id\":\"b\xe9\"}", "a.jsonl:2: byte 8: id: invalid UTF-8: byte 0xe9; expected text encoded as UTF-8"},
		{"zero bytes of a crash", strings.Repeat("\x00", 64), `a.jsonl:2: byte 0: expected an activity (an object), found '\x00'`},
		{"kind poll", `{"id":"b","account":"x/acme","kind":"poll","time":"2026-03-01T11:00:00Z"}`, `a.jsonl:2: kind: kind is written by Picket only: "poll" is a collector's report about itself`},
		{"unknown account", `{"id":"b","account":"x/rival","kind":"post","time":"2026-03-01T11:00:00Z"}`, `a.jsonl:2: account "x/rival": account is not in the configuration`},
		{"too long", `{"id":"` + strings.Repeat("b", intake.MaxItem), "a.jsonl:2: item is too long: more than 1048576 bytes without a line break; it is passed over"},
		{"much too long", strings.Repeat("b", 3*intake.MaxItem), "a.jsonl:2: item is too long: more than 1048576 bytes without a line break; it is passed over"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := newTail(t, file.Config{Accept: func(account string) bool { return account != "x/rival" }})
			l.append("a.jsonl", post("a"), "\n", row.line, "\n", post("c"), "\n")
			s := l.drain()
			if got := strings.Join(s.ids, " "); got != "a c" {
				t.Errorf("read %q, want the neighbours %q", got, "a c")
			}
			if len(s.faults) != 1 || s.faults[0] != row.want {
				t.Errorf("malformed %q\n     want %q", s.faults, row.want)
			}
			l.append("a.jsonl", "{}\n") // lines go on being counted
			if s := l.drain(); len(s.faults) != 1 || !strings.HasPrefix(s.faults[0], "a.jsonl:4: ") {
				t.Errorf("malformed %q, want it on line 4", s.faults)
			}
		})
	}
}

// TestLongLineInParts holds that a line which is too long is reported once,
// however it arrives.
func TestLongLineInParts(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", post("a"), "\n", strings.Repeat("b", intake.MaxItem+100))
	first := l.drain()
	l.restart()
	l.append("a.jsonl", strings.Repeat("b", 100))
	second := l.drain()
	l.append("a.jsonl", "\n", post("c"), "\n")
	third := l.drain()
	if len(first.faults) != 1 || len(second.faults)+len(third.faults) != 0 {
		t.Errorf("malformed %q, %q, %q; want one, then none", first.faults, second.faults, third.faults)
	}
	if len(first.ids) != 1 || len(second.ids) != 0 || len(third.ids) != 1 || third.ids[0] != "c" {
		t.Errorf("read %q, %q, %q", first.ids, second.ids, third.ids)
	}
}

func TestPagesAreBounded(t *testing.T) {
	l := newTail(t, file.Config{})
	var lines strings.Builder
	for i := range 2500 {
		lines.WriteString(post(fmt.Sprint(i)) + "\n")
	}
	l.append("a.jsonl", lines.String())
	var sizes []int
	for more := true; more; {
		page := l.poll()
		sizes = append(sizes, len(page.Activities))
		more = page.More
	}
	if fmt.Sprint(sizes) != "[1000 1000 500]" {
		t.Errorf("pages of %v, want [1000 1000 500]", sizes)
	}

	wide := newTail(t, file.Config{})
	text := strings.Repeat("w", 60<<10)
	for i := range 40 {
		wide.append("a.jsonl", strings.ReplaceAll(post(fmt.Sprint(i)), `"hi"`, `"`+text+`"`), "\n")
	}
	total := 0
	for more := true; more; {
		page := wide.poll()
		if n := len(page.Activities); n > 17 {
			t.Errorf("page of %d activities of 60 KiB, want at most 17 (1 MiB)", n)
		}
		total += len(page.Activities)
		more = page.More
	}
	if total != 40 {
		t.Errorf("read %d, want 40", total)
	}
}

// TestSameCursorSameItems holds the contract: after a crash the same cursor
// yields the same items.
func TestSameCursorSameItems(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", post("1"), "\n")
	l.want("1")
	l.append("a.jsonl", post("2"), "\n", "bad\n", post("3"), "\n")
	for range 3 {
		page, err := l.f.Poll(t.Context(), l.cursor)
		if err != nil || len(page.Activities) != 2 || page.Activities[1].ID != "3" || len(page.Malformed) != 1 {
			t.Fatalf("page %+v, error %v", page, err)
		}
		l.restart()
	}
}

func TestQuietPollKeepsTheCursor(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", post("1"), "\n", "{")
	l.want("1")
	before := string(l.cursor)
	l.want("")
	if string(l.cursor) != before {
		t.Errorf("cursor moved from %s to %s without a line", before, l.cursor)
	}
}

func TestHistoryTeachesOnly(t *testing.T) {
	l := newTail(t, file.Config{History: true})
	l.append("a.jsonl", post("1"), "\n", post("2"), "\n", post("3")[:9])
	page := l.poll()
	if !page.Backfill || len(page.Activities) != 2 {
		t.Errorf("first page: backfill %v, %d activities; want what was there, as history", page.Backfill, len(page.Activities))
	}
	l.append("a.jsonl", post("3")[9:], "\n", post("4"), "\n")
	page = l.poll()
	if !page.Backfill || len(page.Activities) != 1 || page.Activities[0].ID != "3" || !page.More {
		t.Errorf("second page: %+v; want the line that had begun, as history, and more", page)
	}
	page = l.poll()
	if page.Backfill || len(page.Activities) != 1 || page.Activities[0].ID != "4" {
		t.Errorf("third page: %+v; want line 4, live", page)
	}
	live := newTail(t, file.Config{})
	live.append("a.jsonl", post("1"), "\n")
	if page := live.poll(); page.Backfill {
		t.Error("without History the first page is marked as history")
	}
}

func TestFollowApprovals(t *testing.T) {
	l := newTail(t, file.Config{Content: intake.Approvals})
	l.append("a.jsonl", `{"account":"x/acme","text":"We are hiring!","approvers":["ann"]}`, "\n", post("1"), "\n", `{"account":"x/acme","text":"Bye","id":"b"}`, "\n")
	page := l.poll()
	if len(page.Activities) != 2 || len(page.Malformed) != 1 {
		t.Fatalf("page %+v", page)
	}
	if a := page.Activities[0]; a.Kind != activity.KindApproval || a.Approval.Text != "We are hiring!" || !a.Time.Equal(now()) || a.Account != "x/acme" || a.ID == "" {
		t.Errorf("approval %+v", a)
	}
	const want = "a.jsonl:2: byte 35: kind: unknown field; expected one of id, account, text, links, media, approvers, valid_from, valid_until, max_uses, tool, time"
	if got := strings.ReplaceAll(page.Malformed[0].Error(), l.dir+"/", ""); got != want {
		t.Errorf("malformed %q, want %q", got, want)
	}
}

func TestGapBounds(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", post("1"), "\n")
	l.poll()
	l.truncate("a.jsonl")
	gap := l.poll().Gap
	if gap == nil || !gap.From.Equal(time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)) || !gap.Until.Equal(now()) {
		t.Errorf("gap %+v, want from the last activity until now", gap)
	}
}

func TestActivitiesKeepTheirMemory(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", strings.ReplaceAll(post("1"), `"hi"`, `"caf\u00e9 \n"`), "\n")
	first := l.poll().Activities[0]
	for i := range 50 {
		l.append("a.jsonl", strings.ReplaceAll(post(fmt.Sprint(i)), `"hi"`, `"\u0041\u0042"`), "\n")
	}
	l.drain()
	if first.ID != "1" || first.Text != "café \n" {
		t.Errorf("the first activity reads %q %q after later polls", first.ID, first.Text)
	}
}

func TestFollowerFaults(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name  string
		cfg   file.Config
		setup func(t *testing.T, path string)
		cur   string
		want  string
	}{
		{name: "no path", want: "follow a file: path is empty; give the path of a JSON-lines file"},
		{name: "compressed", cfg: file.Config{Path: "a.jsonl.gz"}, want: "follow a.jsonl.gz: compressed files do not grow line by line; follow the plain file, or read this one as history"},
		{name: "content", cfg: file.Config{Path: "a", Content: "alerts"}, want: `follow a: content "alerts"; expected "activities" or "approvals"`},
		{name: "absent", cfg: file.Config{Path: filepath.Join(dir, "none")}, want: "follow none: stat none: no such file or directory; create it or correct the path"},
		{name: "absent folder", cfg: file.Config{Path: filepath.Join(dir, "no", "none")}, want: "follow no/none: open no/: no such file or directory"},
		{name: "a folder", cfg: file.Config{Path: filepath.Join(dir, "folder")}, setup: func(t *testing.T, path string) {
			t.Helper()
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, want: "follow folder: is a folder; expected a regular file"},
		{name: "broken cursor", cfg: file.Config{Path: filepath.Join(dir, "none")}, cur: `{"v":1,"offset":"x"}`, want: "file cursor: json: cannot unmarshal string into Go struct field cursor.offset of type int64"},
		{name: "newer cursor", cfg: file.Config{Path: filepath.Join(dir, "none")}, cur: `{"v":2,"offset":0,"line":0}`, want: "file cursor: version 2, expected 1: a newer Picket wrote it"},
		{name: "negative cursor", cfg: file.Config{Path: filepath.Join(dir, "none")}, cur: `{"v":1,"offset":-1,"line":0}`, want: "file cursor: negative offset -1, line 0 or history 0"},
		{name: "cursor with a bad hash", cfg: file.Config{Path: filepath.Join(dir, "none")}, cur: `{"v":1,"offset":9,"line":0,"head":"zz","head_len":2}`, want: `file cursor: head "zz" is not a SHA-256 in hex`},
		{name: "cursor with a head beyond its offset", cfg: file.Config{Path: filepath.Join(dir, "none")}, cur: `{"v":1,"offset":1,"line":0,"head":"` + strings.Repeat("00", 32) + `","head_len":2}`, want: "file cursor: head_len 2 does not fit offset 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.setup != nil {
				row.setup(t, row.cfg.Path)
			}
			f, err := file.NewFollower(row.cfg, collectors.Deps{Now: now})
			if err == nil {
				_, err = f.Poll(t.Context(), json.RawMessage(row.cur))
			}
			if err == nil {
				t.Fatalf("no error, want %s", row.want)
			}
			if got := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""); got != row.want {
				t.Errorf("error %q\n want %q", got, row.want)
			}
		})
	}
}

// TestStrangeNeighbour: what lies in the folder beside the file and cannot be
// looked at keeps nobody from following it; an older generation that cannot does.
func TestStrangeNeighbour(t *testing.T) {
	l := newTail(t, file.Config{})
	l.append("a.jsonl", post("1"), "\n")
	if err := os.Symlink("loop", l.path("loop")); err != nil {
		t.Fatal(err)
	}
	l.want("1")
	if err := os.Symlink("a.jsonl.1", l.path("a.jsonl.1")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.f.Poll(t.Context(), l.cursor); err == nil || !strings.Contains(err.Error(), "a.jsonl.1") {
		t.Errorf("error %v, want one about a.jsonl.1", err)
	}
}

func TestCancelledPoll(t *testing.T) {
	l := newTail(t, file.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.f.Poll(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// TestLinkToDatedFile: the live path is a link to the newest of dated files beside
// it, as writers that rotate by the date keep one.
func TestLinkToDatedFile(t *testing.T) {
	for _, name := range []string{"a-2026-03-01.jsonl", "a.jsonl.20260301", "elsewhere.log"} {
		t.Run(name, func(t *testing.T) {
			l := newTail(t, file.Config{})
			l.append(name, post("1"), "\n", post("2"))
			if err := os.Symlink(name, l.path("a.jsonl")); err != nil {
				t.Fatal(err)
			}
			l.want("1")
			l.append(name, "\n")
			l.want("2")
			l.want("")
			second := strings.NewReplacer("03-01", "03-02", "0301", "0302", "elsewhere", "other").Replace(name)
			l.append(name, post("3"), "\n")
			l.append(second, post("4"), "\n")
			l.remove("a.jsonl")
			if err := os.Symlink(second, l.path("a.jsonl")); err != nil {
				t.Fatal(err)
			}
			l.want("3 4")
			l.restart()
			l.append(second, post("5"), "\n")
			l.want("5")
			l.want("")
		})
	}
}
