package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// prefix is what the action ids of Picket's buttons begin with.
const prefix = "picket_"

// maxAlerts bounds the alerts that a button acts on.
const maxAlerts = 50

// target is what a button acts on, its value: alerts of one incident, the most
// pressing first.
type target struct {
	Number string   `json:"n"`
	Alerts []string `json:"a"`
	Of     int      `json:"of"` // how many alerts of the incident were not resolved
}

// encode returns the value of a button, with as many alerts as it has room for.
func (t target) encode() (string, error) {
	t.Alerts = t.Alerts[:min(len(t.Alerts), maxAlerts)]
	for {
		data, err := json.Marshal(t)
		if err != nil || len(data) <= maxValue {
			return string(data), err
		}
		t.Alerts = t.Alerts[:len(t.Alerts)-1]
	}
}

// decodeTarget reads the value of a button, which comes from outside.
func decodeTarget(value string) (target, error) {
	var t target
	if len(value) > maxValue || json.Unmarshal([]byte(value), &t) != nil {
		return t, errors.New("this button is not one of Picket's, or of another version")
	}
	if len(t.Alerts) == 0 || len(t.Alerts) > maxAlerts {
		return t, fmt.Errorf("this button names %d alerts; expected 1 to %d", len(t.Alerts), maxAlerts)
	}
	for _, id := range t.Alerts {
		if !alertID(id) {
			return t, errors.New("this button names something that is no alert")
		}
	}
	return t, nil
}

func alertID(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// button is one thing that people can do.
type button struct {
	action notify.Action
	text   string
	style  slack.Style
	ask    string // what is asked before; "" is nothing
}

func buttons() []button {
	return []button{
		{notify.ActAck, "Acknowledge", slack.StylePrimary, ""},
		{notify.ActAssign, "Take it", slack.StyleDefault, ""},
		{notify.ActExpected, "Expected", slack.StyleDefault, "It happened and was all right. This resolves the incident's alerts."},
		{notify.ActFalse, "False alarm", slack.StyleDanger, "Nothing was wrong. This resolves the incident's alerts and counts against the rule."},
	}
}

// deed is what a button means, done by somebody.
func deed(a notify.Action, actor string) (alerting.Deed, bool) {
	const reason = "with a button in Slack"
	switch a {
	case notify.ActAck:
		return alerting.Deed{Action: alerting.ActionAck, Actor: actor, Reason: reason}, true
	case notify.ActAssign:
		return alerting.Deed{Action: alerting.ActionAssign, Actor: actor, To: actor, Reason: reason}, true
	case notify.ActExpected:
		return alerting.Deed{Action: alerting.ActionResolve, Actor: actor, Reason: reason, Verdict: alerting.VerdictExpected}, true
	case notify.ActFalse:
		return alerting.Deed{Action: alerting.ActionResolve, Actor: actor, Reason: reason, Verdict: alerting.VerdictFalse}, true
	case notify.ActOpen, notify.ActTrue, notify.ActAnswer:
	}
	return alerting.Deed{}, false
}

// actions returns the block with the buttons: while nobody is on it those that
// act, or links in their place where Slack cannot reach Picket, and the question
// to pass on; always the page where one can look.
func (o *Output) actions(m *notify.Message) []slack.Block {
	var elements []slack.BlockElement
	open := m.State == alerting.Firing
	if open && o.cfg.Actor != nil && len(m.Alerts) > 0 && m.Kind != notify.Summary && m.Kind != notify.Test {
		elements = o.acting(m)
	}
	linked := len(elements) > 0
	for i, l := range m.WebLinks() {
		if text := cut(alerting.Plain(l.Text), maxButton); text != "" && i < maxLinks && (l.Action == notify.ActOpen || open && (!linked || l.Action == notify.ActAnswer)) {
			elements = append(elements, slack.NewButtonBlockElement(fmt.Sprintf("%slink_%d", prefix, i), "", plain(text)).WithURL(l.URL))
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("picket_actions", elements...)}
}

func (o *Output) acting(m *notify.Message) []slack.BlockElement {
	t := target{Number: m.Number}
	for i := range m.Alerts {
		// A verdict on what is over already would take the place of the one that
		// was given.
		if a := &m.Alerts[i]; a.State != alerting.Resolved && alertID(a.ID) {
			t.Alerts = append(t.Alerts, a.ID)
		}
	}
	t.Of = len(t.Alerts) + m.More
	value, err := t.encode()
	if err != nil || len(t.Alerts) == 0 {
		return nil
	}
	var out []slack.BlockElement
	for _, b := range buttons() {
		e := slack.NewButtonBlockElement(prefix+string(b.action), value, plain(b.text)).WithStyle(b.style)
		if b.ask != "" {
			e = e.WithConfirm(slack.NewConfirmationBlockObject(plain(b.text+"?"), plain(b.ask), plain(b.text), plain("Cancel")))
		}
		out = append(out, e)
	}
	return out
}
