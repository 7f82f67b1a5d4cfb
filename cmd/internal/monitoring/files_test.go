package monitoring

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files under deploy/monitoring")

// deploy is where operators find what is generated.
const deploy = "../../../deploy/monitoring"

// TestFilesAreCurrent: what operators get is what the code says.
func TestFilesAreCurrent(t *testing.T) {
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob(filepath.Join(deploy, "dashboards", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if _, known := want["dashboards/"+filepath.Base(path)]; !known {
			t.Errorf("%s is not generated", path)
		}
	}
	for name, data := range want {
		path := filepath.Join(deploy, name)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(data), string(got)); diff != "" {
			t.Errorf("%s is not what the code says (-code +file); go generate ./cmd/internal/monitoring writes it:\n%s", name, diff)
		}
	}
}
