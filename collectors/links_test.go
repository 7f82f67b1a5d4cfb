package collectors_test

import (
	"slices"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
)

func TestLinksIn(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"none", "http is a protocol, https:// too", nil},
		{"at the end of a sentence", "See https://acme.example/a?b=c.", []string{"https://acme.example/a?b=c"}},
		{"in brackets", "(https://acme.example/x), <http://b.example>", []string{"https://acme.example/x", "http://b.example"}},
		{"in capitals", "HTTPS://Evil.example/Gift", []string{"HTTPS://Evil.example/Gift"}},
		{"behind an emoji", "🎁https://evil.example", []string{"https://evil.example"}},
		{"glued to another", "https://a.example/https://b.example/", []string{"https://a.example/", "https://b.example/"}},
		{"twice", "https://a.example https://a.example!", []string{"https://a.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := collectors.LinksIn(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("links %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDue(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		name string
		at   int64
		want bool
	}{
		{"never", 0, true},
		{"just now", now.Unix(), false},
		{"a second early", now.Unix() - 3599, false},
		{"on time", now.Unix() - 3600, true},
		{"noted by a clock that ran ahead", now.Unix() + 1, true},
	} {
		if got := collectors.Due(now, tt.at, time.Hour); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
