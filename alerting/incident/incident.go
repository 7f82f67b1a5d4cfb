package incident

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/rules"
)

// Version is the version of an incident's stored form, its "v".
const Version = 1

// Bounds of an incident.
const (
	MaxMembers  = 100 // alerts
	MaxTimeline = 64  // entries: the first and the newest
	maxSubjects = 64
	// maxLabels bounds the labels of all members, in bytes of JSON. Others choose
	// the values of what rules group by, and an incident is stored in one message.
	maxLabels = 256 << 10
)

// Incident is what belongs together. Its JSON is the stored form, version
// Version; times are RFC 3339 in UTC, absent when zero.
type Incident struct {
	V       int            `json:"v"`
	ID      string         `json:"id"` // the first alert's, and when it began
	State   alerting.State `json:"state"`
	Level   rules.Level    `json:"level"`
	Opened  time.Time      `json:"opened"`
	Updated time.Time      `json:"updated"`
	Ended   time.Time      `json:"ended,omitzero"` // while resolved
	// Firing is since when it waits for somebody; zero when it does not.
	Firing   time.Time `json:"firing,omitzero"`
	Reopened int       `json:"reopened,omitempty"` // how often it came again
	// Flaps is how often it came again since a person ended it last, by itself.
	Flaps    int      `json:"flaps,omitempty"`
	Drill    string   `json:"drill,omitempty"`
	Members  []Member `json:"members"`  // as they joined
	Subjects []string `json:"subjects"` // by which others join, "account x/acme"
	Timeline []Entry  `json:"timeline"` // oldest first
	// Forgotten is how many entries after the first were left out.
	Forgotten int `json:"timeline_forgotten,omitempty"`
}

// Member is an alert of an incident, as of its newest revision.
type Member struct {
	Alert    string         `json:"alert"` // id
	Revision uint64         `json:"revision"`
	State    alerting.State `json:"state"`
	Level    rules.Level    `json:"level"`
	Rule     string         `json:"rule"` // id
	Title    string         `json:"title"`
	Network  string         `json:"network,omitempty"`
	Account  string         `json:"account,omitempty"`
	Subject  string         `json:"subject"` // as people read it, see alerting.SubjectOf
	Words    string         `json:"words,omitempty"`
	First    time.Time      `json:"first"`  // occurrence of the first activity
	Opened   time.Time      `json:"opened"` // when it began to fire, for the last time
	Updated  time.Time      `json:"updated"`
	Observes bool           `json:"observes,omitempty"` // its rule only observes by now
	ByHand   bool           `json:"by_hand,omitempty"`  // a person resolved it
	Denied   bool           `json:"denied,omitempty"`   // somebody said that it was not them
	By       string         `json:"by,omitempty"`       // who acknowledged or resolved it
	Openings int            `json:"openings"`           // how often it began to fire
	// Assigned says whose matter it is, and who made it theirs; nil: nobody's.
	Assigned *alerting.Assignment `json:"assigned,omitempty"`
	Labels   match.Set            `json:"labels"`
}

// What happened to an incident, beside the changes of its alerts.
const (
	WhatLevel = "level" // an alert's level changed
	WhatTold  = "told"  // a receiver was told of it
)

// Entry is one line of a timeline: what happened to which alert.
type Entry struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`            // an alerting.Change, WhatLevel or WhatTold
	Alert  string    `json:"alert,omitempty"` // empty with WhatTold
	Text   string    `json:"text"`            // of the alert, in few words, or what was told to whom
	By     string    `json:"by,omitempty"`    // who did it, where a person did
	Reason string    `json:"reason,omitempty"`
}

// Number returns the short number that people say aloud: "IN-" and the digits of
// its first alert's number.
func (in *Incident) Number() string { return Number(in.ID) }

// Number returns the short number of an incident's id.
func Number(id string) string {
	return "IN-" + strings.TrimPrefix(alerting.Number(id), "PK-")
}

// idOf names an incident: an alert may begin a second one when it comes again
// long after the first is over.
func idOf(alert string, opened time.Time) string {
	return alert + "-" + strconv.FormatInt(opened.Unix(), 36)
}

// Member returns the place of an alert among the members, -1 where it is none.
func (in *Incident) Member(alert string) int {
	return slices.IndexFunc(in.Members, func(m Member) bool { return m.Alert == alert })
}

// full reports whether no further alert has room.
func (in *Incident) full() bool {
	if len(in.Members) >= MaxMembers {
		return true
	}
	size := 0
	for i := range in.Members {
		for name, values := range in.Members[i].Labels {
			size += len(name)
			for _, v := range values {
				size += written(v)
			}
		}
	}
	return size >= maxLabels
}

// written returns how many bytes JSON writes for a text, at most.
func written(s string) int {
	const escaped = len(`\u0001`)
	n := len(`"",`)
	for i := range len(s) {
		if c := s[i]; c < ' ' || strings.IndexByte(`"\<>&`, c) >= 0 {
			n += escaped
			continue
		}
		n++
	}
	return n
}

