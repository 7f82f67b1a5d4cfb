// Package approval decides whether a published message was approved: it keeps
// the ledger of approvals and compares messages with it. It reads no clock and
// does no I/O. Which accounts need approval, how long a late approval still
// counts and what a verdict means belong in rules and detector.
package approval

import (
	"hash/fnv"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Message is a text in the form in which messages are compared: Unicode NFKC,
// white space folded, links taken out of the text and stripped of tracking.
type Message struct {
	Text  string   `json:"text"`            // without links
	Links []string `json:"links,omitempty"` // sorted
	// Short counts links behind a network's shortener whose target is unknown.
	Short int      `json:"short,omitempty"`
	Media []string `json:"media,omitempty"` // content hashes, sorted
}

// Normalise prepares a message for comparison. Links are the expanded targets
// as the source gives them; media are content hashes, and others (a network's
// own media keys) cannot be compared and are left out.
func Normalise(text string, links, media []string) Message {
	var m Message
	var words []string
	for w := range strings.FieldsFuncSeq(norm.NFKC.String(text), unicode.IsSpace) {
		link, ok := canonicalLink(w)
		switch {
		case !ok:
			words = append(words, w)
		case isShortener(link):
			m.Short++
		default:
			m.Links = append(m.Links, link)
		}
	}
	m.Text = strings.Join(words, " ")
	for _, l := range links {
		if link, ok := canonicalLink(l); ok && !isShortener(link) {
			m.Links = append(m.Links, link)
		}
	}
	slices.Sort(m.Links)
	m.Links = slices.Compact(m.Links)
	m.Short = max(0, m.Short-len(links)) // expanded ones are known
	for _, h := range media {
		if strings.HasPrefix(h, "sha256:") {
			m.Media = append(m.Media, h)
		}
	}
	slices.Sort(m.Media)
	return m
}

// canonicalLink returns host/path?query of a web address: scheme, "www.",
// fragment, trailing slash and tracking parameters are dropped.
func canonicalLink(s string) (string, bool) {
	s = strings.TrimRight(s, ".,;:!?)\"'»”")
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "", false
	}
	q := u.Query()
	for k := range q {
		if isTracking(strings.ToLower(k)) {
			q.Del(k)
		}
	}
	out := strings.TrimPrefix(strings.ToLower(u.Host), "www.") + strings.TrimRight(u.EscapedPath(), "/")
	if enc := q.Encode(); enc != "" {
		out += "?" + enc
	}
	return out, true
}

func isTracking(key string) bool {
	switch key {
	case "fbclid", "gclid", "dclid", "msclkid", "twclid", "igshid", "mc_cid", "mc_eid", "yclid", "ref_src", "ref_url":
		return true
	}
	return strings.HasPrefix(key, "utm_")
}

func isShortener(link string) bool {
	host, _, _ := strings.Cut(link, "/")
	switch host {
	case "t.co", "bit.ly", "lnkd.in", "fb.me", "ow.ly", "buff.ly", "youtu.be", "tinyurl.com":
		return true
	}
	return false
}

// Same reports whether two messages say the same. Media are compared only
// where both sides have content hashes.
func Same(post, approved Message) bool {
	if post.Text != approved.Text {
		return false
	}
	if !sameLinks(post, approved) {
		return false
	}
	return len(post.Media) == 0 || len(approved.Media) == 0 || slices.Equal(post.Media, approved.Media)
}

// sameLinks takes links behind a shortener of unknown target by their number.
func sameLinks(a, b Message) bool {
	if a.Short == 0 && b.Short == 0 {
		return slices.Equal(a.Links, b.Links)
	}
	return len(a.Links)+a.Short == len(b.Links)+b.Short
}

// Similarity is the Sørensen–Dice coefficient of the two messages' words and
// links as multisets, 0 to 1 (Dice 1945).
func Similarity(a, b Message) float64 {
	x, y := grams(a), grams(b)
	if len(x)+len(y) == 0 {
		return 0
	}
	common := 0
	for i, k := 0, 0; i < len(x) && k < len(y); {
		switch {
		case x[i] == y[k]:
			common++
			i++
			k++
		case x[i] < y[k]:
			i++
		default:
			k++
		}
	}
	return 2 * float64(common) / float64(len(x)+len(y))
}

func grams(m Message) []uint64 {
	out := make([]uint64, 0, 32)
	for w := range strings.FieldsSeq(strings.ToLower(m.Text)) {
		out = append(out, hash(w))
	}
	for _, l := range m.Links {
		out = append(out, hash(l))
	}
	slices.Sort(out)
	return out
}

func hash(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return h.Sum64()
}

// Difference shows how a message departs from what was approved, word by
// word: removed words in [-…-], added ones in {+…+}. It is at most limit bytes.
func Difference(approved, post Message, limit int) string {
	a := append(strings.Fields(approved.Text), approved.Links...)
	b := append(strings.Fields(post.Text), post.Links...)
	const most = 400 // words compared; a message is at most a few hundred
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	// Longest common subsequence by dynamic programming over the suffixes.
	lcs := make([][]int, len(a)+1)
	for i := range lcs {
		lcs[i] = make([]int, len(b)+1)
	}
	for i, v := range slices.Backward(a) {
		for k := len(b) - 1; k >= 0; k-- {
			if v == b[k] {
				lcs[i][k] = lcs[i+1][k+1] + 1
			} else {
				lcs[i][k] = max(lcs[i+1][k], lcs[i][k+1])
			}
		}
	}
	var out []string
	i, k := 0, 0
	for i < len(a) || k < len(b) {
		switch {
		case i < len(a) && k < len(b) && a[i] == b[k]:
			out = append(out, a[i])
			i++
			k++
		case k == len(b) || i < len(a) && lcs[i+1][k] >= lcs[i][k+1]:
			out = append(out, "[-"+a[i]+"-]")
			i++
		default:
			out = append(out, "{+"+b[k]+"+}")
			k++
		}
	}
	return truncate(strings.Join(out, " "), limit)
}

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8Start(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func utf8Start(b byte) bool { return b&0xC0 != 0x80 }
