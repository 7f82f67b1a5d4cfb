package file

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// Bounds that tell a zip bomb from an archive: JSON rarely compresses to less
// than a thirtieth.
const (
	maxZipRatio = 200
	freeOfRatio = 64 << 20 // up to here any ratio will do
	maxZipEntry = 64 << 30 // bytes of one data file
)

// folderFiles is an archive that was unpacked. Its root keeps symbolic links
// from leading out of it.
type folderFiles struct {
	root *os.Root
	dir  string
	list []string
}

func newFolderFiles(root *os.Root) (*folderFiles, error) {
	for _, dir := range []string{"data", "."} {
		entries, err := fs.ReadDir(root.FS(), dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		files := &folderFiles{root: root, dir: dir}
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				files.list = append(files.list, entry.Name())
			}
		}
		if dir == "." || slices.ContainsFunc(files.list, isArchiveFile) {
			return files, nil
		}
	}
	return nil, errors.New("folder cannot be listed")
}

func isArchiveFile(name string) bool {
	_, ok := kindOf(name)
	return ok || name == accountFile || name == profileFile
}

func (f *folderFiles) names() []string { return f.list }

func (f *folderFiles) open(name string) (io.ReadCloser, error) {
	file, err := f.root.Open(path.Join(f.dir, name))
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (f *folderFiles) close() error { return f.root.Close() }

// zipFiles is an archive as X sends it.
type zipFiles struct {
	file    *os.File
	entries map[string]*zip.File
	list    []string
}

// newZipFiles looks for the data folder of an archive: the one that holds its
// files, at the top, under "data" or under a folder named after the archive.
func newZipFiles(f *os.File, size int64) (*zipFiles, error) {
	zr, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are only compared, never opened
		return nil, fmt.Errorf("zip: %w; the download may be incomplete", err)
	}
	z := &zipFiles{file: f, entries: make(map[string]*zip.File)}
	dir := ""
	for _, entry := range zr.File {
		if name := baseName(entry.Name); isArchiveFile(name) {
			if d := path.Dir(entry.Name); dir == "" || path.Base(d) == "data" {
				dir = d
			}
		}
	}
	for _, entry := range zr.File {
		name := baseName(entry.Name)
		if path.Dir(entry.Name) != dir || (!isArchiveFile(name) && name != manifestFile) {
			continue
		}
		if z.entries[name] != nil {
			return nil, fmt.Errorf("zip: %s is in it twice; expected the file as X sent it", entry.Name)
		}
		if err := checkEntry(entry); err != nil {
			return nil, fmt.Errorf("zip: %s: %w", entry.Name, err)
		}
		z.entries[name] = entry
		z.list = append(z.list, name)
	}
	return z, nil
}

func checkEntry(entry *zip.File) error {
	const encrypted = 1
	size, packed := entry.UncompressedSize64, entry.CompressedSize64
	switch {
	case entry.Flags&encrypted != 0:
		return errors.New("is encrypted; unpack it with its password and give the folder")
	case size > maxZipEntry:
		return fmt.Errorf("unpacks to %d bytes; expected at most %d", size, int64(maxZipEntry))
	case size > freeOfRatio && size/maxZipRatio > packed:
		return fmt.Errorf("unpacks to %d times its size; no archive does, this may be a zip bomb", size/max(packed, 1))
	}
	return nil
}

func (z *zipFiles) names() []string { return z.list }

func (z *zipFiles) open(name string) (io.ReadCloser, error) {
	entry := z.entries[name]
	if entry == nil {
		return nil, fs.ErrNotExist
	}
	rc, err := entry.Open()
	if err != nil {
		return nil, err
	}
	// Whatever the entry holds, no more than it declared is read of it.
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(rc, int64(entry.UncompressedSize64)+1), rc}, nil
}

func (z *zipFiles) close() error { return z.file.Close() }
