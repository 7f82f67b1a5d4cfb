package rules

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules/sigma"
)

// Program is a set of rules compiled to be matched against activities all at
// once. It is immutable and safe for concurrent use, each goroutine with its
// own Matcher.
type Program struct {
	rules      []*Rule
	detections []detection // of the rules of TypeDetection, in their order
	slots      []slot
	predicates []predicate
	filters    map[int][]*sigma.Document // that hold beside a rule, by its index, for who explains it

	// Candidates, as indexes of detections, ascending. byKind holds Picket's
	// own rules by the kind of activity that they can match, otherKind those
	// that could match a kind that is not listed. byProduct holds the rules
	// for a source's own events, anyProduct those that name no product.
	byKind     map[activity.Kind][]int32
	otherKind  []int32
	byProduct  map[string][]int32
	anyProduct []int32

	lookup // finds the candidates among these
}

// detection is a compiled detection rule.
type detection struct {
	rule  int
	gates []int32 // predicates of the logsource, all of which must hold
	root  node
}

// slot is one source of values: a field, or the whole event for keywords.
type slot struct {
	field *activity.FieldRef
	// others are further spellings of the field, the first with a value counts.
	others []*activity.FieldRef
	scope  scope // where field is nil: what keywords are looked for in
	// paths lead to the field's values in the source's own event; none for a
	// field of Picket's, and for one with several spellings.
	paths []string
	// spellings are the slots of all spellings, in order, where there are
	// several.
	spellings []int32
}

type scope uint8

const (
	scopeActivity scope = iota // the texts of an activity
	scopeRaw                   // the source's own event, as JSON text with and without escapes
)

type nodeKind uint8

const (
	nodePredicate nodeKind = iota
	nodeAll
	nodeAny
	nodeCount // at least n of the kids
	nodeNot   // of its one kid
)

// node is a node of a rule's condition over predicates.
type node struct {
	kind nodeKind
	pred int32
	n    int
	kids []node
}

// Rules returns all rules in the order of their file names and, within a
// file, of their documents. A rule's place is its Index. The slice is shared:
// callers must not change it.
func (p *Program) Rules() []*Rule { return p.rules }

// Matcher is the scratch memory of one goroutine's calls to Match. The zero
// Matcher is not usable; see Program.NewMatcher.
type Matcher struct {
	program *Program
	epoch   uint32
	memo    []uint32 // per predicate: epoch<<2, plus one of the states below
	loaded  []window // per slot: its values
	values  []activity.Value
	views   []view // of values
	buf     []byte // backs the views
	hits    []int

	raw        activity.RawScanner
	scanned    uint32   // epoch in which raw was scanned
	touched    []int32  // slots that have values in raw
	chosen     []uint32 // per detection: epoch in which it became a candidate
	candidates []int32
	here       home // of the activity at hand
}

// States of a predicate in an epoch.
const (
	seen  = 1 // its witness was seen, and it was not evaluated yet
	fails = 2
	holds = 3
)

// window is where a slot's values are. Those of which looked says that they
// went through the slot's table have every predicate of the table noted that
// may hold.
type window struct {
	epoch, looked uint32
	lo, hi        int32
}

// view is a value as text: exact and folded, each made when first asked for.
type view struct{ exact, folded []byte }

// NewMatcher returns scratch memory for Match.
func (p *Program) NewMatcher() *Matcher {
	m := new(Matcher)
	m.bind(p)
	return m
}

func (m *Matcher) bind(p *Program) {
	*m = Matcher{
		program: p,
		memo:    make([]uint32, len(p.predicates)),
		loaded:  make([]window, len(p.slots)),
		chosen:  make([]uint32, len(p.detections)),
		values:  m.values, views: m.views, buf: m.buf, hits: m.hits,
		raw: m.raw, touched: m.touched, candidates: m.candidates,
	}
}

