package sigma

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a rule file: line and column, both counted from 1,
// columns in characters.
type Pos struct{ Line, Column int }

// Fault is one thing that is wrong with a rule file: where, what was
// expected, and how to mend it.
type Fault struct {
	File    string
	At      Pos
	Message string
}

// Error returns "file:line:column: message".
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.At.Line, f.At.Column, f.Message)
}

// Faults are all faults of a set of files. The nil Faults means none; use
// Err where an error is wanted, so that nil stays nil.
type Faults []Fault

// Error returns the faults one a line, in the order of Sort.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns fs as an error, nil where there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// Sort orders fs by file, line, column and message and drops repetitions.
func (fs Faults) Sort() Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.At.Line, b.At.Line),
			cmp.Compare(a.At.Column, b.At.Column),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(fs)
}
