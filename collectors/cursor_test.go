package collectors_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
)

func TestEncodeCursor(t *testing.T) {
	type state struct {
		Since float64 `json:"since"`
		Next  string  `json:"next,omitempty"`
	}
	for _, tt := range []struct {
		name      string
		v         any
		want, err string
	}{
		{name: "on one line", v: &state{Since: 5}, want: `{"since":5}`},
		{name: "HTML as it is", v: &state{Next: "<a>?b&c"}, want: `{"since":0,"next":"<a>?b&c"}`},
		{name: "spaces and line feeds of a text stay", v: " a\n ", want: `" a\n "`},
		{name: "no JSON", v: &state{Since: math.NaN()}, err: "encode cursor: json: unsupported value: NaN"},
		{name: "largest", v: strings.Repeat("&", 65534), want: `"` + strings.Repeat("&", 65534) + `"`},
		{name: "larger", v: strings.Repeat("&", 65535), err: "encode cursor: 65537 bytes; at most 65536 fit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := collectors.EncodeCursor(tt.v)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err || got != nil {
					t.Errorf("got %.60s, error %v; want error %s", got, err, tt.err)
				}
				return
			}
			if err != nil || string(got) != tt.want {
				t.Errorf("got %.60s, error %v; want %.60s", got, err, tt.want)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []string
		want  string
	}{
		{"nothing", nil, "47DEQpj8HBSa-_TI"},
		{"an empty text", []string{""}, "vYW8241OYTp5y2LQ"},
		{"one", []string{"ab"}, "oAaiC7Fc1ocqgjrK"},
		{"the same in two", []string{"a", "b"}, "FL3sjHf5_uvDsEf6"},
		{"a line feed within", []string{"a\nb"}, "xWMRzsxycMJwaW1I"},
		{"the sign between within", []string{"a\"\n\"b"}, "5kHzacK7RoTfq5oM"},
	} {
		if got := collectors.Digest(tt.parts...); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"fits", "abc", 3, "abc"},
		{"does not", "abc", 2, "ab"},
		{"between characters", "aé€😀", 9, "aé€"},
		{"escaped in two bytes", `a"\` + "\n", 5, `a"\`},
		{"escaped in six", "a\x01\u2028\u2029", 13, "a\x01\u2028"},
		{"HTML as it is", "<&>", 3, "<&>"},
		{"no UTF-8", "a\xff\xffb", 12, "a\xff"},
		{"no room", "a", 0, ""},
		{"less than none", "a", -1, ""},
	} {
		if got := collectors.Within(tt.text, tt.n); got != tt.want {
			t.Errorf("%s: Within(%q, %d) = %q, want %q", tt.name, tt.text, tt.n, got, tt.want)
		}
	}
}

func TestBounded(t *testing.T) {
	quotes := strings.Repeat(`"`, 20)
	for _, tt := range []struct {
		name, value string
		limit       int
		want        string
	}{
		{"fits", "0123456789012345678901234", 25, "0123456789012345678901234"},
		{"longer", "01234567890123456789012345", 25, "01234… YkU8ChkgCows-0dc"},
		{"differs behind the cut", "0123456789012345678901234x", 25, "01234… 8pgD9ifO1AMBPFLt"},
		{"longer as JSON only", quotes, 25, "\"\"… XyPajFfIyl2fNlGU"},
		{"nothing but the end", quotes, 20, "… XyPajFfIyl2fNlGU"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := collectors.Bounded(tt.value, tt.limit)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if b, err := collectors.EncodeCursor(got); err != nil || len(b) > tt.limit+2 {
				t.Errorf("%d bytes of JSON, want at most %d and the quotes; error %v", len(b), tt.limit, err)
			}
		})
	}
}

// FuzzWithin holds what the JSON of this version of Go makes of a text against
// what Within counts.
func FuzzWithin(f *testing.F) {
	for _, seed := range []string{"", "a\"\\/\b\f\n\r\t\x00\x1f\x7f", "<&>\u0085\u2028\u2029\ufeff\ufffd😀", "\xff\xed\xa0\x80\xe2\x82"} {
		f.Add(seed, 7)
		f.Add(strings.Repeat(seed, 9), 50)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		got := collectors.Within(text, n)
		if !strings.HasPrefix(text, got) || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("Within(%q, %d) = %q", text, n, got)
		}
		if b, err := collectors.EncodeCursor(got); err == nil && len(b) > max(n, 0)+2 {
			t.Errorf("Within(%q, %d) = %q: %d bytes of JSON", text, n, got, len(b))
		}
	})
}
