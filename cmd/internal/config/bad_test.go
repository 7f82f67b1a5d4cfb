package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wantMark starts the first lines of a bad file, which state its own faults.
const wantMark = "# want: "

// badEnvironment is the environment that the bad files are loaded in.
func badEnvironment() func(string) string {
	return environment(map[string]string{
		"BEARER": "a bearer token of some length",
		"TOKEN1": "a bearer token of an old app",
		"TOKEN2": "a bearer token of another app",
		"TOKEN3": "a bearer token of a third app",
		"KEY":    base64.StdEncoding.EncodeToString(make([]byte, 24)),
		"SHORT":  "hunter2",
	})
}

func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 35 {
		t.Fatalf("%d bad files, want 35 or more", len(files))
	}
	t.Chdir("testdata/bad")
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for line := range bytes.Lines(text) {
				if fault, ok := strings.CutPrefix(string(line), wantMark); ok {
					want = append(want, strings.TrimRight(fault, "\n"))
				}
			}
			if len(want) == 0 {
				t.Fatalf("the file states no fault in a line %q", wantMark)
			}
			_, err = Load(name, badEnvironment())
			var faults Faults
			if !errors.As(err, &faults) {
				t.Fatalf("got %v, want faults", err)
			}
			if got := strings.Split(faults.Error(), "\n"); !slices.Equal(got, want) {
				t.Errorf("faults\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
			for _, fault := range faults {
				var one Fault
				if !errors.As(err, &one) || fault.Line < 1 || fault.Column < 1 {
					t.Errorf("%+v has no place, or is not found in the error", fault)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Error("a fault repeats a secret")
			}
		})
	}
}
