package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors/journal"
	"github.com/picketd/picket/detector"
)

// saver keeps the checkpoint files of one partition. The first checkpoint of a
// process is whole, as is the second where there is no previous file yet; then
// increments are appended until they are larger than what they add to.
type saver struct {
	files checkpointFiles
	file  *os.File // the newest, to append to; nil where the next one is whole
	whole int64    // its size after its whole segment
	end   int64    // its size after the last segment that was committed
}

// minIncrements is how large increments may become however small the whole is.
const minIncrements = 4 << 20

// wantsWhole says whether the next checkpoint is to be whole.
func (s *saver) wantsWhole() bool {
	if s.file == nil || s.end-s.whole > max(s.whole, minIncrements) {
		return true
	}
	_, err := os.Stat(s.files.previous)
	return err != nil
}

// begin returns where the next segment goes.
func (s *saver) begin(whole bool) (*os.File, error) {
	if !whole {
		_, err := s.file.Seek(s.end, 0)
		return s.file, err
	}
	if err := os.MkdirAll(filepath.Dir(s.files.newest), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(s.tmp(), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err == nil {
		_, err = file.WriteString(checkpointMagic)
	}
	return file, err
}

func (s *saver) tmp() string { return s.files.newest + ".tmp" }

// keep makes a segment of so many bytes last. A whole one takes the place of the
// newest file, which becomes the previous one.
func (s *saver) keep(file *os.File, whole bool, size int64) error {
	if err := file.Sync(); err != nil {
		return err
	}
	if !whole {
		s.end += size
		return nil
	}
	if err := os.Rename(s.files.newest, s.files.previous); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(s.tmp(), s.files.newest); err != nil {
		return err
	}
	err := s.close()
	s.file, s.whole = file, int64(len(checkpointMagic))+size
	s.end = s.whole
	return errors.Join(err, syncDir(filepath.Dir(s.files.newest)))
}

// fail takes back what was written of a segment. The next one is whole: what
// this one held is nowhere now.
func (s *saver) fail(file *os.File, whole bool) {
	if whole && file != nil {
		_, _ = file.Close(), os.Remove(s.tmp()) // the next one overwrites it anyway
	} else if s.file != nil {
		_ = s.file.Truncate(s.end) // gives room back; what stays is not committed
	}
	_ = s.close()
}

func (s *saver) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// saving is a checkpoint in the making: the worker copies memory between two
// messages, and a goroutine writes it.
type saving struct {
	image  *detector.Image
	whole  bool
	c      *checkpoint
	began  time.Time
	chunks chan []byte // copied; nil once all of it is
	ended  bool        // before all was copied; set before chunks is closed
	spare  chan []byte // to copy into
	done   chan error  // what became of it
}

const (
	// chunkBytes is how much is copied between two messages, which takes about
	// a millisecond.
	chunkBytes  = 1 << 20
	chunkBuffer = 4
	// startEvery is how much of a checkpoint is written until the system is asked
	// to bring it to the disk, where the rest of it is still being made; else
	// all of that would begin when it is complete.
	startEvery = 16 << 20
	// savePoll is how often the worker looks at a checkpoint in the making while
	// no message comes.
	savePoll = 2 * time.Millisecond
)

// save begins a checkpoint of the memory as it is now; one at a time.
func (w *worker) save() {
	if !w.haveOne || w.saving != nil {
		return
	}
	w.unsaved = false
	s := &saving{
		whole: w.saver.wantsWhole(), began: time.Now(),
		chunks: make(chan []byte, chunkBuffer), spare: make(chan []byte, chunkBuffer), done: make(chan error, 1),
	}
	for range chunkBuffer {
		s.spare <- nil
	}
	s.image = w.engine.Image(s.whole)
	s.c = &checkpoint{Saved: s.began.UTC(), Mark: journal.MarkOf(w.created, &w.last), Program: w.program}
	w.saving = s
	chunks := s.chunks
	w.writing.Go(func() { s.done <- w.write(s, chunks) })
}

// goOn copies some more for a checkpoint in the making, and notes what became of
// it. It reports whether there is still one.
func (w *worker) goOn(ctx context.Context) bool {
	s := w.saving
	if s == nil {
		return false
	}
	if s.chunks != nil {
		select {
		case room := <-s.spare:
			chunk, done := s.image.Step(room[:0], chunkBytes)
			s.chunks <- chunk // there is room: as many are on their way as there are spare ones
			if done {
				close(s.chunks)
				s.chunks = nil
			}
		default:
		}
		return true
	}
	select {
	case err := <-s.done:
		w.saving = nil
		w.saved(ctx, s, err)
		return false
	default:
		return true
	}
}

// saved notes what became of a checkpoint. A failure costs only a longer start,
// so it is told and passed over.
func (w *worker) saved(ctx context.Context, s *saving, err error) {
	if err != nil {
		w.log.Warn("checkpoint not saved; the one before it stays", zap.Int("partition", w.partition), zap.Error(err))
		w.unsaved = true // it is tried again, whether more comes or not
		return
	}
	w.mark(ctx, s.c.Mark)
	w.metrics.Checkpointed(w.partition, int(w.saver.end), time.Since(s.began))
	if w.learning == nil {
		w.learning = w.engine.ScanLearning()
	}
}

// tellLearning goes on with counting what rules still learn, some accounts at a
// time. It reports whether it is still at it.
func (w *worker) tellLearning() bool {
	if w.learning == nil {
		return false
	}
	learned, done := w.learning.Step()
	if !done {
		return true
	}
	w.learning = nil
	for rule, n := range learned {
		w.metrics.Learned(w.partition, rule, n.Learning, n.Active)
	}
	return false
}

// write writes a checkpoint as it is copied. It is committed once every finding
// before it is durable, and every match for the rules across accounts.
func (w *worker) write(s *saving, chunks <-chan []byte) error {
	file, err := w.saver.begin(s.whole)
	out := newSegmentWriter(file)
	started := int64(0)
	packed, spare := w.pack(s, chunks)
	for data := range packed {
		if err == nil { // else the rest is let go: it has to be copied to be passed by
			err = out.block(blockMemory, data)
		}
		if out.n-started >= startEvery {
			startWriting(file)
			started = out.n
		}
		spare <- data
	}
	if err == nil && s.ended {
		err = errors.New("reading ended before all of it was copied")
	}
	if err == nil {
		err = w.writeRest(s, out)
	}
	if err == nil {
		err = w.saver.keep(file, s.whole, out.n)
	}
	if err != nil {
		w.saver.fail(file, s.whole)
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// pack compresses what is copied, beside whoever writes it, and takes back the
// room of what is written.
func (w *worker) pack(s *saving, chunks <-chan []byte) (packed <-chan []byte, spare chan<- []byte) {
	out, room := make(chan []byte, chunkBuffer), make(chan []byte, chunkBuffer)
	for range chunkBuffer {
		room <- nil
	}
	w.writing.Go(func() {
		defer close(out)
		for chunk := range chunks {
			out <- compress(<-room, chunk)
			s.spare <- chunk
		}
	})
	return out, room
}

// writeRest writes what is not copied in pieces and commits the segment.
func (w *worker) writeRest(s *saving, out *segmentWriter) error {
	rest, err := s.image.Root(nil)
	if err == nil {
		err = out.compressed(blockMemory, rest)
	}
	if err == nil {
		err = w.writeHeads(s.whole, out)
	}
	if err == nil {
		err = w.reports.await(w.writeCtx, s.c.Mark.Sequence)
	}
	if err == nil {
		err = w.outbox.await(w.writeCtx, s.c.Mark.Sequence)
	}
	if err == nil {
		err = w.sink.Sync(w.writeCtx)
	}
	if err == nil {
		err = out.commit(s.c)
	}
	return err
}

// headsAtOnce bounds the heads that are copied while the worker may wait.
const headsAtOnce = 1000

// writeHeads writes the heads, or those that have changed. They may be newer than
// the memory beside them: they are true all the same, and reading the log again
// brings them back to where they were.
func (w *worker) writeHeads(whole bool, out *segmentWriter) error {
	w.mu.Lock()
	if whole {
		w.heads.markAll()
	}
	w.mu.Unlock()
	for {
		w.mu.Lock()
		some := w.heads.take(headsAtOnce)
		w.mu.Unlock()
		if len(some) == 0 {
			return nil
		}
		data, err := json.Marshal(some)
		if err == nil {
			err = out.compressed(blockHeads, data)
		}
		if err != nil {
			return err
		}
	}
}

// finish saves once more on the way out and waits for it.
func (w *worker) finish(ctx context.Context) {
	for ctx.Err() == nil && w.goOn(ctx) {
		time.Sleep(savePoll)
	}
	w.save()
	for ctx.Err() == nil && w.goOn(ctx) {
		time.Sleep(savePoll)
	}
}

// endSaving waits until nothing is written any more. A checkpoint of which only a
// part is copied is let go.
func (w *worker) endSaving() {
	if s := w.saving; s != nil && s.chunks != nil {
		s.ended = true
		close(s.chunks)
		s.chunks = nil
	}
	w.writing.Wait()
}
