package alerting

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// Every is the least log time between two revisions that only count further
// matches.
const Every = time.Second

// Apply returns a with the finding in it, and whether anything changed. The
// zero Alert is one that does not exist yet. A finding of another episode, and
// one that a holds already by its Position, change nothing.
//
// Positions are ordered within a partition only. A finding from another
// partition than the last one, which happens when a store is imported under
// another number of partitions, counts as new unless its log time is older.
func Apply(a Alert, f detector.Finding) (Alert, bool) {
	if a.ID == "" {
		return open(f), true
	}
	if f.Episode != a.ID || held(&a, &f) {
		return a, false
	}
	matched := f.Count > a.Count
	take(&a, &f)
	switch {
	case f.Phase == detector.Close && a.State != Resolved:
		a.Resolution = &Mark{By: ByPicket, At: f.LogTime.UTC(), Reason: clip(f.Closed, maxName)}
		a.move(Resolved, f.LogTime, ByPicket, f.Closed)
	case f.Phase != detector.Close && a.State == Resolved && (matched || !a.ByHand()):
		a.Resolution, a.Ack = nil, nil
		a.move(Firing, f.LogTime, ByPicket, "new match")
	}
	return a, true
}

func held(a *Alert, f *detector.Finding) bool {
	p, q := f.Position, a.Applied
	if p.Partition != q.Partition {
		return f.LogTime.Before(a.LogTime)
	}
	if p.Sequence != q.Sequence {
		return p.Sequence < q.Sequence
	}
	return p.Index <= q.Index
}

func open(f detector.Finding) Alert {
	a := Alert{
		V: Version, ID: f.Episode,
		Network: clip(f.Network, maxName), Account: clip(f.Account, maxName), Group: labels(f.Group),
		Opened: f.LogTime.UTC(),
	}
	take(&a, &f)
	a.move(Firing, f.LogTime, ByPicket, "")
	if f.Phase == detector.Close { // its opening was lost with the store
		a.Resolution = &Mark{By: ByPicket, At: f.LogTime.UTC(), Reason: clip(f.Closed, maxName)}
		a.move(Resolved, f.LogTime, ByPicket, f.Closed)
	}
	return a
}

// take copies what the finding says. A finding that closes an episode may
// leave out what has not changed.
func take(a *Alert, f *detector.Finding) {
	a.Applied, a.Phase = f.Position, f.Phase
	a.LogTime, a.Updated = f.LogTime.UTC(), f.LogTime.UTC()
	a.Closed = clip(f.Closed, maxName)
	if f.Rule != nil {
		a.Rule = keepRule(f.Rule)
	}
	if !f.First.IsZero() {
		a.First = f.First.UTC()
	}
	if !f.Last.IsZero() {
		a.Last = f.Last.UTC()
	}
	if f.Count > 0 {
		a.Count = f.Count
	}
	if len(f.Reasons) > 0 {
		a.Reasons = keepReasons(f.Reasons)
	}
	if len(f.Evidence) > 0 {
		a.Evidence = keepEvidence(f.Evidence)
	}
}

func (a *Alert) move(to State, at time.Time, by, reason string) {
	t := Transition{At: at.UTC(), From: a.State, To: to, By: by, Reason: clip(reason, maxName)}
	history := append(slices.Clip(slices.Clone(a.History)), t)
	if len(history) > MaxHistory { // how it began stays
		a.Forgotten += len(history) - MaxHistory
		history = slices.Delete(history, 1, 1+len(history)-MaxHistory)
	}
	a.History, a.State = history, to
}

// Action is what a person does with an alert.
type Action string

// The actions of people.
const (
	ActionAck     Action = "ack"
	ActionResolve Action = "resolve"
)

// Errors of Act, matched with errors.Is.
var (
	// ErrState: the alert's state does not allow the action.
	ErrState = errors.New("the alert's state does not allow it")
	// ErrActor: the actor is missing or reserved.
	ErrActor = errors.New("actor is not acceptable")
)

// Act returns a as it is after a person's action.
func Act(a Alert, action Action, actor, reason string, now time.Time) (Alert, error) {
	actor = strings.TrimSpace(actor)
	if actor == "" || strings.EqualFold(actor, ByPicket) {
		return a, fmt.Errorf("%s %s: %w: %q; name the person who acts", action, a.Number(), ErrActor, actor)
	}
	actor, reason = clip(actor, maxName), clip(strings.TrimSpace(reason), maxReason)
	mark := &Mark{By: actor, At: now.UTC(), Reason: reason}
	switch {
	case a.ID == "":
		return a, fmt.Errorf("%s: %w", action, ErrNotFound)
	case action == ActionAck && a.State == Firing:
		a.Ack = mark
		a.move(Acknowledged, now, actor, reason)
	case action == ActionResolve && a.State != Resolved:
		a.Resolution = mark
		a.move(Resolved, now, actor, reason)
	case action == ActionAck || action == ActionResolve:
		return a, fmt.Errorf("%s %s: %w: it is %s", action, a.Number(), ErrState, a.standing())
	default:
		return a, fmt.Errorf("unknown action %q on %s: use %s or %s", action, a.Number(), ActionAck, ActionResolve)
	}
	a.Updated = now.UTC()
	return a, nil
}

// standing tells the state and who brought it about.
func (a *Alert) standing() string {
	m := a.Ack
	if a.State == Resolved {
		m = a.Resolution
	}
	if a.State == Firing || m == nil {
		return string(a.State)
	}
	return fmt.Sprintf("%s since %s by %s", a.State, m.At.UTC().Format(time.RFC3339), m.By)
}

// revise returns next as the revision that follows base, which is the zero
// Alert if there is none.
func revise(base, next Alert) Alert {
	next.V, next.Revision, next.Change = Version, base.Revision+1, changeOf(&base, &next)
	return next
}

func changeOf(base, next *Alert) Change {
	switch {
	case next.State == Resolved && base.State == Resolved:
		return ChangeNoted
	case next.State == Resolved:
		return ChangeResolved
	case base.ID == "":
		return ChangeOpened
	case base.State == Resolved:
		return ChangeReopened
	case base.State != next.State && next.State == Acknowledged:
		return ChangeAcknowledged
	case base.Rule.Mode == rules.Observe && next.Rule.Mode != rules.Observe:
		return ChangeOpened // it has been silent up to now
	}
	return ChangeUpdated
}

// due reports whether next must be written at once rather than wait for more.
func due(base, next *Alert) bool {
	return changeOf(base, next) != ChangeUpdated || base.Rule.Level != next.Rule.Level ||
		waited(base, next.LogTime)
}

// waited reports whether log time has moved on far enough since base.
func waited(base *Alert, logTime time.Time) bool { return logTime.Sub(base.LogTime) >= Every }

// hides reports whether writing after as the next revision of base, without
// between, would leave out a state that between has.
func hides(base, between, after *Alert) bool {
	return between.State != base.State && after.State != between.State
}
