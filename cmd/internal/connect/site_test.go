package connect

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors"
)

const small = "accounts:\n  - account: x/acme\n"

func noEnv(string) string { return "" }

// write writes a file below a folder and returns its path.
func write(t *testing.T, dir, name, text string, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// names returns what is in a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func open(t *testing.T, path string) *site {
	t.Helper()
	s, err := openSite(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A file behind a link is replaced where it is, and the link stays.
func TestReplaceBehindLink(t *testing.T) {
	dir := t.TempDir()
	target := write(t, dir, "real/picket.yaml", small, 0o640)
	link := filepath.Join(dir, "picket.yaml")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := open(t, link).replace([]byte("# new\n" + small)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link became %v, error %v", info.Mode(), err)
	}
	if got := read(t, target); got != "# new\n"+small {
		t.Errorf("the file holds %q", got)
	}
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v, error %v", info.Mode(), err)
	}
	if got := names(t, filepath.Dir(target)) + " " + names(t, dir); got != "picket.yaml picket.yaml real" {
		t.Errorf("left behind: %s", got)
	}
}

func TestReplaceNotOverAnother(t *testing.T) {
	path := write(t, t.TempDir(), "picket.yaml", small, 0o600)
	s := open(t, path)
	theirs := small + "  - account: x/theirs\n"
	write(t, filepath.Dir(path), "picket.yaml", theirs, 0o600)
	if err := s.replace([]byte("accounts: []\n")); err == nil || !strings.Contains(err.Error(), "changed by somebody else") {
		t.Errorf("error %v", err)
	}
	if got := read(t, path); got != theirs {
		t.Errorf("the file holds %q", got)
	}
}

// A text that the configuration would refuse changes nothing, and its secret is
// taken back.
func TestWriteNothingAtFault(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "picket.yaml", small, 0o600)
	w := &walk{site: open(t, path), secrets: []*secret{{key: "token", value: "a-secret", file: "secrets/acme", write: true}}}
	err := w.write([]byte(small + "acounts: []\n"))
	if err == nil || !strings.Contains(err.Error(), path+`:3:1: unknown key "acounts"`) {
		t.Errorf("error %v, want the fault with its place", err)
	}
	if got := read(t, path); got != small {
		t.Errorf("the file holds %q", got)
	}
	if got := names(t, dir) + " " + names(t, filepath.Join(dir, "secrets")); got != "picket.yaml secrets .gitignore" {
		t.Errorf("left behind: %s", got)
	}
}

func TestWriteSecret(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "picket.yaml"))
	if err := s.writeSecret("secrets/acme", "first"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "secrets", "acme")
	if err := s.writeSecret("secrets/acme", "second"); err == nil || read(t, path) != "first\n" {
		t.Errorf("error %v, the first secret must stay: %q", err, read(t, path))
	}
	if got := s.freeSecret("acme"); got != "secrets/acme-2" {
		t.Errorf("next is %s, want secrets/acme-2", got)
	}
	for path, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, error %v; want %v", path, info.Mode(), err, want)
		}
	}
}

// A secret that only the service has is no fault of the file, but cannot be
// used here.
func TestSecretOfTheService(t *testing.T) {
	path := write(t, t.TempDir(), "picket.yaml", `
credentials: {acme-x: {collector: x, bearer_token: {env: X_TOKEN}}}
accounts: [{account: x/acme, credential: acme-x}]
`, 0o600)
	s := open(t, path)
	c := s.credential(func(*config.Credential) bool { return true })
	if c == nil || !s.missing(c.BearerToken) {
		t.Errorf("credential %v, want one whose secret is missing", c)
	}
	s.getenv = func(string) string { return "a-token-that-is-set" }
	if s.missing(collectors.Secret("a-token-that-is-set")) {
		t.Error("a secret that is set is missing")
	}
}

// What cannot be edited is told, with what to write by hand.
func TestByHand(t *testing.T) {
	path := write(t, t.TempDir(), "picket.yaml", "{accounts: [{account: x/acme}]}\n", 0o600)
	w := &walk{site: open(t, path), d: &dialog{yes: true, out: new(strings.Builder)}}
	err := w.finish(t.Context(), entriesOf(t, []byte("accounts: [{account: x/bank}]\n")))
	want := path + " cannot be added to: accounts: the file is one pair of brackets. Add this by hand, and put the secret where it says:\n\naccounts:\n  - {account: x/bank}."
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}
