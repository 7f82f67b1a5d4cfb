package file_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/file"
)

// TestEachLineOnce appends, rotates, copies and truncates, restarts and polls
// at random, and holds that each line is read exactly once and in order, bad
// ones included. Truncation happens only where everything was copied before,
// so nothing may be lost.
func TestEachLineOnce(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &writer{tail: newTail(t, file.Config{}), rnd: rand.New(rand.NewPCG(seed, 7)), clock: time.Now().Add(-time.Hour)}
			w.append("a.jsonl")
			w.collect() // what was rotated before the first poll is not followed
			for range 120 {
				w.step()
			}
			w.flush()
			w.collect()
			if len(w.want) < 50 {
				t.Fatalf("only %d lines were written", len(w.want))
			}
			for i := range max(len(w.got), len(w.want)) {
				if i >= len(w.got) || i >= len(w.want) || w.got[i] != w.want[i] {
					t.Fatalf("line %d: read %v, want %v", i, w.got[min(i, len(w.got)):], w.want[min(i, len(w.want)):])
				}
			}
			if w.gotBad != w.wantBad {
				t.Errorf("%d bad lines reported, want %d", w.gotBad, w.wantBad)
			}
		})
	}
}

// writer is a program that logs, and the tool that rotates its log.
type writer struct {
	*tail
	rnd   *rand.Rand
	clock time.Time
	part  string // of a line that is begun
	n     int
	want  []string
	got   []string

	wantBad, gotBad int
}

func (w *writer) step() {
	switch p := w.rnd.IntN(100); {
	case p < 50:
		w.line()
	case p < 58:
		w.flush()
		w.shift()
		w.rename("a.jsonl", "a.jsonl.1")
		w.append("a.jsonl")
		w.line() // the writer has opened the new one
	case p < 64 && w.part == "":
		w.line()
		w.flush()
		w.collect() // a copy is known by what was read of it
		w.line()
		w.flush()
		w.shift()
		w.copyTo("a.jsonl", "a.jsonl.1")
		w.stamp("a.jsonl.1")
		w.truncate("a.jsonl")
	case p < 72:
		w.restart()
	default:
		w.collect()
	}
}

// line appends one line, sometimes bad or blank, sometimes in two writes.
func (w *writer) line() {
	w.flush()
	w.n++
	id := fmt.Sprint(w.n)
	text := strings.ReplaceAll(post(id), `"hi"`, `"`+strings.Repeat("x", w.rnd.IntN(300))+`"`)
	switch w.rnd.IntN(10) {
	case 0:
		text = "bad " + id
		w.wantBad++
	case 1:
		w.write("\n")
		w.want = append(w.want, id)
	default:
		w.want = append(w.want, id)
	}
	cut := len(text)
	if w.rnd.IntN(3) == 0 {
		cut = w.rnd.IntN(len(text))
	}
	w.write(text[:cut])
	w.part = text[cut:] + "\n"
	if w.rnd.IntN(2) == 0 {
		w.flush()
	}
}

// flush ends the line that is begun.
func (w *writer) flush() {
	if w.part != "" {
		w.write(w.part)
		w.part = ""
	}
}

func (w *writer) write(s string) {
	w.t.Helper()
	w.append("a.jsonl", s)
	w.stamp("a.jsonl")
}

// stamp sets a file's time: the system's own are too coarse to tell quick
// rotations apart.
func (w *writer) stamp(name string) {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	if err := os.Chtimes(w.path(name), w.clock, w.clock); err != nil {
		w.t.Fatal(err)
	}
}

// shift makes room for generation 1.
func (w *writer) shift() {
	w.t.Helper()
	last := 1
	for ; ; last++ {
		if _, err := os.Stat(w.path(fmt.Sprintf("a.jsonl.%d", last))); err != nil {
			break
		}
	}
	for ; last > 1; last-- {
		w.rename(fmt.Sprintf("a.jsonl.%d", last-1), fmt.Sprintf("a.jsonl.%d", last))
	}
	if _, err := os.Stat(w.path("a.jsonl")); err != nil {
		w.append("a.jsonl")
	}
}

// collect polls until nothing more is there.
func (w *writer) collect() {
	w.t.Helper()
	if _, err := os.Stat(w.path("a.jsonl")); err != nil {
		return
	}
	for {
		page := w.poll()
		if page.Gap != nil {
			w.t.Errorf("gap: %s", page.Gap.Reason)
		}
		for i := range page.Activities {
			w.got = append(w.got, page.Activities[i].ID)
		}
		w.gotBad += len(page.Malformed)
		if !page.More {
			return
		}
	}
}

// FuzzCursor holds that no cursor panics, and that one which is accepted gives
// a page whose cursor is accepted too.
func FuzzCursor(f *testing.F) {
	dir := f.TempDir()
	path := dir + "/a.jsonl"
	if err := os.WriteFile(path, []byte(post("1")+"\n"+post("2")+"\nbad\n"+post("3")), 0o600); err != nil {
		f.Fatal(err)
	}
	follower, err := file.NewFollower(file.Config{Path: path}, collectors.Deps{Now: now})
	if err != nil {
		f.Fatal(err)
	}
	page, err := follower.Poll(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(page.Cursor))
	for _, seed := range []string{``, `null`, `{"v":1,"offset":0,"line":0}`, `{"v":1,"offset":9223372036854775807,"line":0}`, `{"v":1,"offset":5,"line":1,"history":80}`, `{"v":1,"offset":7,"line":0,"skipping":true}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, cursor []byte) {
		fresh, err := file.NewFollower(file.Config{Path: path}, collectors.Deps{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = fresh.Close() }()
		for range 3 {
			page, err := fresh.Poll(t.Context(), cursor)
			if err != nil {
				return
			}
			if !json.Valid(page.Cursor) {
				t.Fatalf("cursor %q", page.Cursor)
			}
			cursor = page.Cursor
		}
	})
}
