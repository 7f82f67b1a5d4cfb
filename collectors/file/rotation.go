package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sibling is a file in the folder of the followed path.
type sibling struct {
	path    string
	info    os.FileInfo
	rotated bool // by its name an older generation
	live    bool // the followed path itself
}

// siblings lists the regular files beside path, path itself included, oldest
// first: by time of last change, and where that is equal by what their names
// say. The live file is always the last.
func siblings(path string) ([]sibling, error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []sibling
	for _, entry := range entries {
		name := entry.Name()
		info, err := os.Stat(filepath.Join(dir, name)) // not entry.Info: the live path may be a symbolic link
		known := name == base || rotated(base, name)
		if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.Mode().IsRegular()) || (err != nil && !known) {
			continue // or a neighbour that is none of its business, as a link that leads to itself
		}
		if err != nil {
			return nil, err
		}
		list = append(list, sibling{
			path: filepath.Join(dir, name), info: info,
			rotated: rotated(base, name), live: name == base,
		})
	}
	list = withoutLinked(list)
	slices.SortFunc(list, older)
	return list, nil
}

// withoutLinked drops what the live path is a link to: that is the live file, by
// another name, and none that comes before it.
func withoutLinked(list []sibling) []sibling {
	i := slices.IndexFunc(list, func(s sibling) bool { return s.live })
	if i < 0 {
		return list
	}
	live := list[i].info
	return slices.DeleteFunc(list, func(s sibling) bool { return !s.live && os.SameFile(s.info, live) })
}

func older(a, b sibling) int {
	switch {
	case a.live != b.live:
		if a.live {
			return 1
		}
		return -1
	case !a.info.ModTime().Equal(b.info.ModTime()):
		return a.info.ModTime().Compare(b.info.ModTime())
	}
	// Numbers count backwards (log.2 is older than log.1), dates forwards.
	n, isNumber := generation(a.path)
	m, alsoNumber := generation(b.path)
	if isNumber && alsoNumber && n != m {
		return m - n
	}
	return strings.Compare(a.path, b.path)
}

// generation returns the number that a rotation tool put last in a name.
func generation(path string) (int, bool) {
	suffix := path[strings.LastIndexAny(path, ".-")+1:]
	n, err := strconv.Atoi(suffix)
	return n, err == nil && len(suffix) < 4 // longer ones are dates
}

// rotated reports whether name looks like an older generation of base: base
// with a number or date after it ("a.jsonl.1", "a.jsonl-20260301"), or with
// one before its extension ("a-2026-03-01T08-00-00.000.jsonl"). Compressed
// generations are none: they cannot be read on from an offset.
func rotated(base, name string) bool {
	if rest, ok := strings.CutPrefix(name, base); ok {
		return isStamp(rest)
	}
	ext := filepath.Ext(base)
	rest, ok := strings.CutPrefix(name, strings.TrimSuffix(base, ext))
	if !ok || ext == "" {
		return false
	}
	rest, ok = strings.CutSuffix(rest, ext)
	return ok && isStamp(rest)
}

// isStamp reports whether s is a separator and a number, date or time.
func isStamp(s string) bool {
	return len(s) > 1 && strings.ContainsRune(".-_", rune(s[0])) && strings.ContainsAny(s, "0123456789") &&
		strings.Trim(s, "0123456789.-_:T") == ""
}

// find opens the file that the cursor stands in: by inode under any name, then
// by content under the live and the rotated names. It returns nil if there is
// none any more.
func (c *cursor) find(list []sibling) *os.File {
	for _, s := range list {
		if c.isInode(s.info) {
			if f := c.open(s); f != nil {
				return f
			}
		}
	}
	if c.HeadLen == 0 {
		return nil // nothing consumed: nothing to know it by
	}
	for _, s := range slices.Backward(list) {
		if s.live || s.rotated {
			if f := c.open(s); f != nil {
				return f
			}
		}
	}
	return nil
}

// open opens s if it holds what was consumed.
func (c *cursor) open(s sibling) *os.File {
	f, err := os.Open(s.path)
	if err != nil {
		return nil
	}
	if info, err := f.Stat(); err == nil && c.same(f, info) {
		return f
	}
	_ = f.Close() // opened for reading
	return nil
}

// following returns the first file that was started after f: the generation
// that comes next, or the live file.
func following(list []sibling, f os.FileInfo) *sibling {
	for i, s := range list {
		if !os.SameFile(s.info, f) {
			continue
		}
		return firstGeneration(list[i+1:], time.Time{})
	}
	// Not in the folder any more.
	return firstGeneration(list, f.ModTime())
}

// firstGeneration returns the oldest generation with content that was written
// after the given time, or the live file, or nil.
func firstGeneration(list []sibling, after time.Time) *sibling {
	for i, s := range list {
		if s.live || (s.rotated && s.info.Size() > 0 && s.info.ModTime().After(after)) {
			return &list[i]
		}
	}
	return nil
}
