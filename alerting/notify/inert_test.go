package notify_test

import (
	"strings"
	"testing"

	"github.com/picketd/picket/alerting/notify"
)

func TestInert(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"words stay", `CRITICAL x/acme_corp: 40 posts (usually 2 %), "Hi" [PK-3FA29C] R&D #1`, `CRITICAL x/acme_corp: 40 posts (usually 2 %), "Hi" [PK-3FA29C] R&D #1`},
		{"a name that begins with an underscore", "x/_acme", "x/_acme"},
		{"pings", "<!channel> @here <@U1>", "‹!channel› ＠here ‹＠U1›"},
		{"bold, struck, code", "*a* ~b~ `c` **d**", "∗a∗ ∼b∼ ˋcˋ ∗∗d∗∗"},
		{"slanted", "_a_ __b__ _", "_a＿ __b＿＿ ＿"},
		{"links", "[a](b) <c|d>", "[a] (b) ‹c∣d›"},
		{"templates", "{{a}} ${b} #{c}", "{ {a}} $ {b} # {c}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notify.Inert(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzInert holds that no sign is left that means something, and that inert text
// stays as it is.
func FuzzInert(f *testing.F) {
	for _, seed := range []string{"<!here> *a* _b_ [c](d)", "__a__b_", "{{{{", "${#{", "a\xff_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := notify.Inert(in)
		if strings.ContainsAny(out, "@<>*~`|") || strings.Contains(out, "](") || strings.Contains(out, "{{") || strings.HasSuffix(out, "_") {
			t.Errorf("%q becomes %q", in, out)
		}
		if again := notify.Inert(out); again != out {
			t.Errorf("%q becomes %q, and that becomes %q", in, out, again)
		}
	})
}
