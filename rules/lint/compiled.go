package lint

import (
	"slices"
	"strings"

	"github.com/picketd/picket/rules"
	"github.com/picketd/picket/rules/sigma"
)

// compiled warns about what only the compiled rules tell.
func (l *linter) compiled(p *rules.Program) {
	all := p.Rules()
	docs := l.documents(all)
	dead := map[int]bool{}
	same := map[string]int{}
	for i, r := range all {
		d := docs[i]
		if d == nil {
			continue
		}
		if r.Type == rules.TypeDetection {
			if isPicket(d) && len(p.Kinds(r)) == 0 && len(r.Lacks) == 0 {
				dead[i] = true
			}
			if dead[i] && !l.dead[d] {
				l.warn(d, d.Detection.Conditions[0].At, DeadCondition, "the condition can never hold: no kind of activity passes its tests of kind and the log source's category")
			}
			if first, ok := same[r.Meaning]; ok && docs[first] != nil {
				l.warn(d, d.Title.At, DuplicateLogic, "matches exactly what %q at %s:%d matches; remove one, or refer to it", all[first].Title, docs[first].File, docs[first].At.Line)
			} else {
				same[r.Meaning] = i
			}
		}
		l.lacks(d, r)
		l.care(d, r)
	}
	for i, r := range all {
		if docs[i] != nil && r.Type != rules.TypeDetection {
			l.window(docs[i], r, docs, dead)
		}
	}
}

// lacks warns about placeholders that have no values, where they stand first. A
// rule for other rules may be there for whoever gives it values.
func (l *linter) lacks(d *sigma.Document, r *rules.Rule) {
	if r.Silent {
		return
	}
	for _, name := range r.Lacks {
		at, found := d.Detection.At, false
		for _, s := range d.Detection.Searches {
			for _, g := range s.Any {
				for _, t := range g.All {
					for _, v := range t.Values {
						if parts := sigma.Placeholders(v.Text); !found && expands(t) && slices.Index(parts, name)%2 == 1 {
							at, found = v.At, true
						}
					}
				}
			}
		}
		l.warn(d, at, DeadCondition, "the rule matches nothing: %s has no values; add a placeholders document that says what %%%s%% stands for", name, name)
	}
}

func expands(t sigma.Test) bool {
	return slices.ContainsFunc(t.Modifiers, func(m sigma.Text) bool { return m.S == "expand" })
}

// documents returns the document of each rule.
func (l *linter) documents(all []*rules.Rule) []*sigma.Document {
	out := make([]*sigma.Document, len(all))
	next := 0
	for i, r := range all {
		for k := next; k < len(l.docs); k++ {
			d := l.docs[k]
			if d.Title.Line() == r.Title && d.Name.S == r.Name && (d.ID.S == "" || d.ID.S == r.ID) {
				out[i], next = d, k+1
				break
			}
		}
	}
	return out
}

// care warns about rules that tell people and that nobody wrote on, or tried.
func (l *linter) care(d *sigma.Document, r *rules.Rule) {
	if r.Silent || r.Mode != rules.Enforce {
		return
	}
	if len(r.Response) == 0 {
		l.warn(d, d.Title.At, NoResponse, "the rule tells people and does not say what to do; add picket: {response: [...]}, or mode: observe")
	}
	if l.opts.Tested != nil && !l.opts.Tested(r) {
		l.warn(d, d.Title.At, NoTest, "no test expects this rule to fire; add a .test.yml beside it")
	}
}

// window warns about rules with memory that can never fire.
func (l *linter) window(d *sigma.Document, r *rules.Rule, docs []*sigma.Document, dead map[int]bool) {
	at := d.At
	switch {
	case d.Correlation != nil:
		at = d.Correlation.Type.At
	case d.Baseline != nil:
		at = d.Baseline.Type.At
	}
	if len(r.Inputs) > 0 && !slices.ContainsFunc(r.Inputs, func(i int) bool { return !dead[i] }) {
		l.warn(d, at, DeadWindow, "none of the rules that feed it can ever match")
	}
	if len(r.Then) > 0 && !slices.ContainsFunc(r.Then, func(i int) bool { return !dead[i] }) {
		l.warn(d, at, DeadWindow, "none of its second steps can ever match")
	}
	if n := len(r.Inputs); r.Type == rules.TypeTemporal && r.Condition.Min > n {
		l.warn(d, at, DeadWindow, "it is about %d rules, so the count %s is never reached", n, r.Condition.Text)
	}
	if r.Field == nil {
		return
	}
	field := r.Field.Name
	most, why := l.most(r, field, docs)
	for _, f := range r.With {
		n, more := l.most(r, f.Name, docs)
		if most, why = most*n, why+"; "+more; n < 0 {
			most = -1
			break
		}
	}
	switch {
	case most < 0:
	case r.Type == rules.TypeValueCount && r.Condition.Min > most:
		l.warn(d, at, DeadWindow, "%s has at most %d different values here (%s), so the count %s is never reached", r.Counted(), most, why, r.Condition.Text)
	case r.Type == rules.TypeNewValue && most == 1:
		l.warn(d, at, DeadWindow, "%s has only one value here (%s), so none is ever new once it is learned", field, why)
	}
}

// most returns how many different values of a field a rule can see in one
// group, -1 where that is not known.
func (l *linter) most(r *rules.Rule, field string, docs []*sigma.Document) (most int, why string) {
	for _, g := range r.GroupBy {
		if g.Name == field {
			return 1, "it is one of group-by"
		}
	}
	var values []string
	for _, i := range r.Inputs {
		pinned := pins(docs[i], field)
		if pinned == nil {
			if known := enumerated(field); known != nil {
				return len(known), strings.Join(known, ", ")
			}
			return -1, ""
		}
		values = append(values, pinned...)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	return len(values), strings.Join(values, ", ")
}

// pins returns the values that a detection rule leaves a field, nil where it
// leaves it open. Only a selection that the condition cannot do without counts.
func pins(d *sigma.Document, field string) []string {
	if d == nil || d.Detection == nil || len(d.Detection.Conditions) != 1 || several(field) {
		return nil
	}
	need := []sigma.Expr{d.Detection.Conditions[0].Expr}
	if and, ok := need[0].(sigma.And); ok {
		need = and.X
	}
	for _, e := range need {
		ref, ok := e.(sigma.Ref)
		if !ok {
			continue
		}
		s := d.Detection.Search(ref.Name)
		if s == nil || len(s.Any) != 1 {
			continue
		}
		for _, t := range s.Any[0].All {
			if values, plain := plainly(t); plain && t.Field == field {
				return values
			}
		}
	}
	if field == "kind" && isPicket(d) && d.Logsource.Category.S != "" {
		return []string{d.Logsource.Category.S}
	}
	return nil
}
