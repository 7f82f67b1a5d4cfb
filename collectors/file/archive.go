package file

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// archivePrefix starts every data file of an X archive.
const archivePrefix = "window.YTD."

// Bounds of what is read of an archive.
const (
	maxArchiveItems = 5_000_000 // 40 bytes of memory each
	maxArchiveItem  = 1 << 20   // bytes of one item
	windowBytes     = 64 << 20  // of items in memory at once
	windowEntry     = 64        // what keeping one of them costs
)

// archive is X's data archive: JavaScript files, each an array of items behind
// an assignment. Picket reads of them
//
//	tweets.js, tweets-part1.js, …   posts, reposts, replies, edits
//	deleted-tweets.js               each as the post that it was, and its delete
//	ip-audit.js                     logins
//	profile.js, account.js          one profile activity: how it was when archived
//	manifest.js                     when the archive was made
//
// The items of these files are in no order. So the first pass, on opening,
// notes time, id and place of each, 40 bytes of memory an item; these are
// sorted, and then items are fetched in windows of 64 MiB in order of time. A
// window costs one more pass over the files that it touches: that takes longer
// than sorting on disk would, for archives of many windows, but leaves nobody's
// posts and addresses in a temporary file.
type archive struct {
	files   archiveFiles
	account string
	owner   Owner
	profile *activity.Activity
	parts   []part

	items  []item // sorted; from at on they are still to come
	at     int
	window map[int][]byte // by position in items
	size   int            // of a window, in bytes
	faults []error        // to be returned first

	done, total atomic.Int64
}

// archiveFiles opens the data files of an archive by their base name.
type archiveFiles interface {
	// names lists the data files.
	names() []string
	// open returns a data file's content, fs.ErrNotExist where there is none.
	open(name string) (io.ReadCloser, error)
	close() error
}

// part is one data file.
type part struct {
	name string
	kind partKind
}

// partKind says what the items of a data file are.
type partKind uint8

const (
	partTweets partKind = iota
	partDeleted
	partLogins
)

// item is one activity to come: an array element and how to read it.
type item struct {
	time int64 // Unix seconds; the least there is where it could not be read
	id   uint64
	off  int64
	size int32
	line int32
	part uint16
	// delete asks for the delete of a deleted tweet, else for the tweet.
	delete bool
	long   bool // too long to be read
}

// openArchive reads the archive's small files and indexes its large ones.
func openArchive(ctx context.Context, files archiveFiles, opts Options) (*archive, error) {
	a := &archive{files: files, account: opts.Account, size: windowBytes}
	if err := a.identify(); err != nil {
		return nil, err
	}
	for _, name := range files.names() {
		if kind, ok := kindOf(name); ok {
			a.parts = append(a.parts, part{name, kind})
		}
	}
	if len(a.parts) == 0 && a.profile == nil {
		return nil, errors.New("holds none of tweets.js, deleted-tweets.js, ip-audit.js and profile.js; give the zip file that X sent, or the folder that it unpacks to")
	}
	for i := range a.parts {
		if err := a.index(ctx, i); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(a.items, func(x, y item) int {
		return cmp.Or(cmp.Compare(x.time, y.time), cmp.Compare(x.id, y.id))
	})
	for _, it := range a.items {
		a.total.Add(int64(it.size))
	}
	return a, nil
}

// kindOf tells what a data file holds by its name.
func kindOf(name string) (partKind, bool) {
	switch stem := strings.TrimSuffix(name, ".js"); {
	case stem == "ip-audit" || isPart(stem, "ip-audit"):
		return partLogins, true
	case stem == "tweets" || stem == "tweet" || isPart(stem, "tweets") || isPart(stem, "tweet"):
		return partTweets, true
	case stem == "deleted-tweets" || stem == "deleted-tweet" || isPart(stem, "deleted-tweets") || isPart(stem, "deleted-tweet"):
		return partDeleted, true
	}
	return 0, false
}

// isPart reports whether stem is a further part of the named file:
// "tweets-part1".
func isPart(stem, name string) bool {
	n, ok := strings.CutPrefix(stem, name+"-part")
	_, err := strconv.Atoi(n)
	return ok && err == nil
}

// index notes the items of one data file. What is wrong with the file's
// structure is kept as a fault: the items before it stand.
func (a *archive) index(ctx context.Context, n int) error {
	p := a.parts[n]
	in, err := a.files.open(p.name)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	defer func() { _ = in.Close() }() // opened for reading
	elements, err := openElements(in)
	for err == nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		var el intake.Element
		if el, err = elements.Next(); err == nil {
			a.note(n, p.kind, el)
		}
		if len(a.items) > maxArchiveItems {
			return fmt.Errorf("%s: more than %d items in the archive; no account has as many", p.name, maxArchiveItems)
		}
	}
	if !errors.Is(err, io.EOF) {
		fault := structureFault(p.name, err)
		fault.Err = fmt.Errorf("%w; the items before stand, those after are lost", fault.Err)
		a.faults = append(a.faults, fault)
	}
	return nil
}

