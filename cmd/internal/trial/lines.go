package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
)

// FileOptions say what of a file is read.
type FileOptions struct {
	// Account is whose history an X archive is, "x/acme"; its own name where
	// empty. Of JSON lines it is the only account that is read; all where empty.
	Account string
	// Since leaves out what happened before; zero leaves out nothing.
	Since    time.Time
	Progress Progress // may be nil
}

// maxActivities bounds what is held in memory: 100,000 took 376 MB, measured.
const maxActivities = 300_000

// ReadFile reads an X archive or JSON lines of activities. Its errors for a
// person are *Fault.
func ReadFile(ctx context.Context, path string, opts FileOptions) (*History, error) {
	if opts.Progress == nil {
		opts.Progress = discard
	}
	h := &History{Origin: originOf(path), Source: path}
	only := opts.Account
	if h.Origin == FromArchive {
		only = ""
	}
	src, err := file.OpenHistory(ctx, path, file.Options{Account: archived(h.Origin, opts.Account)})
	if err != nil {
		return nil, openFault(path, err)
	}
	defer func() { _ = src.Close() }() // opened for reading
	first, err := h.fill(ctx, src, only, opts.Progress)
	if err != nil {
		return nil, &Fault{What: fmt.Sprintf("%s cannot be read to its end: %v", path, err), Do: "Copy or download it again", Err: err}
	}
	switch {
	case len(h.Activities) > 0:
	case h.Unreadable > 0:
		return nil, &Fault{
			What: fmt.Sprintf("%s is no X archive, and its lines are no activities (%v)", path, first), Do: forms, Err: first,
		}
	case only != "":
		return nil, &Fault{What: fmt.Sprintf("%s holds nothing of %s", path, only), Do: "Check --account, or leave it out"}
	default:
		return nil, &Fault{What: path + " is empty: there is nothing to judge", Do: "Give a file with some history"}
	}
	h.order()
	return h, h.since(opts.Since)
}

// archived is the account under which an archive is read.
func archived(o Origin, account string) string {
	if o == FromArchive {
		return account
	}
	return ""
}

// originOf tells X's archive, a folder or a zip file, from JSON lines.
func originOf(path string) Origin {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return FromArchive
	}
	f, err := os.Open(path)
	if err != nil {
		return FromLines
	}
	defer func() { _ = f.Close() }() // opened for reading
	magic := make([]byte, 2)
	if _, err := f.Read(magic); err == nil && string(magic) == "PK" {
		return FromArchive
	}
	return FromLines
}

// fill reads everything of only, of all accounts where that is empty. It
// returns the first item that cannot be read.
func (h *History) fill(ctx context.Context, src *file.History, only string, progress Progress) (first, err error) {
	for {
		a, err := src.Next()
		item, bad := errors.AsType[*file.ItemError](err)
		switch {
		case bad:
			if h.Unreadable++; first == nil {
				first = item
			}
			continue
		case end(err):
			return first, nil
		case err != nil:
			return first, err
		case ctx.Err() != nil:
			return first, ctx.Err()
		}
		if only != "" && a.Account != only || !event(&a) {
			continue
		}
		if len(h.Activities) == maxActivities {
			return first, fmt.Errorf("it holds more than %d items; picket replay reads any number", maxActivities)
		}
		h.Activities = append(h.Activities, a)
		if len(h.Activities)%4096 == 0 {
			progress(len(h.Activities), a.Time)
		}
	}
}

// order puts the activities in the order in which they happened, each once.
func (h *History) order() {
	slices.SortStableFunc(h.Activities, func(a, b activity.Activity) int { return a.Time.Compare(b.Time) })
	type key struct {
		account string
		key     uint64
	}
	seen := make(map[key]bool, len(h.Activities))
	read := len(h.Activities)
	h.Activities = slices.DeleteFunc(h.Activities, func(a activity.Activity) bool {
		k := key{a.Account, a.Key()}
		again := seen[k]
		seen[k] = true
		return again
	})
	h.Duplicates += read - len(h.Activities)
}

// openFault says for a person why a file cannot be opened.
func openFault(path string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{What: "there is no file " + path, Do: "Check the path", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &Fault{What: path + " may not be read by this user", Do: "Allow it, or copy the file", Err: err}
	}
	return &Fault{What: fmt.Sprintf("%s cannot be read: %v", path, cmp.Or(errors.Unwrap(err), err)), Do: forms, Err: err}
}

// forms is what can be read.
const forms = "Give the zip file that X sent, the folder that it unpacks to, or JSON lines in Picket's form"
