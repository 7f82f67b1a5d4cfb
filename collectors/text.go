package collectors

import (
	"fmt"
	"unicode/utf8"
)

// Clip cuts text to at most n bytes between characters.
func Clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// Extent says how much came of an answer that broke off: n bytes, of total where
// that was announced.
func Extent(n int, total int64) string {
	if total > 0 {
		return fmt.Sprintf("%d of %d bytes", n, total)
	}
	return fmt.Sprintf("%d bytes", n)
}
