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

// writeWhole writes a small file that a later start reads, or leaves what was there:
// on a full disk half a file, or none of it, would be taken for its contents.
func writeWhole(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // readable by this user only
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// holderName returns the name under which this daemon holds leases: its
// instance and a number made once per data directory.
func holderName(cfg *config.Config) (string, error) {
	path := filepath.Join(cfg.DataDir, "instance")
	data, err := os.ReadFile(path)
	id := strings.TrimSpace(string(data))
	// An empty one, as a full disk left it, would give daemons of one instance the
	// same name, and each would think that it holds the leases of the other.
	if errors.Is(err, os.ErrNotExist) || err == nil && id == "" {
		if id, err = randomHex(); err == nil {
			id = id[:12]
			err = writeWhole(path, id+"\n")
		}
	}
	if err != nil {
		return "", fmt.Errorf("name this daemon: %w", err)
	}
	return cfg.Instance + "-" + id, nil
}
