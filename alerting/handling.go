package alerting

import (
	"cmp"
	"slices"
	"time"

	"github.com/picketd/picket/rules"
)

// Step is what became of an alert that somebody was told of.
type Step string

// The steps of handling an alert.
const (
	// StepAcknowledged: a person took it, or resolved it without saying so first.
	StepAcknowledged Step = "acknowledged"
	// StepResolved: a person resolved it.
	StepResolved Step = "resolved"
	// StepEnded: it ended by itself, after quiet.
	StepEnded Step = "ended"
)

// Handling is one step with an alert, for measuring how soon alerts are seen to.
// Drills, and alerts of rules that only observe, are none.
type Handling struct {
	Step  Step
	Level rules.Level
	After time.Duration // since it began to fire, the last time; never negative
}

// Fired returns when an alert began to fire, the last time.
func (a *Alert) Fired() time.Time {
	if again := refired(a); !again.IsZero() {
		return again
	}
	return a.Opened
}

// refired returns when an alert began to fire again, zero where it was never
// reopened.
func refired(a *Alert) time.Time {
	for _, t := range slices.Backward(a.History) {
		if t.To == Firing {
			if t.From == "" {
				return time.Time{}
			}
			return t.At
		}
	}
	return time.Time{}
}

// follow returns what is to be called with each head of a watch, in order, and
// tells of the steps that it sees happen. What happened before the watch began
// is not told, so that a restart counts nothing twice.
func follow(tell func(Handling)) func(*Head) {
	if tell == nil {
		return func(*Head) {}
	}
	open := map[string]State{} // of alerts that are not resolved
	return func(h *Head) {
		before, known := open[h.ID]
		if open[h.ID] = h.State; h.State == Resolved {
			delete(open, h.ID)
		}
		b := &h.Brief
		if !known || before == h.State || b.Mode == rules.Observe || b.Drill != "" || b.Opened.IsZero() {
			return
		}
		since := b.Opened
		if !b.Fired.IsZero() {
			since = b.Fired
		}
		after := max(0, h.Time.Sub(since))
		hand := h.State != Resolved || b.ByHand
		if before == Firing && hand {
			tell(Handling{StepAcknowledged, h.Level, after})
		}
		if h.State == Resolved {
			step := StepEnded
			if hand {
				step = StepResolved
			}
			tell(Handling{step, h.Level, after})
		}
	}
}

// RuleVerdicts are what people said of the alerts of one rule, drills left out.
type RuleVerdicts struct {
	Rule string // id
	Tally
}

// Verdicts returns the verdicts on all alerts that are kept, by rule, in the
// order of ids. What is known is what Recover, Run and this Manager's own work
// have seen.
func (m *Manager) Verdicts() []RuleVerdicts {
	m.mu.Lock()
	out := make([]RuleVerdicts, 0, len(m.board.rules))
	for rule, t := range m.board.rules {
		out = append(out, RuleVerdicts{rule, t})
	}
	m.mu.Unlock()
	slices.SortFunc(out, func(a, b RuleVerdicts) int { return cmp.Compare(a.Rule, b.Rule) })
	return out
}

// ToldSince counts the alerts that were opened since then and told to people,
// drills left out, by the id of their rule: what an alert budget is spent on.
func ToldSince(heads []Head, since time.Time) map[string]int {
	told := map[string]int{}
	for i := range heads {
		b := &heads[i].Brief
		if b.Mode != rules.Observe && b.Drill == "" && !b.Opened.Before(since) {
			told[b.Rule]++
		}
	}
	return told
}
