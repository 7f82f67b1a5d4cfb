package dispatch

import (
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
)

// escalation begins or ends the escalation of an incident, and has the receivers
// of steps that come at once told with those of the route.
func (o *outlook) escalation() {
	if o.pressed == nil || o.r.Incident.State != alerting.Firing {
		if !o.r.Since.IsZero() {
			o.r.Since, o.r.Steps = time.Time{}, 0
			o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
		}
		return
	}
	steps := o.steps()
	firing := o.r.Incident.Firing
	if o.r.Firing.IsZero() { // of an older version
		o.r.Policy, o.r.Firing = o.policy, firing
	}
	if o.r.Since.IsZero() || o.r.Policy != o.policy || !o.r.Firing.Equal(firing) {
		o.r.Since, o.r.Steps, o.r.Policy, o.r.Firing = o.now, 0, o.policy, firing
		for o.r.Steps < len(steps) && steps[o.r.Steps].After == 0 {
			o.r.Steps++
		}
		o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
	}
	for i := range steps[:min(o.r.Steps, len(steps))] {
		for _, name := range steps[i].Receivers {
			o.share(name)
		}
	}
}

// share has a receiver know of all that page by now.
func (o *outlook) share(receiver string) {
	for i := range o.r.Incident.Members {
		for _, name := range o.targets {
			if w := o.wishes[name]; name != receiver && w != nil && slices.Contains(w.members, i) {
				o.add(receiver, i, w.page)
			}
		}
	}
}

func (o *outlook) steps() []Step { return o.c.policy.Escalation[o.policy].Steps }

// escalate takes the steps whose time has come.
func (o *outlook) escalate() {
	if o.r.Since.IsZero() {
		return
	}
	steps := o.steps()
	for o.r.Steps < len(steps) {
		s := &steps[o.r.Steps]
		due := o.stepDue(s)
		if due.After(o.now) {
			o.by(due)
			return
		}
		o.r.Steps++
		o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
		receivers := s.Receivers
		if len(receivers) == 0 {
			receivers = o.targets
		}
		for _, name := range receivers {
			o.share(name)
			if w := o.wishes[name]; w != nil && len(w.members) > 0 {
				o.send(o.r.told(name), w, notify.Escalated, o.c.policy.People(s, o.now))
			}
		}
	}
}

// stepDue is when a step is taken: in quiet hours not before they end.
func (o *outlook) stepDue(s *Step) time.Time {
	due := o.r.Since.Add(s.After)
	if o.r.Since.After(o.now) { // the clock was turned back
		due = o.now.Add(s.After)
	}
	return later(due, o.c.policy.quietUntil(o.r.Incident.Level, later(due, o.now)))
}

// onStep returns whom a message to a receiver is for: the people of the newest
// step that was taken and tells this receiver.
func (o *outlook) onStep(receiver string) []notify.Person {
	steps := o.steps()
	for i := min(o.r.Steps, len(steps)) - 1; i >= 0; i-- {
		s := &steps[i]
		tells := slices.Contains(s.Receivers, receiver) || len(s.Receivers) == 0 && slices.Contains(o.targets, receiver)
		if people := o.c.policy.People(s, o.now); tells && len(people) > 0 {
			return people
		}
	}
	return nil
}

// foretell says who is told next and when, "escalates at 03:23 to Jane"; "" where
// no escalation is configured.
func (o *outlook) foretell() string {
	steps := o.steps()
	switch {
	case o.policy == "" || len(steps) == 0 || o.r.Incident.State != alerting.Firing:
		return ""
	case o.r.Steps >= len(steps):
		return nobodyLeft
	}
	s := &steps[o.r.Steps]
	zone := o.c.info(o.r.Incident.Lead().Account).TimeZone
	return o.c.policy.foretell(s, o.stepDue(s), o.targets, clockOf(zone, o.now))
}

// nobodyLeft says that all steps of an escalation are taken.
const nobodyLeft = "nobody is left to escalate to"

// foretell says when a step is taken and whom it tells.
func (p *Policy) foretell(s *Step, at time.Time, receivers []string, clock func(time.Time) string) string {
	var names []string
	for _, person := range p.People(s, at) {
		names = append(names, person.Name)
	}
	if len(names) == 0 && s.Schedule != "" {
		names = []string{"nobody on duty (" + s.Schedule + ")"}
	}
	names = append(names, s.Receivers...)
	if len(names) == 0 {
		names = receivers
	}
	return "escalates at " + clock(at) + " to " + strings.Join(names, ", ")
}

// Foretell says who is told next and when of an alert that has been firing since a
// moment, as far as the configuration alone knows: "escalates at 03:23 to Jane";
// "" where no escalation is configured for it.
func (p *Policy) Foretell(labels match.Set, urgency alerting.Urgency, since, now time.Time, zone *time.Location) string {
	for _, t := range p.Root.Targets(labels, urgency) {
		steps := p.Escalation[t.Escalation].Steps
		if len(steps) == 0 || len(t.Receivers) == 0 {
			continue
		}
		for i := range steps {
			if at := since.Add(steps[i].After); steps[i].After > 0 && at.After(now) {
				return p.foretell(&steps[i], at, t.Receivers, clockOf(zone, now))
			}
		}
		return nobodyLeft
	}
	return ""
}

func clockOf(zone *time.Location, today time.Time) func(time.Time) string {
	return func(t time.Time) string { return alerting.Clock(t, zone, today) }
}
