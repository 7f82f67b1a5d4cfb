package exports

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode"
)

// Bounds of what is read of an export. They tell a bomb from a large account.
const (
	maxFiles  = 2_000_000 // in an archive; most are pictures, which are not read
	maxRead   = 8 << 30   // bytes of the files that are read, unpacked
	maxRatio  = 200       // JSON rarely compresses to less than a thirtieth
	freeRatio = 64 << 20  // up to here any ratio will do
	maxPath   = 1024      // bytes of a name
)

// errBomb says that an archive unpacks to more than any export holds.
var errBomb = errors.New("unpacks to far more than any export holds; this may be a bomb")

// reading says which files of an export are read: visit is called with each
// that wanted names, by its path with forward slashes and without what does not
// print. Names are compared and told, never opened, so they lead nowhere.
type reading struct {
	wanted func(name string) bool
	visit  func(name string, in io.Reader) error
}

// walk reads what is wanted of a zip file, a tar file with or without gzip, a
// folder, or a single file. Nothing is written to disk.
func walk(ctx context.Context, name string, r reading) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return walkFolder(ctx, name, r)
	}
	if !info.Mode().IsRegular() {
		return errors.New("is neither a file nor a folder")
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // opened for reading
	in := bufio.NewReaderSize(f, 64<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case strings.HasPrefix(string(magic), "PK\x03\x04"), strings.HasPrefix(string(magic), "PK\x05\x06"):
		return walkZip(ctx, f, info.Size(), r)
	case strings.HasPrefix(string(magic), "\x1f\x8b"):
		return walkTarGzip(ctx, in, info.Size(), r)
	}
	if base := path.Base(name); r.wanted(base) {
		return r.visit(plain(base), io.LimitReader(in, maxRead))
	}
	return walkTar(ctx, in, info.Size(), r)
}

// walkFolder reads the folder that an archive unpacks to. The root keeps
// symbolic links from leading out of it.
func walkFolder(ctx context.Context, dir string, r reading) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // opened for reading
	count := 0
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if count++; count > maxFiles {
			return fmt.Errorf("more than %d files; give the folder of one export", maxFiles)
		}
		if !entry.Type().IsRegular() || !r.wanted(name) {
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(r.visit(plain(name), io.LimitReader(f, maxRead)), f.Close())
	})
}

func walkZip(ctx context.Context, f *os.File, size int64, r reading) error {
	zr, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are never opened
		return fmt.Errorf("zip: %w; the download may be incomplete", err)
	}
	if len(zr.File) > maxFiles {
		return fmt.Errorf("zip: more than %d files", maxFiles)
	}
	left := uint64(maxRead)
	for _, entry := range zr.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !entry.Mode().IsRegular() || len(entry.Name) > maxPath || !r.wanted(slashes(entry.Name)) {
			continue
		}
		const encrypted = 1
		unpacked := entry.UncompressedSize64
		switch {
		case entry.Flags&encrypted != 0:
			return fmt.Errorf("zip: %s is encrypted; unpack it with its password and give the folder", plain(entry.Name))
		case unpacked > left || unpacked > freeRatio && unpacked/maxRatio > entry.CompressedSize64:
			return fmt.Errorf("zip: %s: %w", plain(entry.Name), errBomb)
		}
		left -= unpacked
		in, err := entry.Open()
		if err != nil {
			return fmt.Errorf("zip: %s: %w", plain(entry.Name), err)
		}
		// Whatever the entry holds, no more than it declares is read of it.
		if err := errors.Join(r.visit(plain(slashes(entry.Name)), io.LimitReader(in, int64(unpacked))), intact(in), in.Close()); err != nil {
			return err
		}
	}
	return nil
}

func walkTarGzip(ctx context.Context, in io.Reader, size int64, r reading) error {
	gz, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	return walkTar(ctx, gz, size, r)
}

// walkTar reads a tar file whose packed size is given. What is not wanted is
// unpacked, too, and passed over, so it counts against the ratio.
func walkTar(ctx context.Context, in io.Reader, packed int64, r reading) error {
	limited := &io.LimitedReader{R: in, N: max(freeRatio, packed*maxRatio)}
	tr := tar.NewReader(limited)
	for count := 0; ; count++ {
		header, err := tr.Next()
		switch {
		case limited.N <= 0:
			return errBomb
		case errors.Is(err, io.EOF):
			return intact(limited)
		case errors.Is(err, tar.ErrInsecurePath): // names are never opened
		case err != nil && count == 0:
			return errors.New("is neither a zip file nor a tar file, with or without gzip, nor a file that an export has")
		case err != nil:
			return fmt.Errorf("tar: %w; the download may be incomplete", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if count > maxFiles {
			return fmt.Errorf("tar: more than %d files", maxFiles)
		}
		if header.Typeflag != tar.TypeReg || len(header.Name) > maxPath || !r.wanted(slashes(header.Name)) {
			continue
		}
		if err := r.visit(plain(slashes(header.Name)), io.LimitReader(tr, maxRead)); err != nil {
			if limited.N <= 0 {
				return errBomb
			}
			return err
		}
	}
}

// intact reads what is left of packed data, behind which stands its checksum. That
// it ends too early, or in what is none, was told by whoever read it, or changes
// nothing of what they have read.
func intact(in io.Reader) error {
	_, err := io.Copy(io.Discard, in)
	if errors.Is(err, zip.ErrChecksum) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("is damaged: %w; get it again, or give the folder that it unpacks to", err)
	}
	return nil
}

// slashes returns a name of an archive as all systems write it.
func slashes(name string) string { return path.Clean(strings.ReplaceAll(name, `\`, "/")) }

// plain returns a name as people are told it: whoever made the archive chose it, and
// a terminal does what some characters say.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, name)
}

// under reports whether a name is a file of this path, in whatever folder the
// archive was packed in.
func under(name, file string) bool {
	return strings.EqualFold(name, file) || len(name) > len(file) && name[len(name)-len(file)-1] == '/' && strings.EqualFold(name[len(name)-len(file):], file)
}
