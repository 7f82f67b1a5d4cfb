package journal_test

import (
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

// TestImportNameless imports what does not say under which ids the network knows
// it: only what is older than all that the log holds of its class is appended.
func TestImportNameless(t *testing.T) {
	t.Parallel()
	const account = "instagram/acme"
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	j, err := journal.Open(t.Context(), js, journal.Config{Partitions: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	one := func(id string, kind activity.Kind, day, hour int) activity.Activity {
		return activity.Activity{
			ID: id, Network: "instagram", Account: account, Kind: kind,
			Time: time.Date(2025, 3, day, hour, 0, 0, 0, time.UTC), Seen: time.Date(2025, 3, 30, 0, 0, 0, 0, time.UTC),
		}
	}
	approval := one("a1", activity.KindApproval, 2, 8)
	approval.Approval.Text = "Loaf"
	for _, err := range j.Submit(t.Context(), []activity.Activity{
		one("17900000000000001", activity.KindPost, 20, 8), one("17900000000000002", activity.KindPost, 22, 8),
		one("17900000000000003", activity.KindMention, 1, 8),
		approval, one("f1", activity.KindFollowers, 4, 8), // no export has those
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(before func(i int), all ...activity.Activity) collectors.Imported {
		t.Helper()
		log, err := j.Open(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		done, err := collectors.Import(t.Context(), collectors.Importing{Account: account, Log: log, Held: j.Held(account), Next: each(all, -1, before), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	older, near, same, later := one("export/post/1", activity.KindPost, 19, 8), one("export/post/2", activity.KindPost, 20, 7), one("export/post/3", activity.KindPost, 20, 8), one("export/post/4", activity.KindPost, 21, 8)
	near.Time = near.Time.Add(time.Minute) // of an hour before the oldest
	login := one("export/login/5", activity.KindLogin, 25, 8)
	tests := []struct {
		name string
		all  []activity.Activity
		want collectors.Imported
	}{
		{"only what is older, of its class", []activity.Activity{older, near, same, later, login}, collectors.Imported{Appended: 2, Held: 3}},
		{"again", []activity.Activity{older, near, same, later, login}, collectors.Imported{Held: 5}},
		{"what was imported covers nothing", []activity.Activity{one("export/post/0", activity.KindPost, 18, 8), one("export/post/6", activity.KindPost, 19, 9)}, collectors.Imported{Appended: 2}},
		{"an id of the network's is not covered", []activity.Activity{one("17900000000000004", activity.KindPost, 23, 8)}, collectors.Imported{Appended: 1}},
	}
	for _, tt := range tests {
		if got := run(nil, tt.all...); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}

	// What is polled while a batch waits covers it, too.
	other, err := j.Open(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	got := run(func(i int) {
		if i != 1 {
			return
		}
		cp, err := other.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Append(t.Context(), &activity.Batch{Backfill: true, Cursor: cp.Cursor, Activities: []activity.Activity{one("17800000000000000", activity.KindPost, 10, 8)}}); err != nil {
			t.Fatal(err)
		}
	}, one("export/post/7", activity.KindPost, 9, 8), one("export/post/8", activity.KindPost, 11, 8))
	if want := (collectors.Imported{Appended: 1, Held: 1}); got != want {
		t.Errorf("polled meanwhile: %+v, want %+v", got, want)
	}
}
