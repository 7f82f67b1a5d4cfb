package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// past returns a history of so many posts with a login after each tenth.
func past(n int) []activity.Activity {
	var out []activity.Activity
	for i := range n {
		at := time.Date(2025, 1, 1, 0, i, 0, 0, time.UTC)
		out = append(out, activity.Activity{ID: fmt.Sprint("p", i), Network: "x", Account: "x/acme", Kind: activity.KindPost, Time: at, Text: "Loaf"})
		if i%10 == 9 {
			out = append(out, activity.Activity{ID: fmt.Sprint("l", i), Network: "x", Account: "x/acme", Kind: activity.KindLogin, Time: at, IP: "192.0.2.7"})
		}
	}
	return out
}

// each returns a history one by one; after stop of them it fails, never where
// stop is negative.
func each(all []activity.Activity, stop int, before func(i int)) func() (activity.Activity, error) {
	i := 0
	return func() (activity.Activity, error) {
		if i == stop {
			return activity.Activity{}, errors.New("killed")
		}
		if i == len(all) {
			return activity.Activity{}, io.EOF
		}
		if before != nil {
			before(i)
		}
		i++
		return all[i-1], nil
	}
}

// logged returns how often the log holds each key of x/acme, whether all of
// that is history, and the order of time in which it stands.
func logged(t *testing.T, j *journal.Journal) (counts map[uint64]int, history, ordered bool) {
	t.Helper()
	counts, history, ordered = map[uint64]int{}, true, true
	head, err := j.Head(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := j.Read(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var dec activity.Decoder
	var b activity.Batch
	var last time.Time
	for seq := uint64(0); seq < head.Last; {
		m, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seq = m.Sequence
		if err := dec.Batch(m.Data, &b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Activities {
			counts[b.Activities[i].Key()]++
			history = history && b.Backfill
			ordered = ordered && !b.Activities[i].Time.Before(last)
			last = b.Activities[i].Time
		}
	}
	return counts, history, ordered
}

func TestImport(t *testing.T) {
	t.Parallel()
	const account = "x/acme"
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	all := past(2000)
	run := func(next func() (activity.Activity, error)) (collectors.Imported, error) {
		log, err := j.Open(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		return collectors.Import(t.Context(), collectors.Importing{Account: account, Log: log, Held: j.Held(account), Next: next, Now: time.Now})
	}

	// What was pushed before is held.
	for _, err := range j.Submit(t.Context(), all[:1]) {
		if err != nil {
			t.Fatal(err)
		}
	}
	done, err := run(each(all, 700, nil))
	if err == nil || done.Appended == 0 || done.Appended >= 700 {
		t.Fatalf("broken off: %+v, %v; want some appended and an error", done, err)
	}
	if _, history, ordered := logged(t, j); history || !ordered {
		t.Errorf("history %v, ordered %v; want news for what was pushed, and order", history, ordered)
	}

	// Again, while another writer takes the fence, and one of the history that
	// waits in a batch and one that has not been read yet.
	other, err := j.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	second, err := run(each(all, -1, func(i int) {
		if i != 1500 {
			return
		}
		cp, err := other.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Append(t.Context(), &activity.Batch{Backfill: true, Cursor: cp.Cursor, Recent: cp.Recent, Activities: []activity.Activity{all[1499], all[1503]}}); err != nil {
			t.Fatal(err)
		}
		taken = 2
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := 1+done.Appended+second.Appended+taken, len(all); got != want {
		t.Errorf("%d appended in all, want %d", got, want)
	}
	counts, _, _ := logged(t, j)
	for i := range all {
		if n := counts[all[i].Key()]; n != 1 {
			t.Errorf("%s is in the log %d times", all[i].ID, n)
		}
	}

	// A third time there is nothing to do.
	third, err := run(each(all, -1, nil))
	if want := (collectors.Imported{Held: len(all)}); err != nil || third != want {
		t.Errorf("third time: %+v, %v; want %+v", third, err, want)
	}

	// The cursor of a poller stays as it was.
	cp, err := other.Checkpoint(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if len(cp.Recent) == 0 || len(cp.Recent) > collectors.MaxRecent {
		t.Errorf("%d recent keys, want 1 to %d", len(cp.Recent), collectors.MaxRecent)
	}
}
