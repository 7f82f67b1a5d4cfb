package notify_test

import (
	"strings"
	"testing"

	"github.com/picketd/picket/alerting/notify"
)

type word string

func (w word) Reveal() string { return string(w) }

func TestQuote(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"one line", " a\r\n\tb\u2028c ", "a b c"},
		{"what does not print", "a\x1b[31mb\x00c\xffd", "a [31mb cd"},
		{"a secret", "key=s3cr3t&x, s3cr3t", "key=[secret]&x, [secret]"},
		{"long", strings.Repeat("ü", 300), strings.Repeat("ü", 200) + "…"},
		{"a secret where it is cut", strings.Repeat("a", 198) + "s3cr3t", strings.Repeat("a", 198) + "[s…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notify.Quote(tt.in, nil, word("s3cr3t"), word("")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
