package activity

import "strings"

// suggest returns `; did you mean "x"?` for the known name nearest to name,
// or for the field of a part that has this name, or else the known names.
func suggest(name string, known []string) string {
	best := nearest(name, known)
	if best == "" {
		best = partNamed(name)
	}
	if best != "" {
		return `; did you mean "` + best + `"?`
	}
	return "; expected one of " + strings.Join(known, ", ")
}

func partNamed(name string) string {
	for _, f := range fixedFields() {
		if strings.HasSuffix(f.name, "."+name) {
			return f.name
		}
	}
	return ""
}

// nearest returns the known name that a typo may have turned into name, or "".
func nearest(name string, known []string) string {
	if len(name) > 64 { // not a typo, and not worth the time
		return ""
	}
	best, least := "", 1+(len(name)+2)/3
	for _, k := range known {
		if n := distance(strings.ToLower(name), k); n < least {
			best, least = k, n
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour that turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
