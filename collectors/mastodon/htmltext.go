package mastodon

import (
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
)

// Bounds, so that no text makes reading it slow: the end of a tag is searched
// for anew at every <.
const (
	maxHTML       = 128 << 10 // bytes
	maxTag        = 4 << 10   // bytes
	maxAttributes = 50
)

// plain turns the HTML of a status or a profile into what a reader sees, and
// returns the links in it, each once. Paragraphs are parted by an empty line.
// A link stands with its whole address: Mastodon shows a shortened one, and an
// author on another server may have hidden it behind words, "click (https://…)".
// Mentions and hashtags are words, not links.
//
// The servers sanitise what they send (spec/activitypub, sanitization), so few
// elements occur; any other is read through. What is no well-formed tag is
// text: nothing is lost on the way to the rules. WithoutQuote leaves out the
// paragraph that Mastodon adds to a quote for clients that show none.
func plain(src string, withoutQuote bool) (text string, links []string) {
	p := &reader{out: &writer{}, withoutQuote: withoutQuote}
	src = collectors.Clip(src, maxHTML)
	for src != "" {
		i := strings.IndexByte(src, '<')
		if i < 0 {
			p.text(src)
			break
		}
		p.text(src[:i])
		t, n := parseTag(src[i:])
		if n == 0 { // a lone <, or what is too long for a tag
			p.text("<")
			n = 1
		}
		src = src[i+n:]
		p.tag(&t)
		if !t.closing && (t.name == "script" || t.name == "style") {
			src = behindClose(src, t.name)
		}
	}
	p.closeLink()
	return p.out.b.String(), p.links
}

// behindClose returns what follows the end of an element whose content is no
// text.
func behindClose(src, name string) string {
	for i := range len(src) {
		if src[i] != '<' {
			continue
		}
		if t, n := parseTag(src[i:]); n > 0 && t.closing && t.name == name {
			return src[i+n:]
		}
	}
	return ""
}

// tag is one tag; of its attributes only these matter.
type tag struct {
	name    string // lower case, "" for comments and the like
	closing bool
	href    string
	class   string
}

func (t *tag) hasClass(names ...string) bool {
	return slices.ContainsFunc(strings.Fields(t.class), func(class string) bool { return slices.Contains(names, class) })
}

// parseTag reads the tag that s, which begins with <, begins with. N is its
// length, 0 if it is none.
func parseTag(s string) (t tag, n int) {
	s = s[:min(len(s), maxTag)]
	if rest, ok := strings.CutPrefix(s, "<!--"); ok {
		if end := strings.Index(rest, "-->"); end >= 0 {
			return tag{}, len("<!--") + end + len("-->")
		}
		return tag{}, 0
	}
	end := strings.IndexByte(s, '>')
	if end < 2 {
		return tag{}, 0
	}
	i := 1
	switch s[1] {
	case '!', '?':
		return tag{}, end + 1
	case '/':
		t.closing, i = true, 2
	}
	start := i
	for i < len(s) && (isLetter(s[i]) || i > start && s[i] >= '0' && s[i] <= '9') {
		i++
	}
	if i == start || i < len(s) && !strings.ContainsRune(" \t\r\n\f/>", rune(s[i])) {
		return tag{}, 0
	}
	t.name = strings.ToLower(s[start:i])
	for range maxAttributes {
		for i < len(s) && strings.IndexByte(" \t\r\n\f/", s[i]) >= 0 {
			i++
		}
		if i >= len(s) {
			return tag{}, 0
		}
		if s[i] == '>' {
			return t, i + 1
		}
		var name, value string
		name, value, i = attribute(s, i)
		switch {
		case name == "href" && t.href == "":
			t.href = strings.TrimSpace(html.UnescapeString(value))
		case name == "class" && t.class == "":
			t.class = html.UnescapeString(value)
		}
	}
	return tag{}, 0
}

