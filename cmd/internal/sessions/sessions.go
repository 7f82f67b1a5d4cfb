// Package sessions keeps what networks hand out and take back at every use,
// such as refresh tokens, as files of one folder. What is in them is a
// collector's business; secrets that people give belong in the configuration.
package sessions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/picketd/picket/collectors"
)

const (
	// Folder is the folder's name below the data directory.
	Folder = "sessions"
	// maxSession bounds a session in bytes: more is a mistake, and would be
	// read into memory at each start.
	maxSession = 1 << 20
	// longest is how long an escaped name may be: file systems allow 255 bytes.
	longest = 200
)

// Files keeps each session in a file of its own, readable by its owner only. A
// save replaces the file at once, so that a crash leaves the session before or
// the new one, whole. It implements collectors.Sessions.
type Files struct {
	dir string
	mu  sync.Mutex

	rename func(from, to string) error // os.Rename outside tests
}

// Open returns the sessions kept below a data directory. The folder is made
// with the first save.
func Open(dataDir string) *Files {
	return &Files{dir: filepath.Join(dataDir, Folder), rename: os.Rename}
}

// Load implements collectors.Sessions. Its errors name the file and nothing
// that is in it.
func (f *Files) Load(ctx context.Context, name string) (collectors.Secret, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.Open(filepath.Join(f.dir, fileName(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("load session: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSession+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("load session: %w", err)
	case len(data) > maxSession:
		return "", fmt.Errorf("load session: %s is larger than %d bytes, so it is none; remove it and sign in anew", file.Name(), maxSession)
	}
	return collectors.Secret(data), nil
}

// Save implements collectors.Sessions. On error the session before stays.
func (f *Files) Save(ctx context.Context, name string, s collectors.Secret) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(s) > maxSession {
		return fmt.Errorf("save session of %s: %d bytes; expected at most %d", name, len(s), maxSession)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.save(filepath.Join(f.dir, fileName(name)), s); err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	return nil
}

func (f *Files) save(path string, s collectors.Secret) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	fresh := path + ".new" // no session's name: a dot is escaped
	if err := write(fresh, s); err != nil {
		return err
	}
	if err := f.rename(fresh, path); err != nil {
		return err
	}
	return syncDir(f.dir)
}

// write makes a new file, in the place of one that a crash may have left, and
// returns when the disk has it.
func write(path string, s collectors.Secret) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(s.Reveal())
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// fileName returns the name of a session's file: small letters, digits, - and _
// stand for themselves, every other byte is written as % and two digits, so that
// no name leaves the folder and none is another's where case means nothing. The
// end of a long one is its hash.
func fileName(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	switch escaped := b.String(); {
	case escaped == "":
		return "%"
	case len(escaped) > longest:
		sum := sha256.Sum256([]byte(name))
		return escaped[:longest-2*len(sum)-2] + "%%" + hex.EncodeToString(sum[:])
	default:
		return escaped
	}
}
