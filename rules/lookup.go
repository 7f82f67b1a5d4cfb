package rules

import (
	"maps"
	"slices"

	"github.com/picketd/picket/collectors/activity"
)

// lookup finds the rules that may match an activity without looking at the
// others. Each rule that needs something to be there has witnesses (see
// witness); a table for each field tells which of them its values show.
type lookup struct {
	raw       *activity.RawFields
	rawSlots  []int32          // the slot of each path of raw
	spelt     [][]int32        // per slot: the slots of which it is one spelling
	tables    []*slotTable     // per slot, nil where it has no witnesses
	witnessed [][]int32        // per predicate: the detections that it is a witness of
	homes     []home           // per detection
	ids       map[string]int32 // of products

	kinds         map[activity.Kind]*route
	otherKinds    *route
	products      map[string]*route
	otherProducts *route
}

// home says which activities a detection is for: those of the kinds for
// Picket's own rules, else events of the product.
type home struct {
	kinds   kindSet
	product int32   // network of the events; 0: none, everyProduct: all
	others  []int32 // further networks
}

const everyProduct = -1

// route is what to do for activities of one kind, or events of one product.
type route struct {
	home    home     // of the activities
	always  []int32  // detections without witnesses
	slots   []int32  // slots with witnesses, other than paths into the event
	paths   []uint64 // those that are: bit i of the list is slot i
	inEvent bool     // there are any of these
}

// product returns the number of a product, which is empty for all products.
func (l *lookup) product(name string) int32 {
	if name == "" {
		return everyProduct
	}
	if l.ids == nil {
		l.ids = map[string]int32{}
	}
	if l.ids[name] == 0 {
		l.ids[name] = int32(len(l.ids) + 1)
	}
	return l.ids[name]
}

// plan makes what Match needs, when all detections are there.
func (p *Program) plan() {
	p.planRaw()
	p.witnessed = make([][]int32, len(p.predicates))
	p.count()
	witnesses := make([][]int32, len(p.detections)) // nil where there are none
	for i := range p.detections {
		w, ok := p.detectionWitness(&p.detections[i])
		if !ok {
			continue
		}
		slices.Sort(w.preds)
		witnesses[i] = append([]int32{}, slices.Compact(w.preds)...)
		for _, q := range witnesses[i] {
			p.witnessed[q] = append(p.witnessed[q], int32(i))
			p.predicates[q].tabled = true
		}
	}
	p.tables = make([]*slotTable, len(p.slots))
	for i := range p.predicates {
		if q := &p.predicates[i]; q.tabled {
			if p.tables[q.slot] == nil {
				p.tables[q.slot] = newSlotTable()
			}
			p.tables[q.slot].add(int32(i), q)
		}
	}
	for _, t := range p.tables {
		if t != nil {
			t.finish()
		}
	}
	p.planRoutes(witnesses)
}

// count counts the rules that name each predicate.
func (p *Program) count() {
	counted := make([]int, len(p.predicates)) // the latest detection, from 1 on
	var walk func(n *node, det int)
	walk = func(n *node, det int) {
		if n.kind == nodePredicate && counted[n.pred] != det {
			counted[n.pred] = det
			p.predicates[n.pred].rules++
		}
		for i := range n.kids {
			walk(&n.kids[i], det)
		}
	}
	for i := range p.detections {
		walk(&p.detections[i].root, i+1)
	}
}

// planRaw compiles the paths into sources' own events.
func (p *Program) planRaw() {
	var paths []string
	p.spelt = make([][]int32, len(p.slots))
	for i := range p.slots {
		for _, one := range p.slots[i].spellings {
			p.spelt[one] = append(p.spelt[one], int32(i))
		}
		for _, path := range p.slots[i].paths {
			paths = append(paths, path)
			p.rawSlots = append(p.rawSlots, int32(i))
		}
	}
	p.raw = activity.NewRawFields(paths)
}

