package app

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestRuleFilesFollowLinks(t *testing.T) {
	configMap := map[string]string{
		"..2026_10_17/a.yml": "a", "..2026_10_17/sub/b.yaml": "b", "..data": "-> ..2026_10_17",
		"a.yml": "-> ..data/a.yml", "sub": "-> ..data/sub",
	}
	tests := []struct {
		name  string
		files map[string]string
		dir   string
		want  []string
	}{
		{"a ConfigMap", configMap, ".", []string{"a.yml", "sub/b.yaml"}},
		{"a linked folder", map[string]string{"real/a.yml": "a", "real/sub/b.yml": "b", "rules": "-> real"}, "rules", []string{"rules/a.yml", "rules/sub/b.yml"}},
		{"a ring of links", map[string]string{"rules/a.yml": "a", "rules/ring": "-> ../rules"}, "rules", []string{"rules/a.yml"}},
		{"one file", map[string]string{"a.yml": "a", "b.yml": "b"}, "a.yml", []string{"a.yml"}},
		{"other files", map[string]string{"a.YML": "a", "b.txt": "b", "lock": "-> nothing", "c.yml/d.yml": "d"}, ".", []string{"a.YML", "c.yml/d.yml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, tt.files)
			files, err := RuleFiles(nil, []string{filepath.Join(dir, tt.dir)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range files {
				name, err := filepath.Rel(dir, f.Name)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, name)
				if base := filepath.Base(name); string(f.Data) != base[:1] && base != "a.YML" {
					t.Errorf("%s holds %q", name, f.Data)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("files %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRuleFilesTellsEachFault(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yml": "-> nothing", "b.yml": "-> nowhere", "c.yml": "c"})
	_, err := RuleFiles(nil, []string{dir})
	for _, name := range []string{"a.yml", "b.yml"} {
		if want := "open " + filepath.Join(dir, name) + ": no such file"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to tell %q", err, want)
		}
	}
}

// TestRuleFilesThatHaveNoEnd: a device behind a rule file's name, or a file that
// is no rule by its size, is told and not read.
func TestRuleFilesThatHaveNoEnd(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yml": "-> /dev/zero", "b.test.yml": "-> /dev/zero", "d.yml": "d"})
	huge := filepath.Join(dir, "c.yml")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxRuleFile+1); err != nil {
		t.Fatal(err)
	}
	_, err := RuleFiles(nil, []string{dir})
	_, _, all := RulesAndTests(nil, []string{dir})
	for _, row := range []struct {
		err  error
		want string
	}{
		{err, "a.yml is not a file, but a pipe or device; remove it"},
		{err, "c.yml is larger than 16 MiB; split it"},
		{all, "a.yml is not a file, but a pipe or device; remove it"},
		{all, "b.test.yml is not a file, but a pipe or device; remove it"},
		{all, "c.yml is larger than 16 MiB; split it"},
	} {
		if want := filepath.Join(dir, row.want); row.err == nil || !strings.Contains(row.err.Error(), want) {
			t.Errorf("got %v, want it to tell %q", row.err, want)
		}
	}
}

// TestRuleFilesAreWatched changes rules in every way in which they may come,
// one after the other, and counts on one watch throughout.
func TestRuleFilesAreWatched(t *testing.T) {
	s := newSite(t, "rules: {packs: [], dirs: [./rules, ./linked]}\n")
	s.put(t, map[string]string{
		"rules/a.yml": ruleNamed("a"), "linked": "-> one",
		"one/..2026_1/bb.yml": ruleNamed("bb"), "one/..data": "-> ..2026_1", "one/bb.yml": "-> ..data/bb.yml",
		"two/cccc.yml": ruleNamed("cccc"),
	})
	r := s.launch(t).works()
	path := func(name string) string { return filepath.Join(s.dir, name) }
	step := 0
	reloads := func(what string, err error) {
		t.Helper()
		step++
		if err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		r.logged(logReloaded, step)
		if n := watches(); n != 1 {
			t.Fatalf("%s: %d watches, want 1", what, n)
		}
	}
	s.put(t, map[string]string{"rules/a.yml": ruleNamed("a") + "# again\n"})
	reloads("a file is written", nil)
	s.put(t, map[string]string{"apart/team/dddddddd.yml": ruleNamed("dddddddd")})
	reloads("a folder is moved in", os.Rename(path("apart"), path("rules/apart")))
	s.put(t, map[string]string{"rules/apart/team/dddddddd.yml": ruleNamed("dddddddd") + "# again\n"})
	reloads("a file in it is written", nil)
	reloads("it is moved out", os.Rename(path("rules/apart"), path("apart")))
	s.put(t, map[string]string{"one/..2026_2/bb.yml": ruleNamed("bb") + "# again\n", "one/..data_tmp": "-> ..2026_2"})
	reloads("a ConfigMap is swapped", os.Rename(path("one/..data_tmp"), path("one/..data")))
	s.put(t, map[string]string{"linked_tmp": "-> two"})
	reloads("a linked folder is another", os.Rename(path("linked_tmp"), path("linked")))
	s.put(t, map[string]string{"two/cccc.yml": ruleNamed("cccc") + "# again\n"})
	reloads("a file in that one is written", nil)
	s.put(t, map[string]string{"rules2/a.yml": ruleNamed("a")})
	reloads("the folder is replaced", errors.Join(os.Rename(path("rules"), path("rules1")), os.Rename(path("rules2"), path("rules"))))
	s.put(t, map[string]string{"rules/a.yml": ruleNamed("a") + "# again\n"})
	reloads("a file in the new one is written", nil)
}

// watches counts the goroutines that read file changes from the system.
func watches() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	return strings.Count(string(stacks), "fsnotify.(*inotify).readEvents(")
}

func TestLostEventsAreChanges(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	w := newWatcher(zap.New(core))
	defer w.close()
	w.fs.Errors <- fsnotify.ErrEventOverflow
	select {
	case <-w.changed:
	case <-time.After(patience):
		t.Fatal("an overflow of events goes unnoticed")
	}
	if logs.Len() != 1 {
		t.Errorf("%d warnings, want 1", logs.Len())
	}
}
