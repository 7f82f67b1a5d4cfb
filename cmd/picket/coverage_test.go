package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/detector"
)

// TestCoverageText holds what stands together and what does not.
func TestCoverageText(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 2, 12, 0, 0, time.UTC)
	active := app.RuleCoverage{Rule: "burst", Title: "Posting burst", State: detector.CoverageActive}
	learns := func(days, events int) app.RuleCoverage {
		return app.RuleCoverage{
			Rule: "country", Title: "Login from a new country", State: detector.CoverageLearning, Days: days, NeedDays: 14, Events: events, NeedEvents: 20,
			Why: fmt.Sprintf("%d of 14 days and %d of 20 activities", days, events),
		}
	}
	lacks := func(why, mend string) app.RuleCoverage {
		return app.RuleCoverage{Rule: "country", Title: "Login from a new country", State: detector.CoverageNoSource, Why: why, Mend: mend}
	}
	of := func(name string, rules ...app.RuleCoverage) app.AccountCoverage {
		return app.AccountCoverage{Account: name, AsOf: at, Rules: rules}
	}
	identity := func(name string, rules ...app.RuleCoverage) app.AccountCoverage {
		return app.AccountCoverage{Account: name, Guards: []string{"x/a"}, AsOf: at, Rules: rules}
	}
	for _, row := range []struct {
		name string
		all  []app.AccountCoverage
		want string
	}{
		{"none", nil, "no accounts are configured\n"},
		{"one account", []app.AccountCoverage{of("x/a", active, learns(9, 12))}, `
1 of 2 rules watches x/a now; 1 learns
  watch      Posting burst
  learn      Login from a new country
               9 of 14 days and 12 of 20 activities
`},
		{"one identity shows what it lacks too", []app.AccountCoverage{identity("okta/ann", active, lacks("nothing sends logins", ""))}, `
1 of 2 rules watches okta/ann now; 1 has no source
  watch      Posting burst
  no source  Login from a new country
               nothing sends logins
`},
		{"what was learned may differ", []app.AccountCoverage{of("x/a", learns(9, 12)), of("x/b", learns(2, 12)), of("x/c", learns(14, 12)), of("x/d", learns(3, 12))}, `
4 accounts, as of 2026-03-14 02:12Z: some rule still learns on 4, some rule has no source on 0

0 of 1 rule watch x/a, x/b, x/c and 1 more now; 1 learns
  learn      Login from a new country
               2–14 of 14 days, 12 of 20 activities
`},
		{"reasons part accounts, the worst first", []app.AccountCoverage{of("x/a", active, learns(1, 1)), of("x/b", lacks("X shows no logins", "connect Okta"), lacks("X shows no logins", "")), of("x/c", active, lacks("X shows no logins", ""))}, `
3 accounts, as of 2026-03-14 02:12Z: some rule still learns on 1, some rule has no source on 2

0 of 2 rules watch x/b now; 2 have no source
  no source  Login from a new country
               X shows no logins
               → connect Okta
             Login from a new country
               X shows no logins

1 of 2 rules watches x/a now; 1 learns
  watch      Posting burst
  learn      Login from a new country
               1 of 14 days and 1 of 20 activities

1 of 2 rules watches x/c now; 1 has no source
  watch      Posting burst
  no source  Login from a new country
               X shows no logins
`},
		{
			"one identity that is watched is not all of them",
			[]app.AccountCoverage{
				identity("okta/ann", learns(9, 12)), identity("okta/eve"), identity("okta/bob", app.RuleCoverage{Rule: "country", Title: "Login from a new country", State: detector.CoverageActive}),
				of("x/a", app.RuleCoverage{Rule: "country", Title: "Login from a new country", State: detector.CoverageActive, Why: "through okta/bob; not for okta/ann, okta/eve: no Entra"}),
			},
			`
1 of 1 rule watches x/a now
  watch      Login from a new country
               through some of its identities, see below; not for others: no
               Entra

0 rules watch okta/ann now; 1 learns
  learn      Login from a new country
               9 of 14 days and 12 of 20 activities

1 rule watches okta/bob now
  watch      Login from a new country
`,
		},
		{
			"names of identities part nobody, and identities come last",
			[]app.AccountCoverage{
				identity("okta/ann", active, lacks("an identity", "")), identity("okta/bob", lacks("an identity", "")),
				of("x/a", lacks("nothing sends logins of okta/ann", "connect Okta")), of("x/b", lacks("nothing sends logins of okta/bob +1", "connect Okta")),
			},
			`
2 accounts, as of 2026-03-14 02:12Z: some rule still learns on 0, some rule has no source on 2

0 of 1 rule watch x/a, x/b now; 1 has no source
  no source  Login from a new country
               nothing sends logins of its identities
               → connect Okta

1 rule watches okta/ann now
  watch      Posting burst
`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(strings.TrimPrefix(row.want, "\n"), coverageText(row.all)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCoverageStaysReadable holds that fifty accounts fit a few screens.
func TestCoverageStaysReadable(t *testing.T) {
	t.Parallel()
	var all []app.AccountCoverage
	for i := range 50 {
		rules := make([]app.RuleCoverage, 14)
		for k := range rules {
			rules[k] = app.RuleCoverage{
				Rule: fmt.Sprint(k), Title: fmt.Sprintf("Rule, with a long title %d", k), State: detector.CoverageLearning,
				Days: i % 14, NeedDays: 14, Events: i, NeedEvents: 60, Why: fmt.Sprintf("%d of 14 days", i%14),
			}
			if k%3 > 0 {
				rules[k] = app.RuleCoverage{Rule: rules[k].Rule, Title: rules[k].Title, State: detector.CoverageActive, Why: fmt.Sprintf("through okta/editor-%d", i)}
			}
		}
		all = append(all, app.AccountCoverage{Account: fmt.Sprintf("x/account-%02d", i), Rules: rules})
	}
	lines := strings.Split(coverageText(all), "\n")
	if len(lines) > 40 {
		t.Errorf("%d lines for 50 accounts that are covered alike, want at most 40", len(lines))
	}
	for _, line := range lines[2:] {
		if n := len([]rune(line)); n > 100 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}

// TestCoverageIsForTheAdmin holds who may ask a daemon for coverage, and that
// it answers nowhere but to inboxes.
func TestCoverageIsForTheAdmin(t *testing.T) {
	t.Parallel()
	s := newSite(t, embedded)
	s.start(t)
	for _, user := range []string{"alerts", "intake"} {
		if err := publishes(app.CoverageSubject)(s.listenAs(t, user, quiet())); err == nil {
			t.Errorf("user %s may ask for coverage", user)
		}
		if err := publishes(app.CollectorsSubject)(s.listenAs(t, user, quiet())); err == nil {
			t.Errorf("user %s may ask about collectors", user)
		}
		if err := reads(app.CoverageSubject)(s.listenAs(t, user, quiet())); err == nil {
			t.Errorf("user %s may listen to what is asked", user)
		}
	}
	admin := s.listenAs(t, "admin", nats.CustomInboxPrefix("_TEST"))
	forged, err := admin.SubscribeSync("picket.alert.>")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"v":1}`, `{"v":1,"account":"x/acme"}`} {
		if err := admin.PublishRequest(app.CoverageSubject, "picket.alert.high.x.acme.forged", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range []string{"", "{}", `{"v":2}`, `[]`, `{"v":1,"account":7}`} { // passed over
		if err := admin.PublishRequest(app.CoverageSubject, admin.NewInbox(), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	// An answer to the last question: those before it have been seen by then.
	reply, err := admin.Request(app.CoverageSubject, []byte(`{"v":1,"account":"x/acme"}`), patience)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		V, Partition, Partitions int
		Last                     bool
		Accounts                 []app.AccountCoverage
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		t.Fatalf("%v: %s", err, reply.Data)
	}
	if answer.V != 1 || !answer.Last || answer.Partitions != 1 || len(answer.Accounts) != 1 || answer.Accounts[0].Account != "x/acme" || len(answer.Accounts[0].Rules) < 10 {
		t.Errorf("answer: %s", reply.Data)
	}
	if n, _, err := forged.Pending(); err != nil || n != 0 {
		t.Errorf("%d answers went to a subject of alerts (%v), want none", n, err)
	}
}