// attribute reads the attribute at s[i:] and returns where it ends.
func attribute(s string, i int) (name, value string, end int) {
	start := i
	for i < len(s) && (i == start || s[i] != '=') && strings.IndexByte(" \t\r\n\f/>", s[i]) < 0 {
		i++
	}
	name = strings.ToLower(s[start:i])
	j := i
	for j < len(s) && strings.IndexByte(" \t\r\n\f", s[j]) >= 0 {
		j++
	}
	if j >= len(s) || s[j] != '=' {
		return name, "", i
	}
	i = j + 1
	for i < len(s) && strings.IndexByte(" \t\r\n\f", s[i]) >= 0 {
		i++
	}
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		size := strings.IndexByte(s[i+1:], s[i])
		if size < 0 {
			return name, "", len(s)
		}
		return name, s[i+1 : i+1+size], i + size + 2
	}
	start = i
	for i < len(s) && strings.IndexByte(" \t\r\n\f>", s[i]) < 0 {
		i++
	}
	return name, s[start:i], i
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// reader turns tags and texts into words.
type reader struct {
	out          *writer
	link         *tag    // the link under way
	label        *writer // its words
	links        []string
	withoutQuote bool
	skipping     bool // in the paragraph of a quote
}

func (p *reader) text(s string) {
	switch {
	case s == "" || p.skipping:
	case p.link != nil:
		p.label.text(html.UnescapeString(s))
	default:
		p.out.text(html.UnescapeString(s))
	}
}

func (p *reader) tag(t *tag) {
	if t.name == "p" || t.name == "blockquote" {
		p.skipping = !t.closing && t.name == "p" && p.withoutQuote && t.hasClass("quote-inline")
	}
	if p.skipping {
		return
	}
	switch t.name {
	case "a":
		p.closeLink()
		if !t.closing {
			p.link, p.label = t, &writer{}
		}
	case "p", "blockquote", "ul", "ol", "pre", "div", "h1", "h2", "h3", "h4", "h5", "h6":
		p.closeLink()
		p.out.newline(2)
		if t.name == "pre" {
			p.out.verbatim = !t.closing
		}
	case "br":
		p.current().lines++
	case "li":
		p.closeLink()
		p.out.newline(1)
		if !t.closing {
			p.out.word("- ")
		}
	}
}

func (p *reader) current() *writer {
	if p.link != nil {
		return p.label
	}
	return p.out
}

// closeLink writes the link under way.
func (p *reader) closeLink() {
	if p.link == nil {
		return
	}
	t, label := p.link, p.label
	p.link, p.label = nil, nil
	words := label.b.String()
	p.out.space = p.out.space || label.led
	defer func() { p.out.space = p.out.space || label.space }()
	link := absolute(t.href)
	switch {
	case link == "", t.hasClass("mention", "hashtag") && (strings.HasPrefix(words, "@") || strings.HasPrefix(words, "#")):
		p.out.word(words)
		return
	case words == "" || same(words, link):
		p.out.word(link)
	default:
		p.out.word(words + " (" + link + ")")
	}
	p.links = appendNew(p.links, link)
}

// absolute returns an address that names a host, "" for any other.
func absolute(href string) string {
	u, err := url.Parse(href)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || !utf8.ValidString(href) || strings.ContainsFunc(href, isSpace) {
		return ""
	}
	return href
}

// same reports whether the words of a link are its address, whole or shortened.
func same(words, link string) bool {
	if words == link {
		return true
	}
	bare := func(s string) string {
		if _, rest, ok := strings.Cut(s, "://"); ok {
			s = rest
		}
		return strings.TrimSuffix(strings.TrimPrefix(s, "www."), "/")
	}
	if begin, cut := strings.CutSuffix(words, "…"); cut && strings.Contains(begin, ".") {
		return strings.Contains(bare(begin), "/") && strings.HasPrefix(bare(link), bare(begin))
	}
	return bare(words) == bare(link)
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' }

// writer joins words as a browser does: spaces run together, and none stands
// at the beginning or end of a line.
type writer struct {
	b        strings.Builder
	lines    int  // line ends due before the next word
	space    bool // a space is due
	led      bool // a space came before the first word
	verbatim bool // spaces and line ends are kept
}

// newline ends the line, and with n = 2 leaves one empty.
func (w *writer) newline(n int) { w.lines = max(w.lines, n) }

func (w *writer) text(s string) {
	for _, r := range s {
		switch {
		case r == '\n' && w.verbatim:
			w.lines++
		case isSpace(r) && !w.verbatim:
			w.led = w.led || w.b.Len() == 0
			w.space = true
		default:
			w.word(string(printable(r)))
		}
	}
}

// word writes s as it is after what is due.
func (w *writer) word(s string) {
	if s == "" {
		return
	}
	if w.b.Len() > 0 {
		switch {
		case w.lines > 0:
			w.b.WriteString("\n\n"[:min(w.lines, 2)])
		case w.space:
			w.b.WriteByte(' ')
		}
	}
	w.lines, w.space = 0, false
	w.b.WriteString(s)
}
