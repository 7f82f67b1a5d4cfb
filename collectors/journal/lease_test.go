package journal_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/collectors/journal/journaltest"
)

func TestLeaseHasOneHolder(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	lease := func(holder string) *journal.Leases {
		l, err := journal.OpenLeases(t.Context(), js, holder, 1, zap.NewNop())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	a, b := lease("a"), lease("b")
	defer b.Close(t.Context())
	eventually(t, "a holds it", func() bool { return a.Held("credential/acme") })
	for range 20 {
		if b.Held("credential/acme") {
			t.Fatal("b holds a's lease")
		}
		time.Sleep(5 * time.Millisecond)
	}
	again := lease("a")
	eventually(t, "a restarted goes on at once", func() bool { return again.Held("credential/acme") })
	again.Close(t.Context())
	a.Close(t.Context())
	eventually(t, "b takes over what was given up", func() bool { return b.Held("credential/acme") })
}

// TestLeaseOfTheDeadExpires leaves a lease unrenewed, as a killed daemon does.
func TestLeaseOfTheDeadExpires(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	live, err := journal.OpenLeases(t.Context(), js, "live", 1, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close(t.Context())
	kv, err := js.KeyValue(t.Context(), "picket_leases")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Create(t.Context(), "partition-0", []byte("dead"), jetstream.KeyTTL(journal.LeaseTime)); err != nil {
		t.Fatal(err)
	}
	if live.Held("partition-0") {
		t.Fatal("taken from a holder that may be alive")
	}
	eventually(t, "taken over after its time", func() bool { return live.Held("partition-0") })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(4 * journal.LeaseTime)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, 4*journal.LeaseTime)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestSpendAddsUp(t *testing.T) {
	js := journaltest.Connect(t, journaltest.Server(t, t.TempDir(), nil))
	a, err := journal.OpenSpend(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := journal.OpenSpend(t.Context(), js, 1)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, s := range []*journal.Spend{a, b} {
		wg.Go(func() {
			for range 20 {
				if _, err := s.Add(t.Context(), "acme/x", "2026-07", 0.25); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, err := a.Add(t.Context(), "acme/x", "2026-07", 0); err != nil || got != 10 {
		t.Errorf("two daemons spent %v (%v), want 10", got, err)
	}
	if got, err := a.Add(t.Context(), "acme/x", "2026-08", 0); err != nil || got != 0 {
		t.Errorf("next month begins with %v (%v), want 0", got, err)
	}
}
