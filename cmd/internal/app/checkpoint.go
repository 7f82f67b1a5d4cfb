package app

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/klauspost/compress/s2"
	"golang.org/x/sync/errgroup"

	"github.com/picketd/picket/collectors/journal"
)

// A checkpoint shortens reading the log: the engine's memory after the message
// that its mark names. The log stays the truth; without a checkpoint the memory
// is rebuilt from it.
//
// A checkpoint file is a line that says what it is, and segments. The first
// segment is whole; each later one holds what changed since the one before it.
// A segment is a sequence of blocks, each one byte of its kind, four of its
// length, little-endian, and so many bytes. Its last block commits it: a
// SHA-256 and a checkpoint in JSON, where the sum is that of the segment's other
// blocks and of this JSON. What is not
// committed does not count, so a torn or damaged segment costs the memory since
// the one before it and no more.
type checkpoint struct {
	Version int          `json:"v"`
	Saved   time.Time    `json:"saved"`
	Mark    journal.Mark `json:"mark"`
	Program string       `json:"program"` // hash of the program set in force

	path string // of the file that it was read from
	end  int64  // of its segment
}

// The kinds of blocks.
const (
	blockMemory = 'm' // parts of an image of the engine's memory, compressed
	blockHeads  = 'h' // heads that have changed, in JSON, compressed
	blockCommit = 'e' // a checkpoint and the sum
)

const (
	checkpointVersion = 2
	checkpointMagic   = "picket checkpoint 2\n"
	blockHead         = 5
)

// errNoCheckpoint says that there is none, which is no fault.
var errNoCheckpoint = errors.New("no checkpoint")

// checkpointFiles are the two newest checkpoint files of one partition.
type checkpointFiles struct{ newest, previous string }

func checkpointsOf(dataDir string, partition int) checkpointFiles {
	base := filepath.Join(dataDir, "checkpoints", "partition-"+strconv.Itoa(partition))
	return checkpointFiles{base + ".checkpoint", base + ".previous"}
}

// segmentWriter writes one segment.
type segmentWriter struct {
	to   io.Writer
	sum  hash.Hash
	room []byte
	n    int64 // bytes written
}

func newSegmentWriter(to io.Writer) *segmentWriter {
	return &segmentWriter{to: to, sum: sha256.New()}
}

func (w *segmentWriter) write(data []byte) error {
	n, err := w.to.Write(data)
	w.n += int64(n)
	w.sum.Write(data[:n])
	return err
}

func (w *segmentWriter) block(kind byte, data []byte) error {
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(data)))
	return errors.Join(w.write(head), w.write(data))
}

// compressed writes a block of data that shrinks well.
func (w *segmentWriter) compressed(kind byte, data []byte) error {
	w.room = compress(w.room, data)
	return w.block(kind, w.room)
}

// compress returns data compressed, in room where that suffices.
func compress(room, data []byte) []byte { return s2.Encode(room[:cap(room)], data) }

// commit writes the last block.
func (w *segmentWriter) commit(c *checkpoint) error {
	c.Version = checkpointVersion
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	w.sum.Write(body)
	return w.block(blockCommit, append(w.sum.Sum(nil), body...))
}

// readCheckpoints returns the checkpoints of a file that are whole, the oldest
// first, and what is wrong with the rest. Without any there is an error.
func readCheckpoints(path string) ([]*checkpoint, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errNoCheckpoint
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	defer file.Close()
	r, err := newBlockReader(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, filepath.Base(path), err)
	}
	var out []*checkpoint
	for {
		c, err := r.segment()
		if errors.Is(err, io.EOF) && len(out) > 0 {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("%w: %s is torn or damaged: %w", errDamaged, filepath.Base(path), err)
		}
		c.path = path
		out = append(out, c)
	}
}

// blockReader reads a checkpoint file block by block.
type blockReader struct {
	r    *bufio.Reader
	at   int64
	size int64 // of the file
	room []byte
}

