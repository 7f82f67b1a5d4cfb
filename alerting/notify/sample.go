package notify

import (
	"time"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/rules"
)

// samples returns messages of every kind, each with all that one can have and
// with as little as one can have. What is written for messages must do for
// these.
func samples() []*Message {
	at := time.Date(2026, 3, 14, 1, 14, 5, 0, time.UTC)
	var out []*Message
	for _, kind := range Kinds() {
		least := Message{
			V: Version, Key: "sample-1", Receiver: "sample", Kind: kind, At: at, Incident: "sample", Number: "PK-3FA29C",
			State: alerting.Firing, Started: at, Level: rules.High, Urgency: alerting.UrgencyPage, Title: "HIGH x/acme: sample [PK-3FA29C]",
		}
		full := least
		full.Network, full.Account = "x", "x/acme"
		full.Lines = []Line{{Text: "2 alerts"}, {Label: "What", Text: "40 posts"}, {Label: "Reach", Text: "4,100 views at 03:14"}}
		full.Labels = []alerting.Label{{Name: "account", Value: "x/acme"}, {Name: "tag", Value: "attack.t1491"}}
		full.Alerts = []Alert{{ID: "3fa29c", Number: "PK-3FA29C", Rule: "sample", Title: "Sample", Level: rules.High, State: alerting.Firing, Opened: at}}
		full.Crowd = &alerting.Crowd{Mentions: 412, Seconds: 300, Low: 3, High: 9, Since: at}
		full.Links = []Link{{Action: ActOpen, Text: "Open", URL: "https://picket.example/"}}
		full.People = []Person{{Name: "Jane Doe", Addresses: map[string]string{"email": "jane@acme.example"}}}
		switch kind {
		case Acknowledged:
			full.State, least.State = alerting.Acknowledged, alerting.Acknowledged
		case Resolved:
			full.State, least.State, full.Ended = alerting.Resolved, alerting.Resolved, at
		case Test:
			full.Drill = alerting.TestDrill
		case Opened, Updated, Escalated, Repeated, Assigned, Summary:
		}
		out = append(out, &full, &least)
	}
	return out
}