// structureFault says where the structure of a data file is broken.
func structureFault(name string, err error) *ItemError {
	if form, ok := errors.AsType[*intake.FormError](err); ok {
		return &ItemError{File: name, Line: form.Line, Err: fmt.Errorf("column %d: %s", form.Column, form.Msg)}
	}
	return &ItemError{File: name, Line: 1, Err: err}
}

// note adds what one element yields to the index.
func (a *archive) note(n int, kind partKind, el intake.Element) {
	it := item{off: el.Offset, size: int32(min(el.Len, maxArchiveItem)), line: int32(el.Line), part: uint16(n), time: unknownTime}
	if el.Err != nil {
		it.long = true
		a.items = append(a.items, it)
		return
	}
	var key struct {
		Tweet struct {
			ID      string `json:"id_str"`
			Created string `json:"created_at"`
			Deleted string `json:"deleted_at"`
		} `json:"tweet"`
		Login struct {
			Created string `json:"createdAt"`
		} `json:"ipAudit"`
	}
	// What cannot be read sorts first and is reported when it is fetched.
	_ = json.Unmarshal(el.Data, &key)
	it.id, _ = strconv.ParseUint(key.Tweet.ID, 10, 64)
	if kind == partLogins {
		it.time = unixOf(key.Login.Created)
	} else {
		it.time = unixOf(key.Tweet.Created)
	}
	a.items = append(a.items, it)
	if kind == partDeleted {
		it.delete, it.time = true, unixOf(key.Tweet.Deleted)
		a.items = append(a.items, it)
	}
}

const unknownTime = -1 << 63

func unixOf(s string) int64 {
	t, err := archiveTime(s)
	if err != nil {
		return unknownTime
	}
	return t.Unix()
}

// archiveTime reads the two forms of time in archives: that of API v1.1,
// "Sat Feb 18 12:33:11 +0000 2023", and RFC 3339.
func archiveTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RubyDate, s); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf(`%.40q is not a time; expected one such as "Sat Feb 18 12:33:11 +0000 2023" or "2023-02-18T12:33:11.000Z"`, s)
	}
	return t.UTC(), nil
}

func (a *archive) next() (activity.Activity, error) {
	if len(a.faults) > 0 {
		err := a.faults[0]
		a.faults = a.faults[1:]
		return activity.Activity{}, err
	}
	if a.at == len(a.items) {
		return a.last()
	}
	data, ok := a.window[a.at]
	if !ok {
		if err := a.fetch(); err != nil {
			return activity.Activity{}, err
		}
		data = a.window[a.at]
	}
	it := a.items[a.at]
	delete(a.window, a.at)
	a.at++
	a.done.Add(int64(it.size))
	act, err := a.read(it, data)
	if err != nil {
		return activity.Activity{}, &ItemError{File: a.parts[it.part].name, Line: int(it.line), Err: err}
	}
	return act, nil
}

// last returns the profile, which is as of the archive's making.
func (a *archive) last() (activity.Activity, error) {
	if a.profile == nil {
		return activity.Activity{}, io.EOF
	}
	act := *a.profile
	a.profile = nil
	if err := act.Validate(); err != nil {
		return activity.Activity{}, &ItemError{File: profileFile, Line: 1, Err: err}
	}
	return act, nil
}

