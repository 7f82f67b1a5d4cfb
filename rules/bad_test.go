package rules

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadDocuments compiles each file of testdata/bad by itself. Its first
// lines say which faults it must have: all of them, and no others.
func TestBadDocuments(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yml")
	if err != nil || len(paths) < 100 {
		t.Fatalf("found %d bad documents (%v), want at least 100", len(paths), err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".yml"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			prog, err := Compile([]File{{Name: name, Data: data}})
			var faults Faults
			if !errors.As(err, &faults) || prog != nil {
				t.Fatalf("compiled to %v, %v; want faults and no program", prog, err)
			}
			if got, want := faults.Error(), wanted(string(data)); got != want {
				t.Errorf("faults:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func wanted(src string) string {
	var out []string
	for line := range strings.Lines(src) {
		want, ok := strings.CutPrefix(line, "# want: ")
		if !ok {
			break
		}
		out = append(out, strings.TrimSuffix(want, "\n"))
	}
	return strings.Join(out, "\n")
}