func (p *Program) planRoutes(witnesses [][]int32) {
	p.kinds, p.products = map[activity.Kind]*route{}, map[string]*route{}
	kinds := activity.Kinds()
	for i, kind := range kinds {
		p.kinds[kind] = p.route(home{kinds: 1 << i}, p.byKind[kind], witnesses)
	}
	p.otherKinds = p.route(home{kinds: 1 << len(kinds)}, p.otherKind, witnesses)
	for product, dets := range p.byProduct {
		p.products[product] = p.route(home{product: p.product(product)}, slices.Concat(dets, p.anyProduct), witnesses)
	}
	p.otherProducts = p.route(home{product: everyProduct}, p.anyProduct, witnesses)
}

func (p *Program) route(h home, dets []int32, witnesses [][]int32) *route {
	r := &route{home: h, paths: make([]uint64, (len(p.slots)+63)/64)}
	slots := map[int32]bool{}
	for _, d := range dets {
		if witnesses[d] == nil {
			r.always = append(r.always, d)
		}
		for _, q := range witnesses[d] {
			slots[p.predicates[q].slot] = true
		}
	}
	for _, s := range slices.Sorted(maps.Keys(slots)) {
		if slot := &p.slots[s]; len(slot.paths)+len(slot.spellings) > 0 {
			r.paths[s/64] |= 1 << (s % 64)
			r.inEvent = true
		} else {
			r.slots = append(r.slots, s)
		}
	}
	return r
}

// has tells whether the route has witnesses in the slot, a path.
func (r *route) has(slot int32) bool { return r.paths[slot/64]>>(slot%64)&1 != 0 }

// find collects the candidates for an activity: the rules for such activities
// that have no witnesses, and those of which one is seen.
func (m *Matcher) find(a *activity.Activity) {
	p := m.program
	m.candidates = m.candidates[:0]
	kind, listed := p.kinds[a.Kind]
	if !listed {
		kind = p.otherKinds
	}
	m.here = kind.home
	if a.Raw == nil {
		m.follow(kind, a)
		return
	}
	product, listed := p.products[a.Network]
	if !listed {
		product = p.otherProducts
	}
	m.here.product = product.home.product
	m.follow(kind, a)
	m.follow(product, a)
	if !kind.inEvent && !product.inEvent {
		return
	}
	m.scan(a)
	for _, slot := range m.touched {
		if kind.has(slot) || product.has(slot) {
			m.look(slot, a)
		}
		for _, whole := range p.spelt[slot] {
			if kind.has(whole) || product.has(whole) {
				m.look(whole, a)
			}
		}
	}
}

// follow takes the candidates of a route that do not depend on the event.
func (m *Matcher) follow(r *route, a *activity.Activity) {
	m.candidates = append(m.candidates, r.always...)
	for _, slot := range r.slots {
		m.look(slot, a)
	}
}

// here tells whether a detection at home in h is for the activity at hand.
func (h home) here(at home) bool {
	return h.kinds&at.kinds != 0 || h.product != 0 && (h.product == at.product || h.product == everyProduct && at.product != 0 || slices.Contains(h.others, at.product))
}

// look finds the witnesses that a slot's values show.
func (m *Matcher) look(slot int32, a *activity.Activity) {
	lo, hi := m.load(slot, a)
	if m.loaded[slot].looked == m.epoch {
		return
	}
	m.loaded[slot].looked = m.epoch
	t := m.program.tables[slot]
	for i := lo; i < hi; i++ {
		m.lookAt(t, i)
	}
}

// note takes it that a predicate holds, or may hold, and makes the rules that
// it is a witness of candidates.
func (m *Matcher) note(pred int32, holding bool) {
	v := m.memo[pred]
	if v>>2 == m.epoch && (v&3 != seen || !holding) {
		return
	}
	first := v>>2 != m.epoch
	m.memo[pred] = m.epoch<<2 | seen
	if holding {
		m.memo[pred] = m.epoch<<2 | holds
	}
	if !first {
		return
	}
	for _, d := range m.program.witnessed[pred] {
		if m.chosen[d] != m.epoch && m.program.homes[d].here(m.here) {
			m.chosen[d] = m.epoch
			m.candidates = append(m.candidates, d)
		}
	}
}
