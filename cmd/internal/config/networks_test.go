package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// TestNetworks loads what each network's collector needs, with its defaults.
func TestNetworks(t *testing.T) {
	c := load(t, `
credentials:
  open: {collector: mastodon, server: https://Social.Example}
  own: {collector: mastodon, server: "http://127.0.0.1:3000", token: {env: MASTO}, requests: {limit: 100, per: 5m}}
  okta: {collector: okta, base_url: https://acme.okta.com, token: {env: OKTA}}
sources:
  - {name: org, collector: okta, credential: okta}
  - {name: other, collector: okta, credential: okta, every: 30s, identity: login, backfill: 1d, overlap: 10m}
accounts:
  - {account: mastodon/acme@social.example, credential: open}
  - {account: mastodon/away@other.example, credential: open, watch: 0, backfill: 10, overlap: 1h}
  - {account: mastodon/main, credential: own, username: Acme_, mentions: true, stream: true, every: 30s}
`, map[string]string{"MASTO": "masto-secret", "OKTA": "okta-secret"})

	credentials := []Credential{
		{Name: "okta", Collector: "okta", BaseURL: "https://acme.okta.com", Token: "okta-secret"},
		{Name: "open", Collector: "mastodon", Server: "https://Social.Example"},
		{Name: "own", Collector: "mastodon", Server: "http://127.0.0.1:3000", Token: "masto-secret", Requests: RequestLimit{100, 5 * time.Minute}},
	}
	if !reflect.DeepEqual(c.Credentials, credentials) {
		t.Errorf("credentials\n got %+v\nwant %+v", c.Credentials, credentials)
	}
	sources := []Source{
		{Name: "org", Collector: "okta", Credential: "okta", Every: time.Minute, Identity: "email_local", Backfill: 30 * 24 * time.Hour, Overlap: 5 * time.Minute},
		{Name: "other", Collector: "okta", Credential: "okta", Every: 30 * time.Second, Identity: "login", Backfill: 24 * time.Hour, Overlap: 10 * time.Minute},
	}
	if !reflect.DeepEqual(c.Sources, sources) {
		t.Errorf("sources\n got %+v\nwant %+v", c.Sources, sources)
	}
	polled := Account{Collector: "mastodon", Every: time.Minute, Watch: 40, Backfill: 200, Overlap: 15 * time.Minute, TimeZone: time.UTC, Importance: Normal}
	local, away, own := polled, polled, polled
	local.Name, local.Credential, local.Username = "mastodon/acme@social.example", "open", "acme"
	away.Name, away.Credential, away.Username = "mastodon/away@other.example", "open", "away@other.example"
	away.Watch, away.Backfill, away.Overlap = -1, 10, time.Hour
	own.Name, own.Credential, own.Username, own.Mentions, own.Stream, own.Every = "mastodon/main", "own", "Acme_", true, true, 30*time.Second
	if want := []Account{local, away, own}; !reflect.DeepEqual(c.Accounts, want) {
		t.Errorf("accounts\n got %+v\nwant %+v", c.Accounts, want)
	}
}

// TestIdentities says from both ends who guards what.
func TestIdentities(t *testing.T) {
	c := load(t, `
accounts:
  - {account: x/acme, guarded_by: [okta/ann, okta/bob]}
  - {account: x/other}
  - {account: mastodon/acme, guarded_by: [okta/carol]}
identities:
  - {identity: okta/bob, guards: [mastodon/acme, x/acme], name: Bob Roe, contact: "+49 30 1"}
  - {identity: okta/carol, name: Carol}
  - {identity: okta/dave, guards: [x/other, x/acme]}
`, nil)
	guardedBy := map[string][]string{
		"x/acme":        {"okta/ann", "okta/bob", "okta/dave"},
		"x/other":       {"okta/dave"},
		"mastodon/acme": {"okta/carol", "okta/bob"},
	}
	for name, want := range guardedBy {
		if a, _ := c.Account(name); !slices.Equal(a.GuardedBy, want) {
			t.Errorf("%s is guarded by %q, want %q", name, a.GuardedBy, want)
		}
	}
	tests := []struct {
		identity string
		guards   []string
		person   Identity
		entry    bool
	}{
		{"okta/ann", []string{"x/acme"}, Identity{}, false},
		{
			"okta/bob",
			[]string{"x/acme", "mastodon/acme"},
			Identity{"okta/bob", []string{"mastodon/acme", "x/acme"}, "Bob Roe", "+49 30 1"},
			true,
		},
		{"okta/carol", []string{"mastodon/acme"}, Identity{Identity: "okta/carol", Name: "Carol"}, true},
		{"okta/dave", []string{"x/acme", "x/other"}, Identity{Identity: "okta/dave", Guards: []string{"x/other", "x/acme"}}, true},
		{"okta/eve", nil, Identity{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.identity, func(t *testing.T) {
			if got := c.Guards(tt.identity); !slices.Equal(got, tt.guards) {
				t.Errorf("guards %q, want %q", got, tt.guards)
			}
			if got := c.Known(tt.identity); got != (tt.guards != nil) {
				t.Errorf("known: %v", got)
			}
			person, entry := c.Identity(tt.identity)
			if entry != tt.entry || !reflect.DeepEqual(person, tt.person) {
				t.Errorf("identity %+v, %v; want %+v, %v", person, entry, tt.person, tt.entry)
			}
		})
	}
}

// TestEnrich takes files that are not there yet.
func TestEnrich(t *testing.T) {
	dir := write(t, map[string]string{"picket.yaml": "accounts: [{account: x/acme}]\nenrich: {location: geo/city.mmdb, asn: /var/lib/asn.mmdb}\n"})
	c, err := Load(filepath.Join(dir, "picket.yaml"), environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Enrich{Location: filepath.Join(dir, "geo/city.mmdb"), ASN: "/var/lib/asn.mmdb"}); c.Enrich != want {
		t.Errorf("enrich %+v, want %+v", c.Enrich, want)
	}
}
