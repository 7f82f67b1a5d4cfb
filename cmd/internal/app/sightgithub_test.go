package app

import (
	"slices"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
)

// hubAccounts are guarded by people whom the log of GitHub tells of.
const hubAccounts = `
credentials:
  hub: {collector: github, token: {env: G}}
sources:
  - {name: acme, collector: github, credential: hub}
accounts:
  - {account: x/acme, guarded_by: [github/octocat]}
  - {account: x/other, guarded_by: [github/Octocat]}
identities:
  - {identity: github/hubot, guards: [x/acme], name: Hubot}
`

// TestSightThroughGitHub holds which account an identity of a provider guards,
// and what is seen through it.
func TestSightThroughGitHub(t *testing.T) {
	cfg := configured(t, hubAccounts)
	for identity, want := range map[string][]string{
		"github/octocat": {"x/acme"}, "github/hubot": {"x/acme"}, "github/Octocat": {"x/other"}, "okta/octocat": nil,
	} {
		if got := cfg.Guards(identity); !slices.Equal(got, want) {
			t.Errorf("%s guards %q, want %q", identity, got, want)
		}
	}
	const (
		hidden = "an organisation's audit log tells no more of logins than answers of its single sign-on"
		mend   = "read the log of the enterprise (enterprise in place of org), which has them of managed users"
	)
	enterprise := configured(t, hubAccounts)
	for i := range enterprise.Sources {
		enterprise.Sources[i].Values["enterprise"] = "acme-corp"
	}
	for _, row := range []struct {
		name, account string
		kind          activity.Kind
		want, whole   detector.Sight // of an organisation's log, and of an enterprise's
	}{
		{"roles behind an account", "x/acme", activity.KindRoleChange, detector.Sight{Seen: true}, detector.Sight{Seen: true}},
		{"logins of an identity", "github/octocat", activity.KindLogin, detector.Sight{Seen: true}, detector.Sight{Seen: true}},
		{"failed logins behind an account", "x/acme", activity.KindLoginFailure, detector.Sight{Why: hidden, Mend: mend}, detector.Sight{Seen: true}},
		{"second factors of an identity", "github/hubot", activity.KindMFAChange, detector.Sight{Why: hidden, Mend: mend}, detector.Sight{Seen: true}},
		{
			"one that GitHub calls otherwise", "x/other", activity.KindLogin,
			detector.Sight{Why: "no GitHub source names anybody Octocat", Mend: "call it github/octocat, or see identity under sources"},
			detector.Sight{Why: "no GitHub source names anybody Octocat", Mend: "call it github/octocat, or see identity under sources"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := NewSight(cfg)(row.account, row.kind, ""); got != row.want {
				t.Errorf("of an organisation\n got %+v\nwant %+v", got, row.want)
			}
			if got := NewSight(enterprise)(row.account, row.kind, ""); got != row.whole {
				t.Errorf("of an enterprise\n got %+v\nwant %+v", got, row.whole)
			}
		})
	}
}
