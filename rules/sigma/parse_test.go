package sigma

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens")

func parse(tb testing.TB, src string) []*Document {
	tb.Helper()
	docs, faults := Parse("test.yml", []byte(src))
	if len(faults) > 0 {
		tb.Fatalf("faults:\n%v", faults)
	}
	return docs
}

func TestPrintGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/golden/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden inputs: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := Print(parse(t, string(src)))
			golden := strings.TrimSuffix(path, ".yml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("print (-want +got):\n%s", diff)
			}
			if again := Print(parse(t, got)); again != got {
				t.Errorf("printing what was parsed from the print differs:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func TestPositions(t *testing.T) {
	const src = `# comment
title: One
logsource: {product: picket}
detection:
  sel:
    text|contains|all: [é, 'b b']
    "app|cased": x
  words:
    - w
  condition: sel and  not words
---
title: Two
correlation:
  type: event_count
  rules: [a, bb]
  timespan: 10m
  condition: {gte: 12}
`
	docs := parse(t, src)
	d, c := docs[0].Detection, docs[1].Correlation
	sel, words := d.Searches[0], d.Searches[1]
	and, ok := d.Conditions[0].Expr.(And)
	if !ok {
		t.Fatalf("condition is %T, want And", d.Conditions[0].Expr)
	}
	for _, tt := range []struct {
		name string
		got  Pos
		want Pos
	}{
		{"document", docs[0].At, Pos{2, 1}},
		{"title", docs[0].Title.At, Pos{2, 8}},
		{"logsource", docs[0].Logsource.At, Pos{3, 1}},
		{"product", docs[0].Logsource.Product.At, Pos{3, 22}},
		{"search", sel.Name.At, Pos{5, 3}},
		{"group", sel.Any[0].At, Pos{6, 5}},
		{"test", sel.Any[0].All[0].At, Pos{6, 5}},
		{"first modifier", sel.Any[0].All[0].Modifiers[0].At, Pos{6, 10}},
		{"second modifier", sel.Any[0].All[0].Modifiers[1].At, Pos{6, 19}},
		{"value after a character of two bytes", sel.Any[0].All[0].Values[1].At, Pos{6, 28}},
		{"modifier of a quoted key", sel.Any[0].All[1].Modifiers[0].At, Pos{7, 10}},
		{"keyword", words.Any[0].All[0].Values[0].At, Pos{9, 7}},
		{"condition", d.Conditions[0].At, Pos{10, 14}},
		{"name in a condition", and.X[0].Place(), Pos{10, 14}},
		{"not in a condition", and.X[1].Place(), Pos{10, 23}},
		{"second document", docs[1].At, Pos{12, 1}},
		{"correlation", c.At, Pos{13, 1}},
		{"second rule", c.Rules[1].At, Pos{15, 14}},
		{"timespan", c.Timespan.At, Pos{16, 13}},
		{"bound", c.Bounds[0].Value.At, Pos{17, 20}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is at %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// TestPositionsInLongScalars checks that faults within a scalar point to where
// they are, also where it was written over several lines, and to its start
// where it was written with escapes.
func TestPositionsInLongScalars(t *testing.T) {
	for _, tt := range []struct{ name, condition, want string }{
		{"plain", `sel and other`, "6:22"},
		{"quoted", `'sel and other'`, "6:23"},
		{"folded", ">\n    sel\n    and other", "8:9"},
		{"folded, indented and stripped", ">2-\n      sel\n\n      and other", "9:11"},
		{"literal", "|\n    sel and\n    other", "8:5"},
		{"literal with a comment", "| # why\n    sel and other", "7:13"},
		{"over two lines", "sel\n    and other", "7:9"},
		{"quoted over two lines", "'sel and\n    other'", "7:5"},
		{"double-quoted over two lines", "\"sel and\n\n    other\"", "8:5"},
		{"with a byte more than characters", "sel and \u3000 other", "6:24"},
		{"escaped", `"sel\tand other"`, "6:14"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := Parse("t.yml", []byte("title: T\nlogsource: {product: picket}\ndetection:\n  sel:\n    kind: post\n  condition: "+tt.condition+"\n"))
			want := "t.yml:" + tt.want + `: condition: no search is named "other"; define it under detection`
			if got := faults.Error(); got != want {
				t.Errorf("fault %s, want %s", got, want)
			}
		})
	}
}

// TestHugeCondition: a condition is read in one pass, however long its line is.
// Looking for the place of each name from the start of the line takes hours.
func TestHugeCondition(t *testing.T) {
	const names = 500_000
	docs := parse(t, "title: T\nlogsource: {product: picket}\ndetection:\n  a: {kind: post}\n  condition: "+strings.Repeat("not a or ", names)+"a\n")
	or, ok := docs[0].Detection.Conditions[0].Expr.(Or)
	if !ok || len(or.X) != names+1 {
		t.Fatalf("condition is %T, want %d names", docs[0].Detection.Conditions[0].Expr, names+1)
	}
	if at, want := or.X[names].Place(), (Pos{5, 14 + 9*names}); at != want {
		t.Errorf("the last one is at %v, want %v", at, want)
	}
}

func TestParseKeepsNeighbours(t *testing.T) {
	const good = "title: Good\nlogsource: {product: picket}\ndetection:\n  sel:\n    kind: post\n  condition: sel\n"
	docs, faults := Parse("t.yml", []byte(good+"---\ntitle: [\n---\ntitle: Bad\nlevel: top\n---\n"+good))
	if len(docs) != 3 || docs[0].Faulty || !docs[1].Faulty || docs[2].Faulty {
		t.Fatalf("got %d documents, want 3 of which the second is faulty", len(docs))
	}
	want := `t.yml:8:1: not YAML: did not find expected node content; check indentation, quotes and colons here and in the line before
t.yml:11:8: level "top" is not one of informational, low, medium, high, critical`
	if got := faults.Error(); got != want {
		t.Errorf("faults:\n%s\nwant:\n%s", got, want)
	}
	if docs[2].Detection.At.Line != 15 {
		t.Errorf("last detection is in line %d, want 15", docs[2].Detection.At.Line)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, src := range []string{"", "\n", "# comment\n", "---\n", "---\n---\n# x\n"} {
		if docs, faults := Parse("t.yml", []byte(src)); len(docs) > 0 || len(faults) > 0 {
			t.Errorf("%q gives %d documents and faults %v, want none", src, len(docs), faults)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
	}{
		{"1s", time.Second},
		{"10m", 10 * time.Minute},
		{"24h", 24 * time.Hour},
		{"14d", 14 * 24 * time.Hour},
		{"2w", 14 * 24 * time.Hour},
		{"1M", 30 * 24 * time.Hour},
		{"1y", 365 * 24 * time.Hour},
		{"292y", 292 * 365 * 24 * time.Hour},
	} {
		if got, err := ParseDuration(tt.in); got != tt.want || err != nil {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{"", "s", "10", "1.5h", "-1h", "+1h", "1h30m", "10 m", "0m", "293y", "99999999999999999999s", "1D", "1é"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", in, got)
		}
	}
}

func TestParsePattern(t *testing.T) {
	lit := func(s string) Piece { return Piece{Literal, s} }
	one, many := Piece{Kind: One}, Piece{Kind: Many}
	for _, tt := range []struct {
		in   string
		want Pattern
	}{
		{``, nil},
		{`plain`, Pattern{lit(`plain`)}},
		{`prog?.exe`, Pattern{lit(`prog`), one, lit(`.exe`)}},
		{`V*.exe`, Pattern{lit(`V`), many, lit(`.exe`)}},
		{`***`, Pattern{many}},
		{`*?*`, Pattern{many, one, many}},
		{`C:\Windows\x`, Pattern{lit(`C:\Windows\x`)}},
		{`C:\\Windows`, Pattern{lit(`C:\Windows`)}},
		{`\*`, Pattern{lit(`*`)}},
		{`\?`, Pattern{lit(`?`)}},
		{`\\*`, Pattern{lit(`\`), many}},
		{`\\\*`, Pattern{lit(`\*`)}},
		{`\\\\`, Pattern{lit(`\\`)}},
		{`\\\a`, Pattern{lit(`\\a`)}},
		{`end\`, Pattern{lit(`end\`)}},
	} {
		got := ParsePattern(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, diff)
		}
		if diff := cmp.Diff(got, ParsePattern(got.String())); diff != "" {
			t.Errorf("%s does not survive printing as %s:\n%s", tt.in, got, diff)
		}
	}
	if got, want := ParsePattern(`a*b`).Around(true, true).String(), `*a*b*`; got != want {
		t.Errorf("around: %s, want %s", got, want)
	}
	if got, want := ParsePattern(`*a*`).Around(true, true).String(), `*a*`; got != want {
		t.Errorf("around what has wildcards already: %s, want %s", got, want)
	}
}

func TestMatchName(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"sel", "sel", true},
		{"sel", "sel2", false},
		{"sel*", "sel", true},
		{"sel*", "selection", true},
		{"*_a", "sel_a", true},
		{"s*_*", "sel_a", true},
		{"s*_*b", "sel_a", false},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"*", "", true},
		{"a*b*c", "a-c-b-c", true},
	} {
		if got := matchName(tt.pattern, tt.name); got != tt.want {
			t.Errorf("matchName(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/golden/*.yml", "../testdata/bad/*.yml", "../packs/social/*.yml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("no seeds at %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, faults := Parse("f.yml", data)
		lines := len(splitLines(string(data)))
		for _, fault := range faults {
			if fault.At.Line < 1 || fault.At.Line > lines || fault.At.Column < 1 || fault.Message == "" {
				t.Errorf("fault outside of the file: %v", fault)
			}
		}
		if len(faults) > 0 {
			return
		}
		printed := Print(docs)
		again, faults := Parse("f.yml", []byte(printed))
		if len(faults) > 0 {
			t.Fatalf("%q prints as\n%s\nwhich has faults:\n%v", data, printed, faults)
		}
		if second := Print(again); second != printed {
			t.Fatalf("%q does not survive printing:\n%s", data, cmp.Diff(printed, second))
		}
	})
}
