package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/collectortest"
	"github.com/picketd/picket/collectors/github/githubtest"
)

func TestActions(t *testing.T) {
	for _, row := range []struct {
		action, kind, changed string // kind "" is ignored
	}{
		{"user.login", "login", ""},
		{"user.failed_login", "login_failure", ""},
		{"user.logout", "logout", ""},
		{"two_factor_authentication.disabled", "mfa_change", "mfa_removed"},
		{"user.change_password", "password_change", "password_updated"},
		{"personal_access_token.access_granted", "token_grant", "token_granted"},
		{"org_credential_authorization.deauthorize", "token_revoke", "token_revoked"},
		{"org.update_member", "role_change", "role_changed"},
		{"org.remove_member", "role_change", "role_revoked"},
		{"enterprise_role.assign", "role_change", "role_granted"},
		// Settings and the like.
		{"org.disable_two_factor_requirement", "session", ""},
		{"business.set_actions_fork_pr_approvals_policy", "session", ""},
		{"business_advanced_security.disabled", "session", ""},
		{"ip_allow_list.disable", "session", ""},
		{"ip_allow_list_entry.create", "session", ""},
		{"repo.access", "session", ""},
		{"protected_branch.policy_override", "session", ""},
		{"repository_ruleset.destroy", "session", ""},
		{"user.two_factor_recover", "session", ""},
		{"user_session.country_change", "session", ""},
		{"two_factor_account_recovery.start", "session", ""},
		{"codespaces.destroy", "session", ""},
		{"environment.create_actions_secret", "session", ""},
		{"project.delete", "session", ""},
		{"hook.create", "session", ""},
		{"audit_log_streaming.destroy", "session", ""},
		{"git.clone", "session", ""},
		// Everyday work.
		{"pull_request.create", "", ""},
		{"workflows.completed_workflow_run", "", ""},
		{"repo.self_hosted_runner_online", "", ""},
		{"org.self_hosted_runner_offline", "", ""},
		{"enterprise.self_hosted_runner_updated", "", ""},
		{"codespaces.create", "", ""},
		{"project.create", "", ""},
		{"user_status.update", "", ""},
		{"copilot.cfb_seat_added", "", ""},
		{"issue_comment.update", "", ""},
		{"nonsense", "", ""},
		{"", "", ""},
	} {
		kind, changed := classify(row.action)
		if string(kind) != row.kind || changed != row.changed {
			t.Errorf("%q is %q, changed %q; want %q, %q", row.action, kind, changed, row.kind, row.changed)
		}
	}
}

// The documented table says the same as the code.
func TestTable(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for line := range strings.SplitSeq(string(doc), "\n") {
		fields := strings.Fields(strings.TrimPrefix(line, "//"))
		if !strings.HasPrefix(line, "//\t") || len(fields) < 2 {
			continue
		}
		if rows[fields[0]] {
			t.Errorf("%s stands twice in the table", fields[0])
		}
		rows[fields[0]] = true
		kind, changed := classify(fields[0])
		got := string(kind)
		if changed != "" {
			got += ", changed " + changed
		}
		if want := strings.Join(fields[1:], " "); got != want {
			t.Errorf("%s: the code makes %q, the table %q", fields[0], got, want)
		}
	}
	if len(rows) != 106 {
		t.Errorf("%d rows in the table, want 106", len(rows))
	}
}

