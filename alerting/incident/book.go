package incident

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/rules"
)

// Config says how alerts are joined.
type Config struct {
	// Window is how long after an incident was over an alert still joins it; 0
	// means DefaultWindow.
	Window time.Duration
}

// DefaultWindow is the window where none is given.
const DefaultWindow = time.Hour

// Book holds incidents that alerts may still join or change. It is not for
// concurrent use.
type Book struct {
	cfg       Config
	incidents map[string]*Incident
	alerts    map[string]string              // incident by alert
	subjects  map[string]map[string]struct{} // incidents by drill and subject
}

// NewBook returns an empty Book.
func NewBook(cfg Config) *Book {
	b := &Book{incidents: map[string]*Incident{}, alerts: map[string]string{}, subjects: map[string]map[string]struct{}{}}
	b.Configure(cfg)
	return b
}

// Configure changes how alerts are joined from now on.
func (b *Book) Configure(cfg Config) {
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	b.cfg = cfg
}

// Put takes an incident as it was stored. An alert that came again long after one
// incident was over is in two: it belongs to the one that knows its newer
// revision, in whatever order they are put.
func (b *Book) Put(in *Incident) {
	b.incidents[in.ID] = in
	for i := range in.Members {
		m := &in.Members[i]
		if other := b.Of(m.Alert); other != nil && other.Members[other.Member(m.Alert)].Revision > m.Revision {
			continue
		}
		b.alerts[m.Alert] = in.ID
	}
	b.index(in)
}

func (b *Book) index(in *Incident) {
	for _, s := range in.Subjects {
		key := in.Drill + "\x00" + s
		if b.subjects[key] == nil {
			b.subjects[key] = map[string]struct{}{}
		}
		b.subjects[key][in.ID] = struct{}{}
	}
}

// Get returns an incident, nil where it is not held. It belongs to the Book.
func (b *Book) Get(id string) *Incident { return b.incidents[id] }

// Of returns the incident of an alert, nil where none is held.
func (b *Book) Of(alert string) *Incident { return b.incidents[b.alerts[alert]] }

// IDs returns the ids of all incidents that are held, sorted.
func (b *Book) IDs() []string { return slices.Sorted(maps.Keys(b.incidents)) }

// Len is how many incidents are held.
func (b *Book) Len() int { return len(b.incidents) }

// Over reports whether an incident is over for good at a moment: no alert joins
// it any more.
func (b *Book) Over(in *Incident, at time.Time) bool {
	return in.State == alerting.Resolved && at.Sub(in.Ended) > b.cfg.Window
}

// Forget drops an incident.
func (b *Book) Forget(id string) {
	in := b.incidents[id]
	if in == nil {
		return
	}
	delete(b.incidents, id)
	for i := range in.Members {
		if b.alerts[in.Members[i].Alert] == id {
			delete(b.alerts, in.Members[i].Alert)
		}
	}
	for _, s := range in.Subjects {
		key := in.Drill + "\x00" + s
		delete(b.subjects[key], id)
		if len(b.subjects[key]) == 0 {
			delete(b.subjects, key)
		}
	}
}

// Change says what a revision did.
type Change struct {
	Incident *Incident // nil: nothing, and the rest is zero; it belongs to the Book
	Member   int       // its place
	// Began says that the alert fires now and did not before, or is new here;
	// Material that more than a count changed.
	Began, Material bool
}

// Apply takes a revision of an alert. One that is not newer than what is known,
// and one that only observes and is in no incident, change nothing.
func (b *Book) Apply(a *alerting.Alert, dir alerting.Directory) Change {
	in := b.Of(a.ID)
	if in != nil {
		if i := in.Member(a.ID); in.Members[i].Revision >= a.Revision {
			return Change{}
		}
	}
	if a.Rule.Mode == rules.Observe && in == nil {
		return Change{}
	}
	if in == nil && a.State == alerting.Resolved && a.Change == alerting.ChangeNoted {
		return Change{} // its incident is over for good: a verdict begins no other
	}
	if in != nil && a.State != alerting.Resolved && b.Over(in, a.Updated) {
		in = nil // it comes again long after
	}
	own, near := subjects(a, dir)
	if in == nil {
		in = b.find(a, own, near)
	}
	began := in == nil
	if began {
		at := fired(a)
		in = &Incident{V: Version, ID: idOf(a.ID, at), Opened: at, State: alerting.Firing, Firing: at, Drill: a.Drill()}
		b.incidents[in.ID] = in
	}
	ended := !began && in.State == alerting.Resolved && in.ByHand()
	ch := in.take(a)
	b.alerts[a.ID] = in.ID
	in.join(own)
	b.index(in)
	if ch.Material {
		in.derive(a.Updated, ended)
	}
	return ch
}

