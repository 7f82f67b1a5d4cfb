package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotifyReady(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	for name, socket := range map[string]string{"file": path, "abstract": "@picket-test-" + filepath.Base(filepath.Dir(path))} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manager := listenUnix(t, socket)
			if err := notifyReady(socket); err != nil {
				t.Fatal(err)
			}
			if got := told(t, manager); got != "READY=1" {
				t.Errorf("the manager is told %q, want READY=1", got)
			}
		})
	}
	if err := notifyReady(""); err != nil {
		t.Errorf("without a manager: %v", err)
	}
	err := notifyReady(filepath.Join(t.TempDir(), "nobody"))
	if err == nil || !strings.HasPrefix(err.Error(), "tell the service manager that Picket is ready: ") {
		t.Errorf("where nobody listens: %v", err)
	}
}

// TestRunNotifies holds that a daemon tells its manager when it watches.
func TestRunNotifies(t *testing.T) {
	t.Parallel()
	s := &site{dir: t.TempDir()}
	s.write(t, "picket.yaml", "data_dir: ./data\nnats: {listen: \"off\"}\nhttp: {listen: 127.0.0.1:0}\naccounts: [{account: x/acme}]\n")
	socket := filepath.Join(s.dir, "notify")
	manager := listenUnix(t, socket)
	p, err := start(s.dir, "picket", append(os.Environ(), "NOTIFY_SOCKET="+socket), "run", "--config", "picket.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	if got := told(t, manager); got != "READY=1" {
		t.Errorf("the manager is told %q, want READY=1", got)
	}
	if _, err := p.says(`picket is watching`); err != nil {
		t.Error(err)
	}
}

func listenUnix(t *testing.T, socket string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func told(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := manager.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}
