package collectors_test

import (
	"testing"

	"github.com/picketd/picket/collectors"
)

func TestClip(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		n          int
		want       string
	}{
		{"shorter", "abc", 4, "abc"},
		{"as long", "abc", 3, "abc"},
		{"longer", "abc", 2, "ab"},
		{"nothing left", "abc", 0, ""},
		{"behind a character", "aé€", 3, "aé"},
		{"within a character", "aé€", 5, "aé"},
		{"within the first one", "€", 2, ""},
		{"no UTF-8", "\x80\x80\x80", 2, ""},
	} {
		if got := collectors.Clip(tt.text, tt.n); got != tt.want {
			t.Errorf("%s: Clip(%q, %d) = %q, want %q", tt.name, tt.text, tt.n, got, tt.want)
		}
	}
}

func TestOdd(t *testing.T) {
	for n, want := range []string{"", "; 1 is not understood and left out", "; 2 are not understood and left out"} {
		if got := collectors.Odd(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestExtent(t *testing.T) {
	for _, tt := range []struct {
		n     int
		total int64
		want  string
	}{{5, 10, "5 of 10 bytes"}, {5, 0, "5 bytes"}, {5, -1, "5 bytes"}} {
		if got := collectors.Extent(tt.n, tt.total); got != tt.want {
			t.Errorf("%d of %d: %q, want %q", tt.n, tt.total, got, tt.want)
		}
	}
}
