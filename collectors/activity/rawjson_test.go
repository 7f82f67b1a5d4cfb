package activity

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// member is one member of an object, in the order of the text: objects may
// have a name twice.
type member struct {
	name  string
	value any // string, float64, true, false, nil, []any, or []member
}

// readMembers reads a value with the standard library's tokens.
func readMembers(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := readMembers(dec)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	case json.Delim('{'):
		object := []member{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := readMembers(dec)
			if err != nil {
				return nil, err
			}
			text, _ := name.(string) // names are strings
			object = append(object, member{text, v})
		}
		_, err = dec.Token()
		return object, err
	}
	return tok, nil
}

// valuesAt collects what stands at a path of a value, as RawValues says it.
func valuesAt(v any, path string) []Value {
	var out []Value
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, valuesAt(x, path)...)
		}
	case []member:
		if path == "" {
			return []Value{{Str: "an object"}}
		}
		for _, m := range v {
			switch {
			case m.name == path:
				out = append(out, valuesAt(m.value, "")...)
			case strings.HasPrefix(path, m.name+".") && len(path) > len(m.name)+1:
				out = append(out, valuesAt(m.value, path[len(m.name)+1:])...)
			}
		}
	case string:
		if path == "" {
			return []Value{{Str: v}}
		}
	case float64:
		if path == "" && !math.IsInf(v, 0) {
			return []Value{{Num: v, IsNum: true}}
		}
	case bool:
		if path == "" {
			return []Value{{Str: map[bool]string{true: "true", false: "false"}[v]}}
		}
	}
	return out
}

// FuzzRawAgainstJSON compares the scanner of events with the standard library
// on everything that both take for JSON.
func FuzzRawAgainstJSON(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x\u0041",null,true]},"a.b":2,"a":3}`))
	f.Add([]byte(`[{"a":"C:\\x\n"},[[{"a":-0.5e-3}]]]`))
	f.Add([]byte(`{"":{"a":1},"a":{"":2,"b.c":"é"}}`))
	f.Add([]byte(` {"\u0061" : {} , "b" : {"c":{"a":[[]]}} } `))
	paths := []string{"a", "b", "a.b", "b.c", "a.b.c", ".a", "a.", "b.c.a", "c"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		half := bytes.Contains(bytes.ToLower(raw), []byte(`\ud`)) // half a pair is decoded in two ways
		if len(raw) > 2000 || half || !utf8.Valid(raw) || !json.Valid(raw) {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		doc, err := readMembers(dec)
		if err != nil { // a number beyond float64
			return
		}
		var s RawScanner
		got := make([][]Value, len(paths))
		for _, v := range s.Scan(raw, NewRawFields(paths)) {
			if strings.HasPrefix(v.Value.Str, "{") && json.Valid([]byte(v.Value.Str)) {
				v.Value.Str = "an object"
			}
			got[v.Path] = append(got[v.Path], v.Value)
		}
		if jsonDepth(doc) > maxDepth {
			return // read up to there
		}
		for i, p := range paths {
			want := valuesAt(doc, p)
			if !slices.EqualFunc(got[i], want, func(a, b Value) bool { return a == b || looksLikeObject(b) && a.Str == "an object" }) {
				t.Errorf("path %q of %s (-json +scanner):\n%s", p, raw, cmp.Diff(want, got[i]))
			}
		}
	})
}

// looksLikeObject is true of texts that the comparison takes for objects.
func looksLikeObject(v Value) bool { return strings.HasPrefix(v.Str, "{") && json.Valid([]byte(v.Str)) }

func jsonDepth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			deepest = max(deepest, jsonDepth(x))
		}
	case []member:
		for _, m := range v {
			deepest = max(deepest, jsonDepth(m.value))
		}
	default:
		return 0
	}
	return deepest + 1
}
