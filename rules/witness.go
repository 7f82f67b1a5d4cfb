package rules

import "math"

// witnesses are predicates of which at least one holds wherever a node holds.
// A rule need not be looked at before one of its witnesses is seen.
type witnesses struct {
	preds  []int32
	chance float64 // roughly how often one of them is seen, at most 1
}

// witness returns the rarest witnesses of a node, or of its negation. There
// are none for what holds by the absence of something.
func (p *Program) witness(n *node, negated bool) (witnesses, bool) {
	switch n.kind {
	case nodePredicate:
		q := &p.predicates[n.pred]
		if negated || !q.witness() {
			return witnesses{}, false
		}
		return witnesses{[]int32{n.pred}, p.chance(q)}, true
	case nodeNot:
		return p.witness(&n.kids[0], !negated)
	case nodeCount:
		if negated {
			return witnesses{}, false
		}
		// Where n of the kids hold, one does of any that are all but n-1.
		return p.anyWitness(n.kids, len(n.kids)-n.n+1, false)
	case nodeAll, nodeAny:
	}
	if (n.kind == nodeAll) != negated {
		return p.anyWitness(n.kids, 1, negated)
	}
	return p.anyWitness(n.kids, len(n.kids), negated)
}

// anyWitness joins the witnesses of the count kids whose witnesses are the
// rarest. With fewer than one to join, nothing need hold or nothing can.
func (p *Program) anyWitness(kids []node, count int, negated bool) (witnesses, bool) {
	var all []witnesses
	for i := range kids {
		if w, ok := p.witness(&kids[i], negated); ok {
			all = append(all, w)
		}
	}
	if len(all) < count {
		return witnesses{}, false
	}
	var out witnesses
	if len(all) == count { // a long list of values: none to choose from
		for i := range all {
			out.preds = append(out.preds, all[i].preds...)
			out.chance = min(1, out.chance+all[i].chance)
		}
		return out, true
	}
	for range count {
		best := 0
		for i := range all {
			if all[i].chance < all[best].chance {
				best = i
			}
		}
		out.preds = append(out.preds, all[best].preds...)
		out.chance = min(1, out.chance+all[best].chance)
		all[best] = all[len(all)-1]
		all = all[:len(all)-1]
	}
	return out, true
}

// detectionWitness returns the witnesses of a rule with its gates.
func (p *Program) detectionWitness(d *detection) (witnesses, bool) {
	kids := []node{d.root}
	for _, g := range d.gates {
		kids = append(kids, node{kind: nodePredicate, pred: g})
	}
	return p.anyWitness(kids, 1, false)
}

// witness tells whether the predicate holds only for a field that is there.
func (q *predicate) witness() bool { return q.op != opAbsent }

// chance is a guess at how often a predicate is seen to hold, from 0 to 1. It
// decides what is looked for, never what matches. What many rules look for is
// common: they go on to ask for more.
func (p *Program) chance(q *predicate) float64 {
	return min(1, p.triggerChance(q)+0.003*float64(q.rules))
}

func (p *Program) triggerChance(q *predicate) float64 {
	if f := p.slots[q.slot].field; f != nil && f.Name == "kind" {
		return 1 // rules are sorted by kind already
	}
	switch t := q.trigger(); t.kind {
	case triggerEqual:
		return 0.02
	case triggerAddress:
		return 0.05
	case triggerBound:
		return 0.5
	case triggerLiteral:
		return literalChance(t.literal)
	case triggerPresence:
	}
	if q.op == opPresent {
		return 0.9
	}
	return 0.5
}

// literalChance guesses by length: of letters and digits, the longer the
// rarer.
func literalChance(l literal) float64 {
	chance := 2 * math.Pow(0.5, float64(len(l.text)))
	if l.anchor != anywhere {
		chance /= 2
	}
	return min(0.8, chance+0.002)
}

// triggerKind says by which table of a slot a predicate is found.
type triggerKind uint8

const (
	triggerPresence triggerKind = iota // any value may do
	triggerEqual                       // the value is one text or number
	triggerLiteral                     // the value holds a text
	triggerAddress                     // the value is an address in a network
	triggerBound                       // the value is a number on one side of another
)

// trigger is what a value must have for a predicate to hold for it.
type trigger struct {
	kind    triggerKind
	literal literal
	proves  bool // nothing more is needed
}

// trigger returns the most that can be looked for at once.
func (q *predicate) trigger() trigger {
	text := func(lit []byte, at anchor, proves bool) trigger {
		if len(lit) == 0 {
			return trigger{kind: triggerPresence}
		}
		if q.cased {
			lit = appendFold(nil, lit)
		}
		return trigger{kind: triggerLiteral, literal: literal{text: string(lit), anchor: at}, proves: proves && !q.cased}
	}
	switch q.op {
	case opEqual:
		lit := q.lit
		if q.cased {
			lit = appendFold(nil, lit)
		}
		return trigger{kind: triggerEqual, literal: literal{text: string(lit)}, proves: !q.cased}
	case opNumber:
		return trigger{kind: triggerEqual, literal: literal{text: string(q.lit)}, proves: true}
	case opPrefix:
		return text(q.lit, atStart, true)
	case opSuffix:
		return text(q.lit, atEnd, true)
	case opContains:
		return text(q.lit, anywhere, true)
	case opGlob:
		lit, at := q.glob.literal()
		return text(lit, at, false)
	case opRegexp:
		return text(q.need, anywhere, false)
	case opCIDR:
		return trigger{kind: triggerAddress, proves: true}
	case opGreater, opGreaterEqual, opLess, opLessEqual:
		return trigger{kind: triggerBound, proves: true}
	case opPresent:
		return trigger{kind: triggerPresence, proves: true}
	default:
		return trigger{kind: triggerPresence}
	}
}

// literal returns the longest text of the pattern, and where it must stand.
func (g glob) literal() (longest []byte, at anchor) {
	for i, s := range g {
		for j, part := range s.parts {
			if len(part.lit) <= len(longest) {
				continue
			}
			longest, at = part.lit, anywhere
			switch {
			case i == 0 && j == 0:
				at = atStart
			case i == len(g)-1 && j == len(s.parts)-1:
				at = atEnd
			}
		}
	}
	return longest, at
}
