package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a file, and where.
type Fault struct {
	File    string // as given to Load
	Line    int    // from 1
	Column  int    // from 1, in characters
	Message string // the field, what was found, what was expected, how to mend it
}

func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Faults is everything that is wrong with a file, in the file's order and
// never empty.
type Faults []Fault

// Error gives one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find each Fault.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, fault := range f {
		errs[i] = fault
	}
	return errs
}

// sorted returns the faults by place, each once: an alias is read as often as
// it is used.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(f)
}

// suggest ends a message about an unknown name: with the known one that a typo
// may have turned into it, else with all that are known.
func suggest(name string, known []string) string {
	best, least := "", 1+(len(name)+2)/3
	for _, k := range known {
		if n := distance(strings.ToLower(name), strings.ToLower(k)); n < least {
			best, least = k, n
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(known) == 0:
		return "; none is defined"
	case len(known) > maxListed:
		return fmt.Sprintf("; expected one of %s and %d more", strings.Join(known[:maxListed], ", "), len(known)-maxListed)
	}
	return "; expected one of " + strings.Join(known, ", ")
}

const (
	maxListed = 40  // names in one message
	maxTypo   = 100 // bytes of a name that is compared with others
)

// distance counts the bytes to insert, delete, replace or swap with their
// neighbour that turn a into b.
func distance(a, b string) int {
	if len(a) > maxTypo || len(b) > maxTypo {
		return maxTypo
	}
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

// shown quotes a name for a message. Something that does not look like a name
// may be a misplaced secret, and is not repeated.
func shown(name string) string {
	const longest = 40
	if name == "" || len(name) > longest {
		return "here"
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
		default:
			return "here"
		}
	}
	return fmt.Sprintf("%q", name)
}
