package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The checkpoint files of the second stage: one line that says what it is and
// the SHA-256 of the rest, and an acrossMemory in JSON. They are small beside
// those of a partition, since few accounts match at a time, so each is whole.

const (
	acrossMagic   = "picket checkpoint of rules across accounts sha256 "
	acrossVersion = 1
)

// acrossMemory is what a checkpoint holds.
type acrossMemory struct {
	Version int            `json:"v"`
	Saved   time.Time      `json:"saved"`
	Created time.Time      `json:"created"` // of the stream of matches
	Program string         `json:"program"` // hash of the program set in force
	Cursors []acrossCursor `json:"cursors"` // by partition: what has been applied
	Engine  []byte         `json:"engine"`
}

func acrossCheckpoints(dataDir string) checkpointFiles {
	base := filepath.Join(dataDir, "checkpoints", "across")
	return checkpointFiles{base + ".checkpoint", base + ".previous"}
}

// write puts m in the place of the newest checkpoint, flushed to disk, and
// returns its size in bytes.
func (m *acrossMemory) write(f checkpointFiles) (int, error) {
	m.Version = acrossVersion
	body, err := json.Marshal(m)
	if err != nil {
		return 0, fmt.Errorf("encode checkpoint: %w", err)
	}
	sum := sha256.Sum256(body)
	data := append([]byte(acrossMagic+hex.EncodeToString(sum[:])+"\n"), body...)
	dir, tmp := filepath.Dir(f.newest), f.newest+".tmp"
	err = os.MkdirAll(dir, 0o700)
	if err == nil {
		err = writeFlushed(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, data)
	}
	if err == nil {
		if err = os.Rename(f.newest, f.previous); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(tmp, f.newest)
	}
	if err == nil {
		err = writeFlushed(dir, os.O_RDONLY, nil)
	}
	if err != nil {
		return 0, fmt.Errorf("save checkpoint: %w", err)
	}
	return len(data), nil
}

// writeFlushed writes data to a file, or to a folder nothing, and flushes it to disk.
func writeFlushed(path string, flag int, data []byte) (err error) {
	file, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if len(data) > 0 {
		if _, err := file.Write(data); err != nil {
			return err
		}
	}
	return file.Sync()
}

// readAcross reads a checkpoint file and checks its sum.
func readAcross(path string) (*acrossMemory, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoCheckpoint
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	head, body, ok := bytes.Cut(data, []byte{'\n'})
	want, magic := bytes.CutPrefix(head, []byte(acrossMagic))
	sum := sha256.Sum256(body)
	if !ok || !magic || hex.EncodeToString(sum[:]) != string(want) {
		return nil, fmt.Errorf("%w: %s is torn or damaged, its check sum does not fit", errDamaged, filepath.Base(path))
	}
	m := new(acrossMemory)
	if err := json.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(path), err)
	}
	if m.Version != acrossVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this Picket reads %d", errDamaged, filepath.Base(path), m.Version, acrossVersion)
	}
	return m, nil
}
