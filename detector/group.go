package detector

import (
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/rules"
)

// Groups: what a rule's memory is kept apart by.

// groupOf returns the names and values of a rule's group; false where the
// activity lacks one of the fields, so that it belongs to no group.
func (e *Engine) groupOf(r *rules.Rule, a *activity.Activity) ([]activity.Field, bool) {
	return e.groupAs(r.Index, r.Index, a)
}

// groupAs is groupOf for a rule and a match of rule input, in which aliases stand
// for fields of their own.
func (e *Engine) groupAs(rule, input int, a *activity.Activity) ([]activity.Field, bool) {
	e.group = e.group[:0]
	if e.plan.rules[rule].alone {
		e.group = append(e.group, activity.Field{Name: "account", Value: baseline.Shorten(a.Account)})
		return e.group, a.Account != ""
	}
	r := e.plan.rules[rule].rule
	if len(r.GroupBy) == 0 {
		e.group = append(e.group, activity.Field{Name: "account", Value: a.Account})
		return e.group, true
	}
	for i := range r.GroupBy {
		f := r.GroupField(i, input)
		if f == nil {
			return nil, false
		}
		e.values = f.Values(a, e.values[:0])
		if len(e.values) == 0 {
			return nil, false
		}
		e.group = append(e.group, activity.Field{Name: r.GroupBy[i].Name, Value: text(e.values[0])})
	}
	return e.group, true
}

// groupMark stands before each value of a group in keys of memory. Strangers
// choose values: one that has it, or the byte that stands for it, is escaped.
const groupMark = "\x1f"

//nolint:gochecknoglobals // a constant
var (
	escapeGroup   = strings.NewReplacer("\x1e", "\x1e0", groupMark, "\x1e1")
	unescapeGroup = strings.NewReplacer("\x1e0", "\x1e", "\x1e1", groupMark)
)

// plain reports whether a value stands in keys of memory as it is.
func plain(value string) bool {
	return strings.IndexByte(value, '\x1e') < 0 && strings.IndexByte(value, groupMark[0]) < 0
}

func groupKey(group []activity.Field) string {
	n := 0
	for _, g := range group[1:] {
		n += len(g.Value) + 1
	}
	if n == 0 {
		return "" // the account alone, which the state is keyed by anyway
	}
	b := make([]byte, 0, n)
	for _, g := range group[1:] {
		value := g.Value
		if !plain(value) {
			value = escapeGroup.Replace(value)
		}
		b = append(append(b, groupMark...), value...)
	}
	return string(b)
}

func clone(s string) string { return string([]byte(s)) }

func cloneGroup(in []activity.Field) []activity.Field {
	out := make([]activity.Field, len(in))
	for i, g := range in {
		out[i] = activity.Field{Name: g.Name, Value: clone(g.Value)}
	}
	return out
}

// groupsOf returns the values of a memory key's group but account.
func groupsOf(key string) []string {
	_, group, ok := strings.Cut(key, groupMark)
	if !ok {
		return nil
	}
	values := strings.Split(group, groupMark)
	for i, value := range values {
		if !plain(value) {
			values[i] = unescapeGroup.Replace(value)
		}
	}
	return values
}
