package activity

import (
	"bytes"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// maxDepth bounds nesting inside raw, cursor and unknown fields.
const maxDepth = 64

// scanner reads JSON text. Its methods take a position and return the one
// after what they read, or -1 once the fault is recorded in err; given -1
// they hand it on. Strings alias data or, where they hold escapes, arena.
type scanner struct {
	data  []byte
	arena []byte
	err   *SyntaxError
}

func (s *scanner) fail(i int, format string, args ...any) int {
	s.err = &SyntaxError{Offset: i, Msg: fmt.Sprintf(format, args...)}
	return -1
}

// expected records that something else than want stands at i.
func (s *scanner) expected(i int, want string) int {
	i = s.space(i)
	return s.fail(i, "expected %s, found %s", want, s.describe(i))
}

// describe names what stands at i in words for an error. Errors are logged, so
// it repeats nothing that could be part of a text.
func (s *scanner) describe(i int) string {
	if i >= len(s.data) {
		return "the end of the input"
	}
	switch c := s.data[i]; {
	case c == '"':
		return "text"
	case c == '{':
		return "an object"
	case c == '[':
		return "a list"
	case c == '-' || c >= '0' && c <= '9':
		return "a number"
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		for _, word := range []string{"true", "false", "null", "NaN", "Infinity", "undefined", "True", "False", "None"} {
			if bytes.HasPrefix(s.data[i:], []byte(word)) {
				return word
			}
		}
		return "a word without quotes"
	}
	r, _ := utf8.DecodeRune(s.data[i:])
	return strconv.QuoteRune(r)
}

func (s *scanner) space(i int) int {
	for i < len(s.data) {
		switch s.data[i] {
		case ' ', '\n', '\t', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// skip is space for the usual case that there is none.
func (s *scanner) skip(i int) int {
	if i < len(s.data) && s.data[i] > ' ' {
		return i
	}
	return s.space(i)
}

// enter reads the bracket c and tells whether anything stands before its end.
func (s *scanner) enter(i int, c byte, want string) (int, bool) {
	i = s.skip(i)
	if i >= len(s.data) || s.data[i] != c {
		return s.expected(i, want), false
	}
	i = s.skip(i + 1)
	if i < len(s.data) && s.data[i] == c+2 { // '[' and ']', '{' and '}' are two apart
		return i + 1, false
	}
	return i, true
}

// after reads what follows a member: a comma, or the bracket that ends.
func (s *scanner) after(i int, end byte) (int, bool) {
	if i < 0 {
		return i, false
	}
	i = s.skip(i)
	if i < len(s.data) {
		switch s.data[i] {
		case ',':
			return s.skip(i + 1), true
		case end:
			return i + 1, false
		}
	}
	return s.expected(i, `"," or "`+string(end)+`"`), false
}

// key reads a member's name and colon and returns where its value starts.
func (s *scanner) key(i int) (string, int) {
	if i >= len(s.data) || s.data[i] != '"' {
		return "", s.expected(i, "a field name in double quotes")
	}
	name, i := s.text(i)
	if i < 0 {
		return "", i
	}
	if i = s.skip(i); i >= len(s.data) || s.data[i] != ':' {
		return "", s.expected(i, `":" after a field name`)
	}
	return name, s.skip(i + 1)
}

// null reads a null if one stands at i.
func (s *scanner) null(i int) (int, bool) {
	if i < len(s.data) && s.data[i] == 'n' && len(s.data)-i >= 4 && string(s.data[i:i+4]) == "null" {
		return i + 4, true
	}
	return i, false
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks, by the high bit of its byte, the first byte of w that ends a
// run of plain string content: a quote, a backslash, a control character or
// one that is not ASCII. Marks above the first may be false.
func stops(w uint64) uint64 {
	// Flipping the bit of 2 moves the quote, and nothing else, to below '!' where
	// the control characters are.
	low := (w ^ 2*ones) - '!'*ones
	slash := (w ^ '\\'*ones) - ones
	return (low | slash | w) & highs
}

// plainEnd returns the position of the first byte of s from i on that is not
// plain, or len(s).
func plainEnd(s string, i int) int {
	p := unsafe.Pointer(unsafe.StringData(s))
	for ; i <= len(s)-8; i += 8 {
		if m := stops(load(p, i)); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(s) {
		if c := s[i]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			break
		}
		i++
	}
	return i
}

// stringOf and bytesOf look at the same memory as the other type.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
func bytesOf(s string) []byte  { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// text reads a string; null is the absent one.
func (s *scanner) text(i int) (string, int) {
	data := s.data
	if i >= len(data) || data[i] != '"' {
		return s.noText(i)
	}
	start := i + 1
	p := unsafe.Pointer(unsafe.SliceData(data))
	for i = start; i <= len(data)-8; i += 8 {
		w := load(p, i)
		if m := stops(w); m != 0 {
			bit := bits.TrailingZeros64(m)
			i += bit >> 3
			if byte(w>>(bit&0x38)) == '"' {
				return unsafe.String((*byte)(unsafe.Add(p, start)), i-start), i + 1
			}
			break
		}
	}
	return s.textRest(start, i)
}

// noText reads what stands in place of a string: white space before it, null,
// or a fault.
func (s *scanner) noText(i int) (string, int) {
	if j := s.space(i); j != i {
		return s.text(j)
	}
	if i, ok := s.null(i); ok {
		return "", i
	}
	return "", s.expected(i, "text in double quotes")
}

// textRest goes on with text's string, which starts at start and is plain up
// to i.
func (s *scanner) textRest(start, i int) (string, int) {
	for {
		if i = plainEnd(stringOf(s.data), i); i >= len(s.data) {
			return "", s.unclosed(i)
		}
		switch c := s.data[i]; {
		case c == '"':
			return stringOf(s.data[start:i]), i + 1
		case c == '\\':
			return s.unescape(start, i)
		case c < ' ':
			return "", s.control(i)
		}
		if i = s.runes(i); i < 0 {
			return "", i
		}
	}
}

func (s *scanner) unclosed(i int) int {
	return s.fail(i, "expected a closing double quote, found the end of the input")
}

// runes checks the run of characters beyond ASCII at i.
func (s *scanner) runes(i int) int {
	data := s.data
	for i < len(data) && data[i] >= utf8.RuneSelf {
		// Most such text is of two and three bytes a character: what these may
		// hold except for their rarer leading bytes is settled here.
		c := data[i]
		switch {
		case c >= 0xc2 && c < 0xe0 && i+1 < len(data) && tail(data[i+1]):
			i += 2
			continue
		case c > 0xe0 && c < 0xed && i+2 < len(data) && tail(data[i+1]) && tail(data[i+2]):
			i += 3
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return s.fail(i, "invalid UTF-8: byte 0x%02x; expected text encoded as UTF-8", c)
		}
		i += n
	}
	return i
}

// tail tells a byte that continues a character.
func tail(c byte) bool { return c&0xc0 == 0x80 }

func (s *scanner) control(i int) int {
	return s.fail(i, "control character 0x%02x inside text; write it as \\u%04x", s.data[i], s.data[i])
}

// unescape decodes the string that starts at start and has its first
// backslash at i.
func (s *scanner) unescape(start, i int) (string, int) {
	if s.arena == nil || cap(s.arena) < len(s.data) {
		// No string grows by decoding, so this suffices for the whole input and
		// strings already handed out keep their place.
		s.arena = make([]byte, 0, len(s.data))
	}
	from := len(s.arena)
	for {
		s.arena = append(s.arena, s.data[start:i]...)
		if i >= len(s.data) {
			return "", s.unclosed(i)
		}
		switch c := s.data[i]; {
		case c == '"':
			out := s.arena[from:]
			return stringOf(out), i + 1
		case c == '\\':
			i = s.escape(i)
			start = i
		case c < ' ':
			i = s.control(i)
		default:
			start = i
			i = s.runes(i)
		}
		if i < 0 {
			return "", i
		}
		i = plainEnd(stringOf(s.data), i)
	}
}

// escape appends what the escape at i stands for to arena.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.data) {
		return s.fail(i+1, "expected an escape after a backslash, found the end of the input")
	}
	c := s.data[i+1]
	switch c {
	case '"', '\\', '/':
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		return s.escapeRune(i)
	default:
		return s.fail(i, `unknown escape \%s; expected one of \" \\ \/ \b \f \n \r \t \uXXXX`, printable(c))
	}
	s.arena = append(s.arena, c)
	return i + 2
}

func printable(c byte) string {
	if c > ' ' && c < utf8.RuneSelf-1 {
		return string(c)
	}
	return fmt.Sprintf("0x%02x", c)
}

func (s *scanner) escapeRune(i int) int {
	r, ok := hex4(s.data, i+2)
	if !ok {
		return s.fail(i, `expected four hexadecimal digits after \u`)
	}
	i += 6
	if r >= 0xd800 && r < 0xe000 {
		low := rune(0)
		if r < 0xdc00 && len(s.data)-i >= 6 && s.data[i] == '\\' && s.data[i+1] == 'u' {
			low, _ = hex4(s.data, i+2)
		}
		if low < 0xdc00 || low >= 0xe000 {
			return s.fail(i-6, `\u%04x is half of a surrogate pair; expected both halves, or \ufffd where one is lost`, r)
		}
		r = (r-0xd800)<<10 + (low - 0xdc00) + 0x10000
		i += 6
	}
	s.arena = utf8.AppendRune(s.arena, r)
	return i
}

// hex4 reads four hexadecimal digits.
func hex4(data []byte, i int) (rune, bool) {
	if len(data)-i < 4 {
		return 0, false
	}
	var r rune
	for _, c := range data[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
