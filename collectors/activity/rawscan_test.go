package activity

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compareScan scans raw for all paths at once and looks each up by itself.
func compareScan(t *testing.T, s *RawScanner, raw string, paths []string) int {
	t.Helper()
	a := Activity{Raw: []byte(raw)}
	got := make([][]Value, len(paths))
	n := 0
	for _, v := range s.Scan(a.Raw, NewRawFields(paths)) {
		v.Value.Str = strings.Clone(v.Value.Str)
		got[v.Path] = append(got[v.Path], v.Value)
		n++
	}
	for i, p := range paths {
		want := appendRawValues(nil, a.Raw, p)
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Fatalf("path %q of %s (-alone +at once):\n%s", p, raw, diff)
		}
	}
	return n
}

func TestRawScan(t *testing.T) {
	paths := []string{
		"a", "a.b", "a.b.c", "b", "b.c.d", "c", ".", ".a", "a.", "a..b", "longer name than eight", "longer name then eight",
		"a.b.c.d.e.f.g", "x.y", "x", "é",
	}
	var s RawScanner
	for _, raw := range []string{
		``, `{`, `{}`, `[]`, `"a"`, `{"a":1}`, `[{"a":1},{"a":"x"}]`, `{"a":null}`, `{"a":true,"b":false}`,
		`{"a":{"b":{"c":"x"}}}`, `{"a.b":{"c":"x"},"a":{"b.c":"y","b":{"c":["z","\u00e9\ud83d\ude80"]}}}`,
		`{"a":"C:\\Windows\\","b":{"c":[{"d":"\n\"\t"},[{"d":"x\ud83dy"}]]}}`,
		`{"":{"a":1,"":2},".":3,".a":4}`, `{"longer name than eight":1,"longer name then eight":2}`,
		`{"\u0061":{"\u0062":1}}`, `{"a":1e999,"b":2}`, `{"a":[1e999,3]}`, `{"a":[1,x],"b":2}`, `{"a":"unclosed`,
		`{"a":` + strings.Repeat("[", 63) + "1" + strings.Repeat("]", 63) + `,"b":1}`,
		`{"a":` + strings.Repeat("[", 64) + "1" + strings.Repeat("]", 64) + `,"b":1}`,
		`{"x":{"y":1,"z":[2]}} trailing`, ` { "a" : 1 , "b" : [ 2 , 3 ] } `, "{\"a\":\"\x01\"}", "{\"\xff\":1,\"a\":2}",
		`{"a":-0.0,"b":12345678901234567890,"c":1.5e3,"é":"É"}`,
	} {
		compareScan(t, &s, raw, paths)
	}
}

// rawText makes JSON text over few names, so that paths often lead somewhere.
func rawText(r *rand.Rand, depth int) string {
	from := func(list ...string) string { return list[r.IntN(len(list))] }
	switch n := r.IntN(8); {
	case n < 3 && depth > 0:
		var members []string
		for range r.IntN(4) {
			members = append(members, from(`"a"`, `"b"`, `"a.b"`, `"c"`, `"\u0062"`, `""`, `"other member"`)+from(":", " : ")+rawText(r, depth-1))
		}
		return "{" + strings.Join(members, from(",", " ,\n")) + "}"
	case n == 3 && depth > 0:
		return "[" + rawText(r, depth-1) + "," + rawText(r, depth-1) + "]"
	}
	return from("1", "-2.5", "true", "false", "null", `"x"`, `"C:\\x"`, `"\u00e9\ud83d"`, `""`, "1e999", `"é"`)
}

func TestRawScanGenerated(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	paths := []string{"a", "b", "c", "a.b", "b.a", "a.b.c", "c.c.c", "a.a", "b.b.a.c", "a.b.a.b", ".a", "other member"}
	var s RawScanner
	found := 0
	for range 20000 {
		found += compareScan(t, &s, "{"+`"a":`+rawText(r, 4)+`,"b":`+rawText(r, 4)+"}", paths)
	}
	if found < 20000 {
		t.Errorf("%d values found; the generator should make them common", found)
	}
}

func TestRawScanAllocatesNothing(t *testing.T) {
	raw := []byte(`{"a":{"b":"C:\\Windows\\System32"},"c":[1,2.5,{"x":"y"}],"d":"plain"}`)
	fields := NewRawFields([]string{"a.b", "c", "d", "e"})
	var s RawScanner
	s.Scan(raw, fields)
	if n := testing.AllocsPerRun(100, func() { s.Scan(raw, fields) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzRawScan(f *testing.F) {
	f.Add(`{"a":{"b":[1,"x\u0041"]}}`, "a.b a b")
	f.Add(`{"a.b":{"c":{}},"":null}`, "a.b.c a.b .")
	f.Add(`[{"a":"\ud83d"},[[{"a":1e999}]]]`, "a")
	f.Fuzz(func(t *testing.T, raw, paths string) {
		list := slices.DeleteFunc(strings.Split(paths, " "), func(p string) bool { return p == "" || strings.Count(p, ".") > 10 })
		if len(list) > 0 && len(list) < 10 {
			var s RawScanner
			compareScan(t, &s, raw, list)
		}
	})
}