// begin forgets the activity before. Epochs are 30 bits wide in memo, so once
// in a thousand million activities everything is wiped.
func (m *Matcher) begin() {
	if m.epoch++; m.epoch >= 1<<30 {
		clear(m.memo)
		clear(m.loaded)
		clear(m.chosen)
		m.epoch, m.scanned = 1, 0
	}
	m.values, m.views, m.buf, m.hits = m.values[:0], m.views[:0], m.buf[:0], m.hits[:0]
}

// Match returns the indexes of the detection rules that match a, ascending:
// silent ones too, and those of every mode, since what a match leads to is the
// caller's to decide. The result is valid until the next call with m, and a
// must not change meanwhile. A matcher of another program is first rebound to
// p.
//
// It allocates nothing once m has seen activities of that size, except for the
// values that the activity does not hold as text (see
// activity.FieldRef.Values), malformed addresses under cidr, and what package
// regexp allocates when its caches are cold.
func (p *Program) Match(a *activity.Activity, m *Matcher) []int {
	if m.program != p {
		m.bind(p)
	}
	m.begin()
	m.find(a)
	for _, i := range m.candidates {
		if d := &p.detections[i]; m.matches(d, a) {
			m.hits = append(m.hits, d.rule)
		}
	}
	if len(m.hits) > 1 {
		slices.Sort(m.hits)
	}
	return m.hits
}

func (m *Matcher) matches(d *detection, a *activity.Activity) bool {
	for _, g := range d.gates {
		if !m.test(g, a) {
			return false
		}
	}
	return m.eval(&d.root, a)
}

func (m *Matcher) eval(n *node, a *activity.Activity) bool {
	switch n.kind {
	case nodePredicate:
		return m.test(n.pred, a)
	case nodeNot:
		return !m.eval(&n.kids[0], a)
	case nodeAll:
		for i := range n.kids {
			if !m.eval(&n.kids[i], a) {
				return false
			}
		}
		return true
	case nodeAny:
		for i := range n.kids {
			if m.eval(&n.kids[i], a) {
				return true
			}
		}
		return false
	case nodeCount:
	}
	held := 0
	for i := range n.kids {
		if m.eval(&n.kids[i], a) {
			held++
		}
	}
	return held >= n.n
}

// test evaluates a predicate, or recalls its result for this activity.
func (m *Matcher) test(id int32, a *activity.Activity) bool {
	v := m.memo[id]
	if v>>2 == m.epoch {
		if v &= 3; v != seen {
			return v == holds
		}
	} else if q := &m.program.predicates[id]; q.tabled && m.loaded[q.slot].looked == m.epoch {
		return false // the table would have noted it
	}
	v = m.epoch<<2 | fails
	_, ok := m.holds(&m.program.predicates[id], a)
	if ok {
		v = m.epoch<<2 | holds
	}
	m.memo[id] = v
	return ok
}

// load returns the range in m.values of a slot's values.
func (m *Matcher) load(id int32, a *activity.Activity) (lo, hi int) {
	w := &m.loaded[id]
	if w.epoch == m.epoch {
		return int(w.lo), int(w.hi)
	}
	s := &m.program.slots[id]
	if len(s.paths) > 0 {
		if m.scan(a); w.epoch == m.epoch {
			return int(w.lo), int(w.hi)
		}
		*w = window{epoch: m.epoch}
		return 0, 0
	}
	if len(s.spellings) > 0 {
		m.scan(a)
		*w = window{epoch: m.epoch}
		for _, one := range s.spellings {
			if v := &m.loaded[one]; v.epoch == m.epoch && v.hi > v.lo {
				w.lo, w.hi = v.lo, v.hi
				break
			}
		}
		return int(w.lo), int(w.hi)
	}
	lo = len(m.values)
	switch {
	case s.field != nil:
		m.values = s.field.Values(a, m.values)
	case s.scope == scopeActivity:
		m.values = appendKeywordValues(m.values, a)
	default: // the views of these values are the event itself, and what it says
		m.values = append(m.values, activity.Value{})
		m.views = append(m.views, view{exact: a.Raw})
		if bytes.IndexByte(a.Raw, '\\') >= 0 {
			m.values = append(m.values, activity.Value{})
			m.views = append(m.views, view{exact: m.keep(func(b []byte) []byte { return appendUnescaped(b, a.Raw) })})
		}
	}
	for len(m.views) < len(m.values) {
		m.views = append(m.views, view{})
	}
	*w = window{epoch: m.epoch, lo: int32(lo), hi: int32(len(m.values))}
	return lo, len(m.values)
}

