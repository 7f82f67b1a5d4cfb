package dispatch

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/oncall"
	"github.com/picketd/picket/rules"
)

// Policy is what the configuration says of who is told what and when. It is not
// changed once it is given to a Core.
type Policy struct {
	Incidents incident.Config
	// Root is the tree of routes; its matchers are not asked.
	Root       Route
	Inhibit    []Inhibition
	Escalation map[string]Escalation
	Schedules  map[string]*oncall.Schedule
	// Persons are those whose matter alerts can be made, and Reaches says which
	// receivers reach a person; one that is not in it reaches none.
	Persons []oncall.Person
	Reaches map[string]Reach
	Quiet   oncall.QuietHours
	// Repeat is how long a receiver is left alone with an incident of a level
	// that still waits for somebody; none where a level is missing.
	Repeat map[rules.Level]time.Duration
	Budget Budget
	// Digest is when summaries of what nobody is paged for are told each day, in
	// Zone; nil is UTC.
	Digest time.Duration // since midnight
	Zone   *time.Location
	// FlapQuiet is how long an incident that came again must be over before its
	// end is told.
	FlapQuiet time.Duration
}

// Route says who is told of the alerts that it matches. What it leaves empty it
// has from its parent.
type Route struct {
	Name     string // as the configuration calls it: "routes[0].routes[1]"
	Matchers match.Matchers
	// Urgency are the urgencies that it takes; empty: all.
	Urgency    []alerting.Urgency
	Receivers  []string
	Escalation string        // name of a policy; "": none
	Wait       time.Duration // for more alerts before the first message of an incident; below 0: the parent's
	Continue   bool          // the routes behind it are asked too
	Routes     []Route
}

// Target is what a route comes to.
type Target struct {
	Route      string
	Receivers  []string
	Escalation string
	Wait       time.Duration
}

// Targets returns what the tree says of an alert by its labels and urgency. An
// alert that no child of a route takes is the route's own.
func (r *Route) Targets(labels match.Set, urgency alerting.Urgency) []Target {
	if !r.takes(labels, urgency) {
		return nil
	}
	return r.targets(labels, urgency, Target{})
}

func (r *Route) takes(labels match.Set, urgency alerting.Urgency) bool {
	return (len(r.Urgency) == 0 || slices.Contains(r.Urgency, urgency)) && r.Matchers.Matches(labels)
}

func (r *Route) targets(labels match.Set, urgency alerting.Urgency, parent Target) []Target {
	own := parent
	own.Route = r.Name
	if len(r.Receivers) > 0 {
		own.Receivers = r.Receivers
	}
	if r.Escalation != "" {
		own.Escalation = r.Escalation
	}
	if r.Wait >= 0 {
		own.Wait = r.Wait
	}
	var out []Target
	for i := range r.Routes {
		child := &r.Routes[i]
		if !child.takes(labels, urgency) {
			continue
		}
		out = append(out, child.targets(labels, urgency, own)...)
		if !child.Continue {
			break
		}
	}
	if len(out) == 0 {
		return []Target{own}
	}
	return out
}

// Inhibition keeps quiet about alerts that another one explains.
type Inhibition struct {
	Source, Target match.Matchers
	// Equal are labels of which both alerts must share a value, or neither have
	// one.
	Equal []string
	// Within is how far apart the two may have begun; 0: any time.
	Within time.Duration
}

// Escalation is whom to tell until somebody acknowledges.
type Escalation struct {
	Steps []Step // by time
}

// Step is one step of an escalation.
type Step struct {
	After     time.Duration // since the incident waits for somebody
	Receivers []string      // empty: those of the alert's route
	Schedule  string        // whoever is on duty by it; "": nobody
	People    []notify.Person
}

// Reach says how a receiver reaches one person.
type Reach struct {
	Contact string // the kind of contact that the person must have; "": it tells anybody by name
	Alone   bool   // nobody else hears of it
}

// Budget bounds how many messages a receiver gets.
type Budget struct {
	Pages    int           // that wake somebody; 0: any number
	Messages int           // others; 0: any number
	Per      time.Duration // 0: an hour
}

// People returns whom a step is for at a moment, those on duty first.
func (p *Policy) People(s *Step, at time.Time) []notify.Person {
	var out []notify.Person
	if schedule := p.Schedules[s.Schedule]; schedule != nil {
		for _, on := range schedule.OnDuty(at) {
			out = append(out, PersonOf(on))
		}
	}
	return append(out, s.People...)
}

// PersonOf returns a person as messages name them.
func PersonOf(p oncall.Person) notify.Person {
	name := p.FullName
	if name == "" {
		name = p.Name
	}
	return notify.Person{Name: name, Addresses: p.Contacts}
}

// quietUntil returns when quiet hours of a level end, at itself where there are
// none.
func (p *Policy) quietUntil(level rules.Level, at time.Time) time.Time {
	if until, quiet := p.Quiet.Until(level, at); quiet {
		return until
	}
	return at
}

// DigestAfter returns the first time for a digest after a moment.
func (p *Policy) DigestAfter(at time.Time) time.Time {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	for day := 0; ; day++ {
		t := time.Date(local.Year(), local.Month(), local.Day()+day, 0, int(p.Digest/time.Minute), 0, 0, zone)
		if t.After(at) {
			return t.UTC()
		}
	}
}

// paging reports whether an urgency is one that wakes people.
func paging(u alerting.Urgency) bool {
	return u == alerting.UrgencyPage || u == alerting.UrgencySRE || u == alerting.UrgencyHours
}
