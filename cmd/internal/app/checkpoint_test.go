package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// savingWorker is a worker without a journal that saves in a directory.
func savingWorker(t *testing.T, dir string) *worker {
	t.Helper()
	plan, err := detector.Compile(detector.Set{})
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{
		saver: saver{files: checkpointsOf(dir, 0)}, metrics: noMetrics{}, log: zap.NewNop(), sink: &sink{},
		heads: newHeadTable(nil), engine: detector.NewEngine(0, plan, detector.EngineOptions{}), writeCtx: t.Context(),
		told: 1 << 40, // nothing is marked beside the log
	}
	w.reports = newReporter(w)
	w.outbox = &outbox{flying: math.MaxUint64} // nothing is passed on
	w.outbox.changed = sync.NewCond(&w.outbox.mu)
	t.Cleanup(w.writing.Wait)
	return w
}

// take gives the worker a message about an account.
func (w *worker) take(seq uint64) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Second)
	a := activity.Activity{ID: fmt.Sprint(seq), Network: "x", Account: fmt.Sprintf("x/account-%d", seq), Kind: activity.KindPost, Time: at}
	w.engine.Apply(seq, at, &activity.Batch{Activities: []activity.Activity{a}})
	w.last, w.haveOne, w.unsaved = journal.Message{Sequence: seq, Time: at}, true, true
	w.heads.set(fmt.Sprint("source-", seq), collectors.Checkpoint{Cursor: []byte(fmt.Sprint(seq))})
}

// TestReadingEndsWhileSaving holds that a checkpoint of which only a part is copied
// keeps no worker from ending, so that the partition is read anew, and that what
// there is of it is no checkpoint.
func TestReadingEndsWhileSaving(t *testing.T) {
	for _, row := range []struct {
		name   string
		before bool // there is a checkpoint already, to which one is added
		steps  int  // copied
		saved  int  // checkpoints in the end
	}{
		{"nothing copied", false, 0, 0},
		{"all copied", false, math.MaxInt, 1},
		{"nothing copied of an increment", true, 0, 1},
		{"an increment copied", true, math.MaxInt, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := savingWorker(t, t.TempDir())
			w.take(1)
			if row.before {
				for range 2 { // the second is whole, too: there is no previous file yet
					if err := w.saveNow(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.take(2)
			}
			w.save()
			for i := 0; i < row.steps && w.saving.chunks != nil; i++ {
				w.goOn(t.Context())
			}
			w.endSaving()
			all, err := readCheckpoints(w.saver.files.newest)
			if len(all) != row.saved || (err != nil) != (row.saved == 0) {
				t.Errorf("%d checkpoints, %v; want %d", len(all), err, row.saved)
			}
		})
	}
}

// saveNow saves and waits for it, and returns what became of it.
func (w *worker) saveNow(ctx context.Context) error {
	w.save()
	for w.saving.chunks != nil {
		w.goOn(ctx)
	}
	s := w.saving
	err := <-s.done
	w.saving = nil
	w.saved(ctx, s, err)
	return err
}

// restored returns what a checkpoint holds: its engine's memory and its heads.
func restored(t *testing.T, w *worker, c *checkpoint) ([]byte, heads) {
	t.Helper()
	e := detector.NewEngine(0, w.engine.Plan(), detector.EngineOptions{})
	l := e.Load()
	all, err := c.load(l.Add)
	if err := errors.Join(err, l.Finish()); err != nil {
		t.Fatal(err)
	}
	memory, err := e.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return memory, all
}

// TestSegments saves again and again: each segment restores to the memory and the
// heads of its moment, and the previous file is what the newest was.
func TestSegments(t *testing.T) {
	w := savingWorker(t, t.TempDir())
	var want [][]byte
	for seq := range uint64(6) {
		w.take(seq + 1)
		if err := w.saveNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		memory, err := w.engine.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, memory)
	}
	older, err := readCheckpoints(w.saver.files.previous)
	if err != nil || len(older) != 1 {
		t.Fatalf("%d previous checkpoints (%v), want the first", len(older), err)
	}
	newer, err := readCheckpoints(w.saver.files.newest)
	if err != nil || len(newer) != 5 {
		t.Fatalf("%d checkpoints (%v), want 5", len(newer), err)
	}
	for i, c := range append(older, newer...) {
		memory, all := restored(t, w, c)
		if c.Mark.Sequence != uint64(i+1) || !bytes.Equal(memory, want[i]) || len(all) != i+1 || string(all[fmt.Sprint("source-", i+1)].Cursor) != fmt.Sprint(i+1) {
			t.Errorf("checkpoint %d of sequence %d is not its moment; %d heads", i, c.Mark.Sequence, len(all))
		}
	}
}

