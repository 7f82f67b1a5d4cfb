package alerting

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/detector"
	"github.com/picketd/picket/rules"
)

// sprayFinding is a finding of one address on some accounts.
func sprayFinding(accounts ...string) detector.Finding {
	f := detector.Finding{
		Episode: "5fa01c22", Phase: detector.Open, LogTime: start(), First: start().Add(-40 * time.Minute), Last: start(), Count: len(accounts),
		Rule: &rules.Rule{
			ID: "0a9a2c3e", Name: "password_spray", Title: "One address fails to log in to many accounts", Level: rules.High, Mode: rules.Enforce,
			Type: rules.TypeValueCount, Keyed: true, Response: []string{"Block the address."},
		},
		Group:    []activity.Field{{Name: "ip", Value: "198.51.100.7"}},
		Accounts: accounts, AccountCount: len(accounts),
		Reasons: []detector.Reason{{Seen: fmt.Sprint(len(accounts), " different accounts in 40m0s"), Expected: "fewer than 5 in 1h"}},
	}
	for i, name := range accounts {
		network, _, _ := strings.Cut(name, "/")
		f.Evidence = append(f.Evidence, activity.Activity{
			ID: fmt.Sprint(i), Network: network, Account: name, Kind: activity.KindLoginFailure, IP: "198.51.100.7",
			Time: start().Add(time.Duration(10*i-40) * time.Minute), Outcome: activity.Outcome{Result: "failure"},
		})
	}
	return f
}

func TestTextAcrossAccounts(t *testing.T) {
	a, _ := Apply(Alert{}, sprayFinding("okta/editor-2", "x/beta", "x/acme", "x/c", "x/d"))
	a = revise(Alert{}, a)
	want := strings.Join([]string{
		"HIGH ip 198.51.100.7 (okta/editor-2, x/beta +3): one address fails to log in to",
		"  many accounts [PK-5FA01C]",
		"What   5 login failures 01:32Z to 02:12Z, latest: failure, place not known,",
		"       network not known",
		"On     5 accounts: okta/editor-2, x/beta, x/acme, x/c, x/d",
		"Why    5 different accounts in 40m0s (expected fewer than 5 in 1h)",
		"Usual  whether a VPN: not known",
		"Sure   counting rule; verdicts here none yet",
		"Do     owner of okta/editor-2: Tom Berg.  1 Block the address.",
		"Next   paged now: working hours not configured; no escalation configured",
		"Act    picket alerts ack PK-5FA01C · assign · resolve -v expected|false|true",
		"",
	}, "\n")
	if d := cmp.Diff(want, Text(a, testDirectory(t))); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
}

func TestSubjectOf(t *testing.T) {
	across := func(change func(*Alert)) Alert {
		a, _ := Apply(Alert{}, sprayFinding("x/acme", "x/beta", "x/c"))
		change(&a)
		return a
	}
	long := strings.Repeat("x", 100)
	for _, tt := range []struct {
		name string
		a    Alert
		want string
	}{
		{"an account", Alert{Account: "x/acme"}, "x/acme"},
		{"nothing", Alert{}, "Picket"},
		{"an address", across(func(*Alert) {}), "ip 198.51.100.7 (x/acme, x/beta +1)"},
		{"two accounts", across(func(a *Alert) { a.Accounts, a.AccountCount = a.Accounts[:2], 2 }), "ip 198.51.100.7 (x/acme, x/beta)"},
		{"more than are named", across(func(a *Alert) { a.AccountCount = 300 }), "ip 198.51.100.7 (x/acme, x/beta +298)"},
		{"an address of version 6", across(func(a *Alert) { a.Group[0].Value = "2001:db8::7" }), "ip 2001:db8::7 (x/acme, x/beta +1)"},
		{"what others wrote", across(func(a *Alert) { a.Group = []Label{{"app", "gift.example\x1b[31m"}} }), `app "gift[.]example[31m" (x/acme, x/beta +1)`},
		{"several values", across(func(a *Alert) { a.Group = append(a.Group, Label{"app", "web"}) }), "ip 198.51.100.7, app web (x/acme, x/beta +1)"},
		{
			"too long", across(func(a *Alert) { a.Group[0].Value, a.Accounts = long, []string{long, long} }),
			"ip " + long[:36] + "… (" + long[:39] + "…, " + long[:17] + "…)",
		},
	} {
		if got := SubjectOf(&tt.a); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestAcrossAccountsIsFound: an alert across accounts is found by each that it
// names, keeps their names through its stored form, and stands beside theirs.
func TestAcrossAccountsIsFound(t *testing.T) {
	a, _ := Apply(Alert{}, sprayFinding("x/acme", "x/beta"))
	for account, want := range map[string]bool{"x/acme": true, "x/beta": true, "x/c": false, "": true} {
		f := Filter{Account: account}
		if got := f.alert(&a); got != want {
			t.Errorf("by %q: found %v, want %v", account, got, want)
		}
	}
	data, err := Encode(revise(Alert{}, a))
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil || !cmp.Equal(back.Accounts, a.Accounts) || back.AccountCount != 2 || back.Account != "" {
		t.Errorf("stored and read again: %q of %d on %q (%v)", back.Accounts, back.AccountCount, back.Account, err)
	}
	if got := beside(&a, testDirectory(t)); !cmp.Equal(got, []string{"okta/editor-2", "x/acme", "x/beta"}) {
		t.Errorf("beside it stand alerts of %q", got)
	}
	more, _ := Apply(a, func() detector.Finding {
		f := sprayFinding("x/acme", "x/beta", "x/c")
		f.Phase, f.Position.Index = detector.Update, 1
		return f
	}())
	if len(more.Accounts) != 3 || len(a.Accounts) != 2 {
		t.Errorf("the update names %q, the alert before it %q", more.Accounts, a.Accounts)
	}
}
