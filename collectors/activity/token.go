package activity

import (
	"fmt"
	"strings"
)

// EmptyToken is the token of the empty string, since NATS has no empty tokens.
const EmptyToken = "_"

// EncodeToken writes any text as one token of a NATS subject. ASCII letters,
// digits, "-" and "_" stand for themselves; every other byte becomes "%" and
// two upper-case hexadecimal digits, so that dots, wildcards, spaces, control
// characters and text outside ASCII cannot break or widen a subject. The empty
// string is "_", and therefore "_" alone is "%5F". Distinct texts have
// distinct tokens. The form is stored in journals and subscriptions, so it
// never changes.
func EncodeToken(s string) string {
	if s == "" {
		return EmptyToken
	}
	if s == EmptyToken {
		return "%5F"
	}
	plain := 0
	for plain < len(s) && tokenByte(s[plain]) {
		plain++
	}
	if plain == len(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:plain])
	for _, c := range []byte(s[plain:]) {
		if tokenByte(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// DecodeToken returns the text that EncodeToken wrote. It accepts only what
// EncodeToken writes, so that one text never has two subjects.
func DecodeToken(token string) (string, error) {
	if token == "" {
		return "", fmt.Errorf("subject token is empty: the empty text is written %q", EmptyToken)
	}
	if token == EmptyToken {
		return "", nil
	}
	s, err := unescapeToken(token)
	if err != nil {
		return "", err
	}
	if want := EncodeToken(s); want != token {
		return "", fmt.Errorf("subject token %q escapes more than it must: write %q", token, want)
	}
	return s, nil
}

func unescapeToken(token string) (string, error) {
	var b strings.Builder
	b.Grow(len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c != '%' {
			if !tokenByte(c) {
				return "", fmt.Errorf("subject token %q: byte %d (%q) must be written %%%02X", token, i, c, c)
			}
			b.WriteByte(c)
			continue
		}
		if i+2 >= len(token) || hexValue(token[i+1]) < 0 || hexValue(token[i+2]) < 0 {
			return "", fmt.Errorf("subject token %q: byte %d: %% wants two upper-case hexadecimal digits after it", token, i)
		}
		b.WriteByte(byte(hexValue(token[i+1])<<4 | hexValue(token[i+2])))
		i += 2
	}
	return b.String(), nil
}

func tokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
