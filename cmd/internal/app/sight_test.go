package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// configured loads a configuration that must be in order.
func configured(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "picket.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, func(name string) string { return "value-of-" + name })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// watchedAccounts have all that is read of them; that of others is read in part.
const watchedAccounts = `
credentials:
  x: {collector: x, bearer_token: {env: X}}
  open: {collector: mastodon, server: https://social.example}
  four: {collector: x, consumer_key: {env: T}, consumer_secret: {env: T}, access_token: {env: T}, access_secret: {env: T}}
  own: {collector: mastodon, server: https://social.example, token: {env: M}}
  org: {collector: okta, base_url: https://acme.okta.com, token: {env: O}}
sources:
  - {name: org, collector: okta, credential: org}
  - {name: demo, collector: simulate, accounts: 4, seed: 7}
accounts:
  - {account: x/acme, credential: x, rehydrate: 0, guarded_by: [okta/ann, okta/bob]}
  - {account: x/alone, credential: x, mentions: true}
  - {account: x/elsewhere, credential: x, guarded_by: [entra/eve]}
  - {account: mastodon/open, credential: open, watch: 0}
  - {account: mastodon/own, credential: own, mentions: true}
  - {account: x/misnamed, credential: x, guarded_by: [okta/Zoe, okta/zoe@acme.example]}
  - {account: x/private, credential: four, direct_messages: true}
  - {account: gopher/acme}
`

// pushedAccounts are only sent by others.
const pushedAccounts = `
accounts:
  - {account: x/acme, guarded_by: [okta/ann, okta/bob]}
  - {account: x/other}
`

func TestSight(t *testing.T) {
	const (
		noOkta = "name who may log in under guarded_by, and connect Okta (picket connect okta), or push "
		seen   = "" // the reason where it is seen
	)
	tests := []struct {
		name      string
		cfg       string
		account   string
		kind      activity.Kind
		field     string
		why, mend string
	}{
		{"a post on X", watchedAccounts, "x/acme", activity.KindPost, "", seen, ""},
		{"its text", watchedAccounts, "x/acme", activity.KindPost, "text", seen, ""},
		{"its app", watchedAccounts, "x/acme", activity.KindPost, "app", "X stopped telling the app of a post in December 2022", ""},
		{"part of what is not told", watchedAccounts, "x/acme", activity.KindPost, "geo.country", "X does not tell where a post came from", ""},
		{"deletions that are not looked for", watchedAccounts, "x/acme", activity.KindDelete, "", "deletions are not looked for", "set rehydrate above 0"},
		{"deletions", watchedAccounts, "x/alone", activity.KindDelete, "", seen, ""},
		{"deletions that X tells of by itself", strings.Replace(watchedAccounts, "collector: x,", "collector: x, activity: stream,", 1), "x/acme", activity.KindDelete, "", seen, ""},
		{"messages that are not read", watchedAccounts, "x/acme", activity.KindMessage, "", "direct messages are not read", "set direct_messages: true, with a credential of the account's own four secrets"},
		{"messages", watchedAccounts, "x/private", activity.KindMessage, "", seen, ""},
		{"mentions that are not read", watchedAccounts, "x/acme", activity.KindMention, "", "mentions are not read", "set mentions: true"},
		{"mentions", watchedAccounts, "x/alone", activity.KindMention, "", seen, ""},

		{"an app with the account's token", watchedAccounts, "mastodon/own", activity.KindPost, "app", seen, ""},
		{"an app without a token", watchedAccounts, "mastodon/open", activity.KindPost, "app", "Mastodon tells the app of a post to the account itself only", "give the credential a token of the account"},
		{"mentions without a token", watchedAccounts, "mastodon/open", activity.KindMention, "", "Mastodon shows mentions to the account itself only", "give the credential a token of the account, and set mentions: true"},
		{"edits that are not looked for", watchedAccounts, "mastodon/open", activity.KindEdit, "", "edits and deletions are not looked for", "set watch above 0"},

		{"logins behind an account", watchedAccounts, "x/acme", activity.KindLogin, "geo.country", seen, ""},
		{"logins of an identity", watchedAccounts, "okta/bob", activity.KindLogin, "geo.asn", seen, ""},
		{"second factors behind an account", watchedAccounts, "x/acme", activity.KindMFAChange, "changed", seen, ""},
		{"sessions of an identity", watchedAccounts, "okta/ann", activity.KindSession, "", seen, ""},
		{
			"logins of an identity in capitals", watchedAccounts, "okta/Zoe", activity.KindLogin, "geo.country",
			"no Okta source names anybody Zoe", "call it okta/zoe, or see identity under sources",
		},
		{
			"second factors of one by e-mail", watchedAccounts, "okta/zoe@acme.example", activity.KindMFAChange, "",
			"no Okta source names anybody zoe@acme.example", "call it okta/zoe, or see identity under sources",
		},
		{
			"logins behind an account of misnamed ones", watchedAccounts, "x/misnamed", activity.KindLogin, "",
			"no Okta source names anybody Zoe", "call it okta/zoe, or see identity under sources",
		},
		{"posts of a misnamed one", watchedAccounts, "okta/Zoe", activity.KindPost, "", "an identity has no posts of its own", ""},
		{"logins by e-mail where the source names people so", strings.Replace(watchedAccounts, "credential: org}", "credential: org, identity: login}", 1), "okta/zoe@acme.example", activity.KindLogin, "", seen, ""},
		{"posts of an identity", watchedAccounts, "okta/ann", activity.KindPost, "", "an identity has no posts of its own", ""},
		{
			"logins where no identity is named", watchedAccounts, "x/alone", activity.KindLogin, "",
			"X shows no logins, and no identity guards this account", noOkta + "logins",
		},
		{
			"logins of an identity that nothing reads", watchedAccounts, "x/elsewhere", activity.KindLogin, "",
			"nothing sends logins of entra/eve", "connect Microsoft Entra ID (picket connect entra), or push logins",
		},

		{"logins of a simulated person", watchedAccounts, "simulated identity", activity.KindLogin, "geo.country", seen, ""},
		{"logins behind a simulated account", watchedAccounts, "simulated account", activity.KindLogin, "geo.country", seen, ""},
		{"approvals of a simulated account", watchedAccounts, "simulated account", activity.KindApproval, "", seen, ""},

		{"a network that no collector reads", watchedAccounts, "gopher/acme", activity.KindPost, "", "nothing sends posts of this account", "push posts"},
		{
			"posts that others push", pushedAccounts, "x/acme", activity.KindPost, "",
			"nothing sends posts of this account", "connect it (picket connect x), or push posts",
		},
		{
			"logins of two that others push", pushedAccounts, "x/acme", activity.KindLogin, "geo.country",
			"nothing sends logins of okta/ann +1", "connect Okta (picket connect okta), or push logins",
		},
		{
			"logins of an identity that others push", pushedAccounts, "okta/ann", activity.KindLoginFailure, "",
			"nothing sends failed logins of this identity", "connect Okta (picket connect okta), or push failed logins",
		},
		{"access where no identity is named", pushedAccounts, "x/other", activity.KindTokenGrant, "", "nothing sends grants of access to apps of this account", noOkta + "grants of access to apps"},
		{
			"nobody may push", pushedAccounts + "intake: {nats: {off: true}}\n", "x/other", activity.KindPost, "",
			"nothing sends posts of this account", "connect it (picket connect x), or give a sender a token under intake.webhook and push posts",
		},
		{
			"somebody may push of others", pushedAccounts + "intake: {nats: {off: true}, webhook: {tokens: [{name: ci, token: {env: LONG_TOKEN_NAME}, accounts: [\"x/ac*\"]}]}}\n", "x/other", activity.KindPost, "",
			"nothing sends posts of this account", "connect it (picket connect x), or give a sender a token under intake.webhook and push posts",
		},
		{
			"somebody may push", pushedAccounts + "intake: {nats: {off: true}, webhook: {tokens: [{name: ci, token: {env: LONG_TOKEN_NAME}, accounts: [\"x/ot*\"]}]}}\n", "x/other", activity.KindPost, "",
			"nothing sends posts of this account", "connect it (picket connect x), or push posts",
		},

		{"approvals", pushedAccounts, "x/acme", activity.KindApproval, "", seen, ""},
		{
			"nobody may approve", pushedAccounts + "intake: {nats: {off: true}}\n", "x/acme", activity.KindApproval, "",
			"nobody may send approvals of this account", "give intake.nats, intake.approvals_file or a webhook token",
		},
		{"being blind to a polled account", watchedAccounts, "x/acme", activity.KindPoll, "poll.state", seen, ""},
		{"being blind to a source", watchedAccounts, "okta/org", activity.KindPoll, "", seen, ""},
		{"being blind to the journal", pushedAccounts, "picket/journal-0", activity.KindPoll, "", seen, ""},
		{
			"being blind to what is pushed", pushedAccounts, "x/acme", activity.KindPoll, "",
			"nothing is polled of it, so nothing tells when nothing comes", "connect it (picket connect x)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := configured(t, tt.cfg)
			account := tt.account
			switch account {
			case "simulated account":
				account = simulated(cfg)[0].Name
			case "simulated identity":
				account = simulated(cfg)[0].Identities[0]
			}
			want := detector.Sight{Seen: tt.why == seen, Why: tt.why, Mend: tt.mend}
			got := NewSight(cfg)(account, tt.kind, tt.field)
			got.Lacking = nil // see TestSightOfAField
			if got != want {
				t.Errorf("sight of %s of %s\n got %+v\nwant %+v", tt.kind, account, got, want)
			}
		})
	}
}

