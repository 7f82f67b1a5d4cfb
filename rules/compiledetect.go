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
	det := detection{rule: r.Index, gates: b.gates(), root: b.conditions(d.Detection)}
	c.filter(r, d, &det)
	r.Lacks = b.missing
	if len(c.faults) > before || len(b.missing) > 0 {
		return // nodes are missing
	}
	id := int32(len(c.program.detections))
	c.program.detections = append(c.program.detections, det)
	c.index(id, &c.program.detections[id], d.Logsource)
}

// conditions compiles the conditions over the searches, of which one must hold.
func (b *detectionBuilder) conditions(d *sigma.Detection) node {
	var kids []node
	for _, cond := range d.Conditions {
		kids = append(kids, b.expr(cond.Expr))
	}
	return combine(nodeAny, kids)
}

type detectionBuilder struct {
	*compiler
	doc      *sigma.Document
	picket   bool // fields are those of an activity, else those under raw
	searches map[string]node
	missing  []string // placeholders without values
}

func newDetectionBuilder(c *compiler, d *sigma.Document) *detectionBuilder {
	return &detectionBuilder{compiler: c, doc: d, picket: isPicket(d.Logsource), searches: map[string]node{}}
}

func (b *detectionBuilder) fault(at sigma.Pos, format string, args ...any) {
	b.compiler.fault(b.doc, at, format, args...)
}

// gates returns the predicates of the logsource. Of Picket's activities,
// service is the network and category the kind. A source's own events are
// told apart by their network alone; see networks.
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
	q.slot = b.slotID(s)
	id, ok := b.predicates[q.key()]
	if !ok {
		id = int32(len(b.program.predicates))
		b.predicates[q.key()] = id
		b.program.predicates = append(b.program.predicates, q)
	}
	return id
}

// slotID returns the id of a slot, one for each field.
func (b *detectionBuilder) slotID(s slot) int32 {
	key := "keywords " + strconv.Itoa(int(s.scope))
	if s.field != nil {
		key = "field " + s.field.Name
		for _, f := range s.others {
			key += " or " + f.Name
		}
	}
	id, ok := b.slots[key]
	if ok {
		return id
	}
	if len(s.others) > 0 {
		for _, f := range append([]*activity.FieldRef{s.field}, s.others...) {
			s.spellings = append(s.spellings, b.slotID(eventSlot(f)))
		}
	}
	id = int32(len(b.program.slots))
	b.slots[key] = id
	b.program.slots = append(b.program.slots, s)
	return id
}

