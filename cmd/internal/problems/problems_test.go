package problems_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/cmd/internal/problems"
	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/lint"
	"github.com/picketd/picket/rules/sigma"
)

func report(ignore ...string) *problems.Report {
	files := []rules.File{
		{Name: "a dir/a.yml", Data: []byte("title: Ä\n\tkidn: post # why\n" + strings.Repeat("x", 200) + " here " + strings.Repeat("y", 200) + "\n")},
		{Name: "/abs/b.yml", Data: []byte("x\xff")},
	}
	return problems.New(files, []lint.Problem{
		{Code: lint.UnknownField, File: "a dir/a.yml", At: sigma.Pos{Line: 2, Column: 2}, Message: "field <kidn>", Rule: "Ä"},
		{Code: lint.NoTest, File: "a dir/a.yml", At: sigma.Pos{Line: 3, Column: 202}, Message: "far to the right"},
		{Code: lint.Fault, File: "/abs/b.yml", At: sigma.Pos{Line: 1, Column: 2}, Message: "not UTF-8"},
		{Code: lint.Fault, File: "/abs/b.yml", At: sigma.Pos{Line: 9, Column: 1}, Message: "behind the end"},
	}, ignore)
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := report().Text(&b); err != nil {
		t.Fatal(err)
	}
	want := `/abs/b.yml:1:2: fault: not UTF-8
    1 | x` + "\uFFFD" + `
      |  ^
/abs/b.yml:9:1: fault: behind the end
a dir/a.yml:2:2: warning: field <kidn> [unknown-field]
    2 |  kidn: post # why
      |  ^~~~
a dir/a.yml:3:202: warning: far to the right [no-test]
    3 | …` + strings.Repeat("x", 48) + " here " + strings.Repeat("y", 45) + `…
      | ` + strings.Repeat(" ", 50) + `^~~~
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := report("unknown-field", "fault").JSON(&b); err != nil {
		t.Fatal(err)
	}
	want := `{"file":"/abs/b.yml","line":1,"column":2,"severity":"fault","code":"fault","message":"not UTF-8"}
{"file":"/abs/b.yml","line":9,"column":1,"severity":"fault","code":"fault","message":"behind the end"}
{"file":"a dir/a.yml","line":3,"column":202,"severity":"warning","code":"no-test","message":"far to the right"}
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestSARIF holds what the standard (SARIF 2.1.0, section 3) requires of the
// objects that a report has, by the names of their properties.
func TestSARIF(t *testing.T) {
	for _, row := range []struct {
		name    string
		ignore  []string
		results int
	}{{"all", nil, 4}, {"ignored", []string{"unknown-field", "no-test"}, 2}} {
		t.Run(row.name, func(t *testing.T) {
			var b strings.Builder
			if err := report(row.ignore...).SARIF(&b, "v1.2.3"); err != nil {
				t.Fatal(err)
			}
			var log map[string]any
			if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
				t.Fatal(err)
			}
			if log["version"] != "2.1.0" { // 3.13.2
				t.Errorf("version %v", log["version"])
			}
			run := only(t, log["runs"])
			driver := run["tool"].(map[string]any)["driver"].(map[string]any) // 3.14.6, 3.18.2
			if driver["name"] != "picket check" {                             // 3.19.8
				t.Errorf("driver %v", driver["name"])
			}
			codes := descriptors(t, driver["rules"].([]any))
			if !slices.Contains([]string{"utf16CodeUnits", "unicodeCodePoints"}, run["columnKind"].(string)) { // 3.14.17
				t.Errorf("columnKind %v", run["columnKind"])
			}
			results := run["results"].([]any) // 3.14.23: there, though it be empty
			if len(results) != row.results {
				t.Errorf("%d results, want %d", len(results), row.results)
			}
			for _, r := range results {
				checkResult(t, r.(map[string]any), codes)
			}
		})
	}
}

// descriptors checks reporting descriptors and returns their ids.
func descriptors(t *testing.T, list []any) []string {
	t.Helper()
	var codes []string
	for _, r := range list {
		d := r.(map[string]any)
		id := d["id"].(string) // 3.49.3
		if id == "" || slices.Contains(codes, id) {
			t.Errorf("descriptor id %q is empty or there twice", id)
		}
		if d["shortDescription"].(map[string]any)["text"] == "" { // 3.12.3
			t.Errorf("descriptor %s has no text", id)
		}
		codes = append(codes, id)
	}
	return codes
}

func checkResult(t *testing.T, r map[string]any, codes []string) {
	t.Helper()
	index := int(r["ruleIndex"].(float64))
	if index < 0 || index >= len(codes) || codes[index] != r["ruleId"] { // 3.27.5, 3.27.6
		t.Errorf("rule %v is not at %d", r["ruleId"], index)
	}
	if !slices.Contains([]string{"none", "note", "warning", "error"}, r["level"].(string)) { // 3.27.10
		t.Errorf("level %v", r["level"])
	}
	if text := r["message"].(map[string]any)["text"].(string); text == "" { // 3.27.11, 3.11.8
		t.Error("a result has no message")
	}
	physical := only(t, r["locations"])["physicalLocation"].(map[string]any) // 3.28.3
	uri := physical["artifactLocation"].(map[string]any)["uri"].(string)     // 3.29.3, 3.4.3
	if u, err := url.Parse(uri); err != nil || u.String() != uri || u.Path == uri && strings.Contains(uri, " ") {
		t.Errorf("artifact %q is no URI reference: %v", uri, err)
	}
	region := physical["region"].(map[string]any) // 3.30.5, 3.30.6: both from 1
	if region["startLine"].(float64) < 1 || region["startColumn"].(float64) < 1 {
		t.Errorf("region %v", region)
	}
}

// only returns the one object of a list.
func only(t *testing.T, list any) map[string]any {
	t.Helper()
	items := list.([]any)
	if len(items) != 1 {
		t.Fatalf("%d items, want 1", len(items))
	}
	return items[0].(map[string]any)
}
