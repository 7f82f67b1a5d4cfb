package journal_test

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

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

// TestLeasesTellThatTheirServerIsAway stops the server under a daemon that
// holds a lease and one that waits for it: both have to say that they can hold
// none, once rather than at each of their tries, and go on with the server.
func TestLeasesTellThatTheirServerIsAway(t *testing.T) {
	dir := t.TempDir()
	srv := journaltest.Server(t, dir, nil)
	port := srv.Addr().(*net.TCPAddr).Port
	nc, err := nats.Connect(srv.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	logged, logs := observer.New(zap.WarnLevel)
	lease := func(holder string, log *zap.Logger) *journal.Leases {
		l, err := journal.OpenLeases(t.Context(), js, holder, 1, log)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	active, standby := lease("active", zap.New(logged)), lease("standby", zap.NewNop())
	eventually(t, "it is held", func() bool { return active.Held("partition-0") })
	if standby.Held("partition-0") {
		t.Fatal("held twice")
	}
	for name, l := range map[string]*journal.Leases{"active": active, "standby": standby} {
		if got := faultOf(l); got != "" {
			t.Errorf("%s: fault %q beside a server that answers", name, got)
		}
	}

	journaltest.Stop(srv)
	for name, l := range map[string]*journal.Leases{"active": active, "standby": standby} {
		eventually(t, name+" says so", func() bool { return strings.Contains(faultOf(l), "partition-0") })
	}
	time.Sleep(journal.LeaseTime) // for more tries
	if got := logs.FilterMessage("lease not renewed").Len(); got != 1 {
		t.Errorf("%d lines say that the lease is not renewed, want 1", got)
	}

	journaltest.Server(t, dir, func(o *server.Options) { o.Port = port })
	eventually(t, "the lease is held again", func() bool { return active.Held("partition-0") || standby.Held("partition-0") })
	for name, l := range map[string]*journal.Leases{"active": active, "standby": standby} {
		eventually(t, name+" has no fault any more", func() bool { return faultOf(l) == "" })
		l.Close(t.Context())
	}
}

func faultOf(l *journal.Leases) string {
	if _, err := l.Fault(); err != nil {
		return err.Error()
	}
	return ""
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