// ErrReference says that what was given names no incident, whichever there are.
var ErrReference = errors.New("expected a number such as IN-3FA29C or at least 4 digits of an id")

// For returns the ids of the alerts that a deed on the whole incident is meant
// for: acknowledging for those that wait for somebody, any other for those that are
// not resolved.
func (in *Incident) For(action alerting.Action) []string {
	var ids []string
	for i := range in.Members {
		m := &in.Members[i]
		if m.State == alerting.Firing || m.State == alerting.Acknowledged && action != alerting.ActionAck {
			ids = append(ids, m.Alert)
		}
	}
	return ids
}

// Lead returns the most pressing member: the highest level among those that wait
// for somebody, or else among all; the oldest of equals.
func (in *Incident) Lead() *Member {
	best := 0
	for i := range in.Members {
		if pressing(&in.Members[i], &in.Members[best]) {
			best = i
		}
	}
	return &in.Members[best]
}

// pressing reports whether m comes before n.
func pressing(m, n *Member) bool {
	if a, b := urgent(m.State), urgent(n.State); a != b {
		return a > b
	}
	return m.Level.Rank() > n.Level.Rank()
}

// urgent orders states, the one that waits for somebody last.
func urgent(s alerting.State) int {
	return len(alerting.States()) - slices.Index(alerting.States(), s)
}

// Accounts returns the accounts that the members are about, sorted.
func (in *Incident) Accounts() []string {
	var out []string
	for i := range in.Members {
		out = append(out, in.Members[i].Labels[match.Accounts]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ByHand reports whether a person brought about the newest that is known.
func (in *Incident) ByHand() bool {
	newest := &in.Members[0]
	for i := range in.Members {
		if in.Members[i].Updated.After(newest.Updated) {
			newest = &in.Members[i]
		}
	}
	return newest.ByHand
}

// derive sets what follows from the members, at a moment; ended says that a person
// had ended what comes again.
func (in *Incident) derive(at time.Time, ended bool) {
	state := alerting.Resolved
	for i := range in.Members {
		if urgent(in.Members[i].State) > urgent(state) {
			state = in.Members[i].State
		}
	}
	in.Level = in.Lead().Level
	for i := range in.Members {
		m := &in.Members[i]
		if (state == alerting.Resolved || m.State != alerting.Resolved) && m.Level.Rank() > in.Level.Rank() {
			in.Level = m.Level
		}
	}
	before := in.State
	in.State, in.Updated = state, at
	switch {
	case state == alerting.Resolved && before != alerting.Resolved:
		in.Ended = at
	case state != alerting.Resolved:
		if before == alerting.Resolved {
			in.Reopened++
			if in.Flaps++; ended {
				in.Flaps = 0
			}
		}
		in.Ended = time.Time{}
	}
	switch {
	case state != alerting.Firing:
		in.Firing = time.Time{}
	case before != alerting.Firing:
		in.Firing = at
	}
}

// Note adds a line about what was done with the incident.
func (in *Incident) Note(e Entry) { in.note(e) }

// note adds a line to the timeline.
func (in *Incident) note(e Entry) {
	in.Timeline = append(in.Timeline, e)
	if n := len(in.Timeline) - MaxTimeline; n > 0 { // how it began stays
		in.Forgotten += n
		in.Timeline = slices.Delete(in.Timeline, 1, 1+n)
	}
}

// join adds subjects.
func (in *Incident) join(subjects []string) {
	for _, s := range subjects {
		if len(in.Subjects) < maxSubjects && !slices.Contains(in.Subjects, s) {
			in.Subjects = append(in.Subjects, s)
		}
	}
}

// Clone returns a copy that shares nothing that changes.
func (in *Incident) Clone() Incident {
	out := *in
	out.Members, out.Subjects = slices.Clone(in.Members), slices.Clone(in.Subjects)
	out.Timeline = slices.Clone(in.Timeline)
	return out
}
