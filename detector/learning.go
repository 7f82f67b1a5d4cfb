package detector

import (
	"cmp"

	"github.com/picketd/picket/detector/baseline"
	"github.com/picketd/picket/detector/state"
	"github.com/picketd/picket/rules"
)

// LearnState counts accounts by whether a rule knows them well enough.
type LearnState struct{ Learning, Active int }

// Learning tells, for each rule that learns, by name, of how many accounts it
// knows enough to judge and of how many it does not yet, as of log time.
func (e *Engine) Learning() map[string]LearnState {
	scan := e.ScanLearning()
	for {
		if out, done := scan.Step(); done {
			return out
		}
	}
}

// LearningScan is Learning, some accounts at a time between two messages.
type LearningScan struct {
	e    *Engine
	plan *Plan
	page uint32 // the next one
	out  map[string]LearnState
}

// ScanLearning begins a scan.
func (e *Engine) ScanLearning() *LearningScan {
	return &LearningScan{e: e, plan: e.plan, out: map[string]LearnState{}}
}

// Step counts the accounts of one more page; with the last of them it returns
// the counts. Over a reload it begins anew.
func (s *LearningScan) Step() (map[string]LearnState, bool) {
	m := s.e.memory
	if s.plan != s.e.plan {
		*s = *s.e.ScanLearning()
	}
	from, rows := s.page, 0
	for rows == 0 && s.page < m.end() {
		s.page++
		m.store.Accounts.Each(s.page-1, s.page, func(state.Ref) bool { rows++; return true })
	}
	last := s.page >= m.end()
	for i := range s.plan.rules {
		s.count(&s.plan.rules[i], from, last)
	}
	return s.out, last
}

// count adds what a rule knows of accounts on the pages from one to the next, and
// with the last of them of groups.
func (s *LearningScan) count(pl *planned, from uint32, last bool) {
	m, r := s.e.memory, pl.rule
	k, known := slotValues, m.known
	switch r.Type {
	case rules.TypeNewValue:
	case rules.TypeLoginRisk, rules.TypeRareValue:
		k, known = slotModel, func(cell state.Ref) (int64, int) { return m.knownLogins(r, cell) }
	default:
		return
	}
	if r.Mode == rules.Off {
		return
	}
	n := s.out[cmp.Or(r.Name, r.ID)]
	take := func(cell state.Ref) {
		if since, events := known(cell); baseline.Learn(r.Learn).Ready(since, events, s.e.now) {
			n.Active++
		} else {
			n.Learning++
		}
	}
	m.eachModel(k, pl.stateKey, from, s.page, take)
	if last {
		m.eachGroup(k, pl.stateKey, take)
	}
	s.out[cmp.Or(r.Name, r.ID)] = n
}
