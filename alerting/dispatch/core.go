package dispatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/alerting/silence"
	"github.com/picketd/picket/rules"
)

// Silences says which alerts nobody is told of; *silence.Set implements it.
type Silences interface {
	Silenced(labels match.Set, at time.Time) (silence.Silence, bool)
}

// mostAtOnce is above how many messages one receiver can be sent of an incident
// by one document of it.
const mostAtOnce = 8

// Event is what a Core is told.
type Event struct {
	// Alerts are newest revisions of alerts, in the order of the store; those in
	// between need not be among them.
	Alerts []alerting.Alert
	// Mark is the store's sequence up to which alerts have been applied, these
	// included.
	Mark uint64
	// Silences says that silences have changed.
	Silences bool
}

// Core decides who is told what and when. It does no I/O and reads no clock:
// the same events at the same times make the same messages. It is not for
// concurrent use.
type Core struct {
	policy   *Policy
	dir      alerting.Directory // may be nil
	silences Silences           // may be nil

	book    *incident.Book
	records map[string]*Record
	desks   map[string]*desk
	inhibit *inhibitors
	wakes   wakes
	touched map[string]struct{}
	dirty   map[string]struct{} // keys of documents
	mark    uint64
	lost    map[string]uint64
	hours   map[string]hours // by account, as far as asked

	held     map[string]map[withheld]struct{} // what is held back, by incident
	loaded   map[string]struct{}              // incidents of which it is not known yet what was held back
	withheld map[Reason]int                   // sums of held
	begun    []Reason                         // see Withheld
}

// hours is when working hours begin, as asked at a moment.
type hours struct{ asked, open time.Time }

// opens returns when the working hours of an account begin after a moment, the
// moment itself where nobody knows. Asking the calendar takes long, and a storm
// asks for each of its alerts.
func (c *Core) opens(account string, at time.Time) time.Time {
	if h := c.hours[account]; !at.Before(h.asked) && at.Before(h.open) {
		return h.open
	}
	info := c.info(account)
	open, ok := info.Opens(at)
	if !ok {
		return at
	}
	c.hours[account] = hours{at, open}
	return open
}

// desk is a Desk with the incidents that it has to do with.
type desk struct {
	Desk

	held     map[string]struct{} // incidents with a message above the budget
	digest   map[string]struct{} // incidents that wait for the digest
	critical map[string]int      // incidents of which it knows a critical alert, by account
}

// Keys of documents and wakes: "i" or "d", and the incident's id or the
// receiver.
const (
	ofIncident = "i"
	ofDesk     = "d"
	ofMark     = "m"
)

// NewCore returns a Core that knows of no incident; see Load.
func NewCore(policy *Policy, dir alerting.Directory, silences Silences) *Core {
	return &Core{
		policy: policy, dir: dir, silences: silences, book: incident.NewBook(policy.Incidents),
		records: map[string]*Record{}, desks: map[string]*desk{}, inhibit: newInhibitors(policy.Inhibit),
		touched: map[string]struct{}{}, dirty: map[string]struct{}{}, hours: map[string]hours{},
		held: map[string]map[withheld]struct{}{}, loaded: map[string]struct{}{}, withheld: map[Reason]int{},
	}
}

// Load takes what was stored, before the first event. What is pending in it is
// to be queued again; see Unqueued.
func (c *Core) Load(s Stored) {
	c.mark, c.lost = s.Mark, s.Lost
	for i := range s.Desks {
		d := c.desk(s.Desks[i].Receiver)
		d.Desk = *s.Desks[i].clone()
	}
	c.mourn(&s)
	for i := range s.Records {
		r := s.Records[i].clone()
		c.records[r.Incident.ID] = r
		c.book.Put(r.Incident)
		c.inhibit.put(r.Incident)
		c.relate(r)
		c.loaded[r.Incident.ID] = struct{}{}
		c.touched[r.Incident.ID] = struct{}{}
	}
}

// mourn makes up what receivers whose desks are lost are owed: nobody knows any
// more which incidents a summary has told of, so another one tells of all that were
// ever held back. That is told twice at most, and otherwise never.
func (c *Core) mourn(s *Stored) {
	for receiver, times := range s.LostDesks {
		d := c.desk(receiver)
		for i := range s.Records {
			for _, t := range s.Records[i].Told {
				if t.Receiver != receiver || t.Held.IsZero() {
					continue
				}
				if d.Storm == nil { // keys of its summaries are not used again
					d.Storm = &Storm{Began: t.Held, Last: t.Held, N: int(times) * mostAtOnce} //nolint:gosec // a sequence
				}
				d.Storm.Began = earlier(d.Storm.Began, t.Held)
				d.Storm.Last = later(d.Storm.Last, t.Held)
				d.Storm.Page = d.Storm.Page || paging(c.urgency(s.Records[i].Incident.Lead(), t.Held))
			}
		}
		c.dirty[ofDesk+receiver] = struct{}{}
	}
}

// Configure puts another policy in force.
func (c *Core) Configure(policy *Policy) {
	c.policy = policy
	clear(c.hours)
	c.book.Configure(policy.Incidents)
	c.inhibit = newInhibitors(policy.Inhibit)
	for _, id := range c.book.IDs() {
		c.inhibit.put(c.book.Get(id))
	}
	c.touchAll()
}

func (c *Core) touchAll() {
	for id := range c.records {
		c.touched[id] = struct{}{}
	}
}

// Next returns when Apply is to be called again though nothing happens: the
// beginning of 1970 for at once, zero for never.
func (c *Core) Next() time.Time {
	if len(c.touched) > 0 {
		return time.Unix(0, 0)
	}
	return c.wakes.next()
}

