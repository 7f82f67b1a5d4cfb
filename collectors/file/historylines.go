package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip" // half the time of the standard library's

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// blockSize is how much is read at once. Activities alias blocks, so a block
// is never used again, only dropped.
const blockSize = 256 << 10

// lineSource reads JSON lines, plain or gzip.
type lineSource struct {
	file  *os.File
	in    io.Reader
	count *countingReader
	size  int64
	only  string // account accepted, all if empty

	block []byte // read and not yet taken
	line  int    // lines taken
	end   error  // of the input: io.EOF, or what is wrong with it
}

func openLines(f *os.File, in *bufio.Reader, count *countingReader, size int64, opts Options, zipped bool) (source, error) {
	s := &lineSource{file: f, in: in, count: count, size: size, only: opts.Account}
	if zipped {
		zr, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip header: %w", err)
		}
		s.in = zr
	}
	return s, nil
}

func (s *lineSource) progress() (done, total int64) { return s.count.n.Load(), s.size }

func (s *lineSource) close() error { return s.file.Close() }

func (s *lineSource) next() (activity.Activity, error) {
	for {
		line, err := s.take()
		if err != nil {
			return activity.Activity{}, err
		}
		if s.line == 1 {
			line = trimBOM(line)
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		var a activity.Activity
		err = intake.Decode(intake.Recorded, line, time.Time{}, &a)
		if err == nil && s.only != "" && a.Account != s.only {
			err = fmt.Errorf("account: %q; expected %q, the only account asked for", a.Account, s.only)
		}
		if err != nil {
			return activity.Activity{}, s.fault(err)
		}
		return a, nil
	}
}

func (s *lineSource) fault(err error) error {
	return &ItemError{File: s.file.Name(), Line: s.line, Err: err}
}

// take returns the next line without its line break.
func (s *lineSource) take() ([]byte, error) {
	for from := 0; ; {
		if i := bytes.IndexByte(s.block[from:], '\n'); i >= 0 {
			return s.cut(from+i, from+i+1)
		}
		switch {
		case len(s.block) > intake.MaxItem:
			return nil, s.skipLine()
		case errors.Is(s.end, io.EOF) && len(s.block) > 0:
			return s.cut(len(s.block), len(s.block))
		case s.end != nil:
			return nil, s.end
		}
		from = len(s.block)
		s.more()
	}
}

// cut takes a line of n bytes off the block, which goes on at next.
func (s *lineSource) cut(n, next int) ([]byte, error) {
	line := s.block[:n]
	s.block = s.block[next:]
	s.line++
	if n > intake.MaxItem {
		return nil, s.tooLong()
	}
	return line, nil
}

// more puts a new block behind what is left of the last.
func (s *lineSource) more() {
	next := make([]byte, len(s.block), len(s.block)+blockSize)
	copy(next, s.block)
	for len(next) < cap(next) && s.end == nil {
		n, err := s.in.Read(next[len(next):cap(next)])
		next = next[:len(next)+n]
		switch {
		case errors.Is(err, io.EOF):
			s.end = io.EOF
		case err != nil:
			s.end = fmt.Errorf("%s: %w: the file is damaged or cut short; the lines before stand", s.file.Name(), err)
		}
	}
	s.block = next
}

// skipLine passes over a line that is too long.
func (s *lineSource) skipLine() error {
	s.line++
	for {
		if i := bytes.IndexByte(s.block, '\n'); i >= 0 {
			s.block = s.block[i+1:]
			return s.tooLong()
		}
		if s.block = nil; s.end != nil {
			return s.tooLong()
		}
		s.more()
	}
}

func (s *lineSource) tooLong() error {
	return s.fault(fmt.Errorf("%w: more than %d bytes without a line break; it is passed over", intake.ErrTooLong, intake.MaxItem))
}

// countingReader counts what is read, for progress.
type countingReader struct {
	in io.Reader
	n  atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}
