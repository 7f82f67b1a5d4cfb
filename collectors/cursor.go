package collectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// EncodeCursor returns v, all that a collector remembers between polls, as the
// JSON of Page.Cursor: on one line, with the characters of HTML as they are, so
// that what is bounded in bytes stays so. It refuses what is larger than
// MaxCursor; its errors begin with "encode cursor".
func EncodeCursor(v any) (json.RawMessage, error) {
	b, err := encodeJSON(v)
	if err != nil {
		return nil, fmt.Errorf("encode cursor: %w", err)
	}
	if len(b) > MaxCursor {
		return nil, fmt.Errorf("encode cursor: %d bytes; at most %d fit", len(b), MaxCursor)
	}
	return b, nil
}

// encodeJSON is json.Marshal without escapes for HTML.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// Digest is a fingerprint of texts, 16 characters, to tell apart what need not be
// remembered whole. Its 96 bits keep whoever writes the texts from finding two of
// which it is the same.
func Digest(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%q\n", p)
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

// Bounded cuts a long value so that it fits the cursor: JSON writes it in at most
// limit bytes and the two quotes. What it ends with tells values apart that
// differ behind the cut. The limit is 20 or more.
func Bounded(value string, limit int) string {
	if Within(value, limit) == value {
		return value
	}
	return Within(value, limit-20) + "… " + Digest(value)
}

// Within cuts text between characters so that JSON writes it in at most n bytes,
// the quotes aside: whoever has the account may fill it with what JSON writes in
// several.
func Within(text string, n int) string {
	for i, r := range text {
		switch {
		case r == '"' || r == '\\' || r == '\n':
			n -= 2
		case r < ' ' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError:
			n -= len(`\u0000`)
		default:
			n -= utf8.RuneLen(r)
		}
		if n < 0 {
			return text[:i]
		}
	}
	return text
}

// Due reports whether what was done at a time, in Unix seconds, is to be done
// again. It also is where a clock that ran ahead noted the time: else nothing
// would be done until then.
func Due(now time.Time, at int64, every time.Duration) bool {
	return now.Unix()-at >= int64(every/time.Second) || now.Unix() < at
}
