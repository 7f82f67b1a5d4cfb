package layout

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// repository is the folder that holds go.mod, seen from this one.
const repository = "../../.."

func TestRepository(t *testing.T) {
	if _, err := os.Stat(filepath.Join(repository, "go.mod")); err != nil {
		t.Fatalf("the repository's root is not at %s: %v", repository, err)
	}
	tree, err := read(os.DirFS(repository))
	if err != nil {
		t.Fatal(err)
	}
	// This package and the shared type are there for certain; a walk that
	// misses them looked at nothing.
	for _, dir := range []string{"cmd/internal/layout", "collectors/activity"} {
		if !slices.ContainsFunc(tree.files, func(f file) bool { return f.dir == dir }) {
			t.Errorf("the walk did not reach %s", dir)
		}
	}
	for _, fault := range tree.faults() {
		t.Error(fault)
	}
}

// TestFaults gives each promise a tree that breaks it and one that keeps it.
func TestFaults(t *testing.T) {
	const (
		clean  = "// Package p is here.\npackage p\n"
		module = "github.com/picketd/picket/"
	)
	imports := func(paths ...string) string {
		src := clean
		for _, p := range paths {
			src += "\nimport _ \"" + p + "\"\n"
		}
		return src
	}
	tests := []struct {
		name string
		path string
		src  string
		want string // "" when the tree is in order
	}{
		{"activity imports the library", "collectors/activity/a.go", imports("time"), ""},
		{"activity imports a module", "collectors/activity/a.go", imports("go.uber.org/zap"), "collectors/activity/a.go:4: imports go.uber.org/zap: the shared type imports only the standard library"},
		{"activity's test imports a module", "collectors/activity/a_test.go", imports("github.com/google/go-cmp/cmp"), ""},
		{"collectors import collectors", "collectors/x/x.go", imports(module + "collectors"), ""},
		{"collectors import rules", "collectors/x/x.go", imports(module + "rules"), "collectors/x/x.go:4: imports rules: collectors may import only collectors"},
		{"a test of collectors imports rules", "collectors/x/x_test.go", imports(module + "rules"), "collectors/x/x_test.go:4: imports rules: collectors may import only collectors"},
		{"rules import activity", "rules/sigma/a.go", imports(module + "collectors/activity"), ""},
		{"rules import a collector", "rules/a.go", imports(module + "collectors/x"), "rules/a.go:4: imports collectors/x: outside collectors and cmd only collectors/activity may be imported of collectors"},
		{"rules import where recorded data is", "rules/a.go", imports(module + "collectors/activity/recordedtest"), "rules/a.go:4: imports collectors/activity/recordedtest: outside collectors and cmd only collectors/activity may be imported of collectors"},
		{"a test of rules imports where recorded data is", "rules/a_test.go", imports(module + "collectors/activity/recordedtest"), ""},
		{"rules import a namesake of activity", "rules/a.go", imports(module + "collectors/activityfile"), "rules/a.go:4: imports collectors/activityfile: outside collectors and cmd only collectors/activity may be imported of collectors"},
		{"rules import the detector", "rules/a.go", imports(module + "detector/window"), "rules/a.go:4: imports detector/window: rules may import only collectors, rules"},
		{"the detector imports rules", "detector/a.go", imports(module + "rules"), ""},
		{"the detector imports alerting", "detector/a.go", imports(module + "alerting"), "detector/a.go:4: imports alerting: detector may import only collectors, rules, detector"},
		{"alerting imports the detector", "alerting/a.go", imports(module + "detector"), ""},
		{"alerting imports cmd", "alerting/a.go", imports(module + "cmd/internal/app"), "alerting/a.go:4: imports cmd/internal/app: alerting may import only collectors, rules, detector, alerting"},
		{"cmd imports all", "cmd/picket/a.go", imports(module+"collectors/x", module+"alerting"), ""},
		{"a second import is seen", "rules/a.go", imports("time", module+"alerting"), "rules/a.go:6: imports alerting: rules may import only collectors, rules"},

		{"no package comment", "rules/a.go", "package p\n", "rules: package p has no package comment"},
		{"a remark is no package comment", "rules/a.go", "// Some remark.\npackage p\n", "rules: package p has no package comment"},
		{"a licence above is no package comment", "rules/a.go", "// Package p is elsewhere.\n\npackage p\n", "rules: package p has no package comment"},
		{"a command's comment", "cmd/picket/main.go", "// Command picket runs.\npackage main\n", ""},

		{"rules read the clock", "rules/a.go", clean + "\nimport \"time\"\n\nvar t = time.Now()\n", "rules/a.go:6: time.Now: rules read no clock, time is an argument"},
		{"the clock as a value", "rules/a.go", clean + "\nimport \"time\"\n\nvar t = time.Now\n", "rules/a.go:6: time.Now: rules read no clock, time is an argument"},
		{"the clock under another name", "detector/state/a.go", clean + "\nimport tick \"time\"\n\nvar t = tick.After(1)\n", "detector/state/a.go:6: time.After: detector reads no clock, time is an argument"},
		{"the clock without a name", "detector/a.go", clean + "\nimport . \"time\"\n\nvar t = Since(Time{})\n", "detector/a.go:4: imports time with a dot, which hides the clock"},
		{"time without the clock", "rules/a.go", clean + "\nimport \"time\"\n\nvar t = time.Unix(0, 0)\n", ""},
		{"a namesake of time", "rules/a.go", clean + "\nvar time struct{ Now int }\n\nvar t = time.Now\n", ""},
		{"a test reads the clock", "rules/a_test.go", clean + "\nimport \"time\"\n\nvar t = time.Now()\n", ""},
		{"collectors read the clock", "collectors/a.go", clean + "\nimport \"time\"\n\nvar t = time.Now()\n", ""},

		{"init", "collectors/a.go", clean + "\nfunc init() {}\n", "collectors/a.go:4: func init: nothing happens at import, pass it in instead"},
		{"a method named init", "collectors/a.go", clean + "\ntype t int\n\nfunc (t) init() {}\n", ""},

		{"broken source", "collectors/a.go", clean + "\nfunc {\n", "collectors/a.go:4:6: expected 'IDENT', found '{'"},
		{"broken source in testdata", "collectors/testdata/a.go", "nonsense", ""},
		{"a file at the root", "main.go", clean, "main.go: not one of the top-level files and folders of the design"},
		{"a new room", "util/a.go", clean, "util: not one of the top-level files and folders of the design"},
		{"Go outside the rooms", "deploy/a.go", clean, "deploy/a.go: Go files belong in collectors, rules, detector, alerting or cmd"},
		{"what git ignores", "picket", "a binary", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := read(fstest.MapFS{
				".gitignore":    {Data: []byte("# built\n/picket\n")},
				"go.mod":        {Data: []byte("module github.com/picketd/picket\n")},
				".git/HEAD":     {Data: []byte("ref")},
				tt.path:         {Data: []byte(tt.src)},
				"rules/pack.md": {Data: []byte("not Go")},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(tree.faults(), "\n"); got != tt.want {
				t.Errorf("faults\n got: %s\nwant: %s", got, tt.want)
			}
		})
	}
}
