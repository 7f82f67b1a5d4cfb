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

// Odd says how many of the events that a first look read are not understood; it
// ends a sentence, and is empty without any.
func Odd(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 is not understood and left out"
	}
	return fmt.Sprintf("; %d are not understood and left out", n)
}

// Extent says how much came of an answer that broke off: n bytes, of total where
// that was announced.
func Extent(n int, total int64) string {
	if total > 0 {
		return fmt.Sprintf("%d of %d bytes", n, total)
	}
	return fmt.Sprintf("%d bytes", n)
}
