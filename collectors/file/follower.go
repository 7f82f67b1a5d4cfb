package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// Bounds of one page of a Follower.
const (
	maxPageItems = 1000
	maxPageBytes = intake.MaxItem + 1 // a line of the longest kind and its line break
)

// Config says what a Follower follows.
type Config struct {
	// Path of the live file, to which a writer appends lines. Older
	// generations are looked for beside it.
	Path string
	// Content of its lines; empty means intake.Activities.
	Content intake.Content
	// History takes what the file holds at the first poll for history: it
	// teaches and raises no findings.
	History bool
	// Accept says whether an account is configured; lines of others are
	// reported as malformed. Nil accepts all.
	Accept func(account string) bool
}

// Follower is a collector that tails a JSON-lines file. Its Poll is what
// collectors.Collector documents: a function of the file and the cursor.
type Follower struct {
	cfg  Config
	deps collectors.Deps

	mu   sync.Mutex
	kept *os.File // where the last poll stood: deleting it does not lose it
}

var _ collectors.Collector = (*Follower)(nil)

// NewFollower returns a Follower, which opens nothing before its first Poll.
func NewFollower(cfg Config, deps collectors.Deps) (*Follower, error) {
	if cfg.Content == "" {
		cfg.Content = intake.Activities
	}
	switch {
	case cfg.Path == "":
		return nil, errors.New("follow a file: path is empty; give the path of a JSON-lines file")
	case strings.HasSuffix(cfg.Path, ".gz"), strings.HasSuffix(cfg.Path, ".zip"):
		return nil, fmt.Errorf("follow %s: compressed files do not grow line by line; follow the plain file, or read this one as history", cfg.Path)
	case cfg.Content != intake.Activities && cfg.Content != intake.Approvals:
		return nil, fmt.Errorf("follow %s: content %q; expected %q or %q", cfg.Path, cfg.Content, intake.Activities, intake.Approvals)
	}
	if deps.Log == nil {
		deps.Log = zap.NewNop()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Follower{cfg: cfg, deps: deps}, nil
}

// Close lets go of the open file. A later Poll opens it again.
func (f *Follower) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keep(nil)
}

// Poll returns the complete lines after the cursor, at most 1,000 or 1 MiB of
// them. A line without its line break waits for it, unless the file was moved
// aside and its successor has content. The file's absence is a plain error, a
// lack of permission a *collectors.Forbidden.
func (f *Follower) Poll(ctx context.Context, data json.RawMessage) (collectors.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return collectors.Page{}, err
	}
	given, err := parseCursor(data)
	if err != nil {
		return collectors.Page{}, err
	}
	list, err := siblings(f.cfg.Path)
	if err != nil {
		return collectors.Page{}, f.fault(err)
	}
	r := reading{f: f, page: collectors.Page{Cursor: data}}
	if err := r.locate(list, given); err != nil {
		return collectors.Page{}, f.fault(err)
	}
	info, err := f.kept.Stat()
	if err != nil {
		return collectors.Page{}, f.fault(err)
	}
	next := following(list, info)
	ended := next != nil && next.info.Size() > 0
	if info, err = f.kept.Stat(); err != nil { // its size, now that its end is known
		return collectors.Page{}, f.fault(err)
	}
	if err := r.read(info, ended); err != nil {
		return collectors.Page{}, f.fault(err)
	}
	if ended && !r.page.More {
		if err := r.move(next); err != nil {
			return collectors.Page{}, f.fault(err)
		}
	}
	if r.moved {
		r.page.Cursor = r.cur.encode()
	}
	return r.page, nil
}

// fault says what to do about an error of the file system.
func (f *Follower) fault(err error) error {
	err = fmt.Errorf("follow %s: %w", f.cfg.Path, err)
	if errors.Is(err, fs.ErrPermission) {
		return &collectors.Forbidden{Mend: "let the user that runs picket read the file and list its folder", Err: err}
	}
	return err
}

func (f *Follower) keep(file *os.File) error {
	old := f.kept
	f.kept = file
	if old != nil && old != file {
		return old.Close()
	}
	return nil
}

// reading is one poll at work.
type reading struct {
	f     *Follower
	cur   *cursor
	page  collectors.Page
	moved bool // cur is not the given cursor any more
}

