package dispatch

import (
	"maps"
	"slices"
	"strings"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/oncall"
)

// assigned tells people whose matter alerts were made.
func (o *outlook) assigned() {
	for i := range o.r.Incident.Members {
		m := &o.r.Incident.Members[i]
		if m.Assigned == nil || m.State == alerting.Resolved || !o.r.give(i, m.Assigned.To) {
			continue
		}
		o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
		person, known := o.c.policy.person(m.Assigned.To)
		if !known || isCalled(&person, m.Assigned.By) || o.r.has(i, m.Assigned.To) {
			continue
		}
		if name := o.reaching(m, &person); name != "" {
			o.give(i, name, &person)
			continue
		}
		o.r.Incident.Note(incident.Entry{At: o.now.UTC(), What: incident.WhatTold, Text: "nobody: no receiver reaches " + PersonOf(person).Name})
	}
}

// give notes whose matter a member is, and reports whether that is new.
func (r *Record) give(member int, to string) bool {
	i := slices.IndexFunc(r.Given, func(g Given) bool { return g.Member == member })
	if i < 0 {
		r.Given = append(r.Given, Given{member, to})
		return true
	}
	was := r.Given[i].To
	r.Given[i].To = to
	return was != to
}

// has reports whether another alert of the incident that is not over is somebody's
// matter already: they know of it.
func (r *Record) has(member int, to string) bool {
	return slices.ContainsFunc(r.Given, func(g Given) bool {
		return g.Member != member && g.To == to && r.Incident.Members[g.Member].State != alerting.Resolved
	})
}

// person returns whom an alert was assigned to.
func (p *Policy) person(to string) (oncall.Person, bool) {
	i := slices.IndexFunc(p.Persons, func(person oncall.Person) bool { return isCalled(&person, to) })
	if i < 0 {
		return oncall.Person{}, false
	}
	return p.Persons[i], true
}

func isCalled(p *oncall.Person, name string) bool {
	return strings.EqualFold(p.Name, name) || p.FullName != "" && strings.EqualFold(p.FullName, name)
}

// reaching returns the receiver that tells a person of a member, "" where none
// does. An address of the person goes before a receiver that knows names alone.
func (o *outlook) reaching(m *incident.Member, p *oncall.Person) string {
	var names []string
	for i := range o.r.Told {
		if o.r.Told[i].N > o.r.Base {
			names = append(names, o.r.Told[i].Receiver)
		}
	}
	for _, t := range o.c.policy.Root.Targets(m.Labels, o.c.urgency(m, o.now)) {
		names = append(names, t.Receivers...)
	}
	all := o.c.policy.Reaches
	addressed := func(name string) bool { return p.Contacts[all[name].Contact] != "" }
	for _, by := range []func(name string) bool{
		addressed,
		func(name string) bool { r, ok := all[name]; return ok && r.Contact == "" },
	} {
		if i := slices.IndexFunc(names, by); i >= 0 {
			return names[i]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Alone && addressed(name) {
			return name
		}
	}
	return ""
}

// give tells one person that a member is theirs now. Who gave it to them is in
// what the alert says of itself.
func (o *outlook) give(i int, receiver string, p *oncall.Person) {
	member := &o.r.Incident.Members[i]
	o.emit(o.r.told(receiver), notify.Assigned, []notify.Person{PersonOf(*p)})
	m := &o.out[len(o.out)-1]
	m.Labels = labelsOf(member)
	// The one that is given comes first: it is the one that the message shows.
	if at := slices.IndexFunc(m.Alerts, func(a notify.Alert) bool { return a.ID == member.Alert }); at > 0 {
		it := m.Alerts[at]
		m.Alerts = slices.Insert(slices.Delete(m.Alerts, at, at+1), 0, it)
	}
}
