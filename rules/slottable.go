package rules

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"unsafe"

	"github.com/picketd/picket/collectors/activity"
)

// slotTable finds which of a slot's predicates may hold for a value, all at
// once: texts and numbers by hash, parts of a text by an automaton, addresses
// by the networks of each length, and the bounds of numbers in their order.
type slotTable struct {
	texts    map[string][]entry // folded
	lengths  uint64             // of texts: bit i stands for i, i+64, …
	numbers  map[uint64][]int32 // by the bits of a float
	search   *automaton
	networks []networks
	over     []bound // gt and gte, ascending
	under    []bound // lt and lte, descending
	any      []entry // may hold for any value

	literals []literal // until finish
	entries  []entry   // of search, by the ids of its literals
}

// entry is a predicate that a table found.
type entry struct {
	pred   int32
	proves bool // it holds; else it must be evaluated
	text   bool // but not for a number, which a table of its own finds
}

// bound is a number that a value is compared with.
type bound struct {
	num   float64
	equal bool // the number itself will do
	pred  int32
}

// networks are those of one length.
type networks struct {
	bits int
	four bool // IPv4
	of   map[netip.Addr][]int32
}

func newSlotTable() *slotTable {
	return &slotTable{texts: map[string][]entry{}, numbers: map[uint64][]int32{}}
}

// add files a predicate under its trigger.
func (t *slotTable) add(id int32, q *predicate) {
	trig := q.trigger()
	e := entry{pred: id, proves: trig.proves}
	switch trig.kind {
	case triggerEqual:
		if q.op == opNumber {
			e.text = true
			bits := floatBits(q.num)
			t.numbers[bits] = append(t.numbers[bits], id)
		}
		t.texts[trig.literal.text] = append(t.texts[trig.literal.text], e)
		t.lengths |= 1 << (len(trig.literal.text) % 64)
	case triggerLiteral:
		trig.literal.id = int32(len(t.entries))
		t.literals = append(t.literals, trig.literal)
		t.entries = append(t.entries, e)
	case triggerAddress:
		t.addNetwork(id, q.cidr)
	case triggerBound:
		b := bound{q.num, q.op == opGreaterEqual || q.op == opLessEqual, id}
		if q.op == opGreater || q.op == opGreaterEqual {
			t.over = append(t.over, b)
		} else {
			t.under = append(t.under, b)
		}
	case triggerPresence:
		t.any = append(t.any, e)
	}
}

func (t *slotTable) addNetwork(id int32, p netip.Prefix) {
	for i := range t.networks {
		if n := &t.networks[i]; n.bits == p.Bits() && n.four == p.Addr().Is4() {
			n.of[p.Addr()] = append(n.of[p.Addr()], id)
			return
		}
	}
	t.networks = append(t.networks, networks{p.Bits(), p.Addr().Is4(), map[netip.Addr][]int32{p.Addr(): {id}}})
}

func (t *slotTable) finish() {
	if len(t.literals) > 0 {
		t.search = newAutomaton(t.literals)
	}
	t.literals = nil
	slices.SortStableFunc(t.over, func(a, b bound) int { return cmp.Compare(a.num, b.num) })
	slices.SortStableFunc(t.under, func(a, b bound) int { return cmp.Compare(b.num, a.num) })
}

// floatBits are the same for equal numbers.
func floatBits(v float64) uint64 { return math.Float64bits(v + 0) } // -0 becomes 0

// lookAt notes all predicates of the table that hold, or may, for the value i.
func (m *Matcher) lookAt(t *slotTable, i int) {
	v := m.values[i]
	for _, e := range t.any {
		m.note(e.pred, e.proves)
	}
	if v.IsNum && len(t.numbers) > 0 {
		for _, pred := range t.numbers[floatBits(v.Num)] {
			m.note(pred, true)
		}
	}
	if t.lengths != 0 {
		m.lookUp(t, i)
	}
	if t.search != nil {
		text := m.plain(i)
		if t.search.folds(text) {
			text = stringOf(m.text(i, false))
		}
		m.lookFor(t, text)
	}
	if len(t.networks) > 0 {
		m.locate(t, v.Str)
	}
	if len(t.over)+len(t.under) > 0 {
		m.order(t, v)
	}
}

// order notes the predicates for numbers that a value is over or under.
func (m *Matcher) order(t *slotTable, v activity.Value) {
	n, ok := number(v)
	if !ok {
		return
	}
	for _, b := range t.over {
		if n < b.num {
			break
		}
		if n > b.num || b.equal {
			m.note(b.pred, true)
		}
	}
	for _, b := range t.under {
		if n > b.num {
			break
		}
		if n < b.num || b.equal {
			m.note(b.pred, true)
		}
	}
}

// plain returns a value as text, as it is.
func (m *Matcher) plain(i int) string {
	if m.views[i].exact == nil && !m.values[i].IsNum {
		return m.values[i].Str
	}
	return stringOf(m.text(i, true))
}

// stringOf looks at the same memory as the bytes.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// lookUp notes the predicates for the whole text of a value.
func (m *Matcher) lookUp(t *slotTable, i int) {
	text := m.plain(i)
	if ascii := isASCII(text); ascii && t.lengths>>(len(text)%64)&1 == 0 {
		return // folding does not change the length
	}
	for _, e := range t.texts[string(m.text(i, false))] {
		if !e.text || !m.values[i].IsNum {
			m.note(e.pred, e.proves)
		}
	}
}

// lookFor notes the predicates for parts of a text; see automaton.
func (m *Matcher) lookFor(t *slotTable, text string) {
	s := t.search
	next, state := s.next, uint32(0)
	for i := range len(text) {
		class := uint32(s.class[text[i]])
		if state&sparse == 0 {
			state = next[state+class]
		} else {
			state = s.fall(state, class)
		}
		if state&loud != 0 {
			state &^= loud
			m.hear(t, state, i+1)
		}
	}
	for o := next[state&^sparse]; o != 0; o = s.outputs[o].next {
		if s.outputs[o].anchor == atEnd {
			e := t.entries[s.outputs[o].id]
			m.note(e.pred, e.proves)
		}
	}
}

// hear notes the predicates for what ends in a state, after so many bytes.
func (m *Matcher) hear(t *slotTable, state uint32, after int) {
	s := t.search
	for o := s.next[state&^sparse]; o != 0; o = s.outputs[o].next {
		if out := &s.outputs[o]; out.anchor == anywhere || out.anchor == atStart && after == int(out.size) {
			m.note(t.entries[out.id].pred, t.entries[out.id].proves)
		}
	}
}

// locate notes the predicates for the networks that an address is in.
func (m *Matcher) locate(t *slotTable, text string) {
	addr, ok := address(text)
	if !ok {
		return
	}
	for i := range t.networks {
		n := &t.networks[i]
		if n.four != addr.Is4() {
			continue
		}
		p, err := addr.Prefix(n.bits)
		if err != nil {
			continue
		}
		for _, pred := range n.of[p.Addr()] {
			m.note(pred, true)
		}
	}
}
