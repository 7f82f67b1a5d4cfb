package approval

import (
	"fmt"
	"slices"
	"strings"
)

// Same reports whether a post says what was approved: the same words, links
// and media. Links of unknown target in the post (see Message.Wrapped) may
// stand for any that were approved, by their number; a link of known target
// must have been approved as such. The number of media must agree, and their
// content where both sides have hashes. So an approval that names no media
// approves the text alone, and a post of it with an image is an edited one.
func Same(post, approved Message) bool {
	return post.Text == approved.Text && sameLinks(&post, &approved) && sameMedia(&post, &approved)
}

func sameLinks(post, approved *Message) bool {
	if len(post.Links)+post.unknown() != len(approved.Links)+approved.unknown() {
		return false
	}
	for _, l := range post.Links {
		if !has(approved.Links, l) && !has(approved.Wrapped, l) {
			return false
		}
	}
	return true
}

func has(list []string, s string) bool {
	_, ok := slices.BinarySearch(list, s)
	return ok
}

func sameMedia(post, approved *Message) bool {
	removed, added := mediaChange(post, approved)
	return removed == 0 && added == 0
}

// mediaChange counts the media of an approval that the post has not, and the
// other way round. Media of unknown content stand for any others.
func mediaChange(post, approved *Message) (removed, added int) {
	lost := len(without(approved.Media, post.Media))
	gained := len(without(post.Media, approved.Media))
	forLost, forGained := min(lost, post.Unhashed), min(gained, approved.Unhashed)
	left, missing := post.Unhashed-forLost, approved.Unhashed-forGained
	return lost - forLost + max(0, missing-left), gained - forGained + max(0, left-missing)
}

// without returns what of the sorted list a is not in the sorted list b, item
// by item: an item that a has once more than b is returned once.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		for len(b) > 0 && b[0] < s {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == s {
			b = b[1:]
			continue
		}
		out = append(out, s)
	}
	return out
}

// Similarity is the Sørensen–Dice coefficient of the two messages' words and
// links as multisets, 0 to 1 (Dice 1945). Media are not part of it: an image
// put beside approved words is an edit of them.
func Similarity(a, b Message) float64 { return dice(grams(&a), grams(&b)) }

func dice(x, y []uint64) float64 {
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

// grams returns the hashes of a message's words and links, sorted.
func grams(m *Message) []uint64 {
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

// hash is 64-bit FNV-1a, here without hash/fnv's allocation for every word.
func hash(s string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	return h
}

// Difference shows how a post departs from what was approved: the words, then
// what differs in media and links, with what was removed in [-…-] and what was
// added in {+…+}. It is at most limit bytes, of which media and links have
// half where they need it, so that a long text does not hide them.
func Difference(approved, post Message, limit int) string {
	words := wordChanges(strings.Fields(approved.Text), strings.Fields(post.Text))
	rest := strings.Join(append(mediaChanges(&approved, &post), linkChanges(&approved, &post)...), " ")
	switch {
	case rest == "":
		return truncate(words, limit)
	case words == "":
		return truncate(rest, limit)
	}
	rest = truncate(rest, limit/2)
	return truncate(words, limit-len(rest)-1) + " " + rest
}

func mediaChanges(approved, post *Message) []string {
	var out []string
	removed, added := mediaChange(post, approved)
	if removed > 0 {
		out = append(out, fmt.Sprintf("[-%d media-]", removed))
	}
	if added > 0 {
		out = append(out, fmt.Sprintf("{+%d media+}", added))
	}
	return out
}

func linkChanges(approved, post *Message) []string {
	if sameLinks(post, approved) {
		return nil // those of unknown target stand for approved ones
	}
	all := func(m *Message) []string {
		if m.unknown() == 0 {
			return m.Links
		}
		return sorted(slices.Concat(m.Links, m.Wrapped))
	}
	a, b := all(approved), all(post)
	var out []string
	for _, l := range without(a, b) {
		out = append(out, "[-"+l+"-]")
	}
	for _, l := range without(b, a) {
		out = append(out, "{+"+l+"+}")
	}
	return out
}

// wordChanges compares two texts word by word.
func wordChanges(a, b []string) string {
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
	return strings.Join(out, " ")
}

// truncate cuts a text to at most limit bytes, between characters.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	if cut < 0 {
		return ""
	}
	for cut > 0 && !utf8Start(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func utf8Start(b byte) bool { return b&0xC0 != 0x80 }
