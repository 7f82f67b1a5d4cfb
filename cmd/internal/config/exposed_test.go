package config

import (
	"os"
	"path/filepath"
	"testing"
)

// TestExposed holds that a secret which every user can read is told of, with its
// place, and no other.
func TestExposed(t *testing.T) {
	for _, row := range []struct {
		name   string
		file   string // where the secret is, from the configuration's folder
		mode   os.FileMode
		folder os.FileMode // of its folder
		link   string      // to the folder, by which it is named; "" for none
		want   bool
	}{
		{"of the owner alone", "secrets/token", 0o600, 0o755, "", false},
		{"of its group", "secrets/token", 0o640, 0o755, "", false},
		{"of everybody", "secrets/token", 0o644, 0o755, "", true},
		{"of everybody, in a folder that is not", "secrets/token", 0o644, 0o750, "", false},
		{"by a link", "secrets/token", 0o604, 0o755, "now", true},
		{"mounted by Kubernetes", "..2026_11_29/token", 0o644, 0o755, "..data", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "exposed") //nolint:usetesting // everybody can get there, as to t.TempDir not everywhere
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, row.file)
			if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte("0123456789abcdef0123\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, err := range []error{os.Chmod(file, row.mode), os.Chmod(filepath.Dir(file), row.folder)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			named := row.file
			if row.link != "" {
				if err := os.Symlink(filepath.Base(filepath.Dir(file)), filepath.Join(dir, row.link)); err != nil {
					t.Fatal(err)
				}
				named = filepath.Join(row.link, "token")
			}
			config := filepath.Join(dir, "picket.yaml")
			text := "data_dir: ./data\naccounts: [{account: mastodon/acme@social.example, credential: social}]\n" +
				"credentials:\n  social: {collector: mastodon, server: \"https://social.example\", token: {file: " + named + "}}\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := Load(config, os.Getenv)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if row.want {
				want = config + ":4:81: credentials.social.token.file: every user of this machine can read the secret in this file; take the right away with chmod o="
			}
			got := ""
			if faults := c.Exposed(); len(faults) > 0 {
				got = faults.Error()
			}
			if got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}
