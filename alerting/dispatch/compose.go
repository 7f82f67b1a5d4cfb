package dispatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// Dress writes what an alert says into a message that Core has decided: title
// and lines of its most pressing alert, the other alerts of the incident, and who
// is told next. The zero Alert, of one that is gone, leaves what the message
// itself knows. dir may be nil. Summaries are dressed already.
func Dress(m *notify.Message, a *alerting.Alert, dir alerting.Directory) {
	if m.Title != "" || len(m.Alerts) == 0 {
		return
	}
	next := ""
	if len(m.Lines) > 0 {
		next = m.Lines[0].Text
	}
	if a.ID == "" {
		m.Title = cut(strings.ToUpper(string(m.Level))+" "+m.Account+": "+m.Alerts[0].Title, alerting.MaxTitle-len(m.Number)-3) + " [" + m.Number + "]"
		return
	}
	m.Lines, m.Crowd = nil, alerting.CrowdOf(a)
	for _, s := range alerting.Sections(*a, dir, alerting.Telling{At: m.At, Escalation: next}) {
		if s.Label == "" {
			m.Title = s.Text
			continue
		}
		m.Lines = append(m.Lines, notify.Line{Label: s.Label, Text: s.Text})
	}
	also(m)
}

// also names the other alerts of the incident, in the place of what the alert
// says of those beside it, which are the same.
func also(m *notify.Message) {
	var others []string
	for _, a := range m.Alerts[1:] {
		s := a.Opened.UTC().Format("15:04Z") + " " + string(a.Level) + " " + a.Title + " (" + a.Number
		if a.State != alerting.Firing {
			s += ", " + string(a.State)
		}
		others = append(others, s+")")
	}
	if len(others) == 0 {
		return
	}
	const most = 4
	if n := len(others) - most; n > 0 {
		others = append(others[:most], fmt.Sprintf("%d more", n+m.More))
	}
	line := notify.Line{Label: alerting.LabelAlso, Text: strings.Join(others, "; ") + "; all in " + m.Number}
	at := slices.IndexFunc(m.Lines, func(l notify.Line) bool { return l.Label == alerting.LabelAlso })
	if at >= 0 {
		m.Lines[at] = line
		return
	}
	at = slices.IndexFunc(m.Lines, func(l notify.Line) bool { return l.Label == "Why" }) + 1
	m.Lines = slices.Insert(m.Lines, at, line)
}

// cut shortens text to a number of characters.
func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}
