package metagraph_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

func TestMended(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as exports hold it", `"Caf\u00c3\u00a9 \u00f0\u009f\u008d\u009e"`, "Café 🍞"},
		{"plain", `"Loaf"`, "Loaf"},
		{"right already", `"Café 🍞"`, "Café 🍞"},
		{"right, and all of Latin-1", `"Café"`, "Café"},
		{"empty", `""`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got metagraph.Mended
			if err := json.Unmarshal([]byte(tt.in), &got); err != nil || string(got) != tt.want {
				t.Errorf("got %q, error %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestExportTime(t *testing.T) {
	for seconds, want := range map[int64]string{
		1767225600: "2026-01-01T00:00:00Z", 0: "", -1: "", 1767225600000: "",
	} {
		at, err := metagraph.ExportTime("timestamp", seconds)
		if got := at.Format("2006-01-02T15:04:05Z07:00"); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%d: got %s, error %v, want %q", seconds, got, err, want)
		}
	}
}

func TestExportFile(t *testing.T) {
	for uri, want := range map[string]activity.Media{
		"media/posts/a.jpg": {Type: "image", URL: "media/posts/a.jpg"},
		"media/posts/a.MP4": {Type: "video", URL: "media/posts/a.MP4"},
	} {
		if got, ok := metagraph.ExportFile(uri); !ok || got != want {
			t.Errorf("%s: got %+v, %v", uri, got, ok)
		}
	}
	if _, ok := metagraph.ExportFile(""); ok {
		t.Error("a file without a name is one")
	}
}

// FuzzMend: mending is done once, and keeps what is text a text.
func FuzzMend(f *testing.F) {
	f.Add("Caf\u00c3\u00a9")
	f.Add("Café 🍞")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "")
		got := metagraph.Mend(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q became %q", s, got)
		}
		var broken []rune
		for _, b := range []byte(s) {
			broken = append(broken, rune(b))
		}
		if again := metagraph.Mend(string(broken)); again != s {
			t.Errorf("%q, broken and mended, is %q", s, again)
		}
	})
}
