package linkedin

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// printable replaces control characters by spaces, line feeds excepted.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return ' '
	}
	return r
}

// plain makes one line of a text, without control characters.
func plain(s string) string {
	return strings.Map(printable, strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\n", " "))
}

// text returns published words as an activity holds them, at most limit bytes.
func text(s string, limit int) string {
	return collectors.Clip(strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(s, "\ufffd"))), limit)
}

// appendNew appends what is neither empty nor there yet.
func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// domainOf returns the lower-case host name of a link, empty if it has none.
func domainOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// words returns the hashtags and the links of a text, as they were typed.
func words(s string) (tags, links []string) {
	for field := range strings.FieldsSeq(s) {
		found := collectors.LinksIn(field)
		for _, link := range found {
			links = appendNew(links, link)
		}
		field = strings.TrimLeft(field, "(\"'“‘[")
		if len(found) == 0 && strings.HasPrefix(field, "#") {
			for tag := range strings.SplitSeq(field[1:], "#") {
				tags = appendNew(tags, tagOf(tag))
			}
		}
	}
	return tags, links
}

// tagOf returns the hashtag that a word begins with; a number alone is none.
func tagOf(word string) string {
	end := strings.IndexFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end >= 0 {
		word = word[:end]
	}
	if !strings.ContainsFunc(word, unicode.IsLetter) {
		return ""
	}
	return word
}

// maxURN bounds what LinkedIn calls things by, in bytes.
const maxURN = 128

// isURN reports whether a name of LinkedIn, "urn:li:share:6844785523593134080",
// can go into a path and a cursor.
func isURN(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:li:")
	kind, id, found := strings.Cut(rest, ":")
	if !ok || !found || kind == "" || id == "" || len(s) > maxURN {
		return false
	}
	return !strings.ContainsFunc(rest, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(":_-(),", r))
	})
}

// checkURN refuses a name that isURN does.
func checkURN(field, s string) error {
	if !isURN(s) {
		return fmt.Errorf("%s: %q; want a URN of at most %d bytes, such as urn:li:share:6844785523593134080", field, collectors.Clip(plain(s), 60), maxURN)
	}
	return nil
}
