package collectors

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/activity"
)

// What is in a journal is read by the versions to come.
func TestEnvelopeForm(t *testing.T) {
	l := ledger{
		cursor:   json.RawMessage(`{"since":"<5>"}`),
		reported: reported{State: activity.PollGap, From: 1, Until: 2, Since: 3, Written: 4, LastOK: 5},
		recent:   []item{{key: 7, at: 1782907200}, {key: 9, at: 1782907200}, {key: 8, at: 1782907265}},
		horizon:  mark{Nano: 6, ID: "b", Kind: activity.KindPost},
	}
	b, err := l.batch(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"c":{"since":"<5>"},"p":{"s":"gap","from":1,"until":2,"since":3,"w":4,"ok":5},"t":"gIWopA0AggE","h":{"n":6,"i":"b","k":"post"}}`
	if string(b.Cursor) != want {
		t.Errorf("got  %s\nwant %s", b.Cursor, want)
	}
	back, err := readLedger(Checkpoint{Cursor: b.Cursor, Recent: b.Recent})
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.batch(nil, false)
	if err != nil || string(again.Cursor) != want || !slices.Equal(again.Recent, []uint64{7, 9, 8}) {
		t.Errorf("read and written again: %s %v %v", again.Cursor, again.Recent, err)
	}
}

func FuzzReadLedger(f *testing.F) {
	f.Add([]byte(`{"c":1,"p":{"s":"complete"},"t":"gIWopA0AggE"}`), 3)
	f.Add([]byte(`{"t":"gA"}`), 1)
	f.Add([]byte(`null`), 0)
	f.Fuzz(func(t *testing.T, cursor []byte, keys int) {
		cp := Checkpoint{Cursor: cursor, Recent: make([]uint64, min(max(keys, 0), MaxRecent))}
		l, err := readLedger(cp)
		if err != nil {
			return
		}
		b, err := l.batch(nil, false)
		if err != nil {
			t.Fatalf("%s: %v", cursor, err)
		}
		if _, err := readLedger(Checkpoint{Cursor: b.Cursor, Recent: b.Recent}); err != nil {
			t.Fatalf("%s became %s: %v", cursor, b.Cursor, err)
		}
	})
}

func TestQueue(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var q queue
	var all []*task
	for range 2000 {
		switch {
		case len(all) > 0 && rng.IntN(3) == 0:
			i := rng.IntN(len(all))
			q.remove(all[i])
			all = slices.Delete(all, i, i+1)
		default:
			task := &task{due: stamp(rng.IntN(50))}
			q.push(task, stamp(rng.IntN(50)))
			all = append(all, task)
		}
	}
	slices.SortFunc(all, func(a, b *task) int { return cmp.Or(cmp.Compare(a.next, b.next), cmp.Compare(a.due, b.due)) })
	for i, want := range all {
		got := q[0]
		if got.next != want.next || got.due != want.due {
			t.Fatalf("task %d is due %d at %d, want %d at %d", i, got.due, got.next, want.due, want.next)
		}
		q.remove(got)
	}
	if len(q) != 0 || len(all) < 100 {
		t.Errorf("%d left of %d", len(q), len(all))
	}
}

func TestBackoff(t *testing.T) {
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 10: 512 * time.Second, 11: 15 * time.Minute, 1000: 15 * time.Minute} {
		if got := backoff(n, 0.999999).Round(time.Second); got != want {
			t.Errorf("backoff(%d) is up to %s, want %s", n, got, want)
		}
		if got := backoff(n, 0); got != 0 {
			t.Errorf("backoff(%d) is %s and more, want 0", n, got)
		}
	}
}
