// Package lint finds what is odd in rule files that compile: conditions that
// can never hold, selections that decide nothing, names that are probably
// misspelt, windows that can never fill, rules that nobody tests. What keeps a
// rule from being compiled at all is a fault, and belongs in rules.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// Code names a kind of problem; it never changes its meaning.
type Code string

// The codes. Fault is what Compile refuses; the others are warnings.
const (
	Fault           Code = "fault"
	DeadCondition   Code = "dead-condition"
	AlwaysHolds     Code = "always-holds"
	NoEffect        Code = "no-effect"
	UnusedSelection Code = "unused-selection"
	UnknownField    Code = "unknown-field"
	UnknownValue    Code = "unknown-value"
	RepeatedValue   Code = "repeated-value"
	DeadWindow      Code = "dead-window"
	DuplicateTitle  Code = "duplicate-title"
	DuplicateLogic  Code = "duplicate-logic"
	NoResponse      Code = "no-response"
	NoTest          Code = "no-test"
)

// Codes returns each code with what it stands for, in one sentence.
func Codes() []struct{ Code, About string } {
	return []struct{ Code, About string }{
		{string(Fault), "The file cannot be loaded."},
		{string(DeadCondition), "The condition can never hold."},
		{string(AlwaysHolds), "The condition holds for every activity of the log source."},
		{string(NoEffect), "The condition names a selection that decides nothing."},
		{string(UnusedSelection), "A selection is defined and no condition names it."},
		{string(UnknownField), "A field name is probably misspelt."},
		{string(UnknownValue), "A field never has this value."},
		{string(RepeatedValue), "A value is listed twice."},
		{string(DeadWindow), "A rule that counts or learns can never fire."},
		{string(DuplicateTitle), "Two rules have the same title."},
		{string(DuplicateLogic), "Two detection rules match the same."},
		{string(NoResponse), "A rule pages people and does not say what to do."},
		{string(NoTest), "No test expects the rule to fire."},
	}
}

// Problem is one fault or warning, with its place.
type Problem struct {
	Code    Code
	File    string
	At      sigma.Pos
	Message string // what is wrong and how to mend it
	Rule    string // title of the rule; empty where the fault tells none
}

// Options say what is known about the rules from elsewhere.
type Options struct {
	// Tested reports whether some test expects a rule to fire; nil where tests
	// are no matter.
	Tested func(*rules.Rule) bool
}

// Check returns all faults and all warnings of files, sorted by place. Rules
// in a document with faults are not warned about, and what needs all rules to
// compile is told once they do.
func Check(files []rules.File, opts Options) []Problem {
	l := &linter{opts: opts, dead: map[*sigma.Document]bool{}}
	program, err := rules.Compile(files)
	if faults, ok := err.(rules.Faults); ok { //nolint:errorlint // Compile documents this very type
		for _, f := range faults {
			l.problems = append(l.problems, Problem{Code: Fault, File: f.File, At: f.At, Message: f.Message})
		}
	}
	for _, f := range files {
		docs, _ := sigma.Parse(f.Name, f.Data)
		for _, d := range docs {
			if !d.Faulty {
				l.docs = append(l.docs, d)
			}
		}
	}
	slices.SortStableFunc(l.docs, func(a, b *sigma.Document) int { return cmp.Compare(a.File, b.File) })
	l.titles()
	l.sourceFields()
	for _, d := range l.docs {
		if d.Detection != nil && d.Logsource != nil {
			l.detection(d)
		}
	}
	if program != nil {
		l.compiled(program)
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(l.problems)
}

type linter struct {
	opts     Options
	docs     []*sigma.Document // without faults of form, in the order of their files
	problems []Problem
	dead     map[*sigma.Document]bool // told of a condition that can never hold
}

func (l *linter) warn(d *sigma.Document, at sigma.Pos, code Code, format string, args ...any) {
	l.dead[d] = l.dead[d] || code == DeadCondition
	l.problems = append(l.problems, Problem{Code: code, File: d.File, At: at, Message: fmt.Sprintf(format, args...), Rule: d.Title.S})
}

// titles finds titles that are used twice.
func (l *linter) titles() {
	first := map[string]*sigma.Document{}
	for _, d := range l.docs {
		if d.Title.S == "" {
			continue
		}
		if other := first[d.Title.S]; other != nil {
			l.warn(d, d.Title.At, DuplicateTitle, "title %q is already used at %s:%d; alerts of the two look the same", d.Title.S, other.File, other.Title.At.Line)
			continue
		}
		first[d.Title.S] = d
	}
}
