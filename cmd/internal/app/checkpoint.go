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
	"strconv"
	"time"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/journal"
)

// checkpoint shortens reading the log: the engine's memory after the message
// that Mark names. The log stays the truth; without a checkpoint the memory is
// rebuilt from it.
type checkpoint struct {
	Version int             `json:"v"`
	Saved   time.Time       `json:"saved"`
	Mark    journal.Mark    `json:"mark"`
	Program string          `json:"program"` // hash of the program set in force
	Heads   heads           `json:"heads,omitempty"`
	Engine  []byte          `json:"engine"`
}

// heads keeps each source's newest cursor, by source as it stands in subjects,
// for the case that retention takes the source's last message.
type heads map[string]collectors.Checkpoint

const (
	checkpointVersion = 1
	checkpointMagic   = "picket checkpoint sha256 "
)

// errNoCheckpoint says that there is none, which is no fault.
var errNoCheckpoint = errors.New("no checkpoint")

// checkpointFiles keeps the two newest checkpoints of one partition.
type checkpointFiles struct{ newest, previous string }

func checkpointsOf(dataDir string, partition int) checkpointFiles {
	base := filepath.Join(dataDir, "checkpoints", "partition-"+strconv.Itoa(partition))
	return checkpointFiles{base + ".checkpoint", base + ".previous"}
}

// save writes c beside the newest one, flushes it and puts it in its place.
func (f checkpointFiles) save(c *checkpoint) (int, error) {
	c.Version = checkpointVersion
	body, err := json.Marshal(c)
	if err != nil {
		return 0, fmt.Errorf("encode checkpoint: %w", err)
	}
	sum := sha256.Sum256(body)
	head := checkpointMagic + hex.EncodeToString(sum[:]) + "\n"
	if err := os.MkdirAll(filepath.Dir(f.newest), 0o700); err != nil {
		return 0, fmt.Errorf("save checkpoint: %w", err)
	}
	tmp := f.newest + ".tmp"
	if err := writeSync(tmp, []byte(head), body); err != nil {
		return 0, fmt.Errorf("save checkpoint: %w", err)
	}
	if err := os.Rename(f.newest, f.previous); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("save checkpoint: %w", err)
	}
	if err := os.Rename(tmp, f.newest); err != nil {
		return 0, fmt.Errorf("save checkpoint: %w", err)
	}
	return len(head) + len(body), syncDir(filepath.Dir(f.newest))
}

func writeSync(path string, parts ...[]byte) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, p := range parts {
		if _, err := file.Write(p); err != nil {
			return err
		}
	}
	return file.Sync()
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads one checkpoint file and checks its sum.
func loadCheckpoint(path string) (*checkpoint, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoCheckpoint
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	head, body, ok := bytes.Cut(data, []byte{'\n'})
	want, magic := bytes.CutPrefix(head, []byte(checkpointMagic))
	sum := sha256.Sum256(body)
	if !ok || !magic || hex.EncodeToString(sum[:]) != string(want) {
		return nil, fmt.Errorf("%w: %s is torn or damaged, its check sum does not fit", errDamaged, filepath.Base(path))
	}
	c := new(checkpoint)
	if err := json.Unmarshal(body, c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(path), err)
	}
	if c.Version != checkpointVersion {
		return nil, fmt.Errorf("%w: %s has version %d, this Picket reads %d", errDamaged, filepath.Base(path), c.Version, checkpointVersion)
	}
	return c, nil
}
