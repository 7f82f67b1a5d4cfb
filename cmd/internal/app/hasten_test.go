package app

import (
	"slices"
	"testing"
)

// TestSourcesOf: an alert hastens what may tell more of what it is about, and
// nothing else.
func TestSourcesOf(t *testing.T) {
	k := newCurrent(configured(t, `
credentials:
  x: {collector: x, bearer_token: {env: X}}
  org: {collector: okta, base_url: https://acme.okta.com, token: {env: O}}
  code: {collector: github, token: {env: G}}
sources:
  - {name: org, collector: okta, credential: org}
  - {name: code, collector: github, credential: code, org: acme}
accounts:
  - {account: x/acme, credential: x, guarded_by: [okta/ann, okta/bob]}
  - {account: x/help, credential: x, guarded_by: [okta/ann, github/ann]}
  - {account: x/alone, credential: x}
`)).p.Load()
	for _, tt := range []struct {
		about string
		want  []string
	}{
		{"x/acme", []string{"okta/org", "x/acme"}},
		{"x/help", []string{"github/code", "okta/org", "x/help"}},
		{"x/alone", []string{"x/alone"}},
		{"okta/bob", []string{"okta/bob", "okta/org", "x/acme"}},
		{"okta/ann", []string{"github/code", "okta/ann", "okta/org", "x/acme", "x/help"}},
		{"gopher/nobody", []string{"gopher/nobody"}},
	} {
		if got := k.sourcesOf(tt.about); !slices.Equal(got, tt.want) {
			t.Errorf("an alert about %s hastens %v, want %v", tt.about, got, tt.want)
		}
	}
}
