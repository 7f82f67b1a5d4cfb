package reddit

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
)

// fill puts a text into an activity.
func fill(a *activity.Activity, text string) {
	a.Text = collectors.Clip(plain(text), activity.MaxText)
	a.Links = linksOf(a.Text)
	a.Mentions = usersOf(a.Text)
}

// maxEach bounds how many links and names of one text are told.
const maxEach = 100

// linksOf returns the addresses in a text, those in Markdown's [text](address)
// too.
func linksOf(text string) []string {
	var out []string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()<>[]\"", r) }) {
		for address := range collectors.Addresses(word) {
			if len(out) < maxEach {
				out = appendNew(out, strings.TrimRight(address, ".,;:!?*'”’|"))
			}
		}
	}
	return out
}

func domainsOf(links []string) []string {
	var out []string
	for _, link := range links {
		if u, err := url.Parse(link); err == nil {
			out = appendNew(out, strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
		}
	}
	return out
}

// usersOf returns the users that a text names, as u/name or /u/name.
func usersOf(text string) []string {
	var out []string
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()[]\"*,;:", r) }) {
		name, ok := strings.CutPrefix(strings.TrimPrefix(word, "/"), "u/")
		if !ok || len(out) == maxEach {
			continue
		}
		end := strings.IndexFunc(name, func(r rune) bool { return CheckName(string(r)) != nil })
		if end >= 0 {
			name = name[:end]
		}
		if CheckName(name) == nil {
			out = appendNew(out, name)
		}
	}
	return out
}

func appendNew(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// plain takes control characters, line feeds excepted, and what is no UTF-8 out
// of a text.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd")))
}

// timeOf is a time as Reddit writes it, in seconds since 1970.
func timeOf(sec int64) time.Time { return time.Unix(sec, 0).UTC() }

// checkTime returns the whole seconds of a time as Reddit writes it,
// 1772703000.0.
func checkTime(sec float64) (int64, error) {
	const from, until = 1_104_537_600, 7_258_118_400 // 2005, when Reddit began, and 2200
	if !(sec >= from && sec < until) {
		return 0, fmt.Errorf("%v; want a time in seconds since 1970, such as 1772703000.0", sec)
	}
	return int64(sec), nil
}
