package alerting

import (
	"slices"
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
		a.Resolution, a.Ack, a.Judged, a.Answered = nil, nil, nil, nil
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
	a.Closed, a.Held = clip(f.Closed, maxName), f.Held
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
		a.Reasons = keepReasons(f.Reasons, maxReasons)
	}
	if len(f.Usual) > 0 {
		a.Usual = keepReasons(f.Usual, maxUsual)
	}
	if len(f.Related) > 0 {
		a.Related = keepRelated(f.Related)
	}
	if len(f.Deleted) > 0 {
		a.Deleted = f.Deleted
	}
	if f.AccountCount > 0 {
		a.AccountCount, a.Accounts = f.AccountCount, make([]string, len(f.Accounts))
		for i, name := range f.Accounts {
			a.Accounts[i] = clip(name, maxName)
		}
	}
	if f.Since != nil {
		a.Since = keepSince(f.Since)
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

// revise returns next as the revision that follows base, which is the zero
// Alert if there is none.
func revise(base, next Alert) Alert {
	next.V, next.Revision, next.Change = Version, base.Revision+1, changeOf(&base, &next)
	return next
}

func changeOf(base, next *Alert) Change {
	switch {
	case next.State == Resolved && base.State == Resolved && next.Fired().Equal(base.Fired()):
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
	case next.Assigned != nil && (base.Assigned == nil || *base.Assigned != *next.Assigned):
		return ChangeAssigned
	case next.Answered != nil && (base.Answered == nil || *base.Answered != *next.Answered):
		return ChangeAnswered
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
