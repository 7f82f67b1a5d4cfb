package rules

import (
	"unicode"
	"unicode/utf8"
)

// Sigma compares text without regard to case. Picket folds both sides
// character by character with Unicode's simple case folding: "É" equals "é",
// "K" (Kelvin sign) equals "k", "ſ" equals "s". What one character cannot
// stand for stays different: "ß" is not "ss", and the Turkish "İ" is not "i".
// Nothing is normalised: a composed "é" is not "e" and a combining accent.

// appendFold appends s to dst, every character in its folded form. Bytes that
// are not UTF-8 stay as they are.
func appendFold[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += size
	}
	return dst
}

// foldRune returns one fixed member of the characters that differ from r only
// in case: the smallest, in lower case where that is ASCII.
func foldRune(r rune) rune {
	// No character has a case in the CJK and Hangul blocks and from the first
	// emoji on. They make up most long runs outside ASCII, and asking Unicode's
	// tables about each of them is slow.
	if r >= 0x2e80 && r < 0xa640 || r >= 0xac00 && r < 0xfb00 || r >= 0x1f000 {
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}
