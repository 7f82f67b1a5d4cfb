package notify

import (
	"net/url"
	"strings"
)

// maxURL bounds an address that people are given, in bytes. Slack takes no
// longer one for a button.
const maxURL = 3000

// Web reports whether the link leads to a web page, so that an output may make
// it one that people open: an absolute http or https URL without a password and
// without characters that mean something in markup.
func (l Link) Web() bool {
	if l.URL == "" || len(l.URL) > maxURL || strings.ContainsFunc(l.URL, foreign) {
		return false
	}
	u, err := url.Parse(l.URL)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// foreign reports whether r belongs in no URL as it is written.
func foreign(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>\"'`|\\^{}", r) }

// WebLinks returns those of the message's links that lead to web pages.
func (m *Message) WebLinks() []Link {
	var out []Link
	for _, l := range m.Links {
		if l.Web() {
			out = append(out, l)
		}
	}
	return out
}
