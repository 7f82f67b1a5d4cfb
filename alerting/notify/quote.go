package notify

import (
	"strings"
	"unicode"
)

// maxQuote bounds what errors quote of somebody else, in characters.
const maxQuote = 200

// Quote returns what a receiver said as errors show it: on one line, at most 200
// characters, without what does not print and without secrets.
func Quote(text string, secrets ...Secret) string {
	text = Hide(strings.ToValidUTF8(text, ""), secrets...)
	var b strings.Builder
	n := 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		if n > 0 {
			b.WriteByte(' ')
		}
		for _, r := range word {
			if n++; n > maxQuote {
				return b.String() + "…"
			}
			b.WriteRune(r)
		}
		n++
	}
	return b.String()
}
