package rules

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnescaped appends JSON text with the escapes of its strings resolved,
// so that people's words are found in it as they are read. What is no escape
// stays as it is.
func appendUnescaped(dst, raw []byte) []byte {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 || at+1 >= len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:at]...)
		size := 2
		switch c := raw[at+1]; c {
		case '"', '\\', '/':
			dst = append(dst, c)
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			var r rune
			if r, size = escaped(raw[at:]); size == 0 {
				dst, size = append(dst, '\\'), 1
				break
			}
			dst = utf8.AppendRune(dst, r)
		}
		raw = raw[at+size:]
	}
}

// escaped returns the character that b begins with as \uXXXX, one beyond the
// first 65,536 as two of these, and how many bytes it takes: 0 where it is none.
func escaped(b []byte) (r rune, size int) {
	const one, two = 6, 12
	r, ok := unit(b)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) || len(b) < two {
		return r, one
	}
	if second, ok := unit(b[one:]); ok {
		if both := utf16.DecodeRune(r, second); both != utf8.RuneError {
			return both, two
		}
	}
	return r, one // which is written as U+FFFD
}

func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
