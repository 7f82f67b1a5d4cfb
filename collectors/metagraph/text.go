package metagraph

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/collectors"
)

// Plain replaces control characters by spaces and what is no UTF-8 by U+FFFD.
func Plain(text string) string {
	return strings.Map(printable, strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\n", " "))
}

// printable replaces control characters by spaces, line feeds excepted.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' {
		return ' '
	}
	return r
}

// Text returns published text as an activity holds it, at most limit bytes.
func Text(text string, limit int) string {
	return collectors.Clip(strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(text, "\ufffd"))), limit)
}

// ParseTime reads a time as the Graph API writes it, 2026-03-06T12:00:00+0000.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05-0700", s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	switch {
	case s == "":
		return time.Time{}, errors.New("missing; want a time such as 2026-03-06T12:00:00+0000")
	case err != nil:
		return time.Time{}, fmt.Errorf("%q; want a time such as 2026-03-06T12:00:00+0000", collectors.Clip(Plain(s), 40))
	case t.UTC().Year() < 2000 || t.UTC().Year() >= 2200:
		return time.Time{}, fmt.Errorf("year %d; want 2000 to 2199", t.UTC().Year())
	}
	return t.UTC(), nil
}

const maxID = 64 // bytes of an id

// IsID reports whether an id of the Graph API, or a name that it takes in the
// place of one, can go into a path and a cursor.
func IsID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.', c == ':':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxID && strings.Trim(s, ".") != ""
}

// CheckID refuses an id that IsID does.
func CheckID(field, id string) error {
	if !IsID(id) {
		return fmt.Errorf("%s %q; want 1 to %d letters, digits and . : _ -", field, collectors.Clip(Plain(id), maxID), maxID)
	}
	return nil
}

// FileOf returns what of a picture's address tells the picture: the name of its
// file. Host and signature of Meta's addresses change by themselves.
func FileOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	if name := path.Base(u.Path); name != "." && name != "/" {
		return name
	}
	return address
}

// Direct returns where a link leads: Facebook shows those to other sites through
// a page of its own, l.facebook.com/l.php?u=….
func Direct(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	host := strings.ToLower(u.Hostname())
	if (host == "l.facebook.com" || host == "lm.facebook.com" || host == "l.instagram.com") && u.Query().Get("u") != "" {
		return u.Query().Get("u")
	}
	return link
}

// AppendNew appends what is neither empty nor there yet.
func AppendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Domain returns the lower-case host name of a link, empty if it has none.
func Domain(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// Words returns what of a text stands behind a sign: names behind @, tags
// behind #, without the sign; and links. Texts of Meta's networks hold them as
// they were typed.
func Words(text string) (mentions, tags, links []string) {
	for field := range strings.FieldsSeq(text) {
		found := collectors.LinksIn(field)
		for _, link := range found {
			links = AppendNew(links, link)
		}
		field = strings.TrimLeft(field, "(\"'“‘[")
		switch {
		case len(found) > 0:
		case strings.HasPrefix(field, "@"):
			mentions = AppendNew(mentions, nameOf(field[1:]))
		case strings.HasPrefix(field, "#"):
			for tag := range strings.SplitSeq(field[1:], "#") {
				tags = AppendNew(tags, tagOf(tag))
			}
		}
	}
	return mentions, tags, links
}

// nameOf returns the handle that a word begins with.
func nameOf(word string) string {
	end := strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.')
	})
	if end >= 0 {
		word = word[:end]
	}
	return strings.TrimRight(word, ".")
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
