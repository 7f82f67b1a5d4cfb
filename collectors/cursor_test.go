package collectors_test

import (
	"math"
	"strings"
	"testing"

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
