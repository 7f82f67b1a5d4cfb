package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/cmd/internal/config"
)

// TestKeptFilesAreWhole begins on a full disk: what could not be written must not
// be there afterwards, as something empty that the next start takes for it.
func TestKeptFilesAreWhole(t *testing.T) {
	s := newSite(t, "")
	s.smallDisk(t, "1m")
	must(t, os.MkdirAll(filepath.Join(s.data(), "nats"), 0o700))
	cfg := &config.Config{DataDir: s.data(), Instance: "picket"}
	free := s.fill(t, 0)
	if _, err := holderName(cfg); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("name on a full disk: %v", err)
	}
	if _, err := ensurePassword(s.data(), UserAdmin); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("password on a full disk: %v", err)
	}
	for _, dir := range []string{s.data(), filepath.Join(s.data(), "nats")} {
		left, err := os.ReadDir(dir)
		must(t, err)
		for _, f := range left {
			if f.Name() != "ballast" && f.Name() != "nats" {
				t.Errorf("%s is left of it", f.Name())
			}
		}
	}
	free()
	name, err := holderName(cfg)
	must(t, err)
	password, err := ensurePassword(s.data(), UserAdmin)
	must(t, err)
	again, err := holderName(cfg)
	must(t, err)
	same, err := ensurePassword(s.data(), UserAdmin)
	must(t, err)
	if len(name) != len("picket-0123456789ab") || len(password) != 48 || again != name || same != password {
		t.Errorf("name %q, then %q; passwords of %d characters, the same: %v", name, again, len(password), same == password)
	}
}

// TestHolderIsNamed: an empty file names no daemon.
func TestHolderIsNamed(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		cfg := &config.Config{DataDir: t.TempDir(), Instance: "picket"}
		must(t, os.WriteFile(filepath.Join(cfg.DataDir, "instance"), nil, 0o600))
		name, err := holderName(cfg)
		must(t, err)
		names[name] = true
	}
	if len(names) != 2 {
		t.Errorf("two daemons are called %v", names)
	}
}

// TestUnreadable: who may not read is not told that there was nothing to read.
func TestUnreadable(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"another user's", syscall.EACCES, "only the user that picket runs as may read data_dir /d: run this as that user, as with sudo -u picket (open /d/nats/address: permission denied)"},
		{"not there", syscall.ENOENT, "no picket has run on data_dir /d yet: open /d/nats/address: no such file or directory"},
		{"a broken disk", syscall.EIO, "read what the daemon keeps in data_dir /d: open /d/nats/address: input/output error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := unreadable("/d", &fs.PathError{Op: "open", Path: "/d/nats/address", Err: row.err}).Error(); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

// TestEmbeddedServerCannotListen: what the server says as it gives up is told, and
// it is not waited for any longer.
func TestEmbeddedServerCannotListen(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	said := newServerLog(zap.NewNop())
	if said.ended() {
		t.Fatal("a server is gone before it started")
	}
	said.Fatalf("Error listening on port: %s", "1")
	said.Fatalf("and once more")
	if !said.ended() {
		t.Error("a server that gave up is waited for")
	}
	_, err = StartEmbedded(EmbeddedOptions{DataDir: t.TempDir(), Listen: taken.Addr().String(), Log: zap.NewNop()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("started on a port that is taken: %v", err)
	}
}

// TestWhyTheServerIsAwaited: a server that is there and refuses is waited for, and
// the log says why from the first try on, not when the start is given up.
func TestWhyTheServerIsAwaited(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	var served sync.WaitGroup
	defer served.Wait()
	defer l.Close()
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("INFO {\"tls_required\":true}\r\nno TLS")) // who is gone reads nothing
			_ = c.Close()
		}
	})
	s := newSite(t, "")
	s.write(t, strings.NewReplacer("nats: {listen: 127.0.0.1:0}", fmt.Sprintf("nats: {url: %q}", "nats://"+l.Addr().String()), "durability: process, reserve: 1MiB", "").Replace(s.text(t)))
	r := s.launch(t)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		found := r.logs.FilterMessage("waiting for the NATS server").FilterFieldKey("error").All()
		if len(found) > 0 {
			if got := fmt.Sprint(found[0].ContextMap()["error"]); !strings.Contains(got, "tls") {
				t.Errorf("waits for %q, want a fault of TLS", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing says why the server is waited for:\n%s", r.log())
		}
	}
}
