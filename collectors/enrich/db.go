package enrich

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"go.uber.org/zap"
)

// States of a file, in FileStatus.State.
const (
	Ready   = "ready"   // it is in use
	Stale   = "stale"   // an older one is in use: the file is gone or damaged, see Problem
	Missing = "missing" // there is no file, and none was loaded
	Damaged = "damaged" // it cannot be used, and none was loaded before
)

// FileStatus is the state of one file.
type FileStatus struct {
	Use     string    // "location", "asn", "anonymous"
	Path    string    // as configured
	State   string    // Ready, Stale, Missing or Damaged
	Type    string    // "GeoLite2-City", of what is in use; empty if nothing is
	Built   time.Time // when what is in use was made; zero if nothing is
	Loaded  time.Time // when it was loaded
	Problem string    // what is wrong and how to mend it, empty when Ready
}

// maxFile bounds what is read into memory, in bytes; MaxMind's largest file has
// about 120 MB.
const maxFile = 1 << 30

// maxCached bounds the decoded records that are kept of one file.
const maxCached = 4096

// record is a record of a file, decoded.
type record interface {
	comparable
	useful() bool // it tells something of what the file is for
}

// db is one file and what is loaded of it.
type db[T record] struct {
	use, path string
	log       *zap.Logger
	decode    func(maxminddb.Result) (T, error)
	loaded    atomic.Pointer[loaded[T]] // nil: nothing

	mu      sync.Mutex // held by whoever looks at the file
	seen    identity   // of the file that was looked at last
	state   string
	problem string
}

// loaded is one version of a file. Nothing of it changes but the cache.
type loaded[T record] struct {
	reader *maxminddb.Reader
	at     time.Time

	mu    sync.RWMutex
	cache map[uintptr]T // by the record's offset
}

// identity tells versions of a file apart.
type identity struct {
	info fs.FileInfo // nil: there is no file
}

func (i identity) same(j identity) bool {
	if i.info == nil || j.info == nil {
		return i.info == nil && j.info == nil
	}
	return os.SameFile(i.info, j.info) && i.info.Size() == j.info.Size() && i.info.ModTime().Equal(j.info.ModTime())
}

func newDB[T record](use, path string, log *zap.Logger, decode func(maxminddb.Result) (T, error)) *db[T] {
	return &db[T]{use: use, path: path, log: log, decode: decode}
}

// used reports whether something is loaded.
func (d *db[T]) used() bool { return d.loaded.Load() != nil }

// lookup returns the record of an address, whether there is one, and whether
// that is known: it is not when nothing is loaded.
func (d *db[T]) lookup(ip netip.Addr) (rec T, found, ok bool) {
	l := d.loaded.Load()
	if l == nil || ip.Is6() && l.reader.Metadata.IPVersion == 4 {
		return rec, false, false
	}
	res := l.reader.Lookup(ip)
	if res.Err() != nil {
		return rec, false, false
	}
	if !res.Found() {
		return rec, false, true
	}
	offset := res.Offset()
	l.mu.RLock()
	rec, found = l.cache[offset]
	l.mu.RUnlock()
	if found {
		return rec, true, true
	}
	rec, err := d.decode(res)
	if err != nil { // it was read when the file was loaded
		return rec, false, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.cache) >= maxCached {
		clear(l.cache)
	}
	l.cache[offset] = rec
	return rec, true, true
}

// look loads the file if it is another one than at the last look. What was
// loaded stays in use until a good one takes its place.
func (d *db[T]) look(now time.Time) {
	if d.path == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	info, err := os.Stat(d.path)
	id := identity{info: info}
	if err != nil {
		id.info = nil
	}
	if d.state != "" && id.same(d.seen) {
		return
	}
	d.seen = id
	if errors.Is(err, fs.ErrNotExist) {
		d.fail(Missing, fmt.Errorf("%w; put a MaxMind DB file there", err))
		return
	}
	if err != nil {
		d.fail(Damaged, fmt.Errorf("%w; let Picket's user read it", err))
		return
	}
	l, after, err := d.load(now)
	if err != nil {
		// A file that is being written gets another identity by the next byte.
		d.fail(Damaged, fmt.Errorf("%s: %w; %s", d.path, err, mend(err)))
		return
	}
	d.seen = after
	d.loaded.Store(l)
	d.state, d.problem = Ready, ""
	d.log.Info("geo file loaded", zap.String("use", d.use), zap.String("path", d.path),
		zap.String("type", l.reader.Metadata.DatabaseType), zap.Time("built", l.reader.Metadata.BuildTime().UTC()))
}

