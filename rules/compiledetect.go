package rules

import (
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// Compiling detection rules into nodes over shared predicates.

func (c *compiler) detection(r *Rule, d *sigma.Document) {
	before := len(c.faults)
	b := newDetectionBuilder(c, d)
	for _, s := range d.Detection.Searches {
		b.searches[s.Name.S] = b.search(s)
	}
	var conditions []node
	for _, cond := range d.Detection.Conditions {
		conditions = append(conditions, b.expr(cond.Expr))
	}
	det := detection{rule: r.Index, gates: b.gates(), root: combine(nodeAny, conditions)}
	if len(c.faults) > before {
		return // nodes are missing
	}
	id := int32(len(c.program.detections))
	c.program.detections = append(c.program.detections, det)
	c.index(id, &c.program.detections[id], d.Logsource)
}

type detectionBuilder struct {
	*compiler
	doc      *sigma.Document
	picket   bool // fields are those of an activity, else those under raw
	searches map[string]node
}

func newDetectionBuilder(c *compiler, d *sigma.Document) *detectionBuilder {
	return &detectionBuilder{compiler: c, doc: d, picket: isPicket(d.Logsource), searches: map[string]node{}}
}

func (b *detectionBuilder) fault(at sigma.Pos, format string, args ...any) {
	b.compiler.fault(b.doc, at, format, args...)
}

// gates returns the predicates of the logsource. Of Picket's activities,
// service is the network and category the kind. What category and service
// mean for a source's own events is not looked at yet.
func (b *detectionBuilder) gates() []int32 {
	l := b.doc.Logsource
	if !b.picket {
		return nil
	}
	var out []int32
	if l.Category.S != "" {
		if !slices.Contains(kindNames(), l.Category.S) {
			b.fault(l.Category.At, "logsource category %q is not a kind of activity; expected one of %s%s",
				l.Category.S, strings.Join(kindNames(), ", "), kindHint(l.Category.S))
		}
		out = append(out, b.gate("kind", l.Category.S))
	}
	if l.Service.S != "" {
		out = append(out, b.gate("network", l.Service.S))
	}
	return out
}

func (b *detectionBuilder) gate(field, value string) int32 {
	f, err := activity.LookupField(field)
	if err != nil {
		b.fault(b.doc.Logsource.At, "logsource: %v", err)
		return 0
	}
	q := textPredicate(sigma.Pattern{{Kind: sigma.Literal, Text: value}}, true)
	return b.intern(q, slot{field: f})
}

// intern returns the id of a predicate over a slot, shared with equal ones.
func (b *detectionBuilder) intern(q predicate, s slot) int32 {
	key := "keywords " + strconv.Itoa(int(s.scope))
	if s.field != nil {
		key = "field " + s.field.Name
	}
	var ok bool
	if q.slot, ok = b.slots[key]; !ok {
		q.slot = int32(len(b.program.slots))
		b.slots[key] = q.slot
		b.program.slots = append(b.program.slots, s)
	}
	id, ok := b.predicates[q.key()]
	if !ok {
		id = int32(len(b.program.predicates))
		b.predicates[q.key()] = id
		b.program.predicates = append(b.program.predicates, q)
	}
	return id
}

// combine joins nodes; one node stands for itself.
func combine(kind nodeKind, kids []node) node {
	if len(kids) == 1 {
		return kids[0]
	}
	return node{kind: kind, kids: kids}
}

func (b *detectionBuilder) expr(e sigma.Expr) node {
	switch e := e.(type) {
	case sigma.And:
		return combine(nodeAll, b.exprs(e.X))
	case sigma.Or:
		return combine(nodeAny, b.exprs(e.X))
	case sigma.Not:
		return node{kind: nodeNot, kids: []node{b.expr(e.X)}}
	case sigma.Ref:
		return b.searches[e.Name]
	case sigma.Of:
		var kids []node
		for _, s := range b.doc.Detection.Matching(e.Pattern) {
			kids = append(kids, b.searches[s.Name.S])
		}
		switch e.N {
		case 0:
			return combine(nodeAll, kids)
		case 1:
			return combine(nodeAny, kids)
		}
		return node{kind: nodeCount, n: e.N, kids: kids}
	}
	return node{}
}

func (b *detectionBuilder) exprs(xs []sigma.Expr) []node {
	out := make([]node, len(xs))
	for i, x := range xs {
		out[i] = b.expr(x)
	}
	return out
}

func (b *detectionBuilder) search(s *sigma.Search) node {
	var groups []node
	for _, g := range s.Any {
		var tests []node
		for _, t := range g.All {
			tests = append(tests, b.test(t))
		}
		groups = append(groups, combine(nodeAll, tests))
	}
	return combine(nodeAny, groups)
}

func (b *detectionBuilder) test(t sigma.Test) node {
	if len(t.Values) == 0 {
		return node{} // told by the parser
	}
	mods, ok := b.modifiers(t)
	if !ok {
		return node{}
	}
	s, ok := b.slot(t)
	if !ok {
		return node{}
	}
	var kids []node
	for _, v := range t.Values {
		if q, ok := b.predicate(t, mods, v); ok {
			kids = append(kids, node{kind: nodePredicate, pred: b.intern(q, s)})
		}
	}
	kind := nodeAny
	if mods.all {
		kind = nodeAll
	}
	n := combine(kind, kids)
	if mods.neq {
		return node{kind: nodeNot, kids: []node{n}}
	}
	return n
}

// slot resolves what a test looks at.
func (b *detectionBuilder) slot(t sigma.Test) (slot, bool) {
	switch {
	case t.Field == "" && b.picket:
		return slot{scope: scopeActivity}, true
	case t.Field == "":
		return slot{scope: scopeRaw}, true
	}
	name := t.Field
	if !b.picket {
		name = "raw." + name
	}
	f, err := activity.LookupField(name)
	if err != nil {
		b.fault(t.At, "%v", err)
		return slot{}, false
	}
	s := slot{field: f}
	if path, ok := strings.CutPrefix(f.Name, "raw."); ok {
		s.paths = []string{path}
	}
	return s, true
}

func (b *detectionBuilder) predicate(t sigma.Test, mods modifiers, v sigma.Value) (predicate, bool) {
	switch mods.op {
	case "exists":
		if v.Kind != sigma.Bool {
			b.fault(v.At, "exists takes true or false, not %s", v)
			return predicate{}, false
		}
		return presence(v.Text == "true"), true
	case "re":
		return b.regexp(mods, v)
	case "cidr":
		p, err := netip.ParsePrefix(v.Text)
		if err != nil {
			b.fault(v.At, "cidr %s is not a network; write for example 10.0.0.0/8 or 2001:db8::/32", v)
			return predicate{}, false
		}
		return predicate{op: opCIDR, cidr: p.Masked(), words: "is in " + p.Masked().String()}, true
	case "gt", "gte", "lt", "lte":
		return b.order(mods, v)
	}
	return b.text(t, mods, v)
}

func presence(present bool) predicate {
	if present {
		return predicate{op: opPresent, words: "is present"}
	}
	return predicate{op: opAbsent, words: "is absent"}
}

func (b *detectionBuilder) regexp(mods modifiers, v sigma.Value) (predicate, bool) {
	expr := v.Text
	if mods.flags != "" {
		expr = "(?" + mods.flags + ")" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		b.fault(v.At, "re: %s; expected RE2 syntax, which has no look-around and no back references",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return predicate{}, false
	}
	var need []byte
	if tree, err := syntax.Parse(expr, syntax.Perl); err == nil {
		need = needed(tree)
	}
	return predicate{op: opRegexp, cased: true, re: re, need: need, words: "matches /" + v.Text + "/" + mods.flags}, true
}

func (b *detectionBuilder) order(mods modifiers, v sigma.Value) (predicate, bool) {
	n, ok := numeric(v)
	if !ok {
		b.fault(v.At, "%s compares numbers, and %s is text; write a number without quotes", mods.op, v)
		return predicate{}, false
	}
	switch mods.op {
	case "gt":
		return numberPredicate(opGreater, "is greater than", n, v.Text), true
	case "gte":
		return numberPredicate(opGreaterEqual, "is at least", n, v.Text), true
	case "lt":
		return numberPredicate(opLess, "is less than", n, v.Text), true
	}
	return numberPredicate(opLessEqual, "is at most", n, v.Text), true
}

// numeric returns a number as sigma accepts it.
func numeric(v sigma.Value) (float64, bool) {
	if v.Kind != sigma.Num {
		return 0, false
	}
	if hex, ok := strings.CutPrefix(v.Text, "0x"); ok {
		n, err := strconv.ParseUint(hex, 16, 64)
		return float64(n), err == nil
	}
	n, err := strconv.ParseFloat(v.Text, 64)
	return n, err == nil
}

// text compiles equality and the substring modifiers.
func (b *detectionBuilder) text(t sigma.Test, mods modifiers, v sigma.Value) (predicate, bool) {
	plainTest := mods.op == "" && t.Field != ""
	switch {
	case v.Kind == sigma.Null && plainTest:
		return presence(false), true
	case v.Kind == sigma.Null:
		b.fault(v.At, "null has no text that could be looked for; test the field for null without modifiers")
		return predicate{}, false
	case v.Kind == sigma.Num && plainTest && !mods.cased:
		if n, ok := numeric(v); ok {
			return numberPredicate(opNumber, "is", n, v.Text), true
		}
	}
	p := sigma.ParsePattern(v.Text)
	if v.Kind != sigma.String {
		p = sigma.Pattern{{Kind: sigma.Literal, Text: v.Text}}
	}
	switch mods.op {
	case "contains":
		p = p.Around(true, true)
	case "startswith":
		p = p.Around(false, true)
	case "endswith":
		p = p.Around(true, false)
	default:
		if t.Field == "" {
			p = p.Around(true, true)
		}
	}
	return textPredicate(p, mods.cased), true
}
