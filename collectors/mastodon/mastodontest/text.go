package mastodontest

import (
	"html"
	"strings"
)

// What Mastodon makes a link, a mention and a hashtag of, as far as tests need
// it.
const (
	linkForm    = `https?://[^\s<>"]+[^\s<>".,;:!?)]`
	mentionForm = `@[0-9A-Za-z_]+(?:@[0-9A-Za-z.-]*[0-9A-Za-z])?`
	tagForm     = `#[0-9A-Za-z_]*[A-Za-z_][0-9A-Za-z_]*`
)

func (s *Server) find(first, text string) []string {
	var out []string
	for _, found := range s.tokens.FindAllString(text, -1) {
		if strings.HasPrefix(found, first) {
			out = append(out, found[1:])
		}
	}
	return out
}

// namesIn returns the names that a text mentions, without the first @.
func (s *Server) namesIn(text string) []string { return s.find("@", text) }

func (s *Server) tagsIn(text string) []string { return s.find("#", text) }

// markUp makes HTML of a plain text.
func (s *Server) markUp(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	rest := text
	for {
		at := s.tokens.FindStringIndex(rest)
		if at == nil {
			b.WriteString(html.EscapeString(rest))
			break
		}
		b.WriteString(html.EscapeString(rest[:at[0]]))
		b.WriteString(s.element(rest[at[0]:at[1]]))
		rest = rest[at[1]:]
	}
	out := strings.ReplaceAll(b.String(), "\n\n", "</p><p>")
	return "<p>" + strings.ReplaceAll(out, "\n", "<br />") + "</p>"
}

func (s *Server) element(token string) string {
	switch token[0] {
	case '@':
		a := s.byName(token[1:])
		if a == nil {
			return token
		}
		user, _, _ := strings.Cut(token[1:], "@")
		return `<span class="h-card" translate="no"><a href="` + s.home(a) + `" class="u-url mention">@<span>` + user + `</span></a></span>`
	case '#':
		return `<a href="` + s.tagURL(token[1:]) + `" class="mention hashtag" rel="tag">#<span>` + token[1:] + `</span></a>`
	}
	return link(token)
}

// link shows at most 30 characters behind the scheme, the rest hidden.
func link(address string) string {
	const shown = 30
	prefix := "https://"
	for _, p := range []string{"https://www.", "http://www.", "https://", "http://"} {
		if strings.HasPrefix(address, p) {
			prefix = p
			break
		}
	}
	text, hidden, class := address[len(prefix):], "", ""
	if len(text) > shown {
		text, hidden, class = text[:shown], text[shown:], "ellipsis"
	}
	e := html.EscapeString
	return `<a href="` + e(address) + `" target="_blank" rel="nofollow noopener noreferrer" translate="no"><span class="invisible">` + prefix +
		`</span><span class="` + class + `">` + e(text) + `</span><span class="invisible">` + e(hidden) + `</span></a>`
}