// locate opens the file that the cursor stands in, or the one to go on with.
func (r *reading) locate(list []sibling, given *cursor) error {
	f := r.f
	if given == nil {
		return r.begin(list)
	}
	r.cur = given
	if f.kept != nil {
		if info, err := f.kept.Stat(); err == nil && given.isInode(info) && given.same(f.kept, info) {
			return nil
		}
	}
	file := given.find(list)
	if file == nil {
		return r.lose(list, given)
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !given.isInode(info) { // a copy; know it by its own inode from here on
		given.Dev, given.Inode = identity(info)
		r.moved = true
	}
	return f.keep(file)
}

// begin starts with the live file: older generations are for OpenHistory.
func (r *reading) begin(list []sibling) error {
	var live *sibling
	if n := len(list); n > 0 && list[n-1].live {
		live = &list[n-1]
	}
	if err := r.start(live, &cursor{}); err != nil {
		return err
	}
	if !r.f.cfg.History {
		return nil
	}
	info, err := r.f.kept.Stat()
	if err != nil {
		return err
	}
	r.cur.History = info.Size()
	return nil
}

// lose gives up on the cursor's file and says so.
func (r *reading) lose(list []sibling, given *cursor) error {
	next := firstGeneration(list, given.Modified)
	if next != nil && given.isInode(next.info) {
		r.gap(given, "was emptied or rewritten")
	} else {
		r.gap(given, "was removed, compressed or replaced before it was read to its end")
	}
	return r.start(next, given)
}

func (r *reading) gap(given *cursor, what string) {
	r.page.Gap = &collectors.Gap{
		From:  given.Last,
		Until: r.f.deps.Now().UTC(),
		Reason: fmt.Sprintf("%s %s: lines after line %d may be lost; read older generations as history",
			r.f.cfg.Path, what, given.Line),
	}
	r.f.deps.Log.Warn("followed file lost its place", zap.String("path", r.f.cfg.Path), zap.Int("line", given.Line), zap.String("reason", what))
}

// start moves the cursor to the first byte of s.
func (r *reading) start(s *sibling, from *cursor) error {
	if s == nil {
		return r.absent()
	}
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	if r.cur, err = from.at(file); err != nil {
		return errors.Join(err, file.Close())
	}
	r.moved = true
	return r.f.keep(file)
}

// absent says why there is no file to read.
func (r *reading) absent() error {
	info, err := os.Stat(r.f.cfg.Path)
	if err != nil {
		return fmt.Errorf("%w; create it or correct the path", err)
	}
	return fmt.Errorf("is a %s; expected a regular file", describe(info))
}

func describe(info os.FileInfo) string {
	if info.IsDir() {
		return "folder"
	}
	return "special file (" + info.Mode().Type().String() + ")"
}

// move goes on to the next generation.
func (r *reading) move(next *sibling) error {
	r.f.deps.Log.Info("followed file was rotated", zap.String("path", r.f.cfg.Path), zap.Int("lines", r.cur.Line))
	r.page.More = true
	return r.start(next, r.cur)
}

// read fills the page. ended says that nothing is appended any more.
func (r *reading) read(info os.FileInfo, ended bool) error {
	rest := info.Size() - r.cur.Offset
	buf := make([]byte, min(max(rest, 0), maxPageBytes)) // not used again: activities alias it
	n, err := io.ReadFull(io.NewSectionReader(r.f.kept, r.cur.Offset, int64(len(buf))), buf)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	buf = buf[:n]
	r.page.More = int64(n) < rest
	r.page.Backfill = r.cur.Offset < r.cur.History
	p := &lines{r: r, file: r.f.kept.Name(), buf: buf, final: ended && !r.page.More, now: r.f.deps.Now()}
	if p.take() {
		r.page.More = true
	}
	if p.pos == 0 {
		return nil
	}
	r.moved = true
	r.cur.Modified = info.ModTime().UTC()
	return r.cur.advance(r.f.kept, int64(p.pos), p.count)
}

// lines takes lines off a buffer.
type lines struct {
	r     *reading
	file  string
	buf   []byte
	final bool // the buffer's end is the file's
	now   time.Time

	pos   int // bytes taken
	count int // lines taken
}

// take fills the page from the buffer and reports whether complete lines are
// left in it.
func (p *lines) take() (left bool) {
	if n := min(bytes.Count(p.buf, []byte{'\n'}), maxPageItems); n > 0 {
		p.r.page.Activities = make([]activity.Activity, 0, n)
	}
	for p.pos < len(p.buf) {
		rest := p.buf[p.pos:]
		end := bytes.IndexByte(rest, '\n')
		switch {
		case p.full():
			return true
		case end >= 0:
			p.line(rest[:end])
			p.pos += end + 1
			p.count++
		case p.final:
			p.line(rest)
			p.pos = len(p.buf)
			p.count++
		case len(rest) >= maxPageBytes, p.r.cur.Skipping:
			p.tooLong()
			p.r.cur.Skipping = true
			p.pos = len(p.buf)
		default:
			return false
		}
	}
	return false
}

// full reports whether the page takes no further line: it has enough, or the
// line is not history as the page's others are.
func (p *lines) full() bool {
	c, page := p.r.cur, &p.r.page
	if len(page.Activities)+len(page.Malformed) >= maxPageItems {
		return true
	}
	return page.Backfill && c.Offset+int64(p.pos) >= c.History
}

// tooLong reports a line once, however many polls it takes to pass over it.
func (p *lines) tooLong() {
	if !p.r.cur.Skipping {
		p.bad(fmt.Errorf("%w: more than %d bytes without a line break; it is passed over", intake.ErrTooLong, intake.MaxItem))
	}
}

func (p *lines) bad(err error) {
	p.r.page.Malformed = append(p.r.page.Malformed, &ItemError{File: p.file, Line: p.r.cur.Line + p.count + 1, Err: err})
}

// line decodes one line, without its line break.
func (p *lines) line(line []byte) {
	c := p.r.cur
	if c.Skipping { // the end of a line that was reported already
		c.Skipping = false
		return
	}
	if c.Offset+int64(p.pos) == 0 {
		line = trimBOM(line)
	}
	if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
		return
	}
	var a activity.Activity
	err := intake.Decode(p.r.f.cfg.Content, line, p.now, &a)
	if err == nil {
		err = p.r.f.accept(&a)
	}
	if err != nil {
		p.bad(err)
		return
	}
	if a.Time.After(c.Last) {
		c.Last = a.Time
	}
	p.r.page.Activities = append(p.r.page.Activities, a)
}

func (f *Follower) accept(a *activity.Activity) error {
	if f.cfg.Accept == nil || f.cfg.Accept(a.Account) {
		return nil
	}
	return fmt.Errorf("account %q: %w", a.Account, collectors.ErrUnknownAccount)
}

func trimBOM(line []byte) []byte { return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) }
