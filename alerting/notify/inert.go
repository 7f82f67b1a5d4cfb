package notify

import (
	"strings"
	"unicode"
)

// Inert returns text that pings nobody and formats nothing in whatever shows it
// in the end, for outputs that pass it on to others' screens: signs that mean
// something in chats, markup or templates become others that look like them. It
// makes no link inert: what others wrote is defanged by alerting.Plain before.
func Inert(s string) string {
	runes := []rune(s)
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range runes {
		if r == '_' && !closes(runes[i:]) {
			b.WriteRune(r) // inside a name
			continue
		}
		b.WriteRune(harmless(r))
		if i+1 < len(runes) && apart(r, runes[i+1]) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// harmless returns the sign that stands for r.
func harmless(r rune) rune {
	switch r {
	case '@':
		return '＠'
	case '<':
		return '‹'
	case '>':
		return '›'
	case '*':
		return '∗'
	case '_':
		return '＿'
	case '~':
		return '∼'
	case '`':
		return 'ˋ'
	case '|':
		return '∣'
	}
	return r
}

// apart reports whether two signs mean something only together: "](" of a link,
// "{{", "${" and "#{" of templates.
func apart(a, b rune) bool {
	return (a == ']' && b == '(') || (b == '{' && (a == '{' || a == '$' || a == '#'))
}

// closes reports whether the underscores that runes begin with end a word, as
// those that end slanted text do.
func closes(runes []rune) bool {
	for _, r := range runes {
		if r != '_' {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r)
		}
	}
	return true
}
