package detector

import (
	"github.com/picketd/picket/detector/state"
)

// cold is what the engine remembers of the few accounts of which it remembers
// more than habits and models: the cold side. It is made of Go's own maps.
type cold struct {
	Row      state.Ref           `json:"row"`
	Episodes map[string]*episode `json:"episodes,omitempty"` // by rule id and group
	Excuses  map[string][]int64  `json:"excuses,omitempty"`  // by state key and group: occurrences that excuse a match, oldest first
	Steps    map[string][]step   `json:"steps,omitempty"`    // by the state key of a sequence, in order of occurrence
	Fired    map[string]int64    `json:"fired,omitempty"`    // as Excuses: until when a silent rule that feeds others does not feed them again
	// Changes are the latest posts and changes of an account that identities
	// guard, in order of occurrence, for logins that are told late.
	Changes []change `json:"changes,omitempty"`
	// Recent are the latest matching activities of windows, as Excuses, kept
	// once a window is within MaxEvidence of firing, so that a finding can show
	// what led to it.
	Recent map[string][]kept `json:"recent,omitempty"`
	// Judged is what waits for a verdict, and what verdicts said; nil for nothing.
	Judged *judgedState `json:"judged,omitempty"`
	// Groups are the cells of groups that are more than the account, as Excuses,
	// by what they hold.
	Groups [slotKinds]map[string]state.Ref `json:"groups"`
}

// colds are the cold sides by their number, which stands in the account's row;
// 0 is none.
type colds struct {
	all     []*cold // nil where a number is free
	changed []bool  // since the last image
	held    []bool  // an image in the making has yet to encode it
	free    []uint32
	none    cold // of accounts without; never written to
	image   *Image
}

// open returns a cold side, which may be changed until the next image begins.
func (c *colds) open(n uint32) *cold {
	if n == 0 {
		return &c.none
	}
	c.mark(n)
	return c.all[n]
}

// mark notes that a cold side changes, and lets an image in the making encode
// what was there.
func (c *colds) mark(n uint32) {
	if c.held[n] {
		c.image.before(n)
	}
	c.changed[n] = true
}

// add puts a cold side under a number of its own.
func (c *colds) add(of *cold) uint32 {
	n := uint32(len(c.all))
	if last := len(c.free) - 1; last >= 0 {
		n, c.free = c.free[last], c.free[:last]
	} else {
		c.grow(len(c.all) + 1)
	}
	c.mark(n)
	c.all[n] = of
	return n
}

func (c *colds) grow(n int) {
	for len(c.all) < n {
		c.all, c.changed, c.held = append(c.all, nil), append(c.changed, false), append(c.held, false)
	}
}

// drop lets go of a cold side.
func (c *colds) drop(n uint32) {
	c.mark(n)
	c.all[n] = nil
	c.free = append(c.free, n)
}

// own returns the account's cold side to add to, a new one where it has none.
func (st *accountState) own() *cold {
	if st.cold == &st.m.colds.none {
		st.cold = &cold{Row: st.row}
		state.Edit[state.Row](st.m.store.Heap, st.row).Cold = st.m.colds.add(st.cold)
	}
	return st.cold
}

// empty reports whether a cold side says nothing.
func (c *cold) empty() bool {
	n := len(c.Episodes) + len(c.Excuses) + len(c.Steps) + len(c.Fired) + len(c.Changes) + len(c.Recent)
	for _, g := range c.Groups {
		n += len(g)
	}
	return n == 0 && c.Judged == nil
}

// setGroup puts the cell of a group under its key, or with 0 takes it away.
func (c *cold) setGroup(k slotKind, key string, r state.Ref) {
	switch {
	case r == 0:
		delete(c.Groups[k], key)
		return
	case c.Groups[k] == nil:
		c.Groups[k] = map[string]state.Ref{}
	}
	c.Groups[k][key] = r
}