// eventSlot is the slot of one field, with its path where it is one of the
// source's own event.
func eventSlot(f *activity.FieldRef) slot {
	s := slot{field: f}
	if path, ok := strings.CutPrefix(f.Name, "raw."); ok {
		s.paths = []string{path}
	}
	return s
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
		var either []node
		for _, q := range b.value(t, mods, v) {
			either = append(either, node{kind: nodePredicate, pred: b.intern(q, s)})
		}
		either = append(either, b.otherwise(t, mods, v)...)
		if mods.all {
			either = []node{combine(nodeAny, either)}
		}
		kids = append(kids, either...)
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

// otherwise compiles what else a value is in the events, where a test asks for
// it as it is.
func (b *detectionBuilder) otherwise(t sigma.Test, mods modifiers, v sigma.Value) []node {
	if b.picket || mods.op+mods.where+mods.part+mods.encoded != "" || mods.windash || mods.expand || mods.cased || v.Kind == sigma.Null {
		return nil
	}
	var out []node
	for _, m := range meant(b.doc.Logsource, t.Field, v.Text) {
		f, err := activity.LookupField("raw." + m.path)
		if err != nil {
			b.fault(t.At, "%v", err)
			return nil
		}
		out = append(out, node{kind: nodePredicate, pred: b.intern(textPredicate(plainPattern(m.is), false), eventSlot(f))})
	}
	return out
}

// slot resolves what a test looks at.
func (b *detectionBuilder) slot(t sigma.Test) (slot, bool) {
	switch {
	case t.Field == "" && b.picket:
		return slot{scope: scopeActivity}, true
	case t.Field == "":
		return slot{scope: scopeRaw}, true
	}
	return b.namedSlot(t.At, t.Field)
}

// namedSlot resolves a field name of the rule's taxonomy.
func (b *detectionBuilder) namedSlot(at sigma.Pos, name string) (slot, bool) {
	names := []string{name}
	if !b.picket {
		names = paths(b.doc.Logsource, name)
	}
	var out slot
	for i, name := range names {
		if !b.picket {
			name = "raw." + name
		}
		f, err := activity.LookupField(name)
		switch {
		case err != nil:
			b.fault(at, "%v", err)
			return slot{}, false
		case i == 0:
			out.field = f
		default:
			out.others = append(out.others, f)
		}
	}
	if len(out.others) == 0 {
		out = eventSlot(out.field)
	}
	return out, true
}

// value compiles one value of a test into the predicates of which one must
// hold.
func (b *detectionBuilder) value(t sigma.Test, mods modifiers, v sigma.Value) []predicate {
	switch {
	case mods.expand:
		return b.expanded(t, mods, v)
	case mods.op == "" && mods.part == "" && v.Kind != sigma.Null:
		return b.texts(t, mods, v)
	}
	if q, ok := b.predicate(t, mods, v); ok {
		return []predicate{q}
	}
	return nil
}

func (b *detectionBuilder) predicate(t sigma.Test, mods modifiers, v sigma.Value) (predicate, bool) {
	if mods.part != "" {
		return b.timePart(mods, v)
	}
	switch mods.op {
	case "fieldref":
		return b.fieldref(mods, v)
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
		p = unmapped(p.Masked())
		return predicate{op: opCIDR, cidr: p, words: "is in " + p.String()}, true
	case "gt", "gte", "lt", "lte":
		return b.order(mods, v)
	}
	return b.null(t, mods, v)
}

// unmapped returns a network of IPv4 addresses written as IPv6 as one of IPv4,
// which is what such addresses count as.
func unmapped(p netip.Prefix) netip.Prefix {
	const before = 96 // bits
	if !p.Addr().Is4In6() || p.Bits() < before {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-before)
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
	op, verb := orderOf(mods.op)
	return numberPredicate(op, verb, n, v.Text), true
}

func orderOf(mod string) (op operation, verb string) {
	switch mod {
	case "gt":
		return opGreater, "is greater than"
	case "gte":
		return opGreaterEqual, "is at least"
	case "lt":
		return opLess, "is less than"
	}
	return opLessEqual, "is at most"
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

// null compiles a test for the absence of a value.
func (b *detectionBuilder) null(t sigma.Test, mods modifiers, v sigma.Value) (predicate, bool) {
	if mods.where != "" || mods.encoded != "" || mods.windash || t.Field == "" {
		b.fault(v.At, "null has no text that could be looked for; test the field for null without modifiers")
		return predicate{}, false
	}
	return presence(false), true
}

// texts compiles equality and the modifiers of text.
func (b *detectionBuilder) texts(t sigma.Test, mods modifiers, v sigma.Value) []predicate {
	changed := mods.where != "" || mods.encoded != "" || mods.windash
	if v.Kind == sigma.Num && !changed && t.Field != "" && !mods.cased {
		if n, ok := numeric(v); ok {
			return []predicate{numberPredicate(opNumber, "is", n, v.Text)}
		}
	}
	p := sigma.ParsePattern(v.Text)
	if v.Kind != sigma.String {
		p = plainPattern(v.Text)
	}
	patterns, ok := b.variants(t, v, p)
	if !ok {
		return nil
	}
	var out []predicate
	for _, p := range patterns {
		if mods.where == "" && t.Field == "" {
			p = p.Around(true, true)
		}
		out = append(out, textPredicate(p, mods.cased))
	}
	return out
}
