package rules

import (
	"cmp"
	"slices"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// Exercise notes which detection rules, and which of their selections, have
// held for some activity: what tests have tried.
type Exercise struct {
	rules  []Part
	probes probes
	parts  []Part // one a probe
	held   []bool
}

// Part is a detection rule or one of its selections.
type Part struct {
	Rule      *Rule
	Selection string // empty: the rule itself
	File      string
	At        sigma.Pos
}

// NewExercise prepares for the rules of files; its error is that of Compile.
func NewExercise(files []File) (*Exercise, error) {
	program, err := Compile(files)
	if err != nil {
		return nil, err
	}
	x := &Exercise{}
	for i, d := range documents(program, files) {
		if d == nil {
			continue
		}
		r := program.rules[i]
		x.rules = append(x.rules, Part{Rule: r, File: d.File, At: d.At})
		if d.Detection == nil || len(r.Lacks) > 0 { // nothing can try what has no values
			continue
		}
		for _, s := range d.Detection.Searches {
			x.probes.addGroups(d.Logsource, s.Any...)
			x.parts = append(x.parts, Part{Rule: r, Selection: s.Name.S, File: d.File, At: s.Name.At})
		}
		x.probes.docs = append(x.probes.docs, &sigma.Document{
			Title: sigma.Text{S: "Whole"}, Logsource: d.Logsource, Detection: d.Detection,
		})
		x.parts = append(x.parts, Part{Rule: r, File: d.File, At: d.At})
	}
	x.held = make([]bool, len(x.parts))
	if len(x.parts) == 0 {
		return x, nil
	}
	return x, x.probes.compile()
}

// Note notes what holds for an activity.
func (x *Exercise) Note(a *activity.Activity) {
	if len(x.parts) == 0 {
		return
	}
	x.probes.ask(a)
	for i, h := range x.probes.holds {
		x.held[i] = x.held[i] || h
	}
}

// Rules returns the rules of every type with their places, in their order.
func (x *Exercise) Rules() []Part { return slices.Clone(x.rules) }

// Idle returns the parts that have held for no activity, in the order of the
// rules.
func (x *Exercise) Idle() []Part {
	var out []Part
	for i, p := range x.parts {
		if !x.held[i] {
			out = append(out, p)
		}
	}
	return out
}

// Parts returns all parts, in the order of the rules.
func (x *Exercise) Parts() []Part { return slices.Clone(x.parts) }

// sortedFiles returns the files in the order in which Compile takes them.
func sortedFiles(files []File) []File {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return files
}
