package evaluate

import (
	"fmt"
	"slices"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/detector/hijack"
	"github.com/picketd/picket/rules"
)

// Engine is an engine with its rules as the protocol watches it: an alert is a
// new episode of the account of which an enforced rule tells people.
type Engine struct {
	engine  *detector.Engine
	account string
	graces  bool // messages wait for an approval before they are told
	seq     uint64
	batch   activity.Batch
	attack  bool            // a fork, on which an attack is played
	quiet   map[string]bool // open episodes of which nobody is told
	raised  []raised        // by a fork's origin only
	fault   *error          // the first one, of all forks
}

// raised is one alert that was raised on real activity.
type raised struct {
	at   time.Time // occurrence of the activity
	rule string    // id
}

var _ hijack.Subject = (*Engine)(nil)

// NewEngine returns an engine with empty memory that watches one account.
func NewEngine(plan *detector.Plan, account string) *Engine {
	graces := slices.ContainsFunc(plan.Rules(), func(r *rules.Rule) bool {
		return r.Type == rules.TypeApproval && r.Mode == rules.Enforce
	})
	return &Engine{
		engine: detector.NewEngine(0, plan, detector.EngineOptions{}), account: account, graces: graces,
		quiet: map[string]bool{}, fault: new(error),
	}
}

// Err returns what went wrong with the engine or one of its forks.
func (s *Engine) Err() error { return *s.fault }

// Observe implements hijack.Subject.
func (s *Engine) Observe(a *activity.Activity) bool {
	s.seq++
	s.batch.Activities = append(s.batch.Activities[:0], *a)
	told := s.told(s.engine.Apply(s.seq, a.Time, &s.batch), a.Time)
	if !told && s.attack && s.graces {
		return s.toldLater(a)
	}
	return told
}

// told reports whether people are told of something new.
func (s *Engine) told(found []detector.Finding, at time.Time) bool {
	told := false
	for i := range found {
		f := &found[i]
		switch {
		case f.Phase == detector.Close:
			delete(s.quiet, f.Episode)
		case f.Account != s.account || f.Rule.Mode == rules.Off:
		case f.Rule.Mode == rules.Observe:
			s.quiet[f.Episode] = true
		case f.Phase == detector.Open || s.quiet[f.Episode]:
			delete(s.quiet, f.Episode)
			told = true
			if !s.attack {
				s.raised = append(s.raised, raised{at, f.Rule.ID})
			}
		}
	}
	return told
}

// longestGrace bounds how long after a message its missing approval is told.
const longestGrace = 24 * time.Hour

// toldLater reports whether an attacker's message is told when its grace is
// over, without letting that time pass for what he does meanwhile.
func (s *Engine) toldLater(a *activity.Activity) bool {
	later := s.fork()
	for {
		due, ok := later.engine.Pending()
		if !ok || due.After(a.Time.Add(longestGrace)) {
			return false
		}
		later.seq++
		if later.told(later.engine.Tick(later.seq, due), a.Time) {
			return true
		}
	}
}

// Fork implements hijack.Subject.
func (s *Engine) Fork() hijack.Subject { return s.fork() }

func (s *Engine) fork() *Engine {
	engine, err := s.engine.Fork(s.account)
	if err != nil {
		if *s.fault == nil {
			*s.fault = fmt.Errorf("play an attack: %w", err)
		}
		engine = detector.NewEngine(0, s.engine.Plan(), detector.EngineOptions{})
	}
	quiet := make(map[string]bool, len(s.quiet))
	for id := range s.quiet {
		quiet[id] = true
	}
	return &Engine{engine: engine, account: s.account, graces: s.graces, seq: s.seq, attack: true, quiet: quiet, fault: s.fault}
}
