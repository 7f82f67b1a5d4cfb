package dispatch

import (
	"maps"
	"slices"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

const (
	// updateEvery is how long a receiver is left alone with more alerts of an
	// incident that it knows of, unless they are of a higher level.
	updateEvery = 5 * time.Minute
	// flapping is how often an incident must have come again by itself, since a
	// person ended it last, for the next times to be held back.
	flapping = 2
)

// wish is what a receiver should know of an incident by now.
type wish struct {
	receiver string
	members  []int // that it is to be told of, by place
	fresh    []int // of these, those that it was not told of
	page     bool
	level    rules.Level // the highest of members
}

// outlook gathers what is to be told of one incident at one moment.
type outlook struct {
	c      *Core
	r      *Record
	now    time.Time
	next   time.Time // when things will look otherwise; zero: never
	wishes map[string]*wish
	// policy is the escalation of the most pressing alert that waits.
	policy  string
	pressed *incident.Member
	targets []string // receivers of its route
	held    map[withheld]struct{}
	out     []notify.Message
}

// by notes a moment at which to look again.
func (o *outlook) by(at time.Time) {
	if at.After(o.now) && (o.next.IsZero() || at.Before(o.next)) {
		o.next = at
	}
}

// decide tells receivers what they should know of an incident and do not.
// It compares the two rather than follow what happened, so that after a crash or
// a silence what is missing is told, and nothing else.
func (c *Core) decide(r *Record, now time.Time) []notify.Message {
	id := r.Incident.ID
	o := &outlook{c: c, r: r, now: now, wishes: map[string]*wish{}}
	for i := range r.Incident.Members {
		o.member(i)
	}
	o.escalation()
	for _, name := range slices.Sorted(maps.Keys(o.wishes)) {
		o.begin(o.wishes[name])
	}
	o.escalate()
	o.assigned()
	for i := range r.Told {
		o.follow(&r.Told[i])
	}
	o.overBudget()
	c.holds(id, o.held)
	if len(o.out) > 0 {
		r.Pending = append(r.Pending, o.out...)
		c.dirty[ofIncident+id] = struct{}{}
	}
	c.rest(o)
	return o.out
}

// rest says when to look at an incident again, or closes it.
func (c *Core) rest(o *outlook) {
	in := o.r.Incident
	switch {
	case in.State != alerting.Resolved:
	case c.book.Over(in, o.now) && !c.needed(o.r) && o.next.IsZero():
		o.r.Closed = true
		c.dirty[ofIncident+in.ID] = struct{}{}
		c.wakes.set(ofIncident+in.ID, time.Time{})
		return
	default: // where more is needed than time, what is needed wakes it
		o.by(in.Ended.Add(c.policy.window()).Add(time.Second))
	}
	c.wakes.set(ofIncident+in.ID, o.next)
}

// member adds what is to be told of one alert.
func (o *outlook) member(i int) {
	m := &o.r.Incident.Members[i]
	if m.Observes || m.State == alerting.Acknowledged || m.ByHand || slices.Contains(o.r.Muted, i) {
		return
	}
	if !m.Denied && o.quiet(i) { // whoever silenced it did not know that
		if m.State == alerting.Resolved {
			o.mute(i)
		}
		return
	}
	damped := o.damped(i)
	if damped && m.State == alerting.Resolved {
		o.mute(i)
		return
	}
	urgency := o.c.urgency(m, o.now)
	for _, t := range o.c.policy.Root.Targets(m.Labels, urgency) {
		switch urgency {
		case alerting.UrgencyNone:
		case alerting.UrgencyDigest:
			o.digest(i, t.Receivers)
		case alerting.UrgencyPage, alerting.UrgencyHours, alerting.UrgencyChat, alerting.UrgencySRE:
			o.want(i, urgency, &t, damped)
		}
	}
}

// quiet reports whether nobody is told of an alert for now.
func (o *outlook) quiet(i int) bool {
	m := &o.r.Incident.Members[i]
	if o.c.silences != nil {
		if s, silenced := o.c.silences.Silenced(m.Labels, o.now); silenced {
			o.by(s.End)
			o.hold(i, HeldSilenced)
			return true
		}
	}
	if !o.c.inhibit.inhibited(m) {
		return false
	}
	o.hold(i, HeldInhibited)
	return true
}

func (o *outlook) mute(i int) {
	o.r.Muted = append(o.r.Muted, i)
	o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
}

// damped reports whether an alert flaps: its incident came again more than once
// by itself, and has not been firing for long enough to be believed; and it or another of
// the same rule and account is in it for another time. What is more pressing than
// all that was told of the incident is not held back.
func (o *outlook) damped(i int) bool {
	in := o.r.Incident
	m := &in.Members[i]
	again := m.Openings > 1 || slices.ContainsFunc(in.Members[:i], func(n incident.Member) bool { return n.Rule == m.Rule && n.Account == m.Account })
	if !again || in.Flaps < flapping || !slices.ContainsFunc(o.r.Told, func(t Told) bool { return t.Level.Rank() >= m.Level.Rank() && t.Level != "" }) {
		return false
	}
	return in.State == alerting.Resolved || o.now.Before(in.Firing.Add(o.c.policy.FlapQuiet))
}

// want has the receivers of a target know of an alert, once it is time.
func (o *outlook) want(i int, urgency alerting.Urgency, t *Target, damped bool) {
	m := &o.r.Incident.Members[i]
	due, why := o.now, HeldRoute
	if t.Wait > 0 {
		due = m.Opened.Add(t.Wait)
	}
	if damped {
		due, why = o.r.Incident.Firing.Add(o.c.policy.FlapQuiet), HeldFlapping
	}
	if urgency == alerting.UrgencyHours {
		if opens := o.c.opens(m.Account, o.now); opens.After(due) {
			due, why = opens, HeldWorkingHours
		}
	}
	if quiet := o.c.policy.quietUntil(m.Level, o.now); quiet.After(due) {
		due, why = quiet, HeldQuietHours
	}
	if due.After(o.now) {
		o.hold(i, why)
		o.by(due)
		return
	}
	page := paging(urgency)
	if page && m.State == alerting.Firing && o.presses(m, t) {
		o.pressed, o.policy, o.targets = m, t.Escalation, t.Receivers
	}
	for _, name := range t.Receivers {
		o.add(name, i, page)
	}
}

// presses reports whether the escalation of a target comes before the one so
// far: any before none, then the higher level.
func (o *outlook) presses(m *incident.Member, t *Target) bool {
	has, had := len(o.c.policy.Escalation[t.Escalation].Steps) > 0, len(o.steps()) > 0
	if o.pressed == nil || has != had {
		return o.pressed == nil || has
	}
	return m.Level.Rank() > o.pressed.Level.Rank()
}

// add has one receiver know of a member.
func (o *outlook) add(receiver string, i int, page bool) {
	w := o.wishes[receiver]
	if w == nil {
		w = &wish{receiver: receiver}
		o.wishes[receiver] = w
	}
	if slices.Contains(w.members, i) {
		w.page = w.page || page
		return
	}
	m := &o.r.Incident.Members[i]
	t := o.r.told(receiver)
	if m.State == alerting.Resolved && (t.knows(i) || m.Openings > 1) {
		return // it is over, and nothing new
	}
	w.members, w.page = append(w.members, i), w.page || page
	if m.Level.Rank() > w.level.Rank() || w.level == "" {
		w.level = m.Level
	}
	if !t.knows(i) {
		w.fresh = append(w.fresh, i)
	}
}

// digest has receivers told of an alert in their next digest.
func (o *outlook) digest(i int, receivers []string) {
	for _, name := range receivers {
		t := o.r.told(name)
		if t.knows(i) {
			continue
		}
		t.Members = append(t.Members, i)
		t.Digest = later(o.now, o.c.desk(name).Digest.Add(1)) // also where the clock was turned back
		o.c.desk(name).digest[o.r.Incident.ID] = struct{}{}
		o.c.dirty[ofIncident+o.r.Incident.ID] = struct{}{}
	}
}

// begin tells a receiver what it does not know of an incident.
func (o *outlook) begin(w *wish) {
	t := o.r.told(w.receiver)
	risen := t.Level == "" || w.level.Rank() > t.Level.Rank()
	if len(w.members) == 0 || len(w.fresh) == 0 && !risen {
		return
	}
	kind := notify.Opened
	if t.Open {
		kind = notify.Updated
		// Who believes that somebody is on it is told at once that it waits again.
		if due := t.At.Add(updateEvery); !risen && !t.Acked && o.r.Incident.State != alerting.Resolved && due.After(o.now) && t.At.Before(o.now.Add(updateEvery)) {
			o.by(due)
			return
		}
	}
	o.send(t, w, kind, o.onStep(w.receiver))
}

// follow tells a receiver how an incident that it knows of goes on.
func (o *outlook) follow(t *Told) {
	in := o.r.Incident
	if !t.Open {
		return
	}
	switch in.State {
	case alerting.Acknowledged:
		if !t.Acked {
			t.Acked = true
			o.emit(t, notify.Acknowledged, nil)
		}
	case alerting.Resolved:
		due := in.Ended
		if in.Flaps > 0 && !in.ByHand() {
			due = due.Add(o.c.policy.FlapQuiet)
		}
		if due.After(o.now) {
			o.by(due)
			return
		}
		t.Open, t.Acked = false, false
		o.emit(t, notify.Resolved, nil)
	case alerting.Firing:
		o.repeat(t)
	}
}

// repeat reminds a receiver of an incident that waits for somebody.
func (o *outlook) repeat(t *Told) {
	every := o.c.policy.Repeat[o.r.Incident.Level]
	w := o.wishes[t.Receiver]
	if every == 0 || !t.Page || w == nil || len(w.members) == 0 || o.pressed == nil {
		return
	}
	due := t.At.Add(every)
	if t.At.After(o.now.Add(every)) { // the clock was turned back
		due = o.now
	}
	due = later(due, o.c.policy.quietUntil(o.r.Incident.Level, o.now))
	if due.After(o.now) {
		o.by(due)
		return
	}
	o.send(t, w, notify.Repeated, o.onStep(t.Receiver))
	o.by(o.now.Add(every))
}

// send tells a receiver, or holds it back where its budget does not do.
func (o *outlook) send(t *Told, w *wish, kind notify.Kind, people []notify.Person) {
	c, id := o.c, o.r.Incident.ID
	d := c.desk(t.Receiver)
	accounts := o.criticals(w.members)
	for _, i := range w.members {
		if !t.knows(i) {
			t.Members = append(t.Members, i)
		}
	}
	if t.Level == "" || w.level.Rank() > t.Level.Rank() || kind == notify.Opened {
		t.Level = w.level
	}
	t.At = o.now
	c.dirty[ofIncident+id], c.dirty[ofDesk+t.Receiver] = struct{}{}, struct{}{}
	first := slices.ContainsFunc(accounts, func(a string) bool { return d.critical[a] == 0 })
	escalates := kind == notify.Escalated && slices.ContainsFunc(o.r.Told, func(t Told) bool { return t.Open })
	if !first && !escalates && !d.room(&c.policy.Budget, w.page, o.now) {
		d.hold(w.page, o.now)
		t.Held = later(o.now, d.Storm.Began)
		d.held[id] = struct{}{}
		c.wakes.set(ofDesk+t.Receiver, d.due())
		return
	}
	d.spend(&c.policy.Budget, w.page, o.now)
	for _, a := range accounts {
		if !slices.Contains(t.Critical, a) {
			t.Critical = append(t.Critical, a)
			d.critical[a]++
		}
	}
	t.Held = time.Time{} // it is told for itself now
	delete(d.held, id)
	t.Open, t.Acked, t.Page = true, false, t.Page || w.page
	o.emit(t, kind, people)
}

// criticals returns the accounts of critical members.
func (o *outlook) criticals(members []int) []string {
	var out []string
	for _, i := range members {
		m := &o.r.Incident.Members[i]
		if m.Level != rules.Critical {
			continue
		}
		accounts := m.Labels[match.Accounts]
		if len(accounts) == 0 {
			accounts = []string{m.Subject}
		}
		for _, a := range accounts {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (p *Policy) window() time.Duration {
	if p.Incidents.Window == 0 {
		return incident.DefaultWindow
	}
	return p.Incidents.Window
}