// scan loads all slots that are paths into the source's own event, once for an
// activity and in one pass. Those that it finds nothing for stay unloaded.
func (m *Matcher) scan(a *activity.Activity) {
	if m.scanned == m.epoch {
		return
	}
	m.scanned, m.touched = m.epoch, m.touched[:0]
	if len(a.Raw) == 0 || len(m.program.rawSlots) == 0 {
		return
	}
	found := m.raw.Scan(a.Raw, m.program.raw)
	for i := range found { // count the values of each slot
		slot := m.program.rawSlots[found[i].Path]
		w := &m.loaded[slot]
		if w.epoch != m.epoch {
			*w = window{epoch: m.epoch}
			m.touched = append(m.touched, slot)
		}
		w.hi++
	}
	n := len(m.values)
	for _, slot := range m.touched {
		w := &m.loaded[slot]
		w.lo, w.hi, n = int32(n), int32(n), n+int(w.hi)
	}
	m.values = slices.Grow(m.values, len(found))[:n]
	for i := range found {
		w := &m.loaded[m.program.rawSlots[found[i].Path]]
		m.values[w.hi] = found[i].Value
		w.hi++
	}
	for len(m.views) < len(m.values) {
		m.views = append(m.views, view{})
	}
}

// text returns a value as text, folded unless cased.
func (m *Matcher) text(i int, cased bool) []byte {
	v := &m.views[i]
	switch {
	case cased && v.exact == nil:
		v.exact = m.keep(func(b []byte) []byte { return appendText(b, m.values[i]) })
	case !cased && v.folded == nil:
		v.folded = m.keep(func(b []byte) []byte {
			if v.exact != nil {
				return appendFold(b, v.exact)
			}
			if m.values[i].IsNum {
				return appendText(b, m.values[i])
			}
			return appendFold(b, m.values[i].Str)
		})
	}
	if cased {
		return v.exact
	}
	return v.folded
}

// keep returns what add appends to the buffer, never nil.
func (m *Matcher) keep(add func([]byte) []byte) []byte {
	start := len(m.buf)
	if m.buf = add(m.buf); m.buf == nil {
		m.buf = make([]byte, 0, 64)
	}
	return m.buf[start:len(m.buf):len(m.buf)]
}

func appendText(b []byte, v activity.Value) []byte {
	if v.IsNum {
		return strconv.AppendFloat(b, v.Num, 'f', -1, 64)
	}
	return append(b, v.Str...)
}

// appendKeywordValues appends every text of an activity in which somebody
// might look for a keyword.
func appendKeywordValues(dst []activity.Value, a *activity.Activity) []activity.Value {
	one := func(s string) {
		if s != "" {
			dst = append(dst, activity.Value{Str: s})
		}
	}
	many := func(list []string) {
		for _, s := range list {
			one(s)
		}
	}
	fields := func(list []activity.Field) {
		for i := range list {
			one(list[i].Value)
		}
	}
	one(a.Text)
	many(a.Links)
	many(a.LinkDomains)
	many(a.Mentions)
	many(a.Hashtags)
	one(a.Account)
	one(a.Actor)
	one(a.App)
	one(a.IP)
	one(a.Device)
	one(a.UserAgent)
	one(a.Geo.Country)
	one(a.Geo.Region)
	one(a.Geo.City)
	one(a.Geo.ASOrg)
	fields(a.Profile)
	fields(a.Old)
	one(a.Approval.Text)
	many(a.Approval.Links)
	many(a.Approval.Approvers)
	one(a.Approval.Tool)
	one(a.Outcome.Reason)
	one(a.Poll.Reason)
	return dst
}