func newBlockReader(file *os.File) (*blockReader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := &blockReader{r: bufio.NewReaderSize(file, 1<<20), size: info.Size()}
	magic := make([]byte, len(checkpointMagic))
	n, err := io.ReadFull(r.r, magic)
	r.at = int64(n)
	if err != nil || string(magic) != checkpointMagic {
		return nil, errors.New("it is none, or one of another version")
	}
	return r, nil
}

// block returns the next block with its head; io.EOF at the end of the file.
func (r *blockReader) block() (kind byte, whole []byte, err error) {
	var head [blockHead]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(binary.LittleEndian.Uint32(head[1:]))
	if r.at+int64(blockHead+size) > r.size {
		return 0, nil, io.ErrUnexpectedEOF
	}
	if cap(r.room) < size+blockHead {
		r.room = make([]byte, size+blockHead)
	}
	whole = r.room[:size+blockHead]
	copy(whole, head[:])
	if _, err := io.ReadFull(r.r, whole[blockHead:]); err != nil {
		return 0, nil, io.ErrUnexpectedEOF
	}
	r.at += int64(len(whole))
	return head[0], whole, nil
}

// segment reads over one segment and checks its sum.
func (r *blockReader) segment() (*checkpoint, error) {
	from, c := r.at, &checkpoint{}
	sum := sha256.New()
	for {
		kind, whole, err := r.block()
		if err != nil {
			if r.at > from && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if kind != blockCommit {
			sum.Write(whole)
			continue
		}
		if len(whole) < blockHead+sha256.Size {
			return nil, errors.New("it has no check sum")
		}
		want, body := whole[blockHead:blockHead+sha256.Size], whole[blockHead+sha256.Size:]
		if sum.Write(body); string(sum.Sum(nil)) != string(want) {
			return nil, errors.New("its check sum does not fit")
		}
		if err := json.Unmarshal(body, c); err != nil {
			return nil, err
		}
		if c.Version != checkpointVersion {
			return nil, fmt.Errorf("version %d, this Picket reads %d", c.Version, checkpointVersion)
		}
		c.end = r.at
		return c, nil
	}
}

// load gives everything up to a checkpoint to whoever makes memory of it.
func (c *checkpoint) load(memory func(parts []byte) error) (heads, error) {
	file, err := os.Open(c.path)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	defer file.Close()
	r, err := newBlockReader(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	all, group := heads{}, errgroup.Group{}
	blocks, spare, stop := make(chan block, loadBuffer), make(chan []byte, loadBuffer), make(chan struct{})
	for range loadBuffer {
		spare <- nil
	}
	group.Go(func() error {
		defer close(blocks)
		return r.decompress(c.end, blocks, spare, stop)
	})
	err = func() error {
		defer close(stop)
		for b := range blocks {
			var err error
			switch b.kind {
			case blockMemory:
				err = memory(b.data)
			case blockHeads:
				err = json.Unmarshal(b.data, &all)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", errDamaged, err)
			}
			spare <- b.data
		}
		return nil
	}()
	return all, errors.Join(group.Wait(), err)
}

// block is one block of a segment, decompressed.
type block struct {
	kind byte
	data []byte
}

// loadBuffer is how many blocks are on their way from the file to memory. They are
// read and decompressed beside the copying, which is as much work.
const loadBuffer = 3

// decompress passes on what blocks up to some place of the file hold, in room that
// comes back, until somebody stops it.
func (r *blockReader) decompress(end int64, blocks chan<- block, spare <-chan []byte, stop <-chan struct{}) error {
	for r.at < end {
		kind, whole, err := r.block()
		if err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
		if kind == blockCommit {
			continue
		}
		select {
		case room := <-spare:
			data, err := s2.Decode(room[:cap(room)], whole[blockHead:])
			if err != nil {
				return fmt.Errorf("%w: %w", errDamaged, err)
			}
			blocks <- block{kind, data} // there is room: as many are on their way as there are spare ones
		case <-stop:
			return nil
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("flush %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
