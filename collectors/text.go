package collectors

import "unicode/utf8"

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
