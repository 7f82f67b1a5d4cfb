package connect

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the goldens anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a file of text cannot hold as it is.
var marks = strings.NewReplacer("<CR>\n", "\r\n", "<no line end>\n", "")

// entriesOf reads entries from a configuration that holds nothing else.
func entriesOf(t testing.TB, text []byte) []entry {
	t.Helper()
	root, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	for i := 0; i+1 < len(root.Content); i += 2 {
		section, members := root.Content[i].Value, root.Content[i+1]
		if members.Kind == yaml.SequenceNode {
			for _, item := range members.Content {
				out = append(out, entry{section: section, value: item})
			}
			continue
		}
		for j := 0; j+1 < len(members.Content); j += 2 {
			out = append(out, entry{section, members.Content[j].Value, members.Content[j+1]})
		}
	}
	return out
}

// TestInsert runs testdata/edit: a configuration, what is added to it, and what
// comes of that, or the reason why nothing does.
func TestInsert(t *testing.T) {
	files, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil || len(ar.Files) != 3 {
				t.Fatalf("%d files, error %v; want before.yaml, add.yaml and after.yaml", len(ar.Files), err)
			}
			before := []byte(marks.Replace(string(ar.Files[0].Data)))
			out, err := insert(before, entriesOf(t, ar.Files[1].Data))
			got := strings.ReplaceAll(string(out), "\r\n", "<CR>\n")
			if err != nil {
				got = "refused: " + err.Error() + "\n"
			}
			if *update {
				ar.Files[2].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(ar.Files[2].Data), got); diff != "" {
				t.Errorf("%s\n%s", ar.Comment, diff)
			}
		})
	}
}

// FuzzInsert holds that an edit keeps every line of a file, or refuses it. What
// the result means, insert checks itself.
func FuzzInsert(f *testing.F) {
	files, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		ar, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(marks.Replace(string(ar.Files[0].Data)))
	}
	add := entriesOf(f, []byte("credentials: {bank-x: {collector: x}}\naccounts: [{account: x/bank}]\n"))
	f.Fuzz(func(t *testing.T, text string) {
		out, err := insert([]byte(text), add)
		if err != nil {
			return
		}
		var cfg struct {
			Credentials map[string]any
			Accounts    []map[string]any
		}
		if err := yaml.Unmarshal(out, &cfg); err == nil {
			if n := len(cfg.Accounts); cfg.Credentials["bank-x"] == nil || n == 0 || cfg.Accounts[n-1]["account"] != "x/bank" {
				t.Errorf("not added to %q: %q", text, out)
			}
		}
		if strings.ContainsAny(text, "[{") {
			return // brackets may be written anew
		}
		rest := string(out)
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			i := strings.Index(rest, line)
			if i < 0 && !strings.Contains(line, "null") && !strings.Contains(line, "~") && !strings.Contains(line, "Null") && !strings.Contains(line, "NULL") {
				t.Fatalf("the line %q of %q is lost: %q", line, text, out)
			}
			rest = rest[max(i, 0):]
		}
	})
}
