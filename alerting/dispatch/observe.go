package dispatch

import (
	"maps"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Observer is told what is decided, for counting. Calls must not block. Of
// several dispatchers on a store the one that decides tells.
type Observer interface {
	// Incidents tells which incidents may still change; nil where another
	// dispatcher decides.
	Incidents(counts []Count)
	// Withheld tells of how many alerts that wait for somebody a receiver is not
	// told for now, by the reason; nil where another dispatcher decides.
	Withheld(alerts map[Reason]int)
	// Held is told of each alert that begins to be withheld.
	Held(why Reason)
	// Decided is told of each message, once it is queued.
	Decided(kind notify.Kind, urgency alerting.Urgency)
}

// Count is how many incidents are in one state at one level.
type Count struct {
	State alerting.State
	Level rules.Level
	N     int
}

// Reason is why a receiver is not told of an alert for now.
type Reason string

// The reasons.
const (
	HeldSilenced     Reason = "silenced"
	HeldInhibited    Reason = "inhibited"     // another alert explains it
	HeldFlapping     Reason = "flapping"      // its incident came again and again
	HeldQuietHours   Reason = "quiet_hours"   // of the configuration
	HeldWorkingHours Reason = "working_hours" // it waits for those of its account
	HeldRoute        Reason = "route"         // its route waits
	HeldBudget       Reason = "budget"        // above it; a summary tells
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{HeldSilenced, HeldInhibited, HeldFlapping, HeldQuietHours, HeldWorkingHours, HeldRoute, HeldBudget}
}

// withheld is a member of an incident, by place, and why it is held back.
type withheld struct {
	member int
	why    Reason
}

// hold notes that a receiver is not told of a member for now. What is over waits
// for nobody.
func (o *outlook) hold(i int, why Reason) {
	if o.r.Incident.Members[i].State != alerting.Firing {
		return
	}
	if o.held == nil {
		o.held = map[withheld]struct{}{}
	}
	o.held[withheld{i, why}] = struct{}{}
}

// overBudget notes what receivers are told in a summary alone.
func (o *outlook) overBudget() {
	for i := range o.r.Told {
		t := &o.r.Told[i]
		if _, held := o.c.desk(t.Receiver).held[o.r.Incident.ID]; !held {
			continue
		}
		for _, member := range t.Members {
			o.hold(member, HeldBudget)
		}
	}
}

// holds takes in what is held back of an incident by now. What was held back
// already before this dispatcher began is not told as new.
func (c *Core) holds(id string, now map[withheld]struct{}) {
	before := c.held[id]
	_, loaded := c.loaded[id]
	delete(c.loaded, id)
	for h := range now {
		if _, was := before[h]; was {
			continue
		}
		c.withheld[h.why]++
		if !loaded {
			c.begun = append(c.begun, h.why)
		}
	}
	for h := range before {
		if _, is := now[h]; !is {
			c.withheld[h.why]--
		}
	}
	if len(now) == 0 {
		delete(c.held, id)
		return
	}
	c.held[id] = now
}

// Counts returns which incidents may still change, zeros left out.
func (c *Core) Counts() []Count {
	type key struct {
		state alerting.State
		level rules.Level
	}
	n := map[key]int{}
	for _, r := range c.records {
		n[key{r.Incident.State, r.Incident.Level}]++
	}
	out := make([]Count, 0, len(n))
	for k, v := range n {
		out = append(out, Count{k.state, k.level, v})
	}
	return out
}

// Withheld returns of how many alerts a receiver is not told for now, and why
// for each of which that has begun since it was asked last.
func (c *Core) Withheld() (alerts map[Reason]int, begun []Reason) {
	begun, c.begun = c.begun, nil
	return maps.Clone(c.withheld), begun
}

// report tells the observer how things are.
func (s *session) report() {
	alerts, begun := s.core.Withheld()
	o := s.cfg.Observer
	if o == nil {
		return
	}
	o.Incidents(s.core.Counts())
	o.Withheld(alerts)
	for _, why := range begun {
		o.Held(why)
	}
}