// The documentation's own form, values aside.
func TestPage(t *testing.T) {
	sample, err := os.ReadFile("testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	var events []json.RawMessage
	if err := json.Unmarshal(sample, &events); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, githubtest.Options{}, ofEnterprise)
	for i, raw := range events {
		w.srv.Add(githubtest.Event{Raw: raw, Created: start().Add(time.Duration(i-4) * time.Second)})
	}
	page := w.poll(nil)
	for i := range page.Activities {
		a := &page.Activities[i]
		if !bytes.Equal(a.Raw, events[i]) {
			t.Errorf("raw\n%s\nwant\n%s", a.Raw, events[i])
		}
		a.Raw = nil
	}
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	want := []activity.Activity{
		{
			ID: "Xb1s_aP0Qm", Network: "github", Account: "github/editor-2", Kind: activity.KindLogin, Time: at(1772798280123), Seen: start(),
			Actor: "Editor-2", IP: "89.160.20.112", Geo: activity.Geo{Country: "RO"}, UserAgent: "Mozilla/5.0 (X11)",
			Outcome: activity.Outcome{Result: "success"},
		},
		{
			ID: "Xb1s_aP0Qn", Network: "github", Account: "github/editor-2", Kind: activity.KindRoleChange, Time: at(1772798290000), Seen: start(),
			Actor: "owner", App: "deploy", Changed: []string{"role_changed"},
		},
		{
			ID: "Xb1s_aP0Qo", Network: "github", Account: "github/editor-2", Kind: activity.KindTokenGrant, Time: at(1772798295000), Seen: start(),
			Actor: "editor-2", App: "Publishing Suite", Changed: []string{"token_granted"},
		},
		{
			ID: "Xb1s_aP0Qp", Network: "github", Account: "github/editor-2", Kind: activity.KindSession, Time: at(1772798300000), Seen: start(),
			Actor: "editor-2",
		},
	}
	if diff := cmp.Diff(want, page.Activities); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestWhoseActivity(t *testing.T) {
	for _, row := range []struct {
		name string
		e    githubtest.Event
		want string // identity, "" if of nobody guarded
	}{
		{"a login", githubtest.Event{Action: "user.login", Actor: "Editor-1"}, "github/editor-1"},
		{"a failed login without an actor", githubtest.Event{Action: "user.failed_login", User: "editor-1"}, "github/editor-1"},
		{"a failed login of nobody", githubtest.Event{Action: "user.failed_login"}, ""},
		{"an owner removes a factor", githubtest.Event{Action: "two_factor_authentication.disabled", Actor: "owner", User: "editor-1"}, "github/editor-1"},
		{"a guarded owner removes a factor of somebody", githubtest.Event{Action: "two_factor_authentication.disabled", Actor: "editor-1", User: "intern"}, ""},
		{"a guarded owner lets somebody in", githubtest.Event{Action: "org.add_member", Actor: "editor-1", User: "intern"}, "github/editor-1"},
		{"an owner lets a guarded one in", githubtest.Event{Action: "org.add_member", Actor: "owner", User: "editor-1"}, "github/editor-1"},
		{"an owner approves a token", githubtest.Event{Action: "personal_access_token.access_granted", Actor: "owner", User: "editor-1"}, "github/editor-1"},
		{"a guarded owner approves a token of somebody", githubtest.Event{Action: "personal_access_token.access_granted", Actor: "editor-1", User: "intern"}, ""},
		{"a guarded owner installs an app", githubtest.Event{Action: "integration_installation.create", Actor: "editor-1", User: "acme"}, "github/editor-1"},
		{"a member authorises a key", githubtest.Event{Action: "org_credential_authorization.grant", Actor: "editor-1"}, "github/editor-1"},
		{"a setting", githubtest.Event{Action: "org.disable_saml", Actor: "editor-1", User: "intern"}, "github/editor-1"},
		{"a setting that somebody changes for a guarded one", githubtest.Event{Action: "org.block_user", Actor: "owner", User: "editor-1"}, ""},
		{"a machine", githubtest.Event{Action: "org.disable_saml", Actor: "dependabot[bot]"}, ""},
		{"a name that is no name", githubtest.Event{Action: "user.failed_login", Actor: "\u202eeditor-1"}, ""},
		{"a long name", githubtest.Event{Action: "user.failed_login", Actor: strings.Repeat("x", 300)}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			w.srv.Add(row.e)
			page := w.poll(nil)
			got := ""
			for _, a := range page.Activities {
				got += a.Account
			}
			if got != row.want || len(page.Malformed) > 0 {
				t.Errorf("of %q (%v), want %q", got, page.Malformed, row.want)
			}
			if want := map[bool]uint64{true: 1, false: 0}[row.want == ""]; w.c.Dropped() != want {
				t.Errorf("%d dropped, want %d", w.c.Dropped(), want)
			}
		})
	}
}

func TestApps(t *testing.T) {
	for _, row := range []struct {
		action string
		more   map[string]any
		want   string
	}{
		{"oauth_authorization.create", map[string]any{"oauth_application_name": "Suite", "user_programmatic_access_name": "deploy"}, "Suite"},
		{"oauth_application.reset_secret", map[string]any{"oauth_application": "Suite"}, "Suite"},
		{"integration_installation.create", map[string]any{"integration": "Bot", "name": "Bot"}, "Bot"},
		{"personal_access_token.create", map[string]any{"user_programmatic_access_name": "deploy"}, "deploy"},
		{"org.disable_saml", map[string]any{"user_programmatic_access_name": "deploy"}, "deploy"},
		{"integration.create", map[string]any{"integration": "Bot"}, ""}, // what was made, not with what
		{"public_key.create", map[string]any{"title": "laptop"}, ""},
	} {
		w := newWorld(t, githubtest.Options{})
		if got := w.one(githubtest.Event{Action: row.action, Actor: "editor-1", More: row.more}); got.App != row.want {
			t.Errorf("%s %v: app %q, want %q", row.action, row.more, got.App, row.want)
		}
	}
}

func TestOddPartsAreLeftOut(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	for i := range 2 {
		w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1", IP: "2001:db8::7", ID: fmt.Sprint("d", i), More: map[string]any{
			"actor_location": "RO", "user_agent": 7, "org": []string{"acme"},
		}})
	}
	page := w.poll(nil)
	if len(page.Activities) != 2 || len(page.Malformed) != 0 {
		t.Fatalf("%d activities, malformed %v; want 2", len(page.Activities), page.Malformed)
	}
	if a := page.Activities[0]; a.IP != "2001:db8::7" || a.Geo.Country != "" || a.UserAgent != "" {
		t.Errorf("activity %+v, want the address alone", a)
	}
	if n := w.c.Counts().Partial; n != 2 {
		t.Errorf("%d counted as partial, want 2", n)
	}
	if n := w.logs.FilterMessageSnippet("not of the documented type").Len(); n != 2 {
		t.Errorf("said %d times, want once for each of 2 parts", n)
	}
}

