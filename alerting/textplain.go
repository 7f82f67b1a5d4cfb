package alerting

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Plain returns text that others wrote so that it can be shown to people: on
// one line, without control and invisible characters or text direction
// overrides, and defanged, so that no mail or chat client makes a link of it:
// "https://acme.example" becomes "hxxps://acme[.]example".
func Plain(s string) string { return defang(clean(s)) }

// Name returns what a person is called without what does not print: two names
// that look the same are the same.
func Name(s string) string { return strings.TrimSpace(clean(s)) }

// maxMarks bounds the combining marks on one letter.
const maxMarks = 2

// clean puts text on one line and takes out what does not print.
func clean(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	marks, space := 0, true // no space at the beginning
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			if !space {
				b.WriteByte(' ')
			}
			space, marks = true, 0
			continue
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			// controls, format characters such as U+202E, private use
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks {
				continue
			}
		default:
			marks = 0
		}
		space = false
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ")
}

func defang(s string) string {
	if !strings.ContainsAny(s, ".:。．｡") {
		return s
	}
	words := strings.Split(defangScheme(s), " ")
	for i, word := range words {
		runes := []rune(word)
		if !hostLike(runes) {
			continue
		}
		var b strings.Builder
		for k, r := range runes {
			if dot(r) && inside(runes, k) {
				b.WriteString("[.]")
				continue
			}
			b.WriteRune(r)
		}
		words[i] = b.String()
	}
	return strings.Join(words, " ")
}

// dot reports whether browsers take r for the dot of a host name.
func dot(r rune) bool { return r == '.' || r == '。' || r == '．' || r == '｡' }

func inside(runes []rune, i int) bool {
	return i > 0 && i+1 < len(runes) && alnum(runes[i-1]) && alnum(runes[i+1])
}

func alnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// hostLike reports whether a word may hold a host name or an IPv4 address: a
// dot before a letter, or three dots. Numbers such as 8.5 stay as they are.
func hostLike(runes []rune) bool {
	dots := 0
	for i, r := range runes {
		if !dot(r) || !inside(runes, i) {
			continue
		}
		if dots++; dots == 3 || !unicode.IsNumber(runes[i+1]) {
			return true
		}
	}
	return false
}

// defangScheme writes "http:" and "https:" with xx, in either case.
func defangScheme(s string) string {
	const http = "http"
	b := []byte(s)
	for i := 0; i+len(http) < len(s); i++ {
		end := i + len(http)
		if !strings.EqualFold(s[i:end], http) {
			continue
		}
		if end < len(s) && s[end]|0x20 == 's' {
			end++
		}
		if end < len(s) && s[end] == ':' {
			b[i+1], b[i+2] = 'x', 'x'
		}
	}
	return string(b)
}

// cut returns at most limit characters, with … where it was cut.
func cut(s string, limit int) string {
	n := 0
	for i := range s {
		if n++; n == limit {
			if rest := s[i:]; len([]rune(rest)) > 1 {
				return strings.TrimRight(s[:i], " ") + "…"
			}
			break
		}
	}
	return s
}

// section is one labelled part of a text. A section without text is left out.
type section struct {
	label, text string
	limit       int // lines
	tight       int // lines when space is short; 0: limit
	drop        int // order in which to give way when space is short; 0: never
}

// layout writes sections within TextLines and TextWidth. Where they are too
// long, the parts are cut to their tight number of lines, the last first; then
// those with a drop order go, and what is still too long is cut to one line.
func layout(sections []section) string {
	p := page{}
	for _, s := range sections {
		if s.text != "" {
			p.sections, p.lines = append(p.sections, s), append(p.lines, wrap(s))
		}
	}
	p.tighten()
	p.drop(1)
	p.drop(2)
	p.drop(3)
	p.shorten(1)
	var b strings.Builder
	for _, part := range p.lines {
		for _, line := range part {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// page is sections and their lines.
type page struct {
	sections []section
	lines    [][]string
}

// full reports whether there are more lines than fit.
func (p *page) full() bool {
	total := 0
	for _, part := range p.lines {
		total += len(part)
	}
	return total > TextLines
}

// tighten cuts parts to their tight number of lines while the page is full.
func (p *page) tighten() {
	for i := len(p.sections) - 1; i >= 0; i-- {
		for n := p.sections[i].tight; n > 0 && len(p.lines[i]) > n && p.full(); {
			p.lines[i] = shorten(p.lines[i], len(p.lines[i])-1)
		}
	}
}

// drop takes out the sections of one drop order where the page is full.
func (p *page) drop(order int) {
	for i, s := range p.sections {
		if s.drop == order && p.full() {
			p.lines[i] = nil
		}
	}
}

// shorten cuts the longest part, the latest of equals, until the page is not
// full or no part has more than this many lines.
func (p *page) shorten(least int) {
	for p.full() {
		longest := 0
		for i := range p.lines {
			if len(p.lines[i]) >= len(p.lines[longest]) {
				longest = i
			}
		}
		n := len(p.lines[longest])
		if n <= least {
			return
		}
		p.lines[longest] = shorten(p.lines[longest], n-1)
	}
}

// wrap breaks a section into lines at spaces, and inside words only where one
// is longer than a line.
func wrap(s section) []string {
	first, indent := "", "  "
	if s.label != "" {
		first = s.label + strings.Repeat(" ", max(1, labelWidth-len(s.label)))
		indent = strings.Repeat(" ", labelWidth)
	}
	var lines []string
	line, used, empty := []byte(first), columns(first), true
	flush := func() {
		lines = append(lines, strings.TrimRight(string(line), " "))
		line, used, empty = append(line[:0], indent...), columns(indent), true
	}
	for word := range strings.SplitSeq(s.text, " ") {
		if word == "" && empty && len(lines) > 0 {
			continue // of a wider gap, the rest begins no line
		}
		if !empty && used+1+columns(word) > TextWidth {
			flush()
		}
		if !empty {
			line = append(line, ' ')
			used++
		}
		for _, r := range word {
			n := runeColumns(r)
			if used+n > TextWidth {
				flush()
			}
			line = utf8.AppendRune(line, r)
			used, empty = used+n, false
		}
		empty = false
	}
	flush()
	return shorten(lines, s.limit)
}

// shorten keeps the first n lines and says so.
func shorten(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	lines = lines[:n]
	last := []rune(strings.TrimRight(strings.TrimSuffix(lines[n-1], "…"), " "))
	for len(last) > 0 && columns(string(last)) > TextWidth-1 {
		last = last[:len(last)-1]
	}
	lines[n-1] = string(last) + "…"
	return lines
}

// Columns is how many columns of a terminal s takes: East Asian wide characters
// and most emoji take two, combining marks none.
func Columns(s string) int { return columns(s) }

// columns is how wide a terminal shows s.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r < utf8.RuneSelf {
		return 1
	}
	if unicode.Is(unicode.M, r) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}
