package config

import (
	"slices"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	const base = `
credentials:
  one: {collector: x, bearer_token: {env: ONE}}
  two: {collector: x, bearer_token: {env: TWO}}
sources: [{name: demo, collector: simulate, accounts: 12}]
accounts:
  - {account: x/acme, credential: one}
  - {account: x/other, credential: two}
`
	vars := map[string]string{"ONE": "secret-one", "TWO": "secret-two", "NEW": "secret-new-and-long"}
	tests := []struct {
		name string
		next string
		want []string
	}{
		{"nothing", base, nil},
		{"what means the same", "# a remark\n" + base + "log: {level: info}\nnats: {listen: 127.0.0.1:4222}\n", nil},
		{
			"another order", strings.Replace(base, "  - {account: x/acme, credential: one}\n", "", 1) + "  - {account: x/acme, credential: one}\n",
			nil,
		},
		{"what is fixed", base + `
data_dir: elsewhere
instance: another
nats: {listen: "off"}
journal: {partitions: 2, durability: process, retention: {mentions: 1d}, max_bytes: 1GiB, reserve: 2GiB}
http: {listen: ":1"}
log: {format: json}
intake: {nats: {off: true}}
detector: {checkpoint: 1m}
`, []string{
			"data_dir changed: needs a restart",
			"detector changed: needs a restart",
			"http.listen changed: needs a restart",
			"instance changed: needs a restart",
			"intake.nats changed: needs a restart",
			"journal.durability changed: needs a restart",
			"journal.max_bytes changed: needs a restart",
			"journal.partitions changed: needs a restart",
			"journal.reserve changed: needs a restart",
			"journal.retention changed: needs a restart",
			"log.format changed: needs a restart",
			"nats changed: needs a restart",
		}},
		{"another server", base + "nats: {url: 'nats://a'}\njournal: {replicas: 3}\n", []string{
			"journal.replicas changed: needs a restart",
			"nats changed: needs a restart",
		}},
		{"what a reload applies", base + `
organisation: Acme
http: {public_url: "https://picket.example", api: {tokens: [{name: ann, token: {env: NEW}, can: [read]}]}}
log: {level: debug, personal: true}
rules: {overrides: [{rule: a, mode: off}]}
intake: {webhook: {rate: 1}, approvals_file: a.jsonl}
enrich: {asn: geo/asn.mmdb}
`, []string{
			"enrich changed: applied by reload",
			"http.api changed: applied by reload",
			"http.public_url changed: applied by reload",
			"intake.approvals_file changed: applied by reload",
			"intake.webhook changed: applied by reload",
			"log.level changed: applied by reload",
			"log.personal changed: applied by reload",
			"organisation changed: applied by reload",
			"rules changed: applied by reload",
		}},
		{"who is on duty and what is silenced", base + `
people: [{name: jane}]
schedules: [{name: primary, layers: [{people: [jane], start: 2026-01-05}]}]
quiet_hours: [{levels: [low], hours: Mon 22:00-07:00}]
maintenance: [{name: backup, matchers: level=low, author: jane, reason: r, start: 2026-01-10, rule: FREQ=WEEKLY, lasts: 4h}]
`, []string{
			"maintenance backup added: applied by reload",
			"people changed: applied by reload",
			"quiet_hours changed: applied by reload",
			"schedules changed: applied by reload",
		}},
		{"members", `
credentials:
  one: {collector: x, bearer_token: {env: NEW}}
  three: {collector: x, bearer_token: {env: TWO}}
sources: [{name: demo, collector: simulate, accounts: 12, every: 1s}]
accounts:
  - {account: x/acme, credential: one, working_hours: Mon 09:00-10:00, time_zone: UTC}
  - {account: x/new, credential: three}
identities: [{identity: okta/ann, guards: [x/new]}]
`, []string{
			"accounts x/acme changed: applied by reload",
			"accounts x/new added: applied by reload",
			"accounts x/other removed: applied by reload",
			"credentials one changed: applied by reload",
			"credentials three added: applied by reload",
			"credentials two removed: applied by reload",
			"identities okta/ann added: applied by reload",
			"sources demo changed: applied by reload",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, map[string]string{"picket.yaml": base})
			t.Chdir(dir)
			old, err := Load("picket.yaml", environment(vars))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(write(t, map[string]string{"picket.yaml": tt.next}))
			next, err := Load("picket.yaml", environment(vars))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, change := range Diff(old, next) {
				got = append(got, change.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("changes\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
}
