package sessions

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/picketd/picket/collectors"
)

// saverEnv names the folder in which a child process saves until it is killed.
const saverEnv = "PICKET_TEST_SESSIONS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(saverEnv); dir != "" {
		saveForEver(dir)
	}
	goleak.VerifyTestMain(m)
}

// filling makes a session long enough that half of it would show.
func filling(n int) collectors.Secret {
	return collectors.Secret(strings.Repeat(strconv.Itoa(n)+" ", 2000))
}

// saveForEver saves one session after another, and tells when each is safe.
func saveForEver(dir string) {
	f := Open(dir)
	for n := 1; ; n++ {
		if err := f.Save(context.Background(), "bluesky/acme", filling(n)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(n)
	}
}

func load(t *testing.T, f *Files, name string) collectors.Secret {
	t.Helper()
	s, err := f.Load(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, f *Files, name string, s collectors.Secret) {
	t.Helper()
	if err := f.Save(t.Context(), name, s); err != nil {
		t.Fatal(err)
	}
}

func TestSessionsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	f := Open(dir)
	if got := load(t, f, "brand"); got != "" {
		t.Errorf("a session that nobody saved is %q", got.Reveal())
	}
	save(t, f, "brand", "first")
	save(t, f, "brand", "second\n")
	save(t, f, "other", "third")
	f = Open(dir)
	if a, b := load(t, f, "brand"), load(t, f, "other"); a != "second\n" || b != "third" {
		t.Errorf("after a restart %q and %q, want second and third", a.Reveal(), b.Reveal())
	}
	info, err := os.Stat(filepath.Join(dir, "sessions", "brand"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.Stat(filepath.Join(dir, "sessions"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 || folder.Mode().Perm() != 0o700 {
		t.Errorf("file %s in a folder %s, want 0600 in 0700", info.Mode(), folder.Mode())
	}
}

func TestFileNames(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct{ name, want string }{
		{"brand", "brand"},
		{"bluesky/acme.example", "bluesky%2facme%2eexample"},
		{"", "%"},
		{"..", "%2e%2e"},
		{"../../etc/passwd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd"},
		{"Brand", "%42rand"},
		{"50%", "50%25"},
		{"a\x00b", "a%00b"},
		{long, strings.Repeat("a", 134) + "%%98835562d0404e82160b01a7f8f38e1ae4f1e2f42cb6b0ce0d33ee7f5d8e4ce9"},
	} {
		got := fileName(c.name)
		if c.name == long { // the hash is not this test's to know
			got, c.want = got[:136], c.want[:136]
		}
		if got != c.want {
			t.Errorf("%q is kept as %s, want %s", c.name, got, c.want)
		}
	}
	if a, b := fileName(long+"a"), fileName(long+"b"); a == b || len(a) != longest {
		t.Errorf("long names are kept as %s and %s", a, b)
	}
}

// Every name is kept for itself, whatever it looks like.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"brand", "Brand", "a/b", "a%2fb", "..", "", "a.new", "a", strings.Repeat("x", 300), "\xff"} {
		f.Add(name, name+"2")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := fileName(a), fileName(b)
		if (a == b) != (x == y) || strings.EqualFold(x, y) != (x == y) {
			t.Errorf("%q is kept as %s, %q as %s", a, x, b, y)
		}
		if len(x) > longest || x == "" || strings.ContainsAny(x, "./\\\x00") || filepath.Base(x) != x {
			t.Errorf("%q is kept as %q", a, x)
		}
	})
}

// A process that dies after it wrote the new session and before it renamed it
// leaves the one before, and what it left is no hindrance.
func TestDeathBetweenWriteAndRename(t *testing.T) {
	dir := t.TempDir()
	f := Open(dir)
	save(t, f, "brand", "before")
	died := errors.New("died")
	f.rename = func(from, _ string) error {
		if b, err := os.ReadFile(from); err != nil || string(b) != "after" {
			t.Errorf("written before the rename: %q, %v", b, err)
		}
		return died
	}
	if err := f.Save(t.Context(), "brand", "after"); !errors.Is(err, died) {
		t.Fatalf("error %v", err)
	}
	f = Open(dir)
	if got := load(t, f, "brand"); got != "before" {
		t.Errorf("after the death the session is %q, want the one before", got.Reveal())
	}
	save(t, f, "brand", "later")
	if got := load(t, f, "brand"); got != "later" {
		t.Errorf("the next session is %q, want later", got.Reveal())
	}
	entries, err := os.ReadDir(filepath.Join(dir, "sessions"))
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v; want one file", entries, err)
	}
}

// A process is killed while it saves: what it told to be safe, or something
// later, is there and whole.
func TestKilledWhileSaving(t *testing.T) {
	for round := range 5 {
		dir := t.TempDir()
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), saverEnv+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		safe, lines := 0, bufio.NewScanner(out)
		for lines.Scan() {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("the child says: %s", lines.Text())
			}
			if safe = n; safe == 7+3*round {
				_ = child.Process.Kill()
			}
		}
		_ = child.Wait() // killed
		got := load(t, Open(dir), "bluesky/acme")
		n, _ := strconv.Atoi(strings.Fields(got.Reveal() + " ")[0])
		if n < safe || got != filling(n) {
			t.Errorf("after the kill the session is %d bytes of number %d, want all of %d or a later one", len(got), n, safe)
		}
	}
}

func TestFaultsAreTold(t *testing.T) {
	dir := t.TempDir()
	f := Open(dir)
	save(t, f, "brand", "hush")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Load(ended, "brand"); !errors.Is(err, context.Canceled) {
		t.Errorf("load after the end: %v", err)
	}
	if err := f.Save(ended, "brand", "never"); !errors.Is(err, context.Canceled) {
		t.Errorf("save after the end: %v", err)
	}
	if err := f.Save(t.Context(), "brand", collectors.Secret(strings.Repeat("x", maxSession+1))); err == nil || !strings.Contains(err.Error(), "at most 1048576") {
		t.Errorf("save of too much: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sessions", "large"), make([]byte, maxSession+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(t.Context(), "large"); err == nil || !strings.Contains(err.Error(), "remove it and sign in anew") {
		t.Errorf("load of too much: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sessions", "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(t.Context(), "folder"); err == nil {
		t.Error("a folder was loaded as a session")
	}
	if err := f.Save(t.Context(), "folder", "s"); err == nil {
		t.Error("a session was saved over a folder")
	}
	if got := load(t, f, "brand"); got != "hush" {
		t.Errorf("the session is %q, want the one before", got.Reveal())
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Open(blocked).Save(t.Context(), "brand", "hush"); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("save below a file: %v", err)
	}
}

// Many collectors save and load at once.
func TestConcurrentSessions(t *testing.T) {
	f := Open(t.TempDir())
	var group sync.WaitGroup
	for i := range 8 {
		name := fmt.Sprintf("brand-%d", i%4)
		group.Go(func() {
			for n := range 10 {
				if err := f.Save(t.Context(), name, filling(n)); err != nil {
					t.Error(err)
				}
				got, err := f.Load(t.Context(), name)
				if n, _ := strconv.Atoi(strings.Fields(got.Reveal() + " ")[0]); err != nil || got != filling(n) {
					t.Errorf("loaded %d bytes of number %d, %v", len(got), n, err)
				}
			}
		})
	}
	group.Wait()
}
