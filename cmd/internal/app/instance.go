package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/picketd/picket/cmd/internal/config"
)

// lock makes sure that one daemon works on a data directory.
func lock(dataDir string) (unlock func(), err error) {
	l := flock.New(filepath.Join(dataDir, "lock"))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data_dir: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("data_dir %s is in use by another picket: stop it, or give this one a directory of its own", dataDir)
	}
	return func() { _ = l.Unlock() }, nil
}

// holderName returns the name under which this daemon holds leases: its
// instance and a number made once per data directory.
func holderName(cfg *config.Config) (string, error) {
	path := filepath.Join(cfg.DataDir, "instance")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		var id string
		if id, err = randomHex(); err == nil {
			data = []byte(id[:12] + "\n")
			err = os.WriteFile(path, data, 0o600)
		}
	}
	if err != nil {
		return "", fmt.Errorf("name this daemon: %w", err)
	}
	return cfg.Instance + "-" + strings.TrimSpace(string(data)), nil
}
