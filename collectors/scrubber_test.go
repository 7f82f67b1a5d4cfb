package collectors_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors"
)

func TestScrubberReplace(t *testing.T) {
	for _, tt := range []struct {
		name       string
		secrets    []collectors.Secret
		text, want string
	}{
		{"no secrets", nil, "Bearer hunter22", "Bearer hunter22"},
		{"as it is, each time", []collectors.Secret{"hunter22"}, "Bearer hunter22, hunter22x", "Bearer [redacted], [redacted]x"},
		{"as a query holds it", []collectors.Secret{"h/n+er 2="}, "?t=h%2Fn%2Ber+2%3D", "?t=[redacted]"},
		{"several", []collectors.Secret{"hunter22", "swordfish"}, "hunter22:swordfish", "[redacted]:[redacted]"},
		{"one that begins with another", []collectors.Secret{"hunter", "hunter22"}, "hunter22 hunter", "[redacted] [redacted]"},
		{"shortest", []collectors.Secret{"hunter"}, "a hunter", "a [redacted]"},
		{"too short to be one", []collectors.Secret{"hunte", ""}, "a hunter", "a hunter"},
	} {
		if got := collectors.NewScrubber(tt.secrets...).Replace(tt.text); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
	if got := (collectors.Scrubber{}).Replace("hunter22"); got != "hunter22" {
		t.Errorf("the zero Scrubber makes %q of hunter22", got)
	}
}

func TestScrubberWords(t *testing.T) {
	s := collectors.NewScrubber("hunter22")
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "Grüße <b> \"x\"", "Grüße <b> \"x\""},
		{"lines that look like others of a log", "no\r\n{\"level\":\"info\"}\u0085a\tb", "no  {\"level\":\"info\"} a b"},
		{"codes of a terminal", "\x1b[31mred\u009b0m\x7f\x00", " [31mred 0m  "},
		{"no UTF-8", "a\xff\xfeb\xe2\x82", "a\ufffdb\ufffd"},
		{"a secret", "bad header: hunter22\n", "bad header: [redacted] "},
		{"long", strings.Repeat("a", 299) + "é", strings.Repeat("a", 299)},
		{"a secret where it is cut", strings.Repeat("a", 296) + "hunter22", strings.Repeat("a", 296) + "[red"},
	} {
		if got := s.Words(tt.text); got != tt.want {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.text, got, tt.want)
		}
	}
}

func TestScrubberErrors(t *testing.T) {
	s := collectors.NewScrubber("hunter22")
	refused := errors.New("proxy refuses Bearer hunter22")
	for _, tt := range []struct {
		name        string
		err         error
		clean, bare string
		wraps       error // that both still wrap
	}{
		{"without a secret", io.ErrUnexpectedEOF, "unexpected EOF", "unexpected EOF", io.ErrUnexpectedEOF},
		{"with a secret", fmt.Errorf("send: %w", refused), "send: proxy refuses Bearer [redacted]", "send: proxy refuses Bearer [redacted]", nil},
		{
			"of a request", &url.Error{Op: "Get", URL: "https://a.example/b", Err: io.ErrUnexpectedEOF},
			`Get "https://a.example/b": unexpected EOF`, "unexpected EOF", io.ErrUnexpectedEOF,
		},
		{
			"of a request with a secret in its URL", &url.Error{Op: "Get", URL: "https://a.example/?key=hunter22", Err: io.EOF},
			`Get "https://a.example/?key=[redacted]": EOF`, "EOF", nil,
		},
		{
			"of a request, wrapped", fmt.Errorf("library: %w", &url.Error{Op: "Get", URL: "https://a.example/", Err: refused}),
			`library: Get "https://a.example/": proxy refuses Bearer [redacted]`, "proxy refuses Bearer [redacted]", nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean, bare := s.Clean(tt.err), s.Bare(tt.err)
			if clean.Error() != tt.clean || bare.Error() != tt.bare {
				t.Errorf("clean: %v, bare: %v", clean, bare)
			}
			if tt.wraps != nil && (!errors.Is(clean, tt.wraps) || !errors.Is(bare, tt.wraps)) {
				t.Errorf("%#v and %#v do not wrap %v", clean, bare, tt.wraps)
			}
			if errors.Is(clean, refused) || errors.Is(bare, refused) {
				t.Errorf("%#v or %#v wraps an error that holds the secret", clean, bare)
			}
		})
	}
}

// TestScrubberAnswers: how a wrong answer begins and where a redirect leads are
// told on one line, without what was sent along.
func TestScrubberAnswers(t *testing.T) {
	const token = "s3cr3t-token"
	s := collectors.NewScrubber(token)
	for _, tt := range []struct {
		name         string
		header       http.Header
		body         string
		quote, where string
	}{
		{"a page", http.Header{"Content-Type": {"text/html"}}, " <html>\r\n<h1>Hello</h1>", `23 bytes of text/html that begin "<html>  <h1>Hello</h1>"`, ""},
		{"nothing", nil, "", `0 bytes of no content type that begin ""`, ""},
		{"what repeats the token", http.Header{"Content-Type": {token}}, "Bearer " + token, `19 bytes of [redacted] that begin "Bearer [redacted]"`, ""},
		{"a long page", nil, strings.Repeat("a", 500), `500 bytes of no content type that begin "` + strings.Repeat("a", 80) + `"`, ""},
		{"another host", http.Header{"Location": {"https://api.example/v2?token=" + token}}, "", `0 bytes of no content type that begin ""`, "https://api.example"},
		{"a host that holds the token", http.Header{"Location": {"https://" + token + ".example/"}}, "", `0 bytes of no content type that begin ""`, "https://[redacted].example"},
		{"a path", http.Header{"Location": {"/v2"}}, "", `0 bytes of no content type that begin ""`, ""},
		{"no address", http.Header{"Location": {"https://%zz"}}, "", `0 bytes of no content type that begin ""`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Quote(tt.header, []byte(tt.body)); got != tt.quote {
				t.Errorf("quote %s\nwant  %s", got, tt.quote)
			}
			if got := s.Elsewhere(tt.header); got != tt.where {
				t.Errorf("leads to %q, want %q", got, tt.where)
			}
		})
	}
}
