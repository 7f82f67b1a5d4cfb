// Package approval decides whether a published message was approved: it keeps
// the ledger of approvals and compares messages with it. It reads no clock and
// does no I/O. Which accounts need approval, how long a late approval still
// counts and what a verdict means belong in rules and detector.
package approval

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Message is a text in the form in which messages are compared: Unicode NFKC,
// white space folded, links taken out of the text and stripped of tracking.
type Message struct {
	Text  string   `json:"text"`            // without links
	Links []string `json:"links,omitempty"` // of known target; sorted, each once
	// Wrapped are the links of the text that a network put in place of the
	// author's, of which the source did not say the target; sorted, each once.
	Wrapped []string `json:"wrapped,omitempty"`
	// Expanded counts the Links that are not written in the text: as many of
	// Wrapped lead to them.
	Expanded int      `json:"expanded,omitempty"`
	Media    []string `json:"media,omitempty"`    // content hashes, sorted
	Unhashed int      `json:"unhashed,omitempty"` // further media, of unknown content
}

// unknown counts the links of the text whose target nobody told.
func (m *Message) unknown() int { return max(0, len(m.Wrapped)-m.Expanded) }

// Normalise prepares a message for comparison. Links are the links as the
// source gives them, expanded where it can, whether or not the text has them
// too. None is left out: what is no web address is compared as it is written.
// A network's wrapper that is among links is taken for the target itself, so
// that nobody hides a link behind the wrapper of another network. Media has an
// item for each attachment: a content hash ("sha256:…"), or anything else,
// such as a network's own media key, where the content is unknown.
func Normalise(text string, links, media []string) Message {
	var m Message
	var words []string
	for w := range strings.FieldsFuncSeq(norm.NFKC.String(text), unicode.IsSpace) {
		link, ok := canonicalLink(w)
		switch {
		case !ok:
			words = append(words, w)
		case isWrapper(link):
			m.Wrapped = append(m.Wrapped, link)
		default:
			m.Links = append(m.Links, link)
		}
	}
	m.Text = strings.Join(words, " ")
	m.Links, m.Wrapped = sorted(m.Links), sorted(m.Wrapped)
	m.addTargets(links)
	for _, h := range media {
		if h = strings.ToLower(h); strings.HasPrefix(h, "sha256:") {
			m.Media = append(m.Media, h)
		} else {
			m.Unhashed++
		}
	}
	slices.Sort(m.Media)
	return m
}

// addTargets adds the links that the source gives beside a text.
func (m *Message) addTargets(links []string) {
	written := len(m.Links)
	for _, l := range links {
		l = strings.TrimSpace(norm.NFKC.String(l))
		if link, ok := canonicalLink(l); ok {
			l = link
		}
		if l == "" {
			continue
		}
		if i, ok := slices.BinarySearch(m.Wrapped, l); ok {
			m.Wrapped = slices.Delete(m.Wrapped, i, i+1)
			written++ // it is in the text, so no other wrapper leads to it
		}
		m.Links = append(m.Links, l)
	}
	m.Links = sorted(m.Links)
	m.Expanded = len(m.Links) - written
}

// sorted sorts a list and takes out what it has twice.
func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// canonicalLink returns host/path?query#fragment of a web address: scheme,
// "www.", trailing slash, tracking parameters and the punctuation around it
// are dropped.
func canonicalLink(s string) (string, bool) {
	s = strings.TrimRight(strings.TrimLeft(s, "(\"'«“"), ".,;:!?)\"'»”")
	scheme, _, ok := strings.Cut(s, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !utf8.ValidString(u.Host) {
		return "", false
	}
	out := strings.TrimPrefix(strings.ToLower(u.Host), "www.") + strings.TrimRight(u.EscapedPath(), "/")
	if query := withoutTracking(u.RawQuery); query != "" {
		out += "?" + query
	}
	if fragment := u.EscapedFragment(); fragment != "" {
		out += "#" + fragment // a page may read it, so it may lead elsewhere
	}
	return out, true
}

// withoutTracking returns a query with its parameters sorted. One that is not
// a list of parameters stays as it is.
func withoutTracking(query string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return query
	}
	for k := range q {
		if isTracking(strings.ToLower(k)) {
			q.Del(k)
		}
	}
	return q.Encode()
}

func isTracking(key string) bool {
	switch key {
	case "fbclid", "gclid", "dclid", "msclkid", "twclid", "igshid", "mc_cid", "mc_eid", "yclid", "ref_src", "ref_url":
		return true
	}
	return strings.HasPrefix(key, "utm_")
}

// isWrapper tells the addresses that a network itself puts in place of every
// link of a post: X and LinkedIn. A shortener that authors choose is a link
// like any other, since what was approved is the short link.
func isWrapper(link string) bool {
	host, path, _ := strings.Cut(link, "/")
	return path != "" && (host == "t.co" || host == "lnkd.in")
}