func TestCountries(t *testing.T) {
	for code, want := range map[string]string{"DE": "DE", "de": "DE", "": "", "DEU": "", "T1": "", "Ü": ""} {
		w := newWorld(t, githubtest.Options{})
		if got := w.one(githubtest.Event{Action: "user.login", Actor: "editor-1", Country: code}); got.Geo.Country != want {
			t.Errorf("country %q, want %q", got.Geo.Country, want)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"no action", `{"@timestamp":1772798280123,"_document_id":"d"}`, "malformed [0]: GET /orgs/acme/audit-log: action is missing; want one such as org.add_member"},
		{"no time", `{"action":"user.login","_document_id":"d"}`, "malformed [0]: GET /orgs/acme/audit-log: @timestamp is missing; want milliseconds since 1970"},
		{"time in seconds", `{"action":"user.login","@timestamp":1772798280}`, "malformed [0]: GET /orgs/acme/audit-log: @timestamp 1772798280; want milliseconds since 1970, in the years 2000 to 2199"},
		{"broken time", `{"action":"user.login","@timestamp":1772798280123.5}`, `malformed [0]: GET /orgs/acme/audit-log: @timestamp "1772798280123.5"; want whole milliseconds since 1970`},
		{"a list for an actor", `{"action":"user.login","@timestamp":1772798280123,"actor":["a"]}`, "malformed [0].actor: GET /orgs/acme/audit-log: is a JSON array; want a string"},
		{"no object", `17`, "malformed [0]: GET /orgs/acme/audit-log: is a JSON number; want an object"},
		{"a long id", `{"action":"user.login","@timestamp":1772798280123,"_document_id":"` + strings.Repeat("x", 600) + `"}`, "malformed [0]: GET /orgs/acme/audit-log: _document_id of 600 bytes; want at most 512"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			w.srv.Add(githubtest.Event{Action: "user.login", Raw: json.RawMessage(row.raw)})
			w.srv.Add(githubtest.Event{Action: "user.login", Actor: "editor-1"})
			page := w.poll(nil)
			if len(page.Malformed) != 1 || page.Malformed[0].Error() != row.want || len(page.Activities) != 1 {
				t.Fatalf("malformed %v and %d activities, want %q and one", page.Malformed, len(page.Activities), row.want)
			}
			w.Pass(time.Minute)
			if again := w.poll(page.Cursor); len(again.Malformed) != 0 {
				t.Errorf("told again: %v", again.Malformed)
			}
		})
	}
}

// A server of one's own may send no id; the event's own bytes are one then.
func TestEventWithoutID(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	e := githubtest.Event{ID: "-", Action: "user.login", Actor: "editor-1"}
	first := w.one(e)
	w.Pass(time.Second)
	again := w.poll(nil)
	if !strings.HasPrefix(first.ID, "sha256:") || len(again.Activities) != 1 || again.Activities[0].ID != first.ID {
		t.Errorf("ids %q and %v, want one of its bytes, twice", first.ID, ids(again.Activities))
	}
}

func TestLargeRaw(t *testing.T) {
	w := newWorld(t, githubtest.Options{})
	got := w.one(githubtest.Event{Action: "org.disable_saml", Actor: "editor-1", More: map[string]any{"name": strings.Repeat("x", 300<<10)}})
	if len(got.Raw) != 0 || got.Validate() != nil || w.c.Counts().RawDropped != 1 {
		t.Errorf("raw of %d bytes, %v, %d counted; want none, whole, one", len(got.Raw), got.Validate(), w.c.Counts().RawDropped)
	}
}

// TestShows logs an event of every kind, in the log of an enterprise and in
// that of an organisation, which has fewer.
func TestShows(t *testing.T) {
	for name, row := range map[string]struct {
		change  []func(*Config)
		actions []string
	}{
		"org": {nil, []string{"org.sso_response", "org.disable_saml", "public_key.create", "public_key.delete", "org.update_member"}},
		"enterprise": {[]func(*Config){ofEnterprise}, []string{
			"user.login", "user.failed_login", "user.logout", "user.change_password", "two_factor_authentication.enabled",
			"org.disable_saml", "public_key.create", "public_key.delete", "org.update_member",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{}, row.change...)
			for _, action := range row.actions {
				w.srv.Add(githubtest.Event{Action: action, Actor: "editor-1"})
			}
			all, _ := w.drain(nil)
			collectortest.Shown(t, w.cfg.Shows(), all)
		})
	}
	lack, shown := Config{Org: "acme"}.Shows().Kind(activity.KindLoginFailure)
	if want := (collectors.Lack{
		Why:  "an organisation's audit log tells no more of logins than answers of its single sign-on",
		Mend: "read the log of the enterprise (enterprise in place of org), which has them of managed users",
	}); shown || lack != want {
		t.Errorf("failed logins of an organisation: %t, %+v", shown, lack)
	}
}
