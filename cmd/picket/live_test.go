package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/picketd/picket/collectors/journal/journaltest"
)

// TestLive is the acceptance of the spine: a fake X, a picket that watches it
// and a subscriber that waits for alerts, each a process of its own (an
// external NATS server is in the test's). What happens at the network and what
// others push arrives as alerts and in the metrics, and nothing else does.
func TestLive(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded)
		s.start(t)
		live(t, s, s.listenAs(t, "alerts"))
	})
	t.Run("external", func(t *testing.T) {
		t.Parallel()
		srv := journaltest.Server(t, t.TempDir(), func(o *server.Options) {
			o.Users = []*server.User{
				{Username: "picket", Password: natsPassword},
				{Username: "pager", Password: natsPassword, Permissions: &server.Permissions{
					Publish:   &server.SubjectPermission{Deny: []string{">"}},
					Subscribe: &server.SubjectPermission{Allow: []string{"picket.alert.>"}},
				}},
			}
		})
		s := newSite(t, fmt.Sprintf("nats: {url: %q, user: picket, password: {file: ./nats-password}}", srv.ClientURL()))
		s.start(t)
		nc, err := nats.Connect(srv.ClientURL(), nats.UserInfo("pager", natsPassword))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		live(t, s, nc)
	})
}

const (
	webhookToken = "token-of-the-webhook-of-this-test"
	natsPassword = "password-of-the-server-of-this-test"
)

// live plays one incident of each kind and checks what arrives.
func live(t *testing.T, s *site, pager *nats.Conn) {
	t.Helper()
	alerts, err := pager.SubscribeSync("picket.alert.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := pager.Flush(); err != nil {
		t.Fatal(err)
	}
	s.await(t, `^picket_accounts\{network="x",state="complete"\} 3$`) // history is read
	s.teachLogins(t)
	s.approve(t, "x/bank", "Rates are up")

	for i := range 12 {
		s.tweet(t, "acme", fmt.Sprintf("Giving back, round %d", i), time.Time{})
	}
	s.tweet(t, "bank", "Rates are up", time.Time{})
	s.tweet(t, "bank", "We give it all back: https://bank-gift.example/", time.Time{})
	s.admin(t, "profiles", `{"account": "club", "set": {"name": "Official gifts", "link": "https://club-gift.example/"}}`)
	s.push(t, login("odd", "RO", time.Now()))

	got := map[string]event{}
	for len(got) < 4 {
		msg, err := alerts.NextMsg(patience)
		if err != nil {
			t.Fatalf("%d of 4 alerts came: %v\n%s", len(got), err, s.daemon.log())
		}
		e := parse(t, msg)
		if e.Type == "io.picket.alert.firing" {
			got[e.Data.Unmapped.Picket.Rule] = e
		}
	}
	for _, want := range []expected{
		{
			rule: "posting_burst", id: "d3de3890-ce24-480f-9539-b7be4d9f5d23", level: "medium", severity: 3, account: "x/acme", count: 12, evidences: 8, kind: "post",
			title: "MEDIUM x/acme: posting burst [PK-", text: []string{"12 activities in ", "fewer than 12 in 10m", "owner Jane Roe, +49 30 123456", `Giving back, round 11`},
		},
		{
			rule: "login_new_country", id: "6ee3b0c8-3763-4793-a5f1-8944b0d088c4", level: "high", severity: 4, account: "okta/editor-2", count: 1, evidences: 1, kind: "login",
			title: "HIGH okta/editor-2 (guards x/acme): login from a new country [PK-", text: []string{"RO", "DE 30", "30 days", "whether a VPN: not known"},
		},
		{
			rule: "message_not_approved", id: "20e8f1dc-5203-490b-a912-afdcd3f8f3ac", level: "critical", severity: 5, account: "x/bank", count: 1, evidences: 1, kind: "post",
			title: "CRITICAL x/bank: post nobody approved [PK-", text: []string{"no match among 1 approvals", "hxxps://bank-gift[.]example/", "App: not shown by X"},
		},
		{
			rule: "profile_changed", id: "3d3c7d47-77cb-4b17-8b0d-c08933815a80", level: "high", severity: 4, account: "x/club", count: 1, evidences: 1, kind: "profile",
			title: "HIGH x/club: profile name, picture, link or handle changed [PK-", text: []string{`"Club" → "Official gifts"`, "hxxps://club-gift[.]example/"},
		},
	} {
		t.Run(want.rule, func(t *testing.T) { want.check(t, got[want.rule]) })
	}

	var metrics string
	for _, line := range []string{
		`picket_alerts_open{level="critical",state="firing"} 1`,
		`picket_alerts_open{level="high",state="firing"} 2`,
		`picket_alerts_open{level="medium",state="firing"} 1`,
		`picket_alerts_open{level="low",state="firing"} 0`,
		`picket_alerts_raised_total{level="critical",rule="message_not_approved"} 1`,
		`picket_alerts_raised_total{level="high",rule="login_new_country"} 1`,
		`picket_alerts_raised_total{level="high",rule="profile_changed"} 1`,
		`picket_alerts_raised_total{level="medium",rule="posting_burst"} 1`,
		`picket_alerts_raised_total{level="low",rule="login_new_network"} 0`,
		`picket_alerts_raised_total{level="medium",rule="message_expired"} 0`,
		`picket_intake_accepted_activities_total{source="webhook"} 31`,
		`picket_intake_accepted_activities_total{source="nats"} 1`,
	} {
		metrics = s.await(t, "^"+regexp.QuoteMeta(line)+"$")
	}
	if n := len(regexp.MustCompile(`(?m)^picket_alerts_raised_total\{.*\} 1$`).FindAllString(metrics, -1)); n != 4 {
		t.Errorf("%d rules raised alerts, want 4", n)
	}
	if list := s.picket(t, "alerts", "ls"); strings.Count(list, " firing ") != 4 {
		t.Errorf("picket alerts ls shows\n%swant 4 firing", list)
	}
	s.keepsSecrets(t)
}

// keepsSecrets holds the log, at its most talkative, to what it may tell.
func (s *site) keepsSecrets(t *testing.T) {
	t.Helper()
	log, err := os.ReadFile(s.daemon.errOut)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte(`"msg":"alert"`)) {
		t.Error("the log does not tell of alerts")
	}
	for _, secret := range []string{bearerToken, webhookToken, natsPassword, "Giving back", "Rates are up", "192.0.2.7"} {
		if bytes.Contains(log, []byte(secret)) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
