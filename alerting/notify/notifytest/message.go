package notifytest

import (
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/rules"
)

// At is when the example messages were decided.
func At() time.Time { return time.Date(2026, 3, 14, 1, 14, 5, 0, time.UTC) }

// Message returns an example of a message of this kind: a critical incident of
// two alerts, or a summary, with everything that a message can have.
func Message(kind notify.Kind) *notify.Message {
	m := &notify.Message{
		V: notify.Version, Key: "in-3fa29c77-" + string(kind), Receiver: "on-call", Kind: kind, At: At(),
		Incident: "in-3fa29c77", Number: "PK-3FA29C", State: alerting.Firing, Started: At().Add(-2 * time.Minute),
		Level: rules.Critical, Urgency: alerting.UrgencyPage, Network: "x", Account: "x/acme",
		Title: "CRITICAL x/acme: post nobody approved [PK-3FA29C]",
		Lines: []notify.Line{
			{Text: "2 alerts"},
			{Label: "What", Text: `03:12 Berlin (01:12Z), still up 03:14: "Giving back! hxxps://acme-gift[.]example" +1 image`},
			{Label: "Why", Text: "No match among 12 approvals (nearest 8 %)"},
			{Label: "Do", Text: "1 phone the owner  2 revoke apps and sessions"},
		},
		Labels: []alerting.Label{
			{Name: "account", Value: "x/acme"},
			{Name: "group.ip", Value: "198.51.100.7"},
			{Name: "level", Value: "critical"},
			{Name: "network", Value: "x"},
			{Name: "rule", Value: "5e0c1f7a-5d5e-4f0a-9a57-2f9b7a0c6f11"},
			{Name: "tag", Value: "attack.t1078"},
		},
		Alerts: []notify.Alert{
			{ID: "3fa29c77aa", Number: "PK-3FA29C", Rule: "post_unapproved", Title: "Post nobody approved", Level: rules.Critical, State: alerting.Firing, Opened: At().Add(-2 * time.Minute)},
			{ID: "91b0de2410", Number: "PK-91B0DE", Rule: "new_country", Title: "Login from a new country", Level: rules.High, State: alerting.Firing, Opened: At().Add(-16 * time.Minute)},
		},
		Links: []notify.Link{
			{Action: notify.ActOpen, Text: "Open", URL: "https://picket.acme.example/alerts/PK-3FA29C"},
			{Action: notify.ActAck, Text: "Acknowledge", URL: "https://picket.acme.example/act/ack?token=aaaa"},
		},
		People: []notify.Person{{Name: "Jane Doe", Addresses: map[string]string{"email": "jane@acme.example", "slack": "U024BE7LH"}}},
	}
	switch kind {
	case notify.Acknowledged:
		m.State = alerting.Acknowledged
	case notify.Resolved:
		m.State, m.Ended = alerting.Resolved, At()
	case notify.Summary:
		m.Incident, m.Number, m.Network, m.Account, m.Labels = "sum-20260314T0114", "", "", "", nil
		m.Title = "CRITICAL 37 incidents in 10 min, 2 critical"
	case notify.Test:
		m.Incident, m.Drill, m.Title = "test-0001", alerting.TestDrill, "TEST of receiver on-call"
	case notify.Opened, notify.Updated, notify.Escalated, notify.Repeated, notify.Assigned:
	}
	return m
}

// Hostile is what somebody outside wrote, who wants to ping, to format, to link
// or to break out.
type Hostile struct {
	Name string // of the row, fit for a file
	Text string // as they wrote it
}

// HostileTexts returns the texts that every output is tried with.
func HostileTexts() []Hostile {
	return []Hostile{
		{"ping-slack", "<!channel> <!here> <!everyone> <@U024BE7LH> <!subteam^S012|team>"},
		{"ping-names", "@channel @here @everyone @jane <users/all> @[Jane](user:1)"},
		{"format-markdown", "*bold* _slanted_ ~struck~ **b** __u__ ~~s~~ `code` ```block``` # head > quote - item"},
		{"link-markdown", "[acme](https://evil.example/login) <https://evil.example|acme> ![x](https://evil.example/p.png)"},
		{"link-plain", "https://evil.example/a?b=c HTTP://EVIL.EXAMPLE www.evil.example evil.example/x mailto:a@evil.example tel:+15550100"},
		{"html", `</pre><script>alert(1)</script><a href="https://evil.example">x</a><img src=x onerror=alert(1)> &lt;b&gt;`},
		{"template", "{{ .Secret }} {{ template \"x\" }} ${HOME} $(id) `id` %s%n ${jndi:ldap://evil.example/a} #{7*7}"},
		{"lines", "a\r\nBcc: all@evil.example\r\n\r\n.\r\nQUIT\nb\u2028c\u0085d"},
		{"invisible", "a\u202ebc\u2066d\u200be\u00adf\ufeffg\x00h\x1b[31mi\x07\u0300\u0301\u0302\u0303\u0304"},
		{"not-utf8", "a\xff\xfeb\xc3"},
		{"quotes", `"}],"status":"resolved","x":[{"a":"' OR 1=1 --\`},
	}
}

// Message returns the message of an alert about such a text, with the text
// wherever one from outside can be: what dispatch shows to people has gone
// through alerting.Plain, the values of labels and links have not.
func (h Hostile) Message() *notify.Message {
	m, shown := Message(notify.Opened), alerting.Plain(h.Text)
	m.Lines = []notify.Line{{Label: "What", Text: `03:12: "` + shown + `"`}, {Label: shown, Text: "a label"}}
	m.Labels = append(m.Labels, alerting.Label{Name: "group.app", Value: h.Text})
	m.Alerts[0].Title = shown
	m.People[0].Name = shown
	m.Links = append(m.Links, notify.Link{Action: notify.ActOpen, Text: shown, URL: h.Text})
	return m
}
