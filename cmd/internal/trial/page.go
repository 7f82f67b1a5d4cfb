package trial

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/alerting"
)

const (
	width   = 80
	indent  = 2
	labelTo = 18 // column at which the text beside a label begins
)

// page is a screen being written. What is written holds no control characters:
// what others wrote has been through alerting.Plain.
type page struct{ strings.Builder }

func (p *page) blank() { p.WriteByte('\n') }

func (p *page) line(s string) { p.WriteString(cut(s, width) + "\n") }

// heading begins a part, with a figure at the right margin.
func (p *page) heading(title, figure string) { p.headed(strings.ToUpper(title), figure) }

// headed writes a title with a figure at the right margin.
func (p *page) headed(title, figure string) {
	if figure == "" {
		p.line(title)
		return
	}
	title = cut(title, width-columns(figure)-indent)
	p.line(title + strings.Repeat(" ", width-columns(title)-columns(figure)) + figure)
}

// row writes text beside a label.
func (p *page) row(label, text string) { p.few(label, text, 0) }

// few writes text beside a label in so many lines at most, 0 for any number.
func (p *page) few(label, text string, lines int) {
	lead := strings.Repeat(" ", indent) + label
	p.wrap(lead+strings.Repeat(" ", max(1, labelTo-columns(lead))), strings.Repeat(" ", labelTo), text, lines)
}

// list writes a row of each item, the label beside the first.
func (p *page) list(label string, items []string) {
	for _, item := range items {
		p.row(label, item)
		label = ""
	}
}

// under writes a paragraph behind a mark.
func (p *page) under(mark, text string) {
	lead := strings.Repeat(" ", indent)
	p.wrap(lead+mark, lead+strings.Repeat(" ", columns(mark)), text, 0)
}

// quote writes text in quotation marks under a row's text, on one line.
func (p *page) quote(text string) {
	lead := strings.Repeat(" ", labelTo)
	p.line(lead + `"` + cut(text, width-labelTo-2) + `"`)
}

// wrap writes words in lines, the first after one lead and the others after
// another, in so many lines at most, 0 for any number.
func (p *page) wrap(first, next, text string, lines int) {
	line, empty, written := first, true, 0
	for word := range strings.FieldsSeq(text) {
		if !empty && columns(line)+1+columns(word) > width {
			if written++; written == lines {
				p.line(cut(strings.TrimRight(line, "…"), width-1) + "…")
				return
			}
			p.line(line)
			line, empty = next, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	p.line(strings.TrimRight(line, " "))
}

// cut returns s, shortened to n columns with … at its end.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := columns("…")
	for i, r := range s {
		if used += columns(string(r)); used > n {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

func columns(s string) int { return alerting.Columns(s) }

// capital makes text begin a sentence.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
