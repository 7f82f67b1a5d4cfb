// Package suggest finds the word that a misspelt one was probably meant to
// be. It only compares words; what to say about it belongs to the caller.
package suggest

// Nearest returns the candidate that word probably was meant to be: the one
// with the smallest edit distance, at most two and at most a third of the
// word's length (rounded up). The first of equally near candidates wins. ok is
// false where none is near, or where word is itself a candidate.
func Nearest(word string, candidates []string) (best string, ok bool) {
	w := []rune(word)
	limit := min(2, (len(w)+2)/3)
	for _, c := range candidates {
		if c == word {
			return "", false
		}
		if d := distance(w, []rune(c)); d <= limit {
			best, limit, ok = c, d-1, true
		}
	}
	return best, ok
}

// Hint returns `; did you mean "x"?` or the empty string.
func Hint(word string, candidates []string) string {
	if c, ok := Nearest(word, candidates); ok {
		return `; did you mean "` + c + `"?`
	}
	return ""
}

// distance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment). Words whose
// lengths differ by more than two are not compared: they are never near.
func distance(a, b []rune) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3
	}
	before, prev := make([]int, len(b)+1), make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
