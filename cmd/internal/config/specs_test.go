package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/picketd/picket/collectors"
)

// described are two collectors that describe themselves, as those of
// collectors/builtin do.
func described() []collectors.Spec {
	return []collectors.Spec{
		{
			Name: "place", Title: "The Place", Every: 5 * time.Minute,
			Credential: []collectors.Key{
				{Name: "server", Type: collectors.KeyURL, Default: "https://place.example", Help: "the server's address"},
				{Name: "password", Type: collectors.KeySecret, Required: true, Help: "{file: path} or {env: NAME} of an app password"},
			},
			Own: []collectors.Key{
				{Name: "mentions", Type: collectors.KeyTruth, Default: "false"},
				{Name: "watch", Type: collectors.KeyNumber, Default: "40", Most: 100},
				{Name: "overlap", Type: collectors.KeyDuration, Default: "15m", Most: 3600},
				{Name: "langs", Type: collectors.KeyList},
				{Name: "form", Type: collectors.KeyText, Choices: []string{"plain", "rich"}},
			},
			CheckAccount: func(name string) error {
				if !strings.Contains(name, ".") {
					return fmt.Errorf("%q is no handle; expected one such as acme.example", name)
				}
				return nil
			},
		},
		{
			Name: "warden", Title: "Warden", Multi: true,
			Credential: []collectors.Key{{Name: "tenant", Type: collectors.KeyText, Required: true, Help: "the tenant's name", Check: func(s string) error {
				if strings.Contains(s, " ") {
					return errors.New("holds a space; expected a name such as acme")
				}
				return nil
			}}},
			Own: []collectors.Key{{Name: "overlap", Type: collectors.KeyDuration, Default: "1h"}},
		},
	}
}

// decodeDescribed reads a configuration where these two are known.
func decodeDescribed(t *testing.T, text string) (*Config, Faults) {
	t.Helper()
	dir := write(t, map[string]string{"picket.yaml": text})
	d := newDecoder(filepath.Join(dir, "picket.yaml"), environment(map[string]string{"PLACE": "app-password"}))
	d.specs = described()
	c := d.decode([]byte(text))
	return c, d.faults.sorted()
}

func TestDescribed(t *testing.T) {
	c, faults := decodeDescribed(t, `
credentials:
  own: {collector: place, password: {env: PLACE}, requests: {limit: 10, per: 1m}}
  other: {collector: place, server: "http://127.0.0.1:8080/", password: {env: PLACE}}
  gate: {collector: warden, tenant: acme}
sources:
  - {name: acme, collector: warden, credential: gate}
accounts:
  - {account: place/acme.example, credential: own}
  - {account: place/b.example, credential: other, every: 30s, mentions: true, watch: 7, overlap: 1h, langs: [en, de], form: rich, guarded_by: [warden/jane]}
  - {account: place/pushed}
`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if got := c.Secrets(); !slices.Equal(got, []collectors.Secret{"app-password"}) {
		t.Errorf("%d secrets, want the one password", len(got))
	}
	var every []time.Duration
	for _, a := range c.Accounts {
		every = append(every, a.Every)
	}
	if want := []time.Duration{5 * time.Minute, 30 * time.Second, 0}; !slices.Equal(every, want) {
		t.Errorf("polled every %v, want %v", every, want)
	}
	secret := map[string]collectors.Secret{"password": "app-password"}
	tests := []struct {
		name      string
		got, want collectors.Setting
	}{
		{"defaults", c.Setting(&c.Accounts[0]), collectors.Setting{
			Source: "place/acme.example", Credential: "own", Secrets: secret,
			Values: map[string]string{"server": "https://place.example", "mentions": "false", "watch": "40", "overlap": "15m0s"},
		}},
		{"given", c.Setting(&c.Accounts[1]), collectors.Setting{
			Source: "place/b.example", Credential: "other", Secrets: secret,
			Values: map[string]string{
				"server": "http://127.0.0.1:8080", "mentions": "true", "watch": "7",
				"overlap": "1h0m0s", "langs": "en\nde", "form": "rich",
			},
		}},
		{"source", c.SourceSetting(&c.Sources[0]), collectors.Setting{
			Source: "warden/acme", Credential: "gate", Secrets: map[string]collectors.Secret{},
			Values: map[string]string{"tenant": "acme", "overlap": "1h0m0s"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !reflect.DeepEqual(tt.got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", tt.got, tt.want)
			}
		})
	}
	s := tests[1].got
	if s.Account() != "b.example" || s.Number("watch") != 7 || s.Duration("overlap") != time.Hour || !s.Truth("mentions") ||
		!slices.Equal(s.List("langs"), []string{"en", "de"}) || s.Secret("password") != "app-password" || s.Text("form") != "rich" {
		t.Errorf("read %q %d %s %t %q %q", s.Account(), s.Number("watch"), s.Duration("overlap"), s.Truth("mentions"), s.List("langs"), s.Text("form"))
	}
}

func TestDescribedFaults(t *testing.T) {
	const fine = "credentials: {own: {collector: place, password: {env: PLACE}}, gate: {collector: warden, tenant: acme}}\n"
	tests := []struct {
		name, text string
		want       string // of the one fault, without its place
	}{
		{"a secret is missing", "credentials: {own: {collector: place}}\naccounts: [{account: x/acme}]", `credentials.own: password is missing; expected {file: path} or {env: NAME} of an app password`},
		{"a key of another", "credentials: {own: {collector: place, password: {env: PLACE}, token: {env: PLACE}}}\naccounts: [{account: x/acme}]", `credentials.own: unknown key "token"; expected one of collector, requests, server, password`},
		{"a text that its collector refuses", "credentials: {gate: {collector: warden, tenant: a b}}\naccounts: [{account: x/acme}]", `credentials.gate.tenant: holds a space; expected a name such as acme`},
		{"no such collector", "credentials: {own: {collector: plaze}}\naccounts: [{account: x/acme}]", `credentials.own.collector: "plaze" is unknown; did you mean "place"?`},
		{"no name of an account", fine + "accounts: [{account: place/acme, credential: own}]", `accounts[0].account: "acme" is no handle; expected one such as acme.example`},
		{"out of bounds", fine + "accounts: [{account: place/a.example, credential: own, watch: 101}]", `accounts[0].watch: "101"; expected a whole number from 0 to 100`},
		{"too long", fine + "accounts: [{account: place/a.example, credential: own, overlap: 2h}]", `accounts[0].overlap: "2h" is too long; expected 1h or less`},
		{"no such choice", fine + "accounts: [{account: place/a.example, credential: own, form: ritch}]", `accounts[0].form: "ritch" is unknown; did you mean "rich"?`},
		{"not polled", fine + "accounts: [{account: place/a.example, watch: 3}]", `accounts[0].watch: is for accounts that are polled, and this one has no credential; name one, or remove it`},
		{"a log in place of an account", fine + "accounts: [{account: place/a.example, credential: gate}]", `accounts[0].credential: "gate" reads an organisation's log, no account; name it under sources, and another credential here`},
		{"an account in place of a log", fine + "sources: [{name: acme, collector: warden, credential: own}]", `sources[0].credential: "own" is for collector place, and this source is of warden; name another credential`},
		{"a source without credential", fine + "sources: [{name: acme, collector: warden}]", `sources[0]: credential is missing; expected the name of a credential of collector warden`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, faults := decodeDescribed(t, tt.text)
			if len(faults) != 1 || faults[0].Message != tt.want {
				t.Errorf("faults\n got %v\nwant %s", faults, tt.want)
			}
		})
	}
}
