package lint

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules/sigma"
)

// maxSearches bounds the truth table of a condition, which has a row for each
// combination of its searches.
const maxSearches = 12

// detection warns about one detection document.
func (l *linter) detection(d *sigma.Document) {
	det := d.Detection
	used := map[string]bool{}
	for _, c := range det.Conditions {
		names(det, c.Expr, used)
	}
	for _, s := range det.Searches {
		if !used[s.Name.S] {
			l.warn(d, s.Name.At, UnusedSelection, "no condition names %q; name it or remove it", s.Name.S)
		}
	}
	l.truth(d, used)
	for _, s := range det.Searches {
		for _, g := range s.Any {
			l.group(d, g)
		}
	}
}

// names collects the searches that a condition names.
func names(det *sigma.Detection, e sigma.Expr, into map[string]bool) {
	switch e := e.(type) {
	case sigma.And:
		for _, x := range e.X {
			names(det, x, into)
		}
	case sigma.Or:
		for _, x := range e.X {
			names(det, x, into)
		}
	case sigma.Not:
		names(det, e.X, into)
	case sigma.Ref:
		into[e.Name] = true
	case sigma.Of:
		for _, s := range det.Matching(e.Pattern) {
			into[s.Name.S] = true
		}
	}
}

// truth tries the condition on every combination of what its searches say.
func (l *linter) truth(d *sigma.Document, used map[string]bool) {
	var searches []string
	for _, s := range d.Detection.Searches {
		if used[s.Name.S] {
			searches = append(searches, s.Name.S)
		}
	}
	if len(searches) == 0 || len(searches) > maxSearches {
		return
	}
	rows := make([]bool, 1<<len(searches))
	held := map[string]bool{}
	for i := range rows {
		for k, name := range searches {
			held[name] = i>>k&1 == 1
		}
		rows[i] = slices.ContainsFunc(d.Detection.Conditions, func(c sigma.Condition) bool { return holds(d.Detection, c.Expr, held) })
	}
	at := d.Detection.Conditions[0].At
	switch {
	case !slices.Contains(rows, true):
		l.warn(d, at, DeadCondition, "the condition can never hold, whatever the selections say; the rule never fires")
		return
	case !slices.Contains(rows, false):
		l.warn(d, at, AlwaysHolds, "the condition always holds, whatever the selections say; the rule fires for everything")
		return
	}
	for k, name := range searches {
		decides := false
		for i := range rows {
			decides = decides || rows[i] != rows[i^1<<k]
		}
		if !decides {
			l.warn(d, d.Detection.Search(name).Name.At, NoEffect, "the condition names %q, and its verdict is the same with and without it; check \"and\", \"or\" and the parentheses", name)
		}
	}
}

func holds(det *sigma.Detection, e sigma.Expr, held map[string]bool) bool {
	switch e := e.(type) {
	case sigma.And:
		return !slices.ContainsFunc(e.X, func(x sigma.Expr) bool { return !holds(det, x, held) })
	case sigma.Or:
		return slices.ContainsFunc(e.X, func(x sigma.Expr) bool { return holds(det, x, held) })
	case sigma.Not:
		return !holds(det, e.X, held)
	case sigma.Ref:
		return held[e.Name]
	case sigma.Of:
		n, all := 0, det.Matching(e.Pattern)
		for _, s := range all {
			if held[s.Name.S] {
				n++
			}
		}
		if e.N == 0 {
			return n == len(all)
		}
		return n >= e.N
	}
	return false
}

func isPicket(d *sigma.Document) bool {
	return d.Logsource != nil && strings.EqualFold(d.Logsource.Product.S, "picket")
}
