package activity

import (
	"strconv"
)

// number reads a number.
func (s *scanner) number(i int) (float64, int) {
	end, mantissa, scale := s.numberEnd(i)
	if end < 0 {
		return 0, end
	}
	if scale <= 0 && scale >= -15 && mantissa < 1<<53 {
		v := float64(mantissa)
		if scale < 0 { // both are exact, so their quotient is correctly rounded
			v /= [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}[-scale]
		}
		if s.data[i] == '-' {
			v = -v
		}
		return v, end
	}
	v, err := strconv.ParseFloat(stringOf(s.data[i:end]), 64)
	if err != nil {
		return 0, s.fail(i, "number is beyond the range of a 64-bit float (1.8e308)")
	}
	return v, end
}

// numberEnd returns the position after the number at i and, where it has no
// exponent and at most 18 digits, its value as mantissa × 10^scale; scale is 1
// where that is not so.
func (s *scanner) numberEnd(i int) (end int, mantissa uint64, scale int) {
	if i < len(s.data) && s.data[i] == '-' {
		i++
	}
	first := i
	for ; i < len(s.data) && s.data[i]-'0' <= 9; i++ {
		mantissa = mantissa*10 + uint64(s.data[i]-'0')
	}
	digits := i - first
	if digits == 0 {
		return s.expected(i, "a number"), 0, 0
	}
	if digits > 1 && s.data[first] == '0' {
		return s.fail(first, "number with a leading zero; JSON numbers have none"), 0, 0
	}
	if i < len(s.data) && s.data[i] == '.' {
		first = i + 1
		for i = first; i < len(s.data) && s.data[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(s.data[i]-'0')
		}
		if i == first {
			return s.expected(i, "a digit after the decimal point"), 0, 0
		}
		scale = first - i
		digits -= scale
	}
	if digits > 18 {
		scale = 1
	}
	if i < len(s.data) && s.data[i]|0x20 == 'e' {
		return s.exponent(i + 1), 0, 1
	}
	return i, mantissa, scale
}

func (s *scanner) exponent(i int) int {
	if i < len(s.data) && (s.data[i] == '-' || s.data[i] == '+') {
		i++
	}
	first := i
	for i < len(s.data) && s.data[i]-'0' <= 9 {
		i++
	}
	if i == first {
		return s.expected(i, "a digit in the exponent")
	}
	return i
}

// boolean reads true or false.
func (s *scanner) boolean(i int) (v bool, end int) {
	switch {
	case len(s.data)-i >= 4 && string(s.data[i:i+4]) == "true":
		return true, i + 4
	case len(s.data)-i >= 5 && string(s.data[i:i+5]) == "false":
		return false, i + 5
	}
	return false, s.expected(i, "true or false")
}

// value reads over any JSON value and checks its form.
func (s *scanner) value(i, depth int) int {
	if i >= len(s.data) {
		return s.expected(i, "a value")
	}
	switch s.data[i] {
	case '"':
		return s.strEnd(i)
	case '{':
		return s.members(i, depth)
	case '[':
		return s.elements(i, depth)
	case 't', 'f':
		_, i = s.boolean(i)
		return i
	case 'n':
		if i, ok := s.null(i); ok {
			return i
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		i, _, _ = s.numberEnd(i)
		return i
	}
	return s.expected(i, "a value")
}

func (s *scanner) members(i, depth int) int {
	if depth >= maxDepth {
		return s.tooDeep(i)
	}
	i, more := s.enter(i, '{', "an object")
	for more {
		if i >= len(s.data) || s.data[i] != '"' {
			return s.expected(i, "a field name in double quotes")
		}
		if i = s.strEnd(i); i < 0 {
			return i
		}
		if i = s.skip(i); i >= len(s.data) || s.data[i] != ':' {
			return s.expected(i, `":" after a field name`)
		}
		i, more = s.after(s.value(s.skip(i+1), depth+1), '}')
	}
	return i
}

func (s *scanner) elements(i, depth int) int {
	if depth >= maxDepth {
		return s.tooDeep(i)
	}
	i, more := s.enter(i, '[', "a list")
	for more {
		i, more = s.after(s.value(i, depth+1), ']')
	}
	return i
}

func (s *scanner) tooDeep(i int) int {
	return s.fail(i, "nested more than %d levels deep; flatten it", maxDepth)
}

// strEnd reads over the string at i. Unlike str it decodes nothing, and lets
// half a surrogate pair pass: some sources cut their texts there, and their
// events are kept as they came.
func (s *scanner) strEnd(i int) int {
	text := stringOf(s.data)
	for i++; ; {
		if i = plainEnd(text, i); i >= len(text) {
			return s.unclosed(i)
		}
		switch c := text[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			i = s.escapeEnd(i)
		case c < ' ':
			i = s.control(i)
		default:
			i = s.runes(i)
		}
		if i < 0 {
			return i
		}
	}
}

func (s *scanner) escapeEnd(i int) int {
	if i+1 < len(s.data) {
		switch s.data[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return i + 2
		case 'u':
			if _, ok := hex4(s.data, i+2); ok {
				return i + 6
			}
		}
	}
	return s.fail(i, `expected one of the escapes \" \\ \/ \b \f \n \r \t \uXXXX`)
}

// isValue reports whether data is one JSON value and nothing else.
func isValue(data []byte) bool {
	s := scanner{data: data}
	i := s.value(s.skip(0), 0)
	return i >= 0 && s.space(i) == len(data)
}

// isObject reports whether data is one JSON object and nothing else.
func isObject(data []byte) bool {
	s := scanner{data: data}
	i := s.skip(0)
	return i < len(data) && data[i] == '{' && isValue(data)
}
