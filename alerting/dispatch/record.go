package dispatch

import (
	"slices"
	"time"

	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// Version is the version of the stored forms here, their "v".
const Version = 1

// Record is what is stored of an incident: what it is, and who was told what.
// Its JSON is the stored form, version Version; times are RFC 3339 in UTC,
// absent when zero.
type Record struct {
	V        int                `json:"v"`
	Incident *incident.Incident `json:"incident"`
	// Told are the receivers that were told, or wait to be, sorted by name.
	Told []Told `json:"told,omitempty"`
	// Since is when the escalation began that Steps counts the steps of.
	Since time.Time `json:"since,omitzero"`
	Steps int       `json:"steps,omitempty"`
	// Policy and Firing are what Steps are of: another escalation, or the
	// incident firing anew, begins at the first step.
	Policy string    `json:"policy,omitempty"`
	Firing time.Time `json:"firing,omitzero"`
	// Muted are members, by place, that nobody is told of any more: they ended
	// while they were silenced or inhibited.
	Muted []int `json:"muted,omitempty"`
	// Given are those whose matter members were made, as far as they were looked
	// at; whoever could be told was.
	Given []Given `json:"given,omitempty"`
	// Base is above how many messages any receiver was sent of an incident with this
	// id whose document was lost: keys of messages are not used again.
	Base int `json:"base,omitempty"`
	// Closed says that the incident is over for good: nothing changes any more.
	Closed bool `json:"closed,omitempty"`
	// Pending are messages that were decided and may not be queued yet.
	Pending []notify.Message `json:"pending,omitempty"`
}

// Given says whose matter a member was made.
type Given struct {
	Member int    `json:"member"` // by place
	To     string `json:"to"`
}

// Told is what one receiver knows of an incident.
type Told struct {
	Receiver string      `json:"receiver"`
	N        int         `json:"n,omitempty"` // messages so far
	At       time.Time   `json:"at,omitzero"` // of the newest that asks for somebody
	Level    rules.Level `json:"level,omitempty"`
	Members  []int       `json:"members,omitempty"` // told of, by place
	Open     bool        `json:"open,omitempty"`    // it believes that the incident is not over
	Acked    bool        `json:"acked,omitempty"`   // and that somebody is on it
	Page     bool        `json:"page,omitempty"`    // it was paged, not only told
	// Held is since when messages are above its budget; the summary tells of
	// them.
	Held time.Time `json:"held,omitzero"`
	// Digest is since when it waits for the next digest.
	Digest time.Time `json:"digest,omitzero"`
	// Critical are accounts of critical alerts that it was told of.
	Critical []string `json:"critical,omitempty"`
}

// knows reports whether the receiver was told of a member, be it in a summary.
func (t *Told) knows(member int) bool { return slices.Contains(t.Members, member) }

// told returns what a receiver knows, making its place where it has none.
func (r *Record) told(receiver string) *Told {
	i, ok := slices.BinarySearchFunc(r.Told, receiver, func(t Told, name string) int {
		return compare(t.Receiver, name)
	})
	if !ok {
		r.Told = slices.Insert(r.Told, i, Told{Receiver: receiver, N: r.Base})
	}
	return &r.Told[i]
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// clone returns a copy that shares nothing that changes.
func (r *Record) clone() *Record {
	out := *r
	in := r.Incident.Clone()
	out.Incident = &in
	out.Told = slices.Clone(r.Told)
	for i := range out.Told {
		t := &out.Told[i]
		t.Members, t.Critical = slices.Clone(t.Members), slices.Clone(t.Critical)
	}
	out.Muted, out.Given, out.Pending = slices.Clone(r.Muted), slices.Clone(r.Given), slices.Clone(r.Pending)
	return &out
}

// Desk is what is stored of a receiver beside its incidents: how much it was
// told of late, and the summaries. Its JSON is the stored form, version Version.
type Desk struct {
	V        int    `json:"v"`
	Receiver string `json:"receiver"`
	// Pages and Messages are when the newest were told, oldest first, as many as
	// the budget counts.
	Pages    []time.Time      `json:"pages,omitempty"`
	Messages []time.Time      `json:"messages,omitempty"`
	Storm    *Storm           `json:"storm,omitempty"` // nil: there is none
	Digest   time.Time        `json:"digest,omitzero"` // of the newest digest
	Pending  []notify.Message `json:"pending,omitempty"`
}

// Storm is a time in which a receiver's budget does not do.
type Storm struct {
	Began time.Time `json:"began"`
	Last  time.Time `json:"last"`           // when a message was held back, the last time
	Told  time.Time `json:"told,omitzero"`  // of the newest summary
	N     int       `json:"n,omitempty"`    // summaries so far
	Page  bool      `json:"page,omitempty"` // pages were held back, not only messages
	// Count are the incidents that were held back as of the newest summary.
	Count int `json:"count,omitempty"`
}

func (d *Desk) clone() *Desk {
	out := *d
	out.Pages, out.Messages, out.Pending = slices.Clone(d.Pages), slices.Clone(d.Messages), slices.Clone(d.Pending)
	if d.Storm != nil {
		storm := *d.Storm
		out.Storm = &storm
	}
	return &out
}
