package rules

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/picketd/picket/rules/sigma"
)

// Modifiers that turn a value into other values before it is compared: the
// encodings, windash, and where the text may stand.

// maxVariants bounds what windash and expand make of one value.
const maxVariants = 5000

// transforms lists the modifiers that change values, apart from expand.
func transforms() []string {
	return []string{
		"windash", "wide", "utf16le", "utf16be", "utf16", "base64", "base64offset",
		"contains", "startswith", "endswith",
	}
}

// encodes reports whether a modifier turns text into bytes.
func encodes(mod string) bool {
	switch mod {
	case "wide", "utf16le", "utf16be", "utf16", "base64", "base64offset":
		return true
	}
	return false
}

// variants returns the patterns of which one must match for a value, after the
// test's modifiers in their order. It reports what cannot be encoded.
func (b *detectionBuilder) variants(t sigma.Test, v sigma.Value, start sigma.Pattern) ([]sigma.Pattern, bool) {
	out := []sigma.Pattern{start}
	for _, m := range t.Modifiers {
		if !slices.Contains(transforms(), m.S) {
			continue
		}
		var next []sigma.Pattern
		for _, p := range out {
			made, why := transform(m.S, p)
			if why != "" {
				b.fault(v.At, "%s cannot be applied to %s: %s", m.S, v, why)
				return nil, false
			}
			if next = append(next, made...); len(next) > maxVariants {
				b.fault(v.At, "%s gives more than %d texts to look for in %s; write a regular expression instead", m.S, maxVariants, v)
				return nil, false
			}
		}
		out = next
	}
	return out, true
}

// transform applies one modifier to a pattern. why says what is wrong where it
// cannot be applied.
func transform(mod string, p sigma.Pattern) (out []sigma.Pattern, why string) {
	switch mod {
	case "contains":
		return []sigma.Pattern{p.Around(true, true)}, ""
	case "startswith":
		return []sigma.Pattern{p.Around(false, true)}, ""
	case "endswith":
		return []sigma.Pattern{p.Around(true, false)}, ""
	case "windash":
		return windash(p), ""
	case "base64", "base64offset":
		text, plain := p.Plain()
		switch {
		case !plain:
			return nil, "wildcards cannot be encoded; write the text without * and ? (or escape them with a backslash)"
		case text == "":
			return nil, "there is nothing to encode; write some text"
		case mod == "base64":
			return []sigma.Pattern{plainPattern(base64.StdEncoding.EncodeToString([]byte(text)))}, ""
		case len(text) < 2:
			return nil, "one byte leaves no whole character at some offsets; write at least two characters"
		}
		return offsets(text), ""
	}
	wide := slices.Clone(p)
	for i, piece := range wide {
		if piece.Kind == sigma.Literal {
			wide[i].Text = encodeUTF16(mod, piece.Text)
		}
	}
	if mod == "utf16" {
		if len(wide) == 0 || wide[0].Kind != sigma.Literal {
			return nil, "its byte order mark stands before text; write a value that starts with text"
		}
		wide[0].Text = "\xff\xfe" + wide[0].Text
	}
	return []sigma.Pattern{wide}, ""
}

func plainPattern(text string) sigma.Pattern { return sigma.Pattern{{Kind: sigma.Literal, Text: text}} }

// encodeUTF16 returns text as the bytes of UTF-16, little-endian but for
// utf16be.
func encodeUTF16(mod, text string) string {
	var order binary.AppendByteOrder = binary.LittleEndian
	if mod == "utf16be" {
		order = binary.BigEndian
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// offsets returns how text looks within base64 when it starts at the first,
// second and third byte of a group of three, without the characters that
// depend on what stands around it.
func offsets(text string) []sigma.Pattern {
	var out []sigma.Pattern
	for before := range 3 {
		padded := append(bytes.Repeat([]byte{' '}, before), text...)
		code := base64.RawStdEncoding.EncodeToString(padded)
		code = code[[]int{0, 2, 3}[before]:]
		if len(padded)%3 != 0 {
			code = code[:len(code)-1] // holds bits of the byte that follows
		}
		out = append(out, plainPattern(code))
	}
	return out
}

// dashes are what Windows programs take for the sign before an option.
const dashes = "-/–—―"

// windash returns p with each dash that starts an option in every spelling.
func windash(p sigma.Pattern) []sigma.Pattern {
	out := []sigma.Pattern{nil}
	extend := func(pieces ...sigma.Piece) {
		var next []sigma.Pattern
		for _, o := range out {
			for _, piece := range pieces {
				next = append(next, joined(o, piece))
			}
		}
		out = next
	}
	for _, piece := range p {
		if piece.Kind != sigma.Literal {
			extend(piece)
			continue
		}
		rest := piece.Text
		for i := option(rest); i >= 0 && len(out) <= maxVariants; i = option(rest) {
			var spelt []sigma.Piece
			for _, dash := range dashes {
				spelt = append(spelt, sigma.Piece{Kind: sigma.Literal, Text: rest[:i] + string(dash)})
			}
			extend(spelt...)
			_, size := utf8.DecodeRuneInString(rest[i:])
			rest = rest[i+size:]
		}
		if rest != "" {
			extend(sigma.Piece{Kind: sigma.Literal, Text: rest})
		}
	}
	return out
}

// joined appends a piece to a copy of p, literals to the literal before.
func joined(p sigma.Pattern, piece sigma.Piece) sigma.Pattern {
	out := slices.Clone(p)
	if n := len(out); n > 0 && piece.Kind == sigma.Literal && out[n-1].Kind == sigma.Literal {
		out[n-1].Text += piece.Text
		return out
	}
	return append(out, piece)
}

// option returns the place of the first of dashes that has no word character
// before it and one after it, -1 where there is none.
func option(s string) int {
	for i := 0; ; {
		at := strings.IndexAny(s[i:], dashes)
		if at < 0 {
			return -1
		}
		i += at
		_, size := utf8.DecodeRuneInString(s[i:])
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+size:])
		if !inWord(before) && inWord(after) {
			return i
		}
		i += size
	}
}

func inWord(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