// Mark is the sequence of the alert store up to which alerts are applied.
func (c *Core) Mark() uint64 { return c.mark }

// Apply takes what happened and returns the messages that it decides, in order.
// They are also pending in the documents that Dirty returns.
func (c *Core) Apply(ev Event, now time.Time) []notify.Message {
	for i := range ev.Alerts {
		c.alert(&ev.Alerts[i])
	}
	if ev.Mark > c.mark {
		c.mark = ev.Mark
	}
	if ev.Silences {
		c.touchAll()
	}
	receivers := map[string]struct{}{}
	for _, key := range c.wakes.due(now) {
		if id, ok := strings.CutPrefix(key, ofDesk); ok {
			receivers[id] = struct{}{}
			continue
		}
		c.touched[key[len(ofIncident):]] = struct{}{}
	}
	var out []notify.Message
	for _, r := range c.order() {
		out = append(out, c.decide(r, now)...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.desks)) {
		d := c.desks[name]
		if _, due := receivers[name]; due || d.Storm != nil || len(d.digest) > 0 {
			out = append(out, c.summarise(d, now)...)
		}
	}
	return out
}

// alert takes a revision of an alert.
func (c *Core) alert(a *alerting.Alert) {
	ch := c.book.Apply(a, c.dir)
	if ch.Incident == nil || !ch.Material {
		return // a count alone is worth no document
	}
	id := ch.Incident.ID
	r := c.records[id]
	if r == nil {
		r = &Record{V: Version, Incident: ch.Incident, Base: int(c.lost[id]) * mostAtOnce} //nolint:gosec // a sequence
		c.records[id] = r
	}
	if ch.Began {
		r.again(ch.Member)
	}
	for other := range c.inhibit.put(ch.Incident) {
		c.touched[other] = struct{}{}
	}
	c.touched[id] = struct{}{}
	c.dirty[ofIncident+id] = struct{}{}
}

// again says that a member is to be told anew.
func (r *Record) again(member int) {
	is := func(i int) bool { return i == member }
	r.Muted = slices.DeleteFunc(r.Muted, is)
	for i := range r.Told {
		r.Told[i].Members = slices.DeleteFunc(r.Told[i].Members, is)
	}
}

// order returns the records that were touched, the most pressing first: where a
// budget does not do for all, it is theirs.
func (c *Core) order() []*Record {
	out := make([]*Record, 0, len(c.touched))
	for id := range c.touched {
		if r := c.records[id]; r != nil {
			out = append(out, r)
		}
	}
	clear(c.touched)
	slices.SortFunc(out, func(x, y *Record) int {
		a, b := x.Incident, y.Incident
		return cmp.Or(b.Level.Rank()-a.Level.Rank(), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// desk returns what is known of a receiver.
func (c *Core) desk(receiver string) *desk {
	d := c.desks[receiver]
	if d == nil {
		d = &desk{
			Desk: Desk{V: Version, Receiver: receiver},
			held: map[string]struct{}{}, digest: map[string]struct{}{}, critical: map[string]int{},
		}
		c.desks[receiver] = d
	}
	return d
}

// relate has the desks know what an incident has to do with them.
func (c *Core) relate(r *Record) {
	for i := range r.Told {
		t := &r.Told[i]
		d := c.desk(t.Receiver)
		if d.Storm != nil && !t.Held.Before(d.Storm.Began) {
			d.held[r.Incident.ID] = struct{}{}
		}
		if t.Digest.After(d.Digest) {
			d.digest[r.Incident.ID] = struct{}{}
		}
		for _, account := range t.Critical {
			d.critical[account]++
		}
	}
}

// needed reports whether a record has to stay at hand though its incident is
// over: somebody is still to be told something of it.
func (c *Core) needed(r *Record) bool {
	for i := range r.Told {
		t := &r.Told[i]
		d := c.desk(t.Receiver)
		if t.Open || t.Digest.After(d.Digest) || d.Storm != nil && !t.Held.Before(d.Storm.Began) {
			return true
		}
	}
	return len(r.Pending) > 0
}

// close forgets an incident that is over, once its last document is stored.
func (c *Core) close(r *Record) {
	id := r.Incident.ID
	c.book.Forget(id)
	c.inhibit.drop(id)
	for i := range r.Incident.Members { // one that came again is a source still
		if in := c.book.Of(r.Incident.Members[i].Alert); in != nil {
			c.inhibit.put(in)
		}
	}
	c.wakes.set(ofIncident+id, time.Time{})
	c.holds(id, nil)
	delete(c.records, id)
	for i := range r.Told {
		t := &r.Told[i]
		d := c.desk(t.Receiver)
		delete(d.held, id)
		delete(d.digest, id)
		for _, account := range t.Critical {
			if d.critical[account]--; d.critical[account] == 0 {
				delete(d.critical, account)
			}
		}
	}
}

// info is what is known of an account.
func (c *Core) info(account string) alerting.AccountInfo {
	var info alerting.AccountInfo
	if c.dir != nil {
		info, _ = c.dir.Account(account)
	}
	return info
}

// urgency says how urgently a member is told at a moment.
func (c *Core) urgency(m *incident.Member, at time.Time) alerting.Urgency {
	a := alerting.Alert{Rule: alerting.Rule{Level: m.Level, Mode: rules.Enforce, Tags: m.Labels[match.Tag]}}
	if m.Observes {
		a.Rule.Mode = rules.Observe
	}
	if m.Denied {
		a.Answered = &alerting.Answer{}
	}
	return alerting.UrgencyOf(&a, c.info(m.Account), at)
}

// Knows reports whether an alert is in an incident that may still change.
func (c *Core) Knows(alert string) bool { return c.book.Of(alert) != nil }