// TestSightOfAField: what others push may come without the field that a rule
// needs.
func TestSightOfAField(t *testing.T) {
	for _, tt := range []struct {
		name, cfg, account string
		kind               activity.Kind
		field              string
		want               *detector.Sight
	}{
		{"a metric of posts that others push", pushedAccounts, "x/acme", activity.KindPost, "metrics.followers", &detector.Sight{
			Why: "posts of this account come, but none is known to hold metrics.followers", Mend: "connect it (picket connect x), or push posts with metrics.followers",
		}},
		{"where logins of an identity come from", pushedAccounts, "okta/ann", activity.KindLogin, "geo.country", &detector.Sight{
			Why: "logins of this identity come, but none is known to hold geo.country", Mend: "connect Okta (picket connect okta), or push logins with geo.country",
		}},
		{"where logins of an account come from", pushedAccounts, "x/other", activity.KindLogin, "geo.country", &detector.Sight{
			Why:  "logins of this account come, but none is known to hold geo.country",
			Mend: "name who may log in under guarded_by, and connect Okta (picket connect okta), or push logins with geo.country",
		}},
		{"posts that others push", pushedAccounts, "x/acme", activity.KindPost, "", nil},
		{"what X does not tell", watchedAccounts, "x/acme", activity.KindPost, "app", nil},
		{"what identities are not seen with", pushedAccounts, "x/acme", activity.KindLogin, "geo.country", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := NewSight(configured(t, tt.cfg))(tt.account, tt.kind, tt.field).Lacking
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestSightHasAReasonForEverything asks about all kinds.
func TestSightHasAReasonForEverything(t *testing.T) {
	for _, text := range []string{watchedAccounts, pushedAccounts} {
		cfg := configured(t, text)
		sight := NewSight(cfg)
		names := []string{"okta/ann", simulatedName(cfg)}
		for i := range cfg.Accounts {
			names = append(names, cfg.Accounts[i].Name)
		}
		for _, name := range names {
			for _, kind := range activity.Kinds() {
				if s := sight(name, kind, ""); s.Seen == (s.Why != "") {
					t.Errorf("%s of %s: %+v; want it seen, or a reason", kind, name, s)
				}
			}
		}
	}
}

func simulatedName(cfg *config.Config) string {
	if all := simulated(cfg); len(all) > 0 {
		return all[0].Name
	}
	return "x/nobody"
}

// TestSightTellsTextsApart: what one account shows is not taken for what another
// does whose texts are others.
func TestSightTellsTextsApart(t *testing.T) {
	cfg := configured(t, `
credentials:
  counted: {collector: bluesky}
  alone: {collector: bluesky, app_view: none}
accounts:
  - {account: bluesky/acme.test, credential: counted}
  - {account: bluesky/other.test, credential: alone}
`)
	hidden := detector.Sight{Why: "no app view is asked", Mend: "leave app_view away"}
	for _, order := range [][]string{{"bluesky/acme.test", "bluesky/other.test"}, {"bluesky/other.test", "bluesky/acme.test"}} {
		sight := NewSight(cfg)
		for _, account := range order {
			want := detector.Sight{Seen: true}
			if account == "bluesky/other.test" {
				want = hidden
			}
			if got := sight(account, activity.KindFollowers, ""); got != want {
				t.Errorf("followers of %s, in the order %v: %+v, want %+v", account, order, got, want)
			}
		}
	}
}

// TestSightThroughDatabases: what a provider does not tell of an address, a
// database that is configured does.
func TestSightThroughDatabases(t *testing.T) {
	const tenant = `
credentials:
  tenant: {collector: entra, tenant: acme.example, client_id: 11111111-2222-3333-4444-555555555555, client_secret: {env: E}}
sources:
  - {name: acme, collector: entra, credential: tenant}
accounts:
  - {account: x/acme, guarded_by: [entra/jane]}
`
	mend := "configure a database of networks (enrich)"
	for _, row := range []struct {
		name, enrich, field string
		want                detector.Sight
	}{
		{"without one", "", "geo.asn", detector.Sight{Why: "version v1.0 of Microsoft Graph does not tell whose network an address is of", Mend: mend}},
		{"with one of networks", "enrich: {asn: asn.mmdb}\n", "geo.asn", detector.Sight{Seen: true}},
		{"with one of places only", "enrich: {location: city.mmdb}\n", "geo.asn", detector.Sight{Why: "version v1.0 of Microsoft Graph does not tell whose network an address is of", Mend: mend}},
		{"what no database tells", "enrich: {asn: asn.mmdb}\n", "user_agent", detector.Sight{Why: "version v1.0 of Microsoft Graph does not tell the user agent of a sign-in"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := NewSight(configured(t, tenant+row.enrich))("entra/jane", activity.KindLogin, row.field); got != row.want {
				t.Errorf("%+v, want %+v", got, row.want)
			}
		})
	}
}
