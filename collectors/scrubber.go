package collectors

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// minSecret is the length in bytes from which a secret is looked for in texts:
// those that networks give are far longer, and a shorter one would tear common
// words apart.
const minSecret = 6

// Scrubber takes secrets out of what is logged or shown: words that a network
// sent, which may repeat what it was asked with, and errors. The zero Scrubber
// knows no secret.
type Scrubber struct{ replacer *strings.Replacer }

// NewScrubber returns one that writes Redacted for each of secrets, as it is and
// as a query or form holds it. Those of less than 6 bytes are not looked for.
func NewScrubber(secrets ...Secret) Scrubber {
	// A secret that begins with another one comes first: else its rest would show.
	longestFirst := slices.SortedFunc(slices.Values(secrets), func(a, b Secret) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, secret := range longestFirst {
		if s := secret.Reveal(); len(s) >= minSecret {
			pairs = append(pairs, s, Redacted, url.QueryEscape(s), Redacted)
		}
	}
	return Scrubber{strings.NewReplacer(pairs...)}
}

// Replace returns text without secrets.
func (s Scrubber) Replace(text string) string {
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// maxWords bounds what Words returns, in bytes.
const maxWords = 300

// Words makes what a network sent fit for a log line or an error: without
// secrets and control characters, line ends included, and at most 300 bytes.
func (s Scrubber) Words(text string) string {
	return Clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s.Replace(strings.ToValidUTF8(text, "\ufffd"))), maxWords)
}

// Quote shows how an answer begins that is not what was asked for, on one line:
// how long it is, what it says it is, and its first words.
func (s Scrubber) Quote(header http.Header, body []byte) string {
	kind := cmp.Or(header.Get("Content-Type"), "no content type")
	return fmt.Sprintf("%d bytes of %s that begin %q", len(body), Clip(s.Words(kind), 60),
		Clip(strings.TrimSpace(s.Words(string(body[:min(len(body), 400)]))), 80))
}

// Elsewhere names the host that an answer redirects to, "https://api.example", ""
// where it names none. Collectors follow no redirect: it would take their
// credential along.
func (s Scrubber) Elsewhere(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return ""
	}
	return Clip(s.Words(u.Scheme+"://"+u.Host), 120)
}

// Clean returns err, or where its text holds a secret an error with the rest of
// the text alone: what err wraps would print the secret again.
func (s Scrubber) Clean(err error) error {
	text := err.Error()
	if clean := s.Replace(text); clean != text {
		return errors.New(clean)
	}
	return err
}

// Bare is Clean of what a request failed with: the URL that net/http puts before
// it, which may hold a secret and which callers name themselves, is left out.
func (s Scrubber) Bare(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return s.Clean(err)
}
