package delivery

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// When others are told that a receiver does not work.
const (
	// failsAfter is how long its breaker is open before they are told.
	failsAfter = 5 * time.Minute
	// deniedAfter is how long it denies a message until they are told, who may
	// have to mend a key before the message's time is over.
	deniedAfter = time.Minute
	// calm is how long it must have been without trouble before they are told
	// that it works again, so that one that works now and then is told of once.
	calm = 10 * time.Minute
)

// Condition says whether a receiver works: the stored form, version 1. It
// outlives a restart, so that what was told is told once, and taken back.
type Condition struct {
	V       int       `json:"v"`
	Failing bool      `json:"failing"`
	Since   time.Time `json:"since,omitzero"`   // of this, when it was noticed
	Began   time.Time `json:"began,omitzero"`   // when the newest failing was noticed
	Lost    bool      `json:"lost,omitempty"`   // it gave up on a message, rather than on all
	Denied  bool      `json:"denied,omitempty"` // a setting is to be mended, and messages wait for it
	Error   string    `json:"error,omitempty"`
	// Told are the receivers that were told, or are to be where Owed says so.
	Told []string `json:"told,omitempty"`
	Owed bool     `json:"owed,omitempty"`
	// Key begins the keys of the messages about this time that it fails.
	Key string `json:"key,omitempty"`
}

// step returns the condition after a look at a receiver, the same one where
// nothing has changed. tell are the receivers to be told that it fails.
func (c Condition) step(name string, now time.Time, h health, tell []string) Condition {
	if c.Owed {
		return c // first what is owed
	}
	open := !h.Opened.IsZero() && now.Sub(h.Opened) >= failsAfter
	denied := !h.Denied.IsZero() && now.Sub(h.Denied) >= deniedAfter
	lost := h.Died.After(c.Since)
	switch {
	case !c.Failing && (open || denied || lost):
		return Condition{
			V: conditionVersion, Failing: true, Since: now, Began: now, Lost: lost && h.Opened.IsZero(), Denied: denied && !lost,
			Error: h.Fault, Told: tell, Owed: true, Key: fmt.Sprintf("failing.%s.%d", name, now.Unix()),
		}
	case c.Failing && h.Opened.IsZero() && h.Denied.IsZero() && h.Worked.After(h.Died) && h.Worked.After(c.Since) &&
		now.Sub(c.Since) >= calm && now.Sub(h.Died) >= calm:
		return Condition{V: conditionVersion, Since: now, Began: c.Began, Told: c.Told, Owed: true, Key: c.Key}
	}
	return c
}

// FailingIncident is the incident that a receiver does not work.
func FailingIncident(receiver string) string { return "picket-receiver-" + receiver }

// messages returns what the others are told of a condition: those that are
// known.
func (c Condition) messages(r *Receiver, known func(name string) bool) []notify.Message {
	var out []notify.Message
	for _, to := range c.Told {
		if to == r.Name || !known(to) {
			continue
		}
		m := c.message(r)
		m.Receiver = to
		out = append(out, m)
	}
	return out
}

func (c Condition) message(r *Receiver) notify.Message {
	m := notify.Message{
		V: notify.Version, Key: c.Key + ".opened", Kind: notify.Opened, At: c.Since,
		Incident: FailingIncident(r.Name), Number: "RCV-" + strings.ToUpper(r.Name), State: alerting.Firing, Started: c.Began,
		Level: rules.High, Urgency: alerting.UrgencyPage,
		Labels: []alerting.Label{{Name: "alertname", Value: "NotificationsFailing"}, {Name: "receiver", Value: r.Name}},
	}
	what, head := "takes no messages", "HIGH"
	do := "Mend it, then run: picket receivers test " + r.Name + ". What was given up is kept: picket deadletters ls, picket deadletters retry."
	switch {
	case c.Lost:
		what = "has lost a message"
	case c.Denied:
		what = "refuses Picket's key or address"
		do = "Mend the key or the address: what waits is told then. To try: picket receivers test " + r.Name +
			". What is refused for an hour is given up and kept: picket deadletters ls, picket deadletters retry."
	}
	if !c.Failing {
		what, head = "takes messages again", "RESOLVED HIGH"
		m.Key, m.Kind, m.State, m.Ended = c.Key+".resolved", notify.Resolved, alerting.Resolved, c.Since
	}
	m.Title = cut(fmt.Sprintf("%s Picket: receiver %s %s", head, r.Name, what), alerting.MaxTitle-len(m.Number)-3) + " [" + m.Number + "]"
	m.Lines = []notify.Line{{Label: "What", Text: fmt.Sprintf("Receiver %s (%s) %s; noticed %s.", r.Name, r.Type, what, c.Since.UTC().Format("2006-01-02 15:04Z"))}}
	if !c.Failing {
		return m
	}
	m.Lines = append(m.Lines,
		notify.Line{Label: "Why", Text: cut(plain(c.Error), 240)},
		notify.Line{Label: "Do", Text: do},
	)
	return m
}

// plain makes one line of what a receiver answered.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// cut shortens text to a number of characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
