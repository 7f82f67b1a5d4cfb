package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/dispatch"
	"github.com/picketd/picket/alerting/match"
	"github.com/picketd/picket/rules"
)

const threeReceivers = `
accounts: [{account: x/acme}]
receivers:
  - {name: pager, type: pagerduty, routing_key: {env: KEY}}
  - {name: siren, type: exec, command: [siren]}
  - {name: hook, type: exec, command: [hook]}
`

func TestPolicyTargets(t *testing.T) {
	const escalation = "escalation: [{name: default, steps: [{after: 10m, receivers: [siren]}]}]\n"
	const routed = "routes:\n  - {matchers: account=\"x/acme\", receivers: [hook], group_wait: 10s}\n"
	tests := []struct {
		name    string
		text    string
		account string
		urgency alerting.Urgency
		want    []dispatch.Target
	}{
		{"a page without routes", "", "x/acme", alerting.UrgencyPage, []dispatch.Target{{Route: "default", Receivers: []string{"pager", "siren", "hook"}}}},
		{"what wakes nobody, without routes", "", "x/acme", alerting.UrgencyChat, []dispatch.Target{{Route: "default", Receivers: []string{"siren", "hook"}}}},
		{"an escalation called default", escalation, "x/acme", alerting.UrgencySRE, []dispatch.Target{{Route: "default", Receivers: []string{"pager", "siren", "hook"}, Escalation: "default"}}},
		{"a route", routed + escalation, "x/acme", alerting.UrgencyPage, []dispatch.Target{{Route: "routes[0]", Receivers: []string{"hook"}, Escalation: "default", Wait: 10 * time.Second}}},
		{"a last route for all", routed + "  - {receivers: [siren]}\n", "x/beta", alerting.UrgencyChat, []dispatch.Target{{Route: "routes[1]", Receivers: []string{"siren"}}}},
		{"what no route takes", routed, "x/beta", alerting.UrgencyDigest, []dispatch.Target{{Route: "default", Receivers: []string{"siren", "hook"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, map[string]string{"picket.yaml": strings.TrimPrefix(threeReceivers, "\n") + tt.text})
			c, err := Load(dir+"/picket.yaml", environment(map[string]string{"KEY": "0123456789abcdef0123456789abcdef"}))
			if err != nil {
				t.Fatal(err)
			}
			a := alerting.Alert{Account: tt.account, Network: "x", Rule: alerting.Rule{Level: rules.High}}
			if diff := cmp.Diff(tt.want, c.Policy().Root.Targets(match.Labels(&a), tt.urgency)); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPolicyReaches: an alert that is assigned to a person is told by what reaches
// one person, in words that say so.
func TestPolicyReaches(t *testing.T) {
	const text = `accounts: [{account: x/acme}]
receivers:
  - {name: pager, type: pagerduty, routing_key: {env: KEY}}
  - {name: cluster, type: alertmanager, urls: ["https://am.acme.example"]}
  - {name: chat, type: slack, bot_token: {env: TOKEN}, channel: C0123456789}
  - {name: mail, type: email, host: smtp.acme.example, from: picket@acme.example, to: [sre@acme.example]}
  - {name: press, type: email, host: smtp.acme.example, from: picket@acme.example, to: [press@acme.example], audience: communications}
  - {name: hook, type: webhook, url: "https://hook.acme.example", secrets: [{env: SIGNS}]}
  - {name: siren, type: exec, command: [siren]}
people: [{name: jane, contacts: {email: jane@acme.example}}]
`
	dir := write(t, map[string]string{"picket.yaml": text})
	c, err := Load(dir+"/picket.yaml", environment(map[string]string{"KEY": "0123456789abcdef0123456789abcdef", "TOKEN": "xoxb-0123456789", "SIGNS": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}))
	if err != nil {
		t.Fatal(err)
	}
	p := c.Policy()
	want := map[string]dispatch.Reach{"chat": {Contact: "slack"}, "mail": {Contact: "email", Alone: true}, "hook": {}, "siren": {}}
	if d := cmp.Diff(want, p.Reaches); d != "" {
		t.Errorf("reaches (-want +got):\n%s", d)
	}
	if len(p.Persons) != 1 || p.Persons[0].Name != "jane" {
		t.Errorf("people %+v, want jane", p.Persons)
	}
}
