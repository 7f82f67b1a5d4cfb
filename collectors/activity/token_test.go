package activity

import (
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	tests := []struct{ name, text, token string }{
		{"plain", "acme", "acme"},
		{"dash and underscore", "acme-news_1", "acme-news_1"},
		{"empty", "", "_"},
		{"underscore alone", "_", "%5F"},
		{"two underscores", "__", "__"},
		{"dots of a domain", "acme.bsky.social", "acme%2Ebsky%2Esocial"},
		{"e-mail address", "jo@acme.com", "jo%40acme%2Ecom"},
		{"wildcards", "*>", "%2A%3E"},
		{"space, tab, line break", "a b\tc\n", "a%20b%09c%0A"},
		{"percent", "100%", "100%25"},
		{"looks escaped already", "%2E", "%252E"},
		{"outside ASCII", "müller", "m%C3%BCller"},
		{"invalid UTF-8", "\xff", "%FF"},
		{"zero byte", "\x00", "%00"},
		{"reserved prefix of NATS", "$JS", "%24JS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := EncodeToken(tt.text); got != tt.token {
				t.Errorf("EncodeToken(%q) = %q, want %q", tt.text, got, tt.token)
			}
			got, err := DecodeToken(tt.token)
			if err != nil || got != tt.text {
				t.Errorf("DecodeToken(%q) = %q, %v, want %q", tt.token, got, err, tt.text)
			}
		})
	}
}

func TestDecodeTokenRefuses(t *testing.T) {
	tests := []struct{ name, token, want string }{
		{"empty", "", `the empty text is written "_"`},
		{"bare dot", "a.b", "must be written %2E"},
		{"cut escape", "a%2", "two upper-case hexadecimal digits"},
		{"percent at the end", "a%", "two upper-case hexadecimal digits"},
		{"lower case", "a%2e", "two upper-case hexadecimal digits"},
		{"not hexadecimal", "%G0", "two upper-case hexadecimal digits"},
		{"escaped letter", "%61", `write "a"`},
		{"escaped underscore in text", "a%5F", `write "a_"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := DecodeToken(tt.token)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("DecodeToken(%q) = %q, %v, want an error with %q", tt.token, got, err, tt.want)
			}
		})
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "_", "acme", "a.b", "*", ">", " ", "%", "%2E", "ü", "\xff\x00", "a\u202eb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token := EncodeToken(s)
		if token == "" || strings.ContainsAny(token, ".*> \t\r\n\x00") {
			t.Fatalf("EncodeToken(%q) = %q is not one subject token", s, token)
		}
		back, err := DecodeToken(token)
		if err != nil || back != s {
			t.Fatalf("%q became %q, then %q, %v", s, token, back, err)
		}
		if text, err := DecodeToken(s); err == nil && EncodeToken(text) != s {
			t.Fatalf("DecodeToken(%q) = %q, which encodes to %q", s, text, EncodeToken(text))
		}
	})
}
