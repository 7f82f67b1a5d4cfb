package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/picketd/picket/cmd/internal/config"
)

// TestInstall holds what deploy says of the command line, of folders and of
// configuration to what Picket understands.
func TestInstall(t *testing.T) {
	t.Parallel()
	unit, image := deployed(t, "systemd/picket.service"), deployed(t, "container/Dockerfile")
	entry := words(t, matched(t, image, `(?m)^ENTRYPOINT (.*)$`))
	for name, command := range map[string][]string{
		"unit":         strings.Fields(matched(t, unit, `(?m)^ExecStart=(.*)$`)),
		"container":    append(entry, words(t, matched(t, image, `(?m)^CMD (.*)$`))...),
		"health check": words(t, matched(t, image, `(?m)^HEALTHCHECK .*CMD (.*)$`)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			understood(t, command)
		})
	}
	state := "/var/lib/" + matched(t, unit, `(?m)^StateDirectory=(.*)$`)
	volume := matched(t, image, `(?m)^VOLUME (.*)$`)
	for name, row := range map[string]struct{ text, dataDir string }{
		"INSTALL.md":            {matched(t, deployed(t, "INSTALL.md"), "(?s)```yaml\n(data_dir: .*?)```"), state},
		"container/picket.yaml": {deployed(t, "container/config/picket.yaml"), volume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := loaded(t, row.text)
			if cfg.DataDir != row.dataDir {
				t.Errorf("data_dir is %s, and only %s can be written to", cfg.DataDir, row.dataDir)
			}
			if _, err := local(cfg.HTTP.Listen); err != nil {
				t.Errorf("picket health: %v", err)
			}
		})
	}
}

// TestContainerGo holds that the image is built with the Go that go.mod wants.
func TestContainerGo(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := matched(t, string(mod), `(?m)^go (\d+\.\d+)`)
	if got := matched(t, deployed(t, "container/Dockerfile"), `(?m)^FROM golang:(\S+)`); got != want {
		t.Errorf("built with Go %s, go.mod wants %s", got, want)
	}
}

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func matched(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in\n%s", pattern, text)
	}
	return m[1]
}

func words(t *testing.T, list string) (out []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(list), &out); err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	return out
}

// understood runs a command line with a configuration that is not there, which
// is all that may be wrong with it.
func understood(t *testing.T, command []string) {
	t.Helper()
	if filepath.Base(command[0]) != "picket" || command[len(command)-2] != "--config" {
		t.Fatalf("%q does not run picket on a configuration", command)
	}
	args := append(command[1:len(command)-1:len(command)-1], filepath.Join(t.TempDir(), "none.yaml"))
	out, err := exec.Command("picket", args...).CombinedOutput()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if exit == nil || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), "picket: read configuration: ") {
		t.Errorf("picket %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// loaded reads a configuration whose secrets are put where the test may.
func loaded(t *testing.T, text string) *config.Config {
	t.Helper()
	dir := t.TempDir()
	for _, secret := range regexp.MustCompile(`\{file: ([^}\s]+)\}`).FindAllStringSubmatch(text, -1) {
		path := filepath.Join(dir, filepath.Base(secret[1]))
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, secret[1], path)
	}
	path := filepath.Join(dir, "picket.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
