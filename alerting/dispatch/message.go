package dispatch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
)

// maxAlerts bounds the alerts of a message. Buttons act on what is among them.
const maxAlerts = 50

// emit decides a message about an incident. What an alert says is not in it yet;
// see Dress.
func (o *outlook) emit(t *Told, kind notify.Kind, people []notify.Person) {
	in := o.r.Incident
	t.N++
	o.c.dirty[ofIncident+in.ID] = struct{}{}
	lead := in.Lead()
	m := notify.Message{
		V: notify.Version, Receiver: t.Receiver, Kind: kind, At: o.now.UTC(),
		Key:      fmt.Sprintf("%s.%s.%d.%s", in.ID, t.Receiver, t.N, kind),
		Incident: in.ID, Number: in.Number(), State: in.State, Started: in.Opened, Ended: in.Ended,
		Level: in.Level, Urgency: o.c.urgency(lead, o.now), Network: lead.Network, Account: lead.Account, Drill: in.Drill,
		Alerts: alertsOf(in), More: more(in), People: people, Labels: labelsOf(o.newest()),
	}
	if next := o.foretell(); next != "" {
		m.Lines = []notify.Line{{Label: alerting.LabelNext, Text: next}}
	}
	in.Note(incident.Entry{At: o.now.UTC(), What: incident.WhatTold, Text: string(kind) + " to " + t.Receiver + forPeople(people)})
	o.out = append(o.out, m)
}

func forPeople(people []notify.Person) string {
	if len(people) == 0 {
		return ""
	}
	s := ", for " + people[0].Name
	if n := len(people) - 1; n > 0 {
		s += fmt.Sprintf(" +%d", n)
	}
	return s
}

// newest is the member that joined last.
func (o *outlook) newest() *incident.Member {
	return &o.r.Incident.Members[len(o.r.Incident.Members)-1]
}

// alertsOf lists the alerts of an incident, the most pressing first.
func alertsOf(in *incident.Incident) []notify.Alert {
	members := slices.Clone(in.Members)
	slices.SortStableFunc(members, func(x, y incident.Member) int {
		return cmp.Or(slices.Index(alerting.States(), x.State)-slices.Index(alerting.States(), y.State), y.Level.Rank()-x.Level.Rank())
	})
	out := make([]notify.Alert, 0, min(len(members), maxAlerts))
	for _, m := range members[:min(len(members), maxAlerts)] {
		out = append(out, notify.Alert{
			ID: m.Alert, Number: alerting.Number(m.Alert), Rule: m.Rule, Title: m.Title, Level: m.Level, State: m.State, Opened: m.Opened,
		})
	}
	return out
}

// more is how many alerts of an incident are not resolved and have no room in a
// message.
func more(in *incident.Incident) int {
	open := 0
	for i := range in.Members {
		if in.Members[i].State != alerting.Resolved {
			open++
		}
	}
	return max(open-maxAlerts, 0)
}

// maxLabel bounds the value of a label, in characters: others choose those that
// rules group by.
const maxLabel = 256

// labelsOf writes labels as pairs, by name: of several values, a pair each.
func labelsOf(m *incident.Member) []alerting.Label {
	var out []alerting.Label
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		for _, value := range m.Labels[name] {
			out = append(out, alerting.Label{Name: name, Value: cut(value, maxLabel)})
		}
	}
	return out
}
