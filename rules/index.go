package rules

import (
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// kindSet is a set of kinds of activity: bit i is activity.Kinds()[i], the bit
// after the last any other kind.
type kindSet uint32

// bounds of the kinds of activity for which a node holds: for those outside
// may it never does, for those in must it always does.
type bounds struct{ may, must kindSet }

// index files a detection under what it can match, so that most rules are
// never looked at.
func (c *compiler) index(id int32, det *detection, l *sigma.Logsource) {
	p := c.program
	if !isPicket(l) {
		if l.Product.S == "" {
			p.homes = append(p.homes, home{product: everyProduct})
			p.anyProduct = append(p.anyProduct, id)
			return
		}
		var at home
		for i, network := range networksOf(l) {
			p.byProduct[network] = append(p.byProduct[network], id)
			if i == 0 {
				at.product = p.product(network)
			} else {
				at.others = append(at.others, p.product(network))
			}
		}
		p.homes = append(p.homes, at)
		return
	}
	may := c.kinds(&det.root).may
	for _, g := range det.gates {
		may &= c.kinds(&node{kind: nodePredicate, pred: g}).may
	}
	p.homes = append(p.homes, home{kinds: may})
	kinds := activity.Kinds()
	for i, k := range kinds {
		if may&(1<<i) != 0 {
			p.byKind[k] = append(p.byKind[k], id)
		}
	}
	if may&(1<<len(kinds)) != 0 {
		p.otherKind = append(p.otherKind, id)
	}
}

// kinds returns the bounds of a node by what it says about the field kind.
func (c *compiler) kinds(n *node) bounds {
	all := kindSet(1)<<(len(activity.Kinds())+1) - 1
	switch n.kind {
	case nodePredicate:
		return c.predicateKinds(&c.program.predicates[n.pred], all)
	case nodeNot:
		b := c.kinds(&n.kids[0])
		return bounds{may: all &^ b.must, must: all &^ b.may}
	case nodeAll:
		out := bounds{may: all, must: all}
		for i := range n.kids {
			b := c.kinds(&n.kids[i])
			out.may, out.must = out.may&b.may, out.must&b.must
		}
		return out
	case nodeAny, nodeCount:
	}
	var out bounds
	for i := range n.kids {
		b := c.kinds(&n.kids[i])
		out.may, out.must = out.may|b.may, out.must|b.must
	}
	if n.kind == nodeCount {
		out.must = 0
	}
	return out
}

// predicateKinds tries a predicate on each kind. Those over other fields say
// nothing.
func (c *compiler) predicateKinds(q *predicate, all kindSet) bounds {
	f := c.program.slots[q.slot].field
	if f == nil || f.Name != "kind" {
		return bounds{may: all}
	}
	kinds := activity.Kinds()
	m := c.program.NewMatcher()
	var out bounds
	for i, k := range kinds {
		m.begin()
		if _, ok := m.holds(q, &activity.Activity{Kind: k}); ok {
			out.may |= 1 << i
		}
	}
	out.must = out.may
	out.may |= 1 << len(kinds)
	return out
}
