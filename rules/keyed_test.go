package rules

import (
	"strings"
	"testing"
)

const failures = `title: Failures
name: failures
logsource: {product: PRODUCT}
detection:
  sel: {FIELD}
  condition: sel
---
title: Many failures
name: many
`

// TestKeyed says which correlations are counted across accounts.
func TestKeyed(t *testing.T) {
	for _, tt := range []struct {
		name, product, field, rule string
		want                       string // the names of group-by, after "across" where it is keyed
	}{
		{"of an account", "picket", "kind: login_failure", "group-by: [account, ip]", "account ip"},
		{"without account", "picket", "kind: login_failure", "group-by: [ip, app]", "across ip app"},
		{"a source's own events", "okta", "outcome.result: FAILURE", "group-by: [client.ipAddress]", "account raw.client.ipAddress"},
		{"a source's own events on demand", "okta", "outcome.result: FAILURE", "group-by: [client.ipAddress]\npicket: {across-accounts: true}", "across raw.client.ipAddress"},
		{"asked for and not meant", "okta", "outcome.result: FAILURE", "group-by: [client.ipAddress]\npicket: {across-accounts: false}", "account raw.client.ipAddress"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := strings.NewReplacer("PRODUCT", tt.product, "FIELD", tt.field).Replace(failures)
			group, rest, _ := strings.Cut(tt.rule, "\n")
			doc := head + "correlation:\n  type: event_count\n  rules: [failures]\n  timespan: 1h\n  condition: {gte: 5}\n  " + group + "\n" + rest + "\n"
			p, err := Compile([]File{{Name: "r.yml", Data: []byte(doc)}})
			if err != nil {
				t.Fatal(err)
			}
			r := p.Rules()[1]
			var got []string
			if r.Keyed {
				got = append(got, "across")
			}
			for _, g := range r.GroupBy {
				got = append(got, g.Name)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("group-by is %q, want %q", s, tt.want)
			}
		})
	}
}
