package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// watcher tells when files of a configuration change. It watches folders
// rather than files, since editors and secret stores replace files.
type watcher struct {
	changed chan struct{} // has one value when something changed

	fs   *fsnotify.Watcher // nil when nothing can be watched
	log  *zap.Logger
	done chan struct{}

	mu      sync.Mutex
	watched watched
}

// watched is what a watcher looks at. Its paths are clean, and their folders
// are those behind symbolic links: each is watched once, by one name.
type watched struct {
	names   map[string]bool // paths of which every change matters
	folders map[string]bool // watched; true: every file of rules and folder in it matters
}

// newWatcher returns a watcher that looks at nothing yet. Where the system
// does not let it watch, it says so and tells of no change.
func newWatcher(log *zap.Logger) *watcher {
	w := &watcher{changed: make(chan struct{}, 1), log: log, done: make(chan struct{}), watched: newWatched()}
	var err error
	if w.fs, err = fsnotify.NewWatcher(); err != nil {
		log.Warn("configuration files are not watched; send SIGHUP to reload", zap.Error(err))
		close(w.done)
		return w
	}
	go w.run()
	return w
}

func newWatched() watched { return watched{names: map[string]bool{}, folders: map[string]bool{}} }

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
	}
	<-w.done
}

func (w *watcher) run() {
	defer close(w.done)
	for {
		select {
		case ev, ok := <-w.fs.Events:
			if !ok {
				return
			}
			if w.matters(ev) {
				w.nudge()
			}
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			w.log.Warn("changes of configuration files may have gone unseen; all are read again", zap.Error(err))
			w.nudge()
		}
	}
}

func (w *watcher) nudge() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// matters reports whether an event asks to read the configuration again.
func (w *watcher) matters(ev fsnotify.Event) bool {
	if ev.Op == fsnotify.Chmod {
		return false
	}
	path := filepath.Clean(ev.Name)
	base := filepath.Base(path)
	w.mu.Lock()
	named, tree := w.watched.names[path], w.watched.folders[filepath.Dir(path)]
	w.mu.Unlock()
	switch {
	case named, base == "..data": // Kubernetes swaps whole folders behind "..data"
		return true
	case !tree, strings.HasPrefix(base, ".."):
		return false
	case isRuleFile(path):
		return true
	}
	info, err := os.Stat(path)
	return ev.Has(fsnotify.Create) && err == nil && info.IsDir()
}

// follow watches the files that configurations come from and their folders of
// rules, and what it watched before no longer. Changes meanwhile are not
// missed. Below data, which the daemon writes, nothing is watched.
func (w *watcher) follow(data string, files, dirs []string) {
	if w.fs == nil {
		return
	}
	next := newWatched()
	for _, file := range files {
		w.file(&next, file)
	}
	for _, dir := range dirs {
		w.tree(&next, dir, data)
	}
	w.mu.Lock()
	w.watched = next
	w.mu.Unlock()
	for _, folder := range w.fs.WatchList() {
		if _, stays := next.folders[folder]; !stays {
			_ = w.fs.Remove(folder) // it may have gone by itself
		}
	}
}

// tree watches a folder of rules and everything below it but data.
func (w *watcher) tree(next *watched, dir, data string) {
	t := ruleTree{
		file: func(string) error { return nil },
		enter: func(folder string) bool {
			if behindLinks(folder) == behindLinks(data) {
				return false
			}
			w.file(next, folder)
			_ = w.folder(next, behindLinks(folder), true)
			return true
		},
	}
	w.file(next, dir)
	_ = t.walk(dir) // its faults are told when the rules are read
}

// file watches a path and, where it is a link, what is behind it. Of a path
// that is not there, what has to come first is watched.
func (w *watcher) file(next *watched, path string) {
	paths := []string{filepath.Clean(path)}
	if behind := behindLinks(path); behind != paths[0] {
		paths = append(paths, behind)
	}
	for _, path := range paths {
		for {
			folder := behindLinks(filepath.Dir(path))
			w.name(next, filepath.Join(folder, filepath.Base(path)))
			if !errors.Is(w.folder(next, folder, false), fs.ErrNotExist) || filepath.Dir(path) == path {
				break
			}
			path = filepath.Dir(path)
		}
	}
}

func (w *watcher) name(next *watched, path string) {
	next.names[path] = true
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watched.names[path] = true
}

// folder watches one folder, from before its watch begins.
func (w *watcher) folder(next *watched, path string, tree bool) error {
	tree = tree || next.folders[path]
	w.mu.Lock()
	w.watched.folders[path] = tree || w.watched.folders[path]
	w.mu.Unlock()
	err := w.fs.Add(path)
	if err == nil {
		next.folders[path] = tree
	} else if !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("folder is not watched; send SIGHUP after changes in it", zap.String("folder", path), zap.Error(err))
	}
	return err
}

// behindLinks returns a path without symbolic links, the path itself where it
// is not there.
func behindLinks(path string) string {
	if behind, err := filepath.EvalSymlinks(path); err == nil {
		return behind
	}
	return filepath.Clean(path)
}
