// Package recordedtest finds the recorded data that tests read. The data itself
// stays where it is: it is no part of the project.
package recordedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Path returns where recorded data of some name is, "data/accounts": in the folder
// that PICKET_SHARED names, else in a folder "shared" beside the project. Where
// neither is there the test is skipped; where PICKET_SHARED is set, or in CI, its
// absence fails.
func Path(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("PICKET_SHARED")
	set := root != ""
	if !set {
		root = filepath.Join(project(t), "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	switch _, err := os.Stat(path); {
	case err == nil:
	case set:
		t.Fatalf("PICKET_SHARED is set and has no %s: %v", name, err)
	case os.Getenv("CI") == "true":
		t.Fatalf("no recorded data: set PICKET_SHARED to a folder that holds %s", name)
	default:
		t.Skipf("no recorded data: PICKET_SHARED is not set and there is no ../shared/%s beside the project", name)
	}
	return path
}

// project returns the project's folder: that of go.mod, above the test's.
func project(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}