func (a *archive) read(it item, data []byte) (activity.Activity, error) {
	if it.long {
		return activity.Activity{}, fmt.Errorf("%w: more than %d bytes; it is passed over", intake.ErrTooLong, maxArchiveItem)
	}
	var act activity.Activity
	var err error
	switch kind := a.parts[it.part].kind; {
	case kind == partLogins:
		act, err = readLogin(data)
	case it.delete:
		act, err = readDelete(data)
	default:
		act, err = readTweet(data)
	}
	if err != nil {
		return act, err
	}
	act.Account = a.account
	act.Network, _, _ = strings.Cut(a.account, "/")
	intake.Complete(&act, time.Time{})
	return act, act.Validate()
}

// fetch reads the next window of items, at least one.
func (a *archive) fetch() error {
	want := map[uint16][]int{}
	size := 0
	for i := a.at; i < len(a.items) && size < a.size; i++ {
		want[a.items[i].part] = append(want[a.items[i].part], i)
		size += int(a.items[i].size) + windowEntry
	}
	a.window = make(map[int][]byte, len(want))
	for n, places := range want {
		slices.SortFunc(places, func(i, j int) int { return cmp.Compare(a.items[i].off, a.items[j].off) })
		if err := a.fetchPart(a.parts[n].name, places); err != nil {
			return fmt.Errorf("%s: %w; did the archive change while it was read?", a.parts[n].name, err)
		}
	}
	return nil
}

// fetchPart reads the items at the given places in items, in the order of
// their offsets.
func (a *archive) fetchPart(name string, places []int) error {
	in, err := a.files.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // opened for reading
	var at int64
	var data []byte // of the element that ends at at
	for _, i := range places {
		it := a.items[i]
		if it.long {
			a.window[i] = nil
			continue
		}
		if it.off < at { // a deleted tweet and its delete are one element
			a.window[i] = data
			continue
		}
		if err := skip(in, it.off-at); err != nil {
			return err
		}
		data = make([]byte, it.size)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		at = it.off + int64(it.size)
		a.window[i] = data
	}
	return nil
}

// skip moves n bytes on, without reading them where that is possible.
func skip(in io.Reader, n int64) error {
	if s, ok := in.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekCurrent)
		return err
	}
	_, err := io.CopyN(io.Discard, in, n)
	return err
}

func (a *archive) progress() (done, total int64) { return a.done.Load(), a.total.Load() }

func (a *archive) close() error { return a.files.close() }

// openElements reads the assignment before a data file's array.
func openElements(in io.Reader) (*intake.Elements, error) {
	assignment := regexp.MustCompile(`^(?:\xef\xbb\xbf)?\s*window\.YTD\.[a-z0-9_]+\.part[0-9]+\s*=\s*$`)
	var head []byte
	one := make([]byte, 1)
	for len(head) < 256 {
		if _, err := io.ReadFull(in, one); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
		if one[0] == '[' {
			if !assignment.Match(head) {
				break
			}
			e := intake.NewElements(io.MultiReader(strings.NewReader("["), in), maxArchiveItem)
			e.Skip(head)
			return e, nil
		}
		head = append(head, one[0])
	}
	return nil, fmt.Errorf(`expected "window.YTD.<name>.part<n> = [", found %.40q`, head)
}

// baseName returns the name of a data file from its path in a zip file.
func baseName(name string) string { return path.Base(strings.ReplaceAll(name, `\`, "/")) }

// openArchiveFolder opens the folder that an archive unpacks to, or the data
// folder in it.
func openArchiveFolder(ctx context.Context, dir string, opts Options) (source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	files, err := newFolderFiles(root)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	a, err := openArchive(ctx, files, opts)
	if err != nil {
		return nil, errors.Join(err, files.close())
	}
	return a, nil
}

// openArchiveZip opens an archive's zip file, which stays with the caller
// until the source is closed.
func openArchiveZip(ctx context.Context, f *os.File, size int64, opts Options) (source, error) {
	files, err := newZipFiles(f, size)
	if err != nil {
		return nil, err
	}
	a, err := openArchive(ctx, files, opts)
	if err != nil {
		return nil, err
	}
	return a, nil
}
