package file

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/picketd/picket/collectors/activity"
)

// Options of OpenHistory.
type Options struct {
	// Account is the connected account, "x/acme". Of an X archive it is the
	// account whose history this is, whatever name the archive gives it; where
	// empty, the archive's own user name is taken. Of JSON lines it is the only
	// account accepted; where empty, all are.
	Account string
}

// History is a finished file, read once from start to end. It is not safe for
// concurrent use, but for Progress.
type History struct {
	source source
}

// Owner is whose history an X archive says it is.
type Owner struct {
	Username string // without @; "" where the archive does not say
	ID       string // the account's number; "" where the archive does not say
}

// Owner returns whose history an X archive says it is; false for JSON lines.
func (h *History) Owner() (Owner, bool) {
	a, ok := h.source.(*archive)
	if !ok {
		return Owner{}, false
	}
	return a.owner, true
}

// source is one kind of history.
type source interface {
	next() (activity.Activity, error)
	progress() (done, total int64)
	close() error
}

// OpenHistory opens recorded activity, whose form it finds out by itself:
//
//   - JSON lines, plain or gzip, in the order of the file;
//   - X's data archive, as the zip file that X gives or a folder with its
//     content, in order of time (see openArchive).
//
// Context ends the opening, which reads an archive through once. Zip entries
// are read as they are needed and nothing is written to disk.
func OpenHistory(ctx context.Context, path string, opts Options) (*History, error) {
	src, err := openSource(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
	return &History{source: src}, nil
}

// Next returns the next activity, whose memory is its own. At the end it
// returns io.EOF. After an *ItemError, which is about one line or item,
// reading goes on with the next call; every other error is final.
func (h *History) Next() (activity.Activity, error) { return h.source.next() }

// Progress returns how many bytes have been read and how many there are:
// compressed ones of a gzip file, those of the items of an archive.
func (h *History) Progress() (done, total int64) { return h.source.progress() }

// Close closes what OpenHistory opened.
func (h *History) Close() error { return h.source.close() }

func openSource(ctx context.Context, path string, opts Options) (source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return openArchiveFolder(ctx, path, opts)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("is a %s; expected a regular file or the folder of an archive", describe(info))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	src, err := openFile(ctx, f, info.Size(), opts)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return src, nil
}

// openFile tells a file's form by its first bytes. It closes f only when the
// source is closed.
func openFile(ctx context.Context, f *os.File, size int64, opts Options) (source, error) {
	counted := &countingReader{in: f}
	in := bufio.NewReaderSize(counted, 64<<10)
	magic, err := in.Peek(len(archivePrefix))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case hasPrefix(magic, "PK\x03\x04"), hasPrefix(magic, "PK\x05\x06"):
		return openArchiveZip(ctx, f, size, opts)
	case hasPrefix(magic, archivePrefix):
		return nil, errors.New("is one file of an X archive; give the archive's zip file or folder")
	case hasPrefix(magic, "\xff\xfe"), hasPrefix(magic, "\xfe\xff"):
		return nil, errors.New("is UTF-16; save it as UTF-8")
	}
	return openLines(f, in, counted, size, opts, hasPrefix(magic, "\x1f\x8b"))
}

func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}