// TestDamage changes every byte of the newest file in turn, and cuts it off at
// every place: what is read are checkpoints before the damage, never another one,
// and an error says what is wrong.
func TestDamage(t *testing.T) {
	w := savingWorker(t, t.TempDir())
	var ends []int64
	for seq := range uint64(4) {
		w.take(seq + 1)
		if err := w.saveNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		if ends = append(ends, w.saver.end); seq == 0 {
			ends = nil // the previous file's
		}
	}
	whole, err := os.ReadFile(w.saver.files.newest)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "damaged")
	check := func(at int, data []byte, cut bool) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		for want < len(ends) && ends[want] <= int64(at) {
			want++
		}
		got, err := readCheckpoints(path)
		clean := cut && want > 0 && ends[want-1] == int64(at)
		if len(got) != want || (err == nil) != clean || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("damage at %d (cut: %v): %d checkpoints (%v), want %d", at, cut, len(got), err, want)
		}
		for i, c := range got {
			if c.end != ends[i] || c.Mark.Sequence != uint64(i+2) {
				t.Errorf("damage at %d: checkpoint %d of sequence %d ends at %d", at, i, c.Mark.Sequence, c.end)
			}
		}
	}
	for at := 0; at < len(whole); at += 1 + at%29 {
		data := slices.Clone(whole)
		data[at] ^= 0x10
		check(at, data, false)
		check(at, whole[:at], true)
	}
}

func TestOtherFilesAreNoCheckpoints(t *testing.T) {
	for _, row := range []struct{ name, data, want string }{
		{"empty", "", "none, or one of another version"},
		{"of version 1", "picket checkpoint sha256 00\n{}", "none, or one of another version"},
		{"nothing in it", checkpointMagic, "torn or damaged"},
		{"a block longer than the file", checkpointMagic + string(binary.LittleEndian.AppendUint32([]byte{'m'}, 1<<31)), "torn or damaged"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, []byte(row.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readCheckpoints(path); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
	if _, err := readCheckpoints(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, errNoCheckpoint) {
		t.Errorf("no file: %v", err)
	}
}

// TestNoRoomForCheckpoints fills the disk: saving fails and says so, what was
// saved before stays, and with room again the next checkpoint is whole.
func TestNoRoomForCheckpoints(t *testing.T) {
	s := &site{dir: t.TempDir()}
	s.smallDisk(t, "2m")
	w := savingWorker(t, s.data())
	for seq := range uint64(3) {
		w.take(seq + 1)
		if err := w.saveNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	free := s.fill(t, 0)
	for seq := range uint64(500) { // more than fits in what is left of a page
		w.take(4 + seq)
	}
	if err := w.saveNow(t.Context()); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("on a full disk: %v", err)
	}
	if !w.unsaved {
		t.Error("a checkpoint that failed is not tried again until something comes")
	}
	w.take(504)
	if err := w.saveNow(t.Context()); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("on a full disk, whole: %v", err)
	}
	sequences := func() (out []uint64) {
		all, err := readCheckpoints(w.saver.files.newest)
		if err != nil {
			t.Error(err)
		}
		for _, c := range all {
			out = append(out, c.Mark.Sequence)
		}
		return out
	}
	if d := cmp.Diff([]uint64{2, 3}, sequences()); d != "" {
		t.Errorf("checkpoints on a full disk (-want +got):\n%s", d)
	}
	free()
	w.take(505)
	if err := w.saveNow(t.Context()); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if d := cmp.Diff([]uint64{505}, sequences()); d != "" {
		t.Errorf("checkpoints with room again (-want +got):\n%s", d)
	}
	all, err := readCheckpoints(w.saver.files.newest)
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.engine.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if got, heads := restored(t, w, all[0]); !bytes.Equal(got, want) || len(heads) != 505 {
		t.Errorf("what was saved is another memory; %d heads, want 505", len(heads))
	}
}
