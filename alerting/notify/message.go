package notify

import (
	"strings"
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// Kind says why a receiver is told.
type Kind string

// The kinds of messages.
const (
	Opened       Kind = "opened"       // an incident began, or began again
	Updated      Kind = "updated"      // it grew: another alert, a higher level
	Escalated    Kind = "escalated"    // nobody took it in time: the next ones are told
	Repeated     Kind = "repeated"     // it still waits for somebody
	Assigned     Kind = "assigned"     // somebody made it the matter of the message's one person, whom it is for alone
	Acknowledged Kind = "acknowledged" // somebody is on it: nobody else is needed
	Resolved     Kind = "resolved"     // it is over
	Summary      Kind = "summary"      // many incidents in one message, above the budget or by the hour
	Test         Kind = "test"         // of the receiver, by a person
)

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Opened, Updated, Escalated, Repeated, Assigned, Acknowledged, Resolved, Summary, Test}
}

// Version is the version of a message's stored form, its "v".
const Version = 1

// Message is what one receiver is told once. Its JSON is what is kept until it
// is delivered, and what the outputs webhook and exec pass on; fields may be
// added to version 1, never changed or taken away. It is complete: an output
// needs nothing else, and changes nothing in it.
type Message struct {
	V        int       `json:"v"`
	Key      string    `json:"key"` // unique for a thing told to a receiver, the same at each attempt; letters, digits, ".", "_", "-", at most 128
	Receiver string    `json:"receiver"`
	Kind     Kind      `json:"kind"`
	At       time.Time `json:"at"` // when it was decided

	// Incident is what the message is about: the thread, the dedup key. A
	// summary has one of its own.
	Incident string         `json:"incident"`
	Number   string         `json:"number"` // what people say aloud: "PK-3FA29C"
	State    alerting.State `json:"state"`
	Started  time.Time      `json:"started"`
	Ended    time.Time      `json:"ended,omitzero"` // once resolved

	Level   rules.Level      `json:"level"`
	Urgency alerting.Urgency `json:"urgency"`
	Network string           `json:"network,omitempty"`
	Account string           `json:"account,omitempty"`
	Drill   string           `json:"drill,omitempty"` // the drill that it is about

	// Title is one line for a lock screen: at most alerting.MaxTitle characters
	// and without personal data.
	Title string `json:"title"`
	// Lines are the screen that a person reads, "What", "Why", "Do" and so on,
	// plain text with what others wrote defanged. A receiver with minimal detail
	// has none.
	Lines []Line `json:"lines,omitempty"`
	// Labels are what the message's newest alert is matched by, by name; one with
	// several values is there several times.
	Labels []alerting.Label `json:"labels,omitempty"`
	Alerts []Alert          `json:"alerts,omitempty"` // of the incident, the most pressing first
	// More is how many alerts of the incident that are not resolved Alerts has no
	// room for.
	More int `json:"more,omitempty"`
	// Crowd is what others write about the account, where the message's most
	// pressing alert is about that.
	Crowd *alerting.Crowd `json:"crowd,omitempty"`
	Links []Link          `json:"links,omitempty"`
	// People are those whom the message is for, the one on duty first.
	People []Person `json:"people,omitempty"`

	// Receipt is what the output returned for the incident's first message.
	Receipt string `json:"-"`
}

// Over reports whether the message says that its incident is over.
func (m *Message) Over() bool { return m.Kind == Resolved || m.State == alerting.Resolved }

// Line is one labelled paragraph: "What", "03:12 Berlin (01:12Z) …". The first
// one may have no label.
type Line struct {
	Label string `json:"label,omitempty"`
	Text  string `json:"text"`
}

// Alert is one alert of an incident in one line.
type Alert struct {
	ID     string         `json:"id"`
	Number string         `json:"number"`
	Rule   string         `json:"rule"` // id
	Title  string         `json:"title"`
	Level  rules.Level    `json:"level"`
	State  alerting.State `json:"state"`
	Opened time.Time      `json:"opened"`
}

// Action is what a link or a button does.
type Action string

// The actions.
const (
	ActOpen     Action = "open" // only looks
	ActAck      Action = "ack"
	ActAssign   Action = "assign"
	ActExpected Action = "expected"
	ActFalse    Action = "false"
	ActTrue     Action = "true"
	ActAnswer   Action = "answer" // asks "was this you?"
)

// Link leads to a page where a person looks or acts; opening it changes
// nothing.
type Link struct {
	Action Action `json:"action"`
	Text   string `json:"text"`
	URL    string `json:"url"`
}

// Person is somebody whom a message is for, with the addresses that outputs
// use: "email", "slack", "phone", "pagerduty".
type Person struct {
	Name      string            `json:"name"`
	Addresses map[string]string `json:"addresses,omitempty"`
}

// Text returns the whole message as plain text: the title, then each line
// after its label, without a line break at the end.
func (m *Message) Text() string {
	parts := []string{m.Title}
	for _, l := range m.Lines {
		if l.Label != "" {
			parts = append(parts, l.Label+": "+l.Text)
			continue
		}
		parts = append(parts, l.Text)
	}
	return strings.Join(parts, "\n")
}
