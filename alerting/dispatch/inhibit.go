package dispatch

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/match"
)

// inhibitors find the alerts that explain others. Of each rule they know the
// sources that are not resolved, and the incidents with a target, both by the
// values of the rule's first equal label.
type inhibitors struct {
	rules []Inhibition
	kept  map[string]*incident.Incident
	sides []sides // by rule
	// labels are those that an alert was put with: a reload can change some.
	labels map[string]match.Set
}

type sides struct {
	sources map[string]map[string]source   // by value and alert
	targets map[string]map[string]struct{} // incidents by value
}

type source struct {
	alert  string
	labels match.Set
	first  time.Time
}

func newInhibitors(rules []Inhibition) *inhibitors {
	in := &inhibitors{rules: rules, kept: map[string]*incident.Incident{}, labels: map[string]match.Set{}}
	for range rules {
		in.sides = append(in.sides, sides{sources: map[string]map[string]source{}, targets: map[string]map[string]struct{}{}})
	}
	return in
}

// values are those of the rule's first equal label, one empty one for none.
func (i *Inhibition) values(labels match.Set) []string {
	if len(i.Equal) == 0 || len(labels[i.Equal[0]]) == 0 {
		return []string{""}
	}
	return labels[i.Equal[0]]
}

// put takes an incident as it is now, and returns the incidents whose alerts may
// be told otherwise since.
func (in *inhibitors) put(one *incident.Incident) map[string]struct{} {
	if len(in.rules) == 0 {
		return nil
	}
	in.kept[one.ID] = one
	changed := map[string]struct{}{}
	for i := range one.Members {
		in.relabel(one.ID, &one.Members[i], changed)
	}
	for k := range in.rules {
		for i := range one.Members {
			in.member(k, one.ID, &one.Members[i], changed)
		}
	}
	return changed
}

// relabel forgets an alert under values that it has no more.
func (in *inhibitors) relabel(id string, m *incident.Member, changed map[string]struct{}) {
	before := in.labels[m.Alert]
	in.labels[m.Alert] = m.Labels
	for k := range in.rules {
		s, now := &in.sides[k], in.rules[k].values(m.Labels)
		for _, v := range in.rules[k].values(before) {
			if slices.Contains(now, v) {
				continue
			}
			if _, was := s.sources[v][m.Alert]; was {
				for other := range s.targets[v] {
					changed[other] = struct{}{}
				}
			}
			s.forget(v, m.Alert, id)
		}
	}
}

// forget takes an alert and its incident from under a value.
func (s *sides) forget(value, alert, id string) {
	delete(s.sources[value], alert)
	delete(s.targets[value], id)
	if len(s.sources[value]) == 0 {
		delete(s.sources, value)
	}
	if len(s.targets[value]) == 0 {
		delete(s.targets, value)
	}
}

func (in *inhibitors) member(k int, id string, m *incident.Member, changed map[string]struct{}) {
	rule, s := &in.rules[k], &in.sides[k]
	isSource, isTarget := rule.Source.Matches(m.Labels) && !m.Observes, rule.Target.Matches(m.Labels)
	for _, v := range rule.values(m.Labels) {
		_, was := s.sources[v][m.Alert]
		is := isSource && m.State != alerting.Resolved
		switch {
		case is && s.sources[v] == nil:
			s.sources[v] = map[string]source{}
			fallthrough
		case is:
			s.sources[v][m.Alert] = source{m.Alert, m.Labels, m.First}
		case was:
			delete(s.sources[v], m.Alert)
		}
		if isTarget {
			if s.targets[v] == nil {
				s.targets[v] = map[string]struct{}{}
			}
			s.targets[v][id] = struct{}{}
		}
		if was != is {
			for other := range s.targets[v] {
				changed[other] = struct{}{}
			}
		}
	}
}

// drop forgets an incident.
func (in *inhibitors) drop(id string) {
	one := in.kept[id]
	if one == nil {
		return
	}
	delete(in.kept, id)
	for k := range in.rules {
		for i := range one.Members {
			m := &one.Members[i]
			for _, v := range in.rules[k].values(m.Labels) {
				in.sides[k].forget(v, m.Alert, id)
			}
		}
	}
	for i := range one.Members {
		delete(in.labels, one.Members[i].Alert)
	}
}

// inhibited reports whether an alert that is not resolved explains the member.
// An alert that is source and target of a rule is not inhibited by it, so that
// two of them cannot silence each other.
func (in *inhibitors) inhibited(m *incident.Member) bool {
	for k := range in.rules {
		rule := &in.rules[k]
		if !rule.Target.Matches(m.Labels) || rule.Source.Matches(m.Labels) {
			continue
		}
		for _, v := range rule.values(m.Labels) {
			for _, s := range in.sides[k].sources[v] {
				if s.alert != m.Alert && rule.explains(&s, m) {
					return true
				}
			}
		}
	}
	return false
}

func (i *Inhibition) explains(s *source, m *incident.Member) bool {
	if apart := m.First.Sub(s.first).Abs(); i.Within > 0 && apart > i.Within {
		return false
	}
	for _, label := range i.Equal {
		a, b := s.labels[label], m.Labels[label]
		shared := slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
		if !shared && (len(a) > 0 || len(b) > 0) {
			return false
		}
	}
	return true
}
