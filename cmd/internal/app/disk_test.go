package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/picketd/picket/collectors/activity"
)

// smallDisk puts the site's data on a disk of its own of that size. It needs
// the right to mount, which a test run as root has; without it the test can
// only be skipped, except in CI.
func (s *site) smallDisk(t *testing.T, size string) {
	t.Helper()
	if err := os.MkdirAll(s.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", s.data(), "tmpfs", 0, "size="+size); err != nil {
		if os.Getenv("CI") != "true" && errors.Is(err, syscall.EPERM) {
			t.Skipf("cannot mount a small disk: %v", err)
		}
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(s.data(), unix.MNT_DETACH) })
}

// fill leaves so many bytes free on the site's disk.
func (s *site) fill(t *testing.T, leave int64) (free func()) {
	t.Helper()
	path := filepath.Join(s.data(), "ballast")
	n, err := freeBytes(s.data())
	if err != nil {
		t.Fatal(err)
	}
	err = os.WriteFile(path, make([]byte, max(0, n-leave)), 0o600)
	if err != nil && !errors.Is(err, syscall.ENOSPC) { // the daemon wrote meanwhile: full all the same
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// tryPush pushes one activity and returns the refusal, "" when accepted.
func (r *running) tryPush(a activity.Activity) string {
	cfg, err := loadSite(r.site)
	if err != nil {
		return err.Error()
	}
	nc, err := Dial(cfg)
	if err != nil {
		return err.Error()
	}
	defer nc.Close()
	reply, err := nc.Request("picket.intake.activities", activity.AppendActivity(nil, &a), 5*time.Second)
	if err != nil {
		return err.Error()
	}
	return reply.Header.Get("Picket-Error")
}

// pushed waits until a push has this refusal, "" for none.
func (r *running) pushed(n int, want string) {
	r.t.Helper()
	got := ""
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got = r.tryPush(deletion(n))
		if want == "" && got == "" || want != "" && strings.Contains(got, want) {
			return
		}
	}
	r.t.Fatalf("push answers %q, want %q", got, want)
}

func TestFullDiskStopsIntakeAndGoesOn(t *testing.T) {
	s := newSite(t, "")
	s.smallDisk(t, "64m")
	s.setReserve(t, "8MiB")
	r := s.run(t)
	r.pushed(1, "")
	free := s.fill(t, 4<<20)
	r.pushed(2, "journal has no room")
	free()
	r.pushed(3, "")
	for n := 4; n < 12; n++ {
		r.pushed(n, "")
	}
	if a := r.alerts("many_deletions", 1)[0]; a.Count < 10 {
		t.Errorf("alert counts %d deletions, want at least 10", a.Count)
	}
}

// TestServerComesBackFromFullDisk lets the embedded server itself run out of
// disk: its stream refuses every append from then on, also when there is room,
// until the server is restarted.
func TestServerComesBackFromFullDisk(t *testing.T) {
	t.Parallel() // it waits more than it works
	s := newSite(t, "")
	s.smallDisk(t, "64m")
	r := s.run(t)
	for n := range 9 {
		r.pushed(n, "")
	}
	r.checkpointed()
	js := r.js()
	free := s.fill(t, 0)
	a := deletion(100)
	a.Text = strings.Repeat("x", 60<<10)
	large := activity.AppendBatch(nil, &activity.Batch{Activities: []activity.Activity{a}})
	for range 10 { // past the reserve, as nothing of Picket's writes
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := js.Publish(ctx, "picket.activity.0.bulk", large)
		cancel()
		t.Log(err)
	}
	if got := r.tryPush(deletion(200)); got == "" {
		t.Error("an activity is accepted without room for it")
	}
	free()
	for n := 9; n < 12; n++ {
		r.pushed(n, "")
	}
	if a := r.alerts("many_deletions", 1)[0]; a.Count < 10 {
		t.Errorf("alert counts %d deletions, want at least 10: what was accepted before is remembered", a.Count)
	}
}

// TestLeasesComeBackFromFullDisk keeps the disk full until the server refuses to
// renew leases, also when there is room: the daemon must not say meanwhile that
// it is ready, and has to work again once there is room.
func TestLeasesComeBackFromFullDisk(t *testing.T) {
	t.Parallel() // it waits more than it works
	for _, durability := range []string{"process", "power"} {
		t.Run(durability, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			text := strings.Replace(s.text(t), "durability: process", "durability: "+durability, 1)
			if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s.smallDisk(t, "64m")
			r := s.run(t)
			r.pushed(0, "")
			free := s.fill(t, 0)
			r.readiness(http.StatusServiceUnavailable, "leases cannot be had")
			free()
			r.readiness(http.StatusOK, "ready")
			for n := 1; n < 12; n++ {
				r.pushed(n, "")
			}
			r.alerts("many_deletions", 1)
		})
	}
}

// readiness waits until /-/ready answers so.
func (r *running) readiness(status int, want string) {
	r.t.Helper()
	got, body := 0, []byte(nil)
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + r.at.HTTP + "/-/ready")
		if err != nil {
			r.t.Fatal(err)
		}
		body, err = io.ReadAll(resp.Body)
		got = resp.StatusCode
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			r.t.Fatal(err)
		}
		if got == status && strings.Contains(string(body), want) {
			return
		}
	}
	r.t.Fatalf("/-/ready answers %d %s, want %d with %q", got, body, status, want)
}