// find returns the incident that an alert joins.
func (b *Book) find(a *alerting.Alert, own, near []string) *Incident {
	var found []*Incident
	drill := a.Drill()
	for _, s := range slices.Concat(own, near) {
		for id := range b.subjects[drill+"\x00"+s] {
			in := b.incidents[id]
			if !in.full() && !b.Over(in, a.Updated) && !slices.Contains(found, in) {
				found = append(found, in)
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(x, y *Incident) int {
		return cmp.Or(elsewhere(x, a)-elsewhere(y, a), x.Opened.Compare(y.Opened), cmp.Compare(x.ID, y.ID))
	})
}

// elsewhere is 0 for incidents with an alert of the same account.
func elsewhere(in *Incident, a *alerting.Alert) int {
	if a.Account != "" && slices.ContainsFunc(in.Members, func(m Member) bool { return m.Account == a.Account }) {
		return 0
	}
	return 1
}

// take puts the revision in its member's place.
func (in *Incident) take(a *alerting.Alert) Change {
	m := memberOf(a)
	i := in.Member(a.ID)
	if i < 0 {
		in.Members = append(in.Members, m)
		in.tell(a, &m, alerting.ChangeOpened)
		return Change{Incident: in, Member: len(in.Members) - 1, Began: true, Material: true}
	}
	before := in.Members[i]
	ch := Change{Incident: in, Member: i}
	if before.State == alerting.Resolved && m.State != alerting.Resolved { // the alert may have forgotten some
		m.Openings = max(m.Openings, before.Openings+1)
	}
	m.Openings = max(m.Openings, before.Openings)
	ch.Began = m.Openings > before.Openings || m.Denied && !before.Denied && m.State != alerting.Resolved
	ch.Material = before.State != m.State || before.Level != m.Level || before.ByHand != m.ByHand || before.Observes != m.Observes ||
		before.Denied != m.Denied || given(before.Assigned, m.Assigned) ||
		a.Change == alerting.ChangeAssigned || ch.Began
	in.Members[i] = m
	switch {
	case before.State != m.State || a.Change == alerting.ChangeAssigned:
		in.tell(a, &m, a.Change)
	case before.Level != m.Level:
		in.tell(a, &m, WhatLevel)
	}
	return ch
}

// given reports whether an alert was given to somebody since a revision.
func given(before, after *alerting.Assignment) bool {
	return after != nil && (before == nil || !before.At.Equal(after.At) || before.To != after.To)
}

func memberOf(a *alerting.Alert) Member {
	brief := alerting.BriefOf(a)
	m := Member{
		Alert: a.ID, Revision: a.Revision, State: a.State, Level: a.Rule.Level, Rule: a.Rule.ID, Title: brief.Title,
		Network: a.Network, Account: a.Account, Subject: alerting.SubjectOf(a), Words: brief.Words,
		Observes: a.Rule.Mode == rules.Observe,
		First:    a.First, Opened: fired(a), Openings: openings(a), Updated: a.Updated, ByHand: a.ByHand(),
		Denied: a.Answered != nil && !a.Answered.Me, Assigned: a.Assigned, Labels: match.Labels(a),
	}
	if m.Denied { // whatever the rule thought of it: somebody else is in the account
		m.Level = rules.Critical
	}
	mark := a.Ack
	if a.State == alerting.Resolved {
		mark = a.Resolution
	}
	if mark != nil && a.State != alerting.Firing {
		m.By = mark.By
	}
	return m
}

// fired returns when an alert began to fire, for the last time.
func fired(a *alerting.Alert) time.Time {
	for _, t := range slices.Backward(a.History) {
		if t.To == alerting.Firing {
			return t.At
		}
	}
	return a.Opened
}

// openings counts how often an alert began to fire, as far as it remembers:
// revisions in between may never have been seen here.
func openings(a *alerting.Alert) int {
	n := 0
	for _, t := range a.History {
		if t.To == alerting.Firing {
			n++
		}
	}
	return max(n, 1)
}

// tell adds what a revision is about to the timeline.
func (in *Incident) tell(a *alerting.Alert, m *Member, what alerting.Change) {
	e := Entry{At: a.Updated, What: string(what), Alert: a.ID, Text: string(m.Level) + " " + m.Subject + ": " + m.Title}
	mark := a.Ack
	switch {
	case what == alerting.ChangeAssigned && a.Assigned != nil:
		mark = &alerting.Mark{By: a.Assigned.By, Reason: "to " + a.Assigned.To}
	case a.State == alerting.Resolved:
		mark = a.Resolution
	case a.State == alerting.Firing:
		mark = nil
	}
	if mark != nil {
		e.By, e.Reason = mark.By, mark.Reason
	}
	in.note(e)
}