// errOther says that a good file is not for this use.
var errOther = errors.New("it holds nothing of this use")

func mend(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "let Picket's user read it"
	case errors.Is(err, errOther):
		return "check which file is configured for location, asn and anonymous"
	}
	return "download it again and move it into place when it is whole"
}

// fail notes what is wrong with the file, and says so once.
func (d *db[T]) fail(state string, err error) {
	if d.used() {
		state = Stale
	}
	if d.state == state && d.problem == err.Error() {
		return
	}
	d.state, d.problem = state, err.Error()
	d.log.Warn("geo file cannot be used; "+consequence(state),
		zap.String("use", d.use), zap.String("path", d.path), zap.String("state", state), zap.Error(err))
}

func consequence(state string) string {
	if state == Stale {
		return "the one loaded before stays in use"
	}
	return "what the provider tells stays as it is"
}

// load reads the file and checks all of it.
func (d *db[T]) load(now time.Time) (*loaded[T], identity, error) {
	data, id, err := readWhole(d.path)
	if err != nil {
		return nil, id, err
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, id, err
	}
	l := &loaded[T]{reader: reader, at: now, cache: map[uintptr]T{}}
	if err := d.check(l); err != nil {
		return nil, id, err
	}
	return l, id, nil
}

// check decodes every record, so that no lookup meets a damaged one.
func (d *db[T]) check(l *loaded[T]) (err error) {
	defer func() {
		if p := recover(); p != nil { // no file may stop Picket
			err = fmt.Errorf("reading it panics: %v", p)
		}
	}()
	// A tree has one leaf more than nodes; some files share branches. In a
	// damaged one there may be more ways than can be walked.
	left := 8*uint64(l.reader.Metadata.NodeCount) + 1024
	checked, useful := map[uintptr]struct{}{}, false
	for res := range l.reader.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if err := res.Err(); err != nil {
			return err
		}
		if left--; left == 0 {
			return fmt.Errorf("its search tree has more networks than its %d nodes can have", l.reader.Metadata.NodeCount)
		}
		if !res.Found() {
			continue
		}
		if _, done := checked[res.Offset()]; done {
			continue
		}
		checked[res.Offset()] = struct{}{}
		rec, err := d.decode(res)
		if err != nil {
			return fmt.Errorf("record of %s: %w", res.Prefix(), err)
		}
		useful = useful || rec.useful()
	}
	if !useful {
		return fmt.Errorf("is a %q: %w", l.reader.Metadata.DatabaseType, errOther)
	}
	return nil
}

// readWhole reads a file that does not change meanwhile.
func readWhole(path string) (data []byte, id identity, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, id, err
	}
	defer func() { _ = f.Close() }()
	before, err := f.Stat()
	if err != nil {
		return nil, id, err
	}
	switch {
	case !before.Mode().IsRegular():
		return nil, id, errors.New("is no regular file")
	case before.Size() > maxFile:
		return nil, id, fmt.Errorf("%d bytes; want at most %d", before.Size(), int64(maxFile))
	}
	data = make([]byte, before.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, id, fmt.Errorf("changes while it is read: %w", err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, id, err
	}
	if id = (identity{info: after}); !id.same(identity{info: before}) {
		return nil, id, errors.New("changes while it is read")
	}
	return data, id, nil
}

// status returns the file's state; false when none is configured.
func (d *db[T]) status() (FileStatus, bool) {
	if d.path == "" {
		return FileStatus{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	st := FileStatus{Use: d.use, Path: d.path, State: d.state, Problem: d.problem}
	if l := d.loaded.Load(); l != nil {
		st.Type, st.Built, st.Loaded = l.reader.Metadata.DatabaseType, l.reader.Metadata.BuildTime().UTC(), l.at
	}
	return st, true
}
