package main

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/picketd/picket/collectors/x/xtest"
)

// TestRestored holds what deploy/INSTALL.md says of backups: a copy of the
// stopped daemon's data_dir is whole, and a daemon goes on from it.
func TestRestored(t *testing.T) {
	t.Parallel()
	binary, err := build(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		// lost is how much of what happens does so between the backup and the
		// disk that fails, in parts of all.
		lost float64
		gone string // the rule whose alerts are gone: what was pushed is not fetched again
	}{
		{"moved", 0, ""},
		{"older", 0.5, "login_new_country"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			o := options{posts: 600, accounts: 5, daemons: 1, seed: 4, during: time.Second, settle: 20 * time.Second, log: t.Output()}
			s := newScript(o)
			half := len(s.events) / 2
			lost := half + int(row.lost*float64(len(s.events)))

			fake := xtest.New(xtest.Options{Limits: unlimited()})
			st := restoreStage(t, o, s, binary, fake)
			happen := func(events []event) {
				t.Helper()
				part := *s
				part.events = events
				if err := publish(t.Context(), o, &part, fake, st); err != nil {
					t.Fatal(err)
				}
			}
			happen(s.events[:half])
			st.backup(t)
			happen(s.events[half:lost])
			if row.lost > 0 {
				awaitAlerts(t, o, s, st)
			}
			st.restore(t)
			happen(s.events[lost:])

			delete(s.expected, row.gone)
			out, err := st.outcome(t.Context(), o, s)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(out)
			if err := out.complete(s); err != nil {
				t.Error(err)
			}
			if n := out.byRule[row.gone] + out.byRule["collector_blind"]; n > 0 {
				t.Errorf("%d alerts of %s or of a log that is not whole", n, row.gone)
			}
		})
	}
}

// restoreStage starts one daemon on the script's history.
func restoreStage(t *testing.T, o options, s *script, binary string, fake *xtest.Server) *stage {
	t.Helper()
	network := httptest.NewServer(fake)
	t.Cleanup(network.Close)
	for _, account := range s.accounts {
		fake.AddAccount(xtest.Profile{Handle: account, Name: "Account " + account, Link: "https://" + account + ".example"})
	}
	for _, ev := range s.history {
		fake.Post(ev.account, ev.post)
	}
	st, err := newStage(t.Context(), o, s, binary, t.TempDir(), network.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	if err := st.startAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := awaitFirstPolls(t.Context(), fake, len(s.accounts)); err != nil {
		t.Fatal(err)
	}
	if err := st.push(t.Context(), prelude(s)); err != nil {
		t.Fatal(err)
	}
	return st
}

// awaitAlerts waits until all that happened has raised its alerts.
func awaitAlerts(t *testing.T, o options, s *script, st *stage) {
	t.Helper()
	out, err := st.settle(t.Context(), o.settle, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.complete(s); err != nil {
		t.Fatalf("before the disk fails: %v", err)
	}
}

func (st *stage) data() (data, copied string) {
	dir := st.daemons[0].dir
	return filepath.Join(dir, "data"), filepath.Join(dir, "backup")
}

// backup stops the daemon, copies its data_dir and starts it again.
func (st *stage) backup(t *testing.T) {
	t.Helper()
	if err := st.stop(); err != nil {
		t.Fatal(err)
	}
	data, copied := st.data()
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	if err := st.startAll(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// restore kills the daemon, puts the copy in the place of its data_dir and
// starts it again.
func (st *stage) restore(t *testing.T) {
	t.Helper()
	d := st.daemons[0]
	if err := d.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-d.exited
	data, copied := st.data()
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(copied, data); err != nil {
		t.Fatal(err)
	}
	if err := st.startAll(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}
