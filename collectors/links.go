package collectors

import (
	"iter"
	"slices"
	"strings"
)

// LinksIn returns the addresses of the web in a text as they were typed, each
// once: also those in capitals, and those that begin within a word, behind an
// emoji or another address. A rule about links must see what a reader can press.
func LinksIn(text string) []string {
	var links []string
	for word := range strings.FieldsSeq(text) {
		for address := range Addresses(word) {
			if address = strings.TrimRight(address, ".,;:!?)\"'”’]|>"); !slices.Contains(links, address) {
				links = append(links, address)
			}
		}
	}
	return links
}

// Addresses yields the parts of a word that begin as an address of the web does;
// each ends where the next one begins.
func Addresses(word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		begin := -1
		for i := range len(word) {
			if c := word[i]; c != 'h' && c != 'H' || !isAddress(word[i:]) {
				continue
			}
			if begin >= 0 && !yield(word[begin:i]) {
				return
			}
			begin = i
		}
		if begin >= 0 {
			yield(word[begin:])
		}
	}
}

// isAddress reports whether a text begins with an address of the web, in letters
// of either case.
func isAddress(s string) bool {
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}
