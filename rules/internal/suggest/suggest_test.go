package suggest

import "testing"

func TestNearest(t *testing.T) {
	levels := []string{"informational", "low", "medium", "high", "critical"}
	for _, tt := range []struct {
		name, word, want string
	}{
		{"swapped neighbours", "hihg", "high"},
		{"one letter missing", "meduim", "medium"},
		{"two letters wrong in a long word", "informatoinel", "informational"},
		{"too far", "urgent", ""},
		{"short words need one edit", "lo", "low"},
		{"short words with two edits are other words", "log", "low"},
		{"two edits of three letters", "hot", ""},
		{"a candidate itself is no misspelling", "low", ""},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Nearest(tt.word, levels)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Nearest(%q) = %q, %v, want %q", tt.word, got, ok, tt.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	if got, want := Hint("acount", []string{"account"}), `; did you mean "account"?`; got != want {
		t.Errorf("Hint = %q, want %q", got, want)
	}
	if got := Hint("xyz", []string{"account"}); got != "" {
		t.Errorf("Hint = %q, want none", got)
	}
}
