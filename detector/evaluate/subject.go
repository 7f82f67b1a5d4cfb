package evaluate

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
)

// Engine is an engine with its rules, as the daemon has one for all accounts. An
// alert is a new episode of which an enforced rule tells people.
type Engine struct {
	engine *detector.Engine
	graces bool // messages wait for an approval before they are told
	seq    uint64
	batch  activity.Batch
	quiet  map[string]bool     // open episodes of which nobody is told
	unseen map[string][]string // by account, ids of rules that raised something since it was last looked at
	flags  map[string][]flag   // by account, in order
	fault  error               // the first one, of forks too
}

// flag is an activity of an account at which something had been raised.
type flag struct {
	at    time.Time
	rules []string // ids
}

// NewEngine returns an engine with empty memory.
func NewEngine(plan *detector.Plan) *Engine {
	graces := slices.ContainsFunc(plan.Rules(), func(r *rules.Rule) bool {
		return r.Type == rules.TypeApproval && r.Mode == rules.Enforce
	})
	return &Engine{
		engine: detector.NewEngine(0, plan, detector.EngineOptions{}), graces: graces,
		quiet: map[string]bool{}, unseen: map[string][]string{}, flags: map[string][]flag{},
	}
}

// Err returns what went wrong with the engine or one of its forks.
func (e *Engine) Err() error { return e.fault }

// note takes findings.
func (e *Engine) note(found []detector.Finding) {
	for i := range found {
		f := &found[i]
		switch {
		case f.Phase == detector.Close:
			delete(e.quiet, f.Episode)
		case f.Rule.Mode == rules.Observe:
			e.quiet[f.Episode] = true
		case f.Phase == detector.Open || e.quiet[f.Episode]:
			delete(e.quiet, f.Episode)
			e.unseen[f.Account] = append(e.unseen[f.Account], f.Rule.ID)
		}
	}
}

// Account is one account of an engine, or of a copy of it, as the protocol
// watches it.
type Account struct {
	engine *Engine
	origin *Engine // of a copy on which an attack is played; nil for none
	name   string
}

var _ hijack.Subject = (*Account)(nil)

// Account returns an account of the engine.
func (e *Engine) Account(name string) *Account { return &Account{engine: e, name: name} }

// Observe implements hijack.Subject.
func (s *Account) Observe(a *activity.Activity) bool {
	e := s.engine
	if s.origin != nil {
		e.engine.Ended() // the silence before is not the attacker's
	}
	e.seq++
	e.batch.Activities = append(e.batch.Activities[:0], *a)
	e.note(e.engine.Apply(e.seq, a.Time, &e.batch))
	by := e.unseen[s.name]
	delete(e.unseen, s.name)
	switch {
	case len(by) == 0:
		return s.origin != nil && e.graces && s.toldLater(a)
	case s.origin == nil:
		e.flags[s.name] = append(e.flags[s.name], flag{a.Time, by})
	}
	return true
}

// longestGrace bounds how long after a message its missing approval is told.
const longestGrace = 24 * time.Hour

// toldLater reports whether an attacker's message is told when its grace is
// over, without letting that time pass for what he does meanwhile.
func (s *Account) toldLater(a *activity.Activity) bool {
	later := s.fork()
	later.engine.engine.Ended()
	for {
		due, ok := later.engine.engine.Pending()
		if !ok || due.After(a.Time.Add(longestGrace)) {
			return false
		}
		later.engine.seq++
		later.engine.note(later.engine.engine.Tick(later.engine.seq, due))
		if len(later.engine.unseen[s.name]) > 0 {
			return true
		}
	}
}

// Fork implements hijack.Subject: a copy of the engine that knows the account
// alone.
func (s *Account) Fork() hijack.Subject { return s.fork() }

func (s *Account) fork() *Account {
	origin := s.engine
	if s.origin != nil {
		origin = s.origin
	}
	engine, err := s.engine.engine.Fork(s.name)
	if err != nil {
		if origin.fault == nil {
			origin.fault = fmt.Errorf("play an attack: %w", err)
		}
		engine = detector.NewEngine(0, s.engine.engine.Plan(), detector.EngineOptions{})
	}
	return &Account{
		engine: &Engine{
			engine: engine, graces: s.engine.graces, seq: s.engine.seq, quiet: maps.Clone(s.engine.quiet), unseen: map[string][]string{},
		},
		origin: origin, name: s.name,
	}
}
