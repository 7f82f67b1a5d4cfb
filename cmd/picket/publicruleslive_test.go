package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/collectors/github/githubtest"
	"github.com/picketd/picket/collectors/okta/oktatest"
)

// TestPublicRulesLive is the same in a daemon: it reads the logs of two
// providers through its configuration, rules.dirs holds the public folders about
// them, and what happens there arrives as alerts of the public rules, of the
// identity that guards an account. Of anybody else's doings nothing arrives.
func TestPublicRulesLive(t *testing.T) {
	t.Parallel()
	s := &site{dir: t.TempDir()}
	unpackRules(t, filepath.Join(s.dir, "public"))
	hub, org := githubtest.New(githubtest.Options{Token: "github_pat_live"}), oktatest.New(oktatest.Options{Token: "00live", Limit: 600})
	web, login := httptest.NewServer(hub), httptest.NewServer(org)
	t.Cleanup(web.Close)
	t.Cleanup(login.Close)
	hub.Add(githubtest.Event{Action: "repo.archived", Actor: "editor-1", Created: time.Now().Add(-time.Hour)}) // history raises nothing
	s.write(t, "github-token", "github_pat_live")
	s.write(t, "okta-token", "00live")
	s.write(t, "picket.yaml", fmt.Sprintf(`
data_dir: ./data
http: {listen: 127.0.0.1:0}
rules: {packs: [], dirs: [./public/rules/application, ./public/rules/identity]}
credentials:
  hub: {collector: github, base_url: %q, token: {file: ./github-token}}
  org: {collector: okta, base_url: %q, token: {file: ./okta-token}}
sources:
  - {name: acme, collector: github, credential: hub, every: 1s}
  - {name: login, collector: okta, credential: org, every: 1s}
accounts:
  - {account: x/acme, guarded_by: [github/editor-1, okta/editor-1]}
`, web.URL, login.URL))
	s.start(t)
	s.await(t, `^picket_accounts\{network="github",state="complete"\} 1$`)
	s.await(t, `^picket_accounts\{network="okta",state="complete"\} 1$`)

	hub.Add(githubtest.Event{Action: "org.disable_two_factor_requirement", Actor: "Editor-1", IP: "198.51.100.7", Country: "RO"})
	hub.Add(githubtest.Event{Action: "repo.destroy", Actor: "intern"}) // guards nothing
	org.Add(oktatest.Event{Type: "zone.deactivate", Actor: "editor-1@acme.example", IP: "198.51.100.7"})
	want := map[string]string{
		"8622c92d-c00e-463c-b09d-fd06166f6794": "github/editor-1", // Github High Risk Configuration Disabled
		"9f308120-69ed-4506-abde-ac6da81f4310": "okta/editor-1",   // Okta Network Zone Deactivated or Deleted
	}
	got := map[string]string{}
	if err := poll(func() error {
		list := s.picket(t, "alerts", "ls", "--json")
		for line := range strings.Lines(list) {
			var a alerting.Alert
			if err := json.Unmarshal([]byte(line), &a); err == nil {
				got[a.Rule.ID] = a.Account
			}
		}
		if len(got) < len(want) {
			return fmt.Errorf("%d alerts, want %d\n%s%s", len(got), len(want), list, s.daemon.log())
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("alerts of rules, want -, got +:\n%s", diff)
	}
	if log, err := os.ReadFile(s.daemon.errOut); err != nil || strings.Contains(string(log), "github_pat_live") {
		t.Errorf("the log holds the token, or cannot be read: %v", err)
	}
	if hub.Over() != 0 {
		t.Errorf("%d requests beyond GitHub's limit", hub.Over())
	}
}
